// Decisions: one for every period, and each gate made to fail alone, with its value, its threshold and its verdict.
import { describe, expect, test } from 'vitest';
import { useBench } from '../support/connections.ts';
import { eastern } from '../support/market.ts';
import type { EntryDecision } from '../support/runs.ts';
import { createScenario, type QuoteSpec, type Scenario, type ScenarioOptions } from '../support/scenario.ts';

const bench = useBench();
const PUT: QuoteSpec = ['P600', '10:05', 1.0, 1.02];
const GATES = [
  'window_ok',
  'halt_ok',
  'cooldown_ok',
  'slots_ok',
  'quote_ok',
  'capital_ok',
  'day_pl_ok',
  'orders_ok',
];

interface Asked extends Partial<ScenarioOptions> {
  readonly settings?: Readonly<Record<string, unknown>>;
  /** Of the decision; default 10:05, where the price crosses upwards. */
  readonly at?: string;
}

function scenario(options: Asked): Promise<Scenario> {
  return createScenario(bench.owner(), { sides: { '10:05': 1 }, quotes: [PUT], ...options });
}

async function judged(options: Asked = {}): Promise<EntryDecision> {
  const { at = '10:05', settings = {} } = options;
  const made = await scenario(options);
  const run = await made.open(bench.runner(), { settings });
  await run.to(at);
  return run.entry(at);
}

/** A decision that one gate alone has stopped. */
function stoppedBy(gate: string, reason: string, values: Readonly<Record<string, unknown>> = {}): unknown {
  const verdicts = Object.fromEntries(GATES.map((name) => [name, name !== gate]));
  return expect.objectContaining({ kind: 'entry', verdict: 'SKIP', reason, ...verdicts, ...values });
}

const traded = expect.objectContaining({
  verdict: 'TRADE',
  ...Object.fromEntries(GATES.map((gate) => [gate, true])),
});

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

describe('the cooldown', () => {
  test('counts from the last entry signal acted upon, even one that did not fill', async () => {
    const options = { sides: { '10:05': 1, '10:06': -1 }, at: '10:06' } as const;
    const quotes: QuoteSpec[] = [
      ['P600', '10:04:59', 1.0, 1.02],
      ['C600', '10:06', 1.0, 1.02],
    ];
    expect(await judged({ ...options, quotes, settings: { cooldown_ms: 60_001 } })).toEqual(
      stoppedBy('cooldown_ok', 'cooldown', { cooldown_ms: 60_000, cooldown_min_ms: 60_001 }),
    );
    expect(await judged({ ...options, quotes, settings: { cooldown_ms: 60_000 } })).toEqual(traded);
  });

  const afterStop = (stop: string, settings = {}): Promise<EntryDecision> =>
    judged({
      sides: { '10:05': 1, '10:10': -1 },
      at: '10:10',
      quotes: [PUT, ['P600', stop, 2.4, 2.5], ['C600', '10:10', 1.0, 1.02]],
      settings,
    });

  test('counts from stops and targets', async () => {
    expect(await afterStop('10:09:40')).toEqual(
      stoppedBy('cooldown_ok', 'cooldown', { cooldown_ms: 20_000, cooldown_min_ms: 30_000 }),
    );
    expect(await afterStop('10:09:30')).toEqual(traded);
    const afterTarget = await judged({
      sides: { '10:05': 1, '10:10': -1 },
      at: '10:10',
      quotes: [PUT, ['P600', '10:09:59', 0.3, 0.32], ['C600', '10:10', 1.0, 1.02]],
    });
    expect(afterTarget).toEqual(stoppedBy('cooldown_ok', 'cooldown', { cooldown_ms: 1000 }));
  });

  test('can leave exits out', async () => {
    expect(await afterStop('10:09:59', { cooldown_from_exit: 'none' })).toEqual(traded);
  });

  test('from all exits denies every reversal; the default reading allows it', async () => {
    const reverse = (settings = {}): Promise<EntryDecision> =>
      judged({
        sides: { '10:05': 1, '10:10': -1 },
        at: '10:10',
        quotes: [PUT, ['P600', '10:10', 1.1, 1.12], ['C600', '10:10', 1.0, 1.02]],
        settings,
      });
    expect(await reverse({ cooldown_from_exit: 'all' })).toEqual(
      stoppedBy('cooldown_ok', 'cooldown', { cooldown_ms: 0 }),
    );
    expect(await reverse()).toEqual(
      expect.objectContaining({ verdict: 'TRADE', reason: 'reversal', open_slots: 0 }),
    );
  });

  test('is forgotten by the next session, as are its loss and its orders', async () => {
    const quotes: QuoteSpec[] = [PUT, ['P600', '10:06', 0.3, 0.32]];
    const first = await scenario({ quotes, until: '10:10' });
    const { market } = first;
    await createScenario(bench.owner(), {
      market,
      date: '2026-06-18',
      sides: { '10:05': 1 },
      quotes,
      until: '10:10',
    });
    const run = await first.open(bench.runner(), {
      to: eastern('2026-06-19'),
      settings: { cooldown_ms: 200_000_000, max_orders_per_day: 2 },
    });
    await run.to('2026-06-19 00:00');
    const { rows } = await bench.owner().query(
      `select ts::text, verdict, cooldown_ms, day_pl::float, orders_day from trade.decisions
       where run_id = $1 and kind = 'entry' and direction is not null order by ts`,
      [run.id],
    );
    const fresh = { verdict: 'TRADE', cooldown_ms: null, day_pl: 0, orders_day: 0 };
    expect(rows).toEqual([
      { ts: '2026-06-17 10:05:00', ...fresh },
      { ts: '2026-06-18 10:05:00', ...fresh },
    ]);
  });
});

