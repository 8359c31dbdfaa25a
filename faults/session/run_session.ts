// npm run faults -- --session: a whole simulated session in real processes at its simulators, with every class of faults.
import { fork } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import pg from 'pg';
import { systemClock } from '../../core/clock.ts';
import { dateOf, formatEastern, type SessionDate } from '../../core/eastern_time.ts';
import { projectPath } from '../../core/root.ts';
import { startEmbedded } from '../../db/embedded.ts';
import { migrate } from '../../db/migrate.ts';
import { FAULTS } from '../catalogue.ts';
import { type FaultRow, tableOf, verdictOf } from '../table.ts';
import type { Injected, SessionNews, SessionOrder } from './main.ts';
import { systemOf } from './systems.ts';
import { type SessionSettings, type SessionTiming, timingOf } from './timing.ts';
import type { System } from './venue.ts';

const PORT = 57_829;

// The last whole session before today: what the machine does today is then never confused with it.
const DATE_SQL = `
  select s.session_date::text from ref.sessions s where s.session_date < $1::date and not s.is_early_close
  order by s.session_date desc limit 1`;

const HOURS_SQL = `
  update ref.sessions set ts_open = $2, ts_close = $3, ts_option_close = $4, is_early_close = false where session_date = $1`;

// The checks compare the clocks of the machine and of the database, which have to run alike; and one of them is to go wrong.
const CLOCK_SQL = (fastClock: string): string => {
  const [speed, real, shown] = fastClock.split(',');
  return `
  create schema session_clock;
  create table session_clock.skews (off interval not null);
  insert into session_clock.skews values ('0');
  create function session_clock.clock_timestamp() returns timestamptz language sql volatile as $$
    select to_timestamp((${shown} + (extract(epoch from pg_catalog.clock_timestamp()) * 1000 - ${real}) * ${speed}) / 1000) + s.off
    from session_clock.skews s
  $$;
  create function session_clock.skew(p_off interval) returns void language sql volatile as $$
    update session_clock.skews set off = p_off
  $$;
  -- A limit of the server's is of the same time as those of its clients, which give up behind it.
  create function session_clock.set_config(p_name text, p_value text, p_is_local boolean) returns text language sql volatile as $$
    select pg_catalog.set_config(
      p_name, case when p_name = 'lock_timeout' then greatest(1, p_value::integer / (${speed})::numeric)::integer::text else p_value end, p_is_local
    )
  $$;
  grant usage on schema session_clock to job_runner, ingest_writer;
  grant execute on all functions in schema session_clock to job_runner, ingest_writer;
  grant select on session_clock.skews to job_runner, ingest_writer;
  alter database strikebase set search_path = session_clock, pg_catalog, public`;
};

export interface Played {
  readonly injected: readonly Injected[];
  readonly verdict: Over['verdict'];
}

/** Plays it and prints the table. True if every fault was survived and nothing was doubled or lost. */
export async function runSession(settings: SessionSettings): Promise<boolean> {
  const wall = systemClock().now();
  const over = await playSession(settings, note);
  if (over === null) return false;
  const rows = rowsOf(over.injected, settings.speed, over.verdict);
  process.stdout.write(`${tableOf(rows)}\n${over.verdict.figures.join('\n')}\n`);
  const failed = over.injected.filter(({ problem }) => problem !== null);
  for (const { what, problem } of failed) process.stdout.write(`not survived: ${what}: ${problem}\n`);
  for (const problem of over.verdict.problems) process.stdout.write(`not in order: ${problem}\n`);
  const minutes = (systemClock().now() - wall) / 60_000_000;
  process.stdout.write(`${minutes.toFixed(1)} minutes; recovery in seconds of the machine's clock\n`);
  const { line, isOk } = verdictOf(rows);
  process.stdout.write(`${line}\n`);
  return isOk && over.verdict.problems.length === 0;
}

