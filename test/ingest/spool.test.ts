// The disk spool: what was put in comes out, in order, from another process too; what is torn or too much is told.
import {
  appendFileSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { addMs, type EasternUs } from '../../core/eastern_time.ts';
import { createFrameBuffer } from '../../ingest/frame_buffer.ts';
import type { RawFrame } from '../../ingest/massive/feed_options.ts';
import { openSpool, type Spool, type SpoolOptions } from '../../ingest/spool.ts';
import { lockSpool } from '../../ingest/spool_lock.ts';
import { decodeRecord, encodeRecord, RECORD_HEAD } from '../../ingest/spool_record.ts';
import { at } from '../sim/sessions.ts';

const START = at('2026-06-17 09:30:00');
const folders: string[] = [];
const opened: Spool[] = [];

afterEach(() => {
  for (const spool of opened.splice(0)) spool.close();
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

function folder(): string {
  const dir = mkdtempSync(join(tmpdir(), 'strikebase-spool-'));
  folders.push(dir);
  return dir;
}

interface Told {
  readonly losses: (readonly [EasternUs, EasternUs])[];
  readonly notices: string[];
}

function open(dir: string, options: Partial<SpoolOptions> = {}): Spool & Told {
  const losses: (readonly [EasternUs, EasternUs])[] = [];
  const notices: string[] = [];
  const spool = openSpool({
    dir,
    owner: 'feed',
    maxBytes: 1_000_000,
    onLoss: (from, to) => losses.push([from, to]),
    onNotice: (text) => notices.push(text),
    ...options,
  });
  opened.push(spool);
  return { ...spool, losses, notices };
}

function frame(nth: number, text = `frame ${nth}`): RawFrame {
  return { data: Buffer.from(text), ts_recv: addMs(START, nth) };
}

function texts(frames: readonly RawFrame[]): string[] {
  return frames.map(({ data }) => data.toString());
}

/** Everything that can be read, a few bytes at a time. */
function readAll(spool: Spool, wanted = 30): RawFrame[] {
  const all: RawFrame[] = [];
  for (let read = spool.read(wanted); read.frames.length > 0; read = spool.read(wanted)) {
    all.push(...read.frames);
    if (read.position !== null) spool.release(read.position);
  }
  return all;
}

function files(dir: string): string[] {
  return readdirSync(dir).filter((name) => name.endsWith('.spool'));
}

const COUNT = 200;
const ALL = Array.from({ length: COUNT }, (_, i) => frame(i));

describe('the spool', () => {
  it('gives frames back in order with their times, and keeps no file of what is stored', () => {
    const dir = folder();
    const spool = open(dir, { segmentBytes: 500 });
    for (const each of ALL) spool.append(each);
    expect(readAll(spool)).toEqual(ALL);
    expect(spool.isRead()).toBe(true);
    expect(files(dir)).toEqual([]);
    spool.append(frame(999));
    expect(texts(readAll(spool))).toEqual(['frame 999']);
  });

  it('keeps what was read and not released for the next process', () => {
    const dir = folder();
    const first = open(dir, { segmentBytes: 500 });
    for (const each of ALL) first.append(each);
    first.read(1000);
    first.close();
    expect(texts(readAll(open(dir)))).toEqual(texts(ALL));
  });

  it('puts what was in memory before everything else', () => {
    const dir = folder();
    const first = open(dir);
    first.append(frame(3));
    first.prepend([frame(1), frame(2)]);
    first.close();
    expect(texts(readAll(open(dir)))).toEqual(['frame 1', 'frame 2', 'frame 3']);
  });

  it('takes no more than it may, and says what it did not take', () => {
    const dir = folder();
    const spool = open(dir, { maxBytes: 300 });
    for (const each of ALL) spool.append(each);
    const taken = readAll(spool);
    expect(taken).toEqual(ALL.slice(0, taken.length));
    expect(taken.length).toBeGreaterThan(3);
    expect(spool.losses).toHaveLength(COUNT - taken.length);
    expect(spool.losses[0]).toEqual([ALL[taken.length]?.ts_recv, ALL[taken.length]?.ts_recv]);
  });

  it('gives everything before a torn end, and says what is missing', () => {
    const dir = folder();
    const first = open(dir);
    for (const each of ALL) first.append(each);
    first.close();
    const path = join(dir, files(dir)[0] as string);
    truncateSync(path, statSync(path).size - 3);
    const next = open(dir);
    expect(texts(readAll(next))).toEqual(texts(ALL.slice(0, -1)));
    expect(next.notices.join()).toMatch(/bytes at its end are torn or altered/);
    expect(files(dir)).toEqual([]);
  });

  it('never gives an altered frame', () => {
    const dir = folder();
    const first = open(dir);
    for (const each of ALL) first.append(each);
    first.close();
    const path = join(dir, files(dir)[0] as string);
    const bytes = readFileSync(path);
    bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] as number) ^ 1;
    writeFileSync(path, bytes);
    const found = readAll(open(dir));
    expect(found).toEqual(ALL.slice(0, found.length));
    expect(found.length).toBeLessThan(COUNT);
  });

  it('sets aside what is of another feed, and forgets a file that holds nothing yet', () => {
    const dir = folder();
    const other = open(dir, { owner: 'other feed' });
    other.append(frame(1));
    other.close();
    writeFileSync(join(dir, '0000000001.spool'), 'SBSP');
    const spool = open(dir);
    expect(spool.isRead()).toBe(true);
    expect(spool.notices.join()).toContain('another feed');
    expect(readdirSync(dir).map((name) => name.replace(/^\d+/, ''))).toEqual(['.spool.other']);
  });

  it('holds frames longer than what it reads at a time', () => {
    const long = frame(1, 'x'.repeat(3_000_000));
    const spool = open(folder(), { maxBytes: 10_000_000 });
    spool.append(frame(0));
    spool.append(long);
    spool.append(frame(2));
    expect(readAll(spool).map(({ data }) => data.length)).toEqual([7, 3_000_000, 7]);
  });

  it('is written by one process at a time, and taken over from the dead', () => {
    const dir = folder();
    const unlock = lockSpool(dir, 'equities');
    expect(() => lockSpool(dir, 'equities')).toThrow(`written by another process (${process.pid})`);
    unlock();
    // Above the largest process id that Linux and macOS give.
    writeFileSync(join(dir, 'lock'), `${2 ** 22 + 1} 1`);
    lockSpool(dir, 'equities')();
    appendFileSync(join(dir, 'lock'), '');
    lockSpool(dir, 'equities')();
  });
});

describe('a record', () => {
  it('is read back as it was, and from no other bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.integer({ min: 0, max: 2 ** 51 }), (bytes, time) => {
        const written = { data: Buffer.from(bytes), ts_recv: time as EasternUs };
        const whole = Buffer.concat(encodeRecord(written));
        expect(decodeRecord(whole, 0, 1000)).toEqual({ frame: written, end: RECORD_HEAD + bytes.length });
        expect(decodeRecord(whole.subarray(0, whole.length - 1), 0, 1000)).toBe('incomplete');
      }),
    );
  });

  it('with any one bit altered is damaged or incomplete', () => {
    const whole = Buffer.concat(encodeRecord(frame(1)));
    for (let bit = 0; bit < whole.length * 8; bit += 1) {
      const altered = Buffer.from(whole);
      altered[bit >> 3] = (altered[bit >> 3] as number) ^ (1 << (bit & 7));
      expect(typeof decodeRecord(altered, 0, 1000)).toBe('string');
    }
  });
});

