// A day of two million quotes through ingest and rules at full speed, in event time: frames in, rows stored, every minute decided.
import { addMs, type EasternUs, formatEastern } from '../core/eastern_time.ts';
import { connect } from '../db/pool.ts';
import { mapFrame } from '../ingest/massive/mapper.ts';
import { type TickerTable, tickerTable } from '../ingest/massive/scan_quotes.ts';
import { scanFrame } from '../ingest/massive/scanned_frame.ts';
import { QuoteColumns } from '../ingest/quote_columns.ts';
import { simulatedFeeds } from '../ingest/stream_feed.ts';
import { createStreamWriter, type StreamBatch, type StreamWriter } from '../ingest/stream_writer.ts';
import { advance, lockAccount } from '../jobs/advance.ts';
import { type BenchDatabase, onEachEngine } from './databases.ts';
import { DAY_OPEN, type DayMinute, dayMinutes, dayTape } from './day_tape.ts';
import { SYMBOL } from './market_data.ts';
import { STRATEGY } from './runs.ts';
import { atLeast, type Bench, cpuSeconds, ownCpuSeconds, runBenchmark } from './support.ts';

const GOAL = 1500;
// 402 contracts.
const STRIKES_EACH_SIDE = 100;
// Of the day's five million quotes two are kept.
const KEPT_OF_13 = 5;
const SESSION_SECONDS = 6.5 * 3600;
const QUICK_SECONDS = 30 * 60;
const FEED = 'bench-day';
const ACCOUNT = 'bench-day';
const MINUTE_MS = 60_000;
// By then a minute's ticks are in: as the live run waits for them.
const LAG_MS = 5000;

interface Streams {
  readonly ticks: StreamWriter;
  readonly quotes: StreamWriter;
  readonly contracts: TickerTable;
  columns: QuoteColumns;
  spare: QuoteColumns;
}

type MappedMinute = Pick<StreamBatch, 'ticks' | 'quotes' | 'scanned'>;

/** Seconds of the parts, which run beside each other: a minute is mapped while the one before is stored and those before it are decided. */
interface Spent {
  map: number;
  store: number;
  advance: number;
}

async function openStreams(url: string): Promise<Streams> {
  const feeds = simulatedFeeds(FEED);
  const [ticks, quotes] = await Promise.all([
    createStreamWriter({ url, stream: 'equities', feed: feeds.ticks }),
    createStreamWriter({ url, stream: 'options', feed: feeds.quotes }),
  ]);
  await ticks.register([SYMBOL], 'equity');
  await quotes.register(
    dayTape(STRIKES_EACH_SIDE).contracts.map(({ symbol }) => symbol),
    'option',
  );
  const contracts = tickerTable(() => true);
  return {
    ticks,
    quotes,
    contracts,
    columns: new QuoteColumns(contracts),
    spare: new QuoteColumns(contracts),
  };
}

/** Maps a minute into its columns: those of the minute before are being stored meanwhile, as the option stream does it. */
function mapMinute(streams: Streams, minute: DayMinute, spent: Spent): MappedMinute {
  const began = performance.now();
  [streams.columns, streams.spare] = [streams.spare, streams.columns];
  const { columns, contracts } = streams;
  columns.length = 0;
  const options = minute.options.map(({ data, tsRecv }) =>
    scanFrame({ data, ts_recv: tsRecv }, columns, contracts),
  );
  const stocks = minute.stocks.map(({ data, tsRecv }) => mapFrame(data, tsRecv));
  spent.map += (performance.now() - began) / 1000;
  const scanned = { columns, from: 0, to: columns.length };
  return {
    ticks: stocks.flatMap((each) => each.ticks),
    quotes: options.flatMap((each) => each.quotes),
    scanned,
  };
}

async function storeMinute(
  { ticks, quotes }: Streams,
  to: EasternUs,
  mapped: MappedMinute,
  spent: Spent,
): Promise<void> {
  const began = performance.now();
  const common = { trades: [], rejected: [], completeTo: to, receivedAt: to };
  await Promise.all([
    ticks.write({ ...common, ticks: mapped.ticks, quotes: [] }),
    quotes.write({ ...common, ...mapped, ticks: [] }),
  ]);
  spent.store += (performance.now() - began) / 1000;
}

