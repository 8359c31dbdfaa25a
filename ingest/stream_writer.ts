// Stores what a stream received: rows by binary COPY, dead letters and the stream's mark in one transaction.
import pg from 'pg';
import type { EquityTick, OptionQuote, OptionTrade, RejectedRow } from '../core/domain.ts';
import { type EasternUs, formatEastern } from '../core/eastern_time.ts';
import { Failure } from '../core/failure.ts';
import { CopyBuffer, type CopyLoad, copyText, sendLoads, sendMerging } from '../db/copy.ts';
import { writeHeartbeat } from '../db/heartbeat.ts';
import { lastingConnection } from '../db/lasting_connection.ts';
import { MARKS_CHANNEL } from '../db/marks_channel.ts';
import { faultPoint } from './fault_point.ts';
import { type InstrumentCache, type InstrumentKind, instrumentCache } from './instruments.ts';
import type { FeedStateChange } from './massive/feed_options.ts';
import { createPatience } from './patience.ts';
import { columnsOf, encodeQuotes, groupByContract, type QuoteRange } from './quote_columns.ts';
import { registerFeed, type StreamFeed } from './stream_feed.ts';
import { equityTicks, type Keyed, optionQuotes, optionTrades } from './tables.ts';

/** Everything that one transaction stores. */
export interface StreamBatch {
  readonly ticks: readonly EquityTick[];
  readonly quotes: readonly OptionQuote[];
  /** More quotes, as columns. They must stay as they are until they are stored. */
  readonly scanned?: QuoteRange;
  readonly trades: readonly OptionTrade[];
  readonly rejected: readonly RejectedRow[];
  /** Event time before which all rows of the stream are stored once these are; null while nothing is known. */
  readonly completeTo: EasternUs | null;
  /** When the last of it was received. */
  readonly receivedAt: EasternUs;
}

export interface WriteCounts {
  readonly inserted: number;
  readonly duplicate: number;
}

export interface StreamWriter {
  readonly stream: string;
  readonly feedId: number;
  /** Stores a batch, however often the connection is lost meanwhile. Rows that are there already are left as they are. */
  write(batch: StreamBatch): Promise<WriteCounts>;
  /** Makes the ids of symbols known before their first row, e.g. of every listed contract. */
  register(symbols: readonly string[], kind: InstrumentKind): Promise<void>;
  /** Appends to ops.feed_states; with a symbol, of that contract alone. */
  noteState(change: StateNote): Promise<void>;
  heartbeat(at: EasternUs, state: string): Promise<void>;
  /** Runs a statement as ingest_writer, after everything that was asked for before. It must be safe to repeat. */
  query<Row extends pg.QueryResultRow>(text: string, values: readonly unknown[]): Promise<Row[]>;
  close(): Promise<void>;
}

export type StateNote = Pick<FeedStateChange, 'state' | 'at' | 'reason'> & { readonly symbol?: string };

export interface StreamWriterOptions {
  readonly url: string;
  /** Name of the stream in ops.stream_marks, e.g. `equities`. */
  readonly stream: string;
  readonly feed: StreamFeed;
  /** Gives up waiting for a database that went away, or that does not answer. */
  readonly signal?: AbortSignal;
  /** Real time after which a connection that does not answer is given up; default 30,000, doubled with each attempt. */
  readonly answerMs?: number;
  /** Waits for the database until `signal` is aborted, not for some minutes only: where frames have a spool to wait in. */
  readonly isPatient?: boolean;
}

const ANSWER_MS = 30_000;
const MAX_ANSWER_MS = 240_000;

const MARK_SQL = `
  insert into ops.stream_marks as m (feed_id, stream, ts_high_water, ts_recv, rows_in) values ($1, $2, $3, $4, $5)
  on conflict on constraint stream_marks_pk do update set
    ts_high_water = greatest(m.ts_high_water, excluded.ts_high_water),
    ts_recv = greatest(m.ts_recv, excluded.ts_recv),
    rows_in = m.rows_in + excluded.rows_in
  returning pg_notify('${MARKS_CHANNEL}', $1::text)`;

const REJECTED_SQL = `
  insert into market.rejected_rows (ts_recv, feed, source, line, raw, reason)
  select $1, $2, r.source, r.line, r.raw, r.reason
  from unnest($3::text[], $4::bigint[], $5::text[], $6::text[]) as r (source, line, raw, reason)
  on conflict do nothing`;

const STATE_SQL =
  'insert into ops.feed_states (feed_id, stream, ts, state, detail, symbol) values ($1, $2, $3, $4, $5, $6)';

