// What --vary means: the values that a grid tries for a parameter, and every combination of them.
import { InvalidArgumentError } from 'commander';
import type pg from 'pg';
import { Failure } from '../core/failure.ts';
import { noSuchStrategy, refuseUnknownParameters } from './suggest.ts';

/** Values by parameter, as written; in the order of the command line. */
export type Varied = Readonly<Record<string, readonly string[]>>;

/** One value for each parameter varied, as --set takes it; null switches a parameter off. */
export type Combination = Readonly<Record<string, string | null>>;

const MAX_COMBINATIONS = 10_000;

// What decides on which data a run stands, or does nothing in a backtest.
const FIXED: Readonly<Record<string, string>> = {
  underlying: 'One grid runs on one symbol: --symbol.',
  option_root: 'One grid runs on one symbol: --symbol.',
  account: 'Every backtest has an account of its own.',
  enabled: 'A backtest runs disabled strategies too.',
};

/** `key=v1,v2`, or `key=3,5;7` for a parameter whose values are lists; collected over several options. */
export function parseVary(text: string, previous: Varied = {}): Varied {
  const at = text.indexOf('=');
  if (at <= 0) throw new InvalidArgumentError(`Write KEY=VALUE,VALUE, not ${text}.`);
  const key = text.slice(0, at);
  if (key in previous)
    throw new InvalidArgumentError(`${key} stands there twice: name all its values at once.`);
  const values = valuesOf(text.slice(at + 1));
  if (values.some((value) => value === ''))
    throw new InvalidArgumentError(`A value of ${key} is empty; null switches a parameter off.`);
  const twice = values.find((value, index) => values.indexOf(value) < index);
  if (twice !== undefined) throw new InvalidArgumentError(`${key} has ${twice} twice.`);
  return { ...previous, [key]: values };
}

/** A semicolon anywhere makes it the separator: commas then belong to the lists. */
function valuesOf(text: string): string[] {
  const parts = text.includes(';') ? text.replace(/;\s*$/, '').split(';') : text.split(',');
  return parts.map((part) => part.trim());
}

/** Every combination, the last parameter varying first. Throws Failure where there are none, or too many to be meant. */
export function combinationsOf(varied: Varied): Combination[] {
  const entries = Object.entries(varied);
  if (entries.length === 0) {
    throw new Failure('--vary is missing: it says what the grid tries', {
      hint: 'For example --vary take_profit_ratio=0.3,0.5,0.7; repeat it for another parameter.',
      exitCode: 2,
    });
  }
  const count = entries.reduce((product, [, values]) => product * values.length, 1);
  if (count > MAX_COMBINATIONS) {
    throw new Failure(`these are ${count} combinations, and a grid takes at most ${MAX_COMBINATIONS}`, {
      hint: 'Try fewer values of each, then finer ones around the best.',
      exitCode: 2,
    });
  }
  return entries.reduce<Combination[]>(
    (all, [key, values]) =>
      all.flatMap((each) => values.map((value) => ({ ...each, [key]: value === 'null' ? null : value }))),
    [{}],
  );
}

/** Judges every combination with the strategy's own checks. Throws before anything has run. */
export async function refuseWrongValues(
  client: pg.ClientBase,
  grid: {
    readonly strategy: string;
    readonly settings: Readonly<Record<string, unknown>>;
    readonly varied: Varied;
    readonly combinations: readonly Combination[];
  },
): Promise<void> {
  const { strategy, settings, varied, combinations } = grid;
  const keys = Object.keys(varied);
  const { rows } = await client.query('select from ref.current_strategies where strategy = $1', [strategy]);
  if (rows.length === 0) throw await noSuchStrategy(client, strategy);
  await refuseUnknownParameters(client, { ...settings, ...varied });
  const fixed = keys.find((key) => key in FIXED);
  if (fixed !== undefined)
    throw new Failure(`${fixed} cannot be varied`, { hint: FIXED[fixed] ?? '', exitCode: 2 });
  const both = keys.find((key) => key in settings);
  if (both !== undefined) {
    throw new Failure(`${both} is both set and varied`, {
      hint: `Leave it out of --set (or --symbol), or out of --vary.`,
      exitCode: 2,
    });
  }
  await client.query(
    `select trade.apply_settings((select s from ref.strategies s where s.strategy = $1 order by s.version desc limit 1), $2::jsonb || x)
     from jsonb_array_elements($3) x`,
    [strategy, JSON.stringify(settings), JSON.stringify(combinations)],
  );
}

/** `take_profit_ratio 0.5, contracts 10`. */
export function describeCombination(combination: Combination): string {
  return Object.entries(combination)
    .map(([key, value]) => `${key} ${value ?? 'off'}`)
    .join(', ');
}
