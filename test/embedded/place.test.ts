// Where and as whom the built-in database runs: root, folders that others cannot enter, programs as npm unpacks them.
import {
  chmodSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { copyNativeDir, isMendable, mendNativeDir } from '../../db/embedded/binaries.ts';
import { namespaceAccount } from '../../db/embedded/place.ts';
import { run } from '../../db/embedded/processes.ts';
import {
  cleanUpAfterEach,
  folderWithDatabase,
  query,
  removeAfterwards,
  start,
  temporaryFolder,
} from './support.ts';

cleanUpAfterEach();

const isRoot = process.getuid?.() === 0;
const hasNamespaces = (await run(namespaceAccount, 'true', [])).code === 0;

function fakePackage(): string {
  const native = join(temporaryFolder(), 'native');
  mkdirSync(join(native, 'lib'), { recursive: true });
  mkdirSync(join(native, 'bin'));
  writeFileSync(join(native, 'lib', 'libpq.so.5.18'), 'library');
  for (const name of ['initdb', 'postgres']) writeFileSync(join(native, 'bin', name), '', { mode: 0o644 });
  const links = [{ source: 'native/lib/libpq.so.5.18', target: 'native/lib/libpq.so.5' }];
  writeFileSync(join(native, 'pg-symlinks.json'), JSON.stringify(links));
  return native;
}

test('links and modes that npm left out are made, once and again', () => {
  const native = fakePackage();
  mendNativeDir(native);
  mendNativeDir(native);
  expect(readlinkSync(join(native, 'lib', 'libpq.so.5'))).toBe('libpq.so.5.18');
  expect(statSync(join(native, 'bin', 'postgres')).mode & 0o111).toBe(0o111);
});

test('the programs are copied once per version, with their links', () => {
  const native = fakePackage();
  writeFileSync(join(native, '..', 'package.json'), JSON.stringify({ version: '18.4.0' }));
  const folder = temporaryFolder();
  const copy = copyNativeDir(native, folder);
  expect(copyNativeDir(native, folder)).toBe(copy);
  expect(copy).toContain('18.4.0');
  expect(readFileSync(join(copy, 'lib', 'libpq.so.5'), 'utf8')).toBe('library');
});

test('a link that leads nowhere is made anew', () => {
  const native = fakePackage();
  symlinkSync('libpq.so.5.17', join(native, 'lib', 'libpq.so.5'));
  expect(isMendable(native)).toBe(true);
  expect(readlinkSync(join(native, 'lib', 'libpq.so.5'))).toBe('libpq.so.5.18');
});

describe.skipIf(!isRoot || !hasNamespaces)('as root with user namespaces (needs both)', () => {
  test('it works in a folder that other users cannot enter, and every file stays root’s', async () => {
    const dir = temporaryFolder();
    expect(statSync(dir).mode & 0o077).toBe(0);
    const server = await start(dir);
    expect(await query(server.url, 'select 1')).toEqual([1]);
    expect(dirname(server.dataDir)).toBe(dir);
    expect(statSync(join(server.dataDir, 'PG_VERSION')).uid).toBe(0);
  });
});

describe.skipIf(!isRoot)('as root without user namespaces (needs root)', () => {
  /** Runs `work` where only `sh` is found, so that `unshare` is missing. */
  async function withoutUnshare<T>(work: () => Promise<T>): Promise<T> {
    const bin = temporaryFolder();
    chmodSync(bin, 0o711);
    symlinkSync('/bin/sh', join(bin, 'sh'));
    const path = process.env.PATH;
    process.env.PATH = bin;
    try {
      return await work();
    } finally {
      process.env.PATH = path;
    }
  }

  test('it runs as another user, in another folder if need be, and finds its data again', async () => {
    const dir = temporaryFolder();
    const first = await withoutUnshare(() => start(dir));
    removeAfterwards(dirname(first.dataDir));
    expect(first.notices[0]).toContain(`with its data in ${dirname(first.dataDir)}`);
    expect(statSync(first.dataDir).uid).not.toBe(0);
    await query(first.url, 'create table kept as select 42 as answer');
    await first.stop();
    const second = await start(dir);
    expect(second.dataDir).toBe(first.dataDir);
    expect(await query(second.url, 'select answer from kept')).toEqual([42]);
  });

  test('where the folder can be entered, data that root made in a user namespace stays there and changes hands', async () => {
    const dir = await folderWithDatabase();
    chmodSync(dir, 0o711);
    const first = await start(dir);
    await query(first.url, 'create table kept as select 42 as answer');
    await first.stop();
    const second = await withoutUnshare(() => start(dir));
    expect(second.dataDir).toBe(first.dataDir);
    expect(statSync(join(second.dataDir, 'PG_VERSION')).uid).not.toBe(0);
    expect(await query(second.url, 'select answer from kept')).toEqual([42]);
  });

  test('where it cannot be entered, existing data is explained and no second database begun', async () => {
    const dir = await folderWithDatabase();
    await expect(withoutUnshare(() => start(dir))).rejects.toThrow(
      /was made as root, and user .* cannot enter/,
    );
    expect((await start(dir)).dataDir).toBe(join(dir, 'pgdata'));
  });
});
