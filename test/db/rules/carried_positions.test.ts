// Positions that outlive their session or their run: what they remember does not depend on slices, days or processes.
import { describe, expect, test } from 'vitest';
import { useBench } from '../support/connections.ts';
import { addTicks, e4, eastern, tick } from '../support/market.ts';
import { differences, dumpOf, NO_DIFFERENCES } from '../support/runs.ts';
import { createScenario, type QuoteSpec, type Scenario } from '../support/scenario.ts';

const bench = useBench();

describe('an exit that finds no quote until another day', () => {
  /** Sells a contract that expires days later; the forced flat of the first day meets no quote. */
  async function carried(date: string, expiration: string, quotes: readonly QuoteSpec[]): Promise<Scenario> {
    return createScenario(bench.owner(), {
      date,
      expiration,
      sides: { '10:05': 1 },
      quotes: [['P600', '10:05', 1.0, 1.02], ...quotes],
    });
  }

  async function compareCuts(scenario: Scenario, to: string, cuts: readonly string[]): Promise<string[]> {
    const range = { to: eastern(to) };
    const whole = await scenario.open(bench.runner(), range);
    await whole.to(to);
    const cut = await scenario.open(bench.runner(), range);
    for (const each of [...cuts, to]) await cut.to(each);
    expect(differences(await dumpOf(whole), await dumpOf(cut))).toEqual(NO_DIFFERENCES);
    return whole.story();
  }

  test('fills there, and counts in that day’s result, however the range is cut', async () => {
    const scenario = await carried('2026-06-22', '2026-06-26', [['P600', '2026-06-23 09:31:00', 0.8, 0.82]]);
    await addTicks(scenario.market, [tick({ ts_event: eastern('2026-06-23 09:30'), close_e4: 6_000_000 })]);
    const cuts = ['2026-06-23 00:00:00', '2026-06-23 09:31:00', '2026-06-23 09:40:00'];
    const story = await compareCuts(scenario, '2026-06-24 00:00:00', cuts);
    expect(story.at(-1)).toBe('09:31:00 bought 25 P600 at 0.82');
    const { rows } = await bench.owner().query(
      `select distinct day_pl::float from trade.decisions d join trade.runs r using (run_id)
       join ref.feeds f on f.feed_id = r.tick_feed_id and f.name = $1
       where d.ts > '2026-06-23 09:31' and d.kind = 'entry'`,
      [scenario.market.tickFeed],
    );
    // (1.00 − 0.82) × 2,500 − 32.50 − 2.3325.
    expect(rows).toEqual([{ day_pl: 415.17 }]);
  });

  test('fills before the open too, however the range is cut', async () => {
    const scenario = await carried('2026-06-22', '2026-06-26', [['P600', '2026-06-23 08:00:00', 0.8, 0.82]]);
    const cuts = ['2026-06-23 00:00:00', '2026-06-23 07:00:00', '2026-06-23 09:30:00', '2026-06-23 09:31:00'];
    await compareCuts(scenario, '2026-06-24 00:00:00', cuts);
  });

  test('does the same on a day without a session', async () => {
    const scenario = await carried('2026-07-10', '2026-07-14', [['P600', '2026-07-11 11:00:00', 0.8, 0.82]]);
    const story = await compareCuts(scenario, '2026-07-14 00:00:00', [
      '2026-07-11 00:00:00',
      '2026-07-12 00:00:00',
    ]);
    expect(story.at(-1)).toBe('11:00:00 bought 25 P600 at 0.82');
  });
});

describe('a contract that expires with its exit unfilled', () => {
  async function expired(px: number, until = '15:59'): Promise<{ story: string[]; isHeld: boolean }> {
    const scenario = await createScenario(bench.owner(), {
      date: '2026-06-17',
      sides: { '10:05': 1 },
      until,
      quotes: [['P600', '10:05', 1.0, 1.02]],
    });
    // The last print of the session says what the contract is worth.
    await addTicks(scenario.market, [tick({ ts_event: scenario.at(until), close_e4: e4(px) })]);
    const run = await scenario.open(bench.runner());
    for (const cut of ['16:00', '16:14:59', '16:15', '16:15:01', '2026-06-18 00:00:00']) await run.to(cut);
    const { rows } = await bench
      .owner()
      .query('select position_id from trade.position_slots where account = $1', [`backtest-${run.id}`]);
    return { story: await run.story(), isHeld: rows[0].position_id !== null };
  }

  test('is settled at the options’ close for what it is worth, and leaves its slot', async () => {
    const [inTheMoney, out] = [await expired(597.5), await expired(603)];
    expect(inTheMoney.story.at(-1)).toBe('16:15:00 bought 25 P600 at 2.50');
    expect(out.story.at(-1)).toBe('16:15:00 bought 25 P600 at 0.00');
    expect([inTheMoney.isHeld, out.isHeld]).toEqual([false, false]);
  });

  test('stays open where the feed ended long before the close: nobody knows what it was worth', async () => {
    const { story, isHeld } = await expired(603, '15:50');
    expect(story.filter((line) => line.includes('bought'))).toEqual([]);
    expect(isHeld).toBe(true);
  });
});

