// A frame of the option stream: its quotes as columns, everything else as the mapper has it.
import type { QuoteColumns } from '../quote_columns.ts';
import { soundTimes } from '../stream_rows.ts';
import type { RawFrame } from './feed_options.ts';
import { type MappedFrame, mapFrame } from './mapper.ts';
import { scanQuotes, type TickerTable } from './scan_quotes.ts';

/** Maps a frame, with the quotes that need no second look in `columns`: sound ones of contracts in, or for, the table. */
export function scanFrame(frame: RawFrame, columns: QuoteColumns, contracts: TickerTable): MappedFrame {
  const { data, ts_recv } = frame;
  const from = columns.length;
  const others = scanQuotes(data, columns, contracts, { tsRecv: ts_recv, ...soundTimes(ts_recv) });
  const mapped = others === null ? mapFrame(data, ts_recv) : mapOthers(others, ts_recv);
  if (others === null || !mapped.isUnreadable)
    return { ...mapped, scanned: { columns, from, to: columns.length } };
  // What is no JSON is so as a whole.
  columns.length = from;
  return { ...mapFrame(data, ts_recv), scanned: { columns, from, to: from } };
}

function mapOthers(text: string, tsRecv: RawFrame['ts_recv']): MappedFrame {
  if (text !== '[]') return mapFrame(text, tsRecv);
  return { ticks: [], quotes: [], trades: [], statuses: [], rejected: [], isUnreadable: false };
}
