// Binary COPY: what goes in comes out, and nothing that does not fit is cut to fit.
import type pg from 'pg';
import { describe, expect, it } from 'vitest';
import { type EasternUs, parseEastern } from '../../core/eastern_time.ts';
import { CopyBuffer, type CopyTable, copyNew } from '../../db/copy.ts';
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
