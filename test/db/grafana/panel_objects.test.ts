// The views and functions behind the panels: money to the cent, greeks against the pricing formula, alarms at set times.
import { beforeAll, describe, expect, it } from 'vitest';
import { useDatabase } from '../../harness.ts';
import { useBench } from '../support/connections.ts';
import { createScenario } from '../support/scenario.ts';
import { seedRecorded } from './seed.ts';

describe('views of runs', () => {
  const database = useDatabase();
  let seeded: Awaited<ReturnType<typeof seedRecorded>>;

  beforeAll(async () => {
    seeded = await seedRecorded(database);
  });

  async function rows<Row>(text: string, values: readonly unknown[] = []): Promise<Row[]> {
    return (await database.pool().query(text, [...values])).rows as Row[];
  }

  it('trip_pl has the money of round_trips, trip by trip', async () => {
    const compared = await rows<{ trips: number; equal: number }>(
      `select count(*)::integer as trips, count(*) filter (
         where t.gross = r.gross::float8 and round(t.fees::numeric, 4) = r.fees and round(t.net::numeric, 4) = r.net
           and t.session_date = r.session_date and t.ts_entry = r.ts_entry and t.ts_exit = r.ts_exit
       )::integer as equal
       from panel.trip_pl t
       full join panel.round_trips r on r.position_id = t.position_id`,
    );
    expect(compared[0]?.trips).toBeGreaterThan(20);
    expect(compared[0]?.equal).toBe(compared[0]?.trips);
  });

  it('positions have the levels of open_positions, and a price of the underlying', async () => {
    const open = await rows(
      `select p.qty, p.held_qty, p.entry_px, p.stop_px, p.target_px, p.underlying_entry_px > 0 as has_price
       from panel.positions p where p.is_open and p.mode = 'replay'`,
    );
    const [wanted] = await rows<{ qty: string }>(
      "select qty, entry_px, stop_px, target_px from panel.open_positions where mode = 'replay'",
    );
    const qty = -Number(wanted?.qty);
    expect(open).toEqual([{ ...wanted, qty, held_qty: qty, has_price: true }]);
  });

  it('slippage is what a fill cost against the price that its decision saw', async () => {
    const [row] = await rows(
      `select count(*) filter (where modelled_px is null)::integer as unmodelled,
         count(*) filter (
           where slippage <> (case side when 'sell' then modelled_px - px else px - modelled_px end) * qty * 100
         )::integer as wrong,
         count(*)::integer > 0 as has_fills
       from panel.fills where run_id = $1`,
      [seeded.backtestId],
    );
    expect(row).toEqual({ unmodelled: 0, wrong: 0, has_fills: true });
  });

  it('replays and backtests are a choice each', async () => {
    const choices = await rows(
      'select choice, account, badge, quote_source from panel.run_choices order by run_id',
    );
    expect(choices).toEqual([
      { choice: seeded.spreads, account: 'simulated', badge: 'BACKTEST', quote_source: 'simulated' },
      { choice: seeded.backtest, account: 'simulated', badge: 'BACKTEST', quote_source: 'modelled' },
      { choice: seeded.replay, account: 'simulated', badge: 'REPLAY', quote_source: 'modelled' },
    ]);
    expect(seeded.backtest).toBe(`backtest ${seeded.backtestId} vwap_ma9`);
  });
});

describe('option_greeks', () => {
  const database = useDatabase();

  it('finds the volatility that a price was made with, and the slopes of the formula', async () => {
    const { rows } = await database.pool().query(
      `with cases as (
         select kind, strike, sigma, years, signal.bs_price(kind, 600, strike, years, 0, 0, sigma) as price
         from unnest(array['call', 'put']) kind, unnest(array[595, 600, 604]::float8[]) strike, unnest(array[0.1, 0.4]::float8[]) sigma,
           unnest(array[1.0 / 365, 7.0 / 365]::float8[]) years
       )
       select c.sigma, g.iv, g.delta, g.gamma, g.theta, g.vega,
         (signal.bs_price(kind, 600.01, strike, years, 0, 0, sigma) - signal.bs_price(kind, 599.99, strike, years, 0, 0, sigma)) / 0.02 as d,
         (signal.bs_price(kind, 600.05, strike, years, 0, 0, sigma) - 2 * price + signal.bs_price(kind, 599.95, strike, years, 0, 0, sigma))
           / 0.0025 as g,
         (signal.bs_price(kind, 600, strike, years - 1e-6, 0, 0, sigma) - price) / 1e-6 / 365 as t,
         (signal.bs_price(kind, 600, strike, years, 0, 0, sigma + 1e-5) - price) / 1e-5 / 100 as v
       from cases c cross join lateral panel.option_greeks(c.kind, 600, c.strike, c.years, c.price) g
       where c.price > 0.005`,
    );
    expect(rows.length).toBeGreaterThan(18);
    for (const row of rows) {
      expect(row.iv).toBeCloseTo(row.sigma, 4);
      expect(row.delta).toBeCloseTo(row.d, 3);
      expect(row.gamma).toBeCloseTo(row.g, 2);
      expect(row.theta).toBeCloseTo(row.t, 2);
      expect(row.vega).toBeCloseTo(row.v, 3);
    }
  });

  it('has no answer below intrinsic value, without time, without a price', async () => {
    const { rows } = await database.pool().query(
      `select g.* from (values ('call', 590.0, 0.01, 9.0), ('put', 610.0, 0.01, 10.0), ('call', 600.0, 0.0, 1.0), ('call', 600.0, 0.01, null)) x (kind, strike, years, price)
       cross join lateral panel.option_greeks(x.kind, 600, x.strike::float8, x.years::float8, x.price::float8) g`,
    );
    expect(rows).toEqual([]);
  });
});

