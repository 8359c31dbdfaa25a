// One stream from the vendor's socket to the database: a feed, a bounded buffer of frames, a pump, a writer.
import { type Clock, systemClock } from '../core/clock.ts';
import type { EquityTick, OptionQuote } from '../core/domain.ts';
import type { EasternUs } from '../core/eastern_time.ts';
import { type OsiSymbol, toMassive } from '../core/osi_symbol.ts';
import { createRateMeter, type RateMeter, storeRate } from './feed_rates.ts';
import { createFrameBuffer, type FrameBuffer } from './frame_buffer.ts';
import { beat } from './heartbeat.ts';
import { MassiveFeed } from './massive/feed.ts';
import {
  type FeedStateChange,
  type FeedTiming,
  MAX_FRAME_BYTES,
  type RawFrame,
} from './massive/feed_options.ts';
import { type MappedFrame, mapFrame, type StatusMessage } from './massive/mapper.ts';
import { rejectedRow } from './massive/rejected.ts';
import { DEFAULT_SALE_RULES, type SaleRules } from './massive/sale_conditions.ts';
import { type TickerTable, tickerTable } from './massive/scan_quotes.ts';
import { scanFrame } from './massive/scanned_frame.ts';
import { latch, rejectable } from './promises.ts';
import { QuoteColumns, type QuoteRange } from './quote_columns.ts';
import type { StreamFeed } from './stream_feed.ts';
import { createPump, type Pump } from './stream_pump.ts';
import {
  type FillOf,
  openRecovery,
  type Recovery,
  type RecoveryOptions,
  type StreamRecovery,
} from './stream_recovery.ts';
import { onlyRowsOf } from './stream_rows.ts';
import { createStreamWriter, type StreamWriter } from './stream_writer.ts';

export type { Recovery } from './stream_recovery.ts';

export interface StreamCounts {
  /** Rows stored by this process, without those that a back-fill brought. */
  readonly inserted: number;
  /** Rows that were there already. */
  readonly duplicate: number;
  readonly rejected: number;
}

/** What every stream is told. */
export interface StreamOptions {
  readonly databaseUrl: string;
  /** Without the market: `wss://socket.massive.com`, or a simulator's address. */
  readonly wsUrl: string;
  readonly apiKey: string;
  readonly clock: Clock;
  readonly feed: StreamFeed;
  /**
   * `flow` stores what has come as soon as the previous batch is stored; `lockstep` stores on `settle` only, for a simulator that
   * waits for us. One step must then fit into the queue.
   */
  readonly pacing: 'flow' | 'lockstep';
  /** Watches the stream, keeps the ledger of its gaps and fills them. Without it events that are missed stay missed. */
  readonly recovery?: Recovery;
  /** Which prints of stocks are set aside. */
  readonly saleRules?: SaleRules;
  readonly timing?: Partial<FeedTiming>;
  readonly onState?: (change: FeedStateChange) => void;
  /** The vendor's errors, e.g. `not authorized` for a channel that the plan lacks. */
  readonly onError?: (status: StatusMessage) => void;
  /** One line for each thing worth telling: a gap, what a back-fill brought, a spool that fills. */
  readonly onNotice?: (text: string) => void;
}

export interface MarketStreamOptions extends StreamOptions {
  /** Name of the stream in ops.stream_marks. */
  readonly stream: string;
  readonly market: 'stocks' | 'options';
  readonly subscriptions: readonly string[];
  readonly writer: StreamWriter;
  /** How a gap is filled; used with `recovery`. */
  readonly fillOf: FillOf;
  /** True where a stream that begins in mid-session lacks what was before: the rules look back to the open. */
  readonly needsHistory: boolean;
  /** Called with the ticks of each frame, before they are stored. */
  readonly onTicks?: (ticks: readonly EquityTick[]) => void;
  /** Called with the quotes of each frame, before they are stored. */
  readonly onQuotes?: (quotes: readonly OptionQuote[]) => void;
  /** The same of quotes that are columns. */
  readonly onScanned?: (quotes: QuoteRange) => void;
}

export interface MarketStream {
  readonly feed: MassiveFeed;
  readonly writer: StreamWriter;
  /** Resolves when the first connection has subscribed. Rejects as `failed` does. */
  readonly subscribed: Promise<void>;
  /** Never resolves; rejects when the vendor refuses us or the database is gone for good. */
  readonly failed: Promise<never>;
  /** Resolves when everything received so far is stored; with `completeTo`, the caller knows that nothing before it can come. */
  settle(completeTo?: EasternUs): Promise<void>;
  counts(): StreamCounts;
  /**
   * Leaves the vendor, stores what was received, closes the connection. After three seconds it gives up on a lost database: what
   * is not stored then goes to the disk spool where there is one.
   */
  close(): Promise<void>;
}

