// A download that breaks off, at any point and in any way: the next one completes it, with every row there once.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { projectPath } from '../../core/root.ts';
import { connect } from '../../db/pool.ts';
import { isComplete, planDownload } from '../../ingest/massive_history/plan.ts';
import { loadProgress } from '../../ingest/massive_history/progress.ts';
import { useDownloads } from '../ingest/massive_history/bench.ts';
import { API_KEY } from '../ingest/massive_history/vendor.ts';

const bench = useDownloads();

describe('what breaks off', () => {
  it('is not there twice: the second download asks for nothing and changes nothing', async () => {
    const request = await bench.requestOf({ kinds: ['trades', 'quotes'] });
    await bench.take(request);
    const before = await bench.stored();
    bench.vendor().requests.length = 0;
    const { counts } = await bench.take(request);
    expect({ counts, requests: bench.vendor().requests.length }).toEqual({ counts: {}, requests: 0 });
    expect(await bench.stored()).toEqual(before);
    const book = await loadProgress(bench.writer(), {
      feeds: request.feeds.prefix,
      sessionDates: request.sessions.map(({ sessionDate }) => sessionDate),
    });
    expect(isComplete(planDownload(request, book))).toBe(true);
  });

  it('by Ctrl-C goes on at the next page, wherever that was', async () => {
    const request = await bench.requestOf({ kinds: ['trades', 'quotes'], to: '2025-11-25' });
    // Pages end in the middle of a microsecond, and a contract has a dozen.
    bench.vendor().pageRows = 22;
    const stops = [3, 29, 36, 43, 47, 50];
    for (const stopAt of stops) {
      const ending = new AbortController();
      let seen = 0;
      bench.vendor().onRequest = () => {
        seen += 1;
        if (seen === stopAt) ending.abort();
      };
      await expect(bench.take(request, { signal: ending.signal })).rejects.toThrow();
    }
    bench.vendor().onRequest = () => undefined;
    expect(await bench.stored()).not.toMatchObject({ begun: 0 });
    await bench.take(request);
    await bench.expectExactly(['trades', 'quotes'], 1);
    // What was stored is not asked for again, but for the instants at which pages ended: three ticks each, four workers.
    const [repeated] = await bench.texts(
      "select sum(rows_duplicate) from ops.downloads where feeds = $1 and kind <> 'contracts'",
    );
    expect(Number(repeated)).toBeLessThanOrEqual(stops.length * 4 * 3);
  });

  it('by a refusal goes on after it, and the rollups have what came before', async () => {
    const request = await bench.requestOf({ kinds: ['quotes'] });
    const forbidden = JSON.stringify({
      status: 'NOT_AUTHORIZED',
      message: `You are not entitled, ${API_KEY}`,
    });
    bench.vendor().fault(/\/v3\/quotes/, { status: 403, body: forbidden });
    const error = await bench.take(request).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({
      name: 'Failure',
      message: expect.stringMatching(
        /the plan does not include quotes of O:QQQ\S+ \(403\): You are not entitled/,
      ),
      hint: expect.stringMatching(/Options Advanced/),
    });
    expect(JSON.stringify(error) + String(error)).not.toContain(API_KEY);
    expect(
      await bench.texts(
        "select distinct is_rolled_up from ops.downloads where kind = 'minute' and feeds = $1",
      ),
    ).toEqual(['true']);
    await bench.take(request);
    await bench.expectExactly(['quotes']);
  });

  it('between the last page and the rollups leaves a refresh for the next download', async () => {
    const request = await bench.requestOf();
    await bench.take(request);
    // As a kill in that moment leaves it.
    await bench.db
      .pool()
      .query('update ops.downloads set is_rolled_up = false where feeds = $1', [bench.feeds()]);
    bench.vendor().requests.length = 0;
    await bench.take(request);
    expect(bench.vendor().requests).toEqual([]);
    expect(await bench.texts('select distinct is_rolled_up from ops.downloads where feeds = $1')).toEqual([
      'true',
    ]);
  });

  it('by a lost database is an error, and nothing is lost', async () => {
    const request = await bench.requestOf({ kinds: ['quotes'] });
    const lost = await connect({ url: bench.db.url(), role: 'ingest_writer', name: 'test lost' });
    const { rows } = await lost.query<{ pid: number }>('select pg_backend_pid() as pid');
    let seen = 0;
    bench.vendor().onRequest = () => {
      seen += 1;
      if (seen === 25) void bench.owner().query('select pg_terminate_backend($1)', [rows[0]?.pid]);
    };
    await expect(bench.take(request, { writer: lost })).rejects.toThrow();
    await lost.end().catch(() => undefined);
    bench.vendor().onRequest = () => undefined;
    await bench.take(request);
    await bench.expectExactly(['quotes']);
  });

  it('is not doubled by two downloads at once', async () => {
    const request = await bench.requestOf({ kinds: ['quotes'] });
    const second = await connect({ url: bench.db.url(), role: 'ingest_writer', name: 'test second' });
    await second.query('select pg_advisory_lock(hashtextextended($1, 0))', [
      `strikebase download ${bench.feeds()} QQQ`,
    ]);
    await expect(bench.take(request)).rejects.toThrow('another download of QQQ is under way');
    expect(bench.vendor().requests).toEqual([]);
    await second.end();
  });
});

describe('kill -9', () => {
  const built = projectPath('dist', 'cli', 'import_massive.js');
  const children: ChildProcess[] = [];
  let folder = '';
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'strikebase-download-'));
  });
  afterEach(() => {
    for (const child of children.splice(0)) child.kill('SIGKILL');
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  function start(...argv: readonly string[]): ChildProcess {
    const program = `const { importMassiveCommand } = await import(${JSON.stringify(built)});
      await importMassiveCommand().parseAsync(${JSON.stringify(argv)}, { from: 'user' });`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
      cwd: folder,
      env: {
        ...process.env,
        MASSIVE_REST_URL: bench.vendor().url,
        MASSIVE_API_KEY: API_KEY,
        POLYGON_API_KEY: '',
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    children.push(child);
    return child;
  }

  it('at any request leaves what was committed, and the next download completes it exactly', async ({
    skip,
  }) => {
    if (!existsSync(built)) return skip('needs dist (npm run build)');
    bench.vendor().pageRows = 22;
    const days = ['--from', '2025-11-25', '--to', '2025-11-25'];
    const argv = ['--symbol', 'QQQ', ...days, '--options', '--strikes', '3'];
    const more = ['--feed', bench.feeds(), '--yes', '--db', bench.db.url()];
    for (const killAt of [3, 33, 40, 47]) {
      let seen = 0;
      const child = start(...argv, ...more);
      bench.vendor().onRequest = () => {
        seen += 1;
        if (seen === killAt) child.kill('SIGKILL');
      };
      const [, signal] = await once(child, 'exit');
      expect(signal).toBe('SIGKILL');
    }
    bench.vendor().onRequest = () => undefined;
    const last = start(...argv, ...more);
    let output = '';
    last.stdout?.on('data', (chunk) => {
      output += String(chunk);
    });
    expect(await once(last, 'exit')).toEqual([0, null]);
    await bench.expectExactly(['trades', 'quotes'], 1);
    expect(output).toMatch(/^kind +pages +in +duplicate +rejected +feed$/m);
    expect(output).not.toContain(API_KEY);
  });
});
