// Profit and loss against figures worked out by hand, and a fill traced back to its ticks.
import { beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../core/clock.ts';
import { connect } from '../../db/pool.ts';
import { advanceThrough, backtestSteps, openRun, sessionsIn } from '../../jobs/run.ts';
import { summarizeRun } from '../../jobs/run_summary.ts';
import { useDatabase } from '../harness.ts';
import { addSampleMarket, at, SAMPLE_DATES, SAMPLE_FEED, SAMPLE_QUOTES } from './sample_market.ts';

interface Trip {
  readonly entry: string;
  readonly exit: string | null;
  readonly sold: number;
  readonly bought: number | null;
  readonly qty?: number;
}

const DAY = '2025-10-06';
const FEE = 1.5;

describe('P/L from fills entered by hand', () => {
  const db = useDatabase();
  let runId = 0;

  async function rows<Row>(text: string, values: readonly unknown[] = []): Promise<Row[]> {
    return (await db.pool().query(text, [...values])).rows as Row[];
  }

  async function one<Row>(text: string, values: readonly unknown[] = []): Promise<Row> {
    const [row] = await rows<Row>(text, values);
    if (row === undefined) throw new Error('no row');
    return row;
  }

  async function addTrip(trip: Trip): Promise<void> {
    const { qty = 10 } = trip;
    const entry = await one<{ id: string }>(
      `insert into trade.decisions (run_id, ts, kind, verdict, reason, session_date, direction, instrument_id)
       select $1, $2, 'entry', 'TRADE', 'cross_up', $3, 1, i.instrument_id from ref.instruments i where i.kind = 'option'
       returning decision_id as id`,
      [runId, `${DAY} ${trip.entry}`, DAY],
    );
    await addFill(entry.id, entry.id, { ts: trip.entry, side: 'sell', effect: 'open', qty, px: trip.sold });
    if (trip.exit === null || trip.bought === null) return;
    const exit = await one<{ id: string }>(
      `insert into trade.decisions (run_id, ts, kind, verdict, reason, session_date, position_id)
       values ($1, $2, 'exit', 'TRADE', 'reverse', $3, $4) returning decision_id as id`,
      [runId, `${DAY} ${trip.exit}`, DAY, entry.id],
    );
    await addFill(entry.id, exit.id, { ts: trip.exit, side: 'buy', effect: 'close', qty, px: trip.bought });
  }

  async function addFill(
    positionId: string,
    decisionId: string,
    fill: { ts: string; side: string; effect: string; qty: number; px: number },
  ): Promise<void> {
    const intent = await one<{ id: string }>(
      `insert into trade.order_intents (run_id, decision_id, position_id, attempt, purpose, ts, order_type, limit_px_e4, qty, slot)
       values ($1, $2, $3, 1, $4, $5, 'limit', $6, $7, 1) returning intent_id as id`,
      [
        runId,
        decisionId,
        positionId,
        fill.effect === 'open' ? 'entry' : 'exit',
        `${DAY} ${fill.ts}`,
        fill.px * 10_000,
        fill.qty,
      ],
    );
    await rows(
      `insert into trade.order_intent_legs (intent_id, decision_id, attempt, leg_no, instrument_id, side, effect, qty)
       select $1, $2, 1, 1, i.instrument_id, $3, $4, $5 from ref.instruments i where i.kind = 'option'`,
      [intent.id, decisionId, fill.side, fill.effect, fill.qty],
    );
    await rows(
      `insert into trade.fills (
         run_id, intent_id, position_id, leg_no, account, execution_id, ts, instrument_id, side, effect, qty, px_e4, commission, fees
       )
       select $1, $2::bigint, $3, 1, 'backtest-1', 'x' || $2::bigint, $4, i.instrument_id, $5, $6, $7, $8, 1, 0.5
       from ref.instruments i where i.kind = 'option'`,
      [runId, intent.id, positionId, `${DAY} ${fill.ts}`, fill.side, fill.effect, fill.qty, fill.px * 10_000],
    );
  }

  beforeAll(async () => {
    await db.pool().query(`
      select ref.instrument_ids(array['QQQ   251006C00600000'], 'option');
      select ref.feed_id('t', 'equity', 60000, 'recorded', 90000), ref.feed_id('q', 'option', 60000, 'modelled', 90000);
    `);
    const run = await one<{ id: string }>(
      `select trade.open_run('backtest', 'vwap_ma9', '2025-10-06', '2025-10-09', 't', 'q', '{}', 'paper', 'h', '2026-01-01') as id`,
    );
    runId = Number(run.id);
    await rows(
      `insert into trade.slices (run_id, ts_from, ts_to, ts_as_of, periods, revisions, signals, fills)
       values ($1, '2025-10-06', '2025-10-08', '2026-01-01', 0, 0, 0, 0)`,
      [runId],
    );
    // +1,000, -2,000 (the second 10 contracts for 15 minutes beside the first), +500, each less 3 dollars of fees.
    await addTrip({ entry: '10:00:00', exit: '10:30:00', sold: 2, bought: 1 });
    await addTrip({ entry: '10:20:00', exit: '10:45:00', sold: 1, bought: 3 });
    await addTrip({ entry: '10:45:00', exit: '11:00:00', sold: 1.5, bought: 1 });
    await addTrip({ entry: '11:30:00', exit: null, sold: 4, bought: null, qty: 5 });
  });

  it('adds up round trips by session: money, wins, drawdown, time in the market, notional', async () => {
    const [day] = await rows(
      `select session_date::text, trades, wins, gross, fees, net, max_drawdown, minutes_in_market, max_notional, contracts, quote_source
       from panel.daily_pl where run_id = $1 order by session_date limit 1`,
      [runId],
    );
    expect(day).toEqual({
      session_date: DAY,
      trades: 3,
      wins: 2,
      gross: '-500.00',
      fees: `${(6 * FEE).toFixed(4)}`,
      net: '-509.0000',
      // From +997 down to -1,006.
      max_drawdown: '2003.0000',
      // 10:00 to 11:00 without a gap; the overlap counts once.
      minutes_in_market: '60.00',
      // Two positions of 600 x 100 x 10.
      max_notional: '1200000.00',
      contracts: 30,
      quote_source: 'modelled',
    });
  });

  it('shows a session that the run has reached without a trade, and none that it has not', async () => {
    const days = await rows(
      'select session_date::text, trades, net from panel.daily_pl where run_id = $1 order by 1',
      [runId],
    );
    expect(days.slice(1)).toEqual([{ session_date: '2025-10-07', trades: 0, net: '0.0000' }]);
  });

  it('shows an open position beside the closed ones, not among them', async () => {
    expect(
      await rows('select qty, entry_px, notional, bid from panel.open_positions where run_id = $1', [runId]),
    ).toEqual([{ qty: '-5', entry_px: '4.0000', notional: '300000.00', bid: null }]);
    const [trips] = await rows('select count(*)::integer as n from panel.round_trips where run_id = $1', [
      runId,
    ]);
    expect(trips).toEqual({ n: 3 });
  });

  it('says how a round trip began and ended', async () => {
    const [trip] = await rows(
      `select ts_entry::text, ts_exit::text, entry_px, exit_px, gross, net, entry_reason, exit_reason, minutes_held, strike, option_kind
       from panel.round_trips where run_id = $1 order by ts_entry limit 1`,
      [runId],
    );
    expect(trip).toEqual({
      ts_entry: `${DAY} 10:00:00`,
      ts_exit: `${DAY} 10:30:00`,
      entry_px: '2.0000',
      exit_px: '1.0000',
      gross: '1000.00',
      net: '997.0000',
      entry_reason: 'cross_up',
      exit_reason: 'reverse',
      minutes_held: '30.00',
      strike: '600.00',
      option_kind: 'call',
    });
  });

  it('folds an order’s events into its state', async () => {
    const { intent_id } = await one<{ intent_id: string }>(
      "select intent_id from trade.orders where run_id = $1 and purpose = 'entry' order by ts limit 1",
      [runId],
    );
    const state = (): Promise<unknown> =>
      one('select state, filled_qty, avg_px from panel.orders where intent_id = $1', [intent_id]);
    expect(await state()).toEqual({ state: 'created', filled_qty: 10, avg_px: '2.0000' });
    await rows(
      `insert into trade.order_events (intent_id, run_id, ts, state) values
         ($1, $2, '2025-10-06 10:00', 'submitted'), ($1, $2, '2025-10-06 10:00', 'filled')`,
      [intent_id, runId],
    );
    expect(await state()).toMatchObject({ state: 'filled' });
  });
});

describe('views of a run', () => {
  const db = useDatabase();
  let runId = 0;

  beforeAll(async () => {
    await addSampleMarket(db.pool());
    const client = await connect({ url: db.url(), role: 'job_runner', name: 'test' });
    const clock = systemClock();
    const [from, to] = [at(SAMPLE_DATES[0]), at('2025-10-08')];
    const feeds = { tickFeed: SAMPLE_FEED, quoteFeed: SAMPLE_QUOTES };
    const run = await openRun(
      client,
      { mode: 'backtest', strategy: 'vwap_ma9', from, to, ...feeds, settings: {} },
      clock,
    );
    runId = run.runId;
    const steps = backtestSteps(run, await sessionsIn(client, run));
    await advanceThrough(client, run, steps, { clock, signal: new AbortController().signal, speed: null });
    await client.end();
  });

  it('leads from every fill back to its intent, decision, signal, period and the ticks under it', async () => {
    const { rows } = await db.pool().query(
      `select f.fill_id, l.*, i.decision_id as wanted_decision
       from trade.fills f
       join trade.order_intents i on i.intent_id = f.intent_id
       left join lateral panel.lineage(f.fill_id) l on true
       where f.run_id = $1`,
      [runId],
    );
    expect(rows.length).toBeGreaterThan(20);
    for (const row of rows) {
      expect(row.decision_id).toBe(row.wanted_decision);
      expect(row.ts_signal).not.toBeNull();
      expect(row.ts_period).toEqual(row.ts_signal);
      expect(row.tick_seq).not.toBeNull();
    }
  });

  it('sums up the run as its days do', async () => {
    const client = await connect({ url: db.url(), role: 'grafana_reader', name: 'test' });
    const summary = await summarizeRun(client, runId);
    const { rows } = await client.query(
      'select sum(trades)::integer as trades, sum(net)::float8 as net from panel.daily_pl where run_id = $1',
      [runId],
    );
    await client.end();
    expect(summary).toMatchObject({
      quote_source: 'modelled',
      outcome: 'completed',
      sessions: 2,
      open_positions: 0,
      ...rows[0],
    });
    expect(Object.values(summary.exits).reduce((sum, { trades }) => sum + trades, 0)).toBe(summary.trades);
    expect(summary.trades).toBeGreaterThan(10);
  });

  it('agrees with the indicators that analysts compute from bars without any run', async () => {
    const { rows } = await db.pool().query(
      `select count(*)::integer as minutes, count(*) filter (
         where (p.vwap, p.session_vwap, p.ma9, p.close) is not distinct from (e.vwap, e.session_vwap, e.ma9, e.close)
       )::integer as equal
       from panel.periods p
       full join panel.equity_indicators e on e.symbol = p.symbol and e.ts = p.ts
       where p.run_id = $1 or p.run_id is null`,
      [runId],
    );
    expect(rows[0]).toEqual({ minutes: 780, equal: 780 });
  });

  it('has a decision for every period, and a reason for every SKIP', async () => {
    const { rows } = await db.pool().query(
      `select count(*) filter (where kind = 'entry')::integer as entries,
         count(*) filter (where verdict = 'SKIP' and reason = 'outside_window' and failed_gates not like 'window % min not in [30, 360)%')::integer
           as unexplained
       from panel.decisions where run_id = $1`,
      [runId],
    );
    expect(rows[0]).toEqual({ entries: 780, unexplained: 0 });
  });
});