const MAX_QUEUED_BYTES = 16 << 20;
const CLOSE_MS = 3000;
const CLOSE_CONNECTION_MS = 1000;
// Real time, also where the market's time is simulated.
const wallClock = systemClock();

/** Quotes are scanned into one set of columns while those in the other are stored. */
interface ScanParts {
  readonly contracts: TickerTable;
  columns: QuoteColumns;
  spare: QuoteColumns;
}

interface Parts {
  readonly options: MarketStreamOptions;
  readonly recovery: StreamRecovery | null;
  readonly feed: MassiveFeed;
  readonly buffer: FrameBuffer;
  readonly meter: RateMeter;
  readonly reject: (error: unknown) => void;
  /** Null where the stream has no quotes. */
  readonly scan: ScanParts | null;
}

/** Runs the stream until `close`. `giveUp` is aborted when a lost database need not be waited for any longer. */
function runStream(
  options: MarketStreamOptions,
  recovery: StreamRecovery | null,
  giveUp: AbortController,
): MarketStream {
  const { clock, writer } = options;
  const stopping = new AbortController();
  const { signal } = stopping;
  const failure = rejectable();
  // What fails because a lost database was given up while closing is no failure of the stream.
  const reject = (error: unknown): void => {
    if (!giveUp.signal.aborted) failure.reject(error);
  };
  const subscribed = latch();
  const counts = { rejected: 0 };
  const feed = createFeed(options, recovery, {
    signal,
    onFrame: (frame) => buffer.push(frame),
    hasBacklog: () => !buffer.isEmpty(),
    onSubscribed: subscribed.open,
    reject,
  });
  const buffer = createFrameBuffer({
    maxBytes: options.recovery?.spool?.memoryBytes ?? MAX_QUEUED_BYTES,
    spool: recovery?.spool ?? null,
    pause: () => feed.pause(),
    resume: () => feed.resume(),
  });
  const scan = options.feed.kind === 'option' ? scanParts(feed) : null;
  const parts: Parts = { options, recovery, feed, buffer, meter: createRateMeter(), reject, scan };
  const pump: Pump = createPump({
    buffer,
    writer,
    clock,
    onBatch: () => {
      if (scan === null) return;
      [scan.columns, scan.spare] = [scan.spare, scan.columns];
      scan.columns.length = 0;
    },
    map: (frame) => {
      const mapped = mapReceived(parts, frame);
      counts.rejected += mapped.rejected.length;
      return mapped;
    },
    highWater: () => feed.highWater(),
    beforeWrite: async () => recovery?.gaps.flush(),
  });

  const connected = Promise.race([subscribed.opened, failure.promise]);
  connected.catch(() => {});
  const running = feed.run().catch(reject);
  if (options.pacing === 'flow') pump.flow(signal).catch(reject);
  recovery?.start({ isIdle: pump.isIdle, highWater: () => feed.highWater() }).catch(reject);
  void beat({ clock, signal, writer, state: () => feed.state }).catch(reject);
  return {
    feed,
    writer,
    subscribed: connected,
    failed: failure.promise,
    settle: pump.settle,
    counts: () => ({ ...pump.counts(), ...counts }),
    close: async () => {
      stopping.abort();
      const late = setTimeout(() => giveUp.abort(), CLOSE_MS);
      await running;
      await pump.settle().catch(reject);
      await endParts(parts);
      // A server that does not answer must not keep the process.
      const closed = new AbortController();
      await Promise.race([writer.close(), wallClock.sleep(CLOSE_CONNECTION_MS, closed.signal)]);
      closed.abort();
      clearTimeout(late);
    },
  };
}

/** Opens the writer, lets `prepare` say what to subscribe to, and starts the stream. */
export async function startStream(
  options: Omit<MarketStreamOptions, 'writer' | 'subscriptions'>,
  prepare: (writer: StreamWriter) => Promise<readonly string[]>,
): Promise<MarketStream> {
  const giveUp = new AbortController();
  const { databaseUrl, stream, feed } = options;
  const writer = await createStreamWriter({
    url: databaseUrl,
    stream,
    feed,
    signal: giveUp.signal,
    isPatient: options.recovery?.spool != null,
    ...(options.recovery?.answerMs === undefined ? {} : { answerMs: options.recovery.answerMs }),
  });
  let recovery: StreamRecovery | null = null;
  try {
    const subscriptions = await prepare(writer);
    const { recovery: wanted } = options;
    if (wanted !== undefined) recovery = await openRecovery(recoveryOptions(options, wanted, writer));
    return runStream({ ...options, writer, subscriptions }, recovery, giveUp);
  } catch (error) {
    await recovery?.end();
    await writer.close();
    throw error;
  }
}

