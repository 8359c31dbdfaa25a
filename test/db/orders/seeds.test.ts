// A thousand seeds of the order path: the real jobs, a real database, and a broker that does whatever the seed says.
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { projectPath } from '../../../core/root.ts';
import { noteFault } from '../../fault_notes.ts';
import { engineName } from '../../harness.ts';
import { useBench } from '../support/connections.ts';
import { planOf, type SeedPlan } from './seeds/events.ts';
import { type Lane, openLane, seedMarket } from './seeds/lane.ts';
import { type Played, playPlan } from './seeds/play.ts';
import { type Counts, NO_COUNTS } from './seeds/steps.ts';

const bench = useBench();
const FOLDER = projectPath('test', 'db', 'orders', 'regressions');
const ASKED = process.env.STRIKEBASE_ORDER_SEEDS;
const FIRST = Number(process.env.STRIKEBASE_ORDER_SEED ?? 1);
const LANES = 4;
let lanes: Lane[] = [];

beforeAll(async () => {
  const scenario = await seedMarket(bench);
  lanes = await Promise.all(Array.from({ length: LANES }, () => openLane(bench, scenario)));
});
afterAll(() => Promise.all(lanes.map((lane) => lane.end())));

/** Plays all of them, each lane one after another. */
async function playAll(plans: readonly SeedPlan[]): Promise<Played[]> {
  const played: Played[] = [];
  const queue = [...plans];
  await Promise.all(
    lanes.map(async (lane) => {
      for (let plan = queue.shift(); plan !== undefined; plan = queue.shift()) {
        played.push(await playPlan(lane, plan));
      }
    }),
  );
  return played;
}

function broken(played: readonly Played[]): string[] {
  return played.flatMap((each) =>
    each.broken === null ? [] : [`seed ${each.seed}: ${each.broken.message}`],
  );
}

const files = readdirSync(FOLDER).filter((file) => file.endsWith('.json'));
it.runIf(files.length > 0)(
  'what once went wrong holds: every file of regressions',
  { timeout: 600_000 },
  async () => {
    const plans = files.map((file) => JSON.parse(readFileSync(join(FOLDER, file), 'utf8')) as SeedPlan);
    expect(broken(await playAll(plans))).toEqual([]);
  },
);

it('holds its invariants for every seed', { timeout: 3_600_000 }, async () => {
  const count = Number(ASKED ?? (engineName() === 'embedded' ? 1000 : 60));
  const seeds = Array.from({ length: count }, (_, n) => FIRST + n);
  const played = await playAll(seeds.map(planOf));
  noteSeeds(played);
  for (const { seed, broken } of played) if (broken !== null) keepPlan(seed, broken.invariant);
  // As text: it names the invariants.
  const wrong = broken(played);
  if (wrong.length > 0) throw new Error(`${wrong.length} seeds:\n${wrong.slice(0, 3).join('\n')}`);
  const sums: Counts = { ...NO_COUNTS };
  for (const { counts } of played)
    for (const name of Object.keys(sums) as (keyof Counts)[]) sums[name] += counts[name];
  if (count >= 50)
    for (const [what, times] of Object.entries(sums)) expect(times, `no ${what}`).toBeGreaterThan(0);
});

function noteSeeds(played: readonly Played[]): void {
  const count = (...invariants: string[]): number =>
    played.filter(({ broken }) => invariants.includes(broken?.invariant ?? '')).length;
  noteFault({
    injected: played.length,
    survived: played.filter(({ broken }) => broken === null).length,
    duplicateOrders: count('no order sent twice', 'one entry at a time', 'one position at a time'),
    lostExits: count('every position has an armed exit', 'no exit above what is open'),
    lostRows: count('broker ledger = our fills', 'our records agree with themselves'),
  });
}

function keepPlan(seed: number, invariant: string): void {
  mkdirSync(FOLDER, { recursive: true });
  const text = `${JSON.stringify({ invariant, ...planOf(seed) }, null, 1)}\n`;
  writeFileSync(join(FOLDER, `seed-${seed}.json`), text);
}
