import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { Failure } from '../../../core/failure.ts';
import type { ImportOptions } from '../../../ingest/files/index.ts';
import { readAll, scratchFolder } from './support.ts';

const write = scratchFolder();
const HEADER = 'timestamp,open,high,low,close,volume\n';
const ROWS = Array.from({ length: 5000 }, (_, i) => {
  const minute = new Date(Date.UTC(2025, 9, 31, 4, i)).toISOString().slice(0, 19);
  return `${minute},10,11,9,10.${i % 10},${i}\n`;
}).join('');

async function failure(path: string, options: Partial<ImportOptions> = {}): Promise<Failure> {
  const error: unknown = await readAll(path, options).then(
    () => null,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(Failure);
  return error as Failure;
}

describe('a file that cannot be taken', () => {
  it.each([
    ['empty.csv', '', /empty\.csv is empty/],
    ['QQQ_blank.csv', '\n\r\n \n', /nothing but blank lines/],
    ['QQQ_header.csv', HEADER, /holds a header and no rows/],
    ['QQQ_header_blank.csv', `${HEADER}\n\n`, /holds a header and no rows/],
    ['QQQ_binary.csv', 'timestamp\0\0open', /is not text/],
    ['QQQ_utf16.csv', Buffer.from('\uFEFFtimestamp,open', 'utf16le'), /is UTF-16 text/],
    ['QQQ_fake.csv.gz', `${HEADER}x`, /is not compressed, whatever its name says/],
    ['unknown.csv', 'a,b,c\n1,2,3\n', /unknown\.csv:1: the header is that of no known format: a,b,c/],
  ])('is refused in words: %s', async (name, content, message) => {
    expect((await failure(write(name, content))).message).toMatch(message);
  });

  it('is refused if it is missing or a directory', async () => {
    const path = write('QQQ.csv', HEADER);
    expect((await failure(`${path}.no`)).message).toMatch(/no such file/);
    const folder = join(dirname(path), 'folder');
    mkdirSync(folder);
    expect((await failure(folder)).message).toMatch(/is a directory/);
  });

  it('is refused for unknown, missing and repeated columns, which are named', async () => {
    const head = 'timestamp,open,high,low,close,volume';
    const unknown = await failure(write('QQQ_u.csv', `${head},adj_close\n2025-10-31 09:30,1,1,1,1,1,1\n`));
    expect(unknown.message).toBe('QQQ_u.csv:1: unknown column "adj_close"');
    expect(unknown.hint).toContain('[trade_count], [vwap]');
    const missing = await failure(write('QQQ_m.csv', 'timestamp,open,high,low,close\n1,1,1,1,1\n'));
    expect(missing.message).toBe('QQQ_m.csv:1: missing column volume');
    const twice = await failure(write('QQQ_t.csv', `${head},Open\n1,1,1,1,1,1,1\n`));
    expect(twice.message).toBe('QQQ_t.csv:1: column open is named twice');
  });

  it('is refused where a gzip is truncated or damaged, however late', async () => {
    const whole = gzipSync(HEADER + ROWS);
    for (const cut of [10, 100, whole.length - 200, whole.length - 1]) {
      const path = write('QQQ_cut.csv.gz', whole.subarray(0, cut));
      expect((await failure(path)).message, `cut after ${cut}`).toMatch(
        /cannot be read to its end \(unexpected end of file\)/,
      );
    }
    const damaged = Buffer.from(whole);
    damaged[damaged.length - 6] = (damaged.at(-6) ?? 0) ^ 1;
    expect((await failure(write('QQQ_bad.csv.gz', damaged))).message).toMatch(/incorrect data check/);
  });

  it('is refused where another format was stated', async () => {
    const path = write('QQQ_b.csv', HEADER + ROWS);
    expect((await failure(path, { format: 'massive' })).message).toMatch(
      /not the header of a Massive flat file/,
    );
    expect((await failure(path, { format: 'vix' })).message).toMatch(/missing column date/);
    expect((await failure(path, { format: 'yahoo-chain' })).message).toMatch(/missing column contractsymbol/);
    const lean = await failure(path, { format: 'lean' });
    expect([lean.message, lean.exitCode]).toEqual([
      `${path}: a LEAN file is a zip archive, and this is none`,
      2,
    ]);
  });

  it('is refused where not one of its first rows is sound', async () => {
    const rows = ROWS.replaceAll(',10,', ',ten,');
    const error = await failure(write('QQQ_ten.csv', HEADER + rows));
    expect(error.message).toMatch(/not one of the first 5000 rows can be taken/);
    expect(error.hint).toMatch(/QQQ_ten\.csv:2: open is not a plain decimal number: "ten"/);
  });

  it('is refused where an option does not go with the format', async () => {
    const path = write('VIX_History.csv', 'DATE,OPEN,HIGH,LOW,CLOSE\n01/02/2025,1,1,1,1\n');
    expect((await failure(path, { tz: 'UTC' })).message).toMatch(/--tz is for bars/);
    expect((await failure(path, { at: 0 as never })).message).toMatch(/--at is for yahoo-chain/);
  });
});
