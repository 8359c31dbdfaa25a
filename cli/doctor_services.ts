// What doctor looks at beyond this machine: the database and its schema, clocks, the vendor, the broker, the channels.
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { systemClock } from '../core/clock.ts';
import type { Config } from '../core/config.ts';
import { epochMsFromEastern } from '../core/eastern_time.ts';
import { errorText } from '../core/failure.ts';
import { redactor } from '../core/log.ts';
import { recordedHome } from '../db/embedded/place.ts';
import { migrationPending } from '../db/migrate.ts';
import type { Role } from '../db/pool.ts';
import { assertAddress, assertApiKey } from '../ingest/massive/credentials.ts';
import { openChannels } from '../jobs/messages/channels.ts';
import { type Database, withDatabase } from './database.ts';
import { type Finding, fail, failed, ok, warn } from './doctor_machine.ts';

const TIMEOUT_MS = 10_000;
// A time of HTTP has whole seconds.
const HTTP_RESOLUTION_MS = 1000;
const MAX_SKEW_MS = 500;
const FAR_SKEW_MS = 30_000;
const SERVER_VERSION = 150_000;
const ROLES: readonly Role[] = ['ingest_writer', 'job_runner', 'grafana_reader'];
const SET_CLOCK = 'Let the system keep its time: `timedatectl set-ntp true`, or chrony; then look again.';

/** The database: does it answer, is it new enough, is its schema that of this version, may this user do what it must? */
export async function checkDatabase(config: Config, db: string | undefined): Promise<Finding[]> {
  const isEmbedded = db === undefined && config.databaseUrl === null;
  try {
    if (isEmbedded && !existsSync(join(recordedHome(resolve(config.strikebaseDir)), 'pgdata'))) {
      return [ok('database', `none yet: the first command makes one in ${resolve(config.strikebaseDir)}`)];
    }
    return await withDatabase({ db, schema: 'any' }, lookAtDatabase);
  } catch (error) {
    return [failed('database', error, 'Is it running? `strikebase doctor` again when it is.')];
  }
}

async function lookAtDatabase(database: Database): Promise<Finding[]> {
  const client = await database.connect('owner');
  const began = performance.now();
  const { rows } = await client.query<{ version: string; number: number; epoch_ms: number }>(
    `select current_setting('server_version') as version, current_setting('server_version_num')::integer as number,
       (extract(epoch from clock_timestamp()) * 1000)::float8 as epoch_ms`,
  );
  const tookMs = performance.now() - began;
  const [server] = rows;
  const text = `${database.label}: PostgreSQL ${server?.version}`;
  if ((server?.number ?? 0) < SERVER_VERSION)
    return [
      fail(
        'database',
        `${text} is too old`,
        'It takes PostgreSQL 15 or newer; docs/server.md says how to move.',
      ),
    ];
  const skewMs = Math.max(Math.abs((server?.epoch_ms ?? 0) - Date.now()) - tookMs, 0);
  const isPending = await migrationPending(client);
  return [
    ok('database', text),
    isPending ? pending(database) : ok('schema', 'that of this version'),
    ...(isPending ? [] : [await checkRoles(database)]),
    skewFinding('clock', skewMs, 'the database'),
  ];
}

function pending({ isEmbedded, label }: Database): Finding {
  if (isEmbedded) return ok('schema', 'of another version; the next command brings it up to date by itself');
  return fail(
    'schema',
    `the schema at ${label} is not that of this version`,
    'Run `strikebase migrate` with the same --db or DATABASE_URL.',
  );
}

async function checkRoles(database: Database): Promise<Finding> {
  for (const role of ROLES) {
    try {
      await database.connect(role);
    } catch (error) {
      const hint = `As the owner of the database: grant ${ROLES.join(', ')} to this user, or connect as the user who ran \`strikebase migrate\`.`;
      return fail('roles', `this user may not work as ${role}: ${errorText(error)}`, hint);
    }
  }
  return ok('roles', `${ROLES.join(', ')} may be taken`);
}

/** How far two clocks are apart, judged. */
export function skewFinding(name: string, skewMs: number, other: string): Finding {
  const detail = `this machine and ${other} are ${skewMs < 1000 ? `${Math.round(skewMs)} ms` : `${(skewMs / 1000).toFixed(1)} s`} apart`;
  if (skewMs > FAR_SKEW_MS) return fail(name, detail, SET_CLOCK);
  return skewMs > MAX_SKEW_MS
    ? warn(name, `${detail}: no entry is made beyond ${MAX_SKEW_MS} ms`, SET_CLOCK)
    : ok(name, detail);
}

