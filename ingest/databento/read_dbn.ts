// Binary files of Databento's, record by record.
import { toOsi } from '../../core/osi_symbol.ts';
import { closeBatch } from '../files/csv_batches.ts';
import type { ImportBatch } from '../files/import_file.ts';
import { readBytes } from '../files/source_file.ts';
import { dbnBlocks } from './dbn.ts';
import { symbolsFor } from './find_symbols.ts';
import { type DatabentoRecord, readRecord } from './records.ts';
import { addMappings, type SymbolTable } from './symbols.ts';
import {
  faultOf,
  isFull,
  last,
  newTaking,
  type Reader,
  reject,
  setAside,
  type Taking,
  take,
} from './taking.ts';

/** Reads the file from its start. Throws a Failure on one that is damaged. */
export async function* readDbn(reader: Reader): AsyncGenerator<ImportBatch> {
  const { source } = reader;
  const taking = newTaking(reader);
  let symbols: SymbolTable | null = null;
  for await (const { metadata, records, bytes } of dbnBlocks(readBytes(source), source.name)) {
    symbols ??= await symbolsFor(reader, (table) => addMappings(table, metadata));
    taking.reading.bytes = bytes;
    for (let at = 0; at < records.length; at += (records[at] ?? 4) * 4) {
      const record = readRecord(records, at);
      taking.reading.rows += 1;
      if (record === null) continue;
      takeBinary(record, symbols, taking);
      if (isFull(taking)) yield closeBatch(taking.reading, source.name);
    }
  }
  yield* last(taking);
}

function takeBinary(record: DatabentoRecord, symbols: SymbolTable, taking: Taking): void {
  const { rows } = taking.reading;
  const raw = (): string => JSON.stringify(record);
  if (record.kind === 'definition' && record.symbol === null) {
    setAside(taking, rows, raw());
    return;
  }
  const own = record.kind === 'definition' ? toOsi(record.symbol ?? '') : null;
  const symbol = own ?? symbols.find(record.instrumentId, record.at);
  const fault = faultOf(record) ?? (symbol === null ? 'an instrument_id that has no symbol' : null);
  if (symbol === null || fault !== null) reject(taking, rows, raw(), fault ?? '');
  else take(record, symbol, taking);
}
