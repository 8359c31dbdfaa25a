// System S2: which vertical is chosen, what it is filled at, when it is closed, and what keeps it from being opened.
import type pg from 'pg';
import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import { addMs } from '../../../core/eastern_time.ts';
import { useBench } from '../support/connections.ts';
import { eastern, type Market } from '../support/market.ts';
import {
  advanceThrough,
  differences,
  dumpOf,
  NO_DIFFERENCES,
  openRun,
  type TestRun,
} from '../support/runs.ts';
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
let market: Market;

beforeAll(async () => {
  market = await createChainMarket(bench.owner(), { days: DAYS, expirations: EXPIRATIONS });
});

interface Candidate {
  readonly dte_target: number;
  readonly delta_target: number;
  readonly option_kind: 'call' | 'put';
  readonly expiration: string | null;
  readonly dte: number | null;
  readonly short_strike_e4: number | null;
  readonly long_strike_e4: number | null;
  readonly short_delta: number | null;
  readonly short_iv: number | null;
  readonly forward: number | null;
  readonly bid_e4: number | null;
  readonly ask_e4: number | null;
  readonly credit_e4: number | null;
  readonly score: number | null;
  readonly reject: string | null;
}

async function candidates(
  at: string,
  settings: Readonly<Record<string, unknown>> = {},
  feeds: Pick<Market, 'tickFeedId' | 'quoteFeedId'> = market,
  client: pg.ClientBase = bench.runner(),
): Promise<Candidate[]> {
  const { rows } = await client.query<{ c: Candidate }>(
    `select to_jsonb(c) as c
     from ref.strategies s, ref.instruments i,
       lateral signal.vertical_candidates($1, row(
         null, i.instrument_id, $2, 'infinity', s.period_ms, s.ma_minutes, $3, to_jsonb(s) || $4
       )::signal.context) c
     where s.strategy = 'spx_credit_vertical' and i.symbol = 'SPX'`,
    [at, feeds.tickFeedId, feeds.quoteFeedId, settings],
  );
  return rows.map(({ c }) => c);
}

async function runOf(settings: Readonly<Record<string, unknown>> = {}, to = '2026-06-23'): Promise<TestRun> {
  const run = await openRun(bench.runner(), market, {
    strategy: 'spx_credit_vertical',
    from: eastern('2026-06-15'),
    to: eastern(to),
    settings,
  });
  await run.advance(eastern(to));
  return run;
}

/** What a run sold and bought: `06-15 10:00 open sold 1 C6100 at 15.98, bought 1 C6125 at 11.38 = 4.60`, a line an order. */
async function fills(run: TestRun): Promise<string[]> {
  const { rows } = await run.client.query<{ line: string }>(
    `select to_char(min(f.ts), 'MM-DD HH24:MI') || ' ' || min(f.effect) || ' ' || string_agg(
         case f.side when 'sell' then 'sold ' else 'bought ' end || f.qty || ' ' || upper(left(i.option_kind, 1))
           || trim_scale(i.strike_e4 / 10000.0) || ' at ' || to_char(f.px_e4 / 10000.0, 'FM990.0000'), ', ' order by f.leg_no)
       || ' = ' || to_char(sum(case f.side when 'sell' then 1 else -1 end * f.px_e4) / 10000.0, 'FM990.0000') as line
     from trade.fills f join ref.instruments i using (instrument_id)
     where f.run_id = $1 group by f.intent_id order by min(f.fill_id)`,
    [run.id],
  );
  return rows.map(({ line }) => line);
}

interface Trip {
  readonly symbol: string;
  readonly exit_reason: string;
  readonly legs: number;
  readonly gross: number;
  readonly fees: number;
  readonly net: number;
}

async function trips(run: TestRun): Promise<Trip[]> {
  const { rows } = await run.client.query<Trip>(
    `select i.symbol, t.exit_reason, t.legs::integer, t.gross::float8, t.fees::float8, t.net::float8
     from trade.round_trips t join ref.instruments i using (instrument_id) where t.run_id = $1 order by t.ts_entry`,
    [run.id],
  );
  return rows;
}

async function reasons(run: TestRun, day: string): Promise<string[]> {
  const { rows } = await run.client.query<{ line: string }>(
    `select to_char(d.ts, 'HH24:MI') || ' ' || d.verdict || ' ' || d.reason as line from trade.decisions d
     join signal.signals s using (run_id, ts)
     where d.run_id = $1 and d.kind = 'entry' and d.session_date = $2 order by d.ts`,
    [run.id, day],
  );
  return rows.map(({ line }) => line);
}

