// `strikebase simulate` as the process that it is: open at once, the same market after a restart, gone when it is told.
import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { createServer } from 'node:net';
import pg from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { systemClock } from '../../../core/clock.ts';
import { formatEastern } from '../../../core/eastern_time.ts';
import { projectPath } from '../../../core/root.ts';
import { migrate } from '../../../db/migrate.ts';
import { runCli } from '../../cli/capture.ts';
import { eventually, useDatabase } from '../../harness.ts';

const db = useDatabase();
const name = `sim_${randomBytes(6).toString('hex')}`;
// The simulated day ends at 23:25, and none is begun in its last three quarters of an hour.
const isLate = formatEastern(systemClock().now()).slice(11, 16) >= '22:35';
let url = '';

beforeAll(async () => {
  await db.pool().query(`create database ${name}`);
  const of = new URL(db.url());
  of.pathname = `/${name}`;
  url = of.href;
  await migrate(url);
});
afterAll(async () => {
  await db.pool().query(`drop database ${name} with (force)`);
});

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer();
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}

interface Simulation {
  readonly child: ChildProcess;
  said(): string;
  readonly ended: Promise<number | null>;
}

function simulate(port: number): Simulation {
  const args = [projectPath('bin', 'strikebase.js'), 'simulate', '--db', url, '--port', String(port)];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  child.stderr?.on('data', (chunk) => {
    said += String(chunk);
  });
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  return { child, said: () => said, ended };
}

async function query(text: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(text)).rows;
  } finally {
    await client.end();
  }
}

it.skipIf(isLate)(
  'is open at once, and the same market after a restart',
  async () => {
    const port = await freePort();
    const opened = async (): Promise<unknown> => {
      const simulation = simulate(port);
      try {
        await eventually(
          async () => {
            expect(simulation.said()).toContain('MASSIVE_WS_URL');
            expect((await runCli('health', 'simulate', '--db', url)).code).toBe(0);
          },
          { timeoutMs: 20_000 },
        );
        const [session] = await query(
          'select ts_open::text from ref.sessions where localtimestamp >= ts_open and localtimestamp < ts_close',
        );
        const answer = await fetch(
          `http://127.0.0.1:${port}/v3/reference/options/contracts?underlying_ticker=QQQ&apiKey=simulated`,
        );
        return { session, contracts: (await answer.json()) as unknown };
      } finally {
        simulation.child.kill('SIGTERM');
        expect(await simulation.ended, simulation.said()).toBe(0);
      }
    };
    const first = await opened();
    expect(JSON.stringify(first)).toMatch(/O:QQQ/);
    // As a new version does it: the exchange's own hours again.
    await query('select ref.refresh_sessions()');
    expect(await opened()).toEqual(first);
    const [{ period_ms }] = (await query(
      "select period_ms from ref.current_strategies where strategy = 'vwap_ma9'",
    )) as [{ period_ms: number }];
    expect(period_ms).toBe(15_000);
  },
  60_000,
);

it('leaves the calendar of any other database alone', async () => {
  const refused = await runCli('simulate', '--db', db.url());
  expect(refused).toMatchObject({ code: 2, stderr: expect.stringMatching(/has no “sim” in its name/) });
  await query("select ref.feed_id('massive-second', 'equity', 1000, 'recorded', 2000)");
  const mixed = await runCli('simulate', '--db', url);
  expect(mixed).toMatchObject({ code: 2, stderr: expect.stringMatching(/not simulated/) });
});
