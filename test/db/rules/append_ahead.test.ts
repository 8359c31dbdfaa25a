// A backtest whose periods are stored ahead by a second connection writes the rows of one that stores them itself, whatever is killed.
import type pg from 'pg';
import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { systemClock } from '../../../core/clock.ts';
import { addMs, type EasternUs, formatEastern } from '../../../core/eastern_time.ts';
import { connect } from '../../../db/pool.ts';
import {
  backtestSteps,
  advanceThrough as goThrough,
  openRun as open,
  sessionsIn,
} from '../../../jobs/run.ts';
import { useBench } from '../support/connections.ts';
import { addQuotes, addTicks, createMarket, eastern, type Market, tick } from '../support/market.ts';
import {
  advanceThrough,
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

const bench = useBench();
const clock = systemClock();
// Eight sessions, of which the last three have rows.
const FROM = eastern('2025-11-19');
const { to } = SYNTHETIC_RANGE;
let market: Market;
let alone: string[];
let walker: pg.Client;
let ahead: pg.Client;

beforeAll(async () => {
  market = await createMarket(bench.owner());
  const drawn = drawMarket(77);
  await addTicks(market, drawn.ticks);
  await addQuotes(market, drawn.quotes);
  alone = await dumpOf((await backtest({ ahead: null })).run);
});

beforeEach(async () => {
  walker = await connect({ url: bench.database.url(), role: 'job_runner', name: 'walker' });
  ahead = await connect({ url: bench.database.url(), role: 'job_runner', name: 'ahead' });
  return async () => {
    await Promise.all([walker, ahead].map((client) => client.end().catch(() => undefined)));
  };
});

interface Backtest {
  readonly client?: pg.Client;
  readonly ahead: pg.Client | null;
  readonly from?: EasternUs;
  readonly signal?: AbortSignal;
  readonly onStep?: (at: EasternUs, done: number) => void;
}

async function backtest(options: Backtest): Promise<{ run: TestRun; outcome: Promise<string> }> {
  const { client = bench.runner(), from = FROM, signal = new AbortController().signal, ...rest } = options;
  const { tickFeed, quoteFeed } = market;
  const request = { mode: 'backtest', strategy: 'vwap_ma9', from, to, tickFeed, quoteFeed } as const;
  const opened = await open(client, { ...request, settings: {} }, clock);
  const steps = backtestSteps(opened, await sessionsIn(client, opened));
  const outcome = goThrough(client, opened, steps, { clock, signal, speed: null, ...rest });
  await outcome.catch(() => undefined);
  return { run: attachRun(bench.runner(), opened.runId), outcome };
}

/** Sessions whose periods another transaction has stored than that of their slice, and those that have periods and no slice yet. */
async function sessionsAhead(run: TestRun): Promise<{ stored: number; left: number }> {
  const { rows } = await bench.owner().query<{ stored: number; left: number }>(
    `select count(distinct p.session_date) filter (where s.xmin <> p.xmin) as stored,
       count(distinct p.session_date) filter (where s.run_id is null) as "left"
     from signal.periods p
     left join trade.slices s on s.run_id = p.run_id and p.ts > s.ts_from and p.ts <= s.ts_to
     where p.run_id = $1`,
    [run.id],
  );
  return rows[0] ?? { stored: 0, left: 0 };
}

async function kill(client: pg.Client): Promise<void> {
  const { processID } = client as unknown as { readonly processID: number };
  await bench.owner().query('select pg_terminate_backend($1, 5000)', [processID]);
}

async function slicesOf(run: TestRun): Promise<Record<string, unknown>[]> {
  const { rows } = await bench.owner().query(
    `select ts_from, ts_to, periods, revisions, signals, fills, ts_as_of >= lag(ts_as_of, 1, ts_as_of) over (order by ts_to) as is_later
     from trade.slices where run_id = $1 order by ts_to`,
    [run.id],
  );
  return rows;
}

describe('a run with a second connection', () => {
  test('writes the rows of one without, and the slices', async () => {
    expect(countKinds(alone)).toMatchObject({
      period: 2940,
      signal: expect.any(Number),
      fill: expect.any(Number),
    });
    const [one, two] = [await backtest({ ahead: null }), await backtest({ client: walker, ahead })];
    expect([await one.outcome, await two.outcome]).toEqual(['completed', 'completed']);
    expect(await sessionsAhead(one.run)).toEqual({ stored: 0, left: 0 });
    expect(await sessionsAhead(two.run)).toEqual({ stored: 7, left: 0 });
    expect(differences(alone, await dumpOf(two.run))).toEqual(NO_DIFFERENCES);
    const slices = await slicesOf(two.run);
    expect(slices).toEqual(await slicesOf(one.run));
    expect(slices.map((slice) => slice.is_later)).not.toContain(false);
  });

  test('that begins in mid-session looks back as it always does', async () => {
    const from = eastern('2025-11-26 11:07:30');
    const [one, two] = [
      await backtest({ ahead: null, from }),
      await backtest({ client: walker, ahead, from }),
    ];
    expect(differences(await dumpOf(one.run), await dumpOf(two.run))).toEqual(NO_DIFFERENCES);
    expect(await sessionsAhead(two.run)).toEqual({ stored: 2, left: 1 });
    expect((await sessionsAhead(one.run)).left).toBe(1);
  });

  test('that is stopped has no period beyond its last slice', async () => {
    const abort = new AbortController();
    const onStep = (_: EasternUs, done: number): void => {
      if (done === 2) abort.abort();
    };
    const { run, outcome } = await backtest({ client: walker, ahead, signal: abort.signal, onStep });
    expect(await outcome).toBe('stopped');
    const slices = await slicesOf(run);
    expect(slices.length).toBeGreaterThanOrEqual(2);
    expect(slices.length).toBeLessThan(7);
    expect((await sessionsAhead(run)).left).toBe(0);
  });

  test('goes on alone when that connection is killed', async () => {
    let killed: Promise<void> | null = null;
    const onStep = (_: EasternUs, done: number): void => {
      if (done === 3) killed = kill(ahead);
    };
    const { run, outcome } = await backtest({ client: walker, ahead, onStep });
    await killed;
    expect(await outcome).toBe('completed');
    expect(differences(alone, await dumpOf(run))).toEqual(NO_DIFFERENCES);
  });

  test('needs it for nothing', async () => {
    await kill(ahead);
    const { run, outcome } = await backtest({ client: walker, ahead });
    expect(await outcome).toBe('completed');
    expect((await sessionsAhead(run)).stored).toBe(0);
    expect(differences(alone, await dumpOf(run))).toEqual(NO_DIFFERENCES);
  });

  test('is where it was when the walking connection is killed, and another goes on with it', async () => {
    let killed: Promise<void> | null = null;
    const onStep = (_: EasternUs, done: number): void => {
      if (done === 3) killed = kill(walker);
    };
    const { run, outcome } = await backtest({ client: walker, ahead, onStep });
    await expect(outcome).rejects.toThrow();
    await killed;
    // What was asked of the second connection before.
    await ahead.query('select 1');
    await run.advance(to);
    expect(differences(alone, await dumpOf(run))).toEqual(NO_DIFFERENCES);
  });
});

describe('periods that are stored ahead', () => {
  const appendAll = async (run: TestRun, asOf: EasternUs = HINDSIGHT): Promise<number> => {
    const { rows } = await bench
      .runner()
      .query<{ count: number }>('select signal.append_ahead($1, $2, $3, $4) as count', [
        run.id,
        ...[FROM, to, asOf].map(formatEastern),
      ]);
    return rows[0]?.count ?? 0;
  };

  test('change nothing before their time, wherever a slice ends', async () => {
    const cuts = [
      '2025-11-26 10:20',
      '2025-11-28 10:33:33.333',
      '2025-11-28 11:00',
      '2025-12-01 10:07:00.000001',
    ];
    const plain = await openRun(bench.runner(), market, { from: FROM, to });
    const early = await openRun(bench.runner(), market, { from: FROM, to });
    expect(await appendAll(early)).toBe(2940);
    for (const cut of [...cuts.map(eastern), to]) {
      await advanceThrough(plain, [cut]);
      await advanceThrough(early, [cut]);
      const past = (lines: readonly string[]): string[] =>
        lines.filter((line) => !line.startsWith('period '));
      expect(differences(past(await dumpOf(plain)), past(await dumpOf(early)))).toEqual(NO_DIFFERENCES);
    }
    expect(differences(alone, await dumpOf(early))).toEqual(NO_DIFFERENCES);
    expect(await slicesOf(early)).toEqual(await slicesOf(plain));
  });

  test('get revisions from late rows as all do', async () => {
    const [plain, early] = [
      await openRun(bench.runner(), market, { from: FROM, to }),
      await openRun(bench.runner(), market, { from: FROM, to }),
    ];
    const seen = eastern('2026-03-02');
    const late = addMs(seen, 60_000);
    await appendAll(early, seen);
    const row = {
      ts_event: eastern('2025-11-26 12:00:00.5'),
      close_e4: 6_010_000,
      span_ms: 1000,
      ts_recv: late,
    };
    await addTicks(market, [tick(row)]);
    for (const run of [plain, early]) {
      await run.advance(eastern('2025-11-27'), seen);
      await run.advance(to, late);
    }
    const rows = await dumpOf(early);
    expect(differences(await dumpOf(plain), rows)).toEqual(NO_DIFFERENCES);
    expect(rows.filter((line) => line.includes('"revision": 1')).length).toBeGreaterThan(100);
  });

  test('are for backtests that go on', async () => {
    const replay = await openRun(bench.runner(), market, { mode: 'replay', from: FROM, to });
    await expect(appendAll(replay)).rejects.toMatchObject({ code: 'SB002' });
    const { run } = await backtest({ ahead: null });
    await expect(appendAll(run)).rejects.toMatchObject({ code: 'SB002' });
  });
});
