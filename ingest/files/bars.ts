// Bars of one symbol as CSV: `timestamp,open,high,low,close,volume[,trade_count][,vwap]`, timed by their start.
import type { EquityTick } from '../../core/domain.ts';
import type { EasternUs } from '../../core/eastern_time.ts';
import { Failure } from '../../core/failure.ts';
import { type BarClock, type BarGrid, barClock, hasOffset, inferGrid } from './bar_clock.ts';
import { csvBatches, DEFAULT_BATCH_ROWS, hasFields, type RowReader, reject } from './csv_batches.ts';
import { type Columns, readColumns } from './header.ts';
import type { Finding, ImportBatch, ImportFile, ImportOptions } from './import_file.ts';
import {
  fieldEmpty,
  fieldScaled,
  fieldText,
  fieldWhole,
  newRow,
  nextRow,
  numberFault,
  type Row,
  setBlock,
} from './lines.ts';
import { MAX_INTEGER, ohlcFault, readOhlc, typicalPriceE6 } from './ohlc.ts';
import { judgeByTime, newLastRow, remember, verdictReason } from './order_watch.ts';
import { isIndexSymbol } from './roots.ts';
import { readHeadRows, readLines, type SourceFile } from './source_file.ts';

const REQUIRED = ['timestamp', 'open', 'high', 'low', 'close', 'volume'] as const;
const OPTIONAL = ['trade_count', 'vwap'] as const;
const GRID_SAMPLE_ROWS = 20_000;

type BarColumns = Columns<(typeof REQUIRED)[number], (typeof OPTIONAL)[number]>;

/** How the rows of one file are read. */
interface BarReader {
  readonly symbol: string;
  readonly columns: BarColumns;
  readonly fields: number;
  readonly grid: BarGrid;
  readonly clock: BarClock;
  readonly tsRecv: EasternUs;
}

/** Opens a bars file. Throws Failure on a header of another format, an unknown zone, no symbol, or no rows. */
export async function openBars(source: SourceFile, options: ImportOptions): Promise<ImportFile> {
  const { header, first } = await readHeadRows(source);
  const columns = readColumns(header, { what: 'bars', required: REQUIRED, optional: OPTIONAL });
  const fields = header.count;
  const named = symbolOf(source, options);
  const { symbol } = named;
  const grid = inferGrid(
    await sampleTimes(source, { column: columns.timestamp, clock: barClock(options.tz) }),
  );
  // Every reading has a clock of its own: it remembers whether the file's timestamps carry offsets.
  const reader = (): BarReader => {
    return { symbol, columns, fields, grid, clock: barClock(options.tz), tsRecv: options.tsRecv };
  };
  return {
    path: source.path,
    format: 'bars',
    feed: {
      name: options.feed ?? `bars-${grid.spanMs / 1000}s`,
      kind: 'equity',
      span_ms: grid.spanMs,
      source: 'recorded',
    },
    instrumentKind: isIndexSymbol(symbol) ? 'index' : 'equity',
    symbol,
    clock: options.tz !== undefined || hasOffset(fieldText(first, columns.timestamp)) ? 'stated' : 'assumed',
    totalBytes: source.totalBytes,
    findings: [...named.findings, ...grid.findings, ...vwapFindings(columns)],
    batches: () => readBars(source, reader(), options.batchRows ?? DEFAULT_BATCH_ROWS),
  };
}

function vwapFindings(columns: BarColumns): Finding[] {
  const text =
    'the file has no vwap: the typical price (high + low + close) / 3 stands in, flagged in every row';
  return columns.vwap === null ? [{ severity: 'warning', text }] : [];
}

function symbolOf(source: SourceFile, options: ImportOptions): { symbol: string; findings: Finding[] } {
  if (options.symbol !== undefined) return { symbol: options.symbol.toUpperCase(), findings: [] };
  // Capitals only: `bars.csv` names no symbol.
  const symbol = /^[A-Z]{1,5}(?![A-Za-z])/.exec(source.name)?.[0];
  if (symbol === undefined) {
    throw new Failure(`${source.path}: the file's name does not begin with a symbol`, {
      hint: 'say whose bars they are: --symbol QQQ',
    });
  }
  return { symbol, findings: [{ severity: 'info', text: `symbol ${symbol}, from the file's name` }] };
}

