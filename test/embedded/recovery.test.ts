// The built-in database after accidents: killed servers and starts, torn or foreign files.
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { Failure } from '../../core/failure.ts';
import { waitForEnd } from '../../db/embedded/postmaster.ts';
import { isAlive, isPostmasterOf } from '../../db/embedded/processes.ts';
import { explainFileError, withStartLock } from '../../db/embedded/start_lock.ts';
import { cleanUpAfterEach, folderWithDatabase, query, serverPid, start, temporaryFolder } from './support.ts';

cleanUpAfterEach();

// Above the largest process id that Linux and macOS give.
const DEAD_PID = 2 ** 22 + 1;

test('what was committed before a kill -9 of the server is there after the next start', async () => {
  const dir = await folderWithDatabase();
  const killed = await start(dir);
  await query(killed.url, 'create table kept as select 42 as answer');
  process.kill(serverPid(killed.dataDir), 'SIGKILL');
  const next = await start(dir);
  expect(next.startedHere).toBe(true);
  expect(await query(next.url, 'select answer from kept')).toEqual([42]);
});

test('a server killed in the middle of a statement is started anew once that statement has ended', async () => {
  const dir = await folderWithDatabase();
  const killed = await start(dir);
  const loop = `do $$ declare t timestamptz := clock_timestamp(); begin
    while clock_timestamp() < t + interval '2 s' loop null; end loop; end $$`;
  const busy = query(killed.url, loop).catch(() => 'lost');
  const working = "select count(*)::int from pg_stat_activity where query like 'do $$%'";
  await expect.poll(() => query(killed.url, working)).toEqual([1]);
  process.kill(serverPid(killed.dataDir), 'SIGKILL');
  const next = await start(dir);
  expect(await query(next.url, 'select 1')).toEqual([1]);
  await busy;
});

test('a process that got the dead server’s id is not mistaken for it', async () => {
  const dir = await folderWithDatabase();
  const first = await start(dir);
  await first.stop();
  const stale = [process.pid, first.dataDir, 1, 5432, '', '127.0.0.1', ' 1 1', 'ready   '].join('\n');
  writeFileSync(join(first.dataDir, 'postmaster.pid'), `${stale}\n`);
  expect(isPostmasterOf(process.pid, first.dataDir)).toBe(false);
  const next = await start(dir);
  expect(next.startedHere).toBe(true);
  expect(isAlive(process.pid)).toBe(true);
});

test('an empty postmaster.pid, as a power cut leaves it, does not keep the server from starting', async () => {
  const dir = await folderWithDatabase();
  const first = await start(dir);
  await first.stop();
  writeFileSync(join(first.dataDir, 'postmaster.pid'), '');
  expect((await start(dir)).startedHere).toBe(true);
});

test('what an interrupted first start left is removed with a notice', async () => {
  const dir = temporaryFolder();
  const left = join(dir, `pgdata.new-${DEAD_PID}`);
  mkdirSync(join(left, 'base'), { recursive: true });
  writeFileSync(`${left}.password`, 'x');
  writeFileSync(join(dir, 'lock'), `${DEAD_PID} 1`);
  const server = await start(dir);
  expect(server.notices).toContain('removed a half-made database that an interrupted start had left');
  expect(readdirSync(dir).filter((name) => name.startsWith('pgdata'))).toEqual(['pgdata']);
});

test('a torn data directory is set aside with a notice, never deleted', async () => {
  const dir = temporaryFolder();
  mkdirSync(join(dir, 'pgdata', 'base'), { recursive: true });
  const server = await start(dir);
  expect(server.notices[0]).toMatch(/half-made database/);
  expect(readdirSync(dir).some((name) => name.startsWith('pgdata.half-made-'))).toBe(true);
});

test('a cluster that is not ours is left alone and explained', async () => {
  const dir = temporaryFolder();
  mkdirSync(join(dir, 'pgdata', 'global'), { recursive: true });
  writeFileSync(join(dir, 'pgdata', 'global', 'pg_control'), '');
  await expect(start(dir)).rejects.toThrow(/that strikebase did not make/);
  expect(existsSync(join(dir, 'pgdata', 'global', 'pg_control'))).toBe(true);
});

test('data of another major version is explained', async () => {
  const dir = await folderWithDatabase();
  const server = await start(dir);
  await server.stop();
  writeFileSync(join(server.dataDir, 'PG_VERSION'), '17\n');
  await expect(start(dir)).rejects.toThrow(/was made by PostgreSQL 17; the installed one is 18/);
});

test('a server that cannot start is explained with its own words', async () => {
  const dir = await folderWithDatabase();
  const server = await start(dir);
  await server.stop();
  writeFileSync(
    join(server.dataDir, 'postgresql.auto.conf'),
    "shared_preload_libraries = 'no_such_library'\n",
  );
  await expect(start(dir)).rejects.toThrow(/did not start: could not access file "no_such_library"/);
});

test('the start lock is held by one at a time, and taken over from the dead', async () => {
  const path = join(temporaryFolder(), 'lock');
  writeFileSync(path, `${DEAD_PID} 1`);
  const log: string[] = [];
  const work = (name: string) => async () => {
    log.push(`${name} in`);
    await new Promise(setImmediate);
    log.push(`${name} out`);
  };
  await Promise.all(['a', 'b', 'c'].map((name) => withStartLock(path, work(name))));
  expect(log.filter((_, i) => i % 2 === 0).map((entry) => `${entry[0]} out`)).toEqual(
    log.filter((_, i) => i % 2 === 1),
  );
  expect(existsSync(path)).toBe(false);
});

test('a lock whose process id went to another process is taken over', async () => {
  const path = join(temporaryFolder(), 'lock');
  writeFileSync(path, `${process.pid} 1`);
  expect(await withStartLock(path, async () => 'mine')).toBe('mine');
});

test('a process that has ended is not alive', async () => {
  expect(isAlive(DEAD_PID)).toBe(false);
  expect(await waitForEnd(DEAD_PID, 0)).toBe(true);
});

test.each([
  ['ENOSPC', /is full/],
  ['EACCES', /cannot be written/],
  ['EROFS', /cannot be written/],
])('the file system’s %s says what to do', (code, words) => {
  const failure = explainFileError(Object.assign(new Error(code), { code }), '/somewhere');
  expect(failure).toBeInstanceOf(Failure);
  expect((failure as Failure).message).toMatch(words);
  expect((failure as Failure).hint).not.toBeNull();
});
