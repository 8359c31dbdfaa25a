// `strikebase ingest` as processes of a test file, on a market that is open now.
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach } from 'vitest';
import { projectPath } from '../../../core/root.ts';
import type { MassiveSimulator, MassiveSimulatorOptions } from '../../../sim/massive_server.ts';
import { eventually } from '../../harness.ts';
import { API_KEY, openMarket } from './market_now.ts';

export interface Ingester {
  readonly child: ChildProcess;
  /** Standard error so far. */
  err(): string;
  readonly ended: Promise<{ readonly code: number | null; readonly signal: string | null }>;
  /** Waits until it has said something. */
  saying(text: RegExp): Promise<void>;
}

export interface Ingesters {
  /** Starts a market for the ingesters to come. */
  open(options?: Partial<MassiveSimulatorOptions>): Promise<MassiveSimulator>;
  /** Starts one; `killAt` is a fault point and the time that it is passed, e.g. `before_commit:3`. */
  readonly ingest: (args: readonly string[], killAt?: string) => Ingester;
  killAll(): void;
}

/** Ingesters with a folder of their own, on the database of `url`. Skips the tests where the program is not compiled. */
export function useIngesters(url: () => string): Ingesters {
  const children = new Set<ChildProcess>();
  let folder = '';
  let market: MassiveSimulator | null = null;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'strikebase-ingest-'));
  });
  afterAll(() => {
    rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
  });
  beforeEach(({ skip }) => {
    skip(!existsSync(projectPath('dist', 'cli', 'ingest.js')), 'needs the compiled program: npm run build');
  });

  function ingest(args: readonly string[], killAt = ''): Ingester {
    const child = spawn(
      process.execPath,
      [projectPath('test', 'db', 'ingest', 'ingest_child.mjs'), ...args],
      {
        cwd: folder,
        env: {
          PATH: process.env.PATH ?? '',
          HOME: process.env.HOME ?? '',
          DATABASE_URL: url(),
          STRIKEBASE_DIR: join(folder, 'data'),
          MASSIVE_API_KEY: API_KEY,
          MASSIVE_WS_URL: market?.wsUrl,
          MASSIVE_REST_URL: market?.restUrl,
          KILL_AT: killAt,
        },
      },
    );
    children.add(child);
    let err = '';
    child.stderr.on('data', (chunk) => {
      err += String(chunk);
    });
    const ended = new Promise<{ code: number | null; signal: string | null }>((resolve) => {
      child.on('close', (code, signal) => {
        children.delete(child);
        resolve({ code, signal });
      });
    });
    const saying = (text: RegExp): Promise<void> =>
      eventually(
        () => {
          if (!text.test(err)) throw new Error(`it has not said ${text} but:\n${err}`);
        },
        { timeoutMs: 30_000 },
      );
    return { child, err: () => err, ended, saying };
  }

  return {
    open: async (options) => {
      market = await openMarket(options);
      return market;
    },
    ingest,
    killAll: () => {
      for (const child of children) child.kill('SIGKILL');
    },
  };
}