async function sampleTimes(
  source: SourceFile,
  options: { column: number; clock: BarClock },
): Promise<EasternUs[]> {
  const row = newRow(source.name);
  const times: EasternUs[] = [];
  for await (const block of readLines(source)) {
    setBlock(row, block.buffer);
    while (nextRow(row)) {
      if (row.count <= options.column) continue;
      // The header and faulty rows have no time; the latter are reported when the rows are read.
      const us = options.clock(fieldText(row, options.column));
      if (typeof us === 'number') times.push(us);
      if (times.length >= GRID_SAMPLE_ROWS) return times;
    }
  }
  return times;
}

function readBars(source: SourceFile, reader: BarReader, batchRows: number): AsyncGenerator<ImportBatch> {
  const last = newLastRow();
  const take: RowReader['take'] = (row, batch) => {
    if (!hasFields(row, batch, reader.fields)) return;
    const tick = readBar(row, reader);
    if ('fault' in tick) return reject(row, batch, tick.fault);
    const verdict = judgeByTime(last, row, tick.ts_event);
    if (verdict === 'duplicate') batch.duplicates++;
    else if (verdict !== 'new') reject(row, batch, verdictReason(verdict, last));
    else {
      remember(last, row, { us: tick.ts_event, ns: 0, seq: 0 });
      batch.ticks.push(tick);
    }
  };
  return csvBatches(source, { headerRows: 1, batchRows, take });
}

type Fault = { readonly fault: string };

function readBar(row: Row, reader: BarReader): EquityTick | Fault {
  const { columns, grid } = reader;
  const ts_event = readStart(row, reader);
  if (typeof ts_event !== 'number') return ts_event;
  const prices = readOhlc(row, columns, 4);
  if (typeof prices === 'string') return { fault: prices };
  const volume_e6 = fieldScaled(row, columns.volume, 6);
  if (volume_e6 === null) return { fault: numberFault(row, 'volume', columns.volume) };
  const fault = ohlcFault(prices) ?? (volume_e6 < 0 ? 'volume is negative' : null);
  if (fault !== null) return { fault };
  const trade_count = readTradeCount(row, columns.trade_count);
  if (trade_count !== null && typeof trade_count !== 'number') return trade_count;
  const vwap = readVwap(row, columns.vwap, { volume_e6, typical_e6: typicalPriceE6(prices) });
  if ('fault' in vwap) return vwap;
  return {
    symbol: reader.symbol,
    ts_event,
    event_ns: 0,
    seq: 0,
    span_ms: grid.spanMs,
    open_e4: prices.open_e4,
    high_e4: prices.high_e4,
    low_e4: prices.low_e4,
    close_e4: prices.close_e4,
    vwap_e6: vwap.vwap_e6,
    vwap_is_typical: vwap.vwap_is_typical,
    volume_e6,
    trade_count,
    ts_recv: reader.tsRecv,
  };
}

function readStart(row: Row, reader: BarReader): EasternUs | Fault {
  const { spanMs, phaseUs } = reader.grid;
  const us = reader.clock(fieldText(row, reader.columns.timestamp));
  if (typeof us !== 'number' || phaseUs === null || us % (spanMs * 1000) === phaseUs) return us;
  return { fault: `the time does not lie on the raster of the file's bars (${spanMs / 1000} s)` };
}

function readTradeCount(row: Row, column: number | null): number | null | Fault {
  if (column === null || fieldEmpty(row, column)) return null;
  const count = fieldWhole(row, column);
  if (count === null) return { fault: numberFault(row, 'trade_count', column) };
  if (count < 0) return { fault: 'trade_count is negative' };
  return count > MAX_INTEGER ? { fault: 'trade_count is too large to be true' } : count;
}

/** The bar's vwap; the typical price where the row has none, or a 0 because nothing traded. */
function readVwap(
  row: Row,
  column: number | null,
  bar: { volume_e6: number; typical_e6: number },
): { vwap_e6: number; vwap_is_typical: boolean } | Fault {
  const typical = { vwap_e6: bar.typical_e6, vwap_is_typical: true };
  if (column === null || fieldEmpty(row, column)) return typical;
  const vwap_e6 = fieldScaled(row, column, 6);
  if (vwap_e6 === null) return { fault: numberFault(row, 'vwap', column) };
  if (vwap_e6 === 0 && bar.volume_e6 === 0) return typical;
  return vwap_e6 <= 0 ? { fault: 'vwap is zero or negative' } : { vwap_e6, vwap_is_typical: false };
}
