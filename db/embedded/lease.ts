// A lease on the built-in server: one idle connection per process, which ends with the process however that ends.
import { Socket } from 'node:net';
import pg from 'pg';
import { errorText, Failure } from '../../core/failure.ts';
import { poll } from './processes.ts';

// On this machine a server that works answers within milliseconds.
const CONNECT_MS = 30_000;

const LEASE_NAME = 'strikebase lease';

// Connections of our own that were closed a moment ago are still listed for some milliseconds.
const CLOSING_MS = 500;

export interface Lease {
  /** Waits a moment for closing connections; true if nobody but us is connected to the server. */
  isLast(): Promise<boolean>;
  end(): Promise<void>;
}

const OTHERS = `
  select count(*) filter (where application_name = $1)::int as leases, count(*)::int as clients
  from pg_catalog.pg_stat_activity
  where backend_type = 'client backend' and pid <> pg_catalog.pg_backend_pid()`;

async function connect(url: string, socket: Socket): Promise<pg.Client> {
  const client = new pg.Client({
    connectionString: url,
    application_name: LEASE_NAME,
    connectionTimeoutMillis: CONNECT_MS,
    stream: () => socket,
  });
  // The server may be stopped or killed at any time; whoever runs statements then sees the error there.
  client.on('error', () => {});
  try {
    await client.connect();
    return client;
  } catch (cause) {
    throw new Failure(`the database server runs but takes no connection: ${errorText(cause)}`, {
      hint: 'Try again; if it persists, stop the server (its process id is in pgdata/postmaster.pid) and start anew.',
      cause,
    });
  }
}

/** Creates the database of `url` on its server if it is not there yet. */
export async function createDatabase(adminUrl: string, name: string): Promise<void> {
  const client = await connect(adminUrl, new Socket());
  try {
    const { rowCount } = await client.query('select from pg_catalog.pg_database where datname = $1', [name]);
    if (rowCount === 0) await client.query(`create database ${client.escapeIdentifier(name)}`);
  } finally {
    await client.end();
  }
}

/** Connects and holds on. The connection alone does not keep the process running. */
export async function takeLease(url: string): Promise<Lease> {
  const socket = new Socket();
  const client = await connect(url, socket);
  socket.unref();
  const probe = async (): Promise<boolean | null> => {
    const { rows } = await client.query<{ leases: number; clients: number }>(OTHERS, [LEASE_NAME]);
    const [others] = rows;
    if (others === undefined || others.leases > 0) return false;
    return others.clients === 0 ? true : null;
  };
  return {
    isLast: async () => {
      socket.ref();
      return (await poll(probe, { everyMs: 20, timeoutMs: CLOSING_MS }).catch(() => false)) ?? false;
    },
    end: () => client.end(),
  };
}
