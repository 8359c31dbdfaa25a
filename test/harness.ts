// What test files share: a database of their own, recorded data where it is, waiting without sleeping.
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { afterAll, beforeAll, beforeEach, inject } from 'vitest';
import { projectPath } from '../core/root.ts';
import type { EngineName } from './engines.ts';
import type { TestServer } from './global_setup.ts';

export interface TestDatabase {
  /** Of the superuser. Valid from beforeAll to afterAll. */
  url(): string;
  pool(): pg.Pool;
}

const OBJECT_IN_USE = '55006';
const CLONE_MS = 30_000;
const LEAVE_MS = 1_000;

function testServer(): TestServer {
  const server: TestServer | undefined = inject('testServer');
  if (server === undefined)
    throw new Error('tests that use a database belong in test/db, which runs on every engine');
  return server;
}

/** The engine that this file runs on, for differences that belong to db/engine alone. */
export function engineName(): EngineName {
  return testServer().engine;
}

/**
 * Gives the test file (or the describe block) a database of its own: a clone of the migrated template, or with `isEmpty` a
 * bare one. It is dropped at the end.
 */
export function useDatabase(options: { isEmpty?: boolean } = {}): TestDatabase {
  const name = `test_${randomBytes(6).toString('hex')}`;
  let pool: pg.Pool | null = null;
  const url = (): string => {
    const of = new URL(testServer().adminUrl);
    of.pathname = `/${name}`;
    return of.href;
  };
  beforeAll(async () => {
    await asAdmin((admin) =>
      createDatabase(admin, name, options.isEmpty === true ? 'template0' : testServer().template),
    );
    pool = new pg.Pool({ connectionString: url(), max: 5 });
  });
  afterAll(async () => {
    await pool?.end();
    await asAdmin((admin) => dropDatabase(admin, name));
  });
  const open = (): pg.Pool => {
    if (pool === null) throw new Error('the database is made in beforeAll; use it in tests and hooks');
    return pool;
  };
  return { url, pool: open };
}

function isInUse(error: unknown): boolean {
  return (error as { code?: string }).code === OBJECT_IN_USE;
}

async function asAdmin(work: (admin: pg.Client) => Promise<unknown>): Promise<void> {
  const admin = new pg.Client({ connectionString: testServer().adminUrl });
  await admin.connect();
  try {
    await work(admin);
  } finally {
    await admin.end();
  }
}

async function dropDatabase(admin: pg.Client, name: string): Promise<void> {
  const drop = `drop database if exists ${name}`;
  // A backend that is on its way out is waited for: killed, it would tell its client, who has stopped listening.
  await eventually(() => admin.query(drop), { timeoutMs: LEAVE_MS, isRetried: isInUse }).catch(() =>
    admin.query(`${drop} with (force)`),
  );
}

async function createDatabase(admin: pg.Client, name: string, template: string): Promise<void> {
  // Two files that clone at once, or an autovacuum worker, can be in each other's way for a moment.
  await eventually(() => admin.query(`create database ${name} template ${template} encoding 'UTF8'`), {
    timeoutMs: CLONE_MS,
    isRetried: isInUse,
  });
  // Settings and privileges of the database itself are not part of a clone.
  await admin.query(
    `insert into pg_db_role_setting (setdatabase, setrole, setconfig)
     select clone.oid, s.setrole, s.setconfig
     from pg_db_role_setting s
       join pg_database origin on origin.oid = s.setdatabase and origin.datname = $2
       join pg_database clone on clone.datname = $1`,
    [name, template],
  );
  await admin.query(
    'update pg_database set datacl = (select o.datacl from pg_database o where o.datname = $2) where datname = $1',
    [name, template],
  );
}

/** Repeats `attempt` until it does not throw; the last error is thrown after `timeoutMs`. */
export async function eventually<T>(
  attempt: () => T | Promise<T>,
  options: { timeoutMs?: number; isRetried?: (error: unknown) => boolean } = {},
): Promise<T> {
  const end = performance.now() + (options.timeoutMs ?? 5_000);
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      const isRetried = options.isRetried?.(error) ?? true;
      if (!isRetried || performance.now() >= end) throw error;
    }
    await delay(20);
  }
}

/** Absolute path below `../shared/data`, or null on a machine without it. */
export function sharedData(...segments: readonly string[]): string | null {
  const path = projectPath('..', 'shared', 'data', ...segments);
  return existsSync(path) ? path : null;
}

/**
 * Skips every test of the file (or the describe block) where the recorded data is missing, saying what is missing. Hooks
 * still run: a beforeAll that reads the data asks `sharedData` itself.
 */
export function needsSharedData(...segments: readonly string[]): void {
  beforeEach(({ skip }) => {
    skip(sharedData(...segments) === null, `needs ../shared/data/${segments.join('/')}`);
  });
}
