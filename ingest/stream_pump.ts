// From the buffer to the database: frames are mapped when their turn comes, stored in batches, and forgotten once they are there.
import { type Clock, systemClock } from '../core/clock.ts';
import type { EasternUs } from '../core/eastern_time.ts';
import { errorText } from '../core/failure.ts';
import type { FrameBuffer, TakenFrames } from './frame_buffer.ts';
import type { RawFrame } from './massive/feed_options.ts';
import type { MappedFrame } from './massive/mapper.ts';
import { rejectedRow } from './massive/rejected.ts';
import type { StreamBatch, StreamWriter, WriteCounts } from './stream_writer.ts';

export interface PumpOptions {
  readonly buffer: FrameBuffer;
  readonly writer: Pick<StreamWriter, 'write'>;
  readonly clock: Clock;
  /** Called before the first frame of a batch is mapped; the batch before is being stored then, those before it are. */
  readonly onBatch?: () => void;
  /** Maps a frame and leaves out what is not the feed's. */
  readonly map: (frame: RawFrame) => MappedFrame;
  /** Up to where the rows mapped so far are complete. */
  readonly highWater: () => EasternUs | null;
  /** Awaited before each batch. */
  readonly beforeWrite: () => Promise<void>;
}

export interface Pump {
  /**
   * Stores what comes, as soon as what came before is stored, until the signal is aborted; in a flood every GATHER_MS. Once a batch
   * could not be stored, this and `settle` reject with what kept it.
   */
  flow(signal: AbortSignal): Promise<void>;
  /** Resolves when everything received so far is stored; with `completeTo`, the caller knows that nothing before it can come. */
  settle(completeTo?: EasternUs): Promise<void>;
  /** True when everything received is stored. */
  isIdle(): boolean;
  counts(): WriteCounts;
}

interface Received {
  readonly frame: RawFrame;
  readonly mapped: MappedFrame;
}

const wallClock = systemClock();
// Some 35,000 quotes: the next batch is mapped while PostgreSQL takes this one.
const BATCH_BYTES = 4 << 20;
// A batch touches a page of the index for each contract, however few quotes of it there are: in a flood, two thirds as much work where
// some gather. No slower either, on the whole: whoever waits for the rows waits for a core as well.
const GATHER_MS = 20;
// Some 35,000 quotes a second.
const FLOOD_BYTES_A_MS = 4096;
const RATE_OVER_MS = 100;
// What a row itself is to blame for: it would fail again and again, and everything behind it would wait for ever.
const ROW_FAULT = /^2[23]...$/;

