// A database that every panel has something to show of: a live simulated half-hour, a backtest, a replay that has stopped with a position open, and a
// few rows of what only long operation brings.
import { systemClock } from '../../../core/clock.ts';
import { type EasternUs, formatEastern } from '../../../core/eastern_time.ts';
import { connect, withClient } from '../../../db/pool.ts';
import { advance } from '../../../jobs/advance.ts';
import { advanceThrough, backtestSteps, openRun, sessionsIn } from '../../../jobs/run.ts';
import type { TestDatabase } from '../../harness.ts';
import { playShort } from '../live_support.ts';
import { addSampleMarket, at, SAMPLE_FEED, SAMPLE_QUOTES } from '../sample_market.ts';
import { createChainMarket } from '../support/vertical_market.ts';

export interface Seeded {
  /** Names in panel.run_choices. */
  readonly live: string;
  readonly backtest: string;
  readonly replay: string;
  readonly spreads: string;
  readonly backtestId: number;
}

/** Days of the backtest, of the replay's only session, and the live half-hour. */
export const BACKTEST_DAYS = { from: at('2025-10-06'), to: at('2025-10-08') } as const;
export const LIVE_DAY = { from: at('2026-06-17 09:00'), to: at('2026-06-17 16:00') } as const;

const OPERATION_SQL = `
  insert into ops.feed_gaps (feed_id, stream, ts_from, ts_to, cause, ts_opened, rows_filled, ts_filled)
  select min(m.feed_id), 'equities', '2026-06-17 09:40', '2026-06-17 09:41', 'disconnect', '2026-06-17 09:41', 60, '2026-06-17 09:42' from ops.stream_marks m;
  insert into ops.feed_completeness (
    feed_id, instrument_id, ts, session_date, rows_ours, rows_vendor, volume_ours_e6, volume_vendor_e6, ts_checked
  )
  select min(m.feed_id), min(i.instrument_id), '2026-06-17 09:40', '2026-06-17', 59, 60, 99, 100, '2026-06-17 17:00'
  from ops.stream_marks m, ref.instruments i;
  insert into ops.readiness_checks (ts, name, ok, detail) values
    ('2026-06-17 09:00', 'broker token', true, 'the login lives 5 d 3 h'), ('2026-06-17 09:00', 'database', true, 'answers');
  insert into ops.latency_samples (ts, stage, micros)
  select timestamp '2026-06-17 09:30' + n * interval '1 second', 'advance', 1000 + n from generate_series(1, 100) n;
  insert into ops.imports (ts, file, sha256, feed_id, rows_in, rows_duplicate, rows_rejected)
  select '2026-06-17 08:00', 'bars.csv', 'x', min(f.feed_id), 10, 0, 0 from ref.feeds f;
  insert into trade.reconciliations (account, ts, is_ok, detail) values ('account-grafana', '2026-06-17 09:45', true, 'all as ours');
  insert into ops.feed_rates (feed_id, stream, ts, frames, events, bytes, symbols, burst_100ms, lag_p50_ms, lag_p99_ms, lag_max_ms, spooled_bytes)
  select m.feed_id, m.stream, timestamp '2026-06-17 09:31' + n * interval '1 minute', 10, 600, 9000, 3, 9, 20, 90, 120, 0
  from ops.stream_marks m cross join generate_series(0, 9) n
  on conflict do nothing`;

// A chain as it stands in the quotes, and what is derived from it.
const CHAIN_SQL = `
  insert into market.equity_ticks (
    instrument_id, feed_id, ts_event, seq, event_ns, span_ms, open_e4, high_e4, low_e4, close_e4, vwap_e6, vwap_is_typical, volume_e6, ts_recv
  )
  select x.instrument_id, f.feed_id, '2025-10-07 09:59', 0, 0, 0, v.e4, v.e4, v.e4, v.e4, v.e4 * 100::bigint, false, 0, '2025-10-07 09:59'
  from (values ('VIX', 170000), ('VIX9D', 160000)) v (symbol, e4)
  cross join lateral ref.instrument_ids(array[v.symbol], 'index') x
  cross join ref.feeds f where f.name = $1;
  with snapshot as (
    insert into market.chain_snapshots (underlying_id, feed_id, ts_event, expiration, underlying_px_e4, ts_recv)
    select i.instrument_id, ref.feed_id('chains', 'chain', 0, 'simulated', 90000), '2025-10-07 10:00', '2025-10-10', 60000000, '2025-10-07 10:00'
    from ref.instruments i where i.symbol = 'SPX'
    returning snapshot_id
  )
  insert into market.option_snapshots (snapshot_id, instrument_id, bid_px_e4, ask_px_e4, open_interest)
  select s.snapshot_id, i.instrument_id, q.bid_px_e4, q.ask_px_e4, case i.option_kind when 'call' then 150 else 100 end
  from snapshot s, ref.instruments i, market.option_quotes q
  where i.root = 'SPXW' and i.expiration = '2025-10-10' and q.instrument_id = i.instrument_id and q.ts_event = '2025-10-07 10:00';
  select market.store_context('SPX', 'chains', $1, '2025-10-07 10:00', '2025-10-07 10:01')`;

