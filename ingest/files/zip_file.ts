// Zip archives as streams of their entries, checked to the last byte: sizes by yauzl, CRC-32 here.
import { type Entry, openPromise, type ZipFile } from 'yauzl';
import { errorText, Failure } from '../../core/failure.ts';

export interface ZipArchive {
  readonly entries: readonly Entry[];
  /** The bytes of one entry. Throws Failure where the archive is truncated or damaged. */
  read(entry: Entry): AsyncGenerator<Buffer>;
  close(): void;
}

/** Opens an archive and reads its directory. Throws Failure if it is truncated or no zip. */
export async function openZip(path: string): Promise<ZipArchive> {
  let zip: ZipFile | null = null;
  try {
    zip = await openPromise(path, { lazyEntries: true, autoClose: false });
    const entries: Entry[] = [];
    for await (const entry of zip.eachEntry()) if (!entry.fileName.endsWith('/')) entries.push(entry);
    const opened = zip;
    return { entries, read: (entry) => readEntry(opened, path, entry), close: () => opened.close() };
  } catch (cause) {
    zip?.close();
    throw damaged(path, cause);
  }
}

async function* readEntry(zip: ZipFile, path: string, entry: Entry): AsyncGenerator<Buffer> {
  let crc = 0;
  try {
    for await (const chunk of await zip.openReadStreamPromise(entry)) {
      crc = crc32(chunk as Buffer, crc);
      yield chunk as Buffer;
    }
  } catch (cause) {
    throw damaged(`${path} (${entry.fileName})`, cause);
  }
  if (crc !== entry.crc32) {
    throw damaged(`${path} (${entry.fileName})`, new Error('its checksum does not fit'));
  }
}

function damaged(path: string, cause: unknown): Failure {
  if (cause instanceof Failure) return cause;
  return new Failure(`${path} cannot be read as a zip archive (${errorText(cause)})`, {
    cause,
    hint: 'the file is truncated or damaged: download it again',
  });
}

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  return crc;
});

/** CRC-32 of a chunk, going on from that of the bytes before it. (zlib.crc32 came with Node 20.15; the package promises 20.11.) */
export function crc32(chunk: Buffer, before = 0): number {
  let value = before ^ 0xffffffff;
  for (const byte of chunk) value = (CRC_TABLE[(value ^ byte) & 0xff] as number) ^ (value >>> 8);
  return (value ^ 0xffffffff) >>> 0;
}
