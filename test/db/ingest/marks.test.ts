// A mark speaks for rows. Processes are killed while rows are sent and not committed, and what the marks say is looked at before
// anything has mended it: a back-fill would bring rows that a mark spoke for too soon, and nobody would ever know.
import pg from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { addMs, type EasternUs, formatEastern, parseEastern } from '../../../core/eastern_time.ts';
import { toMassive } from '../../../core/osi_symbol.ts';
import type { MassiveSimulator } from '../../../sim/massive_server.ts';
import { noteFault } from '../../fault_notes.ts';
import { eventually } from '../../harness.ts';
import { type OwnServer, startOwnServer } from '../own_server.ts';
import { type Ingester, useIngesters } from './ingesters.ts';
import { knowSession } from './market_now.ts';
import {
  gapsOf,
  type RowWords,
  recordedOptionPrints,
  recordedQuotes,
  recordedSeconds,
  stored,
  UNDERLYING,
} from './row_words.ts';

const ingesters = useIngesters(() => server.url);
const { ingest } = ingesters;
const SECONDS = 'sim-massive-second';
const QUOTES = 'sim-massive-quotes';
const BOOKS = [
  { feed: SECONDS, kind: 'seconds', recorded: recordedSeconds },
  { feed: QUOTES, kind: 'quotes', recorded: recordedQuotes },
  { feed: QUOTES, kind: 'optionPrints', recorded: recordedOptionPrints },
] as const;
const TABLES = ['market.equity_ticks', 'market.option_quotes'] as const;
const WAITING = { timeoutMs: 20_000 };
const locks = new Set<pg.Client>();
let server: OwnServer;
let market: MassiveSimulator;

beforeAll(async () => {
  server = await startOwnServer();
  market = await ingesters.open();
  await knowSession(server.pool(), market.session);
});

afterEach(async () => {
  ingesters.killAll();
  await release();
});

afterAll(async () => {
  await market?.stop();
  await server?.end();
});

async function release(): Promise<void> {
  const held = [...locks];
  locks.clear();
  await Promise.all(held.map((client) => client.end().catch(() => undefined)));
}

async function pastBy(time: EasternUs, ms: number): Promise<void> {
  await eventually(() => expect(market.clock.now()).toBeGreaterThan(addMs(time, ms)), WAITING);
}

/** Both streams, and since when they miss nothing. */
async function startBoth(): Promise<{ readonly both: readonly Ingester[]; readonly since: EasternUs }> {
  const both = [ingest(['equities']), ingest(['options', '--strikes', '9'])];
  await Promise.all(both.map((each) => each.saying(/live/)));
  const live = market.clock.now();
  await pastBy(live, 3000);
  return { both, since: addMs(live, 2000) };
}

async function lockOf(table: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: server.url });
  client.on('error', () => undefined);
  await client.connect();
  locks.add(client);
  await client.query(`begin; lock table ${table} in share mode`);
  return client;
}

/** Backends that wait for the table: those that would write it, or those that would lock it. */
async function waitingFor(table: string, mode: 'RowExclusiveLock' | 'ShareLock'): Promise<number[]> {
  const { rows } = await server.pool().query<{ pid: number }>(
    `select l.pid from pg_locks l join pg_class c on c.oid = l.relation
     where l.relation = $1::regclass and l.mode = $2 and not l.granted`,
    [table, mode],
  );
  return rows.map(({ pid }) => pid);
}

async function oneWaits(table: string, mode: 'RowExclusiveLock' | 'ShareLock'): Promise<number> {
  return eventually(async () => {
    const pids = await waitingFor(table, mode);
    expect(pids).toHaveLength(1);
    return pids[0] as number;
  }, WAITING);
}

/** Resolves when a batch of some seconds has been sent and waits, rows, mark, commit and all: the backend that has it. */
async function holdUp(table: string): Promise<number> {
  const first = await lockOf(table);
  // A batch of what had just come; what comes now is the next one's.
  await oneWaits(table, 'RowExclusiveLock');
  await pastBy(market.clock.now(), 3500);
  const second = lockOf(table);
  await oneWaits(table, 'ShareLock');
  locks.delete(first);
  await first.end();
  await second;
  return oneWaits(table, 'RowExclusiveLock');
}

async function markOf(feed: string): Promise<EasternUs> {
  const { rows } = await server
    .pool()
    .query<{ mark: string }>(
      'select m.ts_high_water::text as mark from ops.stream_marks m join ref.feeds f using (feed_id) where f.name = $1',
      [feed],
    );
  return parseEastern(rows[0]?.mark ?? '') as EasternUs;
}

interface Compared {
  readonly found: RowWords;
  readonly recorded: RowWords;
}

