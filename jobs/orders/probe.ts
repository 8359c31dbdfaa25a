// When an order of unknown fate is looked for again, and when it counts as never placed.
import { addMs, type EasternUs } from '../../core/eastern_time.ts';
import type { OpenOrder } from './records.ts';

export interface Probe {
  /** Looks so far. */
  readonly looks: number;
  readonly nextAt: EasternUs;
  /** Since when every look found nothing, neither among the orders nor in the positions; null after any other. */
  readonly missedAt: EasternUs | null;
}

type Sent = Pick<OpenOrder, 'purpose' | 'ts_submitted'>;

const PAUSES_MS = [500, 1000, 2000, 4000, 5000];

interface Patience {
  /** Between the first and the last look that found nothing. */
  readonly apartMs: number;
  /** From sending to the verdict. */
  readonly ageMs: number;
}

// A second entry is a second position; a second exit is refused by the broker once the position is closed.
const PATIENCE: Readonly<Record<OpenOrder['purpose'], Patience>> = {
  entry: { apartMs: 5000, ageMs: 30_000 },
  exit: { apartMs: 2000, ageMs: 0 },
  protect: { apartMs: 2000, ageMs: 0 },
};

/** The schedule of an order that became unknown at `at`. */
export function beginProbe(at: EasternUs): Probe {
  return { looks: 0, nextAt: addMs(at, pauseMs(0)), missedAt: null };
}

/** A look that does not tell: something could not be read, or the position has changed. What was missed before counts no more. */
export function lookedInVain(probe: Probe, now: EasternUs): Probe {
  const looks = probe.looks + 1;
  return { looks, nextAt: addMs(now, pauseMs(looks)), missedAt: null };
}

/** A look that found neither the order nor a change of the position: null if it was never placed. */
export function missed(probe: Probe, order: Sent, now: EasternUs): Probe | null {
  const { apartMs, ageMs } = PATIENCE[order.purpose];
  const missedAt = probe.missedAt ?? now;
  const verdictAt = Math.max(addMs(missedAt, apartMs), addMs(order.ts_submitted, ageMs)) as EasternUs;
  if (probe.missedAt !== null && now >= verdictAt) return null;
  const looks = probe.looks + 1;
  const usual = addMs(now, pauseMs(looks));
  return { looks, nextAt: verdictAt > now && verdictAt < usual ? verdictAt : usual, missedAt };
}

function pauseMs(looks: number): number {
  return PAUSES_MS[Math.min(looks, PAUSES_MS.length - 1)] ?? 5000;
}
