// Some minutes of a fault session at the simulated Tradier: `npm run faults -- --session --strategy spx_credit_vertical` plays a whole day.
import { existsSync } from 'node:fs';
import { expect, it } from 'vitest';
import { projectPath } from '../../core/root.ts';
import { type Played, playSession } from '../../faults/session/run_session.ts';
import { noteFault } from '../fault_notes.ts';

const PORT = 57_929;
const SETTINGS = { strategy: 'spx_credit_vertical', seed: 1, minutes: 6 };
// Half a minute; on a machine that is too busy for entries to leave in time, once more with time for them.
const SPEEDS = [14, 5];
const VICTIMS = ['orders-submit', 'ingest-tradier, advance, orders-reconcile', 'database'];

it('a spread is sold and bought back by the processes of start, whichever of them and the database is killed meanwhile', {
  timeout: 300_000,
}, async ({ skip }) => {
  skip(
    !existsSync(projectPath('dist', 'faults', 'session', 'main.js')),
    'needs the compiled program: npm run build',
  );
  let told = '';
  for (const speed of SPEEDS) {
    const notes: string[] = [];
    const played = await playSession({ ...SETTINGS, speed }, (text) => notes.push(text), PORT);
    if (played === null) throw new Error(notes.join('\n'));
    expectSurvived(played, speed);
    const { orders, roundTrips, figures } = played.verdict;
    if (orders >= 2 && roundTrips >= 1) return;
    told = [...notes, ...figures].join('\n');
  }
  throw new Error(`nothing was traded:\n${told}`);
});

function expectSurvived({ injected, verdict }: Played, speed: number): void {
  const kills = injected.filter(({ what }) => what.startsWith('kill -9 of '));
  noteFault({
    ...{ injected: kills.length, survived: kills.filter(({ problem }) => problem === null).length },
    ...{
      duplicateOrders: verdict.duplicateOrders,
      lostExits: verdict.lostExits,
      lostRows: verdict.lostRows,
    },
    recoveryMs: Math.max(...kills.map(({ recoveryMs }) => recoveryMs ?? 0)) / speed,
  });
  expect(kills.map(({ what }) => what)).toEqual(VICTIMS.map((victim) => `kill -9 of ${victim}`));
  // As text: a second try that passes leaves the first one's message alone.
  expect(
    injected.flatMap(({ what, problem }) => (problem === null ? [] : `${what}: ${problem}`)).join('\n'),
  ).toBe('');
  expect(verdict.problems.join('\n')).toBe('');
  expect(verdict).toMatchObject({ duplicateOrders: 0, lostExits: 0, lostRows: 0 });
}
