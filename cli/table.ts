// Rows as a table that fits the terminal: what all rows share is said once below it, columns that do not fit are named.
import { terminalWidth } from './terminal.ts';

export interface TableColumn {
  readonly name: string;
  readonly isRight: boolean;
}

interface Placed extends TableColumn {
  readonly index: number;
  readonly width: number;
}

const GAP = 2;
const MIN_CUT_WIDTH = 16;

/** The text of a table, with its footer lines. */
export function formatTable(
  columns: readonly TableColumn[],
  rows: readonly (readonly string[])[],
  options: { readonly common: readonly string[]; readonly footer: readonly string[] },
): string {
  const placed = columns.map((column, index) => ({ ...column, index, width: widthOf(column, rows, index) }));
  const common = placed.filter(({ name, index }) => options.common.includes(name) && isCommon(rows, index));
  const wanted = placed.filter((column) => !common.includes(column));
  const shown = fitting(wanted);
  const left = wanted.slice(shown.length);
  const lines = rows.length === 0 ? ['(no rows)'] : body(shown, rows);
  const shared = common
    .map(({ name, index }) => `${name} ${rows[0]?.[index]}`)
    .filter((text) => !text.endsWith(' '));
  if (shared.length > 0) lines.push('', ...wrapped(shared, ', '));
  if (left.length > 0 && rows.length > 0) {
    lines.push(...wrapped(['not shown, see --format csv:', ...left.map(({ name }) => name)], ' '));
  }
  return `${[...lines, ...options.footer].join('\n')}\n`;
}

function widthOf(column: TableColumn, rows: readonly (readonly string[])[], index: number): number {
  return rows.reduce((width, row) => Math.max(width, row[index]?.length ?? 0), column.name.length);
}

function isCommon(rows: readonly (readonly string[])[], index: number): boolean {
  return rows.length > 0 && rows.every((row) => row[index] === rows[0]?.[index]);
}

/** The columns from the left that fit; the next one too, cut, where it is text and there is room for some of it. */
function fitting(columns: readonly Placed[]): Placed[] {
  const shown: Placed[] = [];
  let room = terminalWidth();
  for (const column of columns) {
    // The first column is shown however wide it is.
    if (column.width > room && shown.length > 0) {
      if (!column.isRight && room >= MIN_CUT_WIDTH) shown.push({ ...column, width: room });
      break;
    }
    shown.push(column);
    room -= column.width + GAP;
  }
  return shown;
}

function body(columns: readonly Placed[], rows: readonly (readonly string[])[]): string[] {
  const line = (cells: readonly string[]): string => cells.join(' '.repeat(GAP)).trimEnd();
  const pad = (text: string, { width, isRight }: Placed): string => {
    if (isRight) return text.padStart(width);
    return text.length > width ? `${text.slice(0, width - 1)}…` : text.padEnd(width);
  };
  return [
    line(columns.map((column) => pad(column.name, column))),
    line(columns.map((column) => '-'.repeat(column.width))),
    ...rows.map((row) => line(columns.map((column) => pad(row[column.index] ?? '', column)))),
  ];
}

function wrapped(words: readonly string[], separator: string): string[] {
  const lines: string[] = [];
  for (const word of words) {
    const last = lines.at(-1);
    if (last === undefined || last.length + separator.length + word.length > terminalWidth())
      lines.push(word);
    else lines[lines.length - 1] = last + separator + word;
  }
  return lines;
}
