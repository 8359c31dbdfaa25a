// The database that a command works on: --db, DATABASE_URL, or the embedded one, which is started and migrated as needed.
import { resolve } from 'node:path';
import type pg from 'pg';
import { systemClock } from '../core/clock.ts';
import { loadConfig } from '../core/config.ts';
import { Failure } from '../core/failure.ts';
import { startEmbedded } from '../db/embedded.ts';
import { endHeartbeats } from '../db/heartbeat.ts';
import { migrate, migrationPending } from '../db/migrate.ts';
import { connect, describeUrl, type Role } from '../db/pool.ts';
import { interrupt } from './interrupt.ts';
import { note } from './terminal.ts';

const SAY_ENDED_MS = 1000;

export interface Database {
  readonly url: string;
  readonly isEmbedded: boolean;
  /** Host, port and name, without the password. */
  readonly label: string;
  /** A connection in a role, closed when the command ends. */
  connect(role: Role): Promise<pg.Client>;
  /** The same for reading: Ctrl-C cancels its statement. */
  connectReader(role: Role): Promise<pg.Client>;
}

export interface DatabaseOptions {
  /** Of --db. */
  readonly db?: string | undefined;
  /** `any` leaves the schema as it is: for migrate itself. */
  readonly schema?: 'current' | 'any';
}

/** Opens the database, runs `work`, closes its connections and lets go of the embedded server. */
export async function withDatabase<T>(
  options: DatabaseOptions,
  work: (database: Database) => Promise<T>,
): Promise<T> {
  const config = loadConfig();
  const serverUrl = checkedUrl(options.db) ?? config.databaseUrl;
  if (serverUrl !== null) return useDatabase({ url: serverUrl, isEmbedded: false }, options, work);
  const dir = resolve(config.strikebaseDir);
  const server = await startEmbedded({ dir, port: config.strikebasePort, onNotice: note });
  try {
    return await useDatabase({ url: server.url, isEmbedded: true }, options, work);
  } finally {
    await server.stop();
  }
}

function checkedUrl(db: string | undefined): string | null {
  if (db === undefined) return null;
  if (/^postgres(ql)?:\/\//.test(db) && URL.canParse(db)) return db;
  // The text may hold a password, so it is not repeated.
  throw new Failure('--db is not the URL of a database', {
    hint: 'Write --db postgres://user:password@host:5432/name.',
    exitCode: 2,
  });
}

async function useDatabase<T>(
  at: { readonly url: string; readonly isEmbedded: boolean },
  options: DatabaseOptions,
  work: (database: Database) => Promise<T>,
): Promise<T> {
  const clients: pg.Client[] = [];
  const open = async (role: Role): Promise<pg.Client> => {
    const client = await connect({ url: at.url, role, name: 'cli' });
    clients.push(client);
    await client.query("set datestyle = 'iso, ymd'");
    return client;
  };
  const database: Database = {
    ...at,
    label: at.isEmbedded ? 'the embedded database' : describeUrl(at.url),
    connect: open,
    connectReader: async (role) => cancelOnInterrupt(await open(role), at.url),
  };
  try {
    if (options.schema !== 'any') await ensureSchema(database);
    return await work(database);
  } finally {
    await sayEnded(clients[0]);
    await Promise.all(clients.map((client) => client.end().catch(() => undefined)));
  }
}

/** A process that has ended is not one that is silent. A database that is away must not hold up the end. */
async function sayEnded(client: pg.Client | undefined): Promise<void> {
  if (client === undefined) return;
  const late = new AbortController();
  const said = endHeartbeats(client).catch(() => undefined);
  await Promise.race([said, systemClock().sleep(SAY_ENDED_MS, late.signal)]);
  late.abort();
}

async function ensureSchema(database: Database): Promise<void> {
  const client = await database.connect('owner');
  if (!(await migrationPending(client))) return;
  if (!database.isEmbedded) {
    throw new Failure(`the schema of the database at ${database.label} is not that of this version`, {
      hint: 'Run `strikebase migrate` with the same --db or DATABASE_URL.',
    });
  }
  const { rows } = await client.query<{ name: string }>(AT_WORK_SQL);
  if (rows.length > 0) {
    throw new Failure(
      `the embedded database is of another version, and processes of that are at work: ${rows.map(({ name }) => name).join(', ')}`,
      { hint: 'Stop them (Ctrl-C where `strikebase start` runs), then run this again.' },
    );
  }
  note('preparing the embedded database');
  await migrate(database.url);
}

// Those that store and trade: routines and tables are not changed beneath them.
const AT_WORK_SQL = `
  select substr(a.application_name, 12) as name from pg_stat_activity a
  where a.datname = current_database() and a.application_name ~ '^strikebase (ingest-|.* process )'
  order by 1`;

/** A query that runs for minutes must not outlive the command that nobody waits for any more. */
function cancelOnInterrupt(client: pg.Client, url: string): pg.Client {
  const { processID } = client as unknown as { readonly processID: number };
  const cancel = async (): Promise<void> => {
    const other = await connect({ url, role: 'owner', name: 'cancel' });
    await other.query('select pg_cancel_backend($1)', [processID]);
    await other.end();
  };
  // Should the server be gone, the query fails by itself.
  const onAbort = (): void => void cancel().catch(() => undefined);
  interrupt().addEventListener('abort', onAbort, { once: true });
  client.once('end', () => interrupt().removeEventListener('abort', onAbort));
  return client;
}
