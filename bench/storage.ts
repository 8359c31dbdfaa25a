// Bytes per quote after the session: TimescaleDB's columnstore as its policy leaves it, against a gzipped flat file of the same rows.
import { createGzip } from 'node:zlib';
import type pg from 'pg';
import { type EasternUs, epochMsFromEastern } from '../core/eastern_time.ts';
import { type OsiSymbol, toMassive } from '../core/osi_symbol.ts';
import { connect } from '../db/pool.ts';
import { mapFrame } from '../ingest/massive/mapper.ts';
import { simulatedFeeds } from '../ingest/stream_feed.ts';
import { createStreamWriter } from '../ingest/stream_writer.ts';
import { type BenchDatabase, isTimescale, onEachEngine } from './databases.ts';
import { type DayMinute, dayMinutes, dayTape } from './day_tape.ts';
import { atMost, type Bench, runBenchmark, seconds } from './support.ts';

const GOAL = 0.6;
const STRIKES_EACH_SIDE = 20;
const SESSION_SECONDS = 6.5 * 3600;
const QUICK_SECONDS = 20 * 60;
const FEED = 'bench-storage';
// The columns of Massive's flat files of option quotes; we keep the time of receipt besides.
const HEADER =
  'ticker,ask_exchange,ask_price,ask_size,bid_exchange,bid_price,bid_size,sequence_number,sip_timestamp';
const GZIP_LEVEL = 6;

function minutesOf(bench: Bench): Generator<DayMinute, void, void> {
  const length = bench.options.quick ? QUICK_SECONDS : SESSION_SECONDS;
  return dayMinutes({ strikesEachSide: STRIKES_EACH_SIDE, keptOf13: 13, seconds: length });
}

/** Stores the session as its stream would. */
async function store(bench: Bench, url: string): Promise<void> {
  const writer = await createStreamWriter({ url, stream: 'options', feed: simulatedFeeds(FEED).quotes });
  await writer.register(
    dayTape(STRIKES_EACH_SIDE).contracts.map(({ symbol }) => symbol),
    'option',
  );
  for (const minute of minutesOf(bench)) {
    const quotes = minute.options.flatMap((frame) => mapFrame(frame.data, frame.tsRecv).quotes);
    const common = { ticks: [], trades: [], rejected: [], completeTo: minute.to, receivedAt: minute.to };
    await writer.write({ ...common, quotes });
  }
  await writer.close();
}

interface StoredQuote {
  readonly symbol: OsiSymbol;
  readonly us: number;
  readonly recv_us: number;
  readonly event_ns: number;
  readonly seq: number;
  readonly bid_px_e4: number;
  readonly ask_px_e4: number;
  readonly bid_sz: number;
  readonly ask_sz: number;
}

const ROWS_SQL = `
  select i.symbol, (extract(epoch from q.ts_event) * 1000000)::bigint as us, (extract(epoch from q.ts_recv) * 1000000)::bigint as recv_us,
    q.event_ns, q.seq, q.bid_px_e4, q.ask_px_e4, q.bid_sz, q.ask_sz
  from market.option_quotes q join ref.instruments i using (instrument_id)
  where i.symbol = $1 order by q.ts_event, q.seq`;

interface FlatFile {
  readonly bytes: number;
  readonly rows: number;
}

/** Size of the stored rows as a gzipped flat file, grouped by ticker as the vendor does, with or without their times of receipt. */
async function flatFile(client: pg.Client, hasReceipt: boolean): Promise<FlatFile> {
  const gzip = createGzip({ level: GZIP_LEVEL });
  let bytes = 0;
  gzip.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
  });
  const ended = new Promise<void>((resolve, reject) => gzip.once('end', resolve).once('error', reject));
  gzip.write(`${HEADER}${hasReceipt ? ',receipt' : ''}\n`);
  let count = 0;
  for (const { symbol } of dayTape(STRIKES_EACH_SIDE).contracts) {
    const { rows } = await client.query<StoredQuote>(ROWS_SQL, [symbol]);
    count += rows.length;
    gzip.write(rows.map((row) => flatLine(row, hasReceipt)).join(''));
  }
  gzip.end();
  await ended;
  return { bytes, rows: count };
}

