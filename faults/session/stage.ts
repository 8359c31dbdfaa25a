// What a fault session plays on: the simulators in this process, and `strikebase start` with its processes beside it.
import { type ChildProcess, spawn } from 'node:child_process';
import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { type Clock, systemClock } from '../../core/clock.ts';
import { projectPath } from '../../core/root.ts';
import type { SessionArguments } from '../../sim/session.ts';
import type { SessionVenue, System } from './venue.ts';

export interface Stage {
  readonly clock: Clock;
  readonly system: System;
  readonly venue: SessionVenue;
  readonly dataDir: string;
  /** `strikebase start` that runs now; started again whenever it has ended. */
  tree(): RunningTree;
  /** Starts a tree; the first one is `tree()`. */
  start(): RunningTree;
  /** Runs another command; its exit code. */
  command(...args: string[]): Promise<number | null>;
  /** A query as the owner, on a connection of its own. */
  rows<Row extends pg.QueryResultRow>(text: string, values?: readonly unknown[]): Promise<Row[]>;
  /** Ends the tree as a service manager does. */
  end(): Promise<void>;
  close(): Promise<void>;
}

export interface RunningTree {
  readonly child: ChildProcess;
  said(): string;
  readonly ended: Promise<number | null>;
}

export interface StageOptions {
  readonly system: System;
  readonly folder: string;
  readonly url: string;
  readonly dataDir: string;
  readonly port: number;
  readonly seed: number;
  readonly session: SessionArguments;
}

const AGAIN_MS = 15_000;

export async function openStage(options: StageOptions): Promise<Stage> {
  const { folder, system, url, dataDir } = options;
  const clock = systemClock();
  const venue = await system.open({ ...options, clock });
  const { PATH = '', HOME = '', FAST_CLOCK = '', NODE_OPTIONS = '' } = process.env;
  const variables = { PATH, HOME, FAST_CLOCK, NODE_OPTIONS, ...venue.variables };
  let isEnding = false;
  let current: RunningTree | null = null;
  const start = (): RunningTree =>
    run(['start', '--strategy', system.strategy], folder, variables, join(folder, 'tree.log'));
  const keep = (): void => {
    const tree = start();
    current = tree;
    void tree.ended.then(async () => {
      if (isEnding) return;
      await clock.sleep(AGAIN_MS);
      if (!isEnding) keep();
    });
  };
  keep();
  const tree = (): RunningTree => current as RunningTree;
  const end = async (): Promise<void> => {
    isEnding = true;
    tree().child.kill('SIGTERM');
    await tree().ended;
  };
  return {
    ...{ clock, system, venue, dataDir, tree, start, end },
    command: async (...args) => run(args, folder, variables).ended,
    rows: async (text, values = []) => {
      const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 60_000 });
      client.on('error', () => undefined);
      await client.connect();
      try {
        return (await client.query({ text, values: [...values] })).rows;
      } finally {
        await client.end();
      }
    },
    close: async () => {
      isEnding = true;
      current?.child.kill('SIGKILL');
      await venue.stop();
    },
  };
}

function run(args: readonly string[], cwd: string, env: Record<string, string>, log?: string): RunningTree {
  const child = spawn(process.execPath, [projectPath('bin', 'strikebase.js'), ...args], { cwd, env });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk) => {
      said = (said + String(chunk)).slice(-100_000);
      if (log !== undefined) appendFileSync(log, String(chunk));
    });
  }
  const ended = new Promise<number | null>((resolve) => {
    child.on('close', (code) => resolve(code));
  });
  return { child, said: () => said, ended };
}
