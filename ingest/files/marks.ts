// Marks: one price a contract and instant that nobody bid or asked, the middle of a bar say. `timestamp,symbol,mark`, times Eastern.
import type { OptionQuote } from '../../core/domain.ts';
import { parseEastern } from '../../core/eastern_time.ts';
import { Failure } from '../../core/failure.ts';
import { formatOsi, type OsiSymbol, parseOsi } from '../../core/osi_symbol.ts';
import { csvBatches, DEFAULT_BATCH_ROWS, hasFields, reject } from './csv_batches.ts';
import { type Columns, readColumns } from './header.ts';
import { addFinding, type ImportBatch, type ImportFile, type ImportOptions } from './import_file.ts';
import { fieldScaled, fieldText, numberFault, type Row } from './lines.ts';
import { priceFault } from './ohlc.ts';
import { underlyingOfRoot } from './roots.ts';
import { readHeadRows, type SourceFile } from './source_file.ts';

type MarkColumns = Columns<'timestamp' | 'symbol' | 'mark', never>;

interface MarksFile {
  readonly columns: MarkColumns;
  readonly fields: number;
  readonly options: ImportOptions;
}

// Marks of an instant are there together or not at all: a quote of the minute before is none of it.
const STALE_AFTER_MS = 60_000;

/** Opens a file of marks. Throws Failure on another header, or where the first row has no option symbol. */
export async function openMarks(source: SourceFile, options: ImportOptions): Promise<ImportFile> {
  const { header, first } = await readHeadRows(source);
  const columns = readColumns(header, {
    what: 'marks',
    required: ['timestamp', 'symbol', 'mark'],
    optional: [],
  });
  const contract = parseOsi(fieldText(first, columns.symbol));
  if (contract === null)
    throw new Failure(`${source.name}:${first.line}: symbol is no option symbol of 21 characters`);
  const file: MarksFile = { columns, fields: header.count, options };
  const findings: ImportFile['findings'] = [];
  addFinding(findings, {
    severity: 'info',
    text: 'marks are no quotes: nothing says at what price anybody would have traded, and every result that rests on them says so',
  });
  return {
    path: source.path,
    format: 'marks',
    feed: {
      name: options.feed ?? 'marks',
      kind: 'option',
      span_ms: 0,
      source: 'marks',
      stale_after_ms: STALE_AFTER_MS,
    },
    instrumentKind: 'option',
    symbol: underlyingOfRoot(contract.root),
    clock: 'stated',
    totalBytes: source.totalBytes,
    findings,
    batches: () =>
      csvBatches(source, {
        headerRows: 1,
        batchRows: options.batchRows ?? DEFAULT_BATCH_ROWS,
        take: (row, batch) => takeMark(row, batch, file),
      }),
  };
}

function takeMark(row: Row, batch: ImportBatch, file: MarksFile): void {
  if (!hasFields(row, batch, file.fields)) return;
  const quote = readMark(row, file);
  if (typeof quote === 'string') reject(row, batch, quote);
  else batch.quotes.push(quote);
}

function readMark(row: Row, { columns, options }: MarksFile): OptionQuote | string {
  const ts_event = parseEastern(fieldText(row, columns.timestamp));
  if (ts_event === null) return 'timestamp is not YYYY-MM-DD HH:MM:SS';
  const contract = parseOsi(fieldText(row, columns.symbol));
  if (contract === null) return 'symbol is no option symbol of 21 characters';
  const mark_e4 = fieldScaled(row, columns.mark, 4);
  if (mark_e4 === null) return numberFault(row, 'mark', columns.mark);
  const fault = priceFault(mark_e4);
  if (fault !== null) return fault;
  const symbol: OsiSymbol = formatOsi(contract);
  return {
    symbol,
    ts_event,
    event_ns: 0,
    seq: 0,
    bid_px_e4: mark_e4,
    ask_px_e4: mark_e4,
    bid_sz: null,
    ask_sz: null,
    ts_recv: options.tsRecv,
  };
}
