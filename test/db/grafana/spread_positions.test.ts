// A spread is one position on every page: its credit, what closing it costs now, its middle, its levels, and its legs as detail.
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readLiveState } from '../../../cli/live_state.ts';
import { connect } from '../../../db/pool.ts';
import { ask, objects, panelQuery } from '../../../grafana/asker.ts';
import type { QueryRange } from '../../../grafana/macros.ts';
import { runCli } from '../../cli/capture.ts';
import { useBench } from '../support/connections.ts';
import { eastern, type Market } from '../support/market.ts';
import { openRun, type TestRun } from '../support/runs.ts';
import { createChainMarket } from '../support/vertical_market.ts';

const bench = useBench();
// It falls a little, then too far, and then hardly anything moves any more.
const DAYS = [
  { date: '2026-06-15', from: 6000, to: 5980 },
  { date: '2026-06-16', from: 5980, to: 5740 },
  { date: '2026-06-17', from: 5840, to: 5845 },
  { date: '2026-06-18', from: 5845, to: 5860 },
  { date: '2026-06-22', from: 5860, to: 5862 },
];
const EXPIRATIONS = ['2026-06-17', '2026-06-18', '2026-06-22', '2026-06-24', '2026-06-26'];
const RANGE: QueryRange = {
  from: new Date('2026-06-15T04:00:00Z'),
  to: new Date('2026-06-23T04:00:00Z'),
  intervalMs: 300_000,
};
let market: Market;
let held: TestRun;
let whole: TestRun;
let reader: pg.Client;

async function rows<Row>(text: string, values: readonly unknown[] = []): Promise<Row[]> {
  return (await reader.query(text, [...values])).rows as Row[];
}

async function runTo(to: string, from = '2026-06-15'): Promise<TestRun> {
  const range = { from: eastern(from), to: eastern('2026-06-23') };
  const run = await openRun(bench.runner(), market, { strategy: 'spx_credit_vertical', ...range });
  await run.advance(eastern(to));
  return run;
}

async function choiceOf({ id }: TestRun): Promise<string> {
  const [row] = await rows<{ choice: string }>('select choice from panel.run_choices where run_id = $1', [
    id,
  ]);
  return row?.choice ?? '';
}

/** What a panel shows of one position, as rows by column. */
async function shown(
  title: string,
  run: TestRun,
  options: { readonly position?: string; readonly range?: QueryRange; readonly page?: string } = {},
): Promise<Record<string, unknown>[]> {
  const { position = '', range = RANGE, page = 'strikebase-position' } = options;
  const variables = { run: [await choiceOf(run)], position };
  return objects(await ask(reader, panelQuery(page, title), variables, range));
}

beforeAll(async () => {
  market = await createChainMarket(bench.owner(), { days: DAYS, expirations: EXPIRATIONS });
  held = await runTo('2026-06-15 12:00');
  whole = await runTo('2026-06-23');
  reader = await connect({ url: bench.database.url(), role: 'grafana_reader', name: 'test' });
});
afterAll(async () => reader.end());

