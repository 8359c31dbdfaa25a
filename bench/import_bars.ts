// Import of the minute bars of 125 sessions, rollups included, and of the same file once more.
import { connect } from '../db/pool.ts';
import { type BenchDatabase, onEachEngine } from './databases.ts';
import { importPath, marketFiles, SYMBOL } from './market_data.ts';
import { type Bench, runBenchmark, seconds } from './support.ts';

const ROUNDS = 3;

async function run(bench: Bench, { url, version: engine }: BenchDatabase): Promise<void> {
  const client = await connect({ url, role: 'owner', name: 'import_bars' });
  const { bars, source } = await marketFiles(bench, client);
  const first: number[] = [];
  const again: number[] = [];
  let rows = 0;
  for (let round = 1; round <= ROUNDS; round += 1) {
    const load = async (): Promise<void> => {
      const { inserted, duplicate } = await importPath(client, bars, {
        symbol: SYMBOL,
        feed: `bars-${round}`,
      });
      rows = inserted + duplicate;
    };
    first.push(await seconds(load));
    again.push(await seconds(load));
  }
  await client.end();
  const [best, bestAgain] = [Math.min(...first), Math.min(...again)];
  bench.add(
    { engine, figure: `${source} bars`, value: rows, unit: 'rows' },
    { engine, figure: 'first import of this process', value: first[0] ?? 0, unit: 's' },
    { engine, figure: `import, best of ${ROUNDS}`, value: best, unit: 's' },
    { engine, figure: 'import, rate', value: rows / best, unit: 'rows/s' },
    { engine, figure: `the same file again, best of ${ROUNDS}`, value: bestAgain, unit: 's' },
  );
}

await runBenchmark('import_bars', (bench) => onEachEngine(bench, (database) => run(bench, database)));
