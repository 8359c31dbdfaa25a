// Lines to batches: the loop that every CSV importer shares.
import { Failure } from '../../core/failure.ts';
import { batchSize, describeRejected, type ImportBatch, newBatch } from './import_file.ts';
import { newRow, nextRow, type Row, rejection, setBlock } from './lines.ts';
import { type LineBlock, readLines, type SourceFile } from './source_file.ts';

export const DEFAULT_BATCH_ROWS = 5_000;
// So many rows and not one of them sound: the file is not what it was taken for.
const MAX_FAULTS_BEFORE_FIRST_ROW = 1_000;

export interface RowReader {
  /** Lines before the first row of data: 1 where there is a header. */
  readonly headerRows: number;
  readonly batchRows: number;
  /** Puts one row into the batch, as data or as rejected. */
  take(row: Row, batch: ImportBatch): void;
  /** Called once at the end of the file. */
  finish?(batch: ImportBatch): void;
}

/** Reads a CSV file from its start. Throws Failure if it cannot be read to its end or holds no row of data. */
export async function* csvBatches(source: SourceFile, reader: RowReader): AsyncGenerator<ImportBatch> {
  const reading = newReading();
  yield* takeLines(readLines(source), { row: newRow(source.name), reader, reading });
  if (reading.rows === 0) throw noRows(source.name, reader.headerRows);
  reader.finish?.(reading.batch);
  yield closeBatch(reading, source.name);
}

/** What is read so far, of one file or of all files of an archive. */
export interface Reading {
  batch: ImportBatch;
  rows: number;
  lines: number;
  bytes: number;
  /** Rows taken or set aside, and rows rejected before the first of them. */
  taken: number;
  faults: number;
}

/** Before the first row. */
export function newReading(): Reading {
  return { batch: newBatch(), rows: 0, lines: 0, bytes: 0, taken: 0, faults: 0 };
}

/** Reads one stream of lines into the reading's batch, and yields the batch whenever it is full. */
export async function* takeLines(
  blocks: AsyncIterable<LineBlock>,
  to: { row: Row; reader: RowReader; reading: Reading },
): AsyncGenerator<ImportBatch> {
  const { row, reader, reading } = to;
  const before = { lines: reading.lines, bytes: reading.bytes };
  let headerRows = reader.headerRows;
  for await (const block of blocks) {
    setBlock(row, block.buffer);
    reading.bytes = before.bytes + block.bytes;
    while (nextRow(row)) {
      if (headerRows-- > 0) continue;
      reading.rows++;
      reader.take(row, reading.batch);
      if (batchSize(reading.batch) < reader.batchRows) continue;
      reading.lines = before.lines + row.line;
      yield closeBatch(reading, row.source);
    }
    reading.lines = before.lines + row.line;
  }
}

/** Takes the batch out of the reading. Throws Failure where a long file has not begun with one sound row. */
export function closeBatch(reading: Reading, source: string): ImportBatch {
  const { batch } = reading;
  batch.lines = reading.lines;
  batch.bytes = reading.bytes;
  reading.batch = newBatch();
  reading.taken += batchSize(batch) - batch.rejected.length;
  if (reading.taken === 0) reading.faults += batch.rejected.length;
  const [first] = batch.rejected;
  if (reading.taken === 0 && reading.faults >= MAX_FAULTS_BEFORE_FIRST_ROW && first !== undefined) {
    throw new Failure(`${source}: not one of the first ${reading.faults} rows can be taken`, {
      hint: `is it a file of this format? ${describeRejected(first)}`,
    });
  }
  return batch;
}

function noRows(source: string, headerRows: number): Failure {
  const what = headerRows > 0 ? 'a header and no rows' : 'no rows';
  return new Failure(`${source} holds ${what}`, { hint: 'was the download interrupted?' });
}

/** Puts a row among the rejected. */
export function reject(row: Row, batch: ImportBatch, reason: string): void {
  batch.rejected.push(rejection(row, reason));
}

/** Rejects a row that does not have the header's number of fields; true where it does. */
export function hasFields(row: Row, batch: ImportBatch, count: number): boolean {
  if (row.unclosed) reject(row, batch, 'a quote is opened and not closed');
  else if (row.count !== count)
    reject(row, batch, `${row.count} fields instead of ${count}: is the line cut off?`);
  return row.count === count && !row.unclosed;
}