// Prepared once for each connection, so that it can be run in one round trip with what is around it.
const PREPARE_MARK_SQL = `prepare stream_mark (smallint, text, timestamp, timestamp, bigint) as ${MARK_SQL}`;

const UNIQUE_VIOLATION = '23505';

interface Target {
  readonly feedId: number;
  readonly stream: string;
  readonly feedName: string;
  readonly instruments: InstrumentCache;
  /** A COPY each: ticks, quotes, prints. */
  readonly loads: readonly Load[];
  /** Connections that know the mark's statement. */
  readonly prepared: WeakSet<object>;
}

/** What one COPY takes. */
interface Load extends CopyLoad {
  rows: number;
}

type Run = <T>(work: (client: pg.Client, attempt: number) => Promise<T>) => Promise<T>;

/** Connects as ingest_writer and makes the feed known. Throws a Failure when the database cannot be reached. */
export async function createStreamWriter(options: StreamWriterOptions): Promise<StreamWriter> {
  const { url, stream, feed, signal } = options;
  const name = `ingest-${stream}`;
  const connection = await lastingConnection({
    url,
    role: 'ingest_writer',
    name,
    ...(signal === undefined ? {} : { signal }),
  });
  let isClosed = false;
  const patient = createPatience(options.isPatient === true ? signal : undefined);
  const run: Run = (work) =>
    patient(async () => {
      // Connecting to a server that does not answer takes its time, for everything that waits here one after the other.
      if (signal?.aborted || isClosed)
        throw new Failure(`${stream}: the database was not waited for any longer`);
      return connection.run((client, attempt) =>
        answered(client, options, attempt, () => work(client, attempt)),
      );
    });
  const feedId = await run((client) => registerFeed(client, feed)).catch(async (error) => {
    await connection.end();
    throw error;
  });
  const instruments = instrumentCache();
  const loads = [equityTicks, optionQuotes, optionTrades].map(
    (table): Load => ({ table, buffer: new CopyBuffer(), rows: 0 }),
  );
  const target: Target = { feedId, stream, feedName: feed.name, instruments, loads, prepared: new WeakSet() };
  return {
    stream,
    feedId,
    write: writeBatches(run, target),
    register: (symbols, kind) => run((client) => instruments.resolve(client, symbols, kind)),
    noteState: async ({ state, at, reason, symbol = null }) => {
      const values = [feedId, stream, formatEastern(at), state, reason, symbol];
      await run((client) => client.query(STATE_SQL, values));
    },
    heartbeat: async (at, state) => {
      await run((client) => writeHeartbeat(client, { process: name, at, state, detail: null }));
    },
    query: async (text, values) => (await run((client) => client.query({ text, values: [...values] }))).rows,
    close: async () => {
      // What waits in line would open the connection again.
      await patient(async () => {
        isClosed = true;
      });
      await connection.end();
    },
  };
}

// A network that was cut without a word, or a server that was stopped, never answers: the socket is ended, and the work is done
// again on another connection.
async function answered<T>(
  client: pg.Client,
  { signal, answerMs = ANSWER_MS }: StreamWriterOptions,
  attempt: number,
  work: () => Promise<T>,
): Promise<T> {
  const { stream } = (client as unknown as { connection: { stream: { destroy(): void } } }).connection;
  const giveUp = (): void => stream.destroy();
  const timer = setTimeout(giveUp, Math.min(MAX_ANSWER_MS, answerMs * 2 ** Math.min(10, attempt - 1)));
  signal?.addEventListener('abort', giveUp, { once: true });
  try {
    return await work();
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', giveUp);
  }
}

function writeBatches(run: Run, target: Target): StreamWriter['write'] {
  // A stream that repeats itself (after a reconnect, or a session played again) goes on doing so for a while.
  let repeats = false;
  return (batch) =>
    run(async (client, attempt) => {
      faultPoint('before_write');
      await encodeBatch(client, target, batch);
      const isStraight = !repeats && attempt === 1;
      const straight = isStraight ? await writeStraight(client, target, batch) : null;
      const counts = straight ?? (await writeMerging(client, target, batch));
      repeats = counts.duplicate > 0;
      faultPoint('after_write');
      return counts;
    });
}

