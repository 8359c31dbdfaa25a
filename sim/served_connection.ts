// One client of the simulated Massive websocket: the handshake, its subscriptions, and the frames it is sent.
import type { RawData, WebSocket } from 'ws';
import { z } from 'zod';
import type { Door } from './massive_faults.ts';
import type { Market, WireEvent } from './wire.ts';

/** Channels that the simulator serves; other channels that exist are refused, and unknown prefixes are met with silence. */
const SERVED: Readonly<Record<Market, ReadonlySet<string>>> = {
  stocks: new Set(['T', 'A']),
  options: new Set(['T', 'Q']),
};
const EXISTING = new Set(['T', 'Q', 'A', 'AM', 'FMV', 'LULD', 'NOI']);
const MAX_QUOTED_OPTIONS = 1000;
const EVENTS_A_FRAME = 100;

// The vendor's words (reference A1.4).
const EXCESS =
  'Maximum number of websocket connections exceeded. You have reached the connection limit for your account.';
const NO_PLAN = "Your plan doesn't include websocket access.";
const DELAYED_ONLY =
  "You don't have access real-time data. Please visit https://massive.com/pricing or connect to the delayed cluster.";

const command = z.object({ action: z.string(), params: z.string() });

type Status = Readonly<{ ev: 'status'; status: string; message: string }>;

function status(name: string, message: string): Status {
  return { ev: 'status', status: name, message };
}

export interface ServedConnectionOptions {
  readonly socket: WebSocket;
  readonly market: Market;
  readonly apiKey: string;
  readonly door: Door;
  /** Acknowledgements in one frame as far as they fit, or each in its own. */
  readonly acks: 'together' | 'one_each';
  /** Real time in which a client must have authenticated. */
  readonly authTimeoutMs: number;
  /** Called once, when the client has authenticated. */
  readonly onAuthenticated: (connection: ServedConnection) => void;
  /** Told of the events that are sent to this client. */
  readonly onSent?: ((events: readonly WireEvent[]) => void) | undefined;
}

/** A client's connection. Facts of the protocol: reference A1.3-A1.5. */
export class ServedConnection {
  readonly market: Market;
  readonly #socket: WebSocket;
  readonly #options: ServedConnectionOptions;
  readonly #pairs = new Set<string>();
  #authenticated = false;
  #waitingSince: number | null = null;
  #hasWildcard = false;
  #isMute = false;

