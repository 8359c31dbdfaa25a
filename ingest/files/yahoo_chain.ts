// A chain as yfinance saves it: one row a contract, times in UTC, one instant for the whole file.
import type { ChainSnapshot, OptionSnapshot } from '../../core/domain.ts';
import { type EasternUs, easternFromEpochMs, formatEastern, parseEastern } from '../../core/eastern_time.ts';
import { Failure } from '../../core/failure.ts';
import { formatOsi, parseOsi } from '../../core/osi_symbol.ts';
import { csvBatches, hasFields, reject } from './csv_batches.ts';
import { type Columns, readColumns } from './header.ts';
import {
  addFinding,
  type Finding,
  type ImportBatch,
  type ImportFile,
  type ImportOptions,
} from './import_file.ts';
import { fieldEmpty, fieldScaled, fieldText, fieldWhole, numberFault, type Row, rejection } from './lines.ts';
import { MAX_INTEGER } from './ohlc.ts';
import { underlyingOfRoot } from './roots.ts';
import { readHeadRows, type SourceFile } from './source_file.ts';

const REQUIRED = [
  ...(['contractsymbol', 'lasttradedate', 'strike', 'lastprice', 'bid', 'ask', 'volume'] as const),
  ...(['openinterest', 'impliedvolatility'] as const),
] as const;
const OPTIONAL = [
  ...(['change', 'percentchange', 'inthemoney', 'contractsize', 'currency', 'optiontype'] as const),
  ...(['expirationdate', 'days_to_expire', 'time_to_expire_years', 'underlyingprice', 'moneyness'] as const),
] as const;

type ChainColumns = Columns<(typeof REQUIRED)[number], (typeof OPTIONAL)[number]>;

/** A chain while its rows are read. */
interface Reading {
  readonly options: OptionSnapshot[];
  /** Line and text of each contract, to tell a repeated line from a contradiction. */
  readonly seen: Map<string, { line: number; text: string }>;
  latestTrade: EasternUs;
  underlying_px_e4: number | null;
}

/** Opens a Yahoo chain. Throws Failure on another header, or where the first contract's symbol is none. */
export async function openYahooChain(source: SourceFile, options: ImportOptions): Promise<ImportFile> {
  const { header, first } = await readHeadRows(source);
  const columns = readColumns(header, { what: 'Yahoo chain', required: REQUIRED, optional: OPTIONAL });
  const contract = parseOsi(fieldText(first, columns.contractsymbol));
  if (contract === null)
    throw new Failure(`${source.name}:${first.line}: contractSymbol is no option symbol`);
  const underlying = underlyingOfRoot(contract.root);
  const asked = options.symbol?.toUpperCase();
  if (asked !== undefined && asked !== underlying) {
    throw new Failure(`${source.path} holds the chain of ${underlying}, not of ${asked}`);
  }
  const findings: Finding[] = [];
  return {
    path: source.path,
    format: 'yahoo-chain',
    feed: { name: options.feed ?? 'yahoo-chain', kind: 'chain', span_ms: 0, source: 'recorded' },
    instrumentKind: 'option',
    symbol: underlying,
    clock: 'stated',
    totalBytes: source.totalBytes,
    findings,
    batches: () => readChain(source, { columns, fields: header.count, underlying, findings, options }),
  };
}

interface ChainFile {
  readonly columns: ChainColumns;
  readonly fields: number;
  readonly underlying: string;
  readonly findings: Finding[];
  readonly options: ImportOptions;
}

function readChain(source: SourceFile, file: ChainFile): AsyncGenerator<ImportBatch> {
  const reading: Reading = {
    options: [],
    seen: new Map(),
    latestTrade: Number.NEGATIVE_INFINITY as EasternUs,
    underlying_px_e4: null,
  };
  return csvBatches(source, {
    headerRows: 1,
    // The whole chain is one row: its instant is known at the end of the file only.
    batchRows: Number.POSITIVE_INFINITY,
    take: (row, batch) => takeContract(row, batch, { file, reading }),
    finish: (batch) => {
      if (reading.options.length > 0) batch.chains.push(snapshotOf(file, reading));
    },
  });
}

function takeContract(row: Row, batch: ImportBatch, at: { file: ChainFile; reading: Reading }): void {
  const { file, reading } = at;
  if (!hasFields(row, batch, file.fields)) return;
  const contract = readContract(row, file);
  if (typeof contract === 'string') reject(row, batch, contract);
  else if (isFirst(row, batch, { symbol: contract.snapshot.symbol, reading })) {
    const { snapshot, lastTrade } = contract;
    if (lastTrade !== null && lastTrade > reading.latestTrade) reading.latestTrade = lastTrade;
    const { underlyingprice } = file.columns;
    if (underlyingprice !== null) reading.underlying_px_e4 ??= fieldScaled(row, underlyingprice, 4);
    // Yahoo's sides are not taken at one instant; a crossed pair is no quote, and no sign of a broken file either.
    if (isCrossed(snapshot)) batch.setAside.push(rejection(row, 'crossed quote: bid is above ask'));
    else reading.options.push(snapshot);
  }
}

/** True for a contract's first row; a second one is a duplicate if it is the same line, else rejected. */
function isFirst(row: Row, batch: ImportBatch, at: { symbol: string; reading: Reading }): boolean {
  const { seen } = at.reading;
  const text = row.buffer.toString('latin1', row.start, row.end);
  const earlier = seen.get(at.symbol);
  if (earlier === undefined) seen.set(at.symbol, { line: row.line, text });
  else if (earlier.text === text) batch.duplicates++;
  else reject(row, batch, `same contract as line ${earlier.line}, other values`);
  return earlier === undefined;
}

