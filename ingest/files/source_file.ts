// Opening a file for import: what it is (text, gzip, zip), and its text as blocks of whole lines with byte progress.
import { createReadStream } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { pipeline } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { Decompress } from 'fzstd';
import { errorText, Failure } from '../../core/failure.ts';
import { MAX_LINE_BYTES, newRow, nextRow, type Row, setBlock, tooLong } from './lines.ts';

const CHUNK_BYTES = 262_144;
const LF = 10;

export interface SourceFile {
  readonly path: string;
  /** The path's last part: what messages call the file. */
  readonly name: string;
  readonly encoding: 'text' | 'gzip' | 'zip' | 'zstd' | 'dbn';
  readonly totalBytes: number;
  /** False where plain text ends in the middle of a line, or looks so. */
  readonly endsWithLine: boolean;
}

/** Whole lines of a file, and how many bytes of it (compressed ones, if it is) were read to get them. */
export interface LineBlock {
  readonly buffer: Buffer;
  readonly bytes: number;
}

/** Looks at a file and its first bytes. Throws Failure if it is missing, a directory, empty or not readable text. */
export async function openSource(path: string): Promise<SourceFile> {
  const name = basename(path);
  const { head, size, isFile, lastByte } = await readEnds(path);
  if (!isFile)
    throw new Failure(`${path} is a directory`, { hint: 'name the files in it, e.g. with a * pattern' });
  if (size === 0) throw new Failure(`${path} is empty`, { hint: 'was the download interrupted?' });
  const encoding = encodingOf(path, head);
  return { path, name, encoding, totalBytes: size, endsWithLine: encoding !== 'text' || lastByte === LF };
}

interface FileEnds {
  readonly head: Buffer;
  readonly lastByte: number | undefined;
  readonly size: number;
  readonly isFile: boolean;
}

async function readEnds(path: string): Promise<FileEnds> {
  try {
    const stats = await stat(path);
    if (!stats.isFile()) return { head: Buffer.alloc(0), lastByte: undefined, size: 0, isFile: false };
    const file = await open(path);
    try {
      const head = await file.read(Buffer.alloc(4096), 0, 4096, 0);
      const tail = await file.read(Buffer.alloc(1), 0, 1, Math.max(stats.size - 1, 0));
      const lastByte = tail.buffer[0];
      return { head: head.buffer.subarray(0, head.bytesRead), lastByte, size: stats.size, isFile: true };
    } finally {
      await file.close();
    }
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT')
      throw new Failure(`no such file: ${path}`, { cause });
    throw new Failure(`cannot read ${path}`, { cause });
  }
}

function encodingOf(path: string, head: Buffer): SourceFile['encoding'] {
  if (head[0] === 0x1f && head[1] === 0x8b) return 'gzip';
  if (head.toString('latin1', 0, 2) === 'PK') return 'zip';
  if (head.length >= 4 && isZstd(head.readUInt32LE(0))) return 'zstd';
  if (head.toString('latin1', 0, 3) === 'DBN') return 'dbn';
  if ((head[0] === 0xff && head[1] === 0xfe) || (head[0] === 0xfe && head[1] === 0xff)) {
    throw new Failure(`${path} is UTF-16 text`, { hint: 'save it as UTF-8' });
  }
  if (head.includes(0)) throw new Failure(`${path} is not text: it holds zero bytes`);
  if (/\.(gz|zip|zst|dbn)$/i.test(path))
    throw new Failure(`${path} is not compressed, whatever its name says`, {
      hint: 'is it an error page saved by a download? Look at its first lines',
    });
  return 'text';
}

// A frame, or one that is to be skipped, of which the first may be.
function isZstd(magic: number): boolean {
  return magic === 0xfd2fb528 || (magic & 0xfffffff0) >>> 0 === 0x184d2a50;
}

/** The file's whole lines, block by block, unpacked if need be. Throws Failure on a truncated or corrupt file. */
export function readLines(source: SourceFile): AsyncGenerator<LineBlock> {
  return readBlocks(source, (chunks) => wholeLines(chunks, source.name));
}

/** The file's bytes, unpacked if need be. Throws Failure on a truncated or corrupt file. */
export function readBytes(source: SourceFile): AsyncGenerator<LineBlock> {
  return readBlocks(source, (chunks) => chunks);
}

async function* readBlocks(
  source: SourceFile,
  cut: (chunks: AsyncIterable<Buffer>) => AsyncIterable<Buffer>,
): AsyncGenerator<LineBlock> {
  const file = createReadStream(source.path, { highWaterMark: CHUNK_BYTES });
  const { encoding } = source;
  const chunks = encoding === 'gzip' ? gunzipped(file) : encoding === 'zstd' ? unpackedZstd(file) : file;
  try {
    for await (const buffer of cut(chunks)) yield { buffer, bytes: file.bytesRead };
  } catch (cause) {
    if (cause instanceof Failure) throw cause;
    throw new Failure(`${source.path} cannot be read to its end (${errorText(cause)})`, {
      cause,
      hint: 'the file is truncated or damaged: download it again',
    });
  } finally {
    file.destroy();
  }
}

function gunzipped(file: ReturnType<typeof createReadStream>): AsyncIterable<Buffer> {
  const gunzip = createGunzip({ chunkSize: CHUNK_BYTES });
  // pipeline hands an error of the file to the reader of `gunzip`, who throws it: nothing is left to do here.
  pipeline(file, gunzip, () => {});
  return gunzip;
}

// Files of several frames are one stream of bytes.
async function* unpackedZstd(file: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const unpacked: Buffer[] = [];
  const stream = new Decompress((chunk) => {
    // Its buffers are its own.
    if (chunk.length > 0) unpacked.push(Buffer.from(chunk));
  });
  for await (const chunk of file) {
    stream.push(chunk);
    yield* unpacked.splice(0);
  }
  stream.push(new Uint8Array(0), true);
  yield* unpacked.splice(0);
}

/** Cuts a byte stream after its line feeds; the last block may lack one. A byte order mark is dropped. */
export async function* wholeLines(chunks: AsyncIterable<Buffer>, name: string): AsyncGenerator<Buffer> {
  let rest: Buffer = Buffer.alloc(0);
  let first = true;
  for await (const chunk of chunks) {
    let joined = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    if (first && joined.length < 3) {
      rest = joined;
      continue;
    }
    if (first) joined = withoutMark(joined);
    first = false;
    const end = joined.lastIndexOf(LF) + 1;
    if (joined.length - end > 2 * MAX_LINE_BYTES) throw tooLong(name);
    if (end > 0) yield joined.subarray(0, end);
    rest = joined.subarray(end);
  }
  if (rest.length > 0) yield rest;
}

function withoutMark(buffer: Buffer): Buffer {
  return buffer[0] === 0xef && buffer[1] === 0xbb && buffer[2] === 0xbf ? buffer.subarray(3) : buffer;
}

/** Cursors on the header and on the first row of data of a CSV file. Throws Failure if either is missing. */
export async function readHeadRows(source: SourceFile): Promise<{ header: Row; first: Row }> {
  let header: Row | null = null;
  let row = newRow(source.name);
  for await (const block of readLines(source)) {
    setBlock(row, block.buffer);
    while (nextRow(row)) {
      if (header !== null) return { header, first: row };
      header = row;
      row = { ...newRow(source.name), buffer: header.buffer, next: header.next, line: header.line };
    }
  }
  if (header === null) throw new Failure(`${source.path} holds nothing but blank lines`);
  throw new Failure(`${source.path} holds a header and no rows`, { hint: 'was the download interrupted?' });
}
