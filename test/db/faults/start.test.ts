// What does not fit together does not start: schema, code, configuration, time zone. Each says why.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import pg from 'pg';
import { describe, expect, it } from 'vitest';
import { systemClock } from '../../../core/clock.ts';
import { parseConfig } from '../../../core/config.ts';
import { projectPath } from '../../../core/root.ts';
import { migrate, migrationPending } from '../../../db/migrate.ts';
import { openBroker } from '../../../jobs/brokers/open_broker.ts';
import { checkReadiness } from '../../../jobs/readiness.ts';
import { useDatabase } from '../../harness.ts';

const database = useDatabase();
const bare = useDatabase({ isEmpty: true });

async function withClient<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

async function isSchemaReady(): Promise<boolean | undefined> {
  return withClient(database.url(), async (client) => {
    const checks = await checkReadiness({
      ...{ client, clock: systemClock(), strategy: 'vwap_ma9', feedIds: [], broker: null },
    });
    return checks.find(({ name }) => name === 'schema')?.isOk;
  });
}

describe('a database', () => {
  it('with routines of another version is not ready, and is after the next migration', async () => {
    expect(await isSchemaReady()).toBe(true);
    await database
      .pool()
      .query(
        "insert into engine.routine_sets (sha256, ts) values ('another', localtimestamp + interval '1 s')",
      );
    expect(await isSchemaReady()).toBe(false);
    await database.pool().query("delete from engine.routine_sets where sha256 = 'another'");
    expect(await isSchemaReady()).toBe(true);
  });

  it('that has applied the other text of 0019, with the column of 0028, comes to the same', async () => {
    const pool = database.pool();
    await pool.query(
      "update engine.migrations set sha256 = 'f222b49992cecf9f32a4589d8fba2d050dc313a2735d4fc1fa58ce0fe3f09192' where name = '0019_add_spreads.sql'",
    );
    await pool.query("delete from engine.migrations where name = '0028_add_fee_broker.sql'");
    await migrate(database.url());
    const { rows } = await pool.query(
      'select strategy, fee_broker from ref.current_strategies order by strategy',
    );
    expect(rows).toEqual([
      { strategy: 'spx_credit_vertical', fee_broker: 'tradier' },
      { strategy: 'vwap_ma9', fee_broker: 'schwab' },
    ]);
  });

  it('whose migration was edited afterwards is not migrated', async () => {
    await database.pool().query("update engine.migrations set sha256 = 'edited' where name like '0005%'");
    await expect(migrate(database.url())).rejects.toThrow(/0005/);
  });

  it('of a newer version is left alone', async () => {
    await withClient(database.url(), (client) =>
      client.query("insert into engine.migrations (name, sha256) values ('9999_from_tomorrow.sql', 'x')"),
    );
    await expect(migrate(database.url())).rejects.toThrow(/newer|9999/);
    await database.pool().query("delete from engine.migrations where name like '9999%'");
  });

  it('whose migration was killed half way has none of it, and the next one does it', async () => {
    const steps: string[] = [];
    const killed = migrate(bare.url(), {
      onStep: (text) => {
        steps.push(text);
        if (steps.length === 3) void strike();
      },
    });
    await expect(killed).rejects.toThrow();
    const names = await withClient(bare.url(), async (client) => {
      expect(await migrationPending(client)).toBe(true);
      return (await client.query<{ name: string }>('select name from engine.migrations order by 1')).rows;
    });
    expect(names.length).toBeGreaterThanOrEqual(3);
    await migrate(bare.url());
    expect(await withClient(bare.url(), migrationPending)).toBe(false);
  });
});

// Of the bare database alone: other files migrate theirs on the same server.
async function strike(): Promise<void> {
  await withClient(bare.url(), (client) =>
    client.query(
      "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and application_name = 'strikebase migrate'",
    ),
  );
}

describe('a configuration', () => {
  it('that names a real broker and does not mean it opens none', async () => {
    const config = parseConfig({ BROKER: 'schwab', SCHWAB_BASE_URL: 'https://api.schwabapi.com' });
    await expect(openBroker(config, systemClock())).rejects.toThrow(/LIVE_TRADING/);
  });

  it('of a machine in another time zone tells the same Eastern time', ({ skip }) => {
    const clock = projectPath('dist', 'core', 'clock.js');
    skip(!existsSync(clock), 'needs the compiled program: npm run build');
    const code = `import(${JSON.stringify(clock)}).then(({ systemClock }) => console.log(systemClock().now()))`;
    const times = ['UTC', 'Asia/Tokyo', 'America/Los_Angeles'].map((TZ) => {
      const { stdout } = spawnSync(process.execPath, ['-e', code], {
        env: { ...process.env, TZ },
        encoding: 'utf8',
      });
      return Number(stdout);
    });
    for (const us of times) expect(Math.abs(us - systemClock().now())).toBeLessThan(30_000_000);
  });
});
