// Import of option quotes against psql's binary COPY of the same rows into the same table, in turns, best of three.
import { createReadStream, createWriteStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type pg from 'pg';
import { from as copyFrom, to as copyTo } from 'pg-copy-streams';
import { easternFromEpochMs } from '../core/eastern_time.ts';
import { connect } from '../db/pool.ts';
import { openImport } from '../ingest/files/index.ts';
import { importFile, loadSessions } from '../ingest/import.ts';
import { type BenchDatabase, onEachEngine } from './databases.ts';
import { findPsql, openPsql, type PsqlSession } from './psql.ts';
import { writeQuoteFile } from './quote_file.ts';
import { atLeast, type Bench, cpuSeconds, ownCpuSeconds, runBenchmark, seconds } from './support.ts';

const ROWS = 500_000;
const QUICK_ROWS = 200_000;
// 25,000 quotes each: of a contract near the money a real day has several times as many.
const CONTRACTS = 20;
const ROUNDS = 3;
const GOAL = 0.9;
const COLUMNS =
  'instrument_id, feed_id, ts_event, seq, event_ns, bid_px_e4, ask_px_e4, bid_sz, ask_sz, ts_recv';

interface Cost {
  readonly seconds: number;
  /** CPU seconds, null where unknown. */
  readonly client: number | null;
  readonly backend: number | null;
}

/** One way to put all rows into the empty table. */
interface Contender {
  readonly name: string;
  load(): Promise<Cost>;
}

async function measure(
  pids: { readonly backend: number; readonly client: () => number | null },
  work: () => Promise<unknown>,
): Promise<Cost> {
  const before = { backend: cpuSeconds(pids.backend, 'postgres'), client: pids.client() };
  const wall = await seconds(work);
  const since = (from: number | null, to: number | null): number | null =>
    from === null || to === null ? null : to - from;
  return {
    seconds: wall,
    client: since(before.client, pids.client()),
    backend: since(before.backend, cpuSeconds(pids.backend, 'postgres')),
  };
}

async function backendOf(client: pg.Client): Promise<number> {
  return (await client.query<{ pid: number }>('select pg_backend_pid() as pid')).rows[0]?.pid ?? 0;
}

async function importer(url: string, path: string): Promise<Contender> {
  const client = await connect({ url, role: 'owner', name: 'copy_quotes' });
  const backend = await backendOf(client);
  const sessions = await loadSessions(client);
  const signal = new AbortController().signal;
  const run = async (): Promise<void> => {
    const tsRecv = easternFromEpochMs(Date.now());
    const file = await openImport(path, { tsRecv });
    await importFile(client, file, { tsRecv, sessions, force: false, rejectRows: false, signal });
  };
  return { name: 'strikebase import', load: () => measure({ backend, client: ownCpuSeconds }, run) };
}

async function psqlCopy(session: PsqlSession, path: string): Promise<Contender> {
  const backend = Number(await session.run('select pg_backend_pid();'));
  const command = `\\copy market.option_quotes (${COLUMNS}) from '${path}' with (format binary)`;
  const client = (): number | null => cpuSeconds(session.pid, 'psql');
  return { name: 'psql \\copy', load: () => measure({ backend, client }, () => session.run(command)) };
}

/** Stands in for psql: the same bytes, encoded beforehand, through pg-copy-streams. */
async function streamCopy(url: string, path: string): Promise<Contender> {
  const client = await connect({ url, role: 'owner', name: 'copy_quotes' });
  const backend = await backendOf(client);
  const run = (): Promise<void> =>
    pipeline(
      createReadStream(path, { highWaterMark: 1 << 18 }),
      client.query(copyFrom(`copy market.option_quotes (${COLUMNS}) from stdin (format binary)`)),
    );
  return { name: 'COPY of encoded rows', load: () => measure({ backend, client: ownCpuSeconds }, run) };
}

/** The rows as they were imported, in the file's order, as a binary COPY file. */
async function exportRows(client: pg.Client, path: string): Promise<void> {
  const columns = COLUMNS.split(', ').map((column) => `q.${column}`);
  const query = `select ${columns.join(', ')} from market.option_quotes q join ref.instruments i using (instrument_id)
     order by i.symbol, q.ts_event, q.seq`;
  await pipeline(client.query(copyTo(`copy (${query}) to stdout (format binary)`)), createWriteStream(path));
}

async function emptyTable(client: pg.Client): Promise<void> {
  // The guard that keeps facts append-only is a trigger: this database is ours to empty.
  await client.query('set session_replication_role = replica');
  await client.query('truncate market.option_quotes');
  await client.query('set session_replication_role = origin');
  await client.query('checkpoint');
}

async function countRows(client: pg.Client): Promise<number> {
  const { rows } = await client.query<{ count: number }>('select count(*) from market.option_quotes');
  return rows[0]?.count ?? 0;
}

async function best(
  admin: pg.Client,
  contenders: readonly Contender[],
  rows: number,
): Promise<ReadonlyMap<Contender, Cost>> {
  const found = new Map<Contender, Cost>();
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const contender of round % 2 === 0 ? contenders : [...contenders].reverse()) {
      await emptyTable(admin);
      const cost = await contender.load();
      if ((await countRows(admin)) !== rows) throw new Error(`${contender.name} lost rows`);
      const known = found.get(contender);
      if (known === undefined || cost.seconds < known.seconds) found.set(contender, cost);
    }
  }
  return found;
}

function report(bench: Bench, engine: string, costs: ReadonlyMap<Contender, Cost>, rows: number): void {
  for (const [{ name }, cost] of costs) {
    bench.add({ engine, figure: name, value: rows / cost.seconds, unit: 'rows/s' });
    for (const side of ['client', 'backend'] as const) {
      const spent = cost[side];
      const value = spent === null ? 'unknown' : (spent * 1e6) / rows;
      bench.add({ engine, figure: `${name}, ${side} CPU`, value, unit: 'us/row' });
    }
  }
  const [ours = Number.NaN, theirs = Number.NaN] = [...costs].map(([, cost]) => cost.seconds);
  const ratio = theirs / ours;
  const figure = `ratio of rows/s, best of ${ROUNDS} each`;
  bench.add({ engine, figure, value: ratio, unit: '', goal: atLeast(ratio, GOAL) });
}

async function run(bench: Bench, database: BenchDatabase, csv: string, rows: number): Promise<void> {
  const { url, version, binDir } = database;
  const admin = await connect({ url, role: 'owner', name: 'copy_quotes' });
  const binary = join(bench.folder, 'quotes.bin');
  const ours = await importer(url, csv);
  // Makes the contracts known and the code warm.
  await ours.load();
  await exportRows(admin, binary);
  const program = findPsql(binDir);
  if (program === null)
    bench.note('no psql found: the yardstick is a COPY of the same bytes by pg-copy-streams');
  const session = program === null ? null : openPsql(program, url);
  const theirs = session === null ? await streamCopy(url, binary) : await psqlCopy(session, binary);
  report(bench, version, await best(admin, [ours, theirs], rows), rows);
  session?.end();
  await admin.end();
  await rm(binary);
}

await runBenchmark('copy_quotes', async (bench) => {
  const rows = bench.options.quick ? QUICK_ROWS : ROWS;
  const csv = join(bench.folder, 'quotes.csv');
  await writeQuoteFile(csv, { rows, contracts: CONTRACTS });
  await onEachEngine(bench, (database) => run(bench, database, csv, rows));
});
