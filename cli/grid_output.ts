// What a grid and a walk-forward print: a line a combination, or a line a window with its total.
import type pg from 'pg';
import { type EasternUs, formatEastern } from '../core/eastern_time.ts';
import { type Figure, type RunResult, readTotal } from '../jobs/run_results.ts';
import type { Window } from '../jobs/walk_forward.ts';
import { type Format, type OutputColumn, printRows } from './output.ts';
import type { RunBase, RunDataOptions } from './run_command.ts';
import { note } from './terminal.ts';
import type { Combination } from './vary.ts';

/** A combination and what its run has come to. */
export interface Tried {
  readonly combination: Combination;
  readonly result: RunResult;
}

export interface WalkedWindow {
  readonly window: Window;
  /** The best of the training; null where nothing was traded in it. */
  readonly choice: Tried | null;
  readonly test: RunResult | null;
}

interface PrintOptions extends RunDataOptions {
  readonly by: Figure;
  readonly format: Format;
}

type Cell = string | null;

const [INTEGER, TEXT, NUMERIC] = [20, 25, 1700];
const FIGURE_COLUMNS: readonly OutputColumn[] = [
  { name: 'trades', oid: INTEGER },
  { name: 'win_rate', oid: NUMERIC },
  { name: 'net', oid: NUMERIC },
  { name: 'profit_factor', oid: NUMERIC },
  { name: 'max_drawdown', oid: NUMERIC },
];
const COMMON = ['strategy', 'quote_source'];

// Narrower names for a table; those of CSV and JSON are a contract.
const SHORT: Readonly<Record<string, string>> = {
  run_id: 'run',
  win_rate: 'won',
  profit_factor: 'factor',
  max_drawdown: 'drawdown',
  out_win_rate: 'out_won',
  out_profit_factor: 'out_factor',
  out_max_drawdown: 'out_drawdown',
  in_profit_factor: 'in_factor',
  in_max_drawdown: 'in_drawdown',
};

/** Combinations, best first. */
export function printGrid(base: RunBase, tried: readonly Tried[], options: PrintOptions): void {
  const keys = Object.keys(tried[0]?.combination ?? {});
  const columns: OutputColumn[] = [
    { name: 'run_id', oid: INTEGER },
    ...keys.map((name) => ({ name, oid: typeOf(tried.map(({ combination }) => combination[name] ?? null)) })),
    ...FIGURE_COLUMNS,
    { name: 'gross', oid: NUMERIC },
    { name: 'fees', oid: NUMERIC },
    { name: 'open', oid: INTEGER },
    ...named(['strategy', 'quote_source']),
  ];
  const rows = tried.map(({ combination, result }): Cell[] => [
    String(result.run_id),
    ...keys.map((key) => wordOf(combination[key], options.format)),
    ...figuresOf(result, options.format),
    ...[result.gross, result.fees].map((value) => money(value, options.format)),
    String(result.open_positions),
    ...[options.strategy, options.quotes ?? null],
  ]);
  const [best] = tried.filter(({ result }) => result.trades > 0);
  const footer = [
    '',
    aboutRuns(base, options),
    ...(best === undefined
      ? []
      : [`the best with every decision: npx strikebase backtest ${asOptions(best.combination, options)}`]),
  ];
  printRows(shown(columns, options.format), rows, { format: options.format, common: COMMON, footer });
  sayOpen(tried.map(({ result }) => result));
}

/** Windows in the order of time, and what all tests together have come to. */
export async function printWalk(
  client: pg.ClientBase,
  {
    base,
    walked,
    combinations,
  }: {
    readonly base: RunBase;
    readonly walked: readonly WalkedWindow[];
    readonly combinations: readonly Combination[];
  },
  options: PrintOptions,
): Promise<void> {
  const { format, by } = options;
  const keys = Object.keys(combinations[0] ?? {});
  const isNet = by === 'net';
  const columns: OutputColumn[] = [
    ...named(['test_from', 'test_to']),
    ...keys.map((name) => ({ name, oid: typeOf(combinations.map((each) => each[name] ?? null)) })),
    { name: 'in_net', oid: NUMERIC },
    { name: 'out_net', oid: NUMERIC },
    ...(isNet ? [] : [`in_${by}`, `out_${by}`].map((name) => ({ name, oid: NUMERIC }))),
    { name: 'in_trades', oid: INTEGER },
    { name: 'out_trades', oid: INTEGER },
    ...['out_win_rate', 'out_profit_factor', 'out_max_drawdown']
      .filter((name) => name !== `out_${by}`)
      .map((name) => ({ name, oid: NUMERIC })),
    ...named(['train_from', 'train_to']),
    ...['train_run_id', 'test_run_id'].map((name) => ({ name, oid: INTEGER })),
    ...named(['strategy', 'quote_source']),
  ];
  const total = await readTotal(
    client,
    walked.flatMap(({ test }) => test?.run_id ?? []),
  );
  const line = (cells: Readonly<Record<string, Cell>>): Cell[] =>
    columns.map(({ name }) => cells[name] ?? null);
  const common = { strategy: options.strategy, quote_source: options.quotes ?? null };
  const rows = walked.map(({ window, choice, test }) =>
    line({
      ...dates('test', window.test),
      ...dates('train', window.train),
      ...(choice === null
        ? {}
        : Object.fromEntries(keys.map((key) => [key, wordOf(choice.combination[key], format)]))),
      ...prefixed('in', choice?.result ?? null, format),
      ...prefixed('out', test, format),
      train_run_id: choice === null ? null : String(choice.result.run_id),
      test_run_id: test === null ? null : String(test.run_id),
      ...common,
    }),
  );
  const all = line({ test_from: 'total', ...prefixed('out', { ...total, run_id: 0 }, format), ...common });
  const footer = [
    '',
    `in: the training, in which the best by ${by} was chosen; out: the test that follows it`,
    aboutRuns(base, options),
  ];
  printRows(shown(columns, format), [...rows, all], { format, common: COMMON, footer });
  const untraded = walked.filter(({ choice }) => choice === null).length;
  if (untraded > 0)
    note(`${untraded} windows have no trade in their training: nothing was chosen, nothing run`);
  sayOpen(walked.flatMap(({ test }) => test ?? []));
}

