// Tradier's feed: part of a session at speed against the simulator, with faults; what is stored, once, and what is missed, told.
import { createHash } from 'node:crypto';
import { gunzipSync } from 'node:zlib';
import { afterEach, describe, expect, it } from 'vitest';
import { acceleratedClock, type Clock, systemClock } from '../../../core/clock.ts';
import type { SessionDate } from '../../../core/eastern_time.ts';
import { createTradierClient } from '../../../ingest/tradier/client.ts';
import { runTradierFeed, TRADIER_SCHEDULE } from '../../../ingest/tradier/feed.ts';
import { tradierFeeds } from '../../../ingest/tradier/feeds.ts';
import { ingestTradier } from '../../../ingest/tradier/session.ts';
import { createTradierStore, type TradierStore } from '../../../ingest/tradier/store.ts';
import { sessionHours } from '../../../sim/session.ts';
import { startTradierSimulator, type TradierSimulator } from '../../../sim/tradier/server.ts';
import { spxDay } from '../../../sim/tradier/spx_day.ts';
import { heldClock, leapingClock } from '../../clocks.ts';
import { useDatabase } from '../../harness.ts';
import { at } from '../../sim/sessions.ts';

const database = useDatabase();
const DATE = '2026-11-18' as SessionDate;
const HELD = 'SPXW  261123P05950000';
const SPEED = 50;
const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

interface World {
  readonly clock: Clock;
  readonly simulator: TradierSimulator;
  readonly store: TradierStore;
  readonly notices: string[];
  run(from: string, to: string, store?: TradierStore): Promise<void>;
}

/** The time passes from the first request on; or, where it leaps, by sleeping alone. */
async function world(start: string, { leaps = false } = {}): Promise<World> {
  const held = heldClock({ start: at(`${DATE} ${start}`), speed: SPEED });
  const clock = leaps ? leapingClock(at(`${DATE} ${start}`)) : held;
  // The venue polls: its sleeps must not move the time.
  const venueClock = leaps ? { ...clock, sleep: systemClock().sleep } : clock;
  const session = sessionHours({
    sessionDate: DATE,
    tsOpen: at(`${DATE} 09:30`),
    tsClose: at(`${DATE} 10:30`),
  });
  const market = spxDay({ seed: 3, session, price: 6000, reach: { near: 0.01, far: 0.02 } });
  const delayMs = 900_000;
  const simulator = await startTradierSimulator({ clock: venueClock, market, delayMs, limits: null });
  cleanups.push(() => simulator.stop());
  const ending = new AbortController();
  const feeds = tradierFeeds(simulator.restUrl);
  const indexes = ['VIX', 'VIX9D', 'GONE'];
  const created = await createTradierStore({
    ...{ url: database.url(), feeds, underlying: 'SPX', indexes, signal: ending.signal },
  });
  const store = { ...created, heldContracts: async () => [HELD] };
  cleanups.push(() => store.close());
  const client = createTradierClient({
    tradierBaseUrl: simulator.restUrl,
    tradierToken: simulator.token,
    clock,
    perMinute: 10_000,
    timing: { readTimeoutMs: 2000, backoffFirstMs: 5, backoffMaxMs: 20 },
  });
  cleanups.push(() => client.close());
  cleanups.push(() => ending.abort());
  const notices: string[] = [];
  return {
    clock,
    simulator,
    store,
    notices,
    run: (from, to, through = store) =>
      runTradierFeed({
        ...TRADIER_SCHEDULE,
        ...{ client, clock, indexes, underlying: 'SPX', signal: ending.signal },
        store: through,
        session: { sessionDate: DATE, tsOpen: at(`${DATE} ${from}`), tsClose: at(`${DATE} ${to}`) },
        // Two snapshots within minutes, and patience for a machine that is busy: a minute is a second here.
        ...{ exactly: ['10:00', '10:02', '10:21'], graceMs: 50_000 },
        onNotice: (text) => {
          notices.push(text);
          if (text.includes('snapshots of')) held.release();
        },
      }),
  };
}

async function rows<Row extends object>(sql: string): Promise<Row[]> {
  return (await database.pool().query<Row>(sql)).rows;
}

