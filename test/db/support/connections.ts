// The two connections that tests of the rules work with: one that loads the market, one that trades with the rights of a job.
import type pg from 'pg';
import { afterAll, beforeAll } from 'vitest';
import { connect } from '../../../db/pool.ts';
import { type TestDatabase, useDatabase } from '../../harness.ts';

export interface Bench {
  readonly database: TestDatabase;
  /** Of the owner. Valid from beforeAll to afterAll. */
  owner(): pg.Client;
  /** Of role job_runner: what the rules may do is proved beside what they do. */
  runner(): pg.Client;
}

/** A database of the test file's own with both connections open. */
export function useBench(): Bench {
  const database = useDatabase();
  let owner: pg.Client | null = null;
  let runner: pg.Client | null = null;
  beforeAll(async () => {
    owner = await connect({ url: database.url(), role: 'owner', name: 'test owner' });
    runner = await connect({ url: database.url(), role: 'job_runner', name: 'test runner' });
  });
  afterAll(async () => {
    await owner?.end();
    await runner?.end();
  });
  const open = (client: pg.Client | null): pg.Client => {
    if (client === null) throw new Error('connections are made in beforeAll; use them in tests and hooks');
    return client;
  };
  return { database, owner: () => open(owner), runner: () => open(runner) };
}
