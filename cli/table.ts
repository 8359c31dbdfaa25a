// Rows as a table that fits the terminal: what all rows share is said once below it, columns that do not fit are named.
import { terminalWidth, wrapWords } from './terminal.ts';

export interface TableColumn {
  readonly name: string;
  readonly isRight: boolean;
}

interface Placed extends TableColumn {
  readonly index: number;
  readonly width: number;
}

const GAP = 2;
const MIN_CUT_WIDTH = 10;
const MAX_CELL_LINES = 4;

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
  // A sentence in a file stays on one line, where it can be searched for.
  const isTerminal = process.stdout.isTTY === true;
  const footer = options.footer.flatMap((line) => (isTerminal ? wrapWords(line, terminalWidth()) : [line]));
  return `${[...lines, ...footer].join('\n')}\n`;
}

function widthOf(column: TableColumn, rows: readonly (readonly string[])[], index: number): number {
  return rows.reduce((width, row) => Math.max(width, row[index]?.length ?? 0), column.name.length);
}

function isCommon(rows: readonly (readonly string[])[], index: number): boolean {
  return rows.length > 0 && rows.every((row) => row[index] === rows[0]?.[index]);
}

/** The columns from the left that fit; the next one too, narrower, where it is text and there is room for some of it. */
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
  const pad = (text: string, { width, isRight }: Placed): string =>
    isRight ? text.padStart(width) : text.padEnd(width);
  const linesOf = (row: readonly string[]): string[] => {
    const cells = columns.map(({ index, width }) => cellLines(row[index] ?? '', width));
    const height = Math.max(...cells.map((each) => each.length));
    return Array.from({ length: height }, (_, n) =>
      line(columns.map((column, i) => pad(cells[i]?.[n] ?? '', column))),
    );
  };
  return [
    line(columns.map((column) => pad(column.name.slice(0, column.width), column))),
    line(columns.map((column) => '-'.repeat(column.width))),
    ...rows.flatMap(linesOf),
  ];
}

/** A cell in lines of its column's width: broken between words, a single long word cut; what is left after some lines is not shown. */
function cellLines(text: string, width: number): string[] {
  if (text.length <= width) return [text];
  const lines = wrapWords(text, width, '').map((each) =>
    each.length > width ? `${each.slice(0, width - 1)}…` : each,
  );
  if (lines.length <= MAX_CELL_LINES) return lines;
  const last = lines[MAX_CELL_LINES - 1] ?? '';
  return [...lines.slice(0, MAX_CELL_LINES - 1), `${last.slice(0, width - 2)} …`];
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
