// A backtest whose sessions are walked on several connections writes the rows of one that is walked alone, whatever is killed.
import type pg from 'pg';
import { beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { systemClock } from '../../../core/clock.ts';
import { type EasternUs, formatEastern } from '../../../core/eastern_time.ts';
import { connect } from '../../../db/pool.ts';
import { advanceThrough, backtestSteps, openRun as open, sessionsIn } from '../../../jobs/run.ts';
import { useBench } from '../support/connections.ts';
import { addQuotes, addTicks, createMarket, eastern, type Market } from '../support/market.ts';
import {
  attachRun,
  countKinds,
  differences,
  dumpOf,
  HINDSIGHT,
  NO_DIFFERENCES,
  openRun,
  type TestRun,
} from '../support/runs.ts';
import { drawMarket, SYNTHETIC_RANGE } from '../support/synthetic_market.ts';
import { createChainMarket } from '../support/vertical_market.ts';

const bench = useBench();
const clock = systemClock();
// Eight sessions, of which the last three have rows.
const FROM = eastern('2025-11-19');
const { to } = SYNTHETIC_RANGE;
let market: Market;
let alone: string[];
let walker: pg.Client;
let helpers: pg.Client[];

beforeAll(async () => {
  market = await createMarket(bench.owner());
  const drawn = drawMarket(77);
  await addTicks(market, drawn.ticks);
  await addQuotes(market, drawn.quotes);
  alone = await dumpOf((await backtest()).run);
});

beforeEach(async () => {
  const add = (name: string): Promise<pg.Client> =>
    connect({ url: bench.database.url(), role: 'job_runner', name });
  walker = await add('walker');
  helpers = [await add('helper'), await add('helper')];
  return async () => {
    await Promise.all([walker, ...helpers].map((client) => client.end().catch(() => undefined)));
  };
});

interface Backtest {
  readonly strategy?: string;
  readonly market?: Market;
  readonly client?: pg.Client;
  readonly helpers?: readonly pg.Client[];
  readonly from?: EasternUs;
  readonly to?: EasternUs;
  readonly signal?: AbortSignal;
  readonly onStep?: (at: EasternUs, done: number) => void;
}

async function backtest(options: Backtest = {}): Promise<{ run: TestRun; outcome: Promise<string> }> {
  const { client = bench.runner(), signal = new AbortController().signal, onStep } = options;
  const { tickFeed, quoteFeed } = options.market ?? market;
  const { strategy = 'vwap_ma9', from = FROM } = options;
  const request = { mode: 'backtest', strategy, from, to: options.to ?? to, tickFeed, quoteFeed } as const;
  const opened = await open(client, { ...request, settings: {} }, clock);
  const steps = backtestSteps(opened, await sessionsIn(client, opened));
  const outcome = advanceThrough(client, opened, steps, {
    clock,
    signal,
    speed: null,
    helpers: options.helpers ?? [],
    ...(onStep === undefined ? {} : { onStep }),
  });
  await outcome.catch(() => undefined);
  return { run: attachRun(bench.runner(), opened.runId), outcome };
}

async function kill(client: pg.Client): Promise<void> {
  const { processID } = client as unknown as { readonly processID: number };
  await bench.owner().query('select pg_terminate_backend($1, 5000)', [processID]);
}

interface SliceRow {
  readonly ts_from: string;
  readonly ts_to: string;
  readonly fills: number;
  /** Begins where the one before it ends. */
  readonly is_next: boolean;
}

async function slicesOf(run: TestRun): Promise<SliceRow[]> {
  const { rows } = await bench.owner().query<SliceRow>(
    `select ts_from::text, ts_to::text, periods, revisions, signals, fills, ts_from = lag(ts_to, 1, ts_from) over (order by ts_to) as is_next
     from trade.slices where run_id = $1 order by ts_to`,
    [run.id],
  );
  return rows;
}

function slicesTakenBy(spy: { readonly mock: { readonly calls: readonly unknown[][] } }): number {
  return spy.mock.calls.filter(([query]) => (query as { name?: string }).name === 'advance').length;
}

describe('a backtest on several connections', () => {
  test('writes the rows of one that is walked alone, and the slices', async () => {
    const spies = helpers.map((helper) => vi.spyOn(helper, 'query'));
    expect(countKinds(alone)).toMatchObject({ period: 2940, fill: expect.any(Number) });
    const [one, two] = [await backtest(), await backtest({ client: walker, helpers })];
    expect([await one.outcome, await two.outcome]).toEqual(['completed', 'completed']);
    expect(spies.map(slicesTakenBy)).not.toContain(0);
    expect(differences(alone, await dumpOf(two.run))).toEqual(NO_DIFFERENCES);
    const slices = await slicesOf(two.run);
    expect(slices).toEqual(await slicesOf(one.run));
    expect(slices.map((slice) => slice.is_next)).not.toContain(false);
  });

  test('that begins in mid-session looks back as it always does', async () => {
    const from = eastern('2025-11-26 11:07:30');
    const [one, two] = [await backtest({ from }), await backtest({ client: walker, helpers, from })];
    expect(differences(await dumpOf(one.run), await dumpOf(two.run))).toEqual(NO_DIFFERENCES);
  });

  test('tells of its steps in their order', async () => {
    const told: number[] = [];
    const onStep = (_: EasternUs, done: number): void => void told.push(done);
    await backtest({ client: walker, helpers, onStep });
    expect(told).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9].slice(0, told.length));
    expect(told.length).toBeGreaterThan(7);
  });

  test('has no gap when it is stopped', async () => {
    const abort = new AbortController();
    const onStep = (_: EasternUs, done: number): void => {
      if (done === 2) abort.abort();
    };
    const { run, outcome } = await backtest({ client: walker, helpers, signal: abort.signal, onStep });
    expect(await outcome).toBe('stopped');
    const slices = await slicesOf(run);
    expect(slices.length).toBeGreaterThanOrEqual(2);
    expect(slices.length).toBeLessThan(7);
    expect(slices.map((slice) => slice.is_next)).not.toContain(false);
    const { rows } = await bench
      .owner()
      .query('select max(ts)::text as ts from signal.periods where run_id = $1', [run.id]);
    expect(rows[0].ts === null || rows[0].ts <= (slices.at(-1)?.ts_to ?? '')).toBe(true);
  });

  test('goes on with those that are left when connections are killed', async () => {
    const kills: Promise<void>[] = [];
    const onStep = (_: EasternUs, done: number): void => {
      if (done === 2 || done === 4) kills.push(kill(helpers[done / 2 - 1] as pg.Client));
    };
    const { run, outcome } = await backtest({ client: walker, helpers, onStep });
    await Promise.all(kills);
    expect(await outcome).toBe('completed');
    expect(differences(alone, await dumpOf(run))).toEqual(NO_DIFFERENCES);
  });

  test('needs the others for nothing', async () => {
    await Promise.all(helpers.map(kill));
    const { run, outcome } = await backtest({ client: walker, helpers });
    expect(await outcome).toBe('completed');
    expect(differences(alone, await dumpOf(run))).toEqual(NO_DIFFERENCES);
  });

  test('stands without a gap when the first connection is killed, and another goes on with it', async () => {
    let killed: Promise<void> | null = null;
    const onStep = (_: EasternUs, done: number): void => {
      if (done === 3) killed = kill(walker);
    };
    const { run, outcome } = await backtest({ client: walker, helpers, onStep });
    await expect(outcome).rejects.toThrow();
    await killed;
    expect((await slicesOf(run)).map((slice) => slice.is_next)).not.toContain(false);
    await run.advance(to);
    expect(differences(alone, await dumpOf(run))).toEqual(NO_DIFFERENCES);
  });
});