  constructor(options: ServedConnectionOptions) {
    this.#options = options;
    this.#socket = options.socket;
    this.market = options.market;
    this.#socket.on('message', (data: RawData) => this.#receive(String(data)));
    // A reset of the connection is the client's affair; 'close' follows.
    this.#socket.on('error', () => {});
    if (options.door === 'silent') return;
    this.#send([status('connected', 'Connected Successfully')]);
    const timer = setTimeout(() => this.#endUnauthenticated(), options.authTimeoutMs);
    this.#socket.once('close', () => clearTimeout(timer));
  }

  get authenticated(): boolean {
    return this.#authenticated;
  }

  get open(): boolean {
    return this.#socket.readyState === this.#socket.OPEN;
  }

  get pairs(): ReadonlySet<string> {
    return this.#pairs;
  }

  /** Bytes that wait to be sent: a client that does not read lets them grow. */
  get backlog(): number {
    return this.#socket.bufferedAmount;
  }

  /** Sends those of the events that this client subscribed to, in frames of at most 100. */
  deliver(events: readonly WireEvent[]): void {
    if (!this.open || this.#pairs.size === 0) return;
    const chosen = events.filter((event) => this.#wants(event.pair));
    if (!this.#isMute) this.#options.onSent?.(chosen);
    const wanted = chosen.map((event) => event.event);
    for (let i = 0; i < wanted.length; i += EVENTS_A_FRAME) this.#send(wanted.slice(i, i + EVENTS_A_FRAME));
  }

  /**
   * Resolves once the client has read everything sent so far, or the connection has ended. A ping is answered in order, after
   * the frames before it, so its pong is the receipt.
   */
  delivered(): Promise<void> {
    if (!this.open || this.#socket.isPaused) return Promise.resolve();
    this.#waitingSince = performance.now();
    return new Promise((resolve) => {
      const settle = (): void => {
        this.#waitingSince = null;
        this.#socket.off('pong', settle);
        this.#socket.off('close', settle);
        resolve();
      };
      this.#socket.on('pong', settle);
      this.#socket.on('close', settle);
      this.#socket.ping();
    });
  }

  /** Real time for which the client has not read what it was sent; 0 if it has. */
  get unreadMs(): number {
    return this.#waitingSince === null ? 0 : performance.now() - this.#waitingSince;
  }

  /** The older of two connections goes when an account has too many. */
  closeAsExcess(): void {
    this.#send([status('max_connections', EXCESS)]);
    this.#socket.close(1008);
  }

  close(code: number): void {
    this.#socket.close(code);
  }

  /** Ends the connection without a close frame, as the vendor's servers mostly do. */
  drop(): void {
    this.#socket.terminate();
  }

  /** Nothing is sent any more, and what happens meanwhile is lost to the client; pings are answered. */
  mute(isMute: boolean): void {
    this.#isMute = isMute;
  }

  /** As `mute`, and not even pings are answered: a socket that is open and dead. */
  freeze(isFrozen: boolean): void {
    this.#isMute = isFrozen;
    if (isFrozen) this.#socket.pause();
    else this.#socket.resume();
  }

  /** A frame as it is. */
  say(data: string | Buffer): void {
    if (this.open && !this.#isMute) this.#socket.send(data);
  }

  tell(name: string, message: string): void {
    this.#send([status(name, message)]);
  }

  #wants(pair: string): boolean {
    if (this.#pairs.has(pair)) return true;
    return this.#hasWildcard && this.#pairs.has(`${pair.slice(0, pair.indexOf('.'))}.*`);
  }

  #send(events: readonly unknown[], sent?: () => void): void {
    if (!this.#isMute) this.#socket.send(JSON.stringify(events), () => sent?.());
  }

  #receive(text: string): void {
    const parsed = command.safeParse(parseJson(text));
    const { action, params } = parsed.success ? parsed.data : { action: 'none', params: '' };
    const pairs = params.split(',').map((pair) => pair.trim());
    if (this.#options.door === 'silent') return;
    if (action === 'auth') this.#authenticate(params);
    else if (!this.#authenticated) this.#send([status('error', 'not authorized')]);
    else if (action === 'subscribe') this.#subscribeAll(pairs);
    else if (action === 'unsubscribe') this.#reply(pairs.map((pair) => this.#unsubscribe(pair)));
    else this.#send([status('error', 'unknown action')]);
  }

  #subscribeAll(pairs: readonly string[]): void {
    const { door } = this.#options;
    const isRefused = door === 'delayed_only';
    this.#reply(pairs.map((pair) => (isRefused ? status('error', DELAYED_ONLY) : this.#subscribe(pair))));
    if (door === 'full') this.closeAsExcess();
  }

  #reply(answers: readonly (Status | null)[]): void {
    const statuses = answers.filter((answer) => answer !== null);
    const step = this.#options.acks === 'one_each' ? 1 : EVENTS_A_FRAME;
    for (let i = 0; i < statuses.length; i += step) this.#send(statuses.slice(i, i + step));
  }

  #authenticate(key: string): void {
    const refusal =
      key !== this.#options.apiKey
        ? 'authentication failed'
        : this.#options.door === 'no_plan'
          ? NO_PLAN
          : null;
    if (refusal !== null) this.#send([status('auth_failed', refusal)], () => this.drop());
    else if (!this.#authenticated) {
      this.#authenticated = true;
      this.#send([status('auth_success', 'authenticated')]);
      this.#options.onAuthenticated(this);
    }
  }

  #endUnauthenticated(): void {
    if (this.#authenticated || !this.open) return;
    this.#send([status('auth_timeout', 'No authentication received.')]);
    this.#socket.close(1008);
  }

  #subscribe(pair: string): Status | null {
    const prefix = pair.slice(0, pair.indexOf('.'));
    if (!EXISTING.has(prefix) || this.#pairs.has(pair)) return null;
    if (!SERVED[this.market].has(prefix)) return status('error', 'not authorized');
    if (prefix === 'Q' && (pair === 'Q.*' || this.#quoted() >= MAX_QUOTED_OPTIONS)) {
      // The vendor's words for this are unknown.
      return status('error', 'too many option quotes: at most 1000 contracts a connection, no wildcard');
    }
    this.#pairs.add(pair);
    this.#hasWildcard ||= pair.endsWith('.*');
    return status('success', `subscribed to: ${pair}`);
  }

  #unsubscribe(pair: string): Status | null {
    return this.#pairs.delete(pair) ? status('success', `unsubscribed to: ${pair}`) : null;
  }

  #quoted(): number {
    let count = 0;
    for (const pair of this.#pairs) if (pair.startsWith('Q.')) count += 1;
    return count;
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
