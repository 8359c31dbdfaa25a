// Another version meets the processes of the one before: nothing is changed beneath them.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { projectPath } from '../../core/root.ts';
import { startEmbedded } from '../../db/embedded.ts';
import { migrate } from '../../db/migrate.ts';
import { connect } from '../../db/pool.ts';

const folder = mkdtempSync(join(tmpdir(), 'strikebase-update-'));
const PORT = 55_431;

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

function status(): Promise<{ readonly code: number | null; readonly said: string }> {
  const child = spawn(process.execPath, [projectPath('bin', 'strikebase.js'), 'status'], {
    cwd: folder,
    env: {
      PATH: process.env.PATH ?? '',
      HOME: process.env.HOME ?? '',
      STRIKEBASE_DIR: join(folder, 'data'),
      STRIKEBASE_PORT: String(PORT),
    },
  });
  let said = '';
  child.stderr.on('data', (chunk) => {
    said += String(chunk);
  });
  return new Promise((resolve) => child.on('close', (code) => resolve({ code, said })));
}

test('the schema is left alone while processes of another version store or trade, and brought up to date once they have ended', async () => {
  const server = await startEmbedded({ dir: join(folder, 'data'), port: PORT, onNotice: () => undefined });
  try {
    await migrate(server.url);
    const atWork = await connect({ url: server.url, role: 'owner', name: 'ingest-options' });
    await atWork.query("update engine.routine_sets set sha256 = 'of another version'");
    const refused = await status();
    expect(refused.code).not.toBe(0);
    expect(refused.said).toContain('another version, and processes of that are at work: ingest-options');
    expect(refused.said).toContain('Stop them');
    const { rows } = await atWork.query('select distinct sha256 from engine.routine_sets');
    expect(rows).toEqual([{ sha256: 'of another version' }]);
    await atWork.end();
    const done = await status();
    expect(done.said).toContain('preparing the embedded database');
    expect(done.code).toBe(0);
  } finally {
    await server.stop();
  }
});