/** The pump of one stream. */
export function createPump(options: PumpOptions): Pump {
  const { buffer, clock } = options;
  const counts = { inserted: 0, duplicate: 0 };
  let takenBytes = 0;
  let tail: Promise<unknown> = Promise.resolve();
  let running = 0;
  // What could not be stored keeps everything behind it: a later batch's mark would speak for it.
  let failure: { readonly error: unknown } | null = null;

  function alone(work: () => Promise<void>): Promise<void> {
    running += 1;
    const mine = tail.then(work).finally(() => {
      running -= 1;
    });
    tail = mine.catch(() => undefined);
    return mine;
  }

  async function storeAll(completeTo?: EasternUs): Promise<void> {
    if (failure !== null) throw failure.error;
    let writing: Promise<void> = Promise.resolve();
    let isMarked = completeTo === undefined;
    for (;;) {
      const taken = buffer.take(BATCH_BYTES);
      for (const { data } of taken.frames) takenBytes += data.length;
      const isLast = buffer.isEmpty();
      if (taken.frames.length === 0 && isMarked) break;
      options.onBatch?.();
      const received = taken.frames.map((frame) => ({ frame, mapped: options.map(frame) }));
      const known = isLast && completeTo !== undefined ? completeTo : options.highWater();
      isMarked ||= isLast;
      // Mapped while the one before was being stored.
      await writing;
      writing = storeTaken(taken, received, known);
      // Nobody awaits it yet.
      writing.catch(() => undefined);
      if (isLast) break;
    }
    await writing;
  }

  async function storeTaken(
    taken: TakenFrames,
    received: readonly Received[],
    completeTo: EasternUs | null,
  ): Promise<void> {
    try {
      await options.beforeWrite();
      await write(received, completeTo);
    } catch (error) {
      failure = { error };
      throw error;
    }
    buffer.stored(taken);
  }

  async function write(received: readonly Received[], completeTo: EasternUs | null): Promise<void> {
    const receivedAt = lastReceipt(received) ?? clock.now();
    try {
      count(await options.writer.write({ ...rowsOf(received), completeTo, receivedAt }));
    } catch (error) {
      if (!isRowFault(error)) throw error;
      await writeAround(received, completeTo, error);
    }
  }

  // By halves to the frame that the database does not take: that one becomes a dead letter.
  async function writeAround(
    received: readonly Received[],
    completeTo: EasternUs | null,
    error: unknown,
  ): Promise<void> {
    const [first] = received;
    if (first === undefined) throw error;
    if (received.length > 1) {
      const middle = received.length >> 1;
      // The mark belongs to the last of the rows.
      await write(received.slice(0, middle), null);
      return write(received.slice(middle), completeTo);
    }
    const letter = rejectedRow(
      first.frame.data.toString('utf8'),
      `the database refused it: ${errorText(error)}`,
    );
    const nothing = { ticks: [], quotes: [], trades: [], rejected: [letter] };
    count(await options.writer.write({ ...nothing, completeTo, receivedAt: first.frame.ts_recv }));
  }

  function count({ inserted, duplicate }: WriteCounts): void {
    counts.inserted += inserted;
    counts.duplicate += duplicate;
  }

  return {
    flow: async (signal) => {
      let beganMs = performance.now();
      let bytesAMs = 0;
      while (!signal.aborted) {
        await buffer.ready(signal);
        const restMs = beganMs + GATHER_MS - performance.now();
        if (bytesAMs >= FLOOD_BYTES_A_MS && restMs > 0) await wallClock.sleep(restMs, signal);
        if (signal.aborted) break;
        const [bytesBefore, beforeMs] = [takenBytes, beganMs];
        beganMs = performance.now();
        await alone(storeAll);
        // What it took has come since the batch before it.
        const sinceMs = beganMs - beforeMs;
        bytesAMs += (takenBytes - bytesBefore - bytesAMs * sinceMs) / Math.max(sinceMs, RATE_OVER_MS);
      }
    },
    settle: (completeTo) => alone(() => storeAll(completeTo)),
    isIdle: () => running === 0 && buffer.isEmpty(),
    counts: () => ({ ...counts }),
  };
}

/** Not that of the last frame where the clock was set back: who reads up to the mark must see every row that it speaks for. */
function lastReceipt(received: readonly Received[]): EasternUs | null {
  let last: EasternUs | null = null;
  for (const { frame } of received) if (last === null || frame.ts_recv > last) last = frame.ts_recv;
  return last;
}

function isRowFault(error: unknown): boolean {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' && ROW_FAULT.test(code);
}

function rowsOf(
  received: readonly Received[],
): Pick<StreamBatch, 'ticks' | 'quotes' | 'trades' | 'rejected' | 'scanned'> {
  const [first, last] = [received[0]?.mapped.scanned, received.at(-1)?.mapped.scanned];
  return {
    // Frames that follow each other share their columns.
    ...(first === undefined || last === undefined ? {} : { scanned: { ...first, to: last.to } }),
    ticks: received.flatMap(({ mapped }) => mapped.ticks),
    quotes: received.flatMap(({ mapped }) => mapped.quotes),
    trades: received.flatMap(({ mapped }) => mapped.trades),
    rejected: received.flatMap(({ mapped }) => mapped.rejected),
  };
}
