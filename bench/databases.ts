// The databases that benchmarks run in: new, migrated, with the settings of the product's own server, and gone afterwards.
import { randomBytes } from 'node:crypto';
import pg from 'pg';
import type { Settings } from '../db/embedded/cluster.ts';
import { findTimescale } from '../db/embedded/installed_timescale.ts';
import { startThrowaway } from '../db/embedded/throwaway.ts';
import { EMBEDDED_SETTINGS } from '../db/embedded.ts';
import { migrate } from '../db/migrate.ts';
import type { Bench } from './support.ts';

export interface BenchDatabase {
  /** Of a superuser. */
  readonly url: string;
  /** As engine.version() has it. */
  readonly version: string;
  /** Folder of the server's programs; null where they are built in or on another machine. */
  readonly binDir: string | null;
}

const TIMESCALE_SETTINGS: Settings = {
  ...EMBEDDED_SETTINGS,
  shared_preload_libraries: 'timescaledb',
  'timescaledb.telemetry_level': 'off',
  max_worker_processes: 32,
};

type Work = (database: BenchDatabase) => Promise<void>;

/** Runs `work` with a database on each engine of this machine, or on the server of --db alone; `settings` are added to the product's. */
export async function onEachEngine(bench: Bench, work: Work, settings: Settings = {}): Promise<void> {
  const { db, engine } = bench.options;
  if (engine !== 'timescaledb') await onBuiltIn(bench, work, settings);
  if (db !== null || engine === 'embedded') return;
  const timescale = findTimescale();
  if (timescale === null) return bench.note('no installed TimescaleDB found: built-in engine only');
  await onThrowaway({ binDir: timescale.binDir, settings: { ...TIMESCALE_SETTINGS, ...settings } }, work);
}

/** Runs `work` with a database on the built-in engine, or on the server of --db. */
export async function onBuiltIn(bench: Bench, work: Work, settings: Settings = {}): Promise<void> {
  const { db } = bench.options;
  if (db === null) await onThrowaway({ binDir: null, settings: { ...EMBEDDED_SETTINGS, ...settings } }, work);
  else await inDatabase(db, null, work);
}

/** True where a version is TimescaleDB's. */
export function isTimescale(version: string): boolean {
  return version.startsWith('TimescaleDB');
}

async function onThrowaway(
  server: { readonly binDir: string | null; readonly settings: Settings },
  work: Work,
): Promise<void> {
  const cluster = await startThrowaway(server);
  try {
    await inDatabase(cluster.url('postgres'), server.binDir, work);
  } finally {
    await cluster.stop();
  }
}

async function inDatabase(serverUrl: string, binDir: string | null, work: Work): Promise<void> {
  const name = `strikebase_bench_${randomBytes(4).toString('hex')}`;
  const url = new URL(serverUrl);
  url.pathname = `/${name}`;
  await withAdmin(serverUrl, (admin) => admin.query(`create database ${name}`));
  try {
    await migrate(url.href);
    await work({ url: url.href, version: await prepare(url.href), binDir });
  } finally {
    await withAdmin(serverUrl, (admin) => admin.query(`drop database ${name} with (force)`));
  }
}

async function prepare(url: string): Promise<string> {
  return withAdmin(url, async (client) => {
    const { rows } = await client.query<{ version: string; is_timescale: boolean }>(
      "select engine.version() as version, engine.name() = 'timescaledb' as is_timescale",
    );
    // Its jobs would compress and refresh at random in the middle of a measurement.
    if (rows[0]?.is_timescale) await client.query('select _timescaledb_functions.stop_background_workers()');
    return rows[0]?.version ?? '';
  });
}

async function withAdmin<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}
