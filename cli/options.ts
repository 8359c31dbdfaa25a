// Options that subcommands share, and what their texts mean.
import { type Command, InvalidArgumentError, Option } from 'commander';
import { type EasternUs, formatEastern, parseEastern } from '../core/eastern_time.ts';
import type { Format } from './output.ts';

/** Of the simulated market, unless told otherwise. */
export const DEFAULT_SEED = 1;

const DAY_US = 86_400_000_000;
const MAX_SEED = 4_294_967_295;

/** A half-open range of event time as SQL text; what is not limited reaches to infinity. */
export interface RangeText {
  readonly from: string;
  readonly to: string;
}

export interface RangeOptions {
  readonly from?: EasternUs;
  readonly to?: EasternUs;
}

export interface OutputOptions extends RangeOptions {
  readonly db?: string;
  readonly run?: string;
  readonly format: Format;
}

function parseStart(text: string): EasternUs {
  const us = parseEastern(text);
  if (us === null) throw new InvalidArgumentError('Write YYYY-MM-DD or "YYYY-MM-DD HH:MM:SS", Eastern.');
  return us;
}

function parseEnd(text: string): EasternUs {
  const us = parseStart(text);
  // A date is the whole day.
  return text.length === 10 ? ((us + DAY_US) as EasternUs) : us;
}

/** A whole number above 0. */
export function parseCount(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value <= 0)
    throw new InvalidArgumentError('It is a whole number above 0.');
  return value;
}

/** A seed of the simulator. */
export function parseSeed(text: string): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value <= MAX_SEED) return value;
  throw new InvalidArgumentError(`It is a whole number from 0 to ${MAX_SEED}.`);
}

/** A multiple of real time, or `max`. */
export function parseSpeed(text: string): number | 'max' {
  return text === 'max' ? 'max' : parseCount(text);
}

/** `key=value`, collected into one object; the value `null` switches a parameter off. */
export function parseSetting(
  text: string,
  previous: Readonly<Record<string, string | null>> = {},
): Record<string, string | null> {
  const at = text.indexOf('=');
  if (at <= 0) throw new InvalidArgumentError(`Write KEY=VALUE, not ${text}.`);
  const value = text.slice(at + 1);
  return { ...previous, [text.slice(0, at)]: value === 'null' ? null : value };
}

/** --db. */
export function withDb(command: Command): Command {
  return command.option('--db <url>', 'database server (else DATABASE_URL, else the embedded one)');
}

/** --from and --to. */
export function withRange(command: Command): Command {
  return command
    .option('--from <time>', 'first date or time, Eastern, inclusive', parseStart)
    .option('--to <time>', 'last date (that whole day), or a time, exclusive', parseEnd);
}

/** --format. */
export function withFormat(command: Command): Command {
  const formats = new Option('--format <format>', 'how to print')
    .choices(['table', 'csv', 'json'])
    .default('table');
  return command.addOption(formats);
}

/** A run id, `latest`, or `latest-1` for the one before it, and so on. */
export function parseRun(text: string): string {
  if (/^latest(-\d{1,6})?$/.test(text)) return text;
  if (!/^\d+$/.test(text) || Number(text) === 0)
    throw new InvalidArgumentError('It is a run id (a whole number), latest, or latest-1, latest-2 …');
  return String(parseCount(text));
}

/** --run. */
export function withRun(command: Command): Command {
  const text = 'run id, latest, latest-1 (the one before) …, or all';
  return command.option('--run <id>', `${text} (default: latest)`, (id) =>
    id === 'all' ? id : parseRun(id),
  );
}

/** The range of --from and --to, or of what is given instead of them. */
export function rangeText(options: RangeOptions): RangeText {
  return {
    from: options.from === undefined ? '-infinity' : formatEastern(options.from),
    to: options.to === undefined ? 'infinity' : formatEastern(options.to),
  };
}

/** Examples at the end of a command's help. */
export function withExamples(command: Command, ...examples: readonly string[]): Command {
  const lines = examples.map((example) => `  $ strikebase ${example}`);
  return command.addHelpText('after', `\nExample${examples.length > 1 ? 's' : ''}:\n${lines.join('\n')}\n`);
}