describe('alarms', () => {
  const bench = useBench();
  const DATE = '2026-06-17';
  let runId = 0;

  async function at(
    time: string,
  ): Promise<Record<string, { value: number; is_firing: boolean; detail: string }>> {
    const { rows } = await bench.database
      .pool()
      .query('select * from panel.alarms_at($1::timestamp)', [`${DATE} ${time}`]);
    expect(rows).toHaveLength(8);
    return Object.fromEntries(rows.map((row) => [row.alarm, row]));
  }

  async function firing(time: string): Promise<string[]> {
    return Object.entries(await at(time)).flatMap(([alarm, { is_firing }]) => (is_firing ? [alarm] : []));
  }

  beforeAll(async () => {
    // A put is sold at 10:05 and bought back at 10:08 at twice its price.
    const scenario = await createScenario(bench.owner(), {
      date: DATE,
      until: '10:20',
      sides: { '10:05': 1 },
      quotes: [
        ['P600', '10:05', 1.0, 1.02],
        ['P600', '10:08', 2.0, 2.1],
      ],
    });
    const run = await scenario.open(bench.runner(), { mode: 'live', settings: { max_day_loss: 2000 } });
    runId = run.id;
    const owner = bench.owner();
    await owner.query(
      `insert into ops.stream_marks (feed_id, stream, ts_high_water, ts_recv, rows_in)
       select f.feed_id, f.kind, $1::timestamp + interval '1 second', $1, 1 from trade.runs r join ref.feeds f on f.feed_id in (r.tick_feed_id, r.quote_feed_id)
       where r.run_id = $2`,
      [`${DATE} 10:05`, runId],
    );
    // In time for the entry not to be late.
    await run.to('10:05:01', '10:05:01');
    await run.to('10:06', '10:06');
  });

  it('are quiet while all is well, before the open and on other days', async () => {
    expect(await firing('10:05:20')).toEqual([]);
    expect(await firing('08:00:00')).toEqual([]);
  });

  it('know a stale feed and a missing decision by their age, in market hours only', async () => {
    const alarms = await at('10:10:00');
    expect(alarms.stale_feed).toMatchObject({ value: 300, is_firing: true });
    expect(alarms.missing_decision).toMatchObject({ value: 240, is_firing: true, detail: `run ${runId}` });
    expect(await firing('16:30:00')).toEqual([]);
  });

  it('know a kill switch, and forget it when it is released', async () => {
    const set = (halted: boolean): Promise<unknown> =>
      bench
        .owner()
        .query("insert into trade.controls (account, halted, reason) values (null, $1, 'drill')", [halted]);
    await set(true);
    expect((await at('10:05:20')).halt).toMatchObject({
      value: 1,
      is_firing: true,
      detail: 'all accounts: drill',
    });
    await set(false);
    expect(await firing('10:05:20')).toEqual([]);
  });

  it('know a red broker token', async () => {
    const check = (time: string, ok: boolean): Promise<unknown> =>
      bench
        .owner()
        .query('insert into ops.readiness_checks (ts, name, ok, detail) values ($1, $2, $3, $4)', [
          `${DATE} ${time}`,
          'broker token',
          ok,
          'the login lives 5 h 0 min',
        ]);
    await check('09:00', false);
    expect(await firing('10:05:20')).toEqual(['token_life']);
    await check('09:10', true);
    expect(await firing('10:05:20')).toEqual([]);
  });

  it('know an exit that is not filled, and the day’s limit once it is', async () => {
    const owner = bench.owner();
    const { rows } = await owner.query<{ id: string }>(
      "select decision_id as id from trade.decisions where run_id = $1 and kind = 'entry' and verdict = 'TRADE'",
      [runId],
    );
    const position = rows[0]?.id;
    const exit = await owner.query<{ id: string }>(
      `insert into trade.decisions (run_id, ts, kind, verdict, reason, session_date, position_id)
       values ($1, $2, 'exit', 'TRADE', 'stop_loss', $3, $4) returning decision_id as id`,
      [runId, `${DATE} 10:08`, DATE, position],
    );
    expect((await at('10:08:45')).exit_not_filled).toMatchObject({ value: 45, is_firing: true });
    expect((await at('10:08:45')).day_loss).toMatchObject({ value: 0, is_firing: false });
    await owner.query(
      `with intent as (
         insert into trade.order_intents (run_id, decision_id, position_id, attempt, purpose, ts, order_type, limit_px_e4, qty, slot)
         values ($1, $2, $3, 1, 'exit', $4, 'limit', 21000, 25, 1) returning intent_id
       )
       insert into trade.fills (
         run_id, intent_id, position_id, leg_no, account, execution_id, ts, instrument_id, side, effect, qty, px_e4, commission, fees
       )
       select $1, i.intent_id, $3, 1, f.account, 'late', $4, f.instrument_id, 'buy', 'close', f.qty, 21000, 0, 0
       from trade.fills f, intent i where f.position_id = $3`,
      [runId, exit.rows[0]?.id, position, `${DATE} 10:09`],
    );
    const alarms = await at('10:09:30');
    expect(alarms.exit_not_filled).toMatchObject({ value: 0, is_firing: false });
    // Sold 25 at 1.00, bought at 2.10: 2,750 and fees, of 2,000.
    expect(alarms.day_loss?.value).toBeGreaterThan(1.37);
    expect(alarms.day_loss?.is_firing).toBe(true);
  });
});
