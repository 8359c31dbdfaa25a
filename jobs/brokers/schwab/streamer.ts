// Schwab's streamer, kept alive: account activity as hints and quotes of the contracts that are wanted.
import type { Clock } from '../../../core/clock.ts';
import type { OptionQuote } from '../../../core/domain.ts';
import { errorText, Failure } from '../../../core/failure.ts';
import type { Logger } from '../../../core/log.ts';
import type { OsiSymbol } from '../../../core/osi_symbol.ts';
import { safeAddress } from '../address.ts';
import { pauseAfter } from '../backoff.ts';
import type { BrokerHttp } from '../http.ts';
import type { SchwabAccess } from './access.ts';
import {
  StreamConnection,
  type StreamEnd,
  type StreamReply,
  type StreamTiming,
} from './stream_connection.ts';
import { createHints } from './stream_hints.ts';
import { createQuoteMerge, QUOTE_FIELDS } from './stream_quotes.ts';
import { CODE, isSuccess, type StreamData } from './stream_wire.ts';
import { type StreamerInfo, userPreference } from './wire.ts';

export interface StreamerTiming extends StreamTiming {
  /** Pauses before a reconnect: from the first, doubled, up to the last; default 1,000 and 60,000. */
  readonly reconnectFirstMs: number;
  readonly reconnectMaxMs: number;
  /** A connection that lived so long begins with the first pause again; default 10,000. */
  readonly stableAfterMs: number;
  /** Pause when Schwab says that the user has another connection: two clients must not throw each other out; default 60,000. */
  readonly excessPauseMs: number;
}

export interface StreamerOptions {
  readonly http: BrokerHttp;
  readonly access: SchwabAccess;
  /** Of `ts_recv`. */
  readonly clock: Clock;
  readonly transport: Clock;
  readonly log: Logger;
  readonly timing?: Partial<StreamerTiming>;
}

export interface StreamState {
  readonly isLive: boolean;
  /** Why not; null while live. */
  readonly reason: string | null;
}

export interface SchwabStreamer {
  /** Connects when it is first called. Returns how to stop listening. */
  onHint(listener: () => void): () => void;
  /** Whole quotes as they change. Quotes of before a reconnect are not completed with those after it. */
  onQuotes(listener: (quotes: readonly OptionQuote[]) => void): () => void;
  /** Wants exactly these contracts from now on, and connects. Throws a Failure above 500. */
  watchQuotes(symbols: readonly OsiSymbol[]): void;
  state(): StreamState;
  close(): Promise<void>;
}

const DEFAULT_TIMING: StreamerTiming = {
  answerTimeoutMs: 10_000,
  silenceMs: 30_000,
  reconnectFirstMs: 1000,
  reconnectMaxMs: 60_000,
  stableAfterMs: 10_000,
  excessPauseMs: 60_000,
};
const MAX_SYMBOLS = 500;

/** A streamer that connects when somebody wants something of it. */
export function createStreamer(options: StreamerOptions): SchwabStreamer {
  const timing = { ...DEFAULT_TIMING, ...options.timing };
  const parts = createParts(options, timing);
  let running: Promise<void> | null = null;
  const start = (): void => {
    if (!parts.closing.signal.aborted) running ??= keepAlive(parts);
  };
  return {
    onHint: (listener) => {
      start();
      return parts.hints.listen(listener);
    },
    onQuotes: (listener) => {
      parts.quoteListeners.add(listener);
      return () => {
        parts.quoteListeners.delete(listener);
      };
    },
    watchQuotes: (symbols) => {
      const wanted = [...new Set(symbols)];
      if (wanted.length > MAX_SYMBOLS) {
        throw new Failure(`${wanted.length} contracts asked for, but Schwab streams ${MAX_SYMBOLS}`, {
          hint: 'Choose fewer strikes around the money.',
        });
      }
      parts.wanted = wanted;
      start();
      if (parts.connection !== null && parts.state.isLive) void subscribeQuotes(parts, parts.connection);
    },
    state: () => parts.state,
    close: async () => {
      parts.closing.abort();
      parts.hints.close();
      parts.quoteListeners.clear();
      await running;
    },
  };
}

interface Parts {
  readonly options: StreamerOptions;
  readonly timing: StreamerTiming;
  readonly hints: ReturnType<typeof createHints>;
  readonly quotes: ReturnType<typeof createQuoteMerge>;
  readonly quoteListeners: Set<(quotes: readonly OptionQuote[]) => void>;
  readonly closing: AbortController;
  wanted: readonly OsiSymbol[];
  /** What this connection was last told to send. */
  subscribed: readonly OsiSymbol[];
  connection: StreamConnection | null;
  state: StreamState;
  failures: number;
}

function createParts(options: StreamerOptions, timing: StreamerTiming): Parts {
  return {
    options,
    timing,
    hints: createHints(options.transport),
    quotes: createQuoteMerge(),
    quoteListeners: new Set(),
    closing: new AbortController(),
    wanted: [],
    subscribed: [],
    connection: null,
    state: { isLive: false, reason: 'not connected yet' },
    failures: 0,
  };
}

