// The disk spool of a stream: raw frames that the database cannot take now, in checksummed segments, oldest first.
import {
  closeSync,
  fstatSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  renameSync,
  rmSync,
  writevSync,
} from 'node:fs';
import { join } from 'node:path';
import type { EasternUs } from '../core/eastern_time.ts';
import { MAX_FRAME_BYTES, type RawFrame } from './massive/feed_options.ts';
import { decodeRecord, encodeRecord, RECORD_HEAD } from './spool_record.ts';

export interface SpoolOptions {
  /** Folder of this spool alone; made if absent. */
  readonly dir: string;
  /** What the frames are of, e.g. the feed's name: segments of something else are set aside. */
  readonly owner: string;
  /** Most bytes on disk. Beyond it new frames are lost, never old ones overwritten. */
  readonly maxBytes: number;
  readonly segmentBytes?: number;
  /** Called when frames received in [from, to] are lost: no room, or the disk refuses. */
  readonly onLoss: (from: EasternUs, to: EasternUs) => void;
  /** One line for each thing worth telling: a torn record, a segment of another feed. */
  readonly onNotice?: (text: string) => void;
}

/** Where a reader has come to; give it back to `release` when everything before it is stored. */
export interface SpoolPosition {
  readonly segment: number;
  readonly offset: number;
}

export interface Spool {
  /** Takes a frame; it is on disk at the end of this turn of the event loop. */
  append(frame: RawFrame): void;
  /** Puts frames before everything else, at once and whatever the limit: what was in memory when the process ends. */
  prepend(frames: readonly RawFrame[]): void;
  /** The next frames, about `maxBytes` of them; none when everything has been read. */
  read(maxBytes: number): { readonly frames: readonly RawFrame[]; readonly position: SpoolPosition | null };
  /** Everything before the position is stored: its files may go. */
  release(position: SpoolPosition): void;
  /** True when everything has been read. */
  isRead(): boolean;
  /** Bytes on disk and on their way there. */
  bytes(): number;
  close(): void;
}

interface Segment {
  readonly id: number;
  readonly path: string;
  /** Bytes of whole records and the header. */
  size: number;
  /** Where the reader is. */
  offset: number;
  fd: number | null;
}

const MAGIC = 'SBSPOOL1';
const NAME = /^(\d{10})\.spool$/;
// Room on both sides: a process that ends puts what it had in memory before the oldest.
const FIRST_ID = 5_000_000_000;
const SEGMENT_BYTES = 16 << 20;
const CHUNK_BYTES = 1 << 20;

/** Opens the spool of a folder, with what an earlier process left in it. */
export function openSpool(options: SpoolOptions): Spool {
  const { dir, owner, onNotice } = options;
  mkdirSync(dir, { recursive: true });
  const header = headerOf(owner);
  const segments = existingSegments(dir, header, onNotice);
  const writer = createWriter(options, segments, header);
  return {
    append: writer.append,
    prepend: (frames) => {
      if (frames.length === 0) return;
      const segment = createSegment(dir, (segments[0]?.id ?? FIRST_ID) - 1, header);
      segments.unshift(segment);
      writeAll(segment, frames.flatMap(encodeRecord));
    },
    read: (wanted) => {
      writer.flush();
      const frames: RawFrame[] = [];
      let position: SpoolPosition | null = null;
      let bytes = 0;
      for (const segment of segments) {
        if (segment.offset >= segment.size) continue;
        bytes += readInto(frames, segment, wanted - bytes, onNotice);
        position = { segment: segment.id, offset: segment.offset };
        if (bytes >= wanted) break;
      }
      return { frames, position };
    },
    release: ({ segment: id, offset }) => {
      while (segments[0] !== undefined) {
        const [first] = segments;
        const isDone =
          first.id < id || (first.id === id && offset >= first.size && writer.pendingBytes() === 0);
        if (!isDone) return;
        writer.leave(first);
        segments.shift();
        removeSegment(first);
      }
    },
    isRead: () => writer.pendingBytes() === 0 && segments.every((segment) => segment.offset >= segment.size),
    bytes: () => bytesOf(segments) + writer.pendingBytes(),
    close: () => {
      writer.flush();
      for (const segment of segments) closeSegment(segment);
    },
  };
}

interface SpoolWriter {
  append(frame: RawFrame): void;
  /** Puts on disk what waits for it. */
  flush(): void;
  pendingBytes(): number;
  /** The segment is written to no more. */
  leave(segment: Segment): void;
}