describe('one position', () => {
  const options = {
    sides: { '10:05': 1, '10:10': -1, '10:15': 1 },
    quotes: [PUT, ['C600', '10:10', 1.0, 1.02], ['P600', '10:15', 1.0, 1.02]] as QuoteSpec[],
  } as const;

  test('bars another', async () => {
    expect(await judged({ ...options, at: '10:10', settings: { exit_on_reverse: false } })).toEqual(
      stoppedBy('slots_ok', 'position_open', { open_slots: 1, max_slots: 1 }),
    );
  });

  test('may be several, if the strategy has several slots', async () => {
    const settings = { exit_on_reverse: false, slots: 2 };
    expect(await judged({ ...options, at: '10:10', settings })).toEqual(traded);
    expect(await judged({ ...options, at: '10:15', settings })).toEqual(
      stoppedBy('slots_ok', 'position_open', { open_slots: 2, max_slots: 2 }),
    );
  });

  test('bars another while its exit still works', async () => {
    const quotes: QuoteSpec[] = [
      PUT,
      ['P600', '10:09:29', 2.4, 2.5, { recv: '10:09:29' }],
      ['C600', '10:10', 1.0, 1.02],
    ];
    const settings = { latency_ms: 1, entry_valid_ms: 400_000 };
    const sides = { '10:05': 1, '10:10': -1 } as const;
    const fill: QuoteSpec = ['P600', '10:05:01', 1.0, 1.02];
    expect(await judged({ sides, at: '10:10', quotes: [...quotes, fill], settings })).toEqual(
      stoppedBy('slots_ok', 'position_open', { open_slots: 1 }),
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

describe('the day’s loss', () => {
  // (1.00 − 2.02) × 2,500 − 32.50 − 2.3325 = −2,584.8325.
  const options = {
    sides: { '10:05': 1, '10:10': -1 },
    at: '10:10',
    quotes: [PUT, ['P600', '10:07', 2.0, 2.02], ['C600', '10:10', 1.0, 1.02]] as QuoteSpec[],
  } as const;

  test('ends the day’s entries when it is reached', async () => {
    expect(await judged({ ...options, settings: { max_day_loss: 2584.83 } })).toEqual(
      stoppedBy('day_pl_ok', 'day_loss', { day_pl: -2584.83, day_pl_min: -2584.83 }),
    );
    expect(await judged({ ...options, settings: { max_day_loss: 2584.84 } })).toEqual(traded);
  });
});

describe('the order limits', () => {
  const options = {
    sides: { '10:05': 1, '10:10': -1 },
    at: '10:10',
    quotes: [PUT, ['P600', '10:07', 2.0, 2.02], ['C600', '10:10', 1.0, 1.02]] as QuoteSpec[],
  } as const;

  test('count the orders of the day, exits included', async () => {
    expect(await judged({ ...options, settings: { max_orders_per_day: 2 } })).toEqual(
      stoppedBy('orders_ok', 'order_limit', { orders_day: 2, orders_day_max: 2 }),
    );
    expect(await judged({ ...options, settings: { max_orders_per_day: 3 } })).toEqual(traded);
  });

  test('count the orders of the last minute, re-priced ones included', async () => {
    const quotes: QuoteSpec[] = [
      ['P600', '10:04:59', 1.0, 1.02],
      ['P600', '10:05:01', 1.0, 1.02],
      ['P600', '10:09:00.5', 2.0, 2.02],
      ['P600', '10:09:15', 2.0, 2.02],
      ['C600', '10:10', 1.0, 1.02],
    ];
    // A stop, four re-priced orders and one at market.
    const settings = { latency_ms: 1, cooldown_ms: 0 };
    const values = { orders_day: 7, orders_minute: 6 };
    expect(await judged({ ...options, quotes, settings: { ...settings, max_orders_per_minute: 6 } })).toEqual(
      stoppedBy('orders_ok', 'order_limit', { ...values, orders_minute_max: 6 }),
    );
    expect(
      await judged({ ...options, quotes, settings: { ...settings, max_orders_per_minute: 7 } }),
    ).toMatchObject({
      ...values,
      verdict: 'TRADE',
    });
  });

  test('never stop an exit', async () => {
    const made = await scenario({ ...options, quotes: [...options.quotes.slice(0, 2)] });
    const run = await made.open(bench.runner(), {
      settings: { max_orders_per_day: 1, max_orders_per_minute: 1 },
    });
    await run.to('10:08');
    expect((await run.story()).at(-1)).toBe('10:07:00 bought 25 P600 at 2.02');
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
