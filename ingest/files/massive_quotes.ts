// Rows of Massive's us_options_opra/quotes_v1.
import { formatScaled } from '../../core/decimal.ts';
import type { OsiSymbol } from '../../core/osi_symbol.ts';
import { reject } from './csv_batches.ts';
import { readColumns } from './header.ts';
import type { ImportBatch } from './import_file.ts';
import { fieldEmpty, fieldScaled, fieldWhole, numberFault, type Row } from './lines.ts';
import {
  type FlatContext,
  fieldTime,
  isNewByKey,
  rejectTime,
  type TakeRow,
  wantedTicker,
} from './massive_rows.ts';
import { MAX_INTEGER } from './ohlc.ts';
import { scanLastThree } from './scan.ts';

const REQUIRED = [
  ...(['ticker', 'ask_price', 'ask_size', 'bid_price', 'bid_size'] as const),
  ...(['sequence_number', 'sip_timestamp'] as const),
] as const;
const OPTIONAL = ['ask_exchange', 'bid_exchange'] as const;

/** Reads option quotes: a price of 0 or none is an absent side, a bid above the ask a fault. */
export function optionQuoteReader(context: FlatContext): TakeRow {
  const columns = readColumns(context.header, {
    what: 'option quotes',
    required: REQUIRED,
    optional: OPTIONAL,
  });
  const { sip_timestamp } = columns;
  const at = { context, column: columns.ticker };
  return (row, batch) => {
    const ticker = wantedTicker(row, batch, at);
    if (ticker === null) return;
    const ts_event = fieldTime(row, sip_timestamp);
    if (ts_event === null) return rejectTime(row, batch, 'sip_timestamp', sip_timestamp);
    const event_ns = scanLastThree(row.buffer, row.ends[sip_timestamp] as number);
    const seq = fieldWhole(row, columns.sequence_number);
    const bid = fieldScaled(row, columns.bid_price, 4) ?? absent(row, columns.bid_price);
    const ask = fieldScaled(row, columns.ask_price, 4) ?? absent(row, columns.ask_price);
    const bidSize = fieldWhole(row, columns.bid_size) ?? absent(row, columns.bid_size);
    const askSize = fieldWhole(row, columns.ask_size) ?? absent(row, columns.ask_size);
    if (seq === null || bid === null || ask === null || bidSize === null || askSize === null) {
      return rejectNumbers(row, batch, columns);
    }
    const fault = quoteFault({ seq, bid, ask, bidSize, askSize });
    if (fault !== null) return reject(row, batch, fault);
    const key = { us: ts_event, ns: event_ns, seq };
    if (!isNewByKey(row, batch, { last: ticker.last, key, disorder: context.disorder })) return;
    batch.quotes.push({
      symbol: ticker.symbol as OsiSymbol,
      ts_event,
      event_ns,
      seq,
      bid_px_e4: bid === 0 ? null : bid,
      ask_px_e4: ask === 0 ? null : ask,
      bid_sz: bid === 0 ? null : bidSize,
      ask_sz: ask === 0 ? null : askSize,
      ts_recv: context.tsRecv,
    });
  };
}

// An empty field is the same as a zero here: no bid, no offer.
function absent(row: Row, column: number): 0 | null {
  return fieldEmpty(row, column) ? 0 : null;
}

function quoteFault(quote: {
  seq: number;
  bid: number;
  ask: number;
  bidSize: number;
  askSize: number;
}): string | null {
  const { seq, bid, ask, bidSize, askSize } = quote;
  if (bid < 0 || ask < 0) return `price is negative: ${formatScaled(Math.min(bid, ask), 4, 2)}`;
  if (bidSize < 0 || askSize < 0 || seq < 0) return 'a size or the sequence_number is negative';
  if (Math.max(bid, ask, bidSize, askSize) > MAX_INTEGER) return 'a price or size is too large to be true';
  if (ask !== 0 && bid > ask) {
    return `crossed quote: bid ${formatScaled(bid, 4, 2)} is above ask ${formatScaled(ask, 4, 2)}`;
  }
  return null;
}

function rejectNumbers(
  row: Row,
  batch: ImportBatch,
  columns: Readonly<Record<(typeof REQUIRED)[number], number>>,
): void {
  const sizes = ['bid_size', 'ask_size'] as const;
  const prices = ['bid_price', 'ask_price'] as const;
  const name =
    prices.find((side) => (fieldScaled(row, columns[side], 4) ?? absent(row, columns[side])) === null) ??
    sizes.find((side) => (fieldWhole(row, columns[side]) ?? absent(row, columns[side])) === null) ??
    'sequence_number';
  reject(row, batch, numberFault(row, name, columns[name]));
}
