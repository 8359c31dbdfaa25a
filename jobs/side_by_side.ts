// Sessions of a backtest, walked on several connections at once and committed in their order.
import type pg from 'pg';
import type { EasternUs } from '../core/eastern_time.ts';
import { advanceApart, isCollision } from './advance.ts';

export interface SideBySideWalk {
  readonly runId: number;
  /** Where the run begins. */
  readonly from: EasternUs;
  /** Where each slice ends. */
  readonly steps: readonly EasternUs[];
  /** The step to begin with: the run stands before it, and has no position. */
  readonly first: number;
  readonly asOf: EasternUs;
  /** When aborted, what was begun is ended and nothing else is begun. */
  readonly signal: AbortSignal;
  /** Called when a step was committed, in the order of the steps. */
  readonly onEnd: () => void;
}

type End = Awaited<ReturnType<typeof advanceApart>>;

/**
 * Takes steps from the first on, each connection (job_runner) one at a time. A session is walked as if the one before it had left no
 * position, and committed only once that one was and had left none: a run never has a gap, and its rows are those of a run that was
 * walked alone. It ends with the steps, or with the first that leaves a position or fails: what was walked beyond is undone.
 * Resolves to whether the run is without a position now, and the helpers that are of use still; never rejects.
 */
export async function walkSideBySide(
  client: pg.ClientBase,
  helpers: readonly pg.ClientBase[],
  walk: SideBySideWalk,
): Promise<{ readonly isFlat: boolean; readonly helpers: readonly pg.ClientBase[] }> {
  const { steps, first, signal, onEnd } = walk;
  const ends: Promise<End>[] = [];
  const broken = new Set<pg.ClientBase>();
  let isFlat = true;
  const take = async (each: pg.ClientBase): Promise<void> => {
    while (first + ends.length < steps.length && !signal.aborted) {
      const mayCommit = ends.at(-1)?.then((end) => end === 'flat') ?? Promise.resolve(true);
      const end = takeStep(each, walk, { step: first + ends.length, mayCommit }).catch((error: unknown) => {
        if (!isCollision(error)) broken.add(each);
        return 'undone' as const;
      });
      ends.push(end);
      const left = await end;
      if (left === 'undone') return;
      onEnd();
      isFlat = left === 'flat';
      if (!isFlat) return;
    }
  };
  await Promise.all([client, ...helpers].map(take));
  return { isFlat, helpers: helpers.filter((each) => !broken.has(each)) };
}

function takeStep(
  client: pg.ClientBase,
  { runId, from, steps, asOf }: SideBySideWalk,
  { step, mayCommit }: { readonly step: number; readonly mayCommit: Promise<boolean> },
): Promise<End> {
  const to = steps[step] as EasternUs;
  return advanceApart(client, { runId, from: steps[step - 1] ?? from, to, asOf, mayCommit });
}
