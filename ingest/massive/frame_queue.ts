// The bounded queue between a feed's read loop and the consumer that maps and stores.
import type { RawFrame } from './feed_options.ts';

export interface FrameQueueOptions {
  /** Bytes at which the feed is paused; it resumes when the queue is drained. */
  readonly maxBytes: number;
  readonly pause: () => void;
  readonly resume: () => void;
}

export interface FrameQueue {
  push(frame: RawFrame): void;
  /** Everything queued, oldest first; the queue is empty afterwards. */
  drain(): RawFrame[];
  /** Resolves when a frame is queued, or when the signal is aborted. */
  ready(signal: AbortSignal): Promise<void>;
  bytes(): number;
}

/**
 * A queue that holds its feed back instead of growing: a paused socket leaves the backlog to the network and the vendor, who
 * sooner or later drops the connection. It can exceed `maxBytes` by what the socket had already read.
 */
export function createFrameQueue(options: FrameQueueOptions): FrameQueue {
  let frames: RawFrame[] = [];
  let bytes = 0;
  let paused = false;
  let announce: () => void = () => {};
  return {
    bytes: () => bytes,
    push: (frame) => {
      frames.push(frame);
      bytes += frame.data.length;
      if (!paused && bytes >= options.maxBytes) {
        paused = true;
        options.pause();
      }
      announce();
    },
    drain: () => {
      const drained = frames;
      frames = [];
      bytes = 0;
      if (paused) {
        paused = false;
        options.resume();
      }
      return drained;
    },
    ready: (signal) =>
      new Promise((resolve) => {
        const end = (): void => {
          announce = () => {};
          signal.removeEventListener('abort', end);
          resolve();
        };
        announce = end;
        signal.addEventListener('abort', end);
        if (frames.length > 0 || signal.aborted) end();
      }),
  };
}
