// The periods of a backtest, stored by a second connection while the first walks through the sessions before them.
import type pg from 'pg';
import type { Clock } from '../core/clock.ts';
import { type EasternUs, formatEastern } from '../core/eastern_time.ts';

export interface AheadOptions {
  /** Of role job_runner, for nothing else. */
  readonly client: pg.ClientBase;
  readonly run: { readonly runId: number };
  readonly steps: readonly EasternUs[];
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/**
 * Waits until the periods of a step are stored and returns the as_of that they were read with, which is to be the slice's too; null
 * where the slice has to store them itself.
 */
export type PeriodsAhead = (step: number) => Promise<EasternUs | null>;

// Two keep both connections busy, and a run that is stopped has little left to walk.
const STEPS_AHEAD = 2;

/**
 * Begins to store the periods of every step but the first, which may have to look back. Steps that are stored when the signal is
 * aborted are to be walked still: a stopped run has no periods beyond its last slice. When the connection fails, the rest is left to
 * the slices.
 */
export function appendAhead({ client, run, steps, clock, signal }: AheadOptions): PeriodsAhead {
  let hasFailed = false;
  const append = async (step: number): Promise<EasternUs | null> => {
    if (hasFailed || signal.aborted) return null;
    const asOf = clock.now();
    const range = [steps[step - 1], steps[step]].map((at) => formatEastern(at as EasternUs));
    try {
      await client.query({
        name: 'append_ahead',
        text: 'select signal.append_ahead($1, $2, $3, $4)',
        values: [run.runId, ...range, formatEastern(asOf)],
      });
      return asOf;
    } catch {
      // Nothing of the step is stored. What is wrong with its data the slice will say.
      hasFailed = true;
      return null;
    }
  };
  // In order of time, though the first step is not ours.
  const first = signal.aborted ? null : clock.now();
  const stored = [Promise.resolve(first)];
  return (step) => {
    while (stored.length <= step + STEPS_AHEAD && stored.length < steps.length) {
      const next = stored.length;
      stored.push((stored[next - 1] as Promise<unknown>).then(() => append(next)));
    }
    return stored[step] as Promise<EasternUs | null>;
  };
}
