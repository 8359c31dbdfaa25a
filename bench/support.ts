// What every benchmark shares: its options, the machine it ran on, CPU times, and the table or JSON that it prints.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { cpus, loadavg, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { type ParseArgsConfig, parseArgs } from 'node:util';
import { errorText, Failure } from '../core/failure.ts';
import { type CoreSpeed, coreSpeed } from './core_speed.ts';

export interface BenchOptions {
  /** A server to use instead of throw-away ones; a database of its own is made there, and dropped. */
  readonly db: string | null;
  /** One engine instead of both. */
  readonly engine: 'embedded' | 'timescaledb' | null;
  readonly json: boolean;
  /** A tenth of the data: to see that it works, not to compare. */
  readonly quick: boolean;
  /** The program's own options, those that were given. */
  readonly numbers: Readonly<Record<string, number | undefined>>;
}

/** One line of the table. */
export interface Figure {
  /** `engine.version()` of the database, or the runtime where there is none. */
  readonly engine: string;
  readonly figure: string;
  readonly value: number | string;
  readonly unit: string;
  readonly goal?: Goal | undefined;
}

export interface Goal {
  readonly text: string;
  readonly isMet: boolean;
}

export interface Bench {
  readonly options: BenchOptions;
  /** A folder that is gone when the program ends, by Ctrl-C too. */
  readonly folder: string;
  /** A line for the reader, on standard error. */
  note(text: string): void;
  /** Adds figures to the report. */
  add(...figures: readonly Figure[]): void;
}

/**
 * Runs a benchmark and prints its figures beside the machine's. `numbers` names options of its own, each of which takes a number.
 * Sets the exit code to 1 if it fails, not if it is slow.
 */
