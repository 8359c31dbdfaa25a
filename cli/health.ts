// `strikebase health`: whether a process of a live run does its work, by its sign of life in the database. For health checks.
import { Argument, Command } from 'commander';
import type pg from 'pg';
import { Failure } from '../core/failure.ts';
import { connect } from '../db/pool.ts';
import { withDatabase } from './database.ts';
import { withDb, withExamples } from './options.ts';
import { print } from './terminal.ts';

interface Watched {
  /** Pattern of ops.heartbeats.process. */
  readonly process: string;
  readonly maxAgeSeconds: number;
  /** Interval around a session in which it must show itself; null: always. */
  readonly due: { readonly from: string; readonly to: string } | null;
}

const DATA = { from: '-29 minutes', to: '29 minutes' };
const TRADING = { from: '1 minute', to: '-1 minute' };
// The checks of `ready` come once a minute, everything else every few seconds.
const READY_SECONDS = 150;
const OTHER_SECONDS = 30;

const WATCHED: Readonly<Record<string, Watched>> = {
  'ingest-equities': { process: 'ingest-equities', maxAgeSeconds: OTHER_SECONDS, due: DATA },
  'ingest-options': { process: 'ingest-options', maxAgeSeconds: OTHER_SECONDS, due: TRADING },
  advance: { process: 'live-%', maxAgeSeconds: OTHER_SECONDS, due: TRADING },
  ready: { process: 'ready', maxAgeSeconds: READY_SECONDS, due: null },
  'orders-submit': { process: 'orders-%', maxAgeSeconds: OTHER_SECONDS, due: null },
  'orders-reconcile': { process: 'reconcile-%', maxAgeSeconds: OTHER_SECONDS, due: null },
  messages: { process: 'messages', maxAgeSeconds: OTHER_SECONDS, due: null },
  simulate: { process: 'simulate', maxAgeSeconds: OTHER_SECONDS, due: null },
};

const AGE_SQL = `
  select
    extract(epoch from localtimestamp - max(h.ts))::double precision as age_s,
    $2::interval is null or exists (
      select from ref.sessions s
      where localtimestamp >= s.ts_open + $2::interval and localtimestamp < s.ts_close + $3::interval
    ) as is_due
  from ops.heartbeats h
  where h.process like $1`;

/** The subcommand. */
export function healthCommand(): Command {
  const command = new Command('health')
    .description(
      'Exits 0 if a process of a live run works: it has shown itself in the database lately, or no session asks for it. Without a ' +
        'name: whether the database answers. Made for health checks of containers and service managers.',
    )
    .addArgument(new Argument('[process]', 'which').choices(Object.keys(WATCHED)));
  return withExamples(withDb(command), 'health', 'health ingest-equities').action(
    (name: string | undefined, options: { readonly db?: string }) =>
      withDatabase({ ...options, schema: 'any' }, async ({ url }) => {
        const client = await connect({
          url,
          role: name === undefined ? 'owner' : 'job_runner',
          name: 'health',
        });
        try {
          print(`${await check(client, name)}\n`);
        } finally {
          await client.end();
        }
      }),
  );
}

async function check(client: pg.ClientBase, name: string | undefined): Promise<string> {
  const watched = name === undefined ? undefined : WATCHED[name];
  if (watched === undefined) {
    await client.query('select 1');
    return 'the database answers';
  }
  const { process: pattern, maxAgeSeconds, due } = watched;
  const { rows } = await client.query<{ age_s: number | null; is_due: boolean }>(AGE_SQL, [
    pattern,
    due?.from ?? null,
    due?.to ?? null,
  ]);
  const { age_s: age, is_due: isDue } = rows[0] as { age_s: number | null; is_due: boolean };
  const shown = age === null ? 'has never shown itself' : `was last seen ${howLong(age)} ago`;
  if (!isDue) return `${name} ${shown}; no session asks for it now`;
  if (age !== null && age <= maxAgeSeconds) return `${name} ${shown}`;
  throw new Failure(`${name} ${shown}`, {
    hint: 'Is it running, and what does its log say? `strikebase status` shows the feeds.',
  });
}

/** `12.3 s`, `5 minutes`, `157 days`. */
function howLong(seconds: number): string {
  if (seconds < 120) return `${seconds.toFixed(1)} s`;
  const [unit, size] =
    seconds < 7200
      ? (['minutes', 60] as const)
      : seconds < 172_800
        ? (['hours', 3600] as const)
        : (['days', 86_400] as const);
  return `${Math.round(seconds / size)} ${unit}`;
}
