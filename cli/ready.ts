// strikebase ready: whether an entry could be made now, check by check.
import { Command } from 'commander';
import type pg from 'pg';
import { type Clock, systemClock } from '../core/clock.ts';
import { loadConfig } from '../core/config.ts';
import { type EasternUs, formatEastern } from '../core/eastern_time.ts';
import { writeHeartbeat } from '../db/heartbeat.ts';
import { lastingConnection } from '../db/lasting_connection.ts';
import type { Broker } from '../jobs/brokers/broker.ts';
import { openBroker } from '../jobs/brokers/open_broker.ts';
import { checkReadiness, type ReadinessCheck } from '../jobs/readiness.ts';
import { withDatabase } from './database.ts';
import { interrupt } from './interrupt.ts';
import { refuseMissingSettings } from './live_settings.ts';
import { currentOrNextSession, describeSession, isOn, type MarketSession } from './market_sessions.ts';
import { withDb, withExamples, withFormat } from './options.ts';
import { type Format, printRows } from './output.ts';
import { note } from './terminal.ts';
import { tradingOf, type Vendor } from './trading.ts';

interface ReadyOptions {
  readonly strategy: string;
  readonly format: Format;
  readonly watch: boolean;
  readonly db?: string;
}

// Entries are barred by a red check until the next one.
const CHECK_MS = 60_000;
const RED_CHECK_MS = 5000;
const GIVE_UP_MS = 1500;

const TEXT = 25;
const BOOL = 16;
const COLUMNS = [
  { name: 'check', oid: TEXT },
  { name: 'ok', oid: BOOL },
  { name: 'detail', oid: TEXT },
];

/** The subcommand. */
export function readyCommand(): Command {
  const command = new Command('ready')
    .description(
      'Checks everything that must hold before an entry: database, clock, schema, calendar, kill switch, feeds and, with a ' +
        'broker, its login, account and buying power. Stores the checks; exits with 1 if one is red.',
    )
    .option('--strategy <name>', 'strategy that is to trade', 'vwap_ma9')
    .option('--watch', 'check every minute until Ctrl-C, and tell what has changed', false);
  return withExamples(withDb(withFormat(command)), 'ready', 'ready --format json', 'ready --watch').action(
    (options: ReadyOptions) =>
      withDatabase({ db: options.db }, async (database) => {
        const config = loadConfig();
        refuseMissingSettings(config, { feed: null });
        const clock = systemClock();
        const client = await database.connect('job_runner');
        const broker = config.broker === 'paper' ? null : await openBroker(config, clock);
        try {
          const { strategy } = options;
          if (options.watch) return await watchReadiness({ url: database.url, clock, strategy, broker });
          const feedIds = await feedsOfLiveRuns(client);
          const session = await currentOrNextSession(client, clock.now());
          const { vendor } = await tradingOf(client, config, strategy);
          const checks = [
            ...(await checkReadiness({ client, clock, strategy, feedIds, broker })),
            ...(await checkRunning(client, session, clock.now(), vendor)),
          ];
          const rows = checks.map(({ name, isOk, detail }) => [name, isOk ? 't' : 'f', detail]);
          printRows(COLUMNS, rows, { format: options.format });
          note(verdictOf(checks, session, clock.now()));
          if (checks.some((check) => !check.isOk)) process.exitCode = 1;
        } finally {
          await broker?.close();
        }
      }),
  );
}

const INGESTERS: Readonly<Record<Vendor, readonly string[]>> = {
  massive: ['ingest-equities', 'ingest-options'],
  tradier: ['ingest-tradier'],
};

const RUNNING_SQL = `
  select wanted.name, (
    select max(h.ts)::text from ops.heartbeats h
    where h.process like wanted.pattern and h.state <> 'ended' and h.ts > $1::timestamp - interval '1 minute' and h.ts <= $1::timestamp + interval '1 minute'
  ) as ts
  from (
    select i.name, i.name as pattern from unnest($2::text[]) i (name)
    union all
    select 'advance', 'live-%'
  ) as wanted`;

