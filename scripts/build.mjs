// Compiles the TypeScript sources into dist/. `npm ci` runs it as `prepare`, where a missing compiler is
// explained and not fatal, so that an install without development packages still finishes.
import { spawnSync } from 'node:child_process';
import { existsSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const isPrepare = process.argv.includes('--prepare');

function findCompiler() {
  try {
    const manifest = createRequire(import.meta.url).resolve('typescript/package.json');
    const tsc = join(dirname(manifest), 'bin', 'tsc');
    return existsSync(tsc) ? tsc : null;
  } catch {
    return null;
  }
}

const tsc = findCompiler();
if (tsc === null) {
  process.stderr.write(
    'strikebase was not compiled: TypeScript is a development dependency and is not installed here.\n' +
      'Run `npm ci` (without --omit=dev), or copy dist/ from a machine where it was built.\n',
  );
  process.exit(isPrepare ? 0 : 1);
}
rmSync(join(root, 'dist'), { recursive: true, force: true });
const result = spawnSync(process.execPath, [tsc, '-p', join(root, 'tsconfig.build.json')], {
  stdio: 'inherit',
});
process.exit(result.status ?? 1);
