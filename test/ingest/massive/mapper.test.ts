// Massive's frames become rows, whatever a frame holds.
import { existsSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseScaled } from '../../../core/decimal.ts';
import { type EasternUs, formatEastern } from '../../../core/eastern_time.ts';
import { projectPath } from '../../../core/root.ts';
import { priceE4, sharesE6 } from '../../../ingest/massive/fields.ts';
import { type MappedFrame, mapFrame } from '../../../ingest/massive/mapper.ts';
import { at } from '../../sim/sessions.ts';

const RECEIVED: EasternUs = at('2026-11-20 09:30:01');

interface Fixture {
  readonly name: string;
  readonly frame: unknown;
  readonly ticks?: readonly unknown[];
  readonly quotes?: readonly unknown[];
  readonly trades?: readonly unknown[];
  readonly statuses?: readonly unknown[];
  readonly reasons?: readonly string[];
}

function fixtures(file: string): Fixture[] {
  const lines = readFileSync(projectPath('test', 'fixtures', 'massive', file), 'utf8')
    .trim()
    .split('\n');
  return lines.map((line) => JSON.parse(line) as Fixture);
}

/** Rows with readable times, as the fixtures write them. */
function readable(rows: readonly { ts_event: EasternUs }[]): unknown[] {
  return rows.map((row) => ({ ...row, ts_event: formatEastern(row.ts_event) }));
}

describe.each(['stocks.jsonl', 'options.jsonl'])('the frames of %s', (file) => {
  it.each(fixtures(file))(
    '$name',
    ({ frame, ticks = [], quotes = [], trades = [], statuses = [], reasons = [] }) => {
      const mapped = mapFrame(Buffer.from(JSON.stringify(frame)), RECEIVED);
      expect(mapped.rejected.map((row) => row.reason)).toEqual(reasons);
      expect(mapped.statuses).toEqual(statuses);
      for (const [rows, expected] of [
        [readable(mapped.ticks), ticks],
        [readable(mapped.quotes), quotes],
        [readable(mapped.trades), trades],
      ] as const) {
        expect(rows).toHaveLength(expected.length);
        rows.forEach((row, i) => {
          expect(row).toMatchObject({ ...(expected[i] as object), ts_recv: RECEIVED });
        });
      }
    },
  );
});

const observed = projectPath('..', 'shared', 'data', 'polygon_massive', 'observed_ws_frames.jsonl');

describe.skipIf(!existsSync(observed))(
  'frames observed on the wire (needs ../shared/data/polygon_massive)',
  () => {
    it('map without a rejection', () => {
      const frames = readFileSync(observed, 'utf8').trim().split('\n');
      const mapped = frames.map((line) => mapFrame(line, at('2027-01-01')));
      expect(mapped.flatMap((each) => each.rejected)).toEqual([]);
      expect(mapped.flatMap((each) => each.ticks)).toMatchObject([
        { symbol: 'AAPL', seq: 4938312, close_e4: 2978450, volume_e6: 40_000_000 },
        { symbol: 'QQQ', seq: 0, close_e4: 7441500, volume_e6: 740_474 },
      ]);
      expect(mapped.flatMap((each) => each.statuses)).toHaveLength(1);
    });
  },
);

function isSound(mapped: MappedFrame): boolean {
  const isWhole = (value: unknown): boolean => Number.isSafeInteger(value) && !Object.is(value, -0);
  const ticks = mapped.ticks.every(
    (row) =>
      row.low_e4 > 0 &&
      row.high_e4 <= 2_147_483_647 &&
      row.volume_e6 >= 0 &&
      [row.ts_event, row.seq, row.span_ms, row.open_e4, row.close_e4, row.vwap_e6, row.volume_e6].every(
        isWhole,
      ),
  );
  const quotes = mapped.quotes.every((row) =>
    [row.bid_px_e4, row.ask_px_e4, row.bid_sz, row.ask_sz].every(
      (each) => each === null || (isWhole(each) && each > 0),
    ),
  );
  const trades = mapped.trades.every((row) => [row.px_e4, row.sz].every((each) => isWhole(each) && each > 0));
  const rejected = mapped.rejected.every(
    ({ raw }) => raw.length <= 500 && !raw.includes('\0') && Buffer.from(raw).toString() === raw,
  );
  return ticks && quotes && trades && rejected;
}

const oddNumber = fc.oneof(
  fc.double(),
  fc.integer(),
  fc.constantFrom(0, -0, -1, 1e308, 1e-10, 610.25, 1795185000000, Number.MAX_SAFE_INTEGER, Number.NaN),
);
const oddValue = fc.oneof(
  oddNumber,
  fc.string({ unit: 'binary' }),
  fc.constant(null),
  fc.boolean(),
  fc.array(oddNumber),
);
const fieldNames = [
  'sym',
  'o',
  'h',
  'l',
  'c',
  'v',
  'vw',
  'dv',
  's',
  'e',
  't',
  'q',
  'p',
  'ds',
  'bp',
  'ap',
  'bs',
  'as',
];
const oddEvent = fc
  .tuple(
    fc.constantFrom('A', 'AM', 'T', 'Q', 'status'),
    fc.constantFrom('QQQ', 'O:QQQ261120C00610000', 'O:', '__proto__', ''),
    fc.dictionary(fc.constantFrom(...fieldNames, 'message', '__proto__'), oddValue),
  )
  .map(([ev, sym, fields]) => ({
    ev,
    sym,
    t: 1795185000000,
    s: 1795185000000,
    e: 1795185001000,
    q: 1,
    ...fields,
  }));

describe('whatever arrives', () => {
  it('maps to sound rows or rejections: arbitrary JSON', () => {
    fc.assert(fc.property(fc.json(), (text) => isSound(mapFrame(text, RECEIVED))));
  });

  it('maps to sound rows or rejections: arbitrary text and bytes', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => isSound(mapFrame(text, RECEIVED))));
    fc.assert(fc.property(fc.uint8Array(), (bytes) => isSound(mapFrame(Buffer.from(bytes), RECEIVED))));
  });

  it('maps to sound rows or rejections: events with odd fields', () => {
    fc.assert(
      fc.property(fc.array(oddEvent), (events) => isSound(mapFrame(JSON.stringify(events), RECEIVED))),
      { numRuns: 1000 },
    );
  });

  it('survives nesting deeper than the stack', () => {
    const deep = `[{"ev":7,"x":${'['.repeat(200_000)}${']'.repeat(200_000)}}]`;
    expect(mapFrame(deep, RECEIVED).rejected).toMatchObject([{ reason: 'ev is missing' }]);
  });

  it('lists at most 100 bad events of a frame', () => {
    const mapped = mapFrame(JSON.stringify(Array(5000).fill(1)), RECEIVED);
    expect(mapped.rejected).toHaveLength(101);
    expect(mapped.rejected.at(-1)?.reason).toContain('too many');
  });

  it('scales prices and volumes exactly as their decimal text', () => {
    const decimals = fc.tuple(fc.integer({ min: 1, max: 2_000_000_000 }), fc.integer({ min: 0, max: 8 }));
    fc.assert(
      fc.property(decimals, ([digits, places]) => {
        const value = Number(`${digits}e-${places}`);
        const exact = parseScaled(String(value), 4);
        const expected = exact !== null && exact > 0 && exact <= 2_147_483_647 ? exact : null;
        return priceE4(value) === expected && sharesE6(undefined, value) === parseScaled(String(value), 6);
      }),
      { numRuns: 5000 },
    );
  });
});
