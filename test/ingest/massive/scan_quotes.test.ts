// Frames whose quotes are scanned give the rows that the mapper makes of them, whatever a frame holds.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { OptionQuote } from '../../../core/domain.ts';
import { addMs, type EasternUs, epochMsFromEastern } from '../../../core/eastern_time.ts';
import type { OsiSymbol } from '../../../core/osi_symbol.ts';
import { type MappedFrame, mapFrame } from '../../../ingest/massive/mapper.ts';
import { tickerTable } from '../../../ingest/massive/scan_quotes.ts';
import { scanFrame } from '../../../ingest/massive/scanned_frame.ts';
import { ABSENT, QuoteColumns, type QuoteRange } from '../../../ingest/quote_columns.ts';
import { simulatedFeeds } from '../../../ingest/stream_feed.ts';
import { onlyRowsOf } from '../../../ingest/stream_rows.ts';
import { at } from '../../sim/sessions.ts';

const RECEIVED: EasternUs = at('2026-11-20 09:30:01');
const NOW_MS = epochMsFromEastern(RECEIVED);
const isAsked = (symbol: string): boolean => symbol.startsWith('QQQ');
const feed = simulatedFeeds('scan').quotes;

function quotesOf({ columns, from, to }: QuoteRange): OptionQuote[] {
  const orNull = (value: number | undefined): number | null => (value === ABSENT ? null : (value as number));
  return Array.from({ length: to - from }, (_, i): OptionQuote => {
    const n = from + i;
    return {
      symbol: columns.contracts.symbols[columns.contract[n] as number] as OsiSymbol,
      ts_event: columns.ts_event[n] as EasternUs,
      event_ns: columns.event_ns[n] as number,
      seq: columns.seq[n] as number,
      bid_px_e4: orNull(columns.bid_px_e4[n]),
      ask_px_e4: orNull(columns.ask_px_e4[n]),
      bid_sz: orNull(columns.bid_sz[n]),
      ask_sz: orNull(columns.ask_sz[n]),
      ts_recv: columns.ts_recv[n] as EasternUs,
    };
  });
}

interface Found {
  readonly scanned: number;
  readonly rows: MappedFrame;
}

const contracts = tickerTable(isAsked);
// What was taken of the frames before must not matter.
const columns = new QuoteColumns(contracts);

function scan(data: Buffer): Found {
  const { scanned, ...mapped } = onlyRowsOf(scanFrame({ data, ts_recv: RECEIVED }, columns, contracts), {
    feed,
    isAsked,
  });
  const quotes = scanned === undefined ? [] : quotesOf(scanned);
  return { scanned: quotes.length, rows: sorted({ ...mapped, quotes: [...quotes, ...mapped.quotes] }) };
}

function sorted(mapped: MappedFrame): MappedFrame {
  const text = (quote: OptionQuote): string => JSON.stringify(quote);
  return { ...mapped, quotes: [...mapped.quotes].sort((a, b) => (text(a) < text(b) ? -1 : 1)) };
}

function expectSame(data: Buffer): number {
  const found = scan(data);
  expect(found.rows).toEqual(sorted(onlyRowsOf(mapFrame(data, RECEIVED), { feed, isAsked })));
  return found.scanned;
}

const price = fc.oneof(
  { weight: 15, arbitrary: fc.integer({ min: 0, max: 100_000 }).map((cents) => cents / 100) },
  fc.constantFrom(0, -1, 0.00005, 214_748.3647, 214_748.3648, 1e-7, 1e21, 610.12345, '1.2', null),
);
const size = fc.oneof(
  { weight: 15, arbitrary: fc.integer({ min: 0, max: 500 }) },
  fc.constantFrom(0, -1, 1.5, 2_147_483_647, 2_147_483_648, null),
);
const time = fc.oneof(
  { weight: 15, arbitrary: fc.integer({ min: -5000, max: 59_000 }).map((ms) => NOW_MS + ms) },
  fc.constantFrom(NOW_MS + 60_000, NOW_MS + 60_001, NOW_MS - 86_400_000, 0, NOW_MS + 0.5, -1, NOW_MS * 1000),
);
const quote = fc.record(
  {
    ev: fc.oneof({ weight: 9, arbitrary: fc.constant('Q') }, fc.constantFrom('T', 'status', 'A', 7)),
    sym: fc.oneof(
      { weight: 15, arbitrary: fc.constantFrom('O:QQQ261120C00610000', 'O:QQQ261120P00610000') },
      fc.constantFrom('O:QQQ   261120C00610000', 'O:SPY261120C00610000', 'QQQ', 'O:', 'O:QQQ"\\', 'O:\u00e9'),
    ),
    bx: size,
    ax: size,
    bp: price,
    ap: price,
    bs: size,
    as: size,
    t: time,
    q: fc.oneof({ weight: 15, arbitrary: fc.nat() }, fc.constantFrom(2 ** 53 - 1, 2 ** 53, -1, 1.5)),
    z: fc.constantFrom(1, '}', '{"', [{}], { q: 1 }),
  },
  { requiredKeys: ['ev', 'sym', 't'] },
);
const shuffled = quote.chain((event) =>
  fc.shuffledSubarray(Object.entries(event), { minLength: 3 }).map((fields) => Object.fromEntries(fields)),
);

