// The built-in database in everyday use: started on demand, shared, stopped by the last one out.
import { readFileSync, statSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import pg from 'pg';
import { expect, test } from 'vitest';
import { inspect } from '../../db/embedded/postmaster.ts';
import { bareEnvironment } from '../../db/embedded/processes.ts';
import { cleanUpAfterEach, folderWithDatabase, query, serverPid, start, temporaryFolder } from './support.ts';

cleanUpAfterEach();

const portOf = (url: string): number => Number(new URL(url).port);

test('a fresh folder gets a database, and its rows survive a restart', async () => {
  const dir = temporaryFolder();
  const first = await start(dir);
  expect(first.startedHere).toBe(true);
  await query(first.url, 'create table kept as select 42 as answer');
  expect(await first.stop()).toBe('stopped');
  expect(inspect(first.dataDir).live).toBeNull();
  const second = await start(dir);
  expect(await query(second.url, 'select answer from kept')).toEqual([42]);
  expect(second.notices).toEqual([]);
});

test('the server is set up for Eastern time, UTF-8, the C locale and checksums', async () => {
  const { url } = await start(await folderWithDatabase());
  const names = ['timezone', 'server_encoding', 'data_checksums', 'listen_addresses', 'synchronous_commit'];
  const values = await query(url, `select current_setting(name) from unnest('{${names}}'::text[]) as name`);
  expect(values).toEqual(['America/New_York', 'UTF8', 'on', '127.0.0.1', 'on']);
  expect(await query(url, 'select datcollate from pg_database where datname = current_database()')).toEqual([
    'C',
  ]);
});

test('the password is random, demanded, and readable by the owner alone', async () => {
  const { url, dataDir } = await start(await folderWithDatabase());
  const wrong = new URL(url);
  wrong.password = 'guess';
  await expect(query(wrong.href, 'select 1')).rejects.toMatchObject({ code: '28P01' });
  const marker = join(dataDir, 'strikebase.json');
  expect(readFileSync(marker, 'utf8')).toContain(new URL(url).password);
  expect(statSync(marker).mode & 0o077).toBe(0);
});

test('of several starts at the same moment one starts the server and the others attach; the last one out stops it', async () => {
  const dir = temporaryFolder();
  const servers = await Promise.all([start(dir), start(dir), start(dir)]);
  expect(servers.filter((server) => server.startedHere)).toHaveLength(1);
  expect(new Set(servers.map((server) => server.url)).size).toBe(1);
  const ends: string[] = [];
  for (const server of servers) ends.push(await server.stop());
  expect(ends).toEqual(['left running', 'left running', 'stopped']);
});

test('a server that another client uses is left running, and the next start attaches to it', async () => {
  const dir = await folderWithDatabase();
  const first = await start(dir);
  const psql = new pg.Client({ connectionString: first.url });
  await psql.connect();
  expect(await first.stop()).toBe('left running');
  expect((await psql.query('select 1 as one')).rows).toEqual([{ one: 1 }]);
  await psql.end();
  const second = await start(dir);
  expect(second.startedHere).toBe(false);
  expect(await second.stop()).toBe('stopped');
});

test('stopping twice is stopping once', async () => {
  const server = await start(await folderWithDatabase());
  expect(await Promise.all([server.stop(), server.stop()])).toEqual(['stopped', 'stopped']);
});

test('a port in use is passed over with a notice, and the port found stays the same afterwards', async () => {
  const dir = await folderWithDatabase();
  const squatter = createServer();
  await new Promise<void>((resolve) => squatter.listen(0, '127.0.0.1', resolve));
  const taken = (squatter.address() as AddressInfo).port;
  const first = await start(dir, taken);
  const port = portOf(first.url);
  expect(port).toBeGreaterThan(taken);
  expect(first.notices).toContain(`port ${taken} is in use; the database listens on ${port}`);
  await first.stop();
  await new Promise((resolve) => squatter.close(resolve));
  const second = await start(dir, taken);
  expect(portOf(second.url)).toBe(port);
});

test('a path longer than a unix socket allows is no obstacle', async () => {
  const dir = join(temporaryFolder(), 'a folder with blanks', 'long'.repeat(30), 'long'.repeat(30));
  const server = await start(dir);
  expect(await query(server.url, 'select 1')).toEqual([1]);
});

test('the server is told nothing of our environment, which holds vendor keys', async () => {
  process.env.STRIKEBASE_TEST_SECRET = 'key';
  try {
    expect(Object.keys(bareEnvironment())).not.toContain('STRIKEBASE_TEST_SECRET');
    const { dataDir } = await start(await folderWithDatabase());
    if (process.platform === 'linux') {
      expect(readFileSync(`/proc/${serverPid(dataDir)}/environ`, 'utf8')).not.toContain(
        'STRIKEBASE_TEST_SECRET',
      );
    }
  } finally {
    delete process.env.STRIKEBASE_TEST_SECRET;
  }
});
