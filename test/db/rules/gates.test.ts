// Decisions: one for every period, and each gate made to fail alone, with its value, its threshold and its verdict.
import { describe, expect, test } from 'vitest';
import { useBench } from '../support/connections.ts';
import type { EntryDecision } from '../support/runs.ts';
import type { QuoteSpec } from '../support/scenario.ts';
import { type Asked, createJudge, PUT, stoppedBy, traded } from '../support/verdicts.ts';

const bench = useBench();
const { scenario, judged } = createJudge(bench);

test('every period of a session has exactly one entry decision, and each says what every gate measured', async () => {
  const made = await scenario({
    sides: { '09:50': null, '10:05': 1, '10:10': -1, '11:00': null, '15:50': 1 },
  });
  const run = await made.open(bench.runner());
  await run.to('23:00');
  const { rows } = await bench.owner().query(
    `select count(*)::int as decisions, count(distinct d.ts)::int as periods, min(d.ts)::time::text as first, max(d.ts)::time::text as last,
       bool_and(d.verdict in ('TRADE', 'SKIP')) as judged,
       bool_and(num_nulls(window_min, window_from_min, window_to_min, window_ok, halt_ok, cooldown_min_ms, cooldown_ok, open_slots,
         max_slots, slots_ok, capital_max, capital_ok, day_pl, day_pl_min, day_pl_ok, orders_day, orders_day_max, orders_minute,
         orders_minute_max, orders_ok) = 0) as measured,
       bool_and((direction is null) = (quote_ok is null)) as quote_judged
     from trade.decisions d where d.run_id = $1 and d.kind = 'entry'`,
    [run.id],
  );
  expect(rows).toEqual([
    {
      decisions: 390,
      periods: 390,
      first: '09:31:00',
      last: '16:00:00',
      judged: true,
      measured: true,
      quote_judged: true,
    },
  ]);
  expect(await run.entry('09:50')).toMatchObject({ verdict: 'SKIP', reason: 'no_signal', capital: 0 });
});

test('a period without a signal is skipped for that', async () => {
  expect(await judged({ at: '10:06' })).toMatchObject({
    verdict: 'SKIP',
    reason: 'no_signal',
    direction: null,
  });
});

test('a signal that passes every gate is traded', async () => {
  expect(await judged()).toEqual(traded);
  expect(await judged()).toMatchObject({
    reason: 'cross_up',
    direction: 1,
    bid_e4: 10_000,
    ask_e4: 10_200,
    capital: 1_500_000,
  });
});

describe('the window', () => {
  const at = (time: string, more: Asked = {}): Promise<EntryDecision> =>
    judged({ sides: { [time]: 1 }, quotes: [['P600', time, 1.0, 1.02]], at: time, ...more });

  test('opens half an hour after the open, to the minute', async () => {
    expect(await at('09:59')).toEqual(
      stoppedBy('window_ok', 'outside_window', { window_min: 29, window_from_min: 30, window_to_min: 360 }),
    );
    expect(await at('10:00')).toEqual(traded);
  });

  test('closes half an hour before the close, to the minute', async () => {
    expect(await at('15:29')).toEqual(traded);
    expect(await at('15:30')).toEqual(stoppedBy('window_ok', 'outside_window', { window_min: 360 }));
  });

  test('closes at 12:30 on a half day', async () => {
    const date = '2026-11-27';
    expect(await at('12:29', { date })).toEqual(traded);
    expect(await at('12:30', { date })).toEqual(
      stoppedBy('window_ok', 'outside_window', { window_min: 180, window_to_min: 180 }),
    );
  });

  test('follows the strategy’s buffers', async () => {
    const settings = { front_buffer_min: 10, back_buffer_min: 1 };
    expect(await at('09:41', { settings })).toEqual(traded);
    expect(await at('15:58', { settings })).toEqual(traded);
    expect(await at('15:59', { settings })).toEqual(
      stoppedBy('window_ok', 'outside_window', { window_to_min: 389 }),
    );
  });
});

