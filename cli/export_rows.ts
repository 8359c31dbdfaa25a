// Rows of a query into a Parquet or CSV file: by COPY to a file beside it, from there through DuckDB.
import { createWriteStream } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type pg from 'pg';
import { to as copyTo } from 'pg-copy-streams';
import { errorText, Failure } from '../core/failure.ts';

export interface ExportRequest {
  /** One select that has been seen to be one. */
  readonly query: string;
  readonly columns: readonly ExportColumn[];
  readonly format: 'parquet' | 'csv';
  readonly path: string;
  readonly signal: AbortSignal;
  readonly onRows: (rows: number) => void;
}

export interface ExportColumn {
  readonly name: string;
  /** As format_type() writes it. */
  readonly type: string;
}

const TYPES: Readonly<Record<string, string>> = {
  boolean: 'BOOLEAN',
  smallint: 'SMALLINT',
  integer: 'INTEGER',
  bigint: 'BIGINT',
  real: 'FLOAT',
  'double precision': 'DOUBLE',
  // Without a scale of its own, such as a mean: 15 digits are kept.
  numeric: 'DOUBLE',
  date: 'DATE',
  'timestamp without time zone': 'TIMESTAMP',
  'timestamp with time zone': 'TIMESTAMPTZ',
  'time without time zone': 'TIME',
};

/** DuckDB's type for a type of PostgreSQL; what it does not know stays text, and a CSV needs no other type for a numeric. */
export function duckType(type: string, format: 'parquet' | 'csv' = 'parquet'): string {
  if (format === 'csv' && type.startsWith('numeric')) return 'VARCHAR';
  const scaled = /^numeric\((\d+),(\d+)\)$/.exec(type);
  if (scaled !== null) return Number(scaled[1]) <= 38 ? `DECIMAL(${scaled[1]},${scaled[2]})` : 'DOUBLE';
  return TYPES[type] ?? 'VARCHAR';
}

/** Writes the file whole or not at all. Returns the number of rows. Throws a Failure when the disk or DuckDB refuses. */
export async function exportRows(client: pg.ClientBase, request: ExportRequest): Promise<number> {
  const { path } = request;
  const [raw, part] = [`${path}.rows.part`, `${path}.part`];
  try {
    const rows = await copyToFile(client, raw, request);
    await convert(raw, part, request);
    await rename(part, path);
    return rows;
  } catch (error) {
    // Errors of the query are told as those of any query; Ctrl-C is none.
    const isTold = error instanceof Failure || (error as { severity?: string }).severity !== undefined;
    if (isTold || request.signal.aborted) throw error;
    throw new Failure(`${path} was not written: ${errorText(error)}`, {
      hint: 'Is there space beside it, for about twice its size as CSV, and may it be written?',
    });
  } finally {
    await Promise.all([raw, part].map((file) => rm(file, { force: true })));
  }
}

async function copyToFile(
  client: pg.ClientBase,
  file: string,
  { query, signal, onRows }: ExportRequest,
): Promise<number> {
  const copy = client.query(copyTo(`copy (${query}\n) to stdout (format csv)`));
  let lines = 0;
  const counting = new Transform({
    transform(chunk: Buffer, _, done) {
      for (let at = chunk.indexOf(10); at >= 0; at = chunk.indexOf(10, at + 1)) lines += 1;
      onRows(lines);
      done(null, chunk);
    },
  });
  await pipeline(copy, counting, createWriteStream(file), { signal });
  // Lines of a text inside a row are not rows.
  return copy.rowCount;
}

async function convert(from: string, to: string, { columns, format }: ExportRequest): Promise<void> {
  const { DuckDBInstance } = await loadDuckDb();
  // Nothing is fetched: the types above need no extension.
  const instance = await DuckDBInstance.create(':memory:', {
    autoinstall_known_extensions: 'false',
    autoload_known_extensions: 'false',
    threads: '2',
  });
  const connection = await instance.connect();
  try {
    const types = columns
      .map(({ name, type }) => `${text(name)}: ${text(duckType(type, format))}`)
      .join(', ');
    const options = format === 'parquet' ? 'format parquet, compression zstd' : 'format csv, header';
    // An empty field is null, a quoted one an empty text: as COPY writes them.
    await connection.run(
      `copy (select * from read_csv(${text(from)}, header = false, auto_detect = false, delim = ',', quote = '"', escape = '"',
         nullstr = '', allow_quoted_nulls = false, max_line_size = 16777216, columns = {${types}})) to ${text(to)} (${options})`,
    );
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}

async function loadDuckDb(): Promise<typeof import('@duckdb/node-api')> {
  try {
    return await import('@duckdb/node-api');
  } catch (error) {
    throw new Failure(`DuckDB cannot be loaded here: ${errorText(error)}`, {
      hint: 'Run `npm ci` again without --omit=optional. `strikebase sql QUERY --format csv` needs no DuckDB.',
    });
  }
}

function text(value: string): string {
  return `'${value.replaceAll("'", "''")}'`;
}
