// What a misspelt name may have meant, and the refusal of names that nobody knows.
import type pg from 'pg';
import { Failure } from '../core/failure.ts';

// As commander: fewer than three letters apart, and more alike than not.
const MAX_DISTANCE = 3;
const MIN_SIMILARITY = 0.4;

/** The name nearest to a word; null where none is near. */
export function nearest(word: string, names: readonly string[]): string | null {
  const ranked = names
    .map((name) => ({ name, distance: editDistance(word, name) }))
    .filter(({ name, distance }) => {
      const length = Math.max(word.length, name.length);
      const isInside = word.length >= MAX_DISTANCE && name.includes(word);
      return isInside || (distance <= MAX_DISTANCE && (length - distance) / length > MIN_SIMILARITY);
    })
    .sort((a, b) => a.distance - b.distance);
  return ranked[0]?.name ?? null;
}

/** `Did you mean vwap_ma9? `, or nothing. */
export function didYouMean(word: string, names: readonly string[]): string {
  const name = nearest(word, names);
  return name === null ? '' : `Did you mean ${name}? `;
}

/** Levenshtein's distance: letters put in, left out or changed. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const changed = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, changed));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}

/** The Failure for a strategy that does not exist, with the name that may have been meant. */
export async function noSuchStrategy(client: pg.ClientBase, strategy: string): Promise<Failure> {
  const { rows } = await client.query<{ strategy: string }>('select strategy from ref.current_strategies');
  const names = rows.map((row) => row.strategy);
  return new Failure(`there is no strategy ${strategy}`, {
    hint: `${didYouMean(strategy, names)}\`strikebase strategies list\` shows them.`,
    exitCode: 2,
  });
}

/** Throws a Failure that names the parameters of strategies which do not exist, and what may have been meant. */
export async function refuseUnknownParameters(
  client: pg.ClientBase,
  settings: Readonly<Record<string, unknown>>,
): Promise<void> {
  const { rows } = await client.query<{ name: string }>(
    `select a.attname as name from pg_attribute a
     where a.attrelid = 'ref.strategies'::regclass and a.attnum > 0 and not a.attisdropped
       and a.attname not in ('strategy', 'version', 'ts_created')`,
  );
  const names = rows.map((row) => row.name);
  const unknown = Object.keys(settings).filter((key) => !names.includes(key));
  if (unknown.length === 0) return;
  const meant = unknown.flatMap((key) => nearest(key, names) ?? []);
  throw new Failure(`unknown parameter: ${unknown.join(', ')}`, {
    hint: `${meant.length === 0 ? '' : `Did you mean ${meant.join(', ')}? `}\`strikebase strategies list\` shows all.`,
    exitCode: 2,
  });
}