describe('candidates', () => {
  test('are one for every target and kind, each short leg the nearest there is to its delta', async () => {
    const all = await candidates('2026-06-15 10:00');
    expect(all).toHaveLength(12);
    for (const c of all.filter(({ reject }) => reject === null)) {
      const { rows } = await bench.runner().query<{ strike: number }>(
        `select k.strike from generate_series(5700, 6300, 25) k (strike)
         where case $1 when 'put' then k.strike <= $4::double precision else k.strike >= $4 end
         order by abs(abs((signal.bs_greeks($1, $4, k.strike, signal.years_to_expiry('SPXW', $2, '2026-06-15 10:00'), 0, 0, 0.15)).delta) - $3)
         limit 1`,
        [c.option_kind, c.expiration, c.delta_target, c.forward],
      );
      expect(c.short_strike_e4).toBe((rows[0]?.strike ?? 0) * 10_000);
      expect(Math.abs((c.short_strike_e4 ?? 0) - (c.long_strike_e4 ?? 0))).toBe(250_000);
      expect(c.short_iv).toBeCloseTo(0.15, 2);
    }
    expect(all.filter(({ reject }) => reject === null).length).toBeGreaterThan(3);
  });

  test('are read from the chain of their expirations alone, by a planner that knows nothing of the tables', async () => {
    const client = bench.owner();
    await client.query('begin');
    try {
      const before = await candidates('2026-06-15 10:00');
      await client.query(
        `select ref.instrument_ids(array_agg(ref.osi_symbol('SPXW', '2027-01-04'::date + e, 'put', s * 10000)), 'option')
         from generate_series(1, 100) e cross join generate_series(5000, 5099) s`,
      );
      // As after an import: the planner takes the table for an empty one.
      await client.query(
        "update pg_class set reltuples = -1, relpages = 0 where oid = 'ref.instruments'::regclass",
      );
      await client.query("delete from pg_statistic where starelid = 'ref.instruments'::regclass");
      const read = async () => {
        const { rows } = await client.query<{ n: number }>(
          `select (idx_tup_fetch + seq_tup_read)::integer as n from pg_stat_xact_user_tables where relid = 'ref.instruments'::regclass`,
        );
        return rows[0]?.n ?? Number.NaN;
      };
      const first = await read();
      expect(await candidates('2026-06-15 10:00', {}, market, client)).toEqual(before);
      expect((await read()) - first).toBeLessThan(2000);
    } finally {
      await client.query('rollback');
    }
  });

  test('are led by the one with the best score', async () => {
    const scores = (await candidates('2026-06-15 10:00'))
      .filter((c) => c.reject === null)
      .map((c) => c.score);
    expect(scores).toEqual([...scores].sort((a, b) => Number(b) - Number(a)));
  });

  test('have a credit three tenths of the width below the middle of the spread', async () => {
    for (const c of (await candidates('2026-06-15 10:00')).filter(({ reject }) => reject === null)) {
      const [bid, ask] = [c.bid_e4 ?? 0, c.ask_e4 ?? 0];
      expect(ask - bid).toBe(4000);
      expect(c.credit_e4).toBe((bid + ask) / 2 - 0.3 * (ask - bid));
    }
  });

  test('take the expiration nearest to the target within the tolerance, or say that there is none', async () => {
    const near = await candidates('2026-06-15 10:00', { dte_targets: [2, 5, 8] });
    const dtes = new Map(near.map(({ dte_target, dte }) => [dte_target, dte]));
    // The 17th is two days away; the 20th is a Saturday, and neither the 19th nor the 21st has contracts; the 24th is nine days away.
    expect([...dtes].sort((a, b) => a[0] - b[0])).toEqual([
      [2, 2],
      [5, null],
      [8, 7],
    ]);
    expect(near.filter(({ dte_target }) => dte_target === 5).map(({ reject }) => reject)).toEqual(
      Array.from({ length: 4 }, () => 'no_expiration'),
    );
  });

  test.each([
    ['wide_leg', { max_leg_spread: 0.1 }],
    ['wide_spread', { max_spread_cost: 0.05, min_credit: 0 }],
    ['small_credit', { min_credit: 20 }],
    ['no_long_leg', { spread_width: 30 }],
    ['no_delta', { delta_tolerance: 0.000001 }],
  ])('are all rejected with %s where nothing else is allowed', async (reason, settings) => {
    const [first] = await candidates('2026-06-15 10:00', settings);
    expect(first?.reject).toBe(reason);
  });

  test('need an option root that has a name, and say so', async () => {
    const all = await candidates('2026-06-15 10:00', { option_root: 'SPXQ' });
    expect(new Set(all.map(({ reject }) => reject))).toEqual(new Set(['unknown_root']));
    const refused = bench
      .runner()
      .query('select trade.set_strategy($1, $2)', ['spx_credit_vertical', { option_root: 'SPXQ' }]);
    await expect(refused).rejects.toMatchObject({
      code: 'SB008',
      message: 'option_root SPXQ is not in ref.option_roots: nobody knows when its options expire',
      hint: expect.stringContaining("values ('SPXQ', 'SPX', 'index'"),
    });
    await expect(runOf({ underlying: 'QQQ' })).rejects.toThrow(
      'option_root SPXW is of SPX, and the underlying is QQQ',
    );
  });

  test('need quotes that are not old', async () => {
    const all = await candidates('2026-06-15 18:00');
    expect(new Set(all.map(({ reject }) => reject))).toEqual(new Set(['no_expiration']));
  });

  test('may have their long leg by its delta instead of its distance', async () => {
    const all = await candidates('2026-06-15 10:00', {
      spread_width: null,
      long_delta_distance: 0.08,
      delta_targets: [0.2],
    });
    const good = all.filter(({ reject }) => reject === null);
    expect(good.length).toBeGreaterThan(0);
    for (const c of good) {
      const further = (c.long_strike_e4 ?? 0) - (c.short_strike_e4 ?? 0);
      expect(Math.sign(further)).toBe(c.option_kind === 'call' ? 1 : -1);
    }
  });
});

