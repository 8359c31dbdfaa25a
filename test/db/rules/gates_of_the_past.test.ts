// The gates that depend on what the strategy did before: cooldown, one position, the day's loss, the order limits.
import { describe, expect, test } from 'vitest';
import { useBench } from '../support/connections.ts';
import { eastern } from '../support/market.ts';
import type { EntryDecision } from '../support/runs.ts';
import { createScenario, type QuoteSpec } from '../support/scenario.ts';
import { createJudge, PUT, stoppedBy, traded } from '../support/verdicts.ts';

const bench = useBench();
const { scenario, judged } = createJudge(bench);

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
