// The live path on a simulated half-hour: repeatable, independent of slices, equal to a replay, and robust.
import { beforeAll, describe, expect, it } from 'vitest';
import { addMs } from '../../core/eastern_time.ts';
import { connect } from '../../db/pool.ts';
import { advance } from '../../jobs/advance.ts';
import { openLive } from '../../jobs/live.ts';
import { useDatabase } from '../harness.ts';
import { at } from '../sim/sessions.ts';
import {
  type Played,
  playShort,
  type RunRows,
  rowsOfRun,
  SHORT_WINDOW,
  STRATEGY,
  storedRows,
} from './live_support.ts';

const database = useDatabase();
let first: Played;
let baseline: RunRows;

beforeAll(async () => {
  first = await playShort({ url: database.url(), name: 'first' });
  baseline = await rowsOfRun(database.pool(), first.outcome.runId);
});

async function endConnections(name: string): Promise<void> {
  await database.pool().query(
    `select pg_terminate_backend(pid) from pg_stat_activity
     where datname = current_database() and application_name like $1`,
    [`strikebase ${name}`],
  );
}

describe('a simulated live session', () => {
  it('trades: signals, entries and exits with fills, and a decision for every minute', () => {
    expect(first.outcome.outcome).toBe('stopped');
    expect(baseline.periods).toHaveLength(30);
    expect(baseline.signals.length).toBeGreaterThan(2);
    expect(baseline.fills.length).toBeGreaterThan(3);
    const entries = baseline.decisions.filter((row) => (row as { kind: string }).kind === 'entry');
    expect(entries).toHaveLength(30);
    // A period that closes at T is decided as soon as its second of grace is over.
    expect(new Set(entries.map((row) => (row as { age_ms: number }).age_ms))).toEqual(new Set([1000]));
  });

  it('is marked simulated, with feed states and signs of life of its three processes', async () => {
    const { rows } = await database.pool().query(
      `select r.quote_source, r.mode, r.broker,
         (select array_agg(distinct s.state order by s.state) from ops.feed_states s where s.feed_id = r.quote_feed_id) as states,
         (select count(*)::integer from ops.heartbeats) as beats
       from trade.runs r where r.run_id = $1`,
      [first.outcome.runId],
    );
    expect(rows[0]).toEqual({
      quote_source: 'simulated',
      mode: 'live',
      broker: 'paper',
      states: ['authenticated', 'connecting', 'disconnected', 'live', 'subscribed'],
      beats: 3,
    });
  });

  it('repeats itself to the last digit with the same seed, however it is cut into slices', async () => {
    const again = await playShort({ url: database.url(), name: 'again', sliceSeconds: 2 });
    expect(await rowsOfRun(database.pool(), again.outcome.runId)).toEqual(baseline);
    expect(await storedRows(database.pool(), again.feeds)).toEqual(
      await storedRows(database.pool(), first.feeds),
    );
  });

  it('is another market with another seed', async () => {
    const other = await playShort({ url: database.url(), name: 'other', seed: 2 });
    const rows = await rowsOfRun(database.pool(), other.outcome.runId);
    expect(rows.periods).not.toEqual(baseline.periods);
    expect(rows.fills).not.toEqual(baseline.fills);
  });

  it('equals its own replay in one slice', async () => {
    const client = await connect({ url: database.url(), role: 'job_runner', name: 'test' });
    const { feeds } = first;
    const { rows } = await client.query(
      `select trade.open_run('replay', $1, '2026-06-17 09:00', '2026-06-17 10:00:01', $2, $3, $4, 'paper', 'test', localtimestamp)
         as run_id`,
      [STRATEGY, feeds.ticks.name, feeds.quotes.name, SHORT_WINDOW],
    );
    const runId = rows[0].run_id;
    const to = at('2026-06-17 10:00:01');
    await advance(client, { runId, to, asOf: addMs(to, 86_400_000) });
    await client.end();
    const ages = ['age_ms', 'age_max_ms', 'age_ok'];
    expect(await rowsOfRun(database.pool(), runId, ages)).toEqual(
      await rowsOfRun(database.pool(), first.outcome.runId, ages),
    );
  });
});

