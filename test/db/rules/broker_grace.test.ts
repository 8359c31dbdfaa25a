// What a held position does not wait for: the grace of a period, when its exit is due at a broker.
import { afterEach, describe, expect, test } from 'vitest';
import { addMs } from '../../../core/eastern_time.ts';
import { type LiveRun, openLive } from '../../../jobs/live.ts';
import { brokerBench, PUT } from '../support/broker_bench.ts';
import { useBench } from '../support/connections.ts';
import { type Desk, openDesk } from '../support/desk.ts';
import { createScenario, type QuoteSpec, type Scenario, type ScenarioOptions } from '../support/scenario.ts';

const bench = useBench();
const { holding, entering, exits, reasonAt, one } = brokerBench(bench);
const STOP: QuoteSpec = ['P600', '10:07:00.200', 2.1, 2.2];
const open: LiveRun[] = [];

afterEach(async () => {
  for (const run of open.splice(0)) await run.close('stopped');
});

function isDue(of: Desk, before: string): Promise<boolean | undefined> {
  return one('select trade.is_exit_due($1, $2, $2) as value', [of.run().id, of.at(before)]);
}

describe('an exit', () => {
  test('is due from its quote on, and not before', async () => {
    const d = await holding({ quotes: [PUT, STOP] });
    await d.to('10:06:59.999999');
    expect(await isDue(d, '10:07:00.200')).toBe(false);
    expect(await isDue(d, '10:07:00.200001')).toBe(true);
  });

  test('is not due again for its next price while it works, but when it has failed', async () => {
    const d = await holding({ quotes: [PUT, STOP] });
    await d.to('10:07:01');
    expect(await isDue(d, '10:07:20')).toBe(false);
    expect(await d.work('10:07:01')).toEqual(['cancel protect the exit goes first']);
    await d.report('10:07:01.5');
    expect(await d.work('10:07:01.5', 'rejected')).toEqual(['send exit 25']);
    await d.report('10:07:01.6');
    expect(await isDue(d, '10:07:20')).toBe(true);
  });

  test('of what has filled is not hidden by the end of the rest of its entry', async () => {
    const d = await entering({ quotes: [PUT, STOP] });
    d.fill('entry', 10, 1.0, '10:05:01');
    await d.report('10:05:02');
    await d.to('10:05:02.1');
    expect(await isDue(d, '10:05:02.2')).toBe(false);
    expect(await isDue(d, '10:06:59')).toBe(true);
  });

  test('is due where a fill has become known behind its quote', async () => {
    const d = await entering({ quotes: [PUT, STOP] });
    await d.to('10:07:01');
    expect(await isDue(d, '10:07:01.5')).toBe(false);
    d.fill('entry', 25, 1.0, '10:05:01');
    await d.report('10:07:01.2');
    expect(await isDue(d, '10:07:01.5')).toBe(true);
  });
});

test('a position without a protective stop is due, one whose stop has been refused is left to its own times', async () => {
  const d = await entering();
  d.fill('entry', 25, 1.0, '10:05:01');
  await d.report('10:05:02');
  expect(await isDue(d, '10:05:02.1')).toBe(true);
  await d.to('10:05:02.1');
  expect(await isDue(d, '10:05:02.2')).toBe(false);
  expect(await d.work('10:05:02.2', 'rejected')).toEqual(['send protect 25']);
  await d.report('10:05:03');
  expect(await isDue(d, '10:05:03.1')).toBe(false);
});

