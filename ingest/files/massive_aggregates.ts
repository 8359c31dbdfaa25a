// Rows of Massive's minute_aggs_v1 and day_aggs_v1, of stocks and options.
import { addMs, type EasternUs } from '../../core/eastern_time.ts';
import type { OsiSymbol } from '../../core/osi_symbol.ts';
import { reject } from './csv_batches.ts';
import { readColumns } from './header.ts';
import type { ImportBatch } from './import_file.ts';
import { fieldScaled, fieldWhole, numberFault, type Row } from './lines.ts';
import { type FlatContext, fieldTime, rejectTime, type TakeRow, wantedTicker } from './massive_rows.ts';
import type { Ticker } from './massive_tickers.ts';
import { MAX_INTEGER, type Ohlc, ohlcFault, type PriceColumns, readOhlc, typicalPriceE6 } from './ohlc.ts';
import { judgeByTime, remember, verdictReason } from './order_watch.ts';

interface Aggregate {
  readonly ts_start: EasternUs;
  readonly prices: Ohlc;
  readonly volume_e6: number;
  readonly trade_count: number;
}

/**
 * Reads aggregates: of stocks as ticks timed by their start, of options as one print at the END of the span with its close
 * and its volume, because option prints are timed by the instant from which they are known.
 */
export function aggregateReader(context: FlatContext, areOptions: boolean): TakeRow {
  const columns = readColumns(context.header, {
    what: 'aggregates',
    required: ['ticker', 'volume', 'open', 'close', 'high', 'low', 'window_start', 'transactions'],
  });
  const put = areOptions ? putOptionPrint : putTick;
  const at = { context, column: columns.ticker };
  return (row, batch) => {
    const ticker = wantedTicker(row, batch, at);
    if (ticker === null) return;
    const ts_start = fieldTime(row, columns.window_start);
    if (ts_start === null) return rejectTime(row, batch, 'window_start', columns.window_start);
    const aggregate = readAggregate(row, { columns, ts_start, spanMs: context.spanMs });
    if (typeof aggregate === 'string') return reject(row, batch, aggregate);
    if (areOptions && aggregate.volume_e6 % 1_000_000 !== 0) {
      return reject(row, batch, 'volume is not a whole number of contracts');
    }
    const verdict = judgeByTime(ticker.last, row, ts_start);
    if (verdict === 'duplicate') batch.duplicates++;
    else if (verdict !== 'new') reject(row, batch, verdictReason(verdict, ticker.last));
    else {
      remember(ticker.last, row, { us: ts_start, ns: 0, seq: 0 });
      put(batch, { context, ticker, aggregate });
    }
  };
}

/** The row's aggregate, or the reason why it has none. */
function readAggregate(
  row: Row,
  at: {
    columns: PriceColumns & Readonly<Record<'volume' | 'transactions', number>>;
    ts_start: EasternUs;
    spanMs: number;
  },
): Aggregate | string {
  const { columns, ts_start } = at;
  const prices = readOhlc(row, columns, 4);
  if (typeof prices === 'string') return prices;
  const volume_e6 = fieldScaled(row, columns.volume, 6);
  const trade_count = fieldWhole(row, columns.transactions);
  if (volume_e6 === null) return numberFault(row, 'volume', columns.volume);
  if (trade_count === null) return numberFault(row, 'transactions', columns.transactions);
  if (volume_e6 < 0 || trade_count < 0) return 'volume or transactions is negative';
  if (trade_count > MAX_INTEGER) return 'transactions is too large to be true';
  if (ts_start % (at.spanMs * 1000) !== 0) {
    return `window_start is no whole number of spans (${at.spanMs / 1000} s) after midnight`;
  }
  return ohlcFault(prices) ?? { ts_start, prices, volume_e6, trade_count };
}

interface Placed {
  readonly context: FlatContext;
  readonly ticker: Ticker;
  readonly aggregate: Aggregate;
}

function putTick(batch: ImportBatch, { context, ticker, aggregate }: Placed): void {
  batch.ticks.push({
    symbol: ticker.symbol,
    ts_event: aggregate.ts_start,
    event_ns: 0,
    seq: 0,
    span_ms: context.spanMs,
    open_e4: aggregate.prices.open_e4,
    high_e4: aggregate.prices.high_e4,
    low_e4: aggregate.prices.low_e4,
    close_e4: aggregate.prices.close_e4,
    vwap_e6: typicalPriceE6(aggregate.prices),
    vwap_is_typical: true,
    volume_e6: aggregate.volume_e6,
    trade_count: aggregate.trade_count,
    ts_recv: context.tsRecv,
  });
}

function putOptionPrint(batch: ImportBatch, { context, ticker, aggregate }: Placed): void {
  batch.trades.push({
    symbol: ticker.symbol as OsiSymbol,
    ts_event: addMs(aggregate.ts_start, context.spanMs),
    event_ns: 0,
    seq: 0,
    px_e4: aggregate.prices.close_e4,
    sz: aggregate.volume_e6 / 1_000_000,
    conditions: null,
    ts_recv: context.tsRecv,
  });
}
