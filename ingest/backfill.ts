// Fills gaps: one after the other, newest first, again and again until the vendor has given back what was missed.
import type { Clock } from '../core/clock.ts';
import { addMs, type EasternUs } from '../core/eastern_time.ts';
import { errorText } from '../core/failure.ts';
import { faultPoint } from './fault_point.ts';
import type { DataRange, GapLedger, UnfilledGap } from './gap_ledger.ts';

export interface BackfillOptions {
  readonly ledger: GapLedger;
  /** The market's clock. */
  readonly clock: Clock;
  /** Stores what the vendor has of [from, to), and gives the number of rows that were new. */
  readonly fill: (range: DataRange, signal: AbortSignal) => Promise<number>;
  /** Time that the vendor is given to have the last events of a gap on record. */
  readonly settleMs: number;
  readonly signal: AbortSignal;
  readonly onFilled?: (gap: UnfilledGap, rows: number) => void;
  readonly onFailure?: (gap: UnfilledGap, reason: string) => void;
  /** Uniform in [0, 1), for the jitter of waits. */
  readonly random?: () => number;
}

export interface Backfill {
  /** There may be a new gap. */
  wake(): void;
  /** Resolves when the signal is aborted and the work at hand has ended. Rejects with an error that is not the vendor's. */
  readonly done: Promise<void>;
}

// Events are late now and then, and clocks differ: a gap is asked for with what lies around it, since rows that are there stay.
const MARGIN_MS = 60_000;
const RETRY_FIRST_MS = 1000;
const RETRY_MAX_MS = 60_000;

/** Fills the ledger's gaps until the signal is aborted. */
export function startBackfill(options: BackfillOptions): Backfill {
  const { ledger, clock, signal } = options;
  const notBefore = new Map<number, EasternUs>();
  let woken = new AbortController();
  let isWoken = false;

  const dueAt = (gap: UnfilledGap): EasternUs =>
    Math.max(addMs(gap.to, options.settleMs), notBefore.get(gap.gapId) ?? 0) as EasternUs;

  async function run(): Promise<void> {
    while (!signal.aborted) {
      isWoken = false;
      const gaps = await ledger.unfilled();
      const now = clock.now();
      const next = gaps.find((gap) => dueAt(gap) <= now);
      if (next !== undefined) await fillOne(next);
      else if (!isWoken) await sleep((Math.min(...gaps.map(dueAt)) - now) / 1000);
    }
  }

  async function sleep(ms: number): Promise<void> {
    woken = new AbortController();
    const both = AbortSignal.any([woken.signal, signal]);
    if (Number.isFinite(ms)) await clock.sleep(ms, both);
    else await aborted(both);
  }

  async function fillOne(gap: UnfilledGap): Promise<void> {
    const { settleMs } = options;
    faultPoint('before_fill');
    try {
      const range = { from: addMs(gap.from, -MARGIN_MS), to: wholeSecond(addMs(gap.to, settleMs / 2)) };
      const rows = await options.fill(range, signal);
      faultPoint('after_fill');
      await ledger.noteFilled(gap, rows, clock.now());
      options.onFilled?.(gap, rows);
    } catch (error) {
      if (signal.aborted) return;
      const reason = errorText(error);
      await ledger.noteFailure(gap, reason);
      notBefore.set(gap.gapId, addMs(clock.now(), retryAfter(gap.attempts, options.random ?? Math.random)));
      options.onFailure?.(gap, reason);
    }
  }

  const done = run();
  done.catch(() => {});
  return {
    wake: () => {
      isWoken = true;
      woken.abort();
    },
    done,
  };
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

// A second that has begun is not on record as a whole.
function wholeSecond(us: EasternUs): EasternUs {
  return (us - (us % 1_000_000)) as EasternUs;
}

function retryAfter(attempts: number, random: () => number): number {
  const backoffMs = Math.min(RETRY_MAX_MS, RETRY_FIRST_MS * 2 ** Math.min(10, attempts));
  return (backoffMs * (1 + random())) / 2;
}
