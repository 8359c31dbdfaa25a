// A live tree of processes on simulators that are open now: for the kill tests and for the times that a recovery takes.
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { type SimulatedSchwab, startSimulatedSchwab, treeSettings } from '../cli/simulated_schwab.ts';
import { systemClock } from '../core/clock.ts';
import { addMs, dateOf, type EasternUs, formatEastern } from '../core/eastern_time.ts';
import { projectPath } from '../core/root.ts';
import { stopServer } from '../db/embedded/postmaster.ts';
import { startEmbedded } from '../db/embedded.ts';
import { migrate } from '../db/migrate.ts';
import { type MassiveSimulator, startMassiveSimulator } from '../sim/massive_server.ts';
import type { SessionArguments } from '../sim/session.ts';

export const API_KEY = 'canary-live-9b27';
export const STRATEGY = 'vwap_ma9';
/** Of a tree at the simulated Schwab. */
export const ACCOUNT = 'schwab';
export const PROCESSES = [
  'ingest-equities',
  'ingest-options',
  'advance',
  'ready',
  'orders-submit',
  'orders-reconcile',
] as const;

export interface RunningTree {
  readonly child: ChildProcess;
  /** Everything that it and its processes said. */
  said(): string;
  readonly ended: Promise<{ readonly code: number | null; readonly signal: string | null }>;
}

export interface LiveStage {
  readonly market: MassiveSimulator;
  readonly schwab: SimulatedSchwab;
  readonly dataDir: string;
  /** `strikebase start`, with these variables besides. */
  start(environment?: Readonly<Record<string, string>>): RunningTree;
  /** A query as the owner, on a connection of its own. */
  rows<Row extends pg.QueryResultRow>(text: string, values?: readonly unknown[]): Promise<Row[]>;
  close(): Promise<void>;
}

// One signal at every close of a period: the gates alone decide whether it is traded.
const RULE_SQL = `
  create function signal.always(p_from timestamp, p_to timestamp, p_context signal.context) returns setof signal.signal_values
  language sql stable as $$
    select p.ts, p.session_date, 1::smallint, p.vwap_e6, p.ma_e6, p.session_vwap_e6, p.close_e4
    from signal.period_rows(p_from, p_to, p_context) p
    where p.vwap_e6 is not null and p.ts > p_from and p.ts <= p_to
    order by p.ts
  $$;
  grant execute on function signal.always(timestamp, timestamp, signal.context) to job_runner`;

// A position that is neither stopped out nor taken off: it has to be managed through everything that happens.
const SETTINGS = {
  signal_routine: 'signal.always',
  ...{ period_ms: 2000, ma_minutes: 2, front_buffer_min: 0, back_buffer_min: 0, contracts: 1 },
  ...{ exit_on_reverse: false, take_profit_ratio: 0.01, stop_loss_ratio: 20, cooldown_ms: 0 },
};

// On a machine that is busy with other tests.
const PATIENCE_MS = 40_000;
const SECOND_US = 1_000_000;
const MINUTE_US = 60 * SECOND_US;
const DAY_US = 86_400 * SECOND_US;
const clock = systemClock();

function wholeSecond(): EasternUs {
  const now = clock.now();
  return (now - (now % SECOND_US)) as EasternUs;
}

/** A session that opened some minutes ago, on a whole minute as all do, and closes in three hours, or at the end of the day. */
function sessionNow(): SessionArguments {
  const now = wholeSecond();
  const minute = (now - (now % MINUTE_US)) as EasternUs;
  const midnight = (now - (now % DAY_US)) as EasternUs;
  const tsClose = Math.min(addMs(now, 3 * 3_600_000), addMs(midnight, 86_399_000)) as EasternUs;
  const tsOpen = Math.max(addMs(minute, -180_000), midnight) as EasternUs;
  return { sessionDate: dateOf(now), tsOpen, tsClose, tsOptionClose: tsClose };
}

