// The calendar of events, from the command line.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Captured, runCli } from '../cli/capture.ts';
import { useDatabase } from '../harness.ts';

const db = useDatabase();
let folder = '';

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'strikebase-events-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function events(...argv: readonly string[]): Promise<Captured> {
  return runCli('events', ...argv, '--db', db.url());
}

test('events are added by hand and from a file, once each, and dropped; whoever heeds them is named', async () => {
  const path = join(folder, 'fomc.csv');
  writeFileSync(path, 'timestamp,name\n2026-12-09 14:00,FOMC\n2026-12-10 08:30,CPI\n');
  expect((await events('add', '2026-12-09 14:00', 'FOMC')).stdout).toBe(
    '1 added\nspx_credit_vertical makes no entry within 120 minutes of an event\n',
  );
  expect((await events('import', path)).stdout).toMatch(/^1 added, 1 known already\n/);
  expect(JSON.parse((await events('list', '--format', 'json')).stdout)).toEqual([
    { ts: '2026-12-09 14:00:00', name: 'FOMC', source: 'by hand' },
    { ts: '2026-12-10 08:30:00', name: 'CPI', source: 'fomc.csv' },
  ]);
  expect((await events('drop', '2026-12-09 14:00')).stdout).toBe('1 dropped\n');
  expect(await events('drop', '2026-12-09 14:00')).toMatchObject({ code: 1 });
});

test.each([
  ['timestamp;name\n', ':1: the header is not timestamp,name'],
  ['timestamp,name\n2026-12-09 14:00,FOMC\n2026-13-01,CPI\n', ':3: not a time and a name: 2026-13-01,CPI'],
  ['timestamp,name\n2026-12-09 14:00\n', ':2: not a time and a name'],
])('a faulty file %j is refused whole', async (text, message) => {
  const path = join(folder, 'faulty.csv');
  writeFileSync(path, text);
  const before = (await events('list', '--format', 'json')).stdout;
  const { code, stderr } = await events('import', path);
  expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining(message) });
  expect((await events('list', '--format', 'json')).stdout).toBe(before);
});
