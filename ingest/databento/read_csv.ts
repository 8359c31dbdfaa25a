// CSV files of Databento's, raw or pretty, by the names in their header.
import type { EasternUs } from '../../core/eastern_time.ts';
import { Failure } from '../../core/failure.ts';
import { toOsi } from '../../core/osi_symbol.ts';
import { closeBatch } from '../files/csv_batches.ts';
import { headerNames } from '../files/header.ts';
import type { ImportBatch } from '../files/import_file.ts';
import { fieldText, newRow, nextRow, type Row, setBlock } from '../files/lines.ts';
import { readHeadRows, readLines } from '../files/source_file.ts';
import { symbolsFor } from './find_symbols.ts';
import { csvPrice, csvTime, type DatabentoRecord } from './records.ts';
import {
  faultOf,
  isFull,
  last,
  newTaking,
  type Reader,
  reject,
  type Schema,
  setAside,
  take,
} from './taking.ts';

/** Reads the file from its start. Throws a Failure on a header that lacks a column. */
export async function* readCsv(reader: Reader): AsyncGenerator<ImportBatch> {
  const { source } = reader;
  const { header } = await readHeadRows(source);
  const names = headerNames(header);
  const taking = newTaking(reader);
  const symbols = names.includes('symbol') ? null : await symbolsFor(reader, () => undefined);
  const read = csvReader(names, reader.schema);
  const row = newRow(source.name);
  let isHeader = true;
  for await (const block of readLines(source)) {
    setBlock(row, block.buffer);
    taking.reading.bytes = block.bytes;
    while (nextRow(row)) {
      if (isHeader) {
        isHeader = false;
        continue;
      }
      taking.reading.rows += 1;
      taking.reading.lines = row.line;
      const record = read.record(row);
      const text = read.symbol(row, record);
      const symbol = text === null ? (symbols?.find(record.instrumentId, record.at) ?? null) : toOsi(text);
      const raw = (): string => names.map((_, i) => fieldText(row, i)).join();
      const fault = faultOf(record) ?? (symbol === null ? 'no option symbol' : null);
      if (symbol === null && record.kind === 'definition') setAside(taking, row.line, raw());
      else if (symbol === null || fault !== null) reject(taking, row.line, raw(), fault ?? '');
      else take(record, symbol, taking);
      if (isFull(taking)) yield closeBatch(taking.reading, source.name);
    }
  }
  yield* last(taking);
}

interface CsvReader {
  record(row: Row): DatabentoRecord;
  /** Null where the file has no column of symbols. */
  symbol(row: Row, record: DatabentoRecord): string | null;
}

const UNSET_QUANTITY = new Set(['', '2147483647', '9223372036854775807']);

function csvReader(names: readonly string[], schema: Schema): CsvReader {
  const column = (name: string): number => {
    const index = names.indexOf(name);
    if (index < 0)
      throw new Failure(`the header has no column ${name}`, { hint: 'Databento’s own header is needed' });
    return index;
  };
  const [recv, id] = [column('ts_recv'), column('instrument_id')];
  const base = (row: Row) => ({
    instrumentId: Number(fieldText(row, id)),
    at: csvTime(fieldText(row, recv)) ?? (0 as EasternUs),
  });
  const symbolAt = names.indexOf('symbol');
  const symbol = (row: Row): string | null => (symbolAt < 0 ? null : fieldText(row, symbolAt));
  if (schema === 'definition') {
    const raw = column('raw_symbol');
    return {
      record: (row) => ({ kind: 'definition', ...base(row), symbol: fieldText(row, raw) }),
      symbol: (row) => fieldText(row, raw),
    };
  }
  if (schema === 'statistics') {
    const [type, quantity] = [column('stat_type'), column('quantity')];
    return {
      symbol,
      record: (row) => {
        const text = fieldText(row, quantity);
        const value = UNSET_QUANTITY.has(text) ? null : Number(text);
        return { kind: 'statistic', ...base(row), statType: Number(fieldText(row, type)), quantity: value };
      },
    };
  }
  const [bid, ask, bidSz, askSz] = ['bid_px_00', 'ask_px_00', 'bid_sz_00', 'ask_sz_00'].map(column) as [
    number,
    number,
    number,
    number,
  ];
  return {
    symbol,
    record: (row) => ({
      kind: 'quote',
      ...base(row),
      bid_px_e4: csvPrice(fieldText(row, bid)),
      ask_px_e4: csvPrice(fieldText(row, ask)),
      bid_sz: Number(fieldText(row, bidSz)),
      ask_sz: Number(fieldText(row, askSz)),
    }),
  };
}