async function keepAlive(parts: Parts): Promise<void> {
  const { signal } = parts.closing;
  const { log, transport } = parts.options;
  while (!signal.aborted) {
    const end = await connectOnce(parts);
    parts.connection = null;
    parts.state = { isLive: false, reason: end.reason };
    if (signal.aborted) return;
    const pauseMs = pauseOf(end, parts);
    const level = end.cause === 'excess' ? 'error' : 'warn';
    log[level]({ reason: end.reason, pause_ms: pauseMs }, 'schwab streamer lost');
    await transport.sleep(pauseMs, signal);
  }
}

function pauseOf(end: StreamEnd, parts: Parts): number {
  const { stableAfterMs, reconnectFirstMs, reconnectMaxMs, excessPauseMs } = parts.timing;
  parts.failures = end.aliveMs >= stableAfterMs ? 1 : parts.failures + 1;
  const pauseMs = Math.min(reconnectMaxMs, pauseAfter(parts.failures, reconnectFirstMs));
  return end.cause === 'excess' ? Math.max(excessPauseMs, pauseMs) : pauseMs;
}

async function connectOnce(parts: Parts): Promise<StreamEnd> {
  const { access, transport } = parts.options;
  let token: string;
  let info: StreamerInfo;
  let url: URL;
  try {
    // Both anew each time: the address may move, and an old token is refused.
    info = await streamerInfo(parts);
    token = await access.token();
    url = safeAddress(info.streamerSocketUrl, 'wss', "the address of Schwab's streamer");
  } catch (error) {
    return { cause: 'lost', reason: errorText(error), aliveMs: 0 };
  }
  parts.quotes.drop();
  parts.subscribed = [];
  const { timing, closing } = parts;
  const onData = (message: StreamData): void => receive(parts, message);
  const connection = new StreamConnection({
    url,
    info,
    token,
    transport,
    timing,
    onData,
    signal: closing.signal,
  });
  parts.connection = connection;
  if (await connection.login()) await subscribeAll(parts, connection);
  const end = await connection.ended;
  if (end.cause === 'token') access.refused(token);
  return end;
}

async function streamerInfo(parts: Parts): Promise<StreamerInfo> {
  const { http } = parts.options;
  const found = await http.read({
    route: 'GET userPreference',
    path: '/userPreference',
    schema: userPreference,
  });
  const preference = Array.isArray(found) ? found[0] : found;
  const [info] = preference?.streamerInfo ?? [];
  if (info === undefined) throw new Failure('Schwab names no streamer for this user');
  return info;
}

async function subscribeAll(parts: Parts, connection: StreamConnection): Promise<void> {
  // Always there, so that the subscription is never empty: the streamer ends those within half a minute.
  const activity = await connection.command({
    service: 'ACCT_ACTIVITY',
    command: 'SUBS',
    parameters: { keys: 'Account Activity', fields: '0,1,2,3' },
  });
  if (!isTaken(activity, 'ACCT_ACTIVITY', connection)) return;
  parts.state = { isLive: true, reason: null };
  parts.options.log.info('schwab streamer live');
  await subscribeQuotes(parts, connection);
  // What happened while nobody listened is not sent again.
  parts.hints.raise();
}

async function subscribeQuotes(parts: Parts, connection: StreamConnection): Promise<void> {
  const { wanted, subscribed } = parts;
  if (wanted.join() === subscribed.join()) return;
  parts.subscribed = wanted;
  const isEmpty = wanted.length === 0;
  const keys = (isEmpty ? subscribed : wanted).join(',');
  const reply = await connection.command({
    service: 'LEVELONE_OPTIONS',
    // SUBS replaces the whole list.
    command: isEmpty ? 'UNSUBS' : 'SUBS',
    parameters: isEmpty ? { keys } : { keys, fields: QUOTE_FIELDS },
  });
  if (reply?.code === CODE.symbolLimit) {
    parts.options.log.error({ wanted: wanted.length }, 'schwab streams no more symbols');
    return;
  }
  isTaken(reply, 'LEVELONE_OPTIONS', connection);
}

/** A subscription that was refused leaves a connection of no use: it is made anew. */
function isTaken(reply: StreamReply | null, service: string, connection: StreamConnection): boolean {
  if (reply !== null && isSuccess(reply.code)) return true;
  if (reply !== null) connection.end(`${service} was refused: ${reply.code} ${reply.msg}`);
  return false;
}

function receive(parts: Parts, message: StreamData): void {
  if (message.service === 'ACCT_ACTIVITY') parts.hints.observe(message);
  if (message.service !== 'LEVELONE_OPTIONS') return;
  const delayedBefore = parts.quotes.delayedCount();
  const quotes = parts.quotes.merge(message, parts.options.clock.now());
  if (delayedBefore === 0 && parts.quotes.delayedCount() > 0) {
    parts.options.log.error('schwab sends delayed quotes, which are not used: is real-time data agreed to?');
  }
  if (quotes.length === 0) return;
  for (const listener of [...parts.quoteListeners]) listener(quotes);
}
