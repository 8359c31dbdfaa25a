// Wall time of `strikebase --help` and `--version`, beside Node doing nothing, in turns.
import { spawnSync } from 'node:child_process';
import { projectPath } from '../core/root.ts';
import { atMost, quantile, runBenchmark } from './support.ts';

const ROUNDS = 10;
const HELP_GOAL_MS = 300;
const COMMAND = projectPath('bin', 'strikebase.js');

function wallMs(args: readonly string[]): number {
  const began = performance.now();
  const { status } = spawnSync(process.execPath, args, { stdio: 'ignore' });
  if (status !== 0) throw new Error(`node ${args.join(' ')} exits with ${status}`);
  return performance.now() - began;
}

await runBenchmark('startup', async (bench) => {
  const commands = [
    { name: 'node -e 0', args: ['-e', '0'], times: [] as number[] },
    { name: 'strikebase --version', args: [COMMAND, '--version'], times: [] as number[] },
    { name: 'strikebase --help', args: [COMMAND, '--help'], times: [] as number[] },
  ];
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const { args, times } of commands) times.push(wallMs(args));
  }
  const engine = `Node ${process.version}`;
  for (const { name, times } of commands) {
    const best = Math.min(...times);
    const median = quantile(times, 0.5);
    const goal = name.endsWith('--help') ? atMost(Math.round(median), HELP_GOAL_MS, 'ms') : undefined;
    bench.add({ engine, figure: `${name}, best of ${ROUNDS}`, value: best, unit: 'ms' });
    bench.add({ engine, figure: `${name}, median`, value: median, unit: 'ms', goal });
  }
});
