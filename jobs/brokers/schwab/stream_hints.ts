// Account activity as a hint: something has happened, read it by REST. The content itself decides nothing.
import type { Clock } from '../../../core/clock.ts';
import type { StreamData } from './stream_wire.ts';

export interface Hints {
  /** An account activity message; repeats of one that was seen give no hint. */
  observe(message: StreamData): void;
  /** A hint without a message: what happened while nobody listened is not sent again. */
  raise(): void;
  listen(listener: () => void): () => void;
  close(): void;
}

/** An order's life is a dozen messages within milliseconds: one hint for them. Not put off by the next: a flood would starve it. */
const DEBOUNCE_MS = 75;
const REMEMBERED = 200;

/** Hints for the listeners of now. `transport` is real time. */
export function createHints(transport: Clock): Hints {
  const listeners = new Set<() => void>();
  const seen = new Set<string>();
  const closing = new AbortController();
  let isPending = false;

  const raise = (): void => {
    if (isPending || closing.signal.aborted) return;
    isPending = true;
    void transport.sleep(DEBOUNCE_MS, closing.signal).then(() => {
      isPending = false;
      if (closing.signal.aborted) return;
      for (const listener of [...listeners]) listener();
    });
  };
  return {
    observe: (message) => {
      for (const content of message.content) {
        // The number alone does not tell: it may begin again after a reconnect, and a fill must not be taken for a repeat.
        const mark = JSON.stringify([content.seq, content['2'], content['3']]);
        if (seen.has(mark)) continue;
        if (seen.size >= REMEMBERED) seen.delete(seen.values().next().value ?? '');
        seen.add(mark);
        raise();
      }
    },
    raise: () => {
      // A new subscription counts from 0 again.
      seen.clear();
      raise();
    },
    listen: (listener) => {
      listeners.add(listener);
      return () => {
        listeners.delete(listener);
      };
    },
    close: () => {
      closing.abort();
      listeners.clear();
    },
  };
}