/** The vendor's key, asked of the vendor itself, and the time that it says it is. */
export async function checkMassive(config: Config, signal: AbortSignal): Promise<Finding[]> {
  const name = 'massive key';
  const { massiveApiKey: key, massiveRestUrl } = config;
  if (key === null) {
    return [
      warn(
        name,
        'POLYGON_API_KEY (or MASSIVE_API_KEY) is not set: no live data and no downloads',
        'Put the key of https://massive.com into .env. The demo and recorded files need none.',
      ),
    ];
  }
  try {
    assertAddress(massiveRestUrl, 'rest');
    assertAddress(config.massiveWsUrl, 'websocket');
    assertApiKey(key);
    const { response, tookMs } = await ask(
      `${massiveRestUrl.replace(/\/+$/, '')}/v3/reference/options/contracts?limit=1`,
      key,
      signal,
    );
    const skew = skewOf(response, tookMs);
    return [
      keyFinding(name, response.status),
      ...(skew === null ? [] : [skewFinding('vendor clock', skew, 'Massive')]),
    ];
  } catch (error) {
    const finding = failed(name, error, 'Check the network, a proxy or firewall, and MASSIVE_REST_URL.');
    return [{ ...finding, detail: redactor(config.secrets)(finding.detail) }];
  }
}

async function ask(
  url: string,
  key: string,
  signal: AbortSignal,
): Promise<{ response: Response; tookMs: number }> {
  const began = performance.now();
  const headers = { authorization: `Bearer ${key}` };
  const both = AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]);
  try {
    const response = await fetch(url, { headers, redirect: 'manual', signal: both });
    await response.body?.cancel();
    return { response, tookMs: performance.now() - began };
  } catch (error) {
    // Without `cause`: what a HTTP client throws may quote the request's headers.
    const { cause, name } = error as { cause?: { code?: string; message?: string }; name?: string };
    const why = cause?.code ?? cause?.message ?? name;
    throw new Error(`Massive cannot be reached at ${new URL(url).origin} (${why})`);
  }
}

function keyFinding(name: string, status: number): Finding {
  if (status >= 200 && status < 300) return ok(name, 'Massive accepts it');
  if (status === 401)
    return fail(
      name,
      'Massive does not accept the key (401)',
      'Check POLYGON_API_KEY (or MASSIVE_API_KEY) in .env: copied whole, without quotes, not expired?',
    );
  if (status === 403)
    return warn(
      name,
      'Massive knows the key, but its plan does not list options (403)',
      'Live option quotes need Options Advanced.',
    );
  if (status === 429) return ok(name, 'Massive knows it, and asks for patience (429)');
  return warn(
    name,
    `Massive answers with ${status}`,
    'Try again later; if it stays, check MASSIVE_REST_URL.',
  );
}

function skewOf(response: Response, tookMs: number): number | null {
  const theirs = Date.parse(response.headers.get('date') ?? '');
  if (Number.isNaN(theirs)) return null;
  return Math.max(Math.abs(Date.now() - theirs) - tookMs - HTTP_RESOLUTION_MS, 0);
}

/** The broker that BROKER names, its keys, its login and its account. */
export async function checkBroker(config: Config): Promise<Finding[]> {
  const name = 'broker';
  if (config.broker === 'paper') {
    const text = 'paper: orders are filled on quotes, no money is at stake';
    if (!config.isLiveTrading) return [ok(name, text)];
    return [
      warn(
        name,
        `${text}; LIVE_TRADING=yes has no effect with it`,
        'Set BROKER=schwab or BROKER=tradier as well, or LIVE_TRADING=no.',
      ),
    ];
  }
  try {
    const { openBroker } = await import('../jobs/brokers/open_broker.ts');
    const broker = await openBroker({ ...config, logLevel: 'silent' }, systemClock());
    try {
      const checks = await broker.checks();
      const login =
        config.broker === 'tradier'
          ? 'Look at TRADIER_TOKEN, TRADIER_ACCOUNT and TRADIER_BASE_URL in .env.'
          : 'Run `strikebase schwab login`; docs/going-live.md says what it needs.';
      return checks.map((check) =>
        check.isOk ? ok(check.name, check.detail) : fail(check.name, check.detail, login),
      );
    } finally {
      await broker.close();
    }
  } catch (error) {
    const keys =
      config.broker === 'tradier'
        ? 'Set TRADIER_TOKEN in .env; the sandbox has a token of its own.'
        : 'Set SCHWAB_API_KEY, SCHWAB_API_SECRET and STRIKEBASE_SECRET_KEY in .env.';
    return [failed(name, error, keys)];
  }
}

/** Where messages go. */
export function checkMessages(config: Config): Finding {
  try {
    const channels = openChannels(config);
    if (channels.length > 0) {
      return ok(
        'messages',
        `go to ${channels.map(({ name }) => name).join(' and ')}; \`strikebase messages test\` tries it`,
      );
    }
    return ok('messages', 'no channel is set: nobody is told of entries, exits and alarms');
  } catch (error) {
    return failed('messages', error, 'See TELEGRAM_… and ALERT_WEBHOOK_URL in .env.example.');
  }
}

/** Whether this machine knows Eastern time: a stripped ICU would shift every row. */
export function checkEasternTime(): Finding {
  const noon = Date.UTC(2026, 6, 1, 16);
  const text = new Intl.DateTimeFormat('en-US', {
    timeZone: 'America/New_York',
    hour: 'numeric',
    hourCycle: 'h23',
  }).format(noon);
  const now = systemClock().now();
  if (Number(text) === 12 && Math.abs(epochMsFromEastern(now) - Date.now()) < 2000)
    return ok('eastern time', 'known');
  return fail(
    'eastern time',
    'this Node does not know America/New_York',
    'Use a Node with full ICU, as nodejs.org offers it.',
  );
}
