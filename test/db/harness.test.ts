// The harness itself: what every database test takes for granted.
import { expect, test } from 'vitest';
import { engineName, useDatabase } from '../harness.ts';

const clone = useDatabase();
const empty = useDatabase({ isEmpty: true });

test('a test file has a migrated database on the engine that its project is named after', async () => {
  const { rows } = await clone.pool().query(
    `select exists (select from pg_extension where extname = 'timescaledb') as has_timescaledb,
            to_regclass('engine.migrations') is not null as is_migrated`,
  );
  expect(rows).toEqual([{ has_timescaledb: engineName() === 'timescaledb', is_migrated: true }]);
});

test('a clone keeps the settings of the database that it was made from', async () => {
  const { rows } = await clone.pool().query('show timezone');
  expect(rows).toEqual([{ TimeZone: 'America/New_York' }]);
});

test('an empty database has no schema of ours', async () => {
  const { rows } = await empty.pool().query("select from pg_namespace where nspname in ('engine', 'market')");
  expect(rows).toEqual([]);
});

test('no scheduler runs jobs in the middle of a test', async () => {
  const { rows } = await clone
    .pool()
    .query(
      `select from pg_stat_activity where datname = current_database() and backend_type like 'TimescaleDB%'`,
    );
  expect(rows).toEqual([]);
});
