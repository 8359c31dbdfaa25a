// Databento's files: DBN and CSV, packed or not, made here byte by byte, and the recorded ones.
import { readdirSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { needsSharedData, sharedData } from '../../harness.ts';
import { at } from '../../sim/sessions.ts';
import { chars, head, NO_TIME, NS, quote, record, TEN, UNDEF, u } from './dbn_writer.ts';
import { readAll, scratchFolder } from './support.ts';

const file = scratchFolder();
const PUT = 'SPXW  251120P05900000';
const CALL = 'SPX   251219C06000000';
/** One zstd frame around raw bytes, fewer than 65,792 of them. */
function frame(bytes: Buffer): Buffer {
  const isShort = bytes.length < 256;
  const size = isShort ? u(bytes.length, 1) : u(bytes.length - 256, 2);
  const block = Buffer.alloc(3);
  block.writeUIntLE(1 | (bytes.length << 3), 0, 3);
  return Buffer.concat([u(0xfd2fb528, 4), u(isShort ? 0x20 : 0x60, 1), size, block, bytes]);
}

function statistic(version: 1 | 3, type: number, quantity: bigint): Buffer {
  const start = [u(TEN, 8), u(0, 8), u(UNDEF, 8)];
  return version === 3
    ? record(24, 11, [...start, u(quantity, 8), u(0, 4), u(0, 4), u(type, 2), Buffer.alloc(22)])
    : record(24, 11, [...start, u(quantity, 4), u(0, 4), u(0, 4), u(type, 2), Buffer.alloc(10)]);
}

const MAPPINGS = [
  [PUT, '11'],
  [CALL, '12'],
] as const;

describe('quotes of a minute in DBN', () => {
  it.each([1, 2, 3] as const)('of version %s are rows timed by the minute’s end', async (version) => {
    const rows = [
      quote(11, TEN, 4_150_000_000n, 4_300_000_000n),
      quote(12, TEN, UNDEF, 50_000_000n),
      quote(11, TEN + 60n * NS, UNDEF, UNDEF),
    ];
    const all = await readAll(file('q.dbn', Buffer.concat([head(version, 16, MAPPINGS), ...rows])));
    expect(all.file).toMatchObject({
      format: 'databento',
      feed: { name: 'databento-cbbo-1m', span_ms: 60_000 },
    });
    const ts_event = at('2025-11-20 10:00');
    expect(all.quotes).toMatchObject([
      { symbol: PUT, ts_event, bid_px_e4: 41_500, ask_px_e4: 43_000, bid_sz: 7, ask_sz: 9 },
      { symbol: CALL, ts_event, bid_px_e4: null, ask_px_e4: 500, bid_sz: null, ask_sz: 9 },
      { symbol: PUT, ts_event: at('2025-11-20 10:01'), bid_px_e4: null, ask_px_e4: null },
    ]);
    expect(all.rejected).toEqual([]);
  });

  it('of another underlying are left out, and ids without a symbol are faults', async () => {
    const rows = [quote(11, TEN, 1n, 2n), quote(12, TEN, 1n, 2n), quote(13, TEN, 1n, 2n)];
    const mappings = [...MAPPINGS, ['QQQ   251120C00600000', '14'] as const];
    const path = file('q.dbn', Buffer.concat([head(3, 16, mappings), ...rows, quote(14, TEN, 1n, 2n)]));
    const all = await readAll(path, { symbol: 'SPX' });
    expect(all.quotes.map((row) => row.symbol)).toEqual([PUT, CALL]);
    expect(all.rejected.map((row) => row.reason)).toEqual(['an instrument_id that has no symbol']);
  });

  it('take symbols from symbology.json and from definitions beside them', async () => {
    const result = { [PUT]: [{ d0: '2025-11-20', d1: '2025-11-21', s: '11' }] };
    file('symbology.json', JSON.stringify({ result }));
    const definition = record(19, 12, [u(TEN, 8), Buffer.alloc(32), chars(CALL, 72)]);
    file('opra-pillar-20251120.definition.dbn', Buffer.concat([head(3, 9, []), definition]));
    const quotes = [quote(11, TEN, 10_000_000n, 20_000_000n), quote(12, TEN, 10_000_000n, 20_000_000n)];
    const path = file('opra-pillar-20251120.cbbo-1m.dbn', Buffer.concat([head(3, 16, []), ...quotes]));
    const all = await readAll(path);
    expect(all.quotes.map((row) => row.symbol)).toEqual([PUT, CALL]);
    expect(all.file.findings.map((each) => each.text).join()).toMatch(/symbology\.json.*definition/);
  });

  it('that end in the middle are no file', async () => {
    const whole = Buffer.concat([head(3, 16, MAPPINGS), quote(11, TEN, 1n, 2n)]);
    await expect(readAll(file('q.dbn', whole.subarray(0, whole.length - 9)))).rejects.toThrow(
      /middle of a record/,
    );
    const packed = frame(whole);
    expect((await readAll(file('q.dbn.zst', packed))).quotes).toHaveLength(1);
    await expect(readAll(file('q.dbn.zst', packed.subarray(0, packed.length - 9)))).rejects.toThrow(
      /truncated|read to its end/,
    );
    await expect(readAll(file('q.dbn', whole.subarray(0, 60)))).rejects.toThrow(/middle of its head/);
    await expect(readAll(file('q.dbn', Buffer.concat([chars('DBN', 3), u(9, 1), whole])))).rejects.toThrow(
      /version/,
    );
    await expect(readAll(file('q.dbn', head(3, 5, MAPPINGS)))).rejects.toThrow(/no rows|schema/);
  });
});

describe('definitions and statistics in DBN', () => {
  it('list a contract once a day, and set aside what is none', async () => {
    const rows = [PUT, PUT, 'SPXW spread'].map((symbol) => record(19, 11, [u(TEN, 8), chars(symbol, 72)]));
    const all = await readAll(file('d.dbn', Buffer.concat([head(3, 9, []), ...rows])));
    expect(all.listings).toMatchObject([{ symbol: PUT, ts_event: at('2025-11-20 10:00') }]);
    expect([all.duplicates, all.setAside.length]).toEqual([1, 1]);
  });

  it.each([1, 3] as const)(
    'of version %s give open interest once, the greatest of the venues',
    async (version) => {
      const rows = [
        ...[5000n, 5012n, 5000n].map((quantity) => statistic(version, 9, quantity)),
        statistic(version, 9, version === 3 ? UNDEF : 2_147_483_647n),
        statistic(version, 1, 3n),
        statistic(version, 6, 71n),
      ];
      const all = await readAll(file('s.dbn', Buffer.concat([head(version, 10, MAPPINGS), ...rows])));
      expect(all.statistics.map((row) => [row.symbol, row.name, row.value])).toEqual([
        [PUT, 'open_interest', 5012],
        [PUT, 'cleared_volume', 71],
      ]);
    },
  );
});

describe('CSV', () => {
  const HEADER =
    'ts_recv,ts_event,rtype,publisher_id,instrument_id,side,price,size,flags,bid_px_00,ask_px_00,bid_sz_00,ask_sz_00,bid_pb_00,ask_pb_00,symbol';

  it('raw and pretty, packed or not, gives the rows of DBN', async () => {
    const raw = `${TEN},${NO_TIME},193,30,11,N,${UNDEF},0,194,4150000000,${UNDEF},7,0,29,0,${PUT}`;
    const pretty = `2025-11-20T15:00:00.000000000Z,,193,30,11,N,,0,194,4.150000000,,7,0,29,0,${PUT}`;
    for (const [name, line] of [
      ['raw.csv', raw],
      ['pretty.csv', pretty],
      ['raw.csv.gz', raw],
      ['raw.csv.zst', raw],
    ] as const) {
      const text = Buffer.from(`${HEADER}\n${line}\n`);
      const cut = [text.subarray(0, 100), text.subarray(100)];
      // Of two frames, as long downloads are.
      const packed = name.endsWith('.zst') ? Buffer.concat(cut.map(frame)) : gzipSync(text);
      const all = await readAll(file(name, name.endsWith('.csv') ? text : packed));
      expect(all.quotes, name).toMatchObject([
        {
          symbol: PUT,
          ts_event: at('2025-11-20 10:00'),
          bid_px_e4: 41_500,
          ask_px_e4: null,
          bid_sz: 7,
          ask_sz: null,
        },
      ]);
    }
  });

  it('of definitions lists contracts, and sets spreads aside', async () => {
    const lines = [PUT, 'SPX:SA#0012'].map((symbol) => `${TEN},19,11,${symbol}`);
    const all = await readAll(file('d.csv', `ts_recv,rtype,instrument_id,raw_symbol\n${lines.join('\n')}\n`));
    expect(all.listings).toMatchObject([{ symbol: PUT }]);
    expect([all.setAside.length, all.rejected.length]).toEqual([1, 0]);
  });

  it('with a row that cannot be read names it', async () => {
    const line = `${TEN},1,193,30,11,N,1,0,194,abc,1,7,0,29,0,${PUT}`;
    const all = await readAll(
      file('q.csv', `${HEADER}\n${line}\n${line.replace('abc', '1').replace(PUT, 'QQQ')}\n`),
    );
    expect(all.rejected.map((row) => [row.line, row.reason])).toEqual([
      [2, 'a price or size that cannot be read'],
      [3, 'no option symbol'],
    ]);
  });
});

describe('recorded files', () => {
  needsSharedData('databento');

  it('of OPRA are read as they were decoded by others', async () => {
    const folder = `${sharedData('databento')}/databento-python/tests/data/OPRA.PILLAR`;
    const quotes = await readAll(`${folder}/test_data.cbbo-1m.dbn.zst`);
    expect(quotes.rejected).toEqual([]);
    expect(quotes.quotes).toHaveLength(4);
    expect(quotes.quotes.slice(0, 3)).toMatchObject([
      { symbol: 'AAPL  250221C00250000', ts_event: at('2025-02-20 08:01'), bid_px_e4: null, ask_px_e4: null },
      { ts_event: at('2025-02-20 09:31'), bid_px_e4: 3200, ask_px_e4: 3400, bid_sz: 104, ask_sz: 132 },
      { ts_event: at('2025-02-20 09:32'), bid_px_e4: 4300, ask_px_e4: 4500, bid_sz: 1, ask_sz: 135 },
    ]);
    const definitions = await readAll(`${folder}/test_data.definition.dbn.zst`);
    expect(definitions.listings).toMatchObject([{ symbol: 'AAPL  250221C00250000' }]);
    const statistics = await readAll(`${folder}/test_data.statistics.dbn.zst`);
    expect(statistics.statistics).toMatchObject([{ name: 'open_interest', value: 57_924 }]);
  });

  it('of every version, plain or packed, in one frame or several, are read or refused by name', async () => {
    const folder = `${sharedData('databento')}/dbn_repo/tests/data`;
    const names = readdirSync(folder).filter((name) => /\.dbn(\.zst)?$/.test(name));
    expect(names.length).toBeGreaterThan(20);
    for (const name of names) {
      const read = readAll(`${folder}/${name}`, { symbol: 'SPX' });
      if (/(cbbo-1[sm]|definition|statistics)\./.test(name)) {
        const all = await read;
        expect(all.file.format, name).toBe('databento');
      } else await expect(read, name).rejects.toThrow(/is not imported|holds no rows/);
    }
  });
});