/** A backtest of spreads over the same days, and a snapshot of their chain. */
async function seedSpreads(database: TestDatabase): Promise<number> {
  const owner = await connect({ url: database.url(), role: 'owner', name: 'test' });
  const market = await createChainMarket(owner, {
    days: [
      { date: '2025-10-06', from: 6000, to: 5990 },
      { date: '2025-10-07', from: 6000, to: 5900 },
    ],
    expirations: ['2025-10-08', '2025-10-10', '2025-10-13'],
    everyMin: 15,
  });
  for (const text of CHAIN_SQL.split(';\n')) await owner.query(text.replaceAll('$1', `'${market.tickFeed}'`));
  await owner.end();
  const { tickFeed, quoteFeed } = market;
  const settings = { take_profit_ratio: '0.95' };
  return runBacktest(database.url(), { strategy: 'spx_credit_vertical', tickFeed, quoteFeed, settings });
}

/** The backtest and the replay alone, in a few seconds. */
export async function seedRecorded(database: TestDatabase): Promise<Omit<Seeded, 'live'>> {
  const spreadsId = await seedSpreads(database);
  await addSampleMarket(database.pool());
  const backtestId = await runBacktest(database.url());
  const replayId = await stopHolding(database, backtestId);
  return {
    backtestId,
    backtest: await choiceOf(database, backtestId),
    replay: await choiceOf(database, replayId),
    spreads: await choiceOf(database, spreadsId),
  };
}

/** Everything; takes about ten seconds. */
export async function seed(database: TestDatabase): Promise<Seeded> {
  const recorded = await seedRecorded(database);
  const { outcome } = await playShort({ url: database.url(), name: 'grafana' });
  await database.pool().query(OPERATION_SQL);
  return { ...recorded, live: await choiceOf(database, outcome.runId) };
}

async function choiceOf(database: TestDatabase, runId: number): Promise<string> {
  const text = 'select choice from panel.run_choices where run_id = $1';
  const { rows } = await database.pool().query<{ choice: string }>(text, [runId]);
  return rows[0]?.choice ?? '';
}

const SAMPLE_RUN = {
  ...{ strategy: 'vwap_ma9', tickFeed: SAMPLE_FEED, quoteFeed: SAMPLE_QUOTES },
  settings: {} as Readonly<Record<string, string>>,
};

async function runBacktest(url: string, what: typeof SAMPLE_RUN = SAMPLE_RUN): Promise<number> {
  return withClient({ url, role: 'job_runner', name: 'test' }, async (client) => {
    const clock = systemClock();
    const run = await openRun(client, { mode: 'backtest', ...BACKTEST_DAYS, ...what }, clock);
    const steps = backtestSteps(run, await sessionsIn(client, run));
    await advanceThrough(client, run, steps, { clock, signal: new AbortController().signal, speed: null });
    return run.runId;
  });
}

/** A replay of the backtest's first day that stands a minute after an entry. */
async function stopHolding(database: TestDatabase, backtestId: number): Promise<number> {
  const { rows } = await database.pool().query<{ ts: string }>(
    `select (t.ts_entry + interval '1 minute')::text as ts from panel.round_trips t
     where t.run_id = $1 and t.minutes_held > 2 order by t.ts_entry limit 1`,
    [backtestId],
  );
  const client = await connect({ url: database.url(), role: 'job_runner', name: 'test' });
  const clock = systemClock();
  const to: EasternUs = at(rows[0]?.ts ?? '');
  const request = { mode: 'replay', strategy: 'vwap_ma9', ...BACKTEST_DAYS, settings: {} } as const;
  const run = await openRun(client, { ...request, tickFeed: SAMPLE_FEED, quoteFeed: SAMPLE_QUOTES }, clock);
  await advance(client, { runId: run.runId, to, asOf: clock.now() });
  await client.end();
  return run.runId;
}

/** An Eastern time as the instant that Grafana's range would name. */
export function instant(us: EasternUs): Date {
  const offset = new Intl.DateTimeFormat('en-US', {
    timeZone: 'America/New_York',
    timeZoneName: 'longOffset',
  });
  const guess = new Date(us / 1000 + 5 * 3_600_000);
  const zone = offset.formatToParts(guess).find(({ type }) => type === 'timeZoneName')?.value ?? '';
  return new Date(`${formatEastern(us).replace(' ', 'T')}${zone.replace('GMT', '')}`);
}