describe('an open spread', () => {
  it('is one row of open_positions, priced out of the quotes of its legs', async () => {
    // Sold at 10:00; the slice has seen the quotes before noon.
    const [quotes] = await rows<Record<'short' | 'long', { bid: number; ask: number }>>(
      `select
         (select to_jsonb(q) from panel.last_quote(s.instrument_id, $1::smallint, '2026-06-15 10:00', '2026-06-15 12:00') q) as short,
         (select to_jsonb(q) from panel.last_quote(l.instrument_id, $1::smallint, '2026-06-15 10:00', '2026-06-15 12:00') q) as long
       from panel.contracts s, panel.contracts l
       where s.contract = 'SPXW  260622P05900000' and l.contract = 'SPXW  260622P05875000'`,
      [market.quoteFeedId],
    );
    const { short, long } = quotes as NonNullable<typeof quotes>;
    const mid = (short.bid + short.ask) / 2 - (long.bid + long.ask) / 2;
    // Three tenths of 20 cents, twice.
    const debit = mid + 0.12;
    const open = await rows('select to_jsonb(o) as row from panel.open_positions o where o.run_id = $1', [
      held.id,
    ]);
    expect(open).toEqual([
      {
        row: expect.objectContaining({
          contract: 'SPXW 260622 P5900/P5875',
          legs: 2,
          qty: -1,
          strike: 5900,
          long_strike: 5875,
          entry_px: 4.68,
          ask: expect.closeTo(debit, 6),
          mid: expect.closeTo(mid, 6),
          gross_to_close: expect.closeTo((4.68 - debit) * 100, 6),
          gross_at_mid: expect.closeTo((4.68 - mid) * 100, 6),
          target_px: 2.34,
          stop_px: 9.36,
          mark_on: 'mid',
          max_profit: 468,
          max_loss: 2032,
          notional: 2500,
          ts_quote: '2026-06-15T11:55:00',
        }),
      },
    ]);
  });

  it('is one line of the Position page, with its legs below', async () => {
    const position = (
      await rows<{ id: string }>(
        'select position_id::text as id from panel.open_positions where run_id = $1',
        [held.id],
      )
    )[0]?.id;
    const range = { ...RANGE, to: new Date('2026-06-15T15:59:59Z') };
    const [summary, ...others] = await shown('Position', held, { position: position ?? '', range });
    const legs = await shown('Legs', held, { position: position ?? '', range });
    expect(others).toEqual([]);
    expect(summary).toMatchObject({
      State: 'open',
      Contract: 'SPXW 260622 P5900/P5875',
      'Sold at': 4.68,
      Target: 2.34,
      Stop: 9.36,
      'Max profit': 468,
      'Max loss': 2032,
    });
    expect(legs.map((leg) => [leg.Leg, leg.Contract, leg.Side, leg['In at']])).toEqual([
      [1, 'SPXW  260622P05900000', 'short', 15.52],
      [2, 'SPXW  260622P05875000', 'long', 10.84],
    ]);
    const sum = legs.reduce((total, leg) => total + Number(leg['P/L at mid']), 0);
    expect(sum).toBeCloseTo(Number(summary?.['P/L at mid']), 6);
    const [levels] = await shown('Distance and time', held, { position: position ?? '', range });
    expect(levels?.['To target']).toBeCloseTo((Number(summary?.Middle) - 2.34) / 4.68, 6);
    // Held over the close: the end is that of its last day.
    expect(levels?.['To the end']).toBe((7 * 24 + 4) * 3600);
    const [greeks] = await shown('Greeks of the position', held, { position: position ?? '', range });
    // A put spread that was sold gains when the index rises, and by the day.
    expect(Number(greeks?.Delta)).toBeGreaterThan(0);
    expect(Number(greeks?.Theta)).toBeGreaterThan(0);
    expect(Number(greeks?.Vega)).toBeLessThan(0);
  });

  it('is one position of the live view, at the price of its legs together', async () => {
    const { positions } = await readLiveState(bench.runner(), held.id, eastern('2026-06-15 11:57'));
    const [open] = await rows<{ ask: string; gross: string; fees: string }>(
      'select ask, gross_to_close as gross, fees from panel.open_positions where run_id = $1',
      [held.id],
    );
    const own = {
      symbol: 'SPXW 260622 P5900/P5875',
      qty: 1,
      entry_e4: 46_800,
      stop_e4: 93_600,
      target_e4: 23_400,
    };
    const net = Number(open?.gross) - Number(open?.fees);
    expect(positions).toEqual([
      { ...own, ask_e4: Math.round(Number(open?.ask) * 10_000), open_pl: expect.closeTo(net, 6) },
    ]);
  });

  it('is one line of the P/L page, at risk by what its stop would lose', async () => {
    const [tile] = await shown('Open positions', held, { page: 'strikebase-pl' });
    expect(tile?.['At risk']).toBeCloseTo(-468, 6);
  });
});

