// The fault table: what was injected and survived, and what the ledgers say was doubled or lost.
import type { FaultClass } from './catalogue.ts';
import type { Ended, Note } from './run_tests.ts';

export interface FaultRow {
  readonly id: string;
  readonly what: string;
  readonly injected: number;
  readonly survived: number;
  readonly duplicateOrders: number;
  readonly lostExits: number;
  readonly lostRows: number;
  /** The longest; null where nobody measured. */
  readonly recoveryMs: number | null;
  /** Titles of tests that failed. */
  readonly failed: readonly string[];
  /** Why it could not be injected here. */
  readonly leftOut: string | null;
}

const LEFT_OUT = 'not permitted here';

/** The row of a fault, from the tests that inject it. */
export function rowOf({ id, what, tests }: FaultClass, ended: readonly Ended[]): FaultRow {
  const mine = ended.filter(({ file, title }) =>
    tests.some((test) => test.file === file && test.title.test(title)),
  );
  const run = mine.filter(({ state }) => state !== 'skipped');
  const notes = run.flatMap((each) => each.notes);
  const sum = (figure: (note: Note) => number | undefined): number =>
    notes.reduce((total, note) => total + (figure(note) ?? 0), 0);
  const times = notes.flatMap(({ recoveryMs }) => recoveryMs ?? []);
  const counts = run.map(countsOf);
  return {
    ...{ id, what },
    injected: counts.reduce((total, { injected }) => total + injected, 0),
    survived: counts.reduce((total, { survived }) => total + survived, 0),
    duplicateOrders: sum((note) => note.duplicateOrders),
    lostExits: sum((note) => note.lostExits),
    lostRows: sum((note) => note.lostRows),
    recoveryMs: times.length === 0 ? null : Math.max(...times),
    failed: run.filter(({ state }) => state === 'failed').map(({ file, title }) => `${file}: ${title}`),
    leftOut: run.length === 0 && mine.length > 0 ? LEFT_OUT : null,
  };
}

function countsOf({ state, notes }: Ended): { injected: number; survived: number } {
  const counted = notes.filter(({ injected }) => injected !== undefined);
  if (counted.length === 0) return { injected: 1, survived: state === 'passed' ? 1 : 0 };
  const injected = counted.reduce((total, note) => total + (note.injected ?? 0), 0);
  const survived = counted.reduce((total, note) => total + (note.survived ?? 0), 0);
  return { injected, survived: state === 'passed' ? survived : Math.min(survived, injected - 1) };
}

/** The table as text, at most 100 columns. */
export function tableOf(rows: readonly FaultRow[]): string {
  const head = ['', 'fault', 'injected', 'survived', 'duplicates', 'lost exits', 'lost rows', 'recovery'];
  const cells = rows.map((row) =>
    row.leftOut !== null
      ? [row.id, row.what, row.leftOut, '', '', '', '', '']
      : [
          ...[row.id, row.what, row.injected, row.survived, row.duplicateOrders, row.lostExits, row.lostRows],
          row.recoveryMs === null ? '' : `${(row.recoveryMs / 1000).toFixed(1)} s`,
        ].map(String),
  );
  const lines = [head, ...cells];
  const widths = head.map((_, column) => Math.max(...lines.map((line) => (line[column] ?? '').length)));
  return lines
    .map((line) =>
      line
        .map((cell, n) => (n < 2 ? cell.padEnd(widths[n] ?? 0) : cell.padStart(widths[n] ?? 0)))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** The last line of the programme, and whether all is well. */
export function verdictOf(rows: readonly FaultRow[]): { readonly line: string; readonly isOk: boolean } {
  const sum = (figure: (row: FaultRow) => number): number =>
    rows.reduce((total, row) => total + figure(row), 0);
  const injected = sum((row) => row.injected);
  const survived = sum((row) => row.survived);
  const duplicates = sum((row) => row.duplicateOrders);
  const exits = sum((row) => row.lostExits);
  const lost = sum((row) => row.lostRows);
  const isMissing = rows.some((row) => row.injected === 0 && row.leftOut === null);
  return {
    line: `faults ${injected} injected, ${survived} survived, ${duplicates} duplicate orders, ${exits} lost exits, ${lost} lost rows`,
    isOk: injected === survived && duplicates + exits + lost === 0 && !isMissing,
  };
}