function isCrossed({ bid_px_e4, ask_px_e4 }: OptionSnapshot): boolean {
  return bid_px_e4 !== null && ask_px_e4 !== null && bid_px_e4 > ask_px_e4;
}

/** One row's contract and the time of its last trade, or the reason why it has none. */
function readContract(
  row: Row,
  file: ChainFile,
): { snapshot: OptionSnapshot; lastTrade: EasternUs | null } | string {
  const { columns } = file;
  const contract = parseOsi(fieldText(row, columns.contractsymbol));
  if (contract === null) return 'contractSymbol is no option symbol';
  if (underlyingOfRoot(contract.root) !== file.underlying) {
    return `a contract of ${contract.root} in a chain of ${file.underlying}`;
  }
  const fault = contradiction(row, columns, contract) ?? numbersFault(row, columns);
  if (fault !== null) return fault;
  const lastTrade = parseUtc(fieldText(row, columns.lasttradedate));
  if (lastTrade === null && !fieldEmpty(row, columns.lasttradedate)) {
    return 'lastTradeDate is not YYYY-MM-DD HH:MM:SS+00:00';
  }
  const snapshot = {
    symbol: formatOsi(contract),
    bid_px_e4: positive(fieldScaled(row, columns.bid, 4)),
    ask_px_e4: positive(fieldScaled(row, columns.ask, 4)),
    last_px_e4: positive(fieldScaled(row, columns.lastprice, 4)),
    volume: fieldWhole(row, columns.volume),
    open_interest: fieldWhole(row, columns.openinterest),
    implied_volatility: positive(volatilityOf(row, columns.impliedvolatility)),
  };
  return { snapshot, lastTrade };
}

/** Where strike, kind or expiration beside the symbol say something else than the symbol. */
function contradiction(
  row: Row,
  columns: ChainColumns,
  contract: { strike_e4: number; option_kind: string; expiration: string },
): string | null {
  const { optiontype, expirationdate, currency, contractsize } = columns;
  const differs = (column: number | null, expected: string): boolean =>
    column !== null && !fieldEmpty(row, column) && fieldText(row, column).toLowerCase() !== expected;
  if (fieldScaled(row, columns.strike, 4) !== contract.strike_e4)
    return 'strike is not that of contractSymbol';
  if (differs(optiontype, contract.option_kind)) return 'optionType is not that of contractSymbol';
  if (differs(expirationdate, contract.expiration)) return 'expirationDate is not that of contractSymbol';
  if (differs(currency, 'usd')) return 'currency is not USD';
  return differs(contractsize, 'regular') ? 'contractSize is not REGULAR' : null;
}

function numbersFault(row: Row, columns: ChainColumns): string | null {
  for (const name of ['lastprice', 'bid', 'ask', 'volume', 'openinterest'] as const) {
    const column = columns[name];
    if (fieldEmpty(row, column)) continue;
    const isCount = name === 'volume' || name === 'openinterest';
    const value = isCount ? fieldWhole(row, column) : fieldScaled(row, column, 4);
    if (value === null) return numberFault(row, name, column);
    if (value < 0) return `${name} is negative`;
    if (!isCount && value > MAX_INTEGER) return `${name} is too large to be true`;
  }
  const volatility = columns.impliedvolatility;
  if (fieldEmpty(row, volatility) || volatilityOf(row, volatility) !== null) return null;
  return numberFault(row, 'impliedVolatility', volatility);
}

// A fraction that decides nothing: kept as the vendor's double.
function volatilityOf(row: Row, column: number): number | null {
  if (fieldScaled(row, column, 6) === null) return null;
  return Number(fieldText(row, column));
}

/** Yahoo writes 0 for what it does not have. */
function positive(value: number | null): number | null {
  return value !== null && value > 0 ? value : null;
}

function parseUtc(text: string): EasternUs | null {
  const match = /^(\d{4}-\d{2}-\d{2}[ T]\d{2}:\d{2}:\d{2})(?:\+00:?00|Z)$/.exec(text);
  const wall = match?.[1] === undefined ? null : parseEastern(match[1]);
  return wall === null ? null : easternFromEpochMs(wall / 1000);
}

function snapshotOf(file: ChainFile, reading: Reading): ChainSnapshot {
  const { at, tsRecv } = file.options;
  const ts_event = at ?? reading.latestTrade;
  if (!Number.isFinite(ts_event)) {
    throw new Failure('no contract of the chain has a lastTradeDate, so its instant is unknown', {
      hint: "say when it was taken: --at 'YYYY-MM-DD HH:MM:SS' (Eastern)",
    });
  }
  const why = at === undefined ? 'the latest trade in the file' : 'as given';
  addFinding(file.findings, {
    severity: 'info',
    text: `chain of ${file.underlying} at ${formatEastern(ts_event)} Eastern (${why}), ${reading.options.length} contracts`,
  });
  if (reading.underlying_px_e4 !== null) {
    const text = 'underlyingPrice may lag the quotes by half an hour: use the bars of the underlying instead';
    addFinding(file.findings, { severity: 'warning', text });
  }
  const { underlying_px_e4, options } = reading;
  return { underlying: file.underlying, ts_event, underlying_px_e4, options, ts_recv: tsRecv };
}
