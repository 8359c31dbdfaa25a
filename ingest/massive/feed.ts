// A feed of one Massive market: keeps one connection alive, subscribed and known, across drops.
import { type Clock, systemClock } from '../../core/clock.ts';
import type { EasternUs } from '../../core/eastern_time.ts';
import { Failure } from '../../core/failure.ts';
import { type ConnectionEnd, MassiveConnection } from './connection.ts';
import {
  assertSafe,
  DEFAULT_TIMING,
  type FeedState,
  type FeedTiming,
  MAX_FRAME_BYTES,
  type MassiveFeedOptions,
} from './feed_options.ts';
import { createHighWater } from './high_water.ts';
import type { MappedFrame, StatusMessage } from './mapper.ts';
import { createSubscriptions, MAX_OPTION_QUOTES } from './subscriptions.ts';

export type { FeedState, FeedStateChange, FeedTiming, MassiveFeedOptions, RawFrame } from './feed_options.ts';

const LOOK_MS = 1000;

export class MassiveFeed {
  readonly #options: MassiveFeedOptions;
  readonly #timing: FeedTiming;
  readonly #transport: Clock;
  readonly #subscriptions;
  readonly #mark = createHighWater();
  #state: FeedState = 'disconnected';
  #connection: MassiveConnection | null = null;
  #paused = false;
  #failures = 0;
  #hasFrames = false;
  /** When the events' own time last moved on, or nothing was to be expected. */
  #progressAt: EasternUs;

  /** Throws a Failure on an address that may not be used. Nothing is connected before `run`. */
  constructor(options: MassiveFeedOptions) {
    assertSafe(options);
    this.#options = options;
    this.#timing = { ...DEFAULT_TIMING, ...options.timing };
    this.#transport = options.transport ?? systemClock();
    this.#progressAt = options.clock.now();
    this.#subscriptions = createSubscriptions([]);
    this.#want(options.subscriptions);
  }

  get state(): FeedState {
    return this.#state;
  }

  /** Keeps the feed alive until the signal is aborted. Rejects with a Failure when the vendor refuses the key: do not retry. */
  async run(): Promise<void> {
    const { signal } = this.#options;
    while (!signal.aborted) {
      const end = await this.#connectOnce();
      if (signal.aborted) break;
      if (end.cause === 'refused') this.#refuse(end);
      const waitMs = this.#waitAfter(end);
      this.#enter('disconnected', `${end.reason}; next attempt in ${waitMs} ms`);
      await this.#transport.sleep(waitMs, signal);
    }
    this.#enter('disconnected', 'ended by us');
  }