async function openRun(client: Awaited<ReturnType<typeof connect>>): Promise<number> {
  const feeds = simulatedFeeds(FEED);
  await lockAccount(client, ACCOUNT);
  const from = formatEastern(addMs(DAY_OPEN, -MINUTE_MS));
  const to = formatEastern(addMs(DAY_OPEN, 7 * 3_600_000));
  const { rows } = await client.query<{ run_id: number }>(
    "select trade.open_run('replay', $1, $2, $3, $4, $5, $6, 'paper', 'bench', $2) as run_id",
    [STRATEGY, from, to, feeds.ticks.name, feeds.quotes.name, { account: ACCOUNT }],
  );
  return rows[0]?.run_id ?? 0;
}

async function backendOf(client: {
  query(text: string): Promise<{ rows: { pid: number }[] }>;
}): Promise<number> {
  return (await client.query('select pg_backend_pid() as pid')).rows[0]?.pid ?? 0;
}

async function run(
  bench: Bench,
  { url, version: engine }: BenchDatabase,
  minutes: readonly DayMinute[],
): Promise<void> {
  const streams = await openStreams(url);
  const runner = await connect({ url, role: 'job_runner', name: 'replay_day' });
  const runId = await openRun(runner);
  const writerPids = await Promise.all(
    [streams.ticks, streams.quotes].map(async (each) => {
      const [row] = await each.query<{ pid: number }>('select pg_backend_pid() as pid', []);
      return row?.pid ?? 0;
    }),
  );
  const rulesPid = await backendOf(runner);
  const cpu = () => ({
    process: ownCpuSeconds(),
    writers: writerPids.reduce((sum, pid) => sum + (cpuSeconds(pid, 'postgres') ?? Number.NaN), 0),
    rules: cpuSeconds(rulesPid, 'postgres') ?? Number.NaN,
  });
  const spent: Spent = { map: 0, store: 0, advance: 0 };
  const decide = async (to: EasternUs): Promise<void> => {
    const began = performance.now();
    await advance(runner, { runId, to, asOf: addMs(to, LAG_MS) });
    spent.advance += (performance.now() - began) / 1000;
  };
  const before = cpu();
  const began = performance.now();
  let storing: Promise<void> = Promise.resolve();
  let deciding: Promise<void> = Promise.resolve();
  for (const minute of minutes) {
    const mapped = mapMinute(streams, minute, spent);
    await storing;
    storing = storeMinute(streams, minute.to, mapped, spent);
    deciding = Promise.all([deciding, storing]).then(() => decide(minute.to));
  }
  await deciding;
  const wall = (performance.now() - began) / 1000;
  const after = cpu();
  const { rows } = await runner.query<{ signals: number; fills: number }>(
    `select (select count(*)::integer from signal.signals where run_id = $1) as signals,
       (select count(*)::integer from trade.fills where run_id = $1) as fills`,
    [runId],
  );
  await Promise.all([streams.ticks.close(), streams.quotes.close(), runner.end()]);
  const quotes = minutes.reduce((sum, minute) => sum + minute.quotes, 0);
  const speed = (minutes.length * 60) / wall;
  const perQuote = (seconds: number): number => (seconds * 1e6) / quotes;
  bench.add(
    { engine, figure: 'quotes', value: quotes, unit: 'rows' },
    { engine, figure: 'minutes of the session', value: minutes.length, unit: '' },
    { engine, figure: 'signals', value: rows[0]?.signals ?? 0, unit: '' },
    { engine, figure: 'fills', value: rows[0]?.fills ?? 0, unit: '' },
    { engine, figure: 'wall time', value: wall, unit: 's' },
    { engine, figure: 'times real time', value: speed, unit: 'x', goal: atLeast(speed, GOAL) },
    { engine, figure: 'wall time of parsing frames', value: spent.map, unit: 's' },
    { engine, figure: 'wall time of storing rows', value: spent.store, unit: 's' },
    { engine, figure: 'wall time of rules, beside them', value: spent.advance, unit: 's' },
    {
      engine,
      figure: 'CPU of this process',
      value: perQuote(after.process - before.process),
      unit: 'us/quote',
    },
    {
      engine,
      figure: 'CPU of the writers’ backends',
      value: perQuote(after.writers - before.writers),
      unit: 'us/quote',
    },
    { engine, figure: 'CPU of the rules’ backend', value: after.rules - before.rules, unit: 's' },
  );
}

await runBenchmark('replay_day', async (bench) => {
  const seconds = bench.options.quick ? QUICK_SECONDS : SESSION_SECONDS;
  const minutes = [...dayMinutes({ strikesEachSide: STRIKES_EACH_SIDE, keptOf13: KEPT_OF_13, seconds })];
  await onEachEngine(bench, (database) => run(bench, database, minutes));
});