/** Plays it, with its database on `port`; null where it did not come to an end, which `onNote` has told. Needs the compiled program. */
export async function playSession(
  settings: SessionSettings,
  onNote: (text: string) => void,
  port = PORT,
): Promise<Played | null> {
  const folder = mkdtempSync(join(tmpdir(), 'strikebase-session-'));
  try {
    const { order, timing } = await prepare(folder, settings, port);
    const { tsOpen, tsClose } = timing.session;
    onNote(
      `${settings.strategy}: session ${timing.session.sessionDate}, ${formatEastern(tsOpen).slice(11)} to ${formatEastern(tsClose).slice(11)}, seed ${settings.seed}, ${settings.speed} x real time, in ${folder}`,
    );
    return await playIn(order, timing, onNote);
  } finally {
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

function note(text: string): void {
  process.stderr.write(`${text}\n`);
}

async function prepare(
  folder: string,
  settings: SessionSettings,
  port: number,
): Promise<{ readonly order: SessionOrder; readonly timing: SessionTiming }> {
  const system = systemOf(settings.strategy) as System;
  const dir = join(folder, 'data');
  const server = await startEmbedded({ dir, port });
  await migrate(server.url);
  const client = new pg.Client({ connectionString: server.url });
  await client.connect();
  const { rows } = await client.query<{ session_date: SessionDate }>(DATE_SQL, [dateOf(systemClock().now())]);
  const date = rows[0]?.session_date;
  if (date === undefined) throw new Error('the calendar has no session before today');
  const timing = timingOf(date, settings, system.hours(settings.minutes));
  const { tsOpen, tsClose, tsOptionClose } = timing.session;
  const hours = [tsOpen, tsClose, tsOptionClose ?? tsClose].map(formatEastern);
  await client.query(HOURS_SQL, [date, ...hours]);
  await client.query('select trade.set_strategy($1, $2)', [
    system.strategy,
    system.settings(settings.minutes),
  ]);
  await client.query(CLOCK_SQL(timing.fastClock));
  await client.end();
  await server.stop();
  const { url, dataDir } = server;
  const { strategy, seed } = settings;
  const { session } = timing;
  const { afterMs } = system.hours(settings.minutes);
  const order = { strategy, afterMs, folder, dir, url, dataDir, port, seed, session };
  return { order, timing };
}

type Over = Extract<SessionNews, { kind: 'over' }>;

function playIn(
  order: SessionOrder,
  { fastClock }: SessionTiming,
  onNote: (text: string) => void,
): Promise<Over | null> {
  const at = (name: string): string => projectPath('dist', 'faults', 'session', name);
  const preload = `--import=${pathToFileURL(at('fast_clock.js')).href}`;
  const child = fork(at('main.js'), {
    env: { ...process.env, FAST_CLOCK: fastClock, NODE_OPTIONS: preload },
    execArgv: ['--max-old-space-size=4096'],
  });
  // A terminal's Ctrl-C reaches it anyway.
  const stop = (): void => void child.kill('SIGTERM');
  process.once('SIGTERM', stop);
  child.send(order);
  return new Promise((resolve) => {
    let over: Over | null = null;
    child.on('message', (news: SessionNews) => {
      if (news.kind === 'note') onNote(news.text);
      else over = news;
    });
    child.once('close', () => {
      process.off('SIGTERM', stop);
      resolve(over);
    });
  });
}

/** Rows of the classes that were injected; what is doubled or lost stands with the class that it is about. */
function rowsOf(
  injected: readonly Injected[],
  speed: number,
  { duplicateOrders, lostExits, lostRows }: Over['verdict'],
): FaultRow[] {
  const ids = [...new Set(injected.map(({ id }) => id))].sort(
    (a, b) => Number(a.slice(1)) - Number(b.slice(1)),
  );
  return ids.map((id): FaultRow => {
    const mine = injected.filter((each) => each.id === id);
    const failed = mine.filter(({ problem }) => problem !== null);
    const times = mine.flatMap(({ recoveryMs }) => recoveryMs ?? []);
    return {
      ...{ id, what: FAULTS.find((fault) => fault.id === id)?.what ?? id },
      ...{ injected: mine.length, survived: mine.length - failed.length },
      duplicateOrders: id === 'F9' ? duplicateOrders : 0,
      lostExits: id === 'F11' ? lostExits : 0,
      lostRows: id === 'F6' ? lostRows : 0,
      recoveryMs: times.length === 0 ? null : Math.max(...times) / speed,
      ...{ failed: failed.map(({ what }) => what), leftOut: null },
    };
  });
}
