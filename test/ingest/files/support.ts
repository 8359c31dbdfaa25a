// What the importer tests share: files made on the spot, zips written by hand, a whole file read at once.
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { deflateRawSync } from 'node:zlib';
import { afterAll } from 'vitest';
import type { EasternUs } from '../../../core/eastern_time.ts';
import { parseEastern } from '../../../core/eastern_time.ts';
import { projectPath } from '../../../core/root.ts';
import {
  describeRejected,
  type ImportBatch,
  type ImportFile,
  type ImportOptions,
  openImport,
} from '../../../ingest/files/index.ts';
import { crc32 } from '../../../ingest/files/zip_file.ts';

/** A time that a test writes as text. */
export function eastern(text: string): EasternUs {
  const us = parseEastern(text);
  if (us === null) throw new Error(`not a time: ${text}`);
  return us;
}

export const TS_RECV = eastern('2026-03-21 12:00:00');

/** A fixture of this project's own. */
export function fixture(name: string): string {
  return projectPath('test', 'fixtures', 'import', name);
}

/** A file of the shared recordings. */
export function shared(...segments: readonly string[]): string {
  return projectPath('..', 'shared', 'data', ...segments);
}

/** True, with one line that says so, where the shared recordings are absent. */
export function lacksShared(...segments: readonly string[]): boolean {
  const path = shared(...segments);
  if (existsSync(path)) return false;
  process.stderr.write(`skipped: ${path} is not here\n`);
  return true;
}

/** A folder that is removed after the test file's last test; returns a function that writes files into it. */
export function scratchFolder(): (name: string, content: string | Buffer) => string {
  const folder = mkdtempSync(join(tmpdir(), 'strikebase-import-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return (name, content) => {
    const path = join(folder, name);
    writeFileSync(path, content);
    return path;
  };
}

export type WholeFile = ImportBatch & { readonly file: ImportFile; readonly sizes: number[] };

/** Everything in a file, as one batch. */
export async function readAll(path: string, options: Partial<ImportOptions> = {}): Promise<WholeFile> {
  const file = await openImport(path, { tsRecv: TS_RECV, ...options });
  return { ...(await drain(file)), file };
}

async function drain(file: ImportFile): Promise<ImportBatch & { sizes: number[] }> {
  const all = {
    ticks: [],
    quotes: [],
    trades: [],
    chains: [],
    listings: [],
    statistics: [],
    rejected: [],
    setAside: [],
  };
  const whole: ImportBatch & { sizes: number[] } = { ...all, duplicates: 0, lines: 0, bytes: 0, sizes: [] };
  for await (const batch of file.batches()) {
    for (const name of Object.keys(all) as (keyof typeof all)[]) {
      for (const row of batch[name]) whole[name].push(row as never);
    }
    whole.duplicates += batch.duplicates;
    whole.lines = batch.lines;
    whole.bytes = batch.bytes;
    whole.sizes.push(batch.ticks.length + batch.quotes.length + batch.trades.length);
  }
  return whole;
}

/** `file:line: reason` of every rejected row. */
export function reasons(whole: WholeFile): string[] {
  return whole.rejected.map(describeRejected);
}

/** A zip archive with these entries, deflated. */
export function zipOf(entries: Readonly<Record<string, string>>): Buffer {
  const locals: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const [name, text] of Object.entries(entries)) {
    const data = deflateRawSync(text);
    const header = Buffer.alloc(26);
    header.writeUInt16LE(20, 0);
    header.writeUInt16LE(8, 4);
    header.writeUInt32LE(crc32(Buffer.from(text)), 10);
    header.writeUInt32LE(data.length, 14);
    header.writeUInt32LE(Buffer.byteLength(text), 18);
    header.writeUInt16LE(name.length, 22);
    const local = Buffer.concat([Buffer.from('PK\x03\x04', 'latin1'), header, Buffer.from(name), data]);
    const tail = Buffer.alloc(14);
    tail.writeUInt32LE(offset, 10);
    const start = Buffer.concat([Buffer.from('PK\x01\x02\x14\x00', 'latin1'), header]);
    directory.push(start, tail, Buffer.from(name));
    locals.push(local);
    offset += local.length;
  }
  return Buffer.concat([...locals, ...directory, endRecord(Object.keys(entries).length, directory, offset)]);
}

function endRecord(count: number, directory: readonly Buffer[], offset: number): Buffer {
  const end = Buffer.alloc(22);
  end.write('PK\x05\x06', 0, 'latin1');
  end.writeUInt16LE(count, 8);
  end.writeUInt16LE(count, 10);
  end.writeUInt32LE(Buffer.concat(directory).length, 12);
  end.writeUInt32LE(offset, 16);
  return end;
}
