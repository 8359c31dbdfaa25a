// The database's disk is full: nothing leaves for the broker that was not written down, and with room again all goes on.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { connect } from '../../../db/pool.ts';
import { flatten } from '../../../jobs/flatten.ts';
import { noteFault } from '../../fault_notes.ts';
import { eventually } from '../../harness.ts';
import { createWorld, ENTRY, openPosition, PUT, send } from '../orders/world.ts';
import { type OwnServer, startOwnServer } from '../own_server.ts';
import type { Bench } from '../support/connections.ts';
import { attachRun } from '../support/runs.ts';
import type { QuoteSpec } from '../support/scenario.ts';

const QUOTES: QuoteSpec[] = [ENTRY, ['P600', '10:06', 2.0, 2.05]];
const folder = mkdtempSync(join(tmpdir(), 'strikebase-full-'));
const before = process.env.TMPDIR;
let isMounted = false;
let server: OwnServer | null = null;
const clients: pg.Client[] = [];

beforeAll(async () => {
  const size = 'size=300m,mode=1777';
  isMounted = spawnSync('mount', ['-t', 'tmpfs', '-o', size, 'tmpfs', folder]).status === 0;
  if (!isMounted) return;
  process.env.TMPDIR = folder;
  server = await startOwnServer();
  if (before === undefined) delete process.env.TMPDIR;
  else process.env.TMPDIR = before;
}, 120_000);

afterAll(async () => {
  await Promise.allSettled(clients.map((client) => client.end()));
  await server?.end();
  if (isMounted) spawnSync('umount', ['-l', folder]);
  rmSync(folder, { recursive: true, force: true });
});

const ballast = (): string => join(folder, 'ballast');

/** Leaves no byte. */
function fill(): void {
  for (const size of [1 << 20, 1 << 12]) {
    try {
      for (;;) writeFileSync(ballast(), Buffer.alloc(size), { flag: 'a' });
    } catch (error) {
      if ((error as { code?: string }).code !== 'ENOSPC') throw error;
    }
  }
  const { bavail } = statfsSync(folder);
  expect(bavail).toBe(0);
}

async function benchOf({ url, pool }: OwnServer): Promise<Bench> {
  const owner = await connect({ url, role: 'owner', name: 'test owner' });
  const runner = await connect({ url, role: 'job_runner', name: 'test runner' });
  clients.push(owner, runner);
  return { database: { url: () => url, pool }, owner: () => owner, runner: () => runner };
}

/** Writes until the server cannot. */
async function exhaust({ url }: OwnServer): Promise<string> {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => undefined);
  await client.connect();
  try {
    for (let n = 0; n < 200; n += 1)
      await client.query(
        'create table if not exists ballast (t text); insert into ballast select repeat(md5(i::text), 30) from generate_series(1, 5000) i',
      );
    return 'still room';
  } catch (error) {
    return (error as { code?: string; message: string }).code ?? (error as Error).message;
  } finally {
    await client.end().catch(() => undefined);
  }
}

/** The server may have ended of it; with room it is there again. */
async function makeRoom(own: OwnServer): Promise<number> {
  const began = performance.now();
  rmSync(ballast());
  const drop = async (): Promise<void> => {
    const client = new pg.Client({ connectionString: own.url });
    client.on('error', () => undefined);
    await client.connect();
    await client.query('drop table if exists ballast').finally(() => client.end());
  };
  await eventually(drop, { timeoutMs: 10_000 }).catch(async () => {
    await own.start();
    await drop();
  });
  return performance.now() - began;
}

it('nothing is sent that is not written, and with room again the exit goes out and is booked', {
  timeout: 180_000,
}, async ({ skip }) => {
  skip(server === null, 'not permitted here: a small file system cannot be mounted');
  const own = server as OwnServer;
  const world = await createWorld(await benchOf(own), { quotes: QUOTES });
  const jobs = await openPosition(world);
  fill();
  expect(await exhaust(own)).not.toBe('still room');
  const sent = world.venue.submitted.length;
  world.moveTo('10:06:00.1');
  await expect(world.slice()).rejects.toThrow();
  expect(world.venue.submitted.length).toBe(sent);
  // What protects the position rests at the broker.
  expect(world.venue.working().map(({ order }) => order.type)).toEqual(['stop']);
  const recoveryMs = await makeRoom(own);
  const client = await connect({ url: own.url, role: 'job_runner', name: 'test runner again' });
  clients.push(client);
  const run = attachRun(client, world.run.id);
  for (let round = 0; round < 12; round += 1) {
    world.moveTo(500);
    await jobs.reconciler.pass();
    await run.advance(world.now(), world.now());
    await send(jobs);
    world.venue.fillAll();
  }
  expect(world.venue.positionOf(PUT)).toBe(0);
  expect(await world.held()).toEqual({});
  expect(new Set(world.venue.submitted).size).toBe(world.venue.submitted.length);
  noteFault({
    recoveryMs,
    duplicateOrders: world.venue.submitted.length - new Set(world.venue.submitted).size,
    lostExits: Math.abs(world.venue.positionOf(PUT)),
  });
});

it('the way out works all the same: flat at the broker without the database', {
  timeout: 180_000,
}, async ({ skip }) => {
  skip(server === null, 'not permitted here: a small file system cannot be mounted');
  const own = server as OwnServer;
  const world = await createWorld(await benchOf(own), { quotes: QUOTES });
  await openPosition(world);
  fill();
  await exhaust(own);
  const { broker } = world.venue;
  const leaving = flatten({
    ...{ broker, clock: world.clock, symbols: null, onStep: () => undefined },
    signal: new AbortController().signal,
  });
  let isLeft = false;
  void leaving.finally(() => {
    isLeft = true;
  });
  while (!isLeft) {
    world.moveTo(250);
    world.venue.fillMarkets();
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  expect(await leaving).toMatchObject({ closed: 1, open: [], working: [] });
  expect(world.venue.positionOf(PUT)).toBe(0);
  noteFault({ recoveryMs: await makeRoom(own), lostExits: Math.abs(world.venue.positionOf(PUT)) });
});
