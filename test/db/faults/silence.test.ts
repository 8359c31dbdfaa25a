// A server that falls silent at an unlucky moment: whoever connects is told so, and tries again.
import { once } from 'node:events';
import { type AddressInfo, createServer, connect as dial, type Server } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { isConnectionLoss } from '../../../db/connection_loss.ts';
import { lastingConnection } from '../../../db/lasting_connection.ts';
import { connect } from '../../../db/pool.ts';
import { useDatabase } from '../../harness.ts';

const database = useDatabase();
const servers: Server[] = [];

afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

/** The way to the database; from the statement on that holds the words nothing passes, for the first `times` connections. */
async function silentAt(words: string, times: number): Promise<{ url: string; connections: () => number }> {
  const target = new URL(database.url());
  let connections = 0;
  const server = createServer((near) => {
    connections += 1;
    const isSilent = connections <= times;
    const far = dial(Number(target.port), target.hostname);
    for (const socket of [near, far]) socket.on('error', () => undefined);
    near.on('data', (chunk) => {
      if (!isSilent || !chunk.includes(words)) far.write(chunk);
    });
    far.on('data', (chunk) => near.write(chunk));
    near.on('close', () => far.destroy());
    far.on('close', () => near.destroy());
  });
  servers.push(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = new URL(database.url());
  url.hostname = '127.0.0.1';
  url.port = String((server.address() as AddressInfo).port);
  return { url: url.href, connections: () => connections };
}

it('behind the handshake is a lost connection, not one that is waited for for ever', async () => {
  const { url } = await silentAt('set role', 1);
  const error = await connect({ url, role: 'job_runner', name: 'test', answerMs: 200 }).catch(
    (thrown) => thrown,
  );
  expect(isConnectionLoss(error)).toBe(true);
});

it('while a lost connection is opened again: it is tried again', async () => {
  const { url, connections } = await silentAt('set role', 0);
  const connection = await lastingConnection({ url, role: 'job_runner', name: 'lasting', answerMs: 200 });
  await database
    .pool()
    .query(
      "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and application_name = 'strikebase lasting'",
    );
  expect((await connection.run((client) => client.query('select 1 as one'))).rows).toEqual([{ one: 1 }]);
  expect(connections()).toBeGreaterThan(1);
  await connection.end();
});

it('in the middle of work is a lost connection where a limit was given, and the work is done on a new one', async () => {
  const { url, connections } = await silentAt('a question', 1);
  const options = { url, role: 'job_runner', name: 'limited', queryMs: 300 } as const;
  const connection = await lastingConnection(options);
  const attempts: number[] = [];
  const { rows } = await connection.run((client, attempt) => {
    attempts.push(attempt);
    return client.query("select 'a question' as text");
  });
  expect({ rows, attempts }).toEqual({ rows: [{ text: 'a question' }], attempts: [1, 2] });
  expect(connections()).toBe(2);
  await connection.end();
});

it('of the client’s machine is noticed by the server within seconds, so that its locks are free again', async () => {
  const client = await connect({ url: database.url(), role: 'job_runner', name: 'alive' });
  const { rows } = await client.query(
    `select current_setting('tcp_keepalives_idle')::integer + current_setting('tcp_keepalives_interval')::integer
       * current_setting('tcp_keepalives_count')::integer as seconds, current_setting('tcp_user_timeout') as unanswered`,
  );
  await client.end();
  expect(rows).toEqual([{ seconds: 20, unanswered: '20000' }]);
});