export async function runBenchmark(
  name: string,
  work: (bench: Bench) => Promise<void>,
  numbers: readonly string[] = [],
): Promise<void> {
  // An exit runs the clean-up; servers end by themselves when we do.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(130));
  const options = parseOptions(name, numbers);
  if (options === null) return;
  const folder = mkdtempSync(join(tmpdir(), 'strikebase-bench-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  const figures: Figure[] = [];
  const note = (text: string): void => void process.stderr.write(`${name}: ${text}\n`);
  const before = loadavg();
  const speedBefore = await coreSpeed();
  try {
    await work({ options, folder, note, add: (...more) => void figures.push(...more) });
  } catch (error) {
    note(errorText(error));
    if (error instanceof Failure) note(error.hint ?? '');
    else if (error instanceof Error) process.stderr.write(`${error.stack}\n`);
    process.exitCode = 1;
  }
  const after = { loadAfter: loadavg(), speedAfter: await coreSpeed() };
  const machine = { ...describeMachine(), loadBefore: before, speedBefore, ...after };
  const report = { name, quick: options.quick, machine, figures };
  if (options.json) console.log(JSON.stringify(report));
  else printReport(report);
}

const OPTIONS = {
  db: { type: 'string' },
  engine: { type: 'string' },
  json: { type: 'boolean', default: false },
  quick: { type: 'boolean', default: false },
  help: { type: 'boolean', short: 'h', default: false },
} as const;

function parseOptions(name: string, numbers: readonly string[]): BenchOptions | null {
  const own = Object.fromEntries(numbers.map((each) => [each, { type: 'string' } as const]));
  const usage = `node dist/bench/${name}.js ${['[--quick] [--json] [--db URL] [--engine embedded|timescaledb]', ...numbers.map((each) => `[--${each} N]`)].join(' ')}`;
  const values = parseValues({ ...own, ...OPTIONS });
  if (typeof values === 'string') {
    process.stderr.write(`${name}: ${values}\n${usage}\n`);
    process.exit(2);
  }
  const { db, json, quick, help } = values;
  const parsed = numbers.map((each) => [each, numberOf(values[each])] as const);
  const wrong = parsed.find(([, value]) => Number.isNaN(value));
  const engine = engineOf(values.engine);
  if (wrong !== undefined || engine === undefined) {
    const reason =
      wrong === undefined ? '--engine takes embedded or timescaledb' : `--${wrong[0]} takes a number`;
    process.stderr.write(`${name}: ${reason}\n${usage}\n`);
    process.exit(2);
  }
  if (help !== true) {
    return {
      ...{ db: typeof db === 'string' ? db : null, engine, json: json === true, quick: quick === true },
      numbers: Object.fromEntries(parsed),
    };
  }
  console.log(
    `${usage}\n\n` +
      'Without --db it runs on throw-away servers: the built-in engine, and TimescaleDB where it is installed.\n' +
      'With it, in a database of its own on that server, as a user who may create databases.',
  );
  return null;
}

function parseValues(
  options: NonNullable<ParseArgsConfig['options']>,
): Readonly<Record<string, unknown>> | string {
  try {
    return parseArgs({ options }).values;
  } catch (error) {
    return errorText(error);
  }
}

function engineOf(text: unknown): BenchOptions['engine'] | undefined {
  if (text === undefined) return null;
  return text === 'embedded' || text === 'timescaledb' ? text : undefined;
}

function numberOf(text: unknown): number | undefined {
  return text === undefined ? undefined : Number(text);
}

interface Machine {
  readonly node: string;
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGib: number;
}

function describeMachine(): Machine {
  const [first] = cpus();
  const memoryGib = Math.round(totalmem() / 2 ** 30);
  return { node: process.version, cpu: first?.model ?? 'unknown', cores: cpus().length, memoryGib };
}

interface State {
  readonly loadBefore: readonly number[];
  readonly speedBefore: CoreSpeed;
  readonly loadAfter: readonly number[];
  readonly speedAfter: CoreSpeed;
}

/** What a program found, on which machine, under which load. */
export interface Report {
  readonly name: string;
  readonly quick: boolean;
  readonly machine: Machine & State;
  readonly figures: readonly Figure[];
}

/** Prints a report as a table for each engine. */
export function printReport({ name, machine, figures }: Report): void {
  const { node, cpu, cores, memoryGib, loadBefore, loadAfter, speedBefore, speedAfter } = machine;
  const loads = [loadBefore, loadAfter].map((load) => load.map((each) => each.toFixed(2)).join(' '));
  const speeds = [speedBefore, speedAfter].map(
    ({ alone, ofTwo }) => `${alone.toFixed(0)}/${ofTwo.toFixed(0)}`,
  );
  const state = `load ${loads.join(' -> ')} · speed ${speeds.join(' -> ')}`;
  console.log(`\n${name} · Node ${node} · ${cores} x ${cpu}, ${memoryGib} GiB · ${state}`);
  for (const engine of new Set(figures.map((each) => each.engine))) {
    console.log(`\n${engine}`);
    printRows(figures.filter((each) => each.engine === engine));
  }
}

function printRows(figures: readonly Figure[]): void {
  const rows = figures.map((each) => [each.figure, valueText(each), each.unit, goalText(each.goal)] as const);
  const width = (column: 0 | 1 | 2): number => Math.max(...rows.map((row) => row[column].length));
  const [names, values, units] = [width(0), width(1), width(2)];
  for (const [name, value, unit, goal] of rows) {
    const cells = [name.padEnd(names), value.padStart(values), unit.padEnd(units), goal];
    console.log(`  ${cells.join('  ').trimEnd()}`);
  }
}

function goalText(goal: Goal | undefined): string {
  return goal === undefined ? '' : `goal ${goal.text}: ${goal.isMet ? 'met' : 'MISSED'}`;
}

function valueText({ value }: Figure): string {
  if (typeof value === 'string') return value;
  if (value >= 1000) return Math.round(value).toLocaleString('en-US');
  if (Number.isInteger(value)) return String(value);
  return value.toFixed(value < 0.1 ? 4 : value < 10 ? 2 : 1);
}

/** A goal for times. */
export function atMost(value: number, limit: number, unit: string): Goal {
  return { text: `<= ${limit} ${unit}`.trimEnd(), isMet: value <= limit };
}

/** A goal for ratios. */
export function atLeast(value: number, limit: number): Goal {
  return { text: `>= ${limit}`, isMet: value >= limit };
}

/** CPU seconds that a process has used, its own and the kernel's for it; null where /proc does not tell, or not of `program`. */
export function cpuSeconds(pid: number, program: string): number | null {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const name = text.slice(text.indexOf('(') + 1, text.lastIndexOf(')'));
    // The pid may be of another machine's server.
    if (name !== program) return null;
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return (Number(fields[11]) + Number(fields[12])) / TICKS_A_SECOND;
  } catch {
    return null;
  }
}

// USER_HZ, which Linux has fixed at 100 for what it shows to programs.
const TICKS_A_SECOND = 100;

/** CPU seconds of this process. */
export function ownCpuSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

/** Seconds that `work` takes. */
export async function seconds(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await work();
  return (performance.now() - began) / 1000;
}

/** Quantile by linear interpolation between the two nearest values. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (sorted.length - 1) * share;
  const below = sorted[Math.floor(at)] ?? Number.NaN;
  return below + ((sorted[Math.ceil(at)] ?? below) - below) * (at - Math.floor(at));
}