describe('the buffer before it', () => {
  const buffer = (spool: Spool | null, told: string[] = []) =>
    createFrameBuffer({
      maxBytes: 50,
      spool,
      pause: () => told.push('pause'),
      resume: () => told.push('resume'),
    });

  it('gives frames in the order in which they came, from memory and disk alike, whatever is taken when', () => {
    fc.assert(
      fc.property(fc.array(fc.boolean(), { minLength: 20, maxLength: 120 }), (turns) => {
        const frames = buffer(open(folder(), { segmentBytes: 60 }));
        const given: string[] = [];
        let pushed = 0;
        const take = (): void => {
          const taken = frames.take(20);
          given.push(...texts(taken.frames));
          frames.stored(taken);
        };
        for (const isPush of turns) {
          if (isPush) frames.push(frame(pushed++));
          else take();
        }
        while (!frames.isEmpty()) take();
        expect(given).toEqual(texts(ALL.slice(0, pushed)));
        expect(frames.spooledBytes()).toBe(0);
      }),
      { numRuns: 40 },
    );
  });

  it('saves for the next process what was taken and not stored, before what nobody took', () => {
    const dir = folder();
    const frames = buffer(open(dir));
    for (let i = 0; i < 20; i += 1) frames.push(frame(i));
    frames.stored(frames.take(1));
    frames.take(1);
    expect(frames.save()).toBe(true);
    opened.at(-1)?.close();
    expect(texts(readAll(open(dir)))).toEqual(texts(ALL.slice(1, 20)));
  });

  it('without a disk holds the feed back until it is empty', () => {
    const told: string[] = [];
    const frames = buffer(null, told);
    for (let i = 0; i < 10; i += 1) frames.push(frame(i));
    expect(told).toEqual(['pause']);
    frames.take(20);
    expect(told).toEqual(['pause']);
    frames.take(1000);
    expect(told).toEqual(['pause', 'resume']);
    expect(frames.save()).toBe(false);
  });
});
