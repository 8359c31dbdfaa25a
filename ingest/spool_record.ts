// Records of the disk spool: length, checksum, time of receipt, the raw frame. A torn or altered record is told from a whole one.
import type { EasternUs } from '../core/eastern_time.ts';
import type { RawFrame } from './massive/feed_options.ts';

/** Bytes before a record's frame: length (4), checksum (4), ts_recv in µs (8). */
export const RECORD_HEAD = 16;

/** A record read from a buffer: where the next one begins, or why there is none. */
export type DecodedRecord =
  | { readonly frame: RawFrame; readonly end: number }
  /** The buffer ends within the record. */
  | 'incomplete'
  | 'damaged';

const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit += 1) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  return value >>> 0;
});

// The CRC-32 of zip and zlib; zlib.crc32 is newer than the oldest Node that we run on.
function crc32(bytes: Uint8Array, from: number, to: number, start = 0): number {
  let crc = ~start;
  for (let i = from; i < to; i += 1)
    crc = (crc >>> 8) ^ (TABLE[(crc ^ (bytes[i] as number)) & 255] as number);
  return ~crc >>> 0;
}

/** The head of a frame's record, and the frame itself as it is. */
export function encodeRecord({ data, ts_recv }: RawFrame): readonly [Buffer, Buffer] {
  const head = Buffer.allocUnsafe(RECORD_HEAD);
  head.writeUInt32LE(data.length, 0);
  head.writeBigInt64LE(BigInt(ts_recv), 8);
  head.writeUInt32LE(crc32(data, 0, data.length, crc32(head, 8, RECORD_HEAD)), 4);
  return [head, data];
}

/** Reads the record at `at`. `maxBytes` is the longest frame that a sound record can hold. */
export function decodeRecord(buffer: Buffer, at: number, maxBytes: number): DecodedRecord {
  if (buffer.length - at < RECORD_HEAD) return 'incomplete';
  const length = buffer.readUInt32LE(at);
  if (length > maxBytes) return 'damaged';
  const end = at + RECORD_HEAD + length;
  if (buffer.length < end) return 'incomplete';
  const head = crc32(buffer, at + 8, at + RECORD_HEAD);
  if (crc32(buffer, at + RECORD_HEAD, end, head) !== buffer.readUInt32LE(at + 4)) return 'damaged';
  // A copy: the buffer is read into again, and a frame may be kept for long.
  const data = Buffer.from(buffer.subarray(at + RECORD_HEAD, end));
  return { frame: { data, ts_recv: Number(buffer.readBigInt64LE(at + 8)) as EasternUs }, end };
}
