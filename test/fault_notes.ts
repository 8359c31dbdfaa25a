// What a test that injects a fault tells the fault programme: figures from the broker's and the vendor's books against our tables.
import { appendFileSync } from 'node:fs';
import { expect } from 'vitest';

export interface FaultNote {
  /** Faults that the test injected, and those after which all was well; a test that says nothing has injected one. */
  readonly injected?: number;
  readonly survived?: number;
  /** Orders at the broker beyond one for each intent. */
  readonly duplicateOrders?: number;
  /** Contracts open at the broker that nothing would close. */
  readonly lostExits?: number;
  /** Rows and executions that were told to us and are not in our tables. */
  readonly lostRows?: number;
  /** Until every order was known, every contract covered and every row there: of the clock, which may be simulated. */
  readonly recoveryMs?: number;
}

const PATH = process.env.STRIKEBASE_FAULT_NOTES ?? '';

/** True while the fault programme listens: only then is it worth the time to look. */
export function isNoted(): boolean {
  return PATH !== '';
}

/** Tells the fault programme something of the test that runs. Does nothing otherwise. */
export function noteFault(note: FaultNote): void {
  if (!isNoted()) return;
  const { currentTestName: test, testPath: file } = expect.getState();
  appendFileSync(PATH, `${JSON.stringify({ file, test, ...note })}\n`);
}
