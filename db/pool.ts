// Connections: one way to open them, as one of the roles, with Eastern times left as text and 64-bit integers as numbers.
import pg from 'pg';
import { errorText, Failure } from '../core/failure.ts';

/** Roles are import rules: a process connects as the one that may write what it writes; `owner` is the connecting user itself. */
export type Role = 'owner' | 'ingest_writer' | 'job_runner' | 'grafana_reader';

export interface ConnectOptions {
  readonly url: string;
  readonly role: Role;
  /** Shown in pg_stat_activity. */
  readonly name: string;
  /** For the server's answers until the connection can be used; default 10,000. */
  readonly answerMs?: number;
  /** For the answer to any query; default: no limit. A server that is silent for longer is taken for lost. */
  readonly queryMs?: number;
}

const ANSWER_MS = 10_000;
// A client whose machine has gone holds its locks until the server notices, by default for hours. Set, not asked for at the start
// of the connection: poolers refuse that, and an address may have start options of its own.
const KEEPALIVES = `
  set tcp_keepalives_idle = 5; set tcp_keepalives_interval = 5; set tcp_keepalives_count = 3; set tcp_user_timeout = 20000`;

const TEXT_TYPES = new Set<number>([
  pg.types.builtins.TIMESTAMP,
  pg.types.builtins.TIMESTAMPTZ,
  pg.types.builtins.DATE,
  pg.types.builtins.NUMERIC,
]);

function parseBigint(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value)) throw new Error(`bigint beyond 2^53: ${text}`);
  return value;
}

const types = {
  // Never a local Date: columns hold Eastern wall-clock time, and the machine may be anywhere.
  getTypeParser(oid: number, format?: 'text' | 'binary') {
    if (TEXT_TYPES.has(oid)) return (value: string) => value;
    if (oid === pg.types.builtins.INT8) return parseBigint;
    return pg.types.getTypeParser(oid, format);
  },
} as pg.CustomTypesConfig;

function clientConfig(options: ConnectOptions): pg.ClientConfig {
  return {
    connectionString: options.url,
    application_name: `strikebase ${options.name}`,
    types,
    keepAlive: true,
    keepAliveInitialDelayMillis: 5000,
    connectionTimeoutMillis: options.answerMs ?? ANSWER_MS,
    ...(options.queryMs === undefined ? {} : { query_timeout: options.queryMs }),
  };
}

async function assumeRole(
  client: pg.ClientBase,
  { role, answerMs = ANSWER_MS }: ConnectOptions,
): Promise<void> {
  if (role === 'owner') return;
  // A server, or a network, that falls silent behind the handshake would be waited for for ever.
  await client.query({
    text: `set role ${pg.escapeIdentifier(role)};${KEEPALIVES}`,
    query_timeout: answerMs,
  } as pg.QueryConfig);
}

/** The address of a database without its password, for messages. */
export function describeUrl(url: string): string {
  try {
    const { hostname, port, pathname } = new URL(url);
    return `${hostname}:${port || 5432}${pathname}`;
  } catch {
    return 'the DATABASE_URL given (not a URL)';
  }
}

/** The message to a user when a database cannot be used; anything else comes back as it is. */
export function explainConnection(error: unknown, url: string): unknown {
  const code = (error as { code?: string }).code ?? '';
  const where = describeUrl(url);
  if (['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'ETIMEDOUT', 'EHOSTUNREACH', 'ENOENT'].includes(code)) {
    return new Failure(`no database answers at ${where} (${code})`, {
      hint: 'Start it, correct DATABASE_URL or --db, or leave both out to use the embedded database.',
      cause: error,
    });
  }
  if (['28P01', '28000'].includes(code)) {
    return new Failure(`the database at ${where} refuses this user: ${errorText(error)}`, {
      hint: 'Check user and password in DATABASE_URL.',
    });
  }
  if (code === '3D000') {
    return new Failure(`there is no database at ${where}`, {
      hint: 'Create it (createdb), then run `strikebase migrate`.',
    });
  }
  return error;
}

/** One connection in the given role. Throws Failure when the database cannot be reached. */
export async function connect(options: ConnectOptions): Promise<pg.Client> {
  const client = new pg.Client(clientConfig(options));
  // Without a listener a connection that drops while idle would end the process with a stack trace.
  client.on('error', () => undefined);
  try {
    await client.connect();
    await assumeRole(client, options);
    return client;
  } catch (error) {
    // Not by a farewell, which a silent server does not answer either.
    destroy(client);
    throw explainConnection(error, options.url);
  }
}

/** Ends a connection on our side, without a word to the server. */
export function destroy(client: pg.Client): void {
  (client as unknown as { connection: { stream: { destroy(): void } } }).connection.stream.destroy();
}

/** Runs `work` with a connection that is closed afterwards. */
export async function withClient<T>(
  options: ConnectOptions,
  work: (client: pg.Client) => Promise<T>,
): Promise<T> {
  const client = await connect(options);
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

/** Runs `work` in a transaction: committed when it returns, rolled back when it throws. */
export async function inTransaction<T>(
  client: pg.ClientBase,
  work: () => Promise<T>,
  isolation: 'read committed' | 'repeatable read' = 'read committed',
): Promise<T> {
  await client.query(`begin isolation level ${isolation}`);
  try {
    const result = await work();
    await client.query('commit');
    return result;
  } catch (error) {
    // The connection may be gone: then there is nothing to roll back, and the first error is the one to tell.
    await client.query('rollback').catch(() => undefined);
    throw error;
  }
}
