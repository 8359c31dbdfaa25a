// Does the cost grow? CPU per quote with 1 to 400 contracts, and the time of a slice with 1 to 500 sessions stored.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type pg from 'pg';
import { addMs, type EasternUs, formatEastern } from '../core/eastern_time.ts';
import type { OsiSymbol } from '../core/osi_symbol.ts';
import { connect } from '../db/pool.ts';
import { simulatedFeeds } from '../ingest/stream_feed.ts';
import { createStreamWriter, type StreamWriter } from '../ingest/stream_writer.ts';
import { type SessionTimes, sessionsIn } from '../jobs/run.ts';
import { type BenchDatabase, onEachEngine } from './databases.ts';
import { BARS_FEED, flatVix, importPath, modelQuotes, SYMBOL } from './market_data.ts';
import { chainOf, quoteBatches, timeOn } from './quote_rows.ts';
import { replayLatencies } from './runs.ts';
import {
  atMost,
  type Bench,
  cpuSeconds,
  type Figure,
  ownCpuSeconds,
  quantile,
  runBenchmark,
} from './support.ts';
import { writeBars, yearBars } from './year_data.ts';

const CONTRACTS = [1, 10, 100, 400];
const STREAM = 'growth';
const ROWS = 200_000;
const QUICK_ROWS = 30_000;
const BATCH = 2500;
const ROUNDS = 3;
const PER_SECOND = 20_000;
// A day and so a chunk of its own for each turn, all of them alike.
const FIRST_DAY = '2026-03-02';
const DAY_MS = 86_400_000;
const SESSIONS = [1, 25, 125, 500];
const QUICK_SESSIONS = [1, 6];
const HISTORY = { from: '2024-01-02', to: '2025-12-31' };
const MOST_GROWTH = 1.3;

interface Turn {
  readonly symbols: readonly OsiSymbol[];
  readonly day: EasternUs;
  readonly rows: number;
}

/** CPU microseconds per quote, of this process and of the writer's backend. */
async function writeTurn(
  writer: StreamWriter,
  pid: number,
  { symbols, day, rows }: Turn,
): Promise<{ client: number; backend: number }> {
  const batches = [];
  for (const batch of quoteBatches({ symbols, from: day, perSecond: PER_SECOND, rows: BATCH })) {
    batches.push(batch);
    if (batches.length * BATCH >= rows) break;
  }
  const before = { client: ownCpuSeconds(), backend: cpuSeconds(pid, 'postgres') ?? Number.NaN };
  for (const batch of batches) await writer.write(batch);
  const perQuote = (seconds: number): number => (seconds * 1e6) / (batches.length * BATCH);
  return {
    client: perQuote(ownCpuSeconds() - before.client),
    backend: perQuote((cpuSeconds(pid, 'postgres') ?? Number.NaN) - before.backend),
  };
}

async function growWithContracts(bench: Bench, { url, version: engine }: BenchDatabase): Promise<void> {
  const writer = await createStreamWriter({ url, stream: STREAM, feed: simulatedFeeds(STREAM).quotes });
  const [{ pid } = { pid: 0 }] = await writer.query<{ pid: number }>('select pg_backend_pid() as pid', []);
  const rows = bench.options.quick ? QUICK_ROWS : ROWS;
  const least = new Map<number, { client: number; backend: number }>();
  let day = timeOn(FIRST_DAY, '10:00');
  await writer.register(chainOf(400, FIRST_DAY), 'option');
  // One turn more, to warm up.
  const turns = [CONTRACTS.at(-1) ?? 1, ...Array.from({ length: ROUNDS }, () => CONTRACTS).flat()];
  for (const [nth, contracts] of turns.entries()) {
    const cost = await writeTurn(writer, pid, { symbols: chainOf(contracts, FIRST_DAY), day, rows });
    day = addMs(day, DAY_MS);
    const known = least.get(contracts);
    if (nth === 0 || (known !== undefined && totalOf(known) <= totalOf(cost))) continue;
    least.set(contracts, cost);
  }
  await writer.close();
  for (const [contracts, cost] of [...least].sort(([a], [b]) => a - b)) {
    const figure = `CPU of a quote, ${contracts} contract${contracts === 1 ? '' : 's'}`;
    bench.add(
      { engine, figure, value: totalOf(cost), unit: 'us' },
      { engine, figure: `${figure}, of it the backend`, value: cost.backend, unit: 'us' },
    );
  }
  bench.add(growth(engine, 'CPU of a quote, most / least', [...least.values()].map(totalOf)));
}

function totalOf(cost: { readonly client: number; readonly backend: number }): number {
  return cost.client + cost.backend;
}

function growth(engine: string, figure: string, values: readonly number[]): Figure {
  const ratio = Math.max(...values) / Math.min(...values);
  return { engine, figure, value: ratio, unit: '', goal: atMost(ratio, MOST_GROWTH, '') };
}

async function growWithHistory(bench: Bench, { url, version: engine }: BenchDatabase): Promise<void> {
  const owner = await connect({ url, role: 'owner', name: 'growth' });
  const all = await sessionsIn(owner, {
    from: timeOn(HISTORY.from, '00:00'),
    to: timeOn(HISTORY.to, '23:59'),
  });
  const vix = join(bench.folder, 'VIX_History.csv');
  await writeFile(vix, flatVix(all));
  await importPath(owner, vix);
  const last = all.slice(-1);
  const counts = bench.options.quick ? QUICK_SESSIONS : SESSIONS;
  const medians: number[] = [];
  let stored = 0;
  for (const count of counts) {
    await store(bench, owner, all.slice(-count, stored === 0 ? undefined : -stored));
    stored = count;
    await owner.query('vacuum analyze');
    const times = await replayLatencies(url, last);
    medians.push(quantile(times, 0.5));
    const name = `a minute's slice, ${count} session${count === 1 ? '' : 's'} stored`;
    bench.add(
      { engine, figure: `${name}, p50`, value: quantile(times, 0.5), unit: 'ms' },
      { engine, figure: `${name}, p99`, value: quantile(times, 0.99), unit: 'ms' },
    );
  }
  await owner.end();
  bench.add(growth(engine, "a minute's slice, p50, most / least", medians));
}

/** Imports the bars of the sessions and models their quotes. */
async function store(bench: Bench, owner: pg.Client, sessions: readonly SessionTimes[]): Promise<void> {
  const [first, last] = [sessions[0], sessions.at(-1)];
  if (first === undefined || last === undefined) return;
  const path = join(bench.folder, 'growth.csv');
  await writeBars(path, yearBars(sessions));
  await importPath(owner, path, { symbol: SYMBOL, feed: BARS_FEED });
  await modelQuotes(owner, { from: formatEastern(first.ts_open), to: formatEastern(last.ts_option_close) });
}

await runBenchmark('growth', (bench) =>
  onEachEngine(bench, async (database) => {
    await growWithContracts(bench, database);
    await growWithHistory(bench, database);
  }),
);
