// The second system as it runs live: Tradier's feed, the rules behind its marks, and both order jobs, on one clock at the simulated Tradier.
import { afterEach, expect, it } from 'vitest';
import { tradingOf } from '../../cli/trading.ts';
import { parseConfig } from '../../core/config.ts';
import { formatEastern, type SessionDate } from '../../core/eastern_time.ts';
import { connect } from '../../db/pool.ts';
import { registerFeeds } from '../../ingest/stream_feed.ts';
import { ingestTradier } from '../../ingest/tradier/session.ts';
import { createTradierBroker } from '../../jobs/brokers/tradier/tradier_broker.ts';
import { followLive, openLive } from '../../jobs/live.ts';
import { recordedFills } from '../../jobs/orders/recorded_fills.ts';
import { reconcileOrders } from '../../jobs/reconcile_orders.ts';
import { submitOrders } from '../../jobs/submit_orders.ts';
import { sessionHours } from '../../sim/session.ts';
import { startTradierSimulator } from '../../sim/tradier/server.ts';
import { spxDay } from '../../sim/tradier/spx_day.ts';
import { heldClock } from '../clocks.ts';
import { eventually, useDatabase } from '../harness.ts';
import { at } from '../sim/sessions.ts';

const database = useDatabase();
const DATE = '2026-11-18' as SessionDate;
const STRATEGY = 'spx_credit_vertical';
// A snapshot has 40 seconds of the session to come: four of a machine that is busy with other tests.
const SPEED = 10;
const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
}, 60_000);

it('a spread is chosen from the snapshot of its minute, sold at Tradier, and watched by its legs', {
  timeout: 120_000,
}, async () => {
  const clock = heldClock({ start: at(`${DATE} 09:59:15`), speed: SPEED });
  const hours = { tsOpen: at(`${DATE} 09:30`), tsClose: at(`${DATE} 16:00`) };
  const session = sessionHours({ sessionDate: DATE, ...hours });
  const simulator = await startTradierSimulator({
    ...{ clock, limits: null, market: spxDay({ seed: 3, session, price: 6000 }) },
  });
  cleanups.push(() => simulator.stop());
  const environment = {
    BROKER: 'tradier',
    TRADIER_TOKEN: simulator.token,
    TRADIER_BASE_URL: simulator.restUrl,
  };
  const config = parseConfig(environment);
  const url = database.url();
  const runner = await connect({ url, role: 'job_runner', name: 'test' });
  cleanups.push(() => runner.end());
  const trading = await tradingOf(runner, config, STRATEGY);
  expect(trading).toMatchObject({ vendor: 'tradier', kind: 'index', days: [3, 5, 7], broker: 'tradier' });
  const { account, underlying, feeds, streams, kind } = trading;
  await database.pool().query(
    `insert into ops.readiness_checks (ts, name, ok, detail)
     select ts, 'test', true, 'ok' from generate_series($1::timestamp, $1::timestamp + interval '2 hours', interval '1 minute') as ts`,
    [formatEastern(clock.now())],
  );
  const writer = await connect({ url, role: 'ingest_writer', name: 'test' });
  await registerFeeds(writer, feeds, underlying, kind);
  await writer.end();
  const broker = createTradierBroker({
    ...{ ...config, clock, limits: { perMinute: 10_000, ordersPerMinute: 1000, reserved: 10 } },
    knownFills: recordedFills(() => connect({ url, role: 'job_runner', name: 'test' }), account),
  });
  cleanups.push(() => broker.close());
  const ending = new AbortController();
  const { signal } = ending;
  const notices: string[] = [];
  const run = await openLive({
    ...{ url, clock, strategy: STRATEGY, settings: { account }, broker: 'tradier', ...streams },
    ...{ tickFeed: feeds.ticks.name, quoteFeed: feeds.quotes.name },
    session: { from: hours.tsOpen, to: at(`${DATE} 16:30`), optionClose: at(`${DATE} 16:15`) },
  });
  const jobs = Promise.all([
    ingestTradier({
      ...{ databaseUrl: url, config, clock, underlying, days: trading.days, signal, perMinute: 10_000 },
      session: { sessionDate: DATE, ...hours },
      onNotice: (text: string) => {
        notices.push(text);
        if (text.includes('snapshots of')) clock.release();
      },
    }),
    followLive(run, { clock, signal }),
    submitOrders({ url, account, broker, clock, signal }),
    reconcileOrders({ url, account, broker, clock, signal, reads: { perMinute: 1e6, burst: 1e6 } }),
  ]);
  cleanups.push(async () => {
    ending.abort();
    await jobs;
    await run.close('stopped');
  });
  const ask = async (sql: string): Promise<Record<string, unknown>[]> =>
    (await database.pool().query(sql, [run.runId])).rows;

  const [decision] = await eventually(
    async () => {
      const found = await ask(
        `select d.verdict, d.reason, d.ts::text as ts, d.quote_ts = d.ts as is_fresh, s.features ->> 'snapshot_id' is not null as has_snapshot
       from trade.decisions d join signal.signals s using (run_id, ts) where d.run_id = $1`,
      );
      expect(found).toHaveLength(1);
      return found;
    },
    { timeoutMs: 60_000 },
  );
  expect(decision).toEqual({
    ...{ verdict: 'TRADE', reason: expect.stringMatching(/_vertical$/) },
    ...{ ts: '2026-11-18 10:00:00', is_fresh: true, has_snapshot: true },
  });
  await eventually(async () => expect(simulator.tickets()).toHaveLength(1), { timeoutMs: 30_000 });
  const [ticket] = simulator.tickets();
  expect(ticket?.order.spec).toMatchObject({
    type: 'NET_CREDIT',
    qty: 1,
    legs: [{ side: 'sell' }, { side: 'buy' }],
  });
  simulator.fill(ticket?.id ?? 0, 1);
  await eventually(
    async () => {
      expect(await ask('select state, filled_qty from trade.orders where run_id = $1')).toEqual([
        { state: 'filled', filled_qty: 1 },
      ]);
    },
    { timeoutMs: 30_000 },
  );
  // The legs are quoted every minute from now on, and the rules read them.
  await eventually(
    async () => {
      const [quoted] = await ask(
        `select count(*)::integer as legs from trade.fills f
       join market.option_quotes q on q.instrument_id = f.instrument_id and q.ts_event = '${DATE} 10:02'
       where f.run_id = $1`,
      );
      expect(quoted).toEqual({ legs: 2 });
    },
    { timeoutMs: 60_000 },
  );
  const [bar] = await ask(
    "select string_agg(reason, '; ') as halts from trade.controls where halted and $1 > 0",
  );
  expect(bar).toEqual({ halts: null });
});
