// Latencies of a live run: sampled beside the work, measured from facts, and shown by `strikebase status`.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { liveColumns } from '../../cli/status_live.ts';
import { type Clock, systemClock } from '../../core/clock.ts';
import { addMs, type EasternUs, formatEastern } from '../../core/eastern_time.ts';
import { connect } from '../../db/pool.ts';
import { bytesSampler, latencySampler } from '../../jobs/latency.ts';
import { useDatabase } from '../harness.ts';
import { useBench } from './support/connections.ts';
import { openDesk } from './support/desk.ts';
import { createScenario } from './support/scenario.ts';

const bench = useBench();

interface Sample {
  readonly stage: string;
  readonly ms: number;
}

async function samples(): Promise<Sample[]> {
  const { rows } = await bench
    .runner()
    .query<Sample>('select stage, micros / 1000.0::float8 as ms from ops.latency_samples order by sample_id');
  return rows;
}

/** The time of a market, as a clock of the machine's. */
function clockAt(now: () => EasternUs, kind: Clock['kind'] = 'system'): Clock {
  return { kind, now, sleep: systemClock().sleep };
}

describe('the sampler', () => {
  it('stores the first slice of a second, with the way from its newest row, and none twice', async () => {
    let now = systemClock().now();
    const sampler = latencySampler(1, { clock: clockAt(() => now), isPaper: true });
    sampler.note({ sliceMs: 1.5, receivedAt: addMs(now, -20) });
    sampler.note({ sliceMs: 900, receivedAt: addMs(now, -5000) });
    await sampler.store(bench.runner());
    now = addMs(now, 1000);
    await sampler.store(bench.runner());
    sampler.note({ sliceMs: 2, receivedAt: null });
    await sampler.store(bench.runner());
    expect(await samples()).toEqual([
      { stage: 'slice', ms: 1.5 },
      { stage: 'tick to slice', ms: 20 },
      { stage: 'slice', ms: 2 },
    ]);
  });

  it('measures nothing in a simulated time', async () => {
    const before = (await samples()).length;
    const sampler = latencySampler(1, {
      clock: clockAt(() => systemClock().now(), 'simulated'),
      isPaper: false,
    });
    sampler.note({ sliceMs: 1.5, receivedAt: null });
    await sampler.store(bench.runner());
    expect(await samples()).toHaveLength(before);
  });

  it('measures orders from the slice that wrote them, and exits from the quote that was their cause', async () => {
    const scenario = await createScenario(bench.owner(), {
      ...{ until: '10:20', sides: { '10:05': 1 } },
      quotes: [
        ['P600', '10:05', 1.0, 1.02],
        ['P600', '10:06:30', 2.0, 2.05],
      ],
    });
    const desk = await openDesk(scenario, { client: bench.runner() });
    let now = scenario.at('10:04:59');
    const sampler = latencySampler(desk.run().id, { clock: clockAt(() => now), isPaper: false });
    await desk.to('10:05:00.1');
    await desk.work('10:05:00.25');
    desk.fill('entry', 25, 1.0, '10:05:01');
    await desk.report('10:05:02');
    await desk.to('10:06:30.2');
    await desk.work('10:06:30.3');
    now = scenario.at('10:06:40');
    const before = (await samples()).length;
    await sampler.store(bench.runner());
    const measured = (await samples()).slice(before);
    const of = (stage: string): number[] =>
      measured.filter((each) => each.stage === stage).map(({ ms }) => Math.round(ms));
    expect(of('slice to order')).toEqual([150, 100]);
    expect(of('tick to exit')).toHaveLength(1);
    now = addMs(now, 60_000);
    await sampler.store(bench.runner());
    expect(await samples()).toHaveLength(before + measured.length);
  });
});