function createWriter(options: SpoolOptions, segments: Segment[], header: Buffer): SpoolWriter {
  const { dir, maxBytes, onLoss, onNotice, segmentBytes = SEGMENT_BYTES } = options;
  // Of this process: an older segment may end in a torn record and is never appended to.
  let writing: Segment | null = null;
  let nextId = (segments.at(-1)?.id ?? FIRST_ID - 1) + 1;
  let pending: Buffer[] = [];
  let pendingBytes = 0;
  let times: { from: EasternUs; to: EasternUs } | null = null;
  let scheduled: NodeJS.Immediate | null = null;

  function begin(): Segment {
    const segment = createSegment(dir, nextId, header);
    nextId += 1;
    segments.push(segment);
    return segment;
  }

  function flush(): void {
    if (scheduled !== null) clearImmediate(scheduled);
    scheduled = null;
    if (times === null) return;
    const [buffers, lost] = [pending, times];
    pending = [];
    pendingBytes = 0;
    times = null;
    try {
      if (writing === null || writing.size >= segmentBytes) writing = begin();
      writeAll(writing, buffers);
    } catch (error) {
      // What is on disk stays; this much is lost, and said so.
      onNotice?.(`the spool cannot be written: ${(error as Error).message}`);
      onLoss(lost.from, lost.to);
    }
  }

  return {
    append: (frame) => {
      const { ts_recv, data } = frame;
      const size = RECORD_HEAD + data.length;
      if (bytesOf(segments) + pendingBytes + size > maxBytes) return onLoss(ts_recv, ts_recv);
      pending.push(...encodeRecord(frame));
      pendingBytes += size;
      times = { from: times?.from ?? ts_recv, to: ts_recv };
      scheduled ??= setImmediate(flush);
    },
    flush,
    pendingBytes: () => pendingBytes,
    leave: (segment) => {
      if (segment === writing) writing = null;
    },
  };
}

function bytesOf(segments: readonly Segment[]): number {
  return segments.reduce((sum, segment) => sum + segment.size, 0);
}

function headerOf(owner: string): Buffer {
  const name = Buffer.from(owner, 'utf8');
  const length = Buffer.alloc(4);
  length.writeUInt32LE(name.length);
  return Buffer.concat([Buffer.from(MAGIC, 'latin1'), length, name]);
}

function existingSegments(dir: string, header: Buffer, onNotice: SpoolOptions['onNotice']): Segment[] {
  const names = readdirSync(dir)
    .filter((name) => NAME.test(name))
    .sort();
  return names.flatMap((name) => {
    const path = join(dir, name);
    const fd = openSync(path, 'r');
    const { size } = fstatSync(fd);
    const found = Buffer.alloc(header.length);
    readSync(fd, found, 0, header.length, 0);
    if (found.equals(header)) return { id: Number(name.slice(0, 10)), path, size, offset: header.length, fd };
    closeSync(fd);
    // Killed before the first record, or frames of another feed: those are not for this database.
    if (size < header.length) rmSync(path);
    else {
      renameSync(path, `${path}.other`);
      onNotice?.(`${path} holds another feed's frames and was set aside as ${name}.other`);
    }
    return [];
  });
}

function createSegment(dir: string, id: number, header: Buffer): Segment {
  const path = join(dir, `${String(id).padStart(10, '0')}.spool`);
  const segment: Segment = { id, path, size: 0, offset: header.length, fd: openSync(path, 'wx+', 0o600) };
  writeAll(segment, [header]);
  return segment;
}

/** Appends the buffers, or nothing of them: a torn end would hide what is written after it. */
function writeAll(segment: Segment, buffers: readonly Buffer[]): void {
  const fd = segment.fd as number;
  const total = buffers.reduce((sum, buffer) => sum + buffer.length, 0);
  let written = 0;
  try {
    written = writevSync(fd, buffers, segment.size);
    if (written < total) {
      const rest = Buffer.concat(buffers).subarray(written);
      written += writevSync(fd, [rest], segment.size + written);
    }
    if (written < total) throw new Error(`the disk took ${written} of ${total} bytes`);
    segment.size += total;
  } catch (error) {
    ftruncateSync(fd, segment.size);
    throw error;
  }
}

/** Reads about `wanted` bytes of frames; a record that is torn or altered ends its segment. Returns the bytes read. */
function readInto(
  frames: RawFrame[],
  segment: Segment,
  wanted: number,
  onNotice: SpoolOptions['onNotice'],
): number {
  const from = segment.offset;
  let room = CHUNK_BYTES;
  while (segment.offset < segment.size && segment.offset - from < wanted) {
    const buffer = Buffer.allocUnsafe(Math.min(room, segment.size - segment.offset));
    const length = readSync(segment.fd as number, buffer, 0, buffer.length, segment.offset);
    const isEnd = segment.offset + length >= segment.size;
    let at = 0;
    let record = decodeRecord(buffer, at, MAX_FRAME_BYTES);
    while (typeof record === 'object') {
      frames.push(record.frame);
      at = record.end;
      record = decodeRecord(buffer, at, MAX_FRAME_BYTES);
    }
    segment.offset += at;
    const isTorn = record === 'damaged' || (isEnd && segment.offset < segment.size);
    if (isTorn) {
      onNotice?.(`${segment.path}: ${segment.size - segment.offset} bytes at its end are torn or altered`);
      segment.offset = segment.size;
    }
    // A frame longer than the chunk.
    if (at === 0) room = RECORD_HEAD + MAX_FRAME_BYTES;
  }
  return segment.offset - from;
}

function closeSegment(segment: Segment): void {
  if (segment.fd !== null) closeSync(segment.fd);
  segment.fd = null;
}

function removeSegment(segment: Segment): void {
  closeSegment(segment);
  rmSync(segment.path, { force: true });
}