const SNAPSHOTS = `
  select to_char(s.ts_event, 'HH24:MI:SS') as at, s.expiration::text as expiration, s.delay_ms, s.source, s.checksum, s.payload,
    s.underlying_px_e4, (select count(*)::integer from market.option_snapshots o where o.snapshot_id = s.snapshot_id) as contracts
  from market.chain_snapshots s order by s.ts_event, s.expiration`;

interface SnapshotRow {
  readonly at: string;
  readonly expiration: string;
  readonly delay_ms: number;
  readonly source: string;
  readonly checksum: string;
  readonly payload: Buffer;
  readonly underlying_px_e4: number | null;
  readonly contracts: number;
}

describe('Tradier’s feed', () => {
  it('takes each due chain once in spite of faults, and index values and held legs every minute', async () => {
    const { simulator, run, notices } = await world('09:58');
    // A third of the requests meet one that passes.
    simulator.misbehave({
      seed: 11,
      rate: 0.35,
      faults: [
        { kind: 'gateway', what: 'datastore' },
        { kind: 'html', status: 503, accept: false },
        { kind: 'reset', accept: false },
        { kind: 'half_body', isCut: true },
        { kind: 'rate_limit', status: 429 },
        { kind: 'rate_limit', status: 400 },
        { kind: 'unauthorized' },
        { kind: 'slow', ms: 300 },
      ],
    });
    await run('09:59', '10:02');
    expect(simulator.script.injected().length).toBeGreaterThan(3);

    const snapshots = await rows<SnapshotRow>(SNAPSHOTS);
    // 3, 5 and 7 days after Wednesday: Saturday has none and both neighbours of it are a day off, Monday, Wednesday.
    const due = ['10:00:00', '10:02:00'].flatMap((time) =>
      ['2026-11-20', '2026-11-23', '2026-11-25'].map((date) => `${time} ${date}`),
    );
    expect(snapshots.map((row) => `${row.at} ${row.expiration}`)).toEqual(due);
    const context = await rows<{ line: string }>(
      "select to_char(ts_event, 'HH24:MI') || ' ' || name as line from market.context_snapshots order by ts_event, name",
    );
    expect(context.map(({ line }) => line)).toEqual(
      expect.arrayContaining(['10:00 net_gex', '10:00 term', '10:00 vix', '10:00 vix9d', '10:02 net_gex']),
    );
    expect(notices.filter((text) => text.includes('context'))).toEqual([]);
    for (const row of snapshots) {
      const body = gunzipSync(row.payload);
      expect(createHash('sha256').update(body).digest('hex')).toBe(row.checksum);
      expect(JSON.parse(body.toString()).options.option).toHaveLength(row.contracts);
      expect(row.source).toMatch(/^127\.0\.0\.1:\d+\/v1\/markets\/options\/chains$/);
      // The sandbox is a quarter of an hour behind, and the request took its time.
      expect(row.delay_ms).toBeGreaterThanOrEqual(899_000);
      expect(row.delay_ms).toBeLessThan(960_000);
      expect(row.underlying_px_e4).toBeGreaterThan(55_000_000);
    }
    const [minutes] = await rows<{ n: number; symbols: string }>(`
      select count(distinct t.ts_event)::integer as n, string_agg(distinct i.symbol, ',' order by i.symbol) as symbols
      from market.equity_ticks t join ref.instruments i using (instrument_id) where i.kind = 'index'`);
    expect(minutes).toEqual({ n: 4, symbols: 'SPX,VIX,VIX9D' });
    const [held] = await rows<{ n: number }>(`
      select count(*)::integer as n from market.option_quotes q join ref.instruments i using (instrument_id)
      where i.symbol = '${HELD}' and q.ts_event = date_trunc('minute', q.ts_event)`);
    expect(held).toEqual({ n: 4 });
    const [quotes] = await rows<{ feed: string; n: number; differ: number }>(`
      select min(f.name) as feed, count(*)::integer as n,
        count(*) filter (where q.bid_px_e4 is distinct from o.bid_px_e4 or q.ask_px_e4 is distinct from o.ask_px_e4)::integer as differ
      from market.chain_snapshots s join market.option_snapshots o using (snapshot_id)
      join market.option_quotes q on q.instrument_id = o.instrument_id and q.ts_event = s.ts_event
      join ref.feeds f on f.feed_id = q.feed_id`);
    expect(quotes?.feed).toBe('sim-tradier-quotes');
    expect(quotes?.n).toBe(snapshots.reduce((sum, row) => sum + row.contracts, 0));
    // A held leg that two requests brought at once was first by one of them.
    expect(quotes?.differ ?? 9).toBeLessThanOrEqual(2);
    expect(notices.filter((text) => text.includes('GONE'))).toHaveLength(1);
    expect(await rows('select 1 from ops.feed_gaps')).toEqual([]);
    // A live run may go by an instant once all of it is stored.
    const marks = await rows<{ stream: string; at: string }>(
      "select stream, to_char(ts_high_water, 'HH24:MI:SS.MS') as at from ops.stream_marks order by stream",
    );
    expect(marks).toEqual(['tradier', 'tradier-indexes'].map((stream) => ({ stream, at: '10:02:00.001' })));
  });

  it('keeps greeks and quotes as the vendor has them, and both roots of a third Friday', async () => {
    const [row] = await rows<Record<string, number>>(`
      select count(*)::integer as n,
        count(*) filter (where o.delta between -1 and 1 and o.smv_iv between 0.05 and 1 and o.ts_greeks < s.ts_event)::integer as whole,
        count(*) filter (where o.ask_px_e4 > coalesce(o.bid_px_e4, 0) and o.ask_sz > 0)::integer as quoted,
        count(distinct i.root)::integer as roots
      from market.chain_snapshots s join market.option_snapshots o using (snapshot_id)
      join ref.instruments i using (instrument_id) where s.expiration = '2026-11-20'`);
    expect(row).toMatchObject({ roots: 2, whole: row?.n, quoted: row?.n });
  });

  it('notes what it could not have in time, once, and goes on', async () => {
    const { simulator, run, notices } = await world('10:19');
    simulator.script.always('GET chains', { kind: 'html', status: 502, accept: false });
    const ended = run('10:20', '10:21');
    await expect
      .poll(() => notices.filter((text) => text.includes('was missed')).length, { timeout: 20_000 })
      .toBe(3);
    simulator.script.always('GET chains', null);
    await ended;
    const gaps = await rows<{ at: string; cause: string; is_over: boolean }>(`
      select to_char(ts_from, 'HH24:MI') as at, cause, ts_filled is not null as is_over from ops.feed_gaps`);
    expect(gaps).toEqual([{ at: '10:20', cause: 'missed', is_over: true }]);
    const late = (await rows<SnapshotRow>(SNAPSHOTS)).filter((row) => row.at > '10:19');
    expect(late.map((row) => row.at)).toEqual(['10:21:00', '10:21:00', '10:21:00']);
  });

  it('takes no value for a minute that was long over when it came', async () => {
    const { clock, store, run } = await world('10:24:30', { leaps: true });
    let isFirst = true;
    // Between the minute and its requests the process stands still.
    const heldContracts = async () => {
      if (isFirst) await clock.sleep(60_000);
      isFirst = false;
      return [];
    };
    await run('10:25', '10:26', { ...store, heldContracts });
    const values = `select distinct to_char(t.ts_event, 'HH24:MI') as at from market.equity_ticks t
      where t.ts_event::time between '10:24' and '10:27' order by 1`;
    expect(await rows(values)).toEqual([{ at: '10:26' }]);
    const gaps = `select to_char(ts_from, 'HH24:MI') as at from ops.feed_gaps where cause = 'missed' and ts_from::time between '10:24' and '10:27'`;
    expect(await rows(gaps)).toEqual([{ at: '10:25' }]);
  });

  it('tells nothing as missed that a process before it has had in the same minute', async () => {
    const first = await world('10:39:58');
    await first.run('10:40', '10:40');
    const second = await world('10:40:30');
    const isAway = { kind: 'html', status: 502, accept: false } as const;
    for (const operation of ['GET chains', 'GET quotes'] as const)
      second.simulator.script.always(operation, isAway);
    await second.run('10:40', '10:40');
    expect(second.simulator.requests().filter(({ status }) => status === 502).length).toBeGreaterThan(3);
    const gaps = `select to_char(ts_from, 'HH24:MI') as at from ops.feed_gaps where cause = 'missed' and ts_from::time between '10:38' and '10:42'`;
    expect(await rows(gaps)).toEqual([]);
    expect(second.notices.filter((text) => text.includes('missed'))).toEqual([]);
  });

  it('when it is started again, tells what is lacking, all of it and once, and makes up for a context', async () => {
    const first = await world('10:04:30', { leaps: true });
    // Interrupted before its context was written.
    const interrupted = { ...first.store, writeContext: () => Promise.resolve() };
    await first.run('10:05', '10:06', interrupted);
    const second = await world('10:13', { leaps: true });
    await second.run('10:05', '10:12');
    const gaps = `select to_char(ts_from, 'HH24:MI') || ' ' || to_char(ts_to, 'HH24:MI') as range, ts_filled is not null as is_over
      from ops.feed_gaps where cause = 'missed' and ts_from::time between '10:03' and '10:15' order by ts_from`;
    // The snapshot of 10:10 among them; those of 10:05 are there.
    expect(await rows(gaps)).toEqual([{ range: '10:07 10:12', is_over: true }]);
    expect(second.notices.filter((text) => text.includes('missed'))).toEqual([
      '10:07 to 10:12 was missed: not running, or still busy with an earlier one',
    ]);
    const context = `select distinct to_char(ts_event, 'HH24:MI') as at from market.context_snapshots where ts_event::time between '10:03' and '10:15'`;
    expect(await rows(context)).toEqual([{ at: '10:05' }]);
    const third = await world('10:14', { leaps: true });
    await third.run('10:05', '10:12');
    expect(await rows(gaps)).toEqual([{ range: '10:07 10:12', is_over: true }]);
  });

  it('spends no more requests on an instant of an outage than a minute has', async () => {
    const { simulator } = await world('10:34:50');
    for (const operation of ['GET chains', 'GET quotes'] as const)
      simulator.script.always(operation, { kind: 'html', status: 503, accept: false });
    const ending = new AbortController();
    const clock = heldClock({ start: at(`${DATE} 10:34:58`), speed: SPEED });
    await ingestTradier({
      ...{ databaseUrl: database.url(), clock, underlying: 'SPX', perMinute: 10_000, signal: ending.signal },
      config: {
        tradierBaseUrl: simulator.restUrl,
        tradierToken: simulator.token,
        logLevel: 'silent',
        secrets: [],
      },
      session: { sessionDate: DATE, tsOpen: at(`${DATE} 10:35`), tsClose: at(`${DATE} 10:35:30`) },
      onNotice: (text) => {
        if (text.includes('snapshots of')) clock.release();
      },
    });
    const asked = simulator.requests().filter(({ status }) => status === 503).length;
    // Three chains and the values: at once, and after 1, 3, 7, 15 and 31 seconds.
    expect(asked).toBeGreaterThan(8);
    expect(asked).toBeLessThanOrEqual(4 * 6);
  });

  it('writes a snapshot that is there already not again', async () => {
    const { store, simulator } = await world('10:29:00');
    const client = createTradierClient({
      tradierBaseUrl: simulator.restUrl,
      tradierToken: simulator.token,
      clock: acceleratedClock({ start: at(`${DATE} 10:29`), speed: 1 }),
    });
    cleanups.push(() => client.close());
    const expiration = '2026-11-23' as SessionDate;
    const snapshot = { expiration, at: at(`${DATE} 10:29`), chain: await client.chain('SPX', expiration) };
    expect((await store.writeSnapshot(snapshot, 60_000_000)).isNew).toBe(true);
    const counts = `select (select count(*) from market.option_quotes) as quotes, (select count(*) from market.option_snapshots) as rows`;
    const before = await rows(counts);
    expect((await store.writeSnapshot(snapshot, 60_000_000)).isNew).toBe(false);
    expect(await rows(counts)).toEqual(before);
  });
});