describe('closed spreads', () => {
  it('are one row of positions each, with the prices and the money of their round trips', async () => {
    const compared = await rows(
      `select p.contract, p.legs, p.is_open, p.entry_px = t.entry_px as same_entry, p.exit_px = t.exit_px as same_exit,
         p.cash = t.gross as same_gross, p.fees = t.fees as same_fees,
         (select sum(l.cash) from panel.position_legs l where l.position_id = p.position_id) = t.gross as legs_add_up
       from panel.positions p left join panel.round_trips t using (position_id)
       where p.run_id = $1 order by p.ts_entry`,
      [whole.id],
    );
    const same = { same_entry: true, same_exit: true, same_gross: true, same_fees: true, legs_add_up: true };
    expect(compared).toEqual([
      { contract: 'SPXW 260622 P5900/P5875', legs: 2, is_open: false, ...same },
      { contract: 'SPXW 260624 P5750/P5725', legs: 2, is_open: false, ...same },
      expect.objectContaining({ contract: 'SPXW 260626 P5775/P5750', is_open: true }),
    ]);
  });

  it('have the quotes that the walk traded on, instant by instant', async () => {
    const tape = `
      select t.ts, t.bid_e4, t.ask_e4
      from panel.positions p
      join trade.runs r on r.run_id = p.run_id
      cross join lateral jsonb_populate_record(null::ref.strategies, r.params) s
      cross join lateral generate_series(p.ts_entry::date::timestamp, p.ts_exit, interval '1 day') d
      cross join lateral trade.spread_tape(
        p.instrument_id, r, s, greatest(d, p.ts_entry), least(d + interval '1 day', p.ts_exit), 'infinity'
      ) x
      cross join lateral unnest(x.ts, x.bid_e4, x.ask_e4) as t (ts, bid_e4, ask_e4)
      where p.run_id = $1 and not p.is_open`;
    const quotes = `
      select q.ts, (q.bid * 10000)::integer as bid_e4, (q.ask * 10000)::integer as ask_e4
      from panel.positions p
      cross join lateral panel.position_quotes(p.instrument_id, p.quote_feed_id, p.fill_ratio, p.ts_entry, p.ts_exit) q
      where p.run_id = $1 and not p.is_open`;
    const { rows: counted } = await bench.owner().query(
      `select (select count(*)::integer from (${tape}) t) as n, (select count(*)::integer from (${tape} except all ${quotes}) t) as missing,
         (select count(*)::integer from (${quotes} except all ${tape}) t) as more`,
      [whole.id],
    );
    expect(counted[0]?.n).toBeGreaterThan(200);
    expect(counted[0]).toMatchObject({ missing: 0, more: 0 });
  });

  it('have the excursions that the training table has', async () => {
    const points = await shown('Net against the worst of it (MAE)', whole, { page: 'strikebase-trades' });
    const { rows: wanted } = await bench.runner().query<{ worst: number; contract: string }>(
      `select i.symbol as contract, ((p.entry_px - greatest(c.highest_e4 / 10000.0, p.exit_px)) * 100)::float8 as worst
       from panel.positions p
       join trade.runs r on r.run_id = p.run_id
       join ref.instruments i on i.instrument_id = p.instrument_id
       cross join lateral jsonb_populate_record(null::ref.strategies, r.params) s
       cross join lateral trade.cost_extremes(p.instrument_id, r, s, p.ts_entry, p.ts_exit) c
       where p.run_id = $1 and not p.is_open order by p.ts_entry`,
      [whole.id],
    );
    expect(points.map((point) => [point.Contract, point.Worst])).toEqual(
      wanted.map(({ contract, worst }) => [contract, expect.closeTo(worst, 6)]),
    );
    expect(wanted).toHaveLength(2);
  });

  it('are drawn with their levels, at every width of a picture', async () => {
    const [trip] = await rows<{ id: string }>(
      'select position_id::text as id from panel.round_trips where run_id = $1 order by ts_entry limit 1',
      [whole.id],
    );
    const title = 'Option or spread: bid, ask, last, entry, stop, target';
    for (const [intervalMs, first] of [
      [300_000, '2026-06-15T14:00:00Z'],
      // The last quote of the half hour.
      [1_800_000, '2026-06-15T14:25:00Z'],
    ] as const) {
      const range = { ...RANGE, intervalMs };
      const drawn = await shown(title, whole, { position: trip?.id ?? '', range });
      expect(drawn.length).toBeGreaterThan(40);
      for (const point of drawn) expect(Number(point.ask)).toBeGreaterThan(Number(point.mid));
      const during = drawn.filter(({ entry }) => entry !== null);
      expect(during[0]).toMatchObject({
        time: new Date(first),
        stop: '9.3600',
        target: '2.3400',
      });
    }
  });

  it('have no slippage leg by leg', async () => {
    const [legs] = await rows(
      `select count(*)::integer as n, count(modelled_px)::integer as modelled, count(slippage)::integer as slippage from panel.fills where run_id = $1`,
      [whole.id],
    );
    expect(legs).toEqual({ n: 10, modelled: 0, slippage: 0 });
  });
});

