// `strikebase demo` and `strikebase start` as processes: they begin, end cleanly when told to, and can be started again.
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { projectPath } from '../../core/root.ts';

let folder = '';
const children = new Set<ChildProcess>();

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'strikebase-demo-'));
});

afterAll(() => {
  for (const child of children) child.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
});

beforeEach(({ skip }) => {
  skip(!existsSync(projectPath('dist', 'cli', 'main.js')), 'needs the compiled program: npm run build');
});

interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** Runs a command and sends the signal once its standard error matches. */
function runUntil(args: readonly string[], mark: RegExp, signal: NodeJS.Signals): Promise<Ended> {
  const child = spawn(process.execPath, [projectPath('bin', 'strikebase.js'), ...args], {
    cwd: folder,
    env: {
      PATH: process.env.PATH ?? '',
      HOME: process.env.HOME ?? '',
      STRIKEBASE_DIR: join(folder, 'data'),
      STRIKEBASE_PORT: '55430',
    },
  });
  children.add(child);
  let out = '';
  let err = '';
  let isTold = false;
  child.stdout.on('data', (chunk) => {
    out += String(chunk);
  });
  child.stderr.on('data', (chunk) => {
    err += String(chunk);
    if (isTold || !mark.test(err)) return;
    isTold = true;
    child.kill(signal);
  });
  return new Promise((resolve) => {
    child.on('close', (code) => {
      children.delete(child);
      resolve({ code, out, err });
    });
  });
}

describe('the demo', () => {
  it('ends cleanly on Ctrl-C with its figures so far, and runs again beside the first', async () => {
    const first = await runUntil(['demo', '--seed', '4'], /09:30 .*QQQ/, 'SIGINT');
    expect(first.err).not.toMatch(/error/i);
    expect(first.code).toBe(130);
    expect(first.out).toContain('seed 4, simulated quotes: stopped before its end');
    expect(first.out).toMatch(/Data: postgres:\/\/[^:@]+@127\.0\.0\.1:\d+\/strikebase/);
    expect(first.out).toContain('npx strikebase demo --seed 5');
    const second = await runUntil(['demo', '--seed', '4'], /09:30 .*QQQ/, 'SIGINT');
    expect([second.code, second.out.includes('run 2: live of vwap_ma9')]).toEqual([130, true]);
    const line = (text: string): string | undefined => /09:30 .*QQQ .*/.exec(text)?.[0];
    expect(line(second.err)).toBe(line(first.err));
  });

  it('explains a day without a session, and a seed that is none', async () => {
    const closed = await runUntil(['demo', '--date', '2026-06-19'], /never/, 'SIGINT');
    expect([closed.code, closed.err]).toEqual([2, expect.stringContaining('The next session is 2026-06-22')]);
    const seed = await runUntil(['demo', '--seed', 'x'], /never/, 'SIGINT');
    expect(seed.code).toBe(2);
  });
});

describe('the start without a key', () => {
  it('says that it is paper on a simulated market, ends on SIGTERM, and goes on with its run', async () => {
    const args = ['start', '--speed', 'max', '--seed', '4'];
    const first = await runUntil(args, /09:35 .*QQQ/, 'SIGTERM');
    expect(first.err).toContain('PAPER trading');
    expect(first.err).toContain('no POLYGON_API_KEY: simulated quotes, seed 4');
    expect(first.code).toBe(0);
    const second = await runUntil(args, /09:40 .*QQQ/, 'SIGTERM');
    expect(second.err).toMatch(/run \d+ goes on where it ended/);
    expect(second.code).toBe(0);
  });
});
