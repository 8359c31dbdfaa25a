// Rows of a query as table, CSV or JSON. CSV headers and JSON keys are the query's column names: a contract.
import type pg from 'pg';
import { formatTable } from './table.ts';
import { outputClosed, print } from './terminal.ts';

export type Format = 'table' | 'csv' | 'json';

export interface OutputColumn {
  readonly name: string;
  /** Of the server's type. */
  readonly oid: number;
}

type Cell = string | null;

export interface PrintOptions {
  readonly format: Format;
  /** Columns that a table shows once, below it, when all rows agree. */
  readonly common?: readonly string[];
  /** Lines below a table. */
  readonly footer?: readonly string[];
}

const FETCH_ROWS = 5_000;
const BOOL = 16;
const NUMERIC = 1700;
const TIMESTAMP = 1114;
const NUMBERS = new Set([20, 21, 23, 26, 700, 701, NUMERIC]);
const JSONS = new Set([114, 3802]);
const AS_TEXT = { getTypeParser: () => (value: string) => value } as unknown as pg.CustomTypesConfig;

/** Runs a query inside a read-only transaction and prints its rows as they come. Returns their number. */
export async function printQuery(
  client: pg.ClientBase,
  query: { readonly text: string; readonly values?: readonly unknown[] },
  options: PrintOptions,
): Promise<number> {
  await client.query('begin isolation level repeatable read read only');
  try {
    await client.query(`declare output no scroll cursor for ${query.text}`, [...(query.values ?? [])]);
    return await printBatches(client, options);
  } finally {
    await client.query('rollback').catch(() => undefined);
  }
}

async function printBatches(client: pg.ClientBase, options: PrintOptions): Promise<number> {
  let writer: RowWriter | null = null;
  let count = 0;
  for (;;) {
    const result: pg.QueryArrayResult<Cell[]> = await client.query<Cell[]>({
      text: `fetch forward ${FETCH_ROWS} from output`,
      rowMode: 'array',
      types: AS_TEXT,
    });
    writer ??= rowWriter(
      result.fields.map((field) => ({ name: field.name, oid: field.dataTypeID })),
      options,
    );
    writer.add(result.rows);
    count += result.rows.length;
    if (result.rows.length < FETCH_ROWS || outputClosed()) break;
  }
  writer.end();
  return count;
}

/** Prints rows that are at hand, texts as the server would write them. */
export function printRows(
  columns: readonly OutputColumn[],
  rows: readonly (readonly Cell[])[],
  options: PrintOptions,
): void {
  const writer = rowWriter(columns, options);
  writer.add(rows);
  writer.end();
}

interface RowWriter {
  add(rows: readonly (readonly Cell[])[]): void;
  end(): void;
}

function rowWriter(columns: readonly OutputColumn[], options: PrintOptions): RowWriter {
  if (options.format === 'csv') return csvWriter(columns);
  if (options.format === 'json') return jsonWriter(columns);
  return tableWriter(columns, options);
}

function csvWriter(columns: readonly OutputColumn[]): RowWriter {
  print(`${columns.map((column) => csvField(column.name)).join(',')}\n`);
  return {
    add(rows) {
      const line = (row: readonly Cell[]): string =>
        `${columns.map((column, i) => csvField(cellText(row[i] ?? null, column.oid))).join(',')}\n`;
      print(rows.map(line).join(''));
    },
    end: () => undefined,
  };
}

function csvField(text: string): string {
  return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

function jsonWriter(columns: readonly OutputColumn[]): RowWriter {
  let separator = '[';
  return {
    add(rows) {
      let text = '';
      for (const row of rows) {
        const fields = columns.map(
          ({ name, oid }, i) => `${JSON.stringify(name)}:${jsonValue(row[i] ?? null, oid)}`,
        );
        text += `${separator}\n {${fields.join(',')}}`;
        separator = ',';
      }
      print(text);
    },
    end: () => print(separator === '[' ? '[]\n' : '\n]\n'),
  };
}

function jsonValue(value: Cell, oid: number): string {
  if (value === null) return 'null';
  if (JSONS.has(oid)) return value;
  const text = cellText(value, oid);
  if (oid === BOOL) return text;
  // NaN and infinity are no JSON; the digits of a numeric stay as they are.
  if (NUMBERS.has(oid)) return /^-?\d/.test(text) ? text : 'null';
  return JSON.stringify(text);
}

function tableWriter(columns: readonly OutputColumn[], options: PrintOptions): RowWriter {
  const all: string[][] = [];
  return {
    add: (rows) => {
      for (const row of rows) all.push(columns.map(({ oid }, i) => cellText(row[i] ?? null, oid)));
    },
    end: () => {
      const shown = columns.map(({ name, oid }) => ({ name, isRight: NUMBERS.has(oid) }));
      print(formatTable(shown, all, { common: options.common ?? [], footer: options.footer ?? [] }));
    },
  };
}

/** A value's text: times with six decimals or none, numerics without zeros beyond two decimals, true and false. */
export function cellText(value: Cell, oid: number): string {
  if (value === null) return '';
  if (oid === NUMERIC) return trimDecimals(value);
  if (oid === TIMESTAMP) return value.replace(/\.\d+$/, (fraction) => fraction.padEnd(7, '0'));
  if (oid === BOOL) return value === 't' ? 'true' : 'false';
  return value;
}

function trimDecimals(text: string): string {
  const point = text.indexOf('.');
  if (point < 0) return text;
  let end = text.length;
  while (end > point + 3 && text[end - 1] === '0') end -= 1;
  return text.slice(0, end);
}
