// Between a feed's read loop and the consumer that stores: a bounded queue in memory, and behind it the disk where there is one.
import type { RawFrame } from './massive/feed_options.ts';
import type { Spool, SpoolPosition } from './spool.ts';

export interface FrameBufferOptions {
  /** Bytes in memory at which frames go to the spool or, without one, the feed is paused until the queue is empty. */
  readonly maxBytes: number;
  readonly spool: Spool | null;
  readonly pause: () => void;
  readonly resume: () => void;
}

/** Frames on their way to the database; give them to `stored` when they are there. */
export interface TakenFrames {
  readonly frames: readonly RawFrame[];
  /** Of frames that came from the disk. */
  readonly position: SpoolPosition | null;
}

export interface FrameBuffer {
  push(frame: RawFrame): void;
  /** The oldest frames, about `maxBytes` of them; none when the buffer is empty. */
  take(maxBytes: number): TakenFrames;
  stored(taken: TakenFrames): void;
  /** True when every frame has been taken. */
  isEmpty(): boolean;
  /** Resolves when there is a frame to take, or when the signal is aborted. */
  ready(signal: AbortSignal): Promise<void>;
  /** Bytes in memory that were not taken. */
  bytes(): number;
  spooledBytes(): number;
  /** Puts what is not stored on disk, for the next process. False where there is no disk and something was left. */
  save(): boolean;
}

/**
 * A buffer that never outgrows its bounds. With a spool the socket is always read: once memory is full, every frame goes to disk
 * until all of them have been taken, so that the order holds. Without one a paused socket leaves the backlog to the network and
 * the vendor, who sooner or later drops the connection. It can exceed `maxBytes` by what the socket had already read.
 */
export function createFrameBuffer(options: FrameBufferOptions): FrameBuffer {
  const { spool, maxBytes } = options;
  let frames: RawFrame[] = [];
  let bytes = 0;
  let isPaused = false;
  let isSpooling = spool !== null && !spool.isRead();
  let announce: () => void = () => {};
  const underWay = new Set<TakenFrames>();

  function hold(): void {
    if (spool !== null) isSpooling = true;
    else if (!isPaused) {
      isPaused = true;
      options.pause();
    }
  }

  function takeQueued(wanted: number): RawFrame[] {
    let size = 0;
    let count = 0;
    while (count < frames.length && size < wanted) {
      size += (frames[count] as RawFrame).data.length;
      count += 1;
    }
    const taken = frames.slice(0, count);
    frames = frames.slice(count);
    bytes -= size;
    return taken;
  }

  function takeNext(wanted: number): TakenFrames {
    if (frames.length > 0) return { frames: takeQueued(wanted), position: null };
    if (spool === null || !isSpooling) return { frames: [], position: null };
    const read = spool.read(wanted);
    // Nothing but a torn end; while older frames are under way their files must stay.
    if (read.frames.length === 0 && read.position !== null && underWay.size === 0)
      spool.release(read.position);
    isSpooling = !spool.isRead();
    return read;
  }

  const isEmpty = (): boolean => frames.length === 0 && !isSpooling;
  return {
    push: (frame) => {
      if (isSpooling && spool !== null) spool.append(frame);
      else {
        frames.push(frame);
        bytes += frame.data.length;
        if (bytes >= maxBytes) hold();
      }
      announce();
    },
    take: (wanted) => {
      const taken = takeNext(wanted);
      if (taken.frames.length > 0) underWay.add(taken);
      if (isPaused && frames.length === 0) {
        isPaused = false;
        options.resume();
      }
      return taken;
    },
    stored: (taken) => {
      underWay.delete(taken);
      if (taken.position !== null) spool?.release(taken.position);
    },
    isEmpty,
    ready: (signal) =>
      new Promise((resolve) => {
        const end = (): void => {
          announce = () => {};
          signal.removeEventListener('abort', end);
          resolve();
        };
        announce = end;
        signal.addEventListener('abort', end);
        if (!isEmpty() || signal.aborted) end();
      }),
    bytes: () => bytes,
    spooledBytes: () => spool?.bytes() ?? 0,
    save: () => {
      // What came from the disk is there still.
      const taken = [...underWay].filter(({ position }) => position === null).flatMap((each) => each.frames);
      const left = [...taken, ...frames];
      if (spool !== null) spool.prepend(left);
      return spool !== null || left.length === 0;
    },
  };
}
