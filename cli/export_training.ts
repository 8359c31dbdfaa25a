// The training table of a run: features, decisions and outcomes, one row for every entry that was considered.
import type pg from 'pg';
import { Failure } from '../core/failure.ts';

/** A key of the features, an inner one where its values are objects. */
interface Feature {
  readonly key: string;
  readonly inner_key: string | null;
  readonly type: 'double precision' | 'boolean' | 'text';
}

// Sorted, so that the same keys give the same columns in the same order; a value of two kinds is text.
const FEATURES = `
  with pairs as (
    select f.key, o.key as inner_key, coalesce(o.value, f.value) as value
    from signal.signals s
    cross join lateral jsonb_each(s.features) f
    left join lateral jsonb_each(case jsonb_typeof(f.value) when 'object' then f.value end) o on true
    where s.run_id = $1
  )
  select key, inner_key, case
    when bool_and(jsonb_typeof(value) = 'number') then 'double precision'
    when bool_and(jsonb_typeof(value) = 'boolean') then 'boolean'
    else 'text'
  end as type
  from pairs
  where jsonb_typeof(value) <> 'null'
  group by key, inner_key
  order by key collate "C", inner_key collate "C" nulls first`;

// A function's numbers have no scale; the file's do.
const SCALES: Readonly<Record<string, string>> = {
  ...{
    close: '(12, 4)',
    vwap: '(14, 6)',
    ma9: '(14, 6)',
    session_vwap: '(14, 6)',
    bid: '(12, 4)',
    ask: '(12, 4)',
  },
  ...{
    day_pl: '(16, 2)',
    entry_px: '(12, 4)',
    exit_px: '(12, 4)',
    minutes_held: '(12, 2)',
    gross: '(16, 2)',
  },
  ...{
    fees: '(16, 4)',
    net: '(16, 4)',
    notional: '(16, 2)',
    max_adverse: '(16, 2)',
    max_favourable: '(16, 2)',
  },
};
const BEFORE = [
  ...['run_id', 'strategy', 'version', 'symbol', 'quote_source', 'session_date', 'ts', 'minute', 'direction'],
  ...['close', 'vwap', 'ma9', 'session_vwap', 'score'],
];
const AFTER = [
  ...[
    'verdict',
    'reason',
    'bid',
    'ask',
    'quote_age_ms',
    'open_slots',
    'entries_day',
    'orders_day',
    'day_pl',
    'event',
  ],
  ...[
    'contract',
    'outcome',
    'ts_entry',
    'ts_exit',
    'qty',
    'entry_px',
    'exit_px',
    'exit_reason',
    'minutes_held',
  ],
  ...['gross', 'fees', 'net', 'notional', 'max_adverse', 'max_favourable'],
];

/**
 * One select with the training table of a run, for role job_runner: `f_KEY` for every key that any of its features has, in the order
 * of the alphabet, `f_KEY_INNER` for those of an object. Throws Failure for a run that has not kept what it skipped.
 */
export async function trainingQuery(client: pg.ClientBase, runId: number): Promise<string> {
  const { rows: runs } = await client.query<{ keeps: string }>(
    'select keeps from panel.runs where run_id = $1',
    [runId],
  );
  if (runs[0]?.keeps !== 'all') {
    throw new Failure(
      `run ${runId} keeps trades, and counts of what was skipped: there is nothing to learn from`,
      {
        hint: 'Make a whole run with the same parameters: `strikebase grid` prints the command of its best below its table.',
        exitCode: 2,
      },
    );
  }
  const { rows: features } = await client.query<Feature>(FEATURES, [runId]);
  const flattened = features.map(({ key, inner_key: inner, type }) => {
    const value =
      inner === null ? `features ->> ${text(key)}` : `features -> ${text(key)} ->> ${text(inner)}`;
    return `(${value})::${type} as ${columnName(['f', key, ...(inner === null ? [] : [inner])])}`;
  });
  return `select ${[...BEFORE.map(scaled), ...flattened, ...AFTER.map(scaled)].join(', ')} from trade.training_rows(${runId})`;
}

function scaled(column: string): string {
  const scale = SCALES[column];
  return scale === undefined ? column : `${column}::numeric${scale} as ${column}`;
}

function columnName(words: readonly string[]): string {
  return words
    .join('_')
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '_');
}

function text(value: string): string {
  return `'${value.replaceAll("'", "''")}'`;
}