/**
 * Whether what trades is running, by its signs of life. During a session what is not running is red; before and after it nothing has
 * to run. Only for who asks: the processes themselves come up one after the other.
 */
async function checkRunning(
  client: pg.ClientBase,
  session: MarketSession,
  now: EasternUs,
  vendor: Vendor,
): Promise<ReadinessCheck[]> {
  const values = [formatEastern(now), INGESTERS[vendor]];
  const { rows } = await client.query<{ name: string; ts: string | null }>(RUNNING_SQL, values);
  const missing = rows.filter(({ ts }) => ts === null).map(({ name }) => name);
  const isDue = isOn(session, now);
  const detail =
    missing.length === 0
      ? 'streams and rules are running'
      : `not running: ${missing.join(', ')}${isDue ? '; `strikebase start` runs them all' : ''}`;
  return [
    { name: 'processes', isOk: missing.length === 0 || !isDue, detail },
    {
      name: 'session',
      isOk: true,
      detail: isDue ? `on: ${describeSession(session)}` : `none now; the next is ${describeSession(session)}`,
    },
  ];
}

function verdictOf(checks: readonly ReadinessCheck[], session: MarketSession, now: EasternUs): string {
  const red = checks.filter((check) => !check.isOk).map((check) => check.name);
  if (red.length > 0) return `not ready: ${red.join(', ')}`;
  if (isOn(session, now)) return 'ready: entries may be made';
  return `nothing is wrong, but no session is on: nothing is traded before ${describeSession(session)}`;
}

interface Watching {
  readonly url: string;
  readonly clock: Clock;
  readonly strategy: string;
  readonly broker: Broker | null;
}

/** Checks until the command is told to end; whatever is red is looked at again sooner. */
async function watchReadiness({ url, clock, strategy, broker }: Watching): Promise<void> {
  const signal = interrupt();
  const giveUp = new AbortController();
  // A check that waits for a lost database must not hold up the end.
  const onAbort = (): void => void setTimeout(() => giveUp.abort(), GIVE_UP_MS).unref();
  signal.addEventListener('abort', onAbort, { once: true });
  const connection = await lastingConnection({
    url,
    role: 'job_runner',
    name: 'ready',
    signal: giveUp.signal,
  });
  const verdicts = new Map<string, boolean>();
  try {
    while (!signal.aborted) {
      const checks = await connection.run(async (client) =>
        checkReadiness({ client, clock, strategy, feedIds: await feedsOfLiveRuns(client), broker }),
      );
      for (const { name, isOk, detail } of checks) {
        if (verdicts.get(name) !== isOk) note(`${name}: ${isOk ? 'ok' : 'RED'}, ${detail}`);
        verdicts.set(name, isOk);
      }
      await connection.run((client) => beat(client, clock, checks));
      await clock.sleep(checks.every((check) => check.isOk) ? CHECK_MS : RED_CHECK_MS, signal);
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    signal.removeEventListener('abort', onAbort);
    await connection.end();
  }
}

async function beat(client: pg.ClientBase, clock: Clock, checks: readonly ReadinessCheck[]): Promise<void> {
  const red = checks.filter((check) => !check.isOk).map((check) => check.name);
  const detail = red.length === 0 ? `${checks.length} checks` : `red: ${red.join(', ')}`;
  await writeHeartbeat(client, { process: 'ready', at: clock.now(), state: 'checking', detail });
}

async function feedsOfLiveRuns(client: pg.ClientBase): Promise<number[]> {
  const { rows } = await client.query<{ feed_id: number }>(
    `select distinct f.feed_id from trade.runs r cross join lateral (values (r.tick_feed_id), (r.quote_feed_id)) as f (feed_id)
     where r.mode = 'live' and r.ts_ended is null`,
  );
  return rows.map((row) => row.feed_id);
}
