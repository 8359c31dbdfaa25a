// A live run at a broker in a test: its slices, and both of its jobs played by hand.
import type pg from 'pg';
import { addMs, type EasternUs, formatEastern } from '../../../core/eastern_time.ts';
import { type Jobs, playJobs } from './desk_jobs.ts';
import { eastern } from './market.ts';
import { attachRun, type TestRun } from './runs.ts';
import type { Scenario } from './scenario.ts';

export interface Desk extends Jobs {
  readonly account: string;
  run(): TestRun;
  /** One slice, with facts up to that very time; a sound reconciliation goes before it, unless the desk was opened without. */
  to(time: string): Promise<void>;
  /** Goes on over another connection. */
  attach(client: pg.Client): void;
  /** Closes the run and goes on with a new one. */
  replaceRun(time: string): Promise<void>;
  /** A time of the scenario's day as the database has it. */
  at(time: string): string;
}

export interface DeskOptions {
  readonly client: pg.Client;
  readonly settings?: Readonly<Record<string, unknown>>;
  /** Start of the run; default 10:04. */
  readonly from?: string;
  /** End of the run; default midnight after the scenario's day. */
  readonly to?: string;
  readonly isReconciled?: boolean;
  /** False leaves out the check that lets entries pass. */
  readonly isReady?: boolean;
}

let desks = 0;

/** Opens a live run of vwap_ma9 at Schwab on an account of its own, with its gates open. */
export async function openDesk(scenario: Scenario, options: DeskOptions): Promise<Desk> {
  desks += 1;
  const account = `desk-${desks}`;
  const { settings = {}, from = '10:04', isReconciled = true, isReady = true, to = null } = options;
  const at = (time: string): string => formatEastern(scenario.at(time));
  let { client } = options;
  const open = async (start: string): Promise<TestRun> =>
    attachRun(client, await openLive(client, { scenario, account, settings, from: start, to }));
  let run = await open(from);
  const fence = "select trade.take_fence($1, 'test', $2) as epoch";
  const { rows } = await client.query<{ epoch: number }>(fence, [account, at(from)]);
  if (isReady) {
    const check = `
      insert into ops.readiness_checks (ts, name, ok, detail)
      select ts, 'broker', true, 'test' from generate_series($1::timestamp, $1::timestamp + interval '8 hours', interval '1 minute') as ts`;
    await client.query(check, [at(from)]);
  }
  return {
    ...playJobs({ account, at, client: () => client }, rows[0]?.epoch as number),
    ...{ account, at },
    run: () => run,
    to: async (time) => {
      const note = "select trade.note_reconciled($1, $2, true, 'test')";
      if (isReconciled) await client.query(note, [account, at(time)]);
      await run.advance(scenario.at(time), scenario.at(time));
    },
    attach: (next) => {
      client = next;
      run = attachRun(next, run.id);
    },
    replaceRun: async (time) => {
      await client.query("select trade.close_run($1, 'failed', $2)", [run.id, at(time)]);
      run = await open(time);
    },
  };
}

/** Opens a live run for an account at Schwab; without an end it lasts until midnight. */
export async function openLive(
  client: pg.Client,
  of: { scenario: Scenario; account: string; settings: object; from: string; to: string | null },
): Promise<number> {
  const { scenario, account, settings, from, to } = of;
  const end: EasternUs = to === null ? addMs(scenario.at('00:00'), 86_400_000) : scenario.at(to);
  const { tickFeed, quoteFeed } = scenario.market;
  const { rows } = await client.query<{ id: number }>(
    "select trade.open_run('live', 'vwap_ma9', $1, $2, $3, $4, $5, 'schwab', 'test', $1) as id",
    [formatEastern(scenario.at(from)), formatEastern(end), tickFeed, quoteFeed, { account, ...settings }],
  );
  return rows[0]?.id as number;
}

const PX = "to_char(coalesce(o.limit_px_e4, o.stop_px_e4) / 10000.0, 'FM990.00')";

/** The orders of an account, e.g. `exit#1 buy 25 P600 limit 2.20 canceled 10`: what filled stands last. */
export async function ordersOf(client: pg.Client, desk: Pick<Desk, 'account'>): Promise<string[]> {
  const { rows } = await client.query<{ line: string }>(
    `select concat_ws(' ', o.purpose || '#' || o.attempt, o.side, o.qty, upper(left(n.option_kind, 1)) || trim_scale(n.strike_e4 / 10000.0),
       o.order_type, ${PX}, o.state, nullif(o.filled_qty, 0)) as line
     from trade.orders o join trade.runs r using (run_id) join ref.instruments n on n.instrument_id = o.instrument_id
     where r.account = $1 order by o.intent_id`,
    [desk.account],
  );
  return rows.map(({ line }) => line);
}

/** The slots of an account: when the position in each was decided, or null. */
export async function slotsOf(client: pg.Client, desk: Pick<Desk, 'account'>): Promise<(string | null)[]> {
  const { rows } = await client.query<{ ts: string | null }>(
    `select to_char(d.ts, 'HH24:MI:SS') as ts from trade.position_slots p left join trade.decisions d on d.decision_id = p.position_id
     where p.account = $1 order by p.slot`,
    [desk.account],
  );
  return rows.map(({ ts }) => ts);
}

/** The time of a day as a desk wants it, some milliseconds after another. */
export function later(time: string, ms: number): string {
  return formatEastern(addMs(eastern(`2026-06-17 ${time}`), ms)).slice(11);
}