function recoveryOptions(
  options: Omit<MarketStreamOptions, 'writer' | 'subscriptions'>,
  recovery: Recovery,
  writer: StreamWriter,
): RecoveryOptions {
  const { databaseUrl, apiKey, clock, feed, fillOf, needsHistory, onNotice } = options;
  const base = { recovery, writer, databaseUrl, apiKey, clock, feed, fillOf, needsHistory };
  return onNotice === undefined ? base : { ...base, onNotice };
}

interface FeedLinks {
  readonly signal: AbortSignal;
  readonly onFrame: (frame: RawFrame) => void;
  readonly hasBacklog: () => boolean;
  readonly onSubscribed: () => void;
  readonly reject: (error: unknown) => void;
}

function createFeed(
  options: MarketStreamOptions,
  recovery: StreamRecovery | null,
  { signal, onFrame, hasBacklog, onSubscribed, reject }: FeedLinks,
): MassiveFeed {
  const { clock, writer } = options;
  return new MassiveFeed({
    url: `${options.wsUrl}/${options.market}`,
    apiKey: options.apiKey,
    subscriptions: options.subscriptions,
    clock,
    signal,
    onFrame,
    onState: (change) => {
      if (change.state === 'subscribed') onSubscribed();
      options.onState?.(change);
      recovery?.onState(change);
      writer.noteState(change).catch(reject);
    },
    onTooLong: () => {
      const letter = rejectedRow('(not kept)', `a frame of more than ${MAX_FRAME_BYTES} bytes`);
      const nothing = { ticks: [], quotes: [], trades: [], rejected: [letter], completeTo: null };
      writer.write({ ...nothing, receivedAt: clock.now() }).catch(reject);
    },
    ...(options.onError === undefined ? {} : { onError: options.onError }),
    ...(recovery === null ? {} : { isBusy: recovery.isBusy, hasBacklog }),
    timing: { ...recovery?.timing, ...options.timing },
  });
}

function scanParts(feed: MassiveFeed): ScanParts {
  const contracts = tickerTable((symbol) => feed.everWanted(toMassive(symbol)));
  return { contracts, columns: new QuoteColumns(contracts), spare: new QuoteColumns(contracts) };
}

function mapReceived(parts: Parts, frame: RawFrame): MappedFrame {
  const { options, recovery, feed, buffer, meter, reject, scan } = parts;
  const raw =
    scan === null
      ? mapFrame(frame.data, frame.ts_recv, options.saleRules ?? DEFAULT_SALE_RULES)
      : scanFrame(frame, scan.columns, scan.contracts);
  const isAsked = (symbol: string): boolean => feed.everWanted(tickerOf(options.feed, symbol));
  const mapped = onlyRowsOf(raw, { feed: options.feed, isAsked });
  // The mark speaks for these rows in the transaction that stores them.
  feed.observe(mapped);
  if (mapped.isUnreadable) recovery?.gaps.onLoss('unreadable', frame.ts_recv, frame.ts_recv);
  if (mapped.ticks.length > 0) options.onTicks?.(mapped.ticks);
  if (mapped.quotes.length > 0) options.onQuotes?.(mapped.quotes);
  if (mapped.scanned !== undefined) options.onScanned?.(mapped.scanned);
  const minute = meter.note(frame, mapped);
  if (minute !== null && recovery !== null)
    storeRate(options.writer, minute, buffer.spooledBytes()).catch(reject);
  return mapped;
}

const tickers = new Map<string, string>();

// A session repeats a few hundred symbols millions of times.
function tickerOf(feed: StreamFeed, symbol: string): string {
  if (feed.kind === 'equity') return symbol;
  const known = tickers.get(symbol);
  if (known !== undefined) return known;
  const ticker = toMassive(symbol as OsiSymbol);
  if (tickers.size > 20_000) tickers.clear();
  tickers.set(symbol, ticker);
  return ticker;
}

async function endParts({ options, recovery, buffer, meter, reject }: Parts): Promise<void> {
  if (recovery === null) return;
  const minute = meter.end();
  if (minute !== null) await storeRate(options.writer, minute, buffer.spooledBytes()).catch(reject);
  if (!buffer.save()) options.onNotice?.('frames that were received are not stored');
  await recovery.end();
}
