// The loop of a live run: streams flow, marks move, the run follows; and what ends it.
import { afterEach, describe, expect, it } from 'vitest';
import { playSimulatedSession } from '../../cli/simulated_session.ts';
import type { Clock } from '../../core/clock.ts';
import { withClient } from '../../db/pool.ts';
import { startEquities } from '../../ingest/equities.ts';
import type { MarketStream } from '../../ingest/market_stream.ts';
import { startOptions } from '../../ingest/options.ts';
import { registerFeeds, simulatedFeeds } from '../../ingest/stream_feed.ts';
import { openLive, runLive } from '../../jobs/live.ts';
import { type MassiveSimulator, startMassiveSimulator } from '../../sim/massive_server.ts';
import { useDatabase } from '../harness.ts';
import { at, session } from '../sim/sessions.ts';
import { playShort, rowsOfRun, SHORT_MARKET, SHORT_WINDOW, STRATEGY, UNDERLYING } from './live_support.ts';

const database = useDatabase();
const API_KEY = 'loop-key';
const simulators: MassiveSimulator[] = [];

afterEach(async () => {
  await Promise.all(simulators.splice(0).map((simulator) => simulator.stop()));
});

/** A clock that tells when somebody has gone to sleep on it: then the loop has nothing left to do. */
function watchedClock(inner: () => Clock): { readonly clock: Clock; asleep(): Promise<void> } {
  let sleepers = 0;
  const waiting: (() => void)[] = [];
  const clock: Clock = {
    kind: 'simulated',
    now: () => inner().now(),
    sleep: async (ms, signal) => {
      sleepers += 1;
      for (const resolve of waiting.splice(0)) resolve();
      await inner().sleep(ms, signal);
      sleepers -= 1;
    },
  };
  const asleep = (): Promise<void> =>
    sleepers > 0 ? Promise.resolve() : new Promise((resolve) => waiting.push(resolve));
  return { clock, asleep };
}

describe('the loop on flowing streams', () => {
  it('comes to the same decisions and fills as the lock-step', { timeout: 120_000 }, async () => {
    const url = database.url();
    const lockstep = await playShort({ url, name: 'lockstep' });
    const feeds = simulatedFeeds('flow');
    await withClient({ url, role: 'ingest_writer', name: 'test' }, (client) =>
      registerFeeds(client, feeds, UNDERLYING),
    );
    const ending = new AbortController();
    const streams: MarketStream[] = [];
    let recentre = async (): Promise<void> => undefined;
    const { clock, asleep } = watchedClock(() => simulator.clock);
    const simulator = await startMassiveSimulator({
      ...SHORT_MARKET,
      seed: 1,
      speed: 'max',
      apiKey: API_KEY,
      prints: false,
      afterStep: async (now) => {
        // Before the open there is nothing to decide, and nothing to wait for.
        if (now < at('2026-06-17 09:29:00')) return;
        // Nobody says up to when the data is complete: the marks follow from the events, as with the vendor.
        await Promise.all(streams.map((stream) => stream.settle()));
        if ((now / 1_000_000) % 10 === 1) await recentre();
        await asleep();
        if (now >= at('2026-06-17 10:00:20')) ending.abort();
      },
    });
    simulators.push(simulator);
    const { wsUrl, restUrl } = simulator;
    const common = {
      databaseUrl: url,
      wsUrl,
      apiKey: API_KEY,
      clock: simulator.clock,
      pacing: 'flow',
    } as const;
    const equities = await startEquities({ ...common, feed: feeds.ticks, symbols: [UNDERLYING] });
    const chain = await startOptions({
      ...common,
      restUrl,
      feed: feeds.quotes,
      underlying: UNDERLYING,
      sessionDate: simulator.session.sessionDate,
      strikes: 7,
      lastPrice: () => equities.lastPrice(UNDERLYING),
    });
    streams.push(equities, chain);
    recentre = chain.recentre;
    await Promise.all([equities.subscribed, chain.subscribed]);
    const { tsStart: from, tsEnd: to, tsOptionClose: optionClose } = simulator.session;
    const running = runLive({
      url,
      clock,
      strategy: STRATEGY,
      settings: { account: 'account-flow', ...SHORT_WINDOW },
      tickFeed: feeds.ticks.name,
      quoteFeed: feeds.quotes.name,
      broker: 'paper',
      session: { from, to, optionClose },
      signal: ending.signal,
    });
    await asleep();
    simulator.begin();
    const { runId, outcome } = await running;
    await Promise.all(streams.map((stream) => stream.close()));
    expect(outcome).toBe('stopped');
    // Ticks' marks lag behind the clock, so decisions are taken a moment later; on the same quotes.
    const ages = ['age_ms'];
    expect(await rowsOfRun(database.pool(), runId, ages)).toEqual(
      await rowsOfRun(database.pool(), lockstep.outcome.runId, ages),
    );
  });
});

describe('a whole session', () => {
  it('is completed at the close of its options', async () => {
    const url = database.url();
    const feeds = simulatedFeeds('whole');
    await withClient({ url, role: 'ingest_writer', name: 'test' }, (client) =>
      registerFeeds(client, feeds, UNDERLYING),
    );
    const { outcome, runId } = await playSimulatedSession({
      databaseUrl: url,
      session: session('2026-06-18', '09:30', '09:32'),
      ...{ seed: 3, speed: 'max', feeds, underlying: UNDERLYING, strategy: STRATEGY, strikes: 5 },
      settings: { account: 'account-whole' },
      signal: new AbortController().signal,
    });
    expect(outcome).toBe('completed');
    const { rows } = await database
      .pool()
      .query('select max(ts_to)::text as ended from trade.slices where run_id = $1', [runId]);
    expect(rows[0].ended).toBe('2026-06-18 09:47:00');
  });
});

describe('a step', () => {
  it('sees the rows that its marks speak for, received after its look at the clock or not', async () => {
    const url = database.url();
    const feeds = simulatedFeeds('seen');
    await withClient({ url, role: 'ingest_writer', name: 'test' }, (client) =>
      registerFeeds(client, feeds, UNDERLYING),
    );
    const clock: Clock = {
      kind: 'simulated',
      now: () => at('2026-06-17 09:59:50'),
      sleep: async () => undefined,
    };
    const run = await openLive({
      ...{ url, clock, strategy: STRATEGY, settings: { account: 'account-seen' }, broker: 'paper' },
      ...{ tickFeed: feeds.ticks.name, quoteFeed: feeds.quotes.name },
      session: {
        from: at('2026-06-17 09:30:00'),
        to: at('2026-06-17 16:15:00'),
        optionClose: at('2026-06-17 16:15:00'),
      },
    });
    await database.pool().query(
      `insert into ops.stream_marks (feed_id, stream, ts_high_water, ts_recv, rows_in)
       select f.feed_id, m.stream, m.ts, m.ts_recv, 1
       from (values
         ($1, 'equities', '2026-06-17 10:00:03'::timestamp, '2026-06-17 10:00:04'::timestamp),
         ($2, 'options', '2026-06-17 10:00:05.4', '2026-06-17 10:00:05.5')
       ) as m (feed, stream, ts, ts_recv)
       join ref.feeds f on f.name = m.feed`,
      [feeds.ticks.name, feeds.quotes.name],
    );
    expect(await run.step(at('2026-06-17 10:00:05'))).not.toBeNull();
    await run.close('stopped');
    const { rows } = await database
      .pool()
      .query('select ts_as_of::text from trade.slices where run_id = $1', [run.runId]);
    expect(rows).toEqual([{ ts_as_of: '2026-06-17 10:00:05.5' }]);
  });
});