function shown(columns: readonly OutputColumn[], format: Format): OutputColumn[] {
  return columns.map(({ name, oid }) => ({ name: format === 'table' ? (SHORT[name] ?? name) : name, oid }));
}

function named(names: readonly string[]): OutputColumn[] {
  return names.map((name) => ({ name, oid: TEXT }));
}

/** Right-aligned, and numbers in JSON, where every value is one. */
function typeOf(values: readonly Cell[]): number {
  const isNumber = (value: Cell): boolean => value === null || /^-?\d+(\.\d+)?$/.test(value);
  return values.every(isNumber) ? NUMERIC : TEXT;
}

function figuresOf(result: RunResult, format: Format): Cell[] {
  const { trades, win_rate, net, profit_factor, max_drawdown } = result;
  return [
    String(trades),
    win_rate === null ? null : win_rate.toFixed(4),
    money(net, format),
    profit_factor === null ? null : profit_factor.toFixed(format === 'table' ? 2 : 4),
    money(max_drawdown, format),
  ];
}

function prefixed(side: 'in' | 'out', result: RunResult | null, format: Format): Record<string, Cell> {
  if (result === null) return {};
  const cells = figuresOf(result, format);
  return Object.fromEntries(
    FIGURE_COLUMNS.map(({ name }, index) => [`${side}_${name}`, cells[index] ?? null]),
  );
}

/** The command line's own word, where an empty field could be anything. */
function wordOf(value: Cell | undefined, format: Format): Cell {
  return value ?? (format === 'table' ? 'null' : null);
}

/** In cents for people: fees have up to four decimals. */
function money(dollars: number, format: Format): string {
  return dollars.toFixed(format === 'table' ? 2 : 4);
}

function dates(
  side: 'train' | 'test',
  range: { readonly from: EasternUs; readonly to: EasternUs },
): Record<string, Cell> {
  const lastInstant = (range.to - 1) as EasternUs;
  return {
    [`${side}_from`]: formatEastern(range.from).slice(0, 10),
    [`${side}_to`]: formatEastern(lastInstant).slice(0, 10),
  };
}

function aboutRuns({ request, symbol }: RunBase, { quotes }: PrintOptions): string {
  const { strategy, tickFeed, quoteFeed, from, to } = request;
  const range = dates('test', { from, to });
  return (
    `${strategy} on ${symbol}, ${range.test_from} to ${range.test_to}, ticks ${tickFeed}, ${quotes} quotes (${quoteFeed}); ` +
    'runs keep trades, and counts of what was skipped'
  );
}

/** What makes a run of one combination with `backtest`. */
function asOptions(combination: Combination, options: PrintOptions): string {
  const { strategy, quotes, symbol, feed, quoteFeed, from, to } = options;
  const words: [string, string | undefined][] = [
    ...Object.entries({ strategy, quotes, symbol, feed, 'quote-feed': quoteFeed }),
    ['from', from === undefined ? undefined : formatEastern(from)],
    ['to', to === undefined ? undefined : formatEastern(to)],
    ...Object.entries({ ...options.set, ...combination }).map(([key, value]): [string, string] => [
      'set',
      `${key}=${value ?? 'null'}`,
    ]),
  ];
  return words
    .flatMap(([name, value]) => (value === undefined ? [] : `--${name} ${quoted(value)}`))
    .join(' ');
}

function quoted(word: string): string {
  return /^[\w.,:=/+-]+$/.test(word) ? word : `"${word}"`;
}

function sayOpen(results: readonly RunResult[]): void {
  const open = results.reduce((sum, { open_positions }) => sum + open_positions, 0);
  if (open > 0) note(`${open} positions were open when their run ended: they are in no figure`);
}