/** Makes the database, opens the market and the broker. */
export async function createLiveStage(options: { readonly port: number }): Promise<LiveStage> {
  const folder = mkdtempSync(join(tmpdir(), 'strikebase-live-'));
  const dir = join(folder, 'data');
  const session = sessionNow();
  const server = await startEmbedded({ dir, port: options.port });
  await prepare(server.url, session);
  await server.stop();
  const schwab = await startSimulatedSchwab({
    ...{ clock, folder: dir },
    delays: { activateMs: 20, workMs: 20, fillMs: 0, cancelMs: 100, rejectMs: 0 },
  });
  const market = await startMassiveSimulator({
    ...{ ...session, seed: 11, speed: 1, stepMs: 100, pacing: 'free', apiKey: API_KEY, strikesEachSide: 3 },
    ...{ from: wholeSecond(), onEvents: schwab.onEvents },
  });
  market.begin();
  const trees = new Set<RunningTree>();
  return {
    ...{ market, schwab, dataDir: server.dataDir },
    start: (environment = {}) => {
      const tree = startTree(folder, { ...variables(market, schwab, options.port), ...environment });
      trees.add(tree);
      return tree;
    },
    rows: async (text, values = []) => {
      const client = new pg.Client({ connectionString: server.url });
      client.on('error', () => undefined);
      await client.connect();
      try {
        return (await client.query({ text, values: [...values] })).rows;
      } finally {
        await client.end();
      }
    },
    close: async () => {
      for (const { child } of trees) child.kill('SIGKILL');
      await Promise.all([...trees].map(({ ended }) => ended));
      await stopServer(server.dataDir);
      await Promise.all([market.stop(), schwab.stop()]);
      rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

async function prepare(url: string, session: SessionArguments): Promise<void> {
  await migrate(url);
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  const { sessionDate, tsOpen, tsClose } = session;
  await client.query(
    `insert into ref.sessions (session_date, ts_open, ts_close, ts_option_close, is_early_close) values ($1, $2, $3, $3, false)
     on conflict (session_date) do update set
       ts_open = excluded.ts_open, ts_close = excluded.ts_close, ts_option_close = excluded.ts_option_close`,
    [sessionDate, formatEastern(tsOpen), formatEastern(tsClose)],
  );
  await client.query(RULE_SQL);
  await client.query('select trade.set_strategy($1, $2)', [STRATEGY, SETTINGS]);
  await client.end();
}

function variables(market: MassiveSimulator, schwab: SimulatedSchwab, port: number): Record<string, string> {
  return {
    PATH: process.env.PATH ?? '',
    HOME: process.env.HOME ?? '',
    ...treeSettings(schwab, { ...market, apiKey: API_KEY, port }),
  };
}

function startTree(cwd: string, env: Record<string, string>): RunningTree {
  const child = spawn(process.execPath, [projectPath('bin', 'strikebase.js'), 'start'], { cwd, env });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk) => {
      said += String(chunk);
    });
  }
  const ended = new Promise<{ code: number | null; signal: string | null }>((resolve) => {
    child.on('close', (code, signal) => resolve({ code, signal }));
  });
  return { child, said: () => said, ended };
}

/** Process ids of the tree by name, as its supervisor tells the database; those that are missing left out. */
export async function pidsOf(stage: Pick<LiveStage, 'rows'>): Promise<Readonly<Record<string, number>>> {
  const [beat] = await stage.rows<{ detail: string }>(
    "select detail from ops.heartbeats where process = 'supervisor'",
  );
  const found = (beat?.detail ?? '').matchAll(/([a-z-]+) (\d+)(?:, restarted \d+ x)?(?:; |$)/g);
  return Object.fromEntries([...found].map(([, name = '', pid]) => [name, Number(pid)]));
}

/** Process id of the database server. */
export function serverPid({ dataDir }: Pick<LiveStage, 'dataDir'>): number {
  return Number(readFileSync(join(dataDir, 'postmaster.pid'), 'utf8').split('\n')[0]);
}

/** What can be killed. */
export type Victim = (typeof PROCESSES)[number] | 'supervisor' | 'database';

/** Heartbeats by which each shows itself, in ops.heartbeats. */
const BEATS: Readonly<Record<Exclude<Victim, 'database'>, string>> = {
  'ingest-equities': 'ingest-equities',
  'ingest-options': 'ingest-options',
  advance: `live-${ACCOUNT}`,
  ready: 'ready',
  'orders-submit': `orders-${ACCOUNT}`,
  'orders-reconcile': `reconcile-${ACCOUNT}`,
  supervisor: 'supervisor',
};