describe('a step of a live run, in the grace of a period', () => {
  async function held(
    options: Partial<ScenarioOptions>,
  ): Promise<{ desk: Desk; run: LiveRun; step(now: string, ticks: string): Promise<string | null> }> {
    const scenario: Scenario = await createScenario(bench.owner(), {
      ...{ sides: { '10:05': 1 }, until: '10:20', quotes: [PUT, STOP] },
      ...options,
    });
    const desk = await openDesk(scenario, { client: bench.runner() });
    await desk.to('10:05:01');
    await desk.work('10:05:01');
    desk.fill('entry', 25, 1.0, '10:05:01');
    await desk.report('10:05:02');
    await desk.to('10:05:02.1');
    await desk.work('10:05:02.2');
    await desk.report('10:05:03');
    await desk.to('10:06:50');
    const run = await openLive({
      url: bench.database.url(),
      clock: { kind: 'simulated', now: () => scenario.at('10:06:50'), sleep: async () => undefined },
      ...{ strategy: 'vwap_ma9', settings: { account: desk.account }, broker: 'schwab' },
      ...{ tickFeed: scenario.market.tickFeed, quoteFeed: scenario.market.quoteFeed },
      session: {
        ...{ from: scenario.at('09:30'), to: scenario.at('16:15') },
        optionClose: scenario.at('16:15'),
      },
    });
    open.push(run);
    const step = async (now: string, ticks: string): Promise<string | null> => {
      await bench.owner().query(
        `insert into ops.stream_marks as m (feed_id, stream, ts_high_water, ts_recv, rows_in)
         select f.feed_id, x.stream, x.ts, $1, 1
         from (values ($2, 'equities', $3::timestamp), ($4, 'options', $1::timestamp)) as x (feed, stream, ts)
         join ref.feeds f on f.name = x.feed
         on conflict (feed_id, stream) do update set ts_high_water = excluded.ts_high_water, ts_recv = excluded.ts_recv`,
        [desk.at(now), scenario.market.tickFeed, desk.at(ticks), scenario.market.quoteFeed],
      );
      const slice = await run.step(addMs(scenario.at(now), 10));
      return slice === null ? null : slice.ts_to.slice(11);
    };
    return { desk, run, step };
  }

  test('waits while nothing is due, and exits at once when it is', async () => {
    const { desk, step } = await held({});
    expect(await step('10:07:00.1', '10:07:00.1')).toBe('10:06:59.999999');
    expect(await step('10:07:00.15', '10:07:00.15')).toBeNull();
    expect(await step('10:07:00.3', '10:07:00.25')).toBe('10:07:00.3');
    expect(await exits(desk)).toEqual(['stop_loss at 2.20']);
    expect(await step('10:07:00.5', '10:07:00.5')).toBeNull();
    expect(await step('10:07:01.1', '10:07:01')).toBe('10:07:01.1');
  });

  test('waits for the aggregates of the period all the same: of half a period the next one would cross back', async () => {
    const { desk, step } = await held({ sides: { '10:05': 1, '10:07': null } });
    expect(await step('10:07:00.1', '10:07:00.1')).toBe('10:06:59.999999');
    expect(await step('10:07:00.8', '10:07:00.8')).toBeNull();
    expect(await exits(desk)).toEqual([]);
    expect(await step('10:07:01.1', '10:07:01')).toBe('10:07:01.1');
    expect(await exits(desk)).toEqual(['stop_loss at 2.20']);
  });

  test('takes 150 ms without a print for the end of a period', async () => {
    const quotes: QuoteSpec[] = [PUT, ['P600', '10:07:00.050', 2.1, 2.2]];
    const { desk, step } = await held({ sides: { '10:05': 1, '10:07': null }, quotes, spanMs: 0 });
    expect(await step('10:07:00.1', '10:06:59.9')).toBe('10:06:59.999999');
    expect(await step('10:07:00.12', '10:06:59.9')).toBeNull();
    expect(await step('10:07:00.14', '10:06:59.9')).toBe('10:07:00.14');
    expect(await exits(desk)).toEqual(['stop_loss at 2.20']);
  });

  test('enters on nothing that has not waited for its late ticks', async () => {
    const { desk, run, step } = await held({ sides: { '10:05': 1, '10:07': -1 } });
    expect(await step('10:07:00.1', '10:07:00.1')).toBe('10:06:59.999999');
    expect(await step('10:07:00.3', '10:07:00.3')).toBe('10:07:00.3');
    expect(await exits(desk)).toEqual(['reverse at 1.02']);
    expect(await reasonAt({ ...desk, run: () => ({ ...desk.run(), id: run.runId }) }, '10:07')).toBe(
      'feed_mute',
    );
  });
});
