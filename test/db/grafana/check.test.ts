// strikebase grafana check, over HTTP.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type pg from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { grafanaCommand } from '../../../cli/grafana.ts';
import { Failure } from '../../../core/failure.ts';
import { connect } from '../../../db/pool.ts';
import { grafanaApi } from '../../../grafana/api.ts';
import { type CheckedQuery, checkGrafana, countOfQueries, rangeOf } from '../../../grafana/check.ts';
import { dashboards } from '../../../grafana/files.ts';
import type { Dashboard } from '../../../grafana/model.ts';
import { useDatabase } from '../../harness.ts';
import { addSampleMarket } from '../sample_market.ts';
import { type GrafanaServer, type ServerOptions, startGrafana } from './grafana_server.ts';

const database = useDatabase();
let client: pg.Client;
let server: GrafanaServer | null = null;

beforeAll(async () => {
  await addSampleMarket(database.pool());
  client = await connect({ url: database.url(), role: 'grafana_reader', name: 'test' });
});
afterAll(() => client.end());
afterEach(async () => {
  await server?.stop();
  server = null;
});

async function start(options: Omit<ServerOptions, 'client'> = {}): Promise<string> {
  server = await startGrafana({ client, ...options });
  return server.url;
}

async function check(url: string, credentials: string | null = null): Promise<readonly CheckedQuery[]> {
  const api = grafanaApi({ url, credentials, signal: new AbortController().signal });
  await api.health();
  return checkGrafana({ api, nowMs: Date.parse('2025-10-07T20:00:00Z'), range: null });
}

const failed = (checks: readonly CheckedQuery[]): string[] =>
  checks.flatMap(({ page, name, problem }) => (problem === null ? [] : [`${page}, ${name}: ${problem}`]));

/** Our pages with the first query of the first panel of the first page replaced. */
function broken(rawSql: string): readonly Dashboard[] {
  const [home, ...rest] = dashboards() as readonly [Dashboard, ...Dashboard[]];
  const [first, ...others] = home.panels;
  if (first === undefined) throw new Error('no panel');
  const targets = first.targets.map((each) => ({ ...each, rawSql }));
  return [{ ...home, panels: [{ ...first, targets }, ...others] }, ...rest];
}

describe('the check', () => {
  it('runs every query of every dashboard and alert rule, and finds them well', async () => {
    const checks = await check(await start());
    expect(failed(checks)).toEqual([]);
    expect(checks).toHaveLength(countOfQueries());
  });

  it('names the panel whose query fails, with what the database says', async () => {
    const checks = await check(await start({ pages: broken('select 1 from market.equity_ticks') }));
    expect(failed(checks)).toEqual([
      'strikebase-pl, Mode: db query error: permission denied for schema market',
    ]);
  });

  it('misses a dashboard that Grafana does not have', async () => {
    const checks = await check(await start({ pages: dashboards().slice(1) }));
    expect(failed(checks)).toEqual(['strikebase-pl, strikebase-pl: Grafana has no such dashboard']);
  });

  it('runs what alert rules should hold where the login may not see them', async () => {
    const checks = await check(await start({ hidesRules: true }));
    expect(failed(checks)).toEqual([]);
    expect(checks).toHaveLength(countOfQueries());
  });

  it('says what to do when the login is refused, or nothing answers', async () => {
    const url = await start({ login: 'admin:secret' });
    await expect(check(url)).rejects.toMatchObject({
      message: expect.stringContaining('refuses this login (status 401)'),
      hint: expect.stringContaining('--credentials'),
    });
    expect(failed(await check(url, 'admin:secret'))).toEqual([]);
    await server?.stop();
    await expect(check(url)).rejects.toThrow(Failure);
  });

  it('takes each dashboard’s own range, days from midnight Eastern', () => {
    const nowMs = Date.parse('2026-06-17T18:30:00Z');
    const of = (uid: string): string => new Date(rangeOf({ uid }, nowMs).fromMs).toISOString();
    expect(of('strikebase-position')).toBe('2026-06-17T04:00:00.000Z');
    expect(of('strikebase-health')).toBe('2026-06-17T12:30:00.000Z');
    expect(of('strikebase-pl')).toBe('2026-03-19T18:30:00.000Z');
  });
});

describe('the command', () => {
  const folder = mkdtempSync(join(tmpdir(), 'strikebase-grafana-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  async function run(...argv: readonly string[]): Promise<{ stdout: string; stderr: string; code: unknown }> {
    const [stdout, stderr]: [string[], string[]] = [[], []];
    const keep = (texts: string[]) => (text: unknown) => texts.push(String(text)) > 0;
    const out = vi.spyOn(process.stdout, 'write').mockImplementation(keep(stdout));
    const error = vi.spyOn(process.stderr, 'write').mockImplementation(keep(stderr));
    const before = process.exitCode;
    process.exitCode = 0;
    try {
      await grafanaCommand().parseAsync(['check', ...argv], { from: 'user' });
      return { stdout: stdout.join(''), stderr: stderr.join(''), code: process.exitCode };
    } finally {
      process.exitCode = before;
      out.mockRestore();
      error.mockRestore();
    }
  }

  it('lists failures and exits with 1; without any it lists nothing and exits with 0', async () => {
    const bad = await run('--url', await start({ pages: broken('select $__foo(1)') }), '--format', 'json');
    expect(bad.code).toBe(1);
    expect(JSON.parse(bad.stdout)).toMatchObject([
      { page: 'strikebase-pl', name: 'Mode', problem: expect.stringContaining('unknown macro "__foo"') },
    ]);
    await server?.stop();
    const good = await run('--url', await start(), '--from', '2025-10-06', '--to', '2025-10-07');
    expect(good).toMatchObject({ code: 0, stdout: '' });
    expect(good.stderr).toMatch(/Grafana 13\.2\.3 at http.*\d+ queries, 0 failed/s);
  });

  it('takes the login from a file, and no password in --url', async () => {
    const file = join(folder, 'login');
    writeFileSync(file, 'admin:secret\n');
    const url = await start({ login: 'admin:secret' });
    expect((await run('--url', url, '--credentials', file)).code).toBe(0);
    await expect(run('--url', url.replace('http://', 'http://admin:secret@'))).rejects.toMatchObject({
      exitCode: 2,
      message: expect.not.stringContaining('secret'),
    });
  });
});
