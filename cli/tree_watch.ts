// What the operator sees of a tree of processes, and what the database is told of it: all read from, or written to, the database.
import type pg from 'pg';
import type { Clock } from '../core/clock.ts';
import { addMs, type EasternUs, formatEastern } from '../core/eastern_time.ts';
import { writeHeartbeat } from '../db/heartbeat.ts';
import { type LastingConnection, lastingConnection } from '../db/lasting_connection.ts';
import type { RunWatch, StreamsLook, WatchedRun } from './run_watch.ts';
import type { ChildState } from './supervisor.ts';
import type { Trading } from './trading.ts';

const PRICE_LOOK_BACK_MS = 15 * 60_000;

const LAST_RUN_SQL = `
  select r.run_id, r.ts_ended is not null as is_over
  from trade.runs r
  where r.account = $1 and r.mode = 'live'
  order by r.run_id desc
  limit 1`;

const LOOK_SQL = `
  select
    (
      select t.close_e4 from market.equity_ticks t
      where t.instrument_id = (select i.instrument_id from ref.instruments i where i.symbol = $1)
        and t.feed_id = (select f.feed_id from ref.feeds f where f.name = $2) and t.ts_event >= $4
      order by t.ts_event desc, t.seq desc
      limit 1
    ) as price_e4,
    (select sum(s.rows_in)::bigint from panel.streams s where s.feed = $2) as ticks,
    (select sum(s.rows_in)::bigint from panel.streams s where s.feed = $3) as quotes,
    (
      select string_agg(s.stream || ' ' || coalesce(s.state, 'unknown'), ', ' order by s.stream)
      from panel.streams s where s.feed in ($2, $3)
    ) as feeds`;

const CHECK_SQL = "insert into ops.readiness_checks (ts, name, ok, detail) values ($1, 'processes', $2, $3)";

interface LookRow {
  readonly price_e4: number | null;
  readonly ticks: number | null;
  readonly quotes: number | null;
  readonly feeds: string | null;
}

export interface LastRun {
  readonly run_id: number;
  readonly is_over: boolean;
}

export interface Desk {
  /** Reads and writes as job_runner, over a connection that outlives the database's restarts. */
  readonly connection: LastingConnection;
  readonly trading: Trading;
  readonly clock: Clock;
}

/** Opens the connection; `signal` gives up waiting for a lost database. */
export async function openTreeDesk(
  url: string,
  of: { readonly trading: Trading; readonly clock: Clock; readonly signal: AbortSignal },
): Promise<Desk> {
  const connection = await lastingConnection({
    ...{ url, role: 'job_runner', name: 'supervisor', signal: of.signal },
    prepare: async (client) => {
      await client.query("set datestyle = 'iso, ymd'");
    },
  });
  return { connection, trading: of.trading, clock: of.clock };
}

/** The last live run of the account; null before the first. */
export async function lastRun({ connection, trading }: Desk): Promise<LastRun | null> {
  const { rows } = await connection.run((client) =>
    client.query<LastRun>({ name: 'last_run', text: LAST_RUN_SQL, values: [trading.account] }),
  );
  return rows[0] ?? null;
}

/** A run as the view wants it; rows are counted from the first look on. */
export function runOfTree({ connection, trading }: Desk, runId: number): WatchedRun {
  const { account, underlying, feeds } = trading;
  let first: { readonly ticks: number; readonly quotes: number } | null = null;
  const ask = async (client: pg.ClientBase, now: EasternUs): Promise<StreamsLook> => {
    const since = formatEastern(addMs(now, -PRICE_LOOK_BACK_MS));
    const values = [underlying, feeds.ticks.name, feeds.quotes.name, since];
    const { rows } = await client.query<LookRow>({ name: 'tree_look', text: LOOK_SQL, values });
    const { price_e4 = null, ticks, quotes, feeds: states } = rows[0] ?? {};
    const seen = { ticks: ticks ?? 0, quotes: quotes ?? 0 };
    first ??= seen;
    return {
      price_e4,
      rows: { equities: seen.ticks - first.ticks, options: seen.quotes - first.quotes },
      feeds: states ?? 'nothing has come yet',
    };
  };
  return { runId, account, look: (now) => connection.run((client) => ask(client, now)) };
}

/** Follows the account's live run: the view begins and ends with it. Returns the run that is still shown when it is told to end. */
export async function followRun(
  desk: Desk,
  watch: RunWatch,
  options: {
    readonly signal: AbortSignal;
    readonly everyMs: number;
    readonly onBegin: (runId: number) => void;
    readonly onOver: (runId: number) => Promise<void>;
  },
): Promise<number | null> {
  const { clock } = desk;
  const { signal, everyMs, onBegin, onOver } = options;
  let shown: number | null = null;
  while (!signal.aborted) {
    const run = await lastRun(desk);
    if (shown !== null && (run?.run_id !== shown || run.is_over)) {
      await watch.end(clock.now());
      await onOver(shown);
      shown = null;
    }
    if (shown === null && run !== null && !run.is_over) {
      shown = run.run_id;
      onBegin(shown);
      watch.begin(runOfTree(desk, shown));
    }
    // The view must never end the trading.
    await watch.update(clock.now()).catch(() => undefined);
    await clock.sleep(everyMs, signal);
  }
  return shown;
}

/** Tells the database of the tree: a sign of life, and a check that is red while a process is missing. */
export function treeReporter({ connection, clock }: Desk): {
  beat(states: readonly ChildState[], state: string): Promise<void>;
} {
  let told = '';
  return {
    beat: async (states, state) => {
      const at = clock.now();
      const now = formatEastern(at);
      const detail = states.map(describeChild).join('; ');
      await connection.run((client) => writeHeartbeat(client, { process: 'supervisor', at, state, detail }));
      const missing = states.filter(({ pid, isAside }) => pid === null && !isAside);
      const found = describeTree(states, missing);
      // While all are told to end nobody is missing.
      if (found === told || state !== 'supervising' || states.length === 0) return;
      await connection.run((client) => client.query(CHECK_SQL, [now, missing.length === 0, found]));
      told = found;
    },
  };
}

function describeTree(states: readonly ChildState[], missing: readonly ChildState[]): string {
  if (missing.length > 0) return missing.map(describeChild).join('; ');
  const again = states.filter(({ restarts }) => restarts > 0);
  const counts = again.map(({ name, restarts }) => `${name} ${restarts} x`).join(', ');
  return `${states.length} processes run${counts === '' ? '' : `; restarted: ${counts}`}`;
}

function describeChild({ name, pid, restarts, ended }: ChildState): string {
  const again = restarts === 0 ? '' : `, restarted ${restarts} x`;
  return pid === null ? `${name} ${ended ?? 'not started'}${again}` : `${name} ${pid}${again}`;
}