describe('a chain in which no strike has both kinds', () => {
  /** Quotes of 10:00 of the contracts that are at least so far out of the money, on feeds where SPX has no price. */
  async function outOfTheMoney(points: number): Promise<Pick<Market, 'tickFeedId' | 'quoteFeedId'>> {
    const { rows } = await bench.owner().query<{ tickFeedId: number; quoteFeedId: number }>(
      `select ref.feed_id('no-ticks', 'equity', 0, 'simulated', 90000) as "tickFeedId",
           ref.feed_id('out-' || $1, 'option', 0, 'simulated', 90000) as "quoteFeedId"`,
      [points],
    );
    const feeds = rows[0] as { tickFeedId: number; quoteFeedId: number };
    await bench.owner().query(
      `insert into market.option_quotes (instrument_id, feed_id, ts_event, seq, event_ns, bid_px_e4, ask_px_e4, bid_sz, ask_sz, ts_recv)
       select q.instrument_id, $2, q.ts_event, 0, 0, q.bid_px_e4, q.ask_px_e4, 50, 50, q.ts_recv
       from market.option_quotes q join ref.instruments i using (instrument_id)
       where q.feed_id = $1 and q.ts_event = '2026-06-15 10:00'
         and case i.option_kind when 'call' then 1 else -1 end * (i.strike_e4 / 10000.0 - 5990) >= $3
       on conflict do nothing`,
      [market.quoteFeedId, feeds.quoteFeedId, points],
    );
    return feeds;
  }

  test('has its forward between the innermost call and put', async () => {
    const all = await candidates('2026-06-15 10:00', {}, await outOfTheMoney(0));
    const good = all.filter(({ reject }) => reject === null);
    expect(good.length).toBeGreaterThan(3);
    // SPX stood at 5998.46, its innermost contracts at 5975 and 6000.
    for (const { forward } of good) expect(Math.abs((forward ?? 0) - 5998.46)).toBeLessThan(2);
  });

  test('has none where these are too far apart and the underlying has no price', async () => {
    const all = await candidates('2026-06-15 10:00', { dte_targets: [3] }, await outOfTheMoney(30));
    expect(new Set(all.map(({ reject }) => reject))).toEqual(new Set(['no_underlying']));
  });
});