describe('positions that are held over night', () => {
  test('are met by the session after them', async () => {
    const chain = await createChainMarket(bench.owner(), {
      days: [
        { date: '2026-06-15', from: 6000, to: 5980 },
        { date: '2026-06-16', from: 5980, to: 5740 },
        { date: '2026-06-17', from: 5840, to: 5845 },
      ],
      expirations: ['2026-06-17', '2026-06-18', '2026-06-22', '2026-06-24', '2026-06-26'],
    });
    const range = { from: eastern('2026-06-15'), to: eastern('2026-06-18') };
    const request = { market: chain, strategy: 'spx_credit_vertical', ...range };
    const one = await backtest(request);
    const held = await bench.owner().query(
      `select count(*)::integer as trips from trade.round_trips
       where run_id = $1 and ts_exit::date > ts_entry::date`,
      [one.run.id],
    );
    expect(held.rows[0].trips).toBeGreaterThan(0);
    const two = await backtest({ ...request, client: walker, helpers });
    expect(await two.outcome).toBe('completed');
    expect(differences(await dumpOf(one.run), await dumpOf(two.run))).toEqual(NO_DIFFERENCES);
    expect(await slicesOf(two.run)).toEqual(await slicesOf(one.run));
  });
});

describe('a slice that is taken apart', () => {
  const takeApart = async (run: TestRun, from: EasternUs): Promise<void> => {
    await run.client.query('begin isolation level repeatable read');
    try {
      await run.client.query('select trade.advance($1, $2, $3, $4)', [
        run.id,
        ...[to, HINDSIGHT, from].map(formatEastern),
      ]);
      await run.client.query('commit');
    } catch (error) {
      await run.client.query('rollback');
      throw error;
    }
  };

  test('is of a backtest that goes on, and of its range', async () => {
    const replay = await openRun(bench.runner(), market, { mode: 'replay', from: FROM, to });
    await expect(takeApart(replay, eastern('2025-11-26'))).rejects.toMatchObject({ code: 'SB002' });
    const run = await openRun(bench.runner(), market, { from: FROM, to });
    await expect(takeApart(run, eastern('2025-11-18'))).rejects.toMatchObject({ code: 'SB002' });
    const ended = (await backtest()).run;
    await expect(takeApart(ended, eastern('2025-11-26'))).rejects.toMatchObject({ code: 'SB002' });
  });

  test('is taken once', async () => {
    const run = await openRun(bench.runner(), market, { from: FROM, to });
    await takeApart(run, eastern('2025-12-01'));
    await expect(takeApart(run, eastern('2025-12-01'))).rejects.toMatchObject({ code: '23505' });
  });
});
