// What a fault session plays on: both simulators in this process, and `strikebase start` with its processes beside it.
import { type ChildProcess, spawn } from 'node:child_process';
import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { STRATEGY } from '../../bench/live_stage.ts';
import { type SimulatedSchwab, startSimulatedSchwab, treeSettings } from '../../cli/simulated_schwab.ts';
import { type Clock, systemClock } from '../../core/clock.ts';
import { projectPath } from '../../core/root.ts';
import { type MassiveSimulator, startMassiveSimulator } from '../../sim/massive_server.ts';
import type { SessionArguments } from '../../sim/session.ts';
import { createSentLog, type SentLog } from './sent.ts';

export interface Stage {
  readonly clock: Clock;
  readonly market: MassiveSimulator;
  readonly schwab: SimulatedSchwab;
  readonly sent: SentLog;
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
  readonly folder: string;
  readonly url: string;
  readonly dataDir: string;
  readonly port: number;
  readonly seed: number;
  readonly session: SessionArguments;
}

const API_KEY = 'simulated';
const STEP_MS = 200;
const AGAIN_MS = 15_000;
// A vendor's day is never in order; what comes late by half a minute is rare.
const DISORDER = { again: 0.002, swapped: 0.002, late: 0.0001, decorated: 0.002 };

export async function openStage(options: StageOptions): Promise<Stage> {
  const { folder, seed, session, url, dataDir } = options;
  const clock = systemClock();
  const sent = createSentLog();
  const schwab = await startSimulatedSchwab({
    ...{ clock, seed, folder: join(folder, 'data'), ordersPerMinute: 120 },
    fees: { commission_e4: 6500, optRegFee_e4: 450, secFee_e4: 0, tafFee_e4: 33 },
    delays: { activateMs: 50, workMs: 50, fillMs: 100, cancelMs: 300, rejectMs: 300 },
  });
  const market = await startMassiveSimulator({
    ...{ ...session, seed, apiKey: API_KEY, speed: 1, stepMs: STEP_MS, pacing: 'free', prints: false },
    ...{ disorder: { seed, ...DISORDER }, onEvents: schwab.onEvents, onSent: sent.note },
  });
  const variables = variablesOf(options, market, schwab);
  let isEnding = false;
  let current: RunningTree | null = null;
  const start = (): RunningTree => startTree(folder, variables);
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
    ...{ clock, market, schwab, sent, dataDir, tree, start, end },
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
      await Promise.all([market.stop(), schwab.stop()]);
    },
  };
}

function variablesOf(
  { port }: StageOptions,
  market: MassiveSimulator,
  schwab: SimulatedSchwab,
): Record<string, string> {
  const { PATH = '', HOME = '', FAST_CLOCK = '', NODE_OPTIONS = '' } = process.env;
  return {
    ...{ PATH, HOME, FAST_CLOCK, NODE_OPTIONS },
    ...treeSettings(schwab, { ...market, apiKey: API_KEY, port }),
  };
}

function startTree(folder: string, env: Record<string, string>): RunningTree {
  return run(['start', '--strategy', STRATEGY], folder, env, join(folder, 'tree.log'));
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
