// Header lines: column names in any case and order, to column numbers.
import { Failure } from '../../core/failure.ts';
import { fieldText, type Row } from './lines.ts';

/** Numbers of the columns that a format has; null for an optional one that the file lacks. */
export type Columns<R extends string, O extends string> = Readonly<Record<R, number>> &
  Readonly<Record<O, number | null>>;

/** The names in a header line, in lower case. */
export function headerNames(row: Row): string[] {
  return Array.from({ length: row.count }, (_, index) => fieldText(row, index).toLowerCase());
}

/**
 * The columns of a header line. Throws Failure on a column that is missing, unknown or named twice: an unknown column may
 * change what the known ones mean, so it is never skipped in silence.
 */
export function readColumns<R extends string, O extends string = never>(
  row: Row,
  spec: { readonly what: string; readonly required: readonly R[]; readonly optional?: readonly O[] },
): Columns<R, O> {
  const names = headerNames(row);
  const known: readonly string[] = [...spec.required, ...(spec.optional ?? [])];
  const at = `${row.source}:${row.line}`;
  const hint = `columns of a ${spec.what} file: ${[...spec.required, ...(spec.optional ?? []).map((name) => `[${name}]`)].join(', ')}`;
  const missing = spec.required.filter((name) => !names.includes(name));
  if (missing.length > 0) throw new Failure(`${at}: missing column ${missing.join(', ')}`, { hint });
  const unknown = names.filter((name) => !known.includes(name));
  if (unknown.length > 0)
    throw new Failure(`${at}: unknown column ${unknown.map(shown).join(', ')}`, { hint });
  const twice = names.filter((name, index) => names.indexOf(name) !== index);
  if (twice.length > 0) throw new Failure(`${at}: column ${twice.join(', ')} is named twice`, { hint });
  const numbers = known.map((name) => [name, names.includes(name) ? names.indexOf(name) : null]);
  return Object.fromEntries(numbers) as Columns<R, O>;
}

function shown(name: string): string {
  return JSON.stringify(name.slice(0, 60));
}
