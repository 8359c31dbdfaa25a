// npm run grafana: writes dashboards and provisioning from their sources.
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { projectPath } from '../core/root.ts';
import { generatedFiles } from './files.ts';

for (const { path, text } of generatedFiles()) {
  const at = projectPath('grafana', path);
  mkdirSync(dirname(at), { recursive: true });
  writeFileSync(at, text);
  console.log(`grafana/${path}`);
}