function flatLine(quote: StoredQuote, hasReceipt: boolean): string {
  const { symbol, us, recv_us, event_ns, seq, bid_px_e4, ask_px_e4, bid_sz, ask_sz } = quote;
  const [ask, bid] = [`302,${ask_px_e4 / 1e4},${ask_sz}`, `308,${bid_px_e4 / 1e4},${bid_sz}`];
  const receipt = hasReceipt ? `,${nanoseconds(recv_us, 0)}` : '';
  return `${toMassive(symbol)},${ask},${bid},${seq},${nanoseconds(us, event_ns)}${receipt}\n`;
}

/** Since 1970 in UTC, as the vendor writes them. */
function nanoseconds(us: number, ns: number): string {
  const threeDigits = (of: number): string => String(of).padStart(3, '0');
  return `${epochMsFromEastern(us as EasternUs)}${threeDigits(us % 1000)}${threeDigits(ns)}`;
}

async function sizeOf(client: pg.Client, sql: string): Promise<number> {
  return (await client.query<{ bytes: number }>(sql)).rows[0]?.bytes ?? Number.NaN;
}

/** Runs the policy that the product has given the table. */
async function runPolicy(client: pg.Client): Promise<void> {
  const { rows } = await client.query<{ job_id: number }>(
    `select job_id from timescaledb_information.jobs
     where hypertable_schema = 'market' and hypertable_name = 'option_quotes' and proc_name like 'policy_%compression'`,
  );
  if (rows.length !== 1) throw new Error(`${rows.length} columnstore policies on market.option_quotes`);
  await client.query(`call run_job(${rows[0]?.job_id})`);
  const { rows: left } = await client.query(
    "select 1 from timescaledb_information.chunks where hypertable_name = 'option_quotes' and not is_compressed",
  );
  if (left.length > 0) throw new Error('the policy has left a chunk as it was');
}

async function run(bench: Bench, { url, version: engine }: BenchDatabase): Promise<void> {
  await store(bench, url);
  const client = await connect({ url, role: 'owner', name: 'storage' });
  const file = await flatFile(client, true);
  const vendorFile = await flatFile(client, false);
  const [unit, perQuote] = ['bytes/quote', (bytes: number): number => bytes / file.rows];
  bench.add(
    { engine, figure: 'quotes of the session', value: file.rows, unit: 'rows' },
    { engine, figure: 'flat file of the same columns, gzip', value: perQuote(file.bytes), unit },
    { engine, figure: 'flat file without the receipt, gzip', value: perQuote(vendorFile.bytes), unit },
  );
  if (isTimescale(engine)) {
    const hypertable = "select hypertable_size('market.option_quotes') as bytes";
    const before = await sizeOf(client, hypertable);
    const packing = await seconds(() => runPolicy(client));
    const after = await sizeOf(client, hypertable);
    const ratio = after / file.bytes;
    bench.add(
      { engine, figure: 'rows and index in the session', value: perQuote(before), unit },
      { engine, figure: 'columnstore, after the policy', value: perQuote(after), unit },
      { engine, figure: 'columnstore / flat file', value: ratio, unit: '', goal: atMost(ratio, GOAL, '') },
      { engine, figure: 'columnstore / file without the receipt', value: after / vendorFile.bytes, unit: '' },
      { engine, figure: 'the policy, once', value: packing, unit: 's' },
    );
  } else {
    const of = (what: string): string => `select pg_${what}_size('market.option_quotes') as bytes`;
    bench.add(
      { engine, figure: 'rows', value: perQuote(await sizeOf(client, of('table'))), unit },
      { engine, figure: 'index', value: perQuote(await sizeOf(client, of('indexes'))), unit },
    );
  }
  await client.end();
}

await runBenchmark('storage', (bench) => onEachEngine(bench, (database) => run(bench, database)));