describe('a trade', () => {
  test('is filled by legs that add up to the price of the whole, and closed by target and stop', async () => {
    const run = await runOf();
    expect(await fills(run)).toMatchInlineSnapshot(`
      [
        "06-15 10:00 open sold 1 P5900 at 15.5200, bought 1 P5875 at 10.8400 = 4.6800",
        "06-16 11:00 close bought 1 P5900 at 34.9300, sold 1 P5875 at 25.3700 = -9.5600",
        "06-17 10:00 open sold 1 P5750 at 16.3500, bought 1 P5725 at 11.3800 = 4.9700",
        "06-22 09:30 close bought 1 P5750 at 1.6500, sold 1 P5725 at 0.5700 = -1.0800",
        "06-22 10:00 open sold 1 P5775 at 9.3200, bought 1 P5750 at 5.6400 = 3.6800",
      ]
    `);
    expect(await trips(run)).toMatchInlineSnapshot(`
      [
        {
          "exit_reason": "stop_loss",
          "fees": 3.9866,
          "gross": -488,
          "legs": 2,
          "net": -491.9866,
          "symbol": "SPXW 260622 P5900/P5875",
        },
        {
          "exit_reason": "take_profit",
          "fees": 3.9866,
          "gross": 389,
          "legs": 2,
          "net": 385.0134,
          "symbol": "SPXW 260624 P5750/P5725",
        },
      ]
    `);
  });

  test('that nothing closes is worth its intrinsic value when it expires', async () => {
    const run = await runOf(
      { take_profit_ratio: null, stop_loss_ratio: null, dte_targets: [3] },
      '2026-06-19',
    );
    expect(await fills(run)).toMatchInlineSnapshot(`
      [
        "06-15 10:00 open sold 1 P5925 at 8.8800, bought 1 P5900 at 5.0900 = 3.7900",
        "06-18 16:00 close bought 1 P5925 at 65.1923, sold 1 P5900 at 40.1923 = -25.0000",
      ]
    `);
    expect((await trips(run)).map((trip) => trip.exit_reason)).toEqual(['expired']);
  });

  test.each([
    ['paper', 'expired', '16:00:00'],
    ['tradier', 'flat', '15:30:00'],
  ])('of the last day on %s ends as %s', async (broker, kind, time) => {
    const run = await runOf(
      { take_profit_ratio: null, stop_loss_ratio: null, dte_targets: [3] },
      '2026-06-16',
    );
    const { rows } = await bench.runner().query(
      `select x.ev_kind as kind, x.ev_ts::time::text as time
       from trade.runs r
       cross join lateral jsonb_populate_record(null::ref.strategies, r.params) s
       cross join lateral (select jsonb_populate_record(r, jsonb_build_object('broker', $2::text)) as r offset 0) b
       join trade.decisions d on d.run_id = r.run_id and d.kind = 'entry' and d.verdict = 'TRADE'
       cross join lateral trade.find_event(
         trade.load_position(r, s, '2026-06-18 09:30', 1::smallint, d.decision_id), null, b.r, trade.load_session(r, s, '2026-06-18', '2026-06-18 09:30'),
         s, '2026-06-18 09:30', '2026-06-19'
       ) x
       where r.run_id = $1`,
      [run.id, broker],
    );
    expect(rows).toEqual([{ kind, time }]);
  });

  test('is closed before the end of the day where it is asked for', async () => {
    const run = await runOf(
      { take_profit_ratio: null, stop_loss_ratio: null, flat_at_close: true },
      '2026-06-16',
    );
    expect(await trips(run)).toMatchObject([{ exit_reason: 'forced_flat', legs: 2 }]);
    expect((await fills(run))[1]).toMatch(/^06-15 15:30 close/);
  });

  test('costs what the broker charges for both legs', async () => {
    const [trip] = await trips(await runOf());
    const { rows } = await bench.runner().query<{ fees: number }>(
      `select (4 * (commission_per_contract + fees_per_contract) + 2 * sell_fees_per_contract)::float8 as fees
       from ref.fee_schedules where broker = 'tradier'`,
    );
    expect(trip?.fees).toBeCloseTo(rows[0]?.fees ?? 0, 4);
    expect(trip?.net).toBeCloseTo((trip?.gross ?? 0) - (trip?.fees ?? 0), 4);
  });
});

