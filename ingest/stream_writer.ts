// Stores what a stream received: rows by binary COPY, dead letters and the stream's mark in one transaction.
import type pg from 'pg';
import type { EquityTick, OptionQuote, OptionTrade, RejectedRow } from '../core/domain.ts';
import { type EasternUs, formatEastern } from '../core/eastern_time.ts';
import { Failure } from '../core/failure.ts';
import { CopyBuffer, type CopyTable, copyMerging, copyNew } from '../db/copy.ts';
import { writeHeartbeat } from '../db/heartbeat.ts';
import { lastingConnection } from '../db/lasting_connection.ts';
import { MARKS_CHANNEL } from '../db/marks_channel.ts';
import { inTransaction } from '../db/pool.ts';
import { faultPoint } from './fault_point.ts';
import { type InstrumentCache, type InstrumentKind, instrumentCache } from './instruments.ts';
import type { FeedStateChange } from './massive/feed_options.ts';
import { createPatience } from './patience.ts';
import { registerFeed, type StreamFeed } from './stream_feed.ts';
import { equityTicks, type Keyed, optionQuotes, optionTrades } from './tables.ts';

/** Everything that one transaction stores. */
export interface StreamBatch {
  readonly ticks: readonly EquityTick[];
  readonly quotes: readonly OptionQuote[];
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

const UNIQUE_VIOLATION = '23505';

interface Target {
  readonly feedId: number;
  readonly stream: string;
  readonly feedName: string;
  readonly instruments: InstrumentCache;
  readonly buffer: CopyBuffer;
}

type CopyRows = typeof copyNew;

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
  const target: Target = { feedId, stream, feedName: feed.name, instruments, buffer: new CopyBuffer() };
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
      await registerBatch(client, target, batch);
      const isStraight = !repeats && attempt === 1;
      const straight = isStraight ? await writeStraight(client, target, batch) : null;
      const counts = straight ?? (await writeBatch(client, target, batch, copyMerging));
      repeats = counts.duplicate > 0;
      faultPoint('after_write');
      return counts;
    });
}

// Outside the rows' transaction: an id that a rollback took back would stay in the cache.
async function registerBatch(client: pg.ClientBase, target: Target, batch: StreamBatch): Promise<void> {
  const { instruments } = target;
  await instruments.resolve(
    client,
    batch.ticks.map((row) => row.symbol),
    'equity',
  );
  const options = new Set<string>();
  for (const row of batch.quotes) options.add(row.symbol);
  for (const row of batch.trades) options.add(row.symbol);
  await instruments.resolve(client, options, 'option');
}

/** Null if a row was there already: then nothing is stored, and the batch goes the slower way. */
async function writeStraight(
  client: pg.ClientBase,
  target: Target,
  batch: StreamBatch,
): Promise<WriteCounts | null> {
  try {
    return await writeBatch(client, target, batch, copyNew);
  } catch (error) {
    if ((error as { code?: string }).code !== UNIQUE_VIOLATION) throw error;
    return null;
  }
}

function writeBatch(
  client: pg.ClientBase,
  target: Target,
  batch: StreamBatch,
  copy: CopyRows,
): Promise<WriteCounts> {
  return inTransaction(client, async () => {
    const results = [
      await copyRows(client, target, equityTicks, batch.ticks, copy),
      await copyRows(client, target, optionQuotes, batch.quotes, copy),
      await copyRows(client, target, optionTrades, batch.trades, copy),
    ];
    await insertRejected(client, target, batch);
    faultPoint('before_commit');
    const inserted = results.reduce((sum, each) => sum + each.inserted, 0);
    const duplicate = results.reduce((sum, each) => sum + each.duplicate, 0);
    await moveMark(client, target, batch, inserted);
    return { inserted, duplicate };
  });
}

async function copyRows<Row extends { readonly symbol: string }>(
  client: pg.ClientBase,
  target: Target,
  table: CopyTable<Keyed<Row>>,
  rows: readonly Row[],
  copy: CopyRows,
): Promise<WriteCounts> {
  if (rows.length === 0) return { inserted: 0, duplicate: 0 };
  const { feedId, instruments, buffer } = target;
  const keyed = rows.map((row) => ({ instrument_id: instruments.id(row.symbol), feed_id: feedId, row }));
  return copy(client, table, keyed, buffer);
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

async function moveMark(
  client: pg.ClientBase,
  target: Target,
  batch: StreamBatch,
  inserted: number,
): Promise<void> {
  const { completeTo, receivedAt } = batch;
  if (completeTo === null) return;
  const times = [formatEastern(completeTo), formatEastern(receivedAt)];
  const values = [target.feedId, target.stream, ...times, inserted];
  await client.query({ name: 'move_mark', text: MARK_SQL, values });
}