test('since when a slot is taken does not depend on the slices', async () => {
  const scenario = await createScenario(bench.owner(), {
    sides: { '10:05': 1 },
    until: '10:20',
    quotes: [
      ['P600', '10:05', 1.0, 1.02],
      ['P600', '10:05:01', 1.0, 1.02],
      ['P600', '10:07', 2.1, 2.2],
    ],
  });
  for (const cuts of [['10:07:01'], ['10:05', '10:06', '10:07:01']]) {
    const run = await scenario.open(bench.runner(), { settings: { latency_ms: 1 } });
    for (const cut of cuts) await run.to(cut);
    const { rows } = await bench
      .owner()
      .query('select ts_claimed::text from trade.position_slots where account = $1', [`backtest-${run.id}`]);
    expect(rows).toEqual([{ ts_claimed: '2026-06-17 10:05:00' }]);
  }
});

describe('a live run that takes over in mid-session from one that has ended', () => {
  const end = (id: number): Promise<unknown> =>
    bench.runner().query("select trade.close_run($1, 'failed', '2026-06-17 12:00')", [id]);

  test('does not close a position on signals from before its entry', async () => {
    const scenario = await createScenario(bench.owner(), {
      sides: { '10:02': 1, '10:05': -1, '10:10': 1, '10:30': -1 },
      until: '10:40',
      quotes: [
        ['C600', '10:05', 1.0, 1.02],
        ['P600', '10:10', 1.0, 1.02],
        ['P600', '10:11', 1.0, 1.02],
        ['P600', '10:30', 1.0, 1.02],
      ],
    });
    const settings = { account: 'taken-over' };
    const first = await scenario.open(bench.runner(), { mode: 'live', settings });
    for (const time of ['10:09', '10:10', '10:11', '10:12']) await first.to(time, time);
    expect((await first.story()).at(-1)).toBe('10:10:00 sold 25 P600 at 1.00');
    await end(first.id);
    const second = await scenario.open(bench.runner(), { mode: 'live', settings });
    await second.to('10:20', '10:20');
    expect(await second.story()).toEqual([]);
    expect(await second.entry('10:05')).toMatchObject({ verdict: 'SKIP', reason: 'late' });
    await second.to('10:31', '10:31');
    expect(await second.story()).toEqual([
      '10:30:00 exit reverse P600 at 1.02',
      '10:30:00 exit#1 buy 25 P600 1.02',
      '10:30:00 bought 25 P600 at 1.02',
    ]);
    // The round trip is the first run's, though the second has closed it: neither open twice nor lost.
    const ids = [[first.id, second.id]];
    const trips = await bench
      .owner()
      .query('select run_id, gross::float, exit_reason from panel.round_trips where run_id = any($1)', ids);
    expect(trips.rows).toEqual([{ run_id: first.id, gross: -50, exit_reason: 'reverse' }]);
    const money = await bench
      .owner()
      .query(
        'select run_id, trades, gross::float from panel.daily_pl where run_id = any($1) order by 1',
        ids,
      );
    expect(money.rows).toEqual([
      { run_id: first.id, trades: 1, gross: -50 },
      { run_id: second.id, trades: 0, gross: 0 },
    ]);
    const open = await bench.owner().query('select * from panel.open_positions where run_id = any($1)', ids);
    expect(open.rows).toEqual([]);
    const sums = await bench
      .owner()
      .query('select run_id, gross from panel.trip_pl where run_id = any($1)', ids);
    expect(sums.rows).toEqual([{ run_id: first.id, gross: -50 }]);
  });

  test('knows what the account has lost and ordered that day, from its first slice on', async () => {
    const scenario = await createScenario(bench.owner(), {
      sides: { '10:05': 1, '10:15': -1 },
      until: '10:40',
      quotes: [
        ['P600', '10:05', 1.0, 1.02],
        ['P600', '10:07', 5.0, 5.02],
        ['C600', '10:15', 1.0, 1.02],
      ],
    });
    const settings = { account: 'has-lost', max_day_loss: 5000 };
    const first = await scenario.open(bench.runner(), { mode: 'live', settings });
    for (const time of ['10:04', '10:05', '10:08']) await first.to(time, time);
    await end(first.id);
    const second = await scenario.open(bench.runner(), { mode: 'live', settings });
    await second.to('10:15', '10:15:01');
    // (1.00 − 5.02) × 2,500 − 32.50 − 2.3325.
    expect(await second.entry('10:15')).toMatchObject({
      reason: 'day_loss',
      day_pl: -10_084.83,
      orders_day: 2,
    });
  });

  test('of a strategy that was lowered to one slot holds one position', async () => {
    const scenario = await createScenario(bench.owner(), {
      sides: { '10:05': 1, '10:10': -1 },
      until: '10:20',
      quotes: [
        ['P600', '10:05', 1.0, 1.02],
        ['C600', '10:10', 1.0, 1.02],
      ],
    });
    const settings = { account: 'lowered', exit_on_reverse: false };
    const three = await scenario.open(bench.runner(), { mode: 'live', settings: { ...settings, slots: 3 } });
    await end(three.id);
    const one = await scenario.open(bench.runner(), { mode: 'live', settings: { ...settings, slots: 1 } });
    for (const time of ['10:05', '10:06', '10:10', '10:11']) await one.to(time, time);
    expect(await one.entry('10:10')).toMatchObject({ reason: 'position_open', open_slots: 1, max_slots: 1 });
  });
});