const MANAGED_SQL = `
  select
    (select count(*)::integer from trade.open_positions($1)) as positions,
    (
      select count(*)::integer from trade.orders o join trade.runs r using (run_id)
      where r.account = $1 and o.purpose in ('protect', 'exit') and o.state in ('accepted', 'partially_filled')
    ) as armed,
    (
      select coalesce(jsonb_object_agg(h.process, h.pid), '{}') from ops.heartbeats h where h.ts > $2
    ) as alive,
    (
      select count(*)::integer from trade.slices s join trade.runs r using (run_id)
      where r.account = $1 and s.ts_as_of > $2
    ) as slices,
    (
      select coalesce(array_agg(distinct s.stream order by s.stream), '{}') from ops.feed_states s
      where s.state = 'live' and s.ts > $2
    ) as live_streams,
    (
      select coalesce(bool_or(c.is_ok), false) from trade.reconciliations c where c.account = $1 and c.ts > $2
    ) as is_reconciled`;

/** What shows that the position is managed, by what was written after an instant. */
export interface Managed {
  readonly positions: number;
  /** Stops and exits that work at the broker. */
  readonly armed: number;
  /** Process ids by heartbeat. */
  readonly alive: Readonly<Record<string, number>>;
  readonly slices: number;
  readonly live_streams: readonly string[];
  readonly is_reconciled: boolean;
}

export async function managedSince(stage: LiveStage, since: EasternUs): Promise<Managed> {
  const [row] = await stage.rows<Managed>(MANAGED_SQL, [ACCOUNT, formatEastern(since)]);
  return row as Managed;
}

/** True when the position is open and protected, and each of these processes has shown itself since, not as the one killed. */
function isManaged(managed: Managed, by: readonly Victim[], killed: number | null): boolean {
  const { positions, armed, alive, slices, live_streams, is_reconciled } = managed;
  const isBack = (victim: Victim): boolean => {
    if (victim === 'database') return slices > 0;
    const pid = alive[BEATS[victim]];
    if (pid === undefined || pid === killed) return false;
    if (victim === 'advance') return slices > 0;
    if (victim === 'orders-reconcile') return killed === null || is_reconciled;
    const stream = /^ingest-(.*)/.exec(victim)?.[1];
    return stream === undefined || killed === null || live_streams.includes(stream);
  };
  return positions === 1 && armed >= 1 && by.every(isBack);
}

/** Those that write a sign of life every second. */
const QUICK: readonly Victim[] = ['advance', 'orders-submit', 'orders-reconcile', 'supervisor'];

/** Waits until the position is managed by these processes; returns the milliseconds. */
export async function untilManaged(
  stage: LiveStage,
  tree: RunningTree,
  of: { readonly since: EasternUs; readonly by: readonly Victim[]; readonly killed?: number },
): Promise<number> {
  const began = performance.now();
  let last: unknown = null;
  while (performance.now() - began < PATIENCE_MS) {
    try {
      last = await managedSince(stage, of.since);
      if (isManaged(last as Managed, of.by, of.killed ?? null)) return performance.now() - began;
    } catch (error) {
      last = String(error);
    }
    await delay(20);
  }
  throw new Error(`not managed after ${PATIENCE_MS} ms: ${JSON.stringify(last)}\n${tree.said()}`);
}

/** Kills one process of the tree, or the database server, with SIGKILL; returns the milliseconds until the position is managed again. */
export async function killOne(stage: LiveStage, tree: RunningTree, victim: Victim): Promise<number> {
  const pid = victim === 'database' ? serverPid(stage) : (await pidsOf(stage))[victim];
  if (pid === undefined) throw new Error(`${victim} does not run`);
  const since = clock.now();
  process.kill(pid, 'SIGKILL');
  return untilManaged(stage, tree, {
    since,
    by: victim === 'database' ? [...QUICK, victim] : [victim],
    killed: pid,
  });
}
