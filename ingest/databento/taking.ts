// What is gathered while a file of Databento's is read: rows for the tables, and what cannot be taken.
import { dateOf, type EasternUs } from '../../core/eastern_time.ts';
import { Failure } from '../../core/failure.ts';
import { type OsiSymbol, parseOsi } from '../../core/osi_symbol.ts';
import { closeBatch, newReading, type Reading } from '../files/csv_batches.ts';
import type { Finding, ImportBatch, ImportOptions } from '../files/import_file.ts';
import { underlyingOfRoot } from '../files/roots.ts';
import type { SourceFile } from '../files/source_file.ts';
import type { DatabentoRecord } from './records.ts';

export type Schema = 'cbbo-1m' | 'cbbo-1s' | 'definition' | 'statistics';

export interface Reader {
  readonly source: SourceFile;
  readonly options: ImportOptions;
  readonly schema: Schema;
  readonly findings: Finding[];
  /** Only contracts of this underlying. */
  readonly symbol: string | null;
}

const BATCH_ROWS = 5000;
const STATISTICS: Readonly<Record<number, 'open_interest' | 'cleared_volume'>> = {
  9: 'open_interest',
  6: 'cleared_volume',
};
const MAX_INT32 = 2_147_483_647;

/** What is gathered while a file is read, besides the rows that go out with each batch. */
export interface Taking {
  readonly reader: Reader;
  readonly reading: Reading;
  /** By contract, day and name: venues publish the same figure. */
  readonly statistics: Map<string, { at: EasternUs; value: number }>;
  readonly listed: Set<string>;
  readonly wanted: Map<OsiSymbol, boolean>;
}

/** Before the first row. */
export function newTaking(reader: Reader): Taking {
  return { reader, reading: newReading(), statistics: new Map(), listed: new Set(), wanted: new Map() };
}

function isWanted({ reader, wanted }: Taking, symbol: OsiSymbol): boolean {
  if (reader.symbol === null) return true;
  const known = wanted.get(symbol);
  if (known !== undefined) return known;
  const root = parseOsi(symbol)?.root ?? '';
  const isOfIt = root === reader.symbol || underlyingOfRoot(root) === reader.symbol;
  wanted.set(symbol, isOfIt);
  return isOfIt;
}

/** Takes what is wanted of a sound record. */
export function take(record: DatabentoRecord, symbol: OsiSymbol, taking: Taking): void {
  const { tsRecv: ts_recv } = taking.reader.options;
  const { batch } = taking.reading;
  if (!isWanted(taking, symbol)) return;
  switch (record.kind) {
    case 'quote': {
      const { at: ts_event, bid_px_e4, ask_px_e4, bid_sz, ask_sz } = record;
      batch.quotes.push({
        symbol,
        ts_event,
        event_ns: 0,
        seq: 0,
        bid_px_e4,
        ask_px_e4,
        bid_sz: bid_px_e4 === null ? null : bid_sz,
        ask_sz: ask_px_e4 === null ? null : ask_sz,
        ts_recv,
      });
      return;
    }
    case 'definition': {
      const key = `${symbol} ${dateOf(record.at)}`;
      if (taking.listed.has(key)) batch.duplicates += 1;
      else batch.listings.push({ symbol, ts_event: record.at, seq: 0, ts_recv });
      taking.listed.add(key);
      return;
    }
    case 'statistic': {
      const name = STATISTICS[record.statType];
      if (name === undefined || record.quantity === null) return;
      const key = `${symbol}${dateOf(record.at)}${name}`;
      const known = taking.statistics.get(key);
      if (known !== undefined) batch.duplicates += 1;
      const value = Math.max(known?.value ?? 0, record.quantity);
      taking.statistics.set(key, { at: known?.at ?? record.at, value });
    }
  }
}

// Of one batch, when all venues have spoken.
function takeStatistics({ reader, reading, statistics }: Taking): void {
  for (const [key, { at, value }] of statistics) {
    reading.batch.statistics.push({
      symbol: key.slice(0, 21) as OsiSymbol,
      ts_event: at,
      seq: 0,
      ts_recv: reader.options.tsRecv,
      name: key.slice(31) as 'open_interest' | 'cleared_volume',
      value,
    });
  }
}

/** What is wrong with a record; null as a rule. */
export function faultOf(record: DatabentoRecord): string | null {
  if (!(record.at > 0)) return 'a time that cannot be read';
  if (record.kind !== 'quote') return null;
  const { bid_px_e4, ask_px_e4, bid_sz, ask_sz } = record;
  const bid = bid_px_e4 ?? 0;
  const ask = ask_px_e4 ?? 0;
  // NaN is neither.
  if (!(bid >= 0 && ask >= 0 && bid_sz >= 0 && ask_sz >= 0)) return 'a price or size that cannot be read';
  const isTrue = bid <= MAX_INT32 && ask <= MAX_INT32 && bid_sz <= MAX_INT32 && ask_sz <= MAX_INT32;
  return isTrue ? null : 'a price or size that is too large to be true';
}

/** `line` is the row's number. */
export function reject(taking: Taking, line: number | null, raw: string, reason: string): void {
  taking.reading.batch.rejected.push({
    source: taking.reader.source.name,
    line,
    raw: raw.slice(0, 500),
    reason,
  });
}

// Spreads of options have definitions, and are no contracts.
export function setAside({ reader, reading }: Taking, line: number, raw: string): void {
  const { name: source } = reader.source;
  const reason = 'a definition of what is no option contract';
  reading.batch.setAside.push({ source, line, raw: raw.slice(0, 500), reason });
}

// Asked for every row of millions: no list is made for it.
export function isFull({ reader, reading }: Taking): boolean {
  const { quotes, listings, rejected, setAside } = reading.batch;
  const rows = quotes.length + listings.length + rejected.length + setAside.length;
  return rows >= (reader.options.batchRows ?? BATCH_ROWS);
}

/** The end of the file: the day's figures, and the last batch. Throws a Failure on a file without rows. */
export function* last(taking: Taking): Generator<ImportBatch> {
  const { reader, reading } = taking;
  takeStatistics(taking);
  if (reading.rows === 0) throw new Failure(`${reader.source.name} holds no rows`);
  yield closeBatch(reading, reader.source.name);
}