describe('capital', () => {
  test('is strike times 100 times contracts, and may be used up to the cent', async () => {
    expect(await judged({ settings: { trading_capital: 1_499_999.99 } })).toEqual(
      stoppedBy('capital_ok', 'capital', { capital: 1_500_000, capital_max: 1_499_999.99 }),
    );
    expect(await judged({ settings: { trading_capital: 1_500_000 } })).toEqual(traded);
    expect(await judged({ settings: { contracts: 83 } })).toEqual(traded);
    expect(await judged({ settings: { contracts: 84 } })).toEqual(
      stoppedBy('capital_ok', 'capital', { capital: 5_040_000 }),
    );
  });

  test('counts what is open, and what is being reversed only once', async () => {
    const options = {
      sides: { '10:05': 1, '10:10': -1 },
      at: '10:10',
      quotes: [PUT, ['P600', '10:10', 1.0, 1.02], ['C600', '10:10', 1.0, 1.02]] as QuoteSpec[],
    } as const;
    const settings = { trading_capital: 2_999_999, slots: 2 };
    expect(await judged({ ...options, settings: { ...settings, exit_on_reverse: false } })).toEqual(
      stoppedBy('capital_ok', 'capital', { capital: 3_000_000 }),
    );
    expect(await judged({ ...options, settings })).toMatchObject({
      verdict: 'TRADE',
      reason: 'reversal',
      capital: 1_500_000,
    });
  });
});

describe('the quote', () => {
  test('needs a contract', async () => {
    const decision = await judged({ date: '2034-12-15', strikes: [], quotes: [] });
    expect(decision).toEqual(stoppedBy('quote_ok', 'no_contract', { instrument_id: null, quote_ts: null }));
  });

  test.each<[string, string, QuoteSpec[], Record<string, unknown>]>([
    [
      'must exist',
      'no_quote',
      [['P600', '10:05:00.000001', 1.0, 1.02]],
      { bid_e4: null, ask_e4: null, quote_age_ms: null },
    ],
    ['needs a bid', 'one_sided_quote', [['P600', '10:05', null, 1.02]], { bid_e4: null, ask_e4: 10_200 }],
    ['needs an ask', 'one_sided_quote', [['P600', '10:05', 1.0, null]], { bid_e4: 10_000, ask_e4: null }],
    ['needs a bid above nothing', 'one_sided_quote', [['P600', '10:05', 0, 1.02]], { bid_e4: 0 }],
    [
      'may not be crossed',
      'crossed_quote',
      [['P600', '10:05', 1.03, 1.02]],
      { bid_e4: 10_300, ask_e4: 10_200 },
    ],
    [
      'may not be stale',
      'stale_quote',
      [['P600', '10:03:29.999', 1.0, 1.02]],
      { quote_age_ms: 90_001, quote_age_max_ms: 90_000 },
    ],
    [
      'is the last one, even if one before it was better',
      'one_sided_quote',
      [PUT, ['P600', '10:05', null, 1.02, { seq: 1 }]],
      {},
    ],
  ])('%s', async (_, reason, quotes, values) => {
    expect(await judged({ quotes })).toEqual(stoppedBy('quote_ok', reason, values));
  });

  test('may be as old as its feed allows', async () => {
    expect(await judged({ quotes: [['P600', '10:03:30', 1.0, 1.02]] })).toEqual(traded);
    const quotes: QuoteSpec[] = [['P600', '10:04:57.999', 1.0, 1.02]];
    expect(await judged({ quotes, staleAfterMs: 2000 })).toEqual(
      stoppedBy('quote_ok', 'stale_quote', { quote_age_ms: 2001, quote_age_max_ms: 2000 }),
    );
  });
});