describe('the bytes of an order', () => {
  it('are measured from the tick that showed its signal, or the quote that was its cause, and from its slice', async () => {
    const scenario = await createScenario(bench.owner(), {
      ...{ until: '10:20', sides: { '10:05': 1 } },
      quotes: [
        ['P600', '10:05', 1.0, 1.02],
        ['P600', '10:06:30', 2.0, 2.05],
      ],
    });
    const desk = await openDesk(scenario, { client: bench.runner() });
    await desk.to('10:05:00.1');
    await desk.work('10:05:00.25');
    desk.fill('entry', 25, 1.0, '10:05:01');
    await desk.report('10:05:02');
    await desk.to('10:06:30.2');
    await desk.work('10:06:30.3');
    const { rows } = await bench
      .runner()
      .query<{ intent_id: number; purpose: string }>(
        "select intent_id, purpose from trade.order_intents where run_id = $1 and purpose <> 'protect' order by intent_id",
        [desk.run().id],
      );
    // The first tick behind the period, a moment after its grace is over.
    const ripe = formatEastern(addMs(scenario.at('10:05:00'), 4000));
    await bench.owner().query(
      `insert into market.equity_ticks
       select (jsonb_populate_record(t, jsonb_build_object('ts_event', $2::text, 'ts_recv', $2::text))).*
       from market.equity_ticks t join trade.runs r on r.tick_feed_id = t.feed_id and r.instrument_id = t.instrument_id
       where r.run_id = $1 limit 1`,
      [desk.run().id, ripe],
    );
    const [entry, exit] = rows.map(({ intent_id }) => intent_id) as [number, number];
    const before = (await samples()).length;
    const sampler = bytesSampler(clockAt(() => scenario.at('10:07')));
    sampler.note(entry, scenario.at('10:05:04.5'));
    sampler.note(exit, scenario.at('10:06:30.35'));
    await sampler.store(bench.runner());
    await sampler.store(bench.runner());
    const measured = (await samples()).slice(before);
    const of = (stage: string): number[] =>
      measured.filter((each) => each.stage === stage).map(({ ms }) => Math.round(ms));
    expect(of('slice to entry bytes')).toEqual([4400]);
    expect(of('slice to exit bytes')).toEqual([150]);
    expect(of('tick to entry bytes')).toEqual([500]);
    expect(of('tick to exit bytes')).toHaveLength(1);
    expect(measured).toHaveLength(4);
  });

  it('are measured from the slice that wrote it where a fill became known after the quote that was its stop', async () => {
    const scenario = await createScenario(bench.owner(), {
      ...{ until: '10:20', sides: { '10:05': 1 } },
      quotes: [
        ['P600', '10:05', 1.0, 1.02],
        ['P600', '10:06:30', 2.0, 2.05],
      ],
    });
    const desk = await openDesk(scenario, { client: bench.runner() });
    await desk.to('10:05:00.1');
    await desk.work('10:05:00.25');
    await desk.to('10:06:30.2');
    desk.fill('entry', 25, 1.0, '10:05:01');
    await desk.report('10:06:31');
    await desk.to('10:06:32');
    const { rows } = await bench
      .runner()
      .query<{ intent_id: number }>(
        "select intent_id from trade.order_intents where run_id = $1 and purpose = 'exit'",
        [desk.run().id],
      );
    const before = (await samples()).length;
    const sampler = bytesSampler(clockAt(() => scenario.at('10:07')));
    sampler.note(rows[0]?.intent_id as number, scenario.at('10:06:32.1'));
    await sampler.store(bench.runner());
    const ofSlice = (await samples()).slice(before).filter(({ stage }) => stage === 'slice to exit bytes');
    expect(ofSlice.map(({ ms }) => Math.round(ms))).toEqual([100]);
  });
});

describe('status', () => {
  const database = useDatabase();
  let client: Awaited<ReturnType<typeof connect>>;
  beforeAll(async () => {
    client = await connect({ url: database.url(), role: 'owner', name: 'test' });
    const minute = formatEastern(addMs(systemClock().now(), -60_000));
    await client.query(`
      insert into ops.latency_samples (ts, stage, micros)
      select '${minute}', 'slice', n * 1000 from generate_series(1, 100) as n;
      insert into ops.heartbeats values ('advance', 7, '${minute}', 'trading', 'a test');
      select ref.feed_id('status-feed', 'equity', 1000, 'simulated', 2000);
      insert into ops.feed_gaps (feed_id, stream, ts_from, cause, ts_opened)
      select f.feed_id, 'equities', '${minute}', 'mute', '${minute}' from ref.feeds f where f.name = 'status-feed'`);
  });
  afterAll(() => client.end());

  it('shows processes, gaps and the percentiles of the last hour', async () => {
    const { rows } = await client.query<{ live: Record<string, unknown> }>(`select ${liveColumns()} as live`);
    expect(rows[0]?.live).toMatchObject({
      processes: [{ process: 'advance', state: 'trading', pid: 7 }],
      unfilled_gaps: [{ feed: 'status-feed', cause: 'mute' }],
      latencies: [{ stage: 'slice', n: 100, p50: 50.5, p99: 99.0, max: 100 }],
      ...{ feed_sessions: [], streams: [] },
    });
  });
});
