import { describe, expect, it } from 'vitest';
import { fieldText, MAX_LINE_BYTES, newRow, nextRow, setBlock } from '../../../ingest/files/lines.ts';
import { wholeLines } from '../../../ingest/files/source_file.ts';

async function rowsOf(text: string, chunkBytes: number): Promise<string[][]> {
  const bytes = Buffer.from(text);
  async function* chunks(): AsyncGenerator<Buffer> {
    for (let i = 0; i < bytes.length; i += chunkBytes) yield bytes.subarray(i, i + chunkBytes);
  }
  const row = newRow('test.csv');
  const rows: string[][] = [];
  for await (const block of wholeLines(chunks(), 'test.csv')) {
    setBlock(row, block);
    while (nextRow(row)) rows.push(Array.from({ length: row.count }, (_, i) => fieldText(row, i)));
  }
  return rows;
}

describe('the line reader', () => {
  const text = '\uFEFFa, b ,"12,37",""\r\n\r\n1,,"say ""hi"", you",é\n\nlast,line';
  const expected = [
    ['a', 'b', '12,37', ''],
    ['1', '', 'say ""hi"", you', 'é'],
    ['last', 'line'],
  ];

  it('gives the same fields however the bytes are cut into chunks', async () => {
    for (const chunkBytes of [1, 2, 3, 5, 7, 11, 1000]) {
      expect(await rowsOf(text, chunkBytes), `chunks of ${chunkBytes}`).toEqual(expected);
    }
  });

  it('counts lines, blank ones too', () => {
    const row = newRow('test.csv');
    setBlock(row, Buffer.from('a\n\n\nb\n'));
    const lines: number[] = [];
    while (nextRow(row)) lines.push(row.line);
    expect(lines).toEqual([1, 4]);
  });

  it('marks a quote that is never closed and goes on with the next line', () => {
    const row = newRow('test.csv');
    setBlock(row, Buffer.from('1,"2,3\n4,5\n'));
    expect(nextRow(row)).toBe(true);
    expect(row.unclosed).toBe(true);
    expect(nextRow(row)).toBe(true);
    expect([fieldText(row, 0), fieldText(row, 1), row.unclosed]).toEqual(['4', '5', false]);
  });

  it('refuses a line that never ends', async () => {
    const row = newRow('test.csv');
    setBlock(row, Buffer.from(`a\n${'x'.repeat(MAX_LINE_BYTES + 1)}\n`));
    expect(nextRow(row)).toBe(true);
    expect(() => nextRow(row)).toThrow(/test\.csv:2: a line is longer than 65536 bytes/);
    await expect(rowsOf('y'.repeat(1_000_000), 65_536)).rejects.toThrow(/longer than/);
  });

  it('survives more fields than any format has', async () => {
    const [row] = await rowsOf(`${'1,'.repeat(200)}1\n`, 1000);
    expect(row).toHaveLength(201);
  });
});