describe('a frame that is scanned', () => {
  it('gives the same rows as one that is mapped', () => {
    let scanned = 0;
    fc.assert(
      fc.property(fc.array(fc.oneof(quote, shuffled)), (events) => {
        scanned += expectSame(Buffer.from(JSON.stringify(events)));
      }),
      { numRuns: 2000 },
    );
    expect(scanned).toBeGreaterThan(200);
  });

  it('gives the same rows with any byte of it changed, left out or said twice', () => {
    fc.assert(
      fc.property(
        fc.array(quote, { minLength: 1, maxLength: 3 }),
        fc.nat(),
        fc.nat(255),
        fc.nat(2),
        (events, n, byte, how) => {
          const text = Buffer.from(JSON.stringify(events));
          const place = n % text.length;
          const middle = how === 0 ? [byte] : how === 1 ? [] : [text[place] ?? 0, text[place] ?? 0];
          expectSame(Buffer.concat([text.subarray(0, place), Buffer.from(middle), text.subarray(place + 1)]));
        },
      ),
      { numRuns: 3000 },
    );
  });

  const plain = `{"ev":"Q","sym":"O:QQQ261120C00610000","bx":302,"bp":1.2,"bs":5,"ax":308,"ap":1.25,"as":7,"t":${NOW_MS},"q":1}`;
  it.each([
    ['a plain quote', `[${plain}]`, 1],
    [
      'a quote and a print',
      `[${plain},{"ev":"T","sym":"O:QQQ261120C00610000","p":1.2,"s":1,"t":${NOW_MS},"q":2}]`,
      1,
    ],
    ['a field twice', `[${plain.replace('"bs":5', '"bs":5,"bs":6')}]`, 0],
    ['a number with leading zeros', `[${plain.replace('"bs":5', '"bs":05')}]`, 0],
    ['a number that ends in its point', `[${plain.replace('1.25', '1.')}]`, 0],
    ['a number with an exponent', `[${plain.replace('1.25', '1.25e0')}]`, 0],
    ['a price of five decimals', `[${plain.replace('1.25', '1.25001')}]`, 0],
    ['spaces', `[ ${plain} ]`, 0],
    ['a comma too many', `[${plain},]`, 0],
    ['no end', `[${plain}`, 0],
    ['something behind the end', `[${plain}]]`, 0],
    ['rubbish behind a quote', `[${plain},{"ev":}]`, 0],
    ['nothing', '[]', 0],
  ])('with %s', (_, text, count) => {
    expect(expectSame(Buffer.from(text))).toBe(count);
  });

  it('takes quotes of this day alone, and none from the future', () => {
    const late = at('2026-11-20 23:59:59');
    const event = (us: EasternUs): string => plain.replace(String(NOW_MS), String(epochMsFromEastern(us)));
    const frame = {
      ts_recv: late,
      data: Buffer.from(`[${[0, 999, 1000, 60_000].map((ms) => event(addMs(late, ms))).join(',')}]`),
    };
    const mapped = onlyRowsOf(scanFrame(frame, columns, contracts), { feed, isAsked });
    const { from, to } = mapped.scanned as QuoteRange;
    expect([to - from, mapped.quotes.length, mapped.rejected.length]).toEqual([2, 0, 2]);
  });
});
