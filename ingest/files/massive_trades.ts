// Rows of Massive's trades_v1, of stocks (us_stocks_sip) and options (us_options_opra).
import type { OsiSymbol } from '../../core/osi_symbol.ts';
import { DEFAULT_SALE_RULES, setAsideReason } from '../massive/sale_conditions.ts';
import { reject } from './csv_batches.ts';
import { readColumns } from './header.ts';
import type { ImportBatch } from './import_file.ts';
import { fieldEmpty, fieldScaled, fieldText, fieldWhole, numberFault, type Row, rejection } from './lines.ts';
import {
  type FlatContext,
  fieldTime,
  isNewByKey,
  rejectTime,
  type TakeRow,
  wantedTicker,
} from './massive_rows.ts';
import { MAX_INTEGER, priceFault } from './ohlc.ts';
import { compareTime, nextOrdinal, remember } from './order_watch.ts';
import { scanLastThree } from './scan.ts';

/** Correction indicators of a trade that stands: 0 regular, 1 a corrected trade that carries its corrected values. */
const STANDING: ReadonlySet<string> = new Set(['', '0', '1']);

/** Reads stock trades as ticks of span 0, keyed by the vendor's sequence. */
export function stockTradeReader(context: FlatContext): TakeRow {
  const columns = readColumns(context.header, {
    what: 'stock trades',
    required: ['ticker', 'price', 'sequence_number', 'sip_timestamp', 'size'],
    optional: [
      ...(['conditions', 'correction', 'exchange', 'id', 'participant_timestamp'] as const),
      ...(['tape', 'trf_id', 'trf_timestamp'] as const),
    ],
  });
  const at = { context, column: columns.ticker };
  return (row, batch) => {
    const ticker = wantedTicker(row, batch, at);
    if (ticker === null) return;
    const ts_event = fieldTime(row, columns.sip_timestamp);
    if (ts_event === null) return rejectTime(row, batch, 'sip_timestamp', columns.sip_timestamp);
    const event_ns = scanLastThree(row.buffer, row.ends[columns.sip_timestamp] as number);
    const price_e4 = fieldScaled(row, columns.price, 4);
    const vwap_e6 = fieldScaled(row, columns.price, 6);
    const volume_e6 = fieldScaled(row, columns.size, 6);
    const seq = fieldWhole(row, columns.sequence_number);
    if (price_e4 === null || vwap_e6 === null) return rejectNumber(row, batch, 'price', columns.price);
    if (volume_e6 === null) return rejectNumber(row, batch, 'size', columns.size);
    if (seq === null || seq < 0) return rejectNumber(row, batch, 'sequence_number', columns.sequence_number);
    const { correction, conditions } = columns;
    if (!standsAsTrade(row, batch, { price_e4, size: volume_e6, correction, conditions })) return;
    const key = { us: ts_event, ns: event_ns, seq };
    if (!isNewByKey(row, batch, { last: ticker.last, key, disorder: context.disorder })) return;
    batch.ticks.push({
      symbol: ticker.symbol,
      ts_event,
      event_ns,
      seq,
      span_ms: 0,
      open_e4: price_e4,
      high_e4: price_e4,
      low_e4: price_e4,
      close_e4: price_e4,
      vwap_e6,
      vwap_is_typical: false,
      volume_e6,
      trade_count: 1,
      ts_recv: context.tsRecv,
    });
  };
}

/** Reads option trades. The file has no sequence: prints of one instant are told apart by their order. */
export function optionTradeReader(context: FlatContext): TakeRow {
  const columns = readColumns(context.header, {
    what: 'option trades',
    required: ['ticker', 'price', 'sip_timestamp', 'size'],
    optional: ['conditions', 'correction', 'exchange'],
  });
  const at = { context, column: columns.ticker };
  return (row, batch) => {
    const ticker = wantedTicker(row, batch, at);
    if (ticker === null) return;
    const ts_event = fieldTime(row, columns.sip_timestamp);
    if (ts_event === null) return rejectTime(row, batch, 'sip_timestamp', columns.sip_timestamp);
    const event_ns = scanLastThree(row.buffer, row.ends[columns.sip_timestamp] as number);
    const px_e4 = fieldScaled(row, columns.price, 4);
    const sz = fieldWhole(row, columns.size);
    if (px_e4 === null) return rejectNumber(row, batch, 'price', columns.price);
    if (sz === null || sz > MAX_INTEGER) return rejectNumber(row, batch, 'size', columns.size);
    const { last } = ticker;
    // Counted before cancelled prints are set aside: a later cancellation must not renumber the others.
    if (compareTime(last, ts_event, event_ns) < 0) {
      return reject(
        row,
        batch,
        `time goes backwards (line ${last.line} is later): sort the file by ticker and time`,
      );
    }
    const seq = nextOrdinal(last, ts_event);
    remember(last, row, { us: ts_event, ns: event_ns, seq });
    // The codes of options are others than those of stocks: none of them means repeated volume.
    const { correction } = columns;
    if (!standsAsTrade(row, batch, { price_e4: px_e4, size: sz, correction, conditions: null })) return;
    const conditions = columns.conditions === null ? '' : fieldText(row, columns.conditions);
    batch.trades.push({
      symbol: ticker.symbol as OsiSymbol,
      ts_event,
      event_ns,
      seq,
      px_e4,
      sz,
      conditions: conditions === '' ? null : conditions,
      ts_recv: context.tsRecv,
    });
  };
}

/** Rejects a faulty print and sets aside one that does not count; true for all others. */
function standsAsTrade(
  row: Row,
  batch: ImportBatch,
  trade: { price_e4: number; size: number; correction: number | null; conditions: number | null },
): boolean {
  const fault = priceFault(trade.price_e4) ?? (trade.size < 0 ? 'size is negative' : null);
  if (fault !== null) {
    reject(row, batch, fault);
    return false;
  }
  const reason = reasonOf(row, trade);
  if (reason !== null) batch.setAside.push(rejection(row, reason));
  return reason === null;
}

function reasonOf(
  row: Row,
  trade: { size: number; correction: number | null; conditions: number | null },
): string | null {
  if (trade.size === 0) return 'a print of no size';
  const correction = trade.correction === null ? '' : fieldText(row, trade.correction);
  if (!STANDING.has(correction))
    return `the vendor cancelled or corrected this trade (correction ${correction})`;
  if (trade.conditions === null || fieldEmpty(row, trade.conditions)) return null;
  // As the live stream and REST have them: a day from a file and the same day live are one.
  const codes = fieldText(row, trade.conditions).split(',').map(Number);
  return setAsideReason(codes, DEFAULT_SALE_RULES);
}

function rejectNumber(row: Row, batch: ImportBatch, name: string, column: number): void {
  reject(row, batch, numberFault(row, name, column));
}
