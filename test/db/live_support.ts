// A short simulated session through the whole live path, and the rows of its run without their ids.
import type pg from 'pg';
import {
  playSimulatedSession,
  type SimulatedParts,
  type SimulatedSessionOptions,
} from '../../cli/simulated_session.ts';
import type { EasternUs } from '../../core/eastern_time.ts';
import { withClient } from '../../db/pool.ts';
import { type LiveFeeds, registerFeeds, simulatedFeeds } from '../../ingest/stream_feed.ts';
import type { LiveOutcome } from '../../jobs/live.ts';
import { at, session } from '../sim/sessions.ts';

export const UNDERLYING = 'QQQ';
export const STRATEGY = 'vwap_ma9';
const DATE = '2026-06-17';
/** The market of the tests: it opens as ever and is watched for half an hour. */
export const SHORT_MARKET = session(DATE, '09:30', '10:00');
/** Entries from 09:35, flat at 09:57, by the buffers of a session that really ends at 16:00. */
export const SHORT_WINDOW = { front_buffer_min: 5, back_buffer_min: 363 };
const STOP_AT = at(`${DATE} 10:00:01`);

export interface Played {
  readonly outcome: LiveOutcome;
  readonly feeds: LiveFeeds;
  readonly account: string;
}

export interface PlayOptions {
  readonly url: string;
  /** Names feeds and account. */
  readonly name: string;
  readonly seed?: number;
  readonly sliceSeconds?: number;
  /** Default `paper`. */
  readonly broker?: 'paper' | 'schwab';
  readonly onStart?: SimulatedSessionOptions['onStart'];
  readonly onStep?: (now: EasternUs, parts: SimulatedParts) => Promise<void>;
  /** Asked after each slice whether to stop there. */
  readonly isOver?: () => Promise<boolean>;
}

/** Plays the half-hour; the run ends as stopped. */
export async function playShort(options: PlayOptions): Promise<Played> {
  const { url, name, seed = 1, broker = 'paper', sliceSeconds } = options;
  const feeds = simulatedFeeds(name);
  const account = `account-${name}`;
  await withClient({ url, role: 'ingest_writer', name: 'test' }, (client) =>
    registerFeeds(client, feeds, UNDERLYING),
  );
  const ending = new AbortController();
  let parts: SimulatedParts | null = null;
  const outcome = await playSimulatedSession({
    databaseUrl: url,
    session: SHORT_MARKET,
    ...{ seed, broker },
    speed: 'max',
    feeds,
    underlying: UNDERLYING,
    strategy: STRATEGY,
    settings: { account, ...SHORT_WINDOW },
    strikes: 7,
    ...(sliceSeconds === undefined ? {} : { sliceSeconds }),
    signal: ending.signal,
    onStart: async (started) => {
      parts = started;
      await options.onStart?.(started);
    },
    onStep: async (now) => {
      await options.onStep?.(now, parts as unknown as SimulatedParts);
      if (now >= STOP_AT || (await options.isOver?.())) ending.abort();
    },
  });
  return { outcome, feeds, account };
}

export interface RunRows {
  readonly periods: readonly unknown[];
  readonly signals: readonly unknown[];
  readonly decisions: readonly unknown[];
  readonly intents: readonly unknown[];
  readonly fills: readonly unknown[];
}

const IDS =
  "array['run_id', 'decision_id', 'position_id', 'intent_id', 'fill_id', 'account', 'execution_id', 'depends_on_id']";

/** Everything that a run decided, by natural keys; first revisions only. `without` leaves columns out of the comparison. */
export async function rowsOfRun(
  pool: pg.Pool,
  runId: number,
  without: readonly string[] = [],
): Promise<RunRows> {
  const read = async (table: string, order: string, where = 'true'): Promise<unknown[]> => {
    const { rows } = await pool.query(
      `select to_jsonb(t) - ${IDS} - $2::text[] as row from ${table} t where t.run_id = $1 and ${where} order by ${order}`,
      [runId, without],
    );
    return rows.map((each) => each.row);
  };
  return {
    periods: await read('signal.periods', 't.ts', 't.revision = 0'),
    signals: await read('signal.signals', 't.ts'),
    decisions: await read('trade.decisions', 't.ts, t.kind, t.decision_id'),
    intents: await read('trade.order_intents', 't.ts, t.purpose, t.attempt, t.intent_id'),
    fills: await read('trade.fills', 't.ts, t.side'),
  };
}

/** Numbers of stored rows of the feeds. */
export async function storedRows(pool: pg.Pool, feeds: LiveFeeds): Promise<Record<string, number>> {
  const { rows } = await pool.query(
    `select
       (select count(*) from market.equity_ticks t join ref.feeds f using (feed_id) where f.name = $1)::integer as ticks,
       (select count(*) from market.option_quotes q join ref.feeds f using (feed_id) where f.name = $2)::integer as quotes,
       (select count(*) from market.option_trades q join ref.feeds f using (feed_id) where f.name = $2)::integer as trades,
       (select sum(m.rows_in) from ops.stream_marks m join ref.feeds f using (feed_id) where f.name in ($1, $2))::integer as marked`,
    [feeds.ticks.name, feeds.quotes.name],
  );
  return rows[0];
}