async function compared(
  { feed, kind, recorded }: (typeof BOOKS)[number],
  from: EasternUs,
  to: EasternUs,
): Promise<Compared> {
  return {
    found: await stored(server.pool(), kind, { feed, from, to }),
    recorded: recorded(market, from, to),
  };
}

/** Every row that the vendor has on record before a mark is there, though nothing has been filled. */
async function marksAreTrue(since: EasternUs): Promise<void> {
  for (const book of BOOKS) {
    const { found, recorded } = await compared(book, since, await markOf(book.feed));
    expect(found, `${book.kind} before the mark`).toEqual(recorded);
  }
}

/** What was held up is not there. Counted here, since rows that are to be missing are not lost. */
async function isMissing(since: EasternUs, to: EasternUs): Promise<void> {
  const known = (pairs: readonly string[]): number =>
    pairs.reduce((sum, pair) => sum + market.recorded(pair, since, to).length, 0);
  const recorded = {
    'market.equity_ticks': known([`A.${UNDERLYING}`]),
    'market.option_quotes': known(market.contracts.map(({ symbol }) => `Q.${toMassive(symbol)}`)),
  };
  for (const table of TABLES) {
    const { rows } = await server
      .pool()
      .query<{ found: number }>(
        `select count(*)::integer as found from ${table} where ts_event >= $1 and ts_event < $2`,
        [since, to].map(formatEastern),
      );
    expect(recorded[table] - (rows[0]?.found ?? 0), table).toBeGreaterThan(2);
  }
}

/** SIGKILL for backends. The server ends all others when the first is gone. */
function killBackends(pids: readonly number[]): void {
  const [first, ...others] = pids;
  process.kill(first as number, 'SIGKILL');
  for (const pid of others) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
  }
}

async function allIsThere(since: EasternUs): Promise<void> {
  const to = addMs(market.clock.now(), 2000);
  await eventually(
    async () => {
      for (const feed of [SECONDS, QUOTES]) {
        expect(await markOf(feed)).toBeGreaterThan(to);
        expect((await gapsOf(server.pool(), feed)).filter((gap) => !gap.is_filled)).toEqual([]);
      }
    },
    { timeoutMs: 40_000 },
  );
  for (const book of BOOKS) {
    const { found, recorded } = await compared(book, since, to);
    expect(found, book.kind).toEqual(recorded);
  }
}

async function end(all: readonly Ingester[]): Promise<void> {
  for (const { child } of all) child.kill('SIGTERM');
  expect(await Promise.all(all.map(({ ended }) => ended))).toEqual(
    all.map(() => ({ code: 0, signal: null })),
  );
}

describe('rows that are sent and not committed', () => {
  it('have no mark that speaks for them when ingesters and server are killed', {
    timeout: 120_000,
  }, async () => {
    const { both, since } = await startBoth();
    await Promise.all(TABLES.map(holdUp));
    const held = market.clock.now();
    for (const { child } of both) child.kill('SIGKILL');
    server.kill();
    await Promise.all(both.map(({ ended }) => ended));
    await server.start();
    await marksAreTrue(since);
    await isMissing(since, held);
    const next = await startBoth();
    await allIsThere(since);
    await end(next.both);
    noteFault({ injected: 3, survived: 3 });
  });

  it('are stored again when their backends are killed, and the vendor is not asked', {
    timeout: 120_000,
  }, async () => {
    const { both, since } = await startBoth();
    const gaps = (await gapsOf(server.pool(), QUOTES)).length;
    const backends = await Promise.all(TABLES.map(holdUp));
    await marksAreTrue(since);
    await isMissing(since, market.clock.now());
    killBackends(backends);
    await release();
    await allIsThere(since);
    expect(await gapsOf(server.pool(), QUOTES)).toHaveLength(gaps);
    await end(both);
    noteFault({ injected: 2, survived: 2 });
  });

  it('are stored once when the ingesters alone are killed, though the next are there before', {
    timeout: 120_000,
  }, async () => {
    const { both, since } = await startBoth();
    const backends = await Promise.all(TABLES.map(holdUp));
    const held = market.clock.now();
    for (const { child } of both) child.kill('SIGKILL');
    await Promise.all(both.map(({ ended }) => ended));
    const next = [ingest(['equities']), ingest(['options', '--strikes', '9'])];
    await Promise.all(next.map((each) => each.saying(/live/)));
    await marksAreTrue(since);
    await isMissing(since, held);
    const waiting = await Promise.all(TABLES.map((table) => waitingFor(table, 'RowExclusiveLock')));
    expect(waiting.flat()).toEqual(expect.arrayContaining(backends));
    await release();
    await allIsThere(since);
    await end(next);
    noteFault({ injected: 2, survived: 2 });
  });
});
