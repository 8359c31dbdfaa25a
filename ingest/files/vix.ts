// Cboe's daily index histories: `DATE,OPEN,HIGH,LOW,CLOSE`, or `DATE,VVIX` with one value a day.
import type { EquityTick } from '../../core/domain.ts';
import { type EasternUs, parseEastern } from '../../core/eastern_time.ts';
import { Failure } from '../../core/failure.ts';
import { csvBatches, DEFAULT_BATCH_ROWS, hasFields, type RowReader, reject } from './csv_batches.ts';
import { headerNames, readColumns } from './header.ts';
import {
  addFinding,
  type Finding,
  type ImportBatch,
  type ImportFile,
  type ImportOptions,
} from './import_file.ts';
import { fieldText, type Row } from './lines.ts';
import { type Ohlc, ohlcFault, priceFault, readOhlc, typicalPriceE6 } from './ohlc.ts';
import { judgeByTime, newLastRow, remember, verdictReason } from './order_watch.ts';
import { isIndexSymbol } from './roots.ts';
import { readHeadRows, type SourceFile } from './source_file.ts';

const DAY_MS = 86_400_000;

/** Columns of the four prices; all the same where the file has one value a day. */
type DailyColumns = Readonly<Record<'date' | 'open' | 'high' | 'low' | 'close', number>>;

interface DailyFile {
  readonly symbol: string;
  readonly columns: DailyColumns;
  readonly fields: number;
  readonly findings: Finding[];
  readonly options: ImportOptions;
}

/** Opens a Cboe index history. Throws Failure on another header, or where neither header nor name gives the symbol. */
export async function openVix(source: SourceFile, options: ImportOptions): Promise<ImportFile> {
  const { header } = await readHeadRows(source);
  const columns = dailyColumns(header);
  const symbol = symbolOf(source, { header, options });
  const findings: Finding[] = [{ severity: 'info', text: `index ${symbol}, one row a day` }];
  const file: DailyFile = { symbol, columns, fields: header.count, findings, options };
  return {
    path: source.path,
    format: 'vix',
    feed: { name: options.feed ?? 'cboe-daily', kind: 'equity', span_ms: DAY_MS, source: 'recorded' },
    instrumentKind: 'index',
    symbol,
    clock: 'stated',
    totalBytes: source.totalBytes,
    findings,
    batches: () => readDaily(source, file),
  };
}

function dailyColumns(header: Row): DailyColumns {
  const names = headerNames(header);
  if (names.length !== 2 || names[0] !== 'date' || names[1] === 'close') {
    return readColumns(header, { what: 'Cboe index', required: ['date', 'open', 'high', 'low', 'close'] });
  }
  return { date: 0, open: 1, high: 1, low: 1, close: 1 };
}

function symbolOf(source: SourceFile, at: { header: Row; options: ImportOptions }): string {
  if (at.options.symbol !== undefined) return at.options.symbol.toUpperCase();
  const fromName = /^[A-Z][A-Z0-9]*/.exec(source.name.toUpperCase())?.[0] ?? '';
  const symbol = at.header.count === 2 ? fieldText(at.header, 1).toUpperCase() : fromName;
  if (isIndexSymbol(symbol)) return symbol;
  throw new Failure(`${source.path}: neither its name nor its header names an index`, {
    hint: 'say which one it is: --symbol VIX',
  });
}

async function* readDaily(source: SourceFile, file: DailyFile): AsyncGenerator<ImportBatch> {
  const last = newLastRow();
  const outside = { days: 0, firstLine: 0 };
  const take: RowReader['take'] = (row, batch) => {
    if (!hasFields(row, batch, file.fields)) return;
    const ts_event = parseDate(fieldText(row, file.columns.date));
    if (ts_event === null) return reject(row, batch, 'the date is not MM/DD/YYYY');
    const prices = readOhlc(row, file.columns, 4);
    if (typeof prices === 'string') return reject(row, batch, prices);
    const fault = dayFault(prices);
    if (fault !== null) return reject(row, batch, fault);
    const verdict = judgeByTime(last, row, ts_event);
    if (verdict === 'duplicate') batch.duplicates++;
    else if (verdict !== 'new') reject(row, batch, verdictReason(verdict, last));
    else {
      if (ohlcFault(prices) !== null && outside.days++ === 0) outside.firstLine = row.line;
      remember(last, row, { us: ts_event, ns: 0, seq: 0 });
      batch.ticks.push(tickOf(file, ts_event, prices));
    }
  };
  const batchRows = file.options.batchRows ?? DEFAULT_BATCH_ROWS;
  yield* csvBatches(source, { headerRows: 1, batchRows, take });
  if (outside.days > 0) {
    const text = `${outside.days} days have an open outside low to high (first: ${source.name}:${outside.firstLine}), kept as the vendor gives them`;
    addFinding(file.findings, { severity: 'warning', text });
  }
}

/**
 * Cboe's own file has 47 days between 1992 and 2006 whose open lies outside low to high; their closes are sound, and to
 * refuse them would refuse the file. They are kept as they are and counted.
 */
function dayFault(day: Ohlc): string | null {
  return ohlcFault({ ...day, open_e4: day.close_e4 }) ?? priceFault(day.open_e4);
}

function parseDate(text: string): EasternUs | null {
  const match = /^(\d{1,2})\/(\d{1,2})\/(\d{4})$/.exec(text);
  if (match === null) return null;
  const [, month = '', day = '', year = ''] = match;
  return parseEastern(`${year}-${month.padStart(2, '0')}-${day.padStart(2, '0')}`);
}

function tickOf(file: DailyFile, ts_event: EasternUs, day: Ohlc): EquityTick {
  return {
    symbol: file.symbol,
    ts_event,
    event_ns: 0,
    seq: 0,
    span_ms: DAY_MS,
    ...day,
    vwap_e6: typicalPriceE6(day),
    vwap_is_typical: true,
    volume_e6: 0,
    trade_count: null,
    ts_recv: file.options.tsRecv,
  };
}