/** Puts the rows into the loads. Their ids are made outside the rows' transaction: one that is rolled back would stay in the cache. */
async function encodeBatch(client: pg.ClientBase, target: Target, batch: StreamBatch): Promise<void> {
  const { feedId, instruments, loads } = target;
  const [ticks, quotes, trades] = loads as [Load, Load, Load];
  const ranges = [batch.scanned, batch.quotes.length === 0 ? undefined : columnsOf(batch.quotes)];
  const grouped = ranges.filter((range) => range !== undefined).map(groupByContract);
  await instruments.resolve(client, symbolsOf(batch.ticks), 'equity');
  const options = symbolsOf(batch.trades);
  for (const { columns, groups } of grouped)
    for (const { contract } of groups) options.add(columns.contracts.symbols[contract] as string);
  await instruments.resolve(client, options, 'option');
  const keyed = <Row extends { readonly symbol: string }>(row: Row): Keyed<Row> => ({
    instrument_id: instruments.id(row.symbol),
    feed_id: feedId,
    row,
  });
  for (const load of loads) load.buffer.reset();
  for (const row of batch.ticks) equityTicks.write(ticks.buffer, keyed(row));
  for (const each of grouped) encodeQuotes(quotes.buffer, each, { feedId, id: instruments.id });
  for (const row of batch.trades) optionTrades.write(trades.buffer, keyed(row));
  ticks.rows = batch.ticks.length;
  quotes.rows = grouped.reduce((sum, { order }) => sum + order.length, 0);
  trades.rows = batch.trades.length;
  for (const load of loads) load.buffer.finish();
}

function symbolsOf(rows: readonly { readonly symbol: string }[]): Set<string> {
  return new Set(rows.map((row) => row.symbol));
}

/** Null if a row was there already: then nothing is stored, and the batch goes the slower way. */
async function writeStraight(
  client: pg.ClientBase,
  target: Target,
  batch: StreamBatch,
): Promise<WriteCounts | null> {
  const loads = target.loads.filter(({ rows }) => rows > 0);
  const inserted = loads.reduce((sum, { rows }) => sum + rows, 0);
  const begin = ['begin', ...loads.map(copyText)].join('; ');
  try {
    if (batch.rejected.length > 0) {
      await sendLoads(client, begin, loads);
      await finish(client, target, batch, inserted, loads);
    } else {
      // All of it in one round trip: a frame of a few quotes costs little else.
      const mark = await markText(client, target, batch, inserted);
      const sent = sendLoads(client, `${begin}; ${countText(loads)}${mark}commit`, loads);
      // Rows are on their way, and nobody knows yet what became of them.
      faultPoint('before_commit');
      await sent;
    }
    return { inserted, duplicate: 0 };
  } catch (error) {
    await client.query('rollback').catch(() => undefined);
    if ((error as { code?: string }).code !== UNIQUE_VIOLATION) throw error;
    return null;
  }
}

async function writeMerging(client: pg.ClientBase, target: Target, batch: StreamBatch): Promise<WriteCounts> {
  let inserted = 0;
  let rows = 0;
  const loads = target.loads.filter((each) => each.rows > 0);
  await client.query('begin');
  try {
    for (const load of loads) {
      inserted += await sendMerging(client, load);
      rows += load.rows;
    }
    await finish(client, target, batch, inserted, loads);
  } catch (error) {
    await client.query('rollback').catch(() => undefined);
    throw error;
  }
  return { inserted, duplicate: rows - inserted };
}

/** Dead letters, the counts, the mark, and the end of the transaction. */
async function finish(
  client: pg.ClientBase,
  target: Target,
  batch: StreamBatch,
  inserted: number,
  loads: readonly Load[],
): Promise<void> {
  await insertRejected(client, target, batch);
  faultPoint('before_commit');
  await client.query(`${countText(loads)}${await markText(client, target, batch, inserted)}commit`);
}

function countText(loads: readonly Load[]): string {
  return loads.flatMap(({ buffer }) => buffer.counts.statements()).join('');
}

async function insertRejected(client: pg.ClientBase, target: Target, batch: StreamBatch): Promise<void> {
  const { rejected } = batch;
  if (rejected.length === 0) return;
  await client.query(REJECTED_SQL, [
    formatEastern(batch.receivedAt),
    target.feedName,
    rejected.map((row) => row.source),
    rejected.map((row) => row.line),
    rejected.map((row) => row.raw),
    rejected.map((row) => row.reason),
  ]);
}

async function markText(
  client: pg.ClientBase,
  { feedId, stream, prepared }: Target,
  { completeTo, receivedAt }: StreamBatch,
  inserted: number,
): Promise<string> {
  if (completeTo === null) return '';
  if (!prepared.has(client)) await client.query(PREPARE_MARK_SQL);
  prepared.add(client);
  const times = `'${formatEastern(completeTo)}', '${formatEastern(receivedAt)}'`;
  return `execute stream_mark(${feedId}, ${pg.escapeLiteral(stream)}, ${times}, ${inserted}); `;
}