describe('a halt', () => {
  const halt = (account: string | null, halted: boolean, ts = '2026-06-17 09:00'): Promise<unknown> =>
    bench
      .runner()
      .query("insert into trade.controls (ts, account, halted, reason) values ($1, $2, $3, 'a test')", [
        ts,
        account,
        halted,
      ]);

  test('of the account stops entries until it is lifted, and never exits', async () => {
    const made = await scenario({
      sides: { '10:05': 1, '10:10': -1, '10:15': 1 },
      quotes: [PUT, ['P600', '10:10', 1.0, 1.02], ['C600', '10:10', 1.0, 1.02], ['P600', '10:15', 1.0, 1.02]],
    });
    const run = await made.open(bench.runner());
    await run.to('10:06');
    await halt(`backtest-${run.id}`, true);
    await run.to('10:11');
    expect(await run.entry('10:10')).toEqual(stoppedBy('halt_ok', 'halted'));
    expect((await run.story()).at(-1)).toBe('10:10:00 bought 25 P600 at 1.02');
    await halt(`backtest-${run.id}`, false);
    await run.to('10:15');
    expect(await run.entry('10:15')).toEqual(traded);
  });

  test('of another account, or one that begins later than as_of, stops nothing', async () => {
    const made = await scenario({});
    const run = await made.open(bench.runner());
    await halt('somebody-else', true);
    await halt(`backtest-${run.id}`, true, '2026-06-17 12:00');
    await run.to('10:05', '10:05:01');
    expect(await run.entry('10:05')).toEqual(traded);
  });

  test('of all accounts stops live runs alone', async () => {
    const made = await scenario({});
    const live = await made.open(bench.runner(), { mode: 'live', settings: { account: 'halted-live' } });
    const backtest = await made.open(bench.runner());
    await halt(null, true);
    await live.to('10:05', '10:05:01');
    await backtest.to('10:05');
    await halt(null, false);
    expect(await live.entry('10:05')).toEqual(stoppedBy('halt_ok', 'halted'));
    expect(await backtest.entry('10:05')).toEqual(traded);
  });
});

describe('a live run', () => {
  test('skips a decision that is older than five seconds when it is taken, and exits at once all the same', async () => {
    const late = async (asOf: string, account: string): Promise<EntryDecision> => {
      const made = await scenario({});
      const run = await made.open(bench.runner(), { mode: 'live', settings: { account } });
      await run.to('10:05', asOf);
      return run.entry('10:05');
    };
    expect(await late('10:05:05.001', 'late-1')).toEqual(
      stoppedBy('age_ok', 'late', { age_ms: 5001, age_max_ms: 5000, age_ok: false }),
    );
    expect(await late('10:05:05', 'late-2')).toMatchObject({ verdict: 'TRADE', age_ms: 5000, age_ok: true });
  });

  test('enters on nothing that a stream has not said to be complete, and knows no streams in a replay', async () => {
    const decided = async (
      mode: 'live' | 'replay',
      ticks: string,
      quotes: string,
    ): Promise<EntryDecision> => {
      const made = await scenario({});
      const settings = { account: `behind-${mode}-${ticks}-${quotes}` };
      const run = await made.open(bench.runner(), { mode, settings });
      await bench.owner().query(
        `insert into ops.stream_marks (feed_id, stream, ts_high_water, ts_recv, rows_in)
         select f.feed_id, m.stream, $1::date + m.mark, $1::date + m.mark, 1
         from (values ($2, 'equities', $3::time), ($4, 'options', $5::time)) as m (feed, stream, mark)
         join ref.feeds f on f.name = m.feed`,
        ['2026-06-17', made.market.tickFeed, ticks, made.market.quoteFeed, quotes],
      );
      await run.to('10:05', '10:05:02');
      return run.entry('10:05');
    };
    // A stream whose process stands still counts as complete up to the clock after a while: nobody else would say so.
    expect(await decided('live', '10:04:59', '10:05:02')).toEqual(stoppedBy('halt_ok', 'feed_mute'));
    expect(await decided('live', '10:05:02', '10:04:59.999999')).toEqual(stoppedBy('halt_ok', 'feed_mute'));
    // Neither has it said so of the grace, in which late ticks come.
    expect(await decided('live', '10:05:00.999999', '10:05:01')).toEqual(stoppedBy('halt_ok', 'feed_mute'));
    expect(await decided('live', '10:05:01', '10:05:01')).toMatchObject({ verdict: 'TRADE' });
    expect(await decided('replay', '10:04:59', '10:04:59')).toMatchObject({ verdict: 'TRADE' });
  });

  test('is the only one of its account', async () => {
    const made = await scenario({});
    const settings = { account: 'only-one' };
    await made.open(bench.runner(), { mode: 'live', settings });
    await expect(made.open(bench.runner(), { mode: 'live', settings })).rejects.toMatchObject({
      code: '23505',
      constraint: 'runs_one_live_idx',
    });
  });
});

test('of several gates that fail, the first in their order is the reason', async () => {
  const decision = await judged({ quotes: [], settings: { trading_capital: 1, max_orders_per_day: 1 } });
  expect(decision).toMatchObject({ reason: 'no_quote', quote_ok: false, capital_ok: false, orders_ok: true });
});
