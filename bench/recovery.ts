// How soon a live tree manages its open position again after kill -9 of each of its processes, and how soon it ends on SIGTERM.
import { systemClock } from '../core/clock.ts';
import {
  createLiveStage,
  killOne,
  type LiveStage,
  PROCESSES,
  type RunningTree,
  untilManaged,
  type Victim,
} from './live_stage.ts';
import { atMost, type Bench, quantile, runBenchmark } from './support.ts';

const PORT = 57_729;
const ROUNDS = 5;
// "Flat or managed" after the last fault (docs of reliability, I15).
const GOAL_MS = 30_000;
const DRAIN_GOAL_MS = 5000;
const VICTIMS: readonly Victim[] = [...PROCESSES, 'database'];
const ENGINE = 'process tree at the simulated Massive and Schwab, built-in engine';

async function measure(bench: Bench, stage: LiveStage, tree: RunningTree): Promise<void> {
  const rounds = bench.options.quick ? 1 : ROUNDS;
  const times = new Map<Victim, number[]>(VICTIMS.map((victim) => [victim, []]));
  // In turns: one that dies again at once is started again later and later.
  for (let round = 0; round < rounds; round += 1) {
    for (const victim of VICTIMS) times.get(victim)?.push(await killOne(stage, tree, victim));
  }
  for (const [victim, taken] of times) {
    const worst = Math.round(Math.max(...taken));
    bench.add(
      {
        engine: ENGINE,
        figure: `kill -9 of ${victim}, median`,
        value: Math.round(quantile(taken, 0.5)),
        unit: 'ms',
      },
      {
        ...{ engine: ENGINE, figure: `kill -9 of ${victim}, worst of ${rounds}`, value: worst, unit: 'ms' },
        goal: atMost(worst, GOAL_MS, 'ms'),
      },
    );
  }
  const { ledger } = stage.schwab.simulator;
  const entries = ledger.entries().filter(({ filledQty }) => filledQty > 0).length;
  bench.add({
    engine: ENGINE,
    figure: 'entries in the broker’s books',
    value: entries,
    unit: '',
    goal: atMost(entries, 1, ''),
  });
  const began = performance.now();
  tree.child.kill('SIGTERM');
  await tree.ended;
  const drainMs = Math.round(performance.now() - began);
  bench.add({
    engine: ENGINE,
    figure: 'SIGTERM to the end',
    value: drainMs,
    unit: 'ms',
    goal: atMost(drainMs, DRAIN_GOAL_MS, 'ms'),
  });
}

await runBenchmark('recovery', async (bench) => {
  const stage = await createLiveStage({ port: PORT });
  try {
    bench.note('waiting for a position');
    const tree = stage.start();
    await untilManaged(stage, tree, { since: systemClock().now(), by: [...VICTIMS, 'supervisor'] });
    await measure(bench, stage, tree);
  } finally {
    await stage.close();
  }
});
