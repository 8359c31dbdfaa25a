// What a play is made of: the world, its two jobs, and the steps that they take; a job that crashes is followed by another.
import type { FaultName } from '../../../../jobs/orders/fault.ts';
import type { Jobs, World } from '../world.ts';
import type { Lane } from './lane.ts';

export interface Counts {
  entries: number;
  exits: number;
  stops: number;
  fills: number;
  lateFills: number;
  unknown: number;
  rejected: number;
  cancels: number;
  duplicates: number;
  crashes: number;
}

export const NO_COUNTS: Readonly<Counts> = {
  ...{ entries: 0, exits: 0, stops: 0, fills: 0, lateFills: 0, unknown: 0 },
  ...{ rejected: 0, cancels: 0, duplicates: 0, crashes: 0 },
};

// As a lost connection, which nothing on the way takes for an answer of the database.
export class Crash extends Error {
  readonly code = '57P01';
}

export interface Play {
  readonly world: World;
  readonly lane: Lane;
  readonly counts: Counts;
  jobs: Jobs;
  armed: FaultName | null;
  lateQty: number;
}

/** Kills whoever comes by the place that is armed. */
export function faultOf(play: Omit<Play, 'jobs'>): (name: FaultName) => void {
  return (name) => {
    if (name !== play.armed) return;
    play.armed = null;
    play.counts.crashes += 1;
    throw new Crash(name);
  };
}

/** Ends a job, and opens the one that takes its place. */
export async function reopen(play: Play, which: keyof Jobs): Promise<void> {
  const { world, jobs } = play;
  const fault = faultOf(play);
  if (which === 'submitter') {
    world.venue.release();
    await jobs.submitter.close();
    play.jobs = { ...jobs, submitter: await world.openSubmitter({ fault }) };
  } else {
    await jobs.reconciler.close();
    play.jobs = { ...jobs, reconciler: await world.openReconciler({ fault }) };
  }
}

export async function orCrash(play: Play, which: keyof Jobs, work: () => Promise<unknown>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof Crash)) throw error;
    await reopen(play, which);
  }
}

/** Begins what there is to do, and waits for every answer that is not held back. */
export function submit(play: Play): Promise<void> {
  return orCrash(play, 'submitter', async () => {
    const { venue } = play.world;
    await play.jobs.submitter.step();
    await play.lane.submitIdle();
    if (venue.heldCount() === 0) await play.jobs.submitter.settled();
  });
}

function reconcile(play: Play): Promise<void> {
  return orCrash(play, 'reconciler', () => play.jobs.reconciler.pass());
}

export async function run(play: Play, who: string): Promise<void> {
  for (const letter of who) {
    if (letter === 'r') await reconcile(play);
    if (letter === 's') await play.world.slice();
    if (letter === 'w') await submit(play);
  }
}
