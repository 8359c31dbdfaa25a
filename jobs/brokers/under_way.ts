// What is asked of a broker while it is being closed: nothing new begins, and what is under way is heard to its end.
import { Failure } from '../../core/failure.ts';

export interface UnderWay {
  /** Work that fails once the broker is closed. */
  read<T>(work: () => Promise<T>): Promise<T>;
  /** Work that gives `closed` instead. */
  send<T>(work: () => Promise<T>, closed: T): Promise<T>;
  /** Resolves when all of it has ended, however. */
  ended(): Promise<void>;
}

/** Follows the work of an adapter until `signal` closes it; `closedText` is what is said then. */
export function trackUnderWay(signal: AbortSignal, closedText: string): UnderWay {
  const underWay = new Set<Promise<unknown>>();
  const track = <T>(work: Promise<T>): Promise<T> => {
    underWay.add(work);
    const forget = (): void => void underWay.delete(work);
    work.then(forget, forget);
    return work;
  };
  return {
    read: (work) => (signal.aborted ? Promise.reject(new Failure(closedText)) : track(work())),
    send: (work, closed) => (signal.aborted ? Promise.resolve(closed) : track(work())),
    ended: async () => {
      await Promise.allSettled(underWay);
    },
  };
}
