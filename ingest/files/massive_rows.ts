// What the readers of Massive's four datasets share: the context of a file, and the parts that all rows have.
import type { EasternUs } from '../../core/eastern_time.ts';
import { hasFields, reject } from './csv_batches.ts';
import type { ImportBatch } from './import_file.ts';
import { numberFault, type Row } from './lines.ts';
import type { Ticker, Tickers } from './massive_tickers.ts';
import { compareTime, type LastRow, remember, sameText } from './order_watch.ts';
import { scanEpochUs } from './scan.ts';
import { easternFromEpochUs } from './zone.ts';

/** One reading of one file. */
export interface FlatContext {
  readonly header: Row;
  readonly tickers: Tickers;
  /** 0 for trades and quotes. */
  readonly spanMs: number;
  readonly tsRecv: EasternUs;
  readonly disorder: Disorder;
}

/** Rows that stand after a later one of their ticker, where a vendor sequence makes the order harmless. */
export interface Disorder {
  rows: number;
  firstLine: number;
}

/** Takes one row into a batch. */
export type TakeRow = (row: Row, batch: ImportBatch) => void;

/** The row's ticker if it is wanted; a row that is not is skipped, or rejected where it is no ticker at all. */
export function wantedTicker(
  row: Row,
  batch: ImportBatch,
  at: { context: FlatContext; column: number },
): Ticker | null {
  if (!hasFields(row, batch, at.context.header.count)) return null;
  const ticker = at.context.tickers.at(row, at.column);
  if (ticker.fault !== null) reject(row, batch, ticker.fault);
  return ticker.wanted ? ticker : null;
}

/** Eastern time of the nanoseconds in field `column`, without the last three digits; null unless they are 19 digits. */
export function fieldTime(row: Row, column: number): EasternUs | null {
  const epochUs = scanEpochUs(row.buffer, row.starts[column] as number, row.ends[column] as number);
  return epochUs === null ? null : easternFromEpochUs(epochUs);
}

/** Rejects a row for the time in field `column`. */
export function rejectTime(row: Row, batch: ImportBatch, name: string, column: number): void {
  reject(row, batch, `${numberFault(row, name, column)} (19 digits of nanoseconds are expected)`);
}

/** What tells two rows of one ticker apart where the vendor numbers them. */
export interface RowKey {
  readonly us: EasternUs;
  readonly ns: number;
  readonly seq: number;
}

/** True for a row that is new: not the one before once more (a duplicate), nor another with its key (rejected). */
export function isNewByKey(
  row: Row,
  batch: ImportBatch,
  at: { last: LastRow; key: RowKey; disorder: Disorder },
): boolean {
  const { last, key, disorder } = at;
  const order = compareTime(last, key.us, key.ns);
  if (order === 0 && key.seq === last.seq) {
    if (sameText(last, row)) batch.duplicates++;
    else reject(row, batch, `same time and sequence_number as line ${last.line}, other values`);
    return false;
  }
  if (order < 0 && disorder.rows++ === 0) disorder.firstLine = row.line;
  remember(last, row, key);
  return true;
}