describe('the command line', () => {
  const cli = async (...argv: readonly string[]): Promise<string> =>
    (await runCli(...argv, '--db', bench.database.url())).stdout;

  it('trades shows a spread in a line, and below it the one that is open with its legs', async () => {
    expect(await cli('trades', '--run', String(whole.id))).toMatchInlineSnapshot(`
      "ts_entry          out    strike       entry  exit      net  fill  exit_reason
      ----------------  -----  -----------  -----  ----  -------  ----  -----------
      2026-06-15 10:00  11:00  P5900/P5875   4.68  9.56  -491.99     3  stop_loss
      2026-06-17 10:00  09:30  P5750/P5725   4.97  1.08   385.01     7  take_profit

      qty 1, strategy spx_credit_vertical, run_id 2, mode backtest
      quote_source simulated
      not shown, see --format csv: entry_reason gross fees minutes_held contract

      run 2: backtest of spx_credit_vertical v1 on SPX, ticks ticks-1, simulated quotes (quotes-1), open

      Still open, not in the figures above: a position
      ts_entry          contract                 qty  entry  mark  at         net
      ----------------  -----------------------  ---  -----  ----  --------  ----
      2026-06-22 10:00  SPXW 260626 P5775/P5750   -1   3.68  3.63  16:00:00  3.01

      run 2
      mark: what closing costs or brings a share by the last quote; net: after fees so far

      Spreads as a whole, and leg by leg
      spread                    mid  net_at_mid  target  stop  max_profit  max_loss
      -----------------------  ----  ----------  ------  ----  ----------  --------
      SPXW 260626 P5775/P5750  3.51       15.01    1.84  7.36      368.00   2132.00

      spread                   leg                   qty  entry    fees
      -----------------------  --------------------  ---  -----  ------
      SPXW 260626 P5775/P5750  SPXW 260626P05775000   -1   9.32  0.9983
      SPXW 260626 P5775/P5750  SPXW 260626P05750000    1   5.64   0.995
      "
    `);
  });

  it('trades --legs shows what each contract was opened and closed at', async () => {
    expect(
      await cli('trades', '--legs', '--run', String(whole.id), '--format', 'csv'),
    ).toMatchInlineSnapshot(`
      "ts_entry,leg,side,qty,entry,exit,gross,fees,strategy,run_id,mode,quote_source,position_id
      2026-06-15 10:00,SPXW 260622P05900000,short,1,15.52,34.93,-1941.00,1.99,spx_credit_vertical,2,backtest,simulated,6
      2026-06-15 10:00,SPXW 260622P05875000,long,1,10.84,25.37,1453.00,1.99,spx_credit_vertical,2,backtest,simulated,6
      2026-06-17 10:00,SPXW 260624P05750000,short,1,16.35,1.65,1470.00,1.99,spx_credit_vertical,2,backtest,simulated,33
      2026-06-17 10:00,SPXW 260624P05725000,long,1,11.38,0.57,-1081.00,1.99,spx_credit_vertical,2,backtest,simulated,33
      "
    `);
  });
});
