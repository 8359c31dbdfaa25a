// Binary COPY: what goes in comes out, and nothing that does not fit is cut to fit.
import type pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type EasternUs, parseEastern } from '../../core/eastern_time.ts';
import { type BulkCopy, bulkCopy } from '../../db/bulk_copy.ts';
import { CopyBuffer, type CopyTable, copyNew } from '../../db/copy.ts';
import { inTransaction } from '../../db/pool.ts';
import { useDatabase } from '../harness.ts';

interface Row {
  readonly small: number;
  readonly middle: number | null;
  readonly large: number | null;
  readonly real: number | null;
  readonly flag: boolean;
  readonly ts: EasternUs;
  readonly words: string | null;
}

const table: CopyTable<Row> = {
  name: 'public.copied',
  columns: 'small, middle, large, real, flag, ts, day, words',
  write(buffer, row) {
    buffer.row(8, 40);
    buffer.int2(row.small);
    buffer.int4(row.middle);
    buffer.int8(row.large);
    buffer.float8(row.real);
    buffer.bool(row.flag);
    buffer.timestamp(row.ts);
    buffer.date(row.ts);
    buffer.text(row.words);
  },
};

const plain: Row = {
  small: 1,
  middle: 2,
  large: 3,
  real: 0.5,
  flag: true,
  ts: parseEastern('2026-03-08 09:30:00.000001') as EasternUs,
  words: 'ümläut € 𝄞',
};

describe('binary COPY', () => {
  const database = useDatabase({ isEmpty: true });

  async function roundTrip(rows: readonly Row[], capacity?: number): Promise<Record<string, unknown>[]> {
    const client: pg.PoolClient = await database.pool().connect();
    try {
      await client.query(
        `create temporary table copied (n serial, small smallint, middle integer, large bigint, real float8, flag boolean,
           ts timestamp, day date, words text)`,
      );
      const pgTemp = { ...table, name: 'pg_temp.copied' };
      await copyNew(client, pgTemp, rows, new CopyBuffer(capacity));
      const columns = 'small, middle, large::text, real, flag, ts::text, day::text, words';
      return (await client.query(`select ${columns} from copied order by n`)).rows;
    } finally {
      client.release(true);
    }
  }

  it('keeps the ends of every range, absent values and times before 2000', async () => {
    const low = {
      ...plain,
      small: -32_768,
      middle: -2_147_483_648,
      large: Number.MIN_SAFE_INTEGER,
      ts: parseEastern('1990-01-02 23:59:59.999999') as EasternUs,
      words: '',
    };
    const high = { ...plain, small: 32_767, middle: 2_147_483_647, large: Number.MAX_SAFE_INTEGER };
    const absent = { ...plain, middle: null, large: null, real: null, flag: false, words: null };
    const [first, second, third] = await roundTrip([low, high, absent]);
    expect(first).toEqual({
      ...{ small: -32_768, middle: -2_147_483_648, large: '-9007199254740991', real: 0.5, flag: true },
      ...{ ts: '1990-01-02 23:59:59.999999', day: '1990-01-02', words: '' },
    });
    expect(second).toMatchObject({ small: 32_767, middle: 2_147_483_647, large: '9007199254740991' });
    expect(second).toMatchObject({ ts: '2026-03-08 09:30:00.000001', day: '2026-03-08', words: plain.words });
    expect(third).toMatchObject({ middle: null, large: null, real: null, flag: false, words: null });
  });

  it('makes room for long texts wherever its buffer ends', async () => {
    const rows = Array.from({ length: 60 }, (_, n) => ({ ...plain, middle: n, words: 'x'.repeat(n) }));
    for (let capacity = 64; capacity < 128; capacity += 1) {
      const found = await roundTrip(rows, capacity);
      expect(found.map(({ middle, words }) => [middle, words])).toEqual(
        rows.map((row) => [row.middle, row.words]),
      );
    }
  });

  it('refuses a number that its column cannot hold, instead of cutting it', () => {
    const buffer = new CopyBuffer();
    buffer.row(1, 100);
    expect(() => buffer.int2(32_768)).toThrow('32768 does not fit int2');
    expect(() => buffer.int4(2_147_483_648)).toThrow('2147483648 does not fit int4');
    expect(() => buffer.int4(0.5)).toThrow('0.5 does not fit int4');
    expect(() => buffer.int4(Number.NaN)).toThrow('NaN does not fit int4');
    expect(() => buffer.int8(2 ** 53)).toThrow('9007199254740992 does not fit int8');
  });
});

interface Quote {
  readonly symbol: string;
  readonly n: number;
  readonly words: string;
}

// The number of a symbol is its length.
const quotes: CopyTable<Quote> = {
  name: 'public.quotes',
  columns: 'id, n, words',
  write(buffer, row) {
    buffer.row(3, 12);
    buffer.int4Of(row.symbol);
    buffer.int8(row.n);
    buffer.text(row.words);
  },
};

// 1 KiB a row: four thousand of them are more than one COPY takes.
const BATCH = 1_000;
const WORDS = 'x'.repeat(1024);

