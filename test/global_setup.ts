// Once per engine and run: a throw-away server with a migrated template database, which every test file clones.
import pg from 'pg';
import type { TestProject } from 'vitest/node';
import type { Settings } from '../db/embedded/cluster.ts';
import { findTimescale } from '../db/embedded/installed_timescale.ts';
import { startThrowaway, type ThrowawayCluster } from '../db/embedded/throwaway.ts';
import { migrate } from '../db/migrate.ts';
import type { EngineName } from './engines.ts';

/** What test files and the reporter are told about the server of their project. */
export interface TestServer {
  readonly engine: EngineName;
  /** `PostgreSQL 18.4`, or `2.28.3 on PostgreSQL 15.18`. */
  readonly version: string;
  /** Of the superuser, to the database `postgres`. */
  readonly adminUrl: string;
  /** Name of the migrated database that test files clone. */
  readonly template: string;
}

declare module 'vitest' {
  interface ProvidedContext {
    testServer: TestServer;
  }
}

const TEMPLATE = 'strikebase_template';

// A crash of the machine may cost a test run its data: nothing waits for the disk.
const FAST_SETTINGS: Settings = {
  fsync: 'off',
  synchronous_commit: 'off',
  full_page_writes: 'off',
  shared_buffers: '128MB',
  max_connections: 200,
  max_wal_size: '2GB',
};

const TIMESCALE_SETTINGS: Settings = {
  ...FAST_SETTINGS,
  shared_preload_libraries: 'timescaledb',
  'timescaledb.telemetry_level': 'off',
  max_worker_processes: 32,
  // The launcher would attach a scheduler to every clone it sees, whose jobs then run in the middle of a test. One
  // worker is the launcher itself: none is left for a scheduler.
  'timescaledb.max_background_workers': 1,
};

async function withClient<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

async function makeTemplate(cluster: ThrowawayCluster): Promise<void> {
  await withClient(cluster.url('postgres'), (admin) => admin.query(`create database ${TEMPLATE}`));
  await migrate(cluster.url(TEMPLATE));
  await withClient(cluster.url('postgres'), async (admin) => {
    await admin.query(`alter database ${TEMPLATE} with is_template true allow_connections false`);
  });
}

async function describeServer(engine: EngineName, url: string): Promise<string> {
  const { rows } = await withClient(url, (client) =>
    client.query<{ server_version: string }>('show server_version'),
  );
  const postgres = `PostgreSQL ${rows[0]?.server_version.split(' ')[0]}`;
  return engine === 'embedded' ? postgres : `${findTimescale()?.version} on ${postgres}`;
}

/** Called by vitest for each project that has test files in this run; the project's name is the engine's. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const engine: EngineName = project.name === 'timescaledb' ? 'timescaledb' : 'embedded';
  const timescale = engine === 'timescaledb' ? findTimescale() : null;
  const settings = timescale === null ? FAST_SETTINGS : TIMESCALE_SETTINGS;
  const cluster = await startThrowaway({ binDir: timescale?.binDir ?? null, settings });
  try {
    await makeTemplate(cluster);
    const adminUrl = cluster.url('postgres');
    project.provide('testServer', {
      engine,
      version: await describeServer(engine, adminUrl),
      adminUrl,
      template: TEMPLATE,
    });
  } catch (error) {
    await cluster.stop();
    throw error;
  }
  return cluster.stop;
}
