// Reads lines and COPY blocks, which end with a line `\.`, in turn from one stream of bytes.
import type { Readable } from 'node:stream';

export interface BlockReader {
  /** The next line without its end, or null at the end of the stream. */
  line(): Promise<string | null>;
  /** The bytes before the next line `\.`, which is skipped. Ends early where the stream does. */
  data(): AsyncGenerator<Buffer, void, void>;
}

const FEED = 0x0a;
const END = Buffer.from('\\.\n');
const END_AFTER_LINE = Buffer.from('\n\\.\n');

/** A reader of `from`. Lines and blocks must be read in the order in which they stand. */
export function blockReader(from: Readable): BlockReader {
  const chunks = from[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  let rest: Buffer = Buffer.alloc(0);
  const fill = async (): Promise<boolean> => {
    const next = await chunks.next();
    if (next.done) return false;
    rest = rest.length === 0 ? next.value : Buffer.concat([rest, next.value]);
    return true;
  };
  const line = async (): Promise<string | null> => {
    let at = rest.indexOf(FEED);
    while (at < 0) {
      if (!(await fill())) return rest.length === 0 ? null : rest.toString('utf8');
      at = rest.indexOf(FEED);
    }
    const text = rest.toString('utf8', 0, at);
    rest = rest.subarray(at + 1);
    return text;
  };
  async function* data(): AsyncGenerator<Buffer, void, void> {
    while (rest.length < END.length && (await fill()));
    if (rest.subarray(0, END.length).equals(END)) {
      rest = rest.subarray(END.length);
      return;
    }
    for (;;) {
      const at = rest.indexOf(END_AFTER_LINE);
      if (at >= 0) {
        const last = rest.subarray(0, at + 1);
        rest = rest.subarray(at + END_AFTER_LINE.length);
        yield last;
        return;
      }
      // The end may have begun in the last bytes.
      const sure = Math.max(0, rest.length - END_AFTER_LINE.length + 1);
      const block = rest.subarray(0, sure);
      rest = rest.subarray(sure);
      if (block.length > 0) yield block;
      if (!(await fill())) return;
    }
  }
  return { line, data };
}