describe('a session with faults', () => {
  it('loses and doubles nothing when every connection is ended again and again', async () => {
    let kills = 0;
    const pending: Promise<void>[] = [];
    const killed = await playShort({
      url: database.url(),
      name: 'killed',
      onStep: async (now) => {
        // Without waiting: the next batch and the next slice are under way when it strikes.
        if ((now / 1_000_000) % 90 !== 1) return;
        kills += 1;
        pending.push(endConnections('ingest-%'), endConnections('live account-killed%'));
      },
    });
    await Promise.all(pending);
    expect(kills).toBeGreaterThan(20);
    expect(await storedRows(database.pool(), killed.feeds)).toEqual(
      await storedRows(database.pool(), first.feeds),
    );
    expect(await rowsOfRun(database.pool(), killed.outcome.runId)).toEqual(baseline);
  });

  it('decides the same when ticks come late or again, and writes revisions', async () => {
    const late = await playShort({
      url: database.url(),
      name: 'late',
      onStep: async (now, { equities }) => {
        if (now !== at('2026-06-17 09:50:01')) return;
        const ts_event = at('2026-06-17 09:36:10');
        const prices = { open_e4: 6_200_000, high_e4: 6_200_000, low_e4: 6_200_000, close_e4: 6_200_000 };
        const tick = { symbol: 'QQQ', ts_event, event_ns: 0, seq: 0, span_ms: 1000, ...prices };
        const values = {
          vwap_e6: 620_000_000,
          vwap_is_typical: false,
          volume_e6: 5_000_000_000,
          trade_count: null,
        };
        const again = { ...tick, ...values, ts_recv: addMs(now, 1) };
        // One second that is there already, with other figures, and one that never came: in the simulator none starts at half.
        const missing = { ...again, ts_event: addMs(ts_event, 500) };
        const batch = { quotes: [], trades: [], rejected: [], completeTo: now, receivedAt: now };
        await equities.writer.write({ ...batch, ticks: [again, missing, missing] });
      },
    });
    const rows = await rowsOfRun(database.pool(), late.outcome.runId);
    expect(rows.signals).toEqual(
      baseline.signals.map((row) => expect.objectContaining({ ts: (row as { ts: string }).ts })),
    );
    expect(rows.fills).toEqual(baseline.fills);
    const { rows: revised } = await database
      .pool()
      .query(
        'select min(ts)::text as first, count(*)::integer as count from signal.periods where run_id = $1 and revision = 1',
        [late.outcome.runId],
      );
    expect(revised[0]).toEqual({ first: '2026-06-17 09:37:00', count: 14 });
    const { ticks } = await storedRows(database.pool(), first.feeds);
    expect(await storedRows(database.pool(), late.feeds)).toMatchObject({ ticks: (ticks as number) + 1 });
  });

  it('refuses a second process on the account and names the first', async () => {
    let refusal: unknown;
    await playShort({
      url: database.url(),
      name: 'twice',
      onStart: async ({ run, simulator }) => {
        const { tsStart: from, tsEnd: to, tsOptionClose: optionClose } = simulator.session;
        refusal = await openLive({
          url: database.url(),
          clock: simulator.clock,
          strategy: STRATEGY,
          settings: { account: run.account },
          tickFeed: 'sim-second-twice',
          quoteFeed: 'sim-quotes-twice',
          broker: 'paper',
          session: { from, to, optionClose },
        }).catch((error: unknown) => error);
      },
      isOver: async () => true,
    });
    expect(String(refusal)).toMatch(
      new RegExp(
        `account account-twice is traded by another process: strikebase live account-twice process ${process.pid}`,
      ),
    );
  });

  it('goes on with an open position after it was stopped in the middle', async () => {
    const options = { url: database.url(), name: 'resumed' };
    const held = async (): Promise<number> => {
      const { rows } = await database.pool().query(
        `select count(*)::integer as held from trade.position_slots s join trade.fills f using (position_id)
         where s.account = 'account-resumed'`,
      );
      return rows[0].held;
    };
    const stopped = await playShort({ ...options, isOver: async () => (await held()) > 0 });
    expect(await held()).toBe(1);
    const { rows } = await database
      .pool()
      .query('select outcome, ts_ended::text from trade.runs where run_id = $1', [stopped.outcome.runId]);
    expect(rows[0].outcome).toBe('stopped');
    let isResumed = false;
    const resumed = await playShort({
      ...options,
      onStart: ({ run }) => {
        isResumed = run.isResumed;
      },
    });
    expect([isResumed, resumed.outcome.runId]).toEqual([true, stopped.outcome.runId]);
    expect(await rowsOfRun(database.pool(), resumed.outcome.runId)).toEqual(baseline);
  });
});
