// Databento's files of OPRA: quotes of a minute, definitions and statistics, as DBN or CSV, packed or not.
import { Failure } from '../../core/failure.ts';
import { headerNames } from '../files/header.ts';
import type { FeedSpec, Finding, ImportFile, ImportOptions } from '../files/import_file.ts';
import { fieldText } from '../files/lines.ts';
import { readBytes, readHeadRows, type SourceFile } from '../files/source_file.ts';
import { dbnBlocks, RTYPE } from './dbn.ts';
import { readCsv } from './read_csv.ts';
import { readDbn } from './read_dbn.ts';
import type { Reader, Schema } from './taking.ts';

// A minute without a change has no row: the quote before stands. A quarter of an hour is what a thin contract may need.
const STALE_AFTER_MS = 900_000;

const FEEDS: Readonly<Record<Schema, FeedSpec>> = {
  'cbbo-1m': {
    ...{ name: 'databento-cbbo-1m', kind: 'option', span_ms: 60_000, source: 'recorded' },
    stale_after_ms: STALE_AFTER_MS,
  },
  'cbbo-1s': {
    ...{ name: 'databento-cbbo-1s', kind: 'option', span_ms: 1000, source: 'recorded' },
    stale_after_ms: STALE_AFTER_MS,
  },
  definition: { name: 'databento-definition', kind: 'chain', span_ms: 0, source: 'recorded' },
  statistics: { name: 'databento-statistics', kind: 'chain', span_ms: 0, source: 'recorded' },
};

/** True for a file that begins as DBN, packed or not. Throws a Failure where it cannot be read. */
export async function isDbn(source: SourceFile): Promise<boolean> {
  if (source.encoding === 'dbn') return true;
  if (source.encoding !== 'zstd') return false;
  for await (const { buffer } of readBytes(source)) return buffer.toString('latin1', 0, 3) === 'DBN';
  return false;
}

/** True for the header of a CSV of Databento's. */
export function isDatabentoHeader(names: readonly string[]): boolean {
  return ['ts_recv', 'rtype', 'instrument_id'].every((name) => names.includes(name));
}

/** Opens a file of one of the schemas. Throws a Failure on another one. */
export async function openDatabento(source: SourceFile, options: ImportOptions): Promise<ImportFile> {
  const binary = await isDbn(source);
  const schema = binary ? await dbnSchema(source) : await csvSchema(source);
  const feed = { ...FEEDS[schema], ...(options.feed === undefined ? {} : { name: options.feed }) };
  const findings: Finding[] = [];
  const reader: Reader = { source, options, schema, findings, symbol: options.symbol?.toUpperCase() ?? null };
  return {
    path: source.path,
    format: 'databento',
    feed,
    instrumentKind: 'option',
    symbol: reader.symbol,
    clock: 'stated',
    totalBytes: source.totalBytes,
    findings,
    batches: () => (binary ? readDbn(reader) : readCsv(reader)),
  };
}

function unknownSchema(source: SourceFile, what: string): Failure {
  return new Failure(`${source.name} holds ${what}, which is not imported`, {
    hint: 'of OPRA the schemas cbbo-1m, cbbo-1s, definition and statistics are taken',
  });
}

async function dbnSchema(source: SourceFile): Promise<Schema> {
  const schemas: Readonly<Record<number, Schema>> = {
    16: 'cbbo-1m',
    15: 'cbbo-1s',
    9: 'definition',
    10: 'statistics',
  };
  for await (const { metadata } of dbnBlocks(readBytes(source), source.name)) {
    const schema = schemas[metadata.schema];
    if (schema === undefined) throw unknownSchema(source, `the schema ${metadata.schema}`);
    return schema;
  }
  throw new Failure(`${source.name} holds no rows`, { hint: 'was nothing traded or quoted that day?' });
}

async function csvSchema(source: SourceFile): Promise<Schema> {
  const { header, first } = await readHeadRows(source);
  const names = headerNames(header);
  const rtype = Number(fieldText(first, names.indexOf('rtype')));
  const schemas: Readonly<Record<number, Schema>> = {
    [RTYPE.cbbo1m]: 'cbbo-1m',
    [RTYPE.cbbo1s]: 'cbbo-1s',
    [RTYPE.definition]: 'definition',
    [RTYPE.statistics]: 'statistics',
  };
  const schema = schemas[rtype];
  if (schema === undefined) throw unknownSchema(source, `rows of type ${rtype}`);
  return schema;
}
