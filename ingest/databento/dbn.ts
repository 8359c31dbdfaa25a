// Databento's binary encoding (reference C5): metadata and records, all little endian, of versions 1 to 3.
import { Failure } from '../../core/failure.ts';

export interface SymbolInterval {
  /** YYYYMMDD. */
  readonly from: number;
  /** YYYYMMDD, exclusive. */
  readonly to: number;
  readonly symbol: string;
}

export interface DbnMetadata {
  readonly version: number;
  readonly dataset: string;
  /** 16 is cbbo-1m, 15 cbbo-1s, 9 definition, 10 statistics; 65535 a mixture. */
  readonly schema: number;
  /** What symbols and instrument ids were on which days. */
  readonly mappings: readonly { readonly name: string; readonly intervals: readonly SymbolInterval[] }[];
}

/** Whole records one behind the other; the first byte of each is its length in units of 4. */
export interface DbnBlock {
  readonly metadata: DbnMetadata;
  readonly records: Buffer;
  /** Of the file, packed as it is. */
  readonly bytes: number;
}

export const RTYPE = { definition: 19, statistics: 24, cbbo1s: 192, cbbo1m: 193 } as const;

const PREFIX_BYTES = 8;
const MAX_METADATA = 64 * 1024 * 1024;
const UNIT_BYTES = 4;
const V1_SYMBOL = 22;

/** Reads a stream of bytes, cut anywhere. Throws a Failure on what is no DBN, on a version that is not known, and at an end within a record. */
export async function* dbnBlocks(
  chunks: AsyncIterable<{ readonly buffer: Buffer; readonly bytes: number }>,
  name: string,
): AsyncGenerator<DbnBlock> {
  let metadata: DbnMetadata | null = null;
  let rest: Buffer = Buffer.alloc(0);
  for await (const { buffer, bytes } of chunks) {
    rest = rest.length === 0 ? buffer : Buffer.concat([rest, buffer]);
    if (metadata === null) {
      const length = metadataLength(rest, name);
      if (length === null || rest.length < PREFIX_BYTES + length) continue;
      metadata = readMetadata(rest.subarray(0, PREFIX_BYTES + length));
      rest = rest.subarray(PREFIX_BYTES + length);
    }
    const end = endOfRecords(rest, name);
    if (end > 0) yield { metadata, records: rest.subarray(0, end), bytes };
    rest = rest.subarray(end);
  }
  if (metadata === null || rest.length > 0) {
    throw new Failure(`${name} ends in the middle of ${metadata === null ? 'its head' : 'a record'}`, {
      hint: 'the file is truncated or damaged: download it again',
    });
  }
}

function metadataLength(head: Buffer, name: string): number | null {
  if (head.length < PREFIX_BYTES) return null;
  const version = head[3] ?? 0;
  if (head.toString('latin1', 0, 3) !== 'DBN' || version < 1 || version > 3) {
    throw new Failure(`${name} is not DBN of version 1 to 3`, {
      hint: 'Databento’s files of old (.dbz) are converted by its own tool dbn.',
    });
  }
  const length = head.readUInt32LE(4);
  if (length > MAX_METADATA) throw new Failure(`${name} has a head of ${length} bytes: it is damaged`);
  return length;
}

function endOfRecords(buffer: Buffer, name: string): number {
  let end = 0;
  while (end < buffer.length) {
    const length = (buffer[end] ?? 0) * UNIT_BYTES;
    if (length < 16) throw new Failure(`${name} holds a record of ${length} bytes: it is damaged`);
    if (end + length > buffer.length) break;
    end += length;
  }
  return end;
}

function text(buffer: Buffer, at: number, length: number): string {
  const end = buffer.indexOf(0, at);
  return buffer.toString('latin1', at, end < 0 || end > at + length ? at + length : end);
}

function readMetadata(head: Buffer): DbnMetadata {
  const version = head[3] ?? 0;
  const dataset = text(head, 8, 16);
  const schema = head.readUInt16LE(24);
  // start, end and limit of 8 bytes each; the number of records in version 1; two symbologies, ts_out.
  const afterTimes = 26 + 24 + (version === 1 ? 8 : 0) + 3;
  const width = version === 1 ? V1_SYMBOL : head.readUInt16LE(afterTimes);
  const padding = version === 1 ? 47 : 53;
  let at = afterTimes + (version === 1 ? 0 : 2) + padding;
  // A definition of the schema, which has never had a length.
  at += 4 + head.readUInt32LE(at);
  const count = (): number => {
    const value = head.readUInt32LE(at);
    at += 4;
    return value;
  };
  const symbol = (): string => {
    const value = text(head, at, width);
    at += width;
    return value;
  };
  // Symbols asked for, found in part, not found.
  for (let list = 0; list < 3; list += 1) {
    const symbols = count();
    at += symbols * width;
  }
  const mappings = Array.from({ length: count() }, () => ({
    name: symbol(),
    intervals: Array.from({ length: count() }, () => ({ from: count(), to: count(), symbol: symbol() })),
  }));
  return { version, dataset, schema, mappings };
}