  /**
   * Wants more pairs, now and after every reconnect. Resolves with those that were not acknowledged in time: the vendor says
   * nothing about channels that it does not know. Throws a Failure above 1,000 option quotes.
   */
  async subscribe(pairs: readonly string[]): Promise<readonly string[]> {
    const added = this.#want(pairs);
    if (this.#connection?.authenticated) this.#connection.command('subscribe', added);
    return this.#acknowledged(pairs, this.#options.signal);
  }

  /** Wants these pairs no longer. Events on their way may still arrive. */
  unsubscribe(pairs: readonly string[]): void {
    const removed = this.#subscriptions.remove(pairs);
    if (this.#connection?.authenticated) this.#connection.command('unsubscribe', removed);
  }

  /** All pairs that the feed wants. */
  wanted(): readonly string[] {
    return this.#subscriptions.wanted();
  }

  /** True for a ticker that the feed wants or has wanted: its events may still be on their way. */
  everWanted(ticker: string): boolean {
    return this.#subscriptions.everWanted(ticker);
  }

  /** Holds the connection back; a vendor drops a client that does not read for long. */
  pause(): void {
    this.#paused = true;
    this.#connection?.pause();
  }

  resume(): void {
    this.#paused = false;
    this.#connection?.resume();
  }

  /** The consumer reports the rows that it mapped, for `highWater` and to tell a live feed from a mute one. */
  observe(mapped: MappedFrame): void {
    const before = this.#mark.value();
    this.#mark.observe(mapped);
    if (this.#mark.value() === before) return;
    this.#progressAt = this.#options.clock.now();
    if (this.#state === 'mute') this.#enter('live');
  }

  /**
   * Exclusive event time up to which the consumer's rows are complete (see createHighWater); null before the first. It does not
   * know of events that were missed while disconnected: the time between `disconnected` and the next `live` is a gap.
   */
  highWater(): EasternUs | null {
    return this.#mark.value();
  }

  #want(pairs: readonly string[]): readonly string[] {
    const quotes = new Set([...this.wanted(), ...pairs].filter((pair) => pair.startsWith('Q.O:')));
    if (quotes.size > MAX_OPTION_QUOTES) {
      throw new Failure(
        `${quotes.size} option quotes asked for, but Massive allows ${MAX_OPTION_QUOTES} a connection`,
        { hint: 'choose fewer strikes around the money' },
      );
    }
    return this.#subscriptions.add(pairs);
  }

  async #connectOnce(): Promise<ConnectionEnd> {
    this.#enter('connecting');
    this.#subscriptions.reset();
    const ended = new AbortController();
    const { url, apiKey, signal } = this.#options;
    const { pingIntervalMs, handshakeTimeoutMs } = this.#timing;
    const connection = new MassiveConnection({
      url,
      apiKey,
      signal,
      transport: this.#transport,
      pingIntervalMs,
      handshakeTimeoutMs,
      maxFrameBytes: MAX_FRAME_BYTES,
      onAuthenticated: () => void this.#subscribeAll(connection, ended.signal),
      onStatus: (status) => this.#onStatus(status),
      onFrame: (data) => this.#onFrame(data),
    });
    this.#connection = connection;
    const end = await connection.run();
    this.#connection = null;
    ended.abort();
    if (end.isTooLong) this.#options.onTooLong?.();
    return end;
  }

  async #subscribeAll(connection: MassiveConnection, ended: AbortSignal): Promise<void> {
    this.#enter('authenticated');
    const pairs = this.wanted();
    connection.command('subscribe', pairs);
    const missing = await this.#acknowledged(pairs, ended);
    if (ended.aborted) return;
    this.#enter('subscribed', null, missing);
    // Data may flow before the last acknowledgement is in.
    if (this.#hasFrames) this.#enter('live');
    if (this.#paused) connection.pause();
    void this.#watchProgress(connection, ended);
  }

  async #acknowledged(pairs: readonly string[], ended: AbortSignal): Promise<readonly string[]> {
    const overdue = new AbortController();
    const settled = this.#subscriptions.settled(pairs, AbortSignal.any([overdue.signal, ended]));
    const timer = new AbortController();
    await Promise.race([settled, this.#transport.sleep(this.#timing.ackTimeoutMs, timer.signal)]);
    timer.abort();
    overdue.abort();
    return this.#subscriptions.unacknowledged(pairs);
  }

  #onStatus(status: StatusMessage): void {
    if (status.status === 'success') this.#subscriptions.acknowledge(status.message);
    else this.#options.onError?.(status);
  }

  #onFrame(data: Buffer): void {
    this.#hasFrames = true;
    this.#options.onFrame({ data, ts_recv: this.#options.clock.now() });
    if (this.#state === 'subscribed') this.#enter('live');
  }

  // A socket may be open, and even deliver, while the market has long moved on: the events' own time decides, measured on the
  // market's own clock. In a simulation that stands still nobody is mute.
  async #watchProgress(connection: MassiveConnection, ended: AbortSignal): Promise<void> {
    const { clock, isBusy, hasBacklog } = this.#options;
    const { muteAfterMs, leaveMuteAfterMs } = this.#timing;
    if (muteAfterMs === null) return;
    this.#progressAt = clock.now();
    while (!ended.aborted) {
      const now = clock.now();
      if (isBusy?.(now) === false || hasBacklog?.() === true) this.#progressAt = now;
      const silentMs = (now - this.#progressAt) / 1000;
      if (silentMs >= muteAfterMs && (this.#state === 'live' || this.#state === 'subscribed'))
        this.#enter('mute', `no newer event for ${silentMs} ms`);
      if (leaveMuteAfterMs !== null && silentMs >= muteAfterMs + leaveMuteAfterMs)
        return connection.end(`mute for ${silentMs} ms`);
      const leftMs = muteAfterMs - silentMs;
      await clock.sleep(leftMs > 0 ? Math.min(LOOK_MS, leftMs) : LOOK_MS, ended);
    }
  }

  #waitAfter(end: ConnectionEnd): number {
    const { stableAfterMs, backoffFirstMs, backoffMaxMs, excessCooldownMs } = this.#timing;
    this.#failures = end.aliveMs >= stableAfterMs ? 0 : this.#failures + 1;
    const doublings = Math.min(20, Math.max(0, this.#failures - 1));
    const backoffMs = Math.min(backoffMaxMs, backoffFirstMs * 2 ** doublings);
    // Half of it by chance: clients that were dropped together must not come back together.
    const jitter = (this.#options.random ?? Math.random)();
    const waitMs = Math.round((backoffMs * (1 + jitter)) / 2);
    return end.cause === 'excess' ? excessCooldownMs + waitMs : waitMs;
  }

  #refuse(end: ConnectionEnd): never {
    this.#enter('failed', end.reason);
    throw new Failure(`Massive refused the connection to ${this.#options.url}: ${end.reason}`, {
      hint: 'check MASSIVE_API_KEY (or POLYGON_API_KEY) and that the plan includes websocket access to this market',
    });
  }

  #enter(state: FeedState, reason: string | null = null, unacknowledged: readonly string[] = []): void {
    this.#state = state;
    if (state === 'connecting') this.#hasFrames = false;
    this.#options.onState?.({ state, at: this.#options.clock.now(), reason, unacknowledged });
  }
}
