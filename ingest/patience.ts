// Work on a database that may be away for hours: it is done again, in its order, until it succeeds or nobody waits any more.
import { systemClock } from '../core/clock.ts';
import { isConnectionLoss } from '../db/connection_loss.ts';

// Deadlocks, a full disk or memory, a lock not granted, a statement that was cancelled, a file that cannot be read for now.
const PASSING = /^(40001|40P01|53...|55P03|57014|58...)$/;
const WAIT_MS = 1000;
const wallClock = systemClock();

/** True for an error that may be gone at the next attempt. */
export function isPassing(error: unknown): boolean {
  const code = (error as { code?: unknown } | null)?.code;
  return isConnectionLoss(error) || (typeof code === 'string' && PASSING.test(code));
}

/** Runs `work`; the next waits until it is done, so that a repetition never overtakes. */
export type Patient = <T>(work: () => Promise<T>) => Promise<T>;

/** A queue of work. Rejects with errors that would only happen again, and with any once the signal is aborted. */
export function createPatience(signal?: AbortSignal): Patient {
  let tail: Promise<unknown> = Promise.resolve();

  async function persist<T>(work: () => Promise<T>): Promise<T> {
    for (;;) {
      try {
        return await work();
      } catch (error) {
        if (signal === undefined || signal.aborted || !isPassing(error)) throw error;
        await wallClock.sleep(WAIT_MS, signal);
      }
    }
  }

  return (work) => {
    const mine = tail.then(() => persist(work));
    tail = mine.catch(() => undefined);
    return mine;
  };
}