function batchOf(first: number, symbol = 'A'): Quote[] {
  return Array.from({ length: BATCH }, (_, n) => ({ symbol, n: first + n, words: WORDS }));
}

describe('a bulk COPY', () => {
  const database = useDatabase({ isEmpty: true });
  let client: pg.PoolClient;
  let sent: number[] = [];

  beforeAll(async () => {
    client = await database.pool().connect();
    await client.query(
      'create table quotes (id integer, n bigint check (n >= 0), words text, primary key (id, n))',
    );
  });
  beforeEach(async () => {
    sent = [];
    await client.query('truncate quotes');
  });
  afterAll(() => client.release(true));

  /** Copies in one transaction. */
  function copying<T>(work: (bulk: BulkCopy) => Promise<T>): Promise<T> {
    return inTransaction(client, async () => {
      const bulk = bulkCopy(client, async (buffer) => {
        // The connection answers in between.
        await client.query('select 1');
        buffer.fillIn((symbol) => symbol.length);
        sent.push(buffer.size);
      });
      try {
        return await work(bulk);
      } catch (error) {
        await bulk.abandon();
        throw error;
      }
    });
  }

  async function stored(): Promise<{ count: number; sum: number; ids: number[] }> {
    const { rows } = await client.query(
      `select count(*)::integer as count, coalesce(sum(n), 0)::integer as sum, array_agg(distinct id order by id) as ids
       from quotes`,
    );
    return rows[0];
  }

  it('stores every row of many batches, more in one COPY than in a batch and less than in the file', async () => {
    const counts = await copying(async (bulk) => {
      for (let n = 0; n < 20; n += 1) await bulk.write(quotes, batchOf(n * BATCH, 'B'.repeat((n % 3) + 1)));
      return bulk.settle();
    });
    expect(counts).toEqual({ inserted: 20_000, duplicate: 0 });
    expect(await stored()).toEqual({ count: 20_000, sum: 199_990_000, ids: [1, 2, 3] });
    expect(sent.length).toBeLessThan(20);
    expect(Math.max(...sent)).toBeGreaterThan(2 * Math.min(...sent));
    expect(Math.max(...sent)).toBeLessThan(6 * 2 ** 20);
  });

  it('counts the rows that are there already, wherever the first of them stands, and keeps them as they are', async () => {
    await client.query(`insert into quotes select 1, n, 'old' from generate_series(9500, 11499) n`);
    const counts = await copying(async (bulk) => {
      for (let n = 0; n < 15; n += 1) await bulk.write(quotes, batchOf(n * BATCH));
      return bulk.settle();
    });
    expect(counts).toEqual({ inserted: 13_000, duplicate: 2_000 });
    expect((await stored()).count).toBe(15_000);
    const { rows } = await client.query(`select count(*)::integer as old from quotes where words = 'old'`);
    expect(rows[0].old).toBe(2_000);
  });

  it('counts rows that repeat within it', async () => {
    const counts = await copying(async (bulk) => {
      for (const first of [0, BATCH, 500, 0]) await bulk.write(quotes, batchOf(first));
      return bulk.settle();
    });
    expect(counts).toEqual({ inserted: 2_000, duplicate: 2_000 });
  });

  it('lets other statements in after it has settled, and goes on', async () => {
    const counts = await copying(async (bulk) => {
      await bulk.write(quotes, batchOf(0));
      expect(await bulk.settle()).toEqual({ inserted: 1_000, duplicate: 0 });
      expect((await stored()).count).toBe(1_000);
      await bulk.write(quotes, batchOf(BATCH));
      return bulk.settle();
    });
    expect(counts).toEqual({ inserted: 2_000, duplicate: 0 });
  });

  it('fails with the error of the server and leaves nothing but a connection that works', async () => {
    const failing = copying(async (bulk) => {
      for (let n = 0; n < 20; n += 1) await bulk.write(quotes, batchOf(n === 3 ? -1 : n * BATCH));
      return bulk.settle();
    });
    await expect(failing).rejects.toMatchObject({ code: '23514' });
    expect((await stored()).count).toBe(0);
  });

  it('leaves nothing when it is given up while a COPY is under way', async () => {
    const failing = copying(async (bulk) => {
      for (let n = 0; n < 3; n += 1) await bulk.write(quotes, batchOf(n * BATCH));
      throw new Error('given up');
    });
    await expect(failing).rejects.toThrow('given up');
    expect((await stored()).count).toBe(0);
  });

  it('fails where the connection is lost, and does not hang', async () => {
    const lost = await database.pool().connect();
    lost.on('error', () => undefined);
    const pid = (await lost.query('select pg_backend_pid() as pid')).rows[0].pid;
    const failing = inTransaction(lost, async () => {
      const bulk = bulkCopy(lost, async (buffer) => buffer.fillIn((symbol) => symbol.length));
      for (let n = 0; n < 40; n += 1) {
        if (n === 5) await client.query('select pg_terminate_backend($1)', [pid]);
        await bulk.write(quotes, batchOf(n * BATCH));
      }
      return bulk.settle();
    });
    await expect(failing).rejects.toThrow();
    lost.release(true);
    expect((await stored()).count).toBe(0);
  });
});