describe('entries', () => {
  afterEach(async () => {
    await bench.runner().query('delete from ref.events');
  });

  test('are one a day, and none after a stop', async () => {
    const run = await runOf();
    expect(await reasons(run, '2026-06-15')).toMatchInlineSnapshot(`
      [
        "10:00 TRADE put_vertical",
        "11:00 SKIP entries_today",
        "12:00 SKIP entries_today",
      ]
    `);
    expect(await reasons(run, '2026-06-16')).toMatchInlineSnapshot(`
      [
        "10:00 SKIP position_open",
        "11:00 SKIP position_open",
        "12:00 SKIP stopped_today",
      ]
    `);
    const more = await runOf({ max_entries_per_day: null, stop_ends_day: false });
    expect(await reasons(more, '2026-06-16')).toMatchInlineSnapshot(`
      [
        "10:00 SKIP position_open",
        "11:00 SKIP position_open",
        "12:00 TRADE put_vertical",
      ]
    `);
  });

  test('stand aside for events', async () => {
    await bench.runner().query("insert into ref.events values ('2026-06-15 11:30', 'FOMC', 'test')");
    const run = await runOf({ blackout_min: 60 }, '2026-06-16');
    expect(await reasons(run, '2026-06-15')).toEqual([
      '10:00 TRADE put_vertical',
      '11:00 SKIP event',
      '12:00 SKIP event',
    ]);
  });

  test('say why there is nothing to sell', async () => {
    const run = await runOf({ dte_targets: [20] }, '2026-06-16');
    expect(await reasons(run, '2026-06-15')).toEqual([
      '10:00 SKIP no_expiration',
      '11:00 SKIP no_expiration',
      '12:00 SKIP no_expiration',
    ]);
  });

  test('bind the width of the spread as capital', async () => {
    const run = await runOf({ trading_capital: 2499 }, '2026-06-16');
    expect(await reasons(run, '2026-06-15')).toEqual([
      '10:00 SKIP capital',
      '11:00 SKIP capital',
      '12:00 SKIP capital',
    ]);
    expect(await reasons(await runOf({ trading_capital: 2500 }, '2026-06-16'), '2026-06-15')).toContain(
      '10:00 TRADE put_vertical',
    );
  });
});

describe('slices', () => {
  test.each([
    ['a minute around entry, target and stop', 1],
    ['seven minutes', 7],
    ['half a day', 390],
  ])('of %s give the rows of one call', async (_, minutes) => {
    const whole = await dumpOf(await runOf({ take_profit_ratio: 0.9 }));
    const run = await openRun(bench.runner(), market, {
      strategy: 'spx_credit_vertical',
      from: eastern('2026-06-15'),
      to: eastern('2026-06-23'),
      settings: { take_profit_ratio: 0.9 },
    });
    const days = minutes === 1 ? ['2026-06-17'] : DAYS.map(({ date }) => date);
    for (const day of days) {
      const open = eastern(`${day} 09:29:30`);
      const cuts = Array.from({ length: Math.ceil(395 / minutes) }, (_unused, n) =>
        addMs(open, n * minutes * 60_000),
      );
      await advanceThrough(run, cuts);
    }
    await run.advance(eastern('2026-06-23'));
    expect(differences(whole, await dumpOf(run))).toEqual(NO_DIFFERENCES);
  });

  test('do not look ahead: a quote of a leg that is received after the fill changes no price of it', async () => {
    const late = await createChainMarket(bench.owner(), { days: DAYS.slice(0, 1), expirations: EXPIRATIONS });
    const fillsAt = async (): Promise<string[]> => {
      const run = await openRun(bench.runner(), late, {
        strategy: 'spx_credit_vertical',
        from: eastern('2026-06-15'),
        to: eastern('2026-06-16'),
      });
      await run.advance(eastern('2026-06-15 10:30'), eastern('2026-06-15 10:30'));
      return fills(run);
    };
    const before = await fillsAt();
    expect(before).toHaveLength(1);
    // Nobody offers any more, says a quote of the very instant that comes an hour later.
    await bench.owner().query(
      `insert into market.option_quotes (instrument_id, feed_id, ts_event, seq, event_ns, bid_px_e4, ask_px_e4, ts_recv)
       select o.instrument_id, o.feed_id, o.ts_event, 1, 0, null, null, '2026-06-15 11:00'
       from market.option_quotes o where o.feed_id = $1 and o.ts_event = '2026-06-15 10:00'`,
      [late.quoteFeedId],
    );
    expect(await fillsAt()).toEqual(before);
  });

  test('do not look ahead: quotes that come later change nothing that was decided', async () => {
    const run = await runOf({}, '2026-06-16 10:30');
    const { rows } = await bench
      .runner()
      .query<{ n: string }>(
        `select count(*) as n from trade.decisions d where d.run_id = $1 and d.verdict = 'TRADE' and d.ts > '2026-06-16 10:30'`,
        [run.id],
      );
    expect(Number(rows[0]?.n)).toBe(0);
    const longer = await runOf({}, '2026-06-17');
    const until = { from: eastern('2026-06-15'), to: eastern('2026-06-16 10:30') };
    expect(differences(await dumpOf(run, until), await dumpOf(longer, until))).toEqual(NO_DIFFERENCES);
  });
});
