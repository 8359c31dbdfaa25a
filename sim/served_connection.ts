// One client of the simulated Massive websocket: the handshake, its subscriptions, and the frames it is sent.
import type { RawData, WebSocket } from 'ws';
import { z } from 'zod';
import type { Market, WireEvent } from './wire.ts';

/** Channels that the simulator serves; other channels that exist are refused, and unknown prefixes are met with silence. */
const SERVED: Readonly<Record<Market, ReadonlySet<string>>> = {
  stocks: new Set(['T', 'A']),
  options: new Set(['T', 'Q']),
};
const EXISTING = new Set(['T', 'Q', 'A', 'AM', 'FMV', 'LULD', 'NOI']);
const MAX_QUOTED_OPTIONS = 1000;
const EVENTS_A_FRAME = 100;

const command = z.object({ action: z.string(), params: z.string() });

type Status = Readonly<{ ev: 'status'; status: string; message: string }>;

function status(name: string, message: string): Status {
  return { ev: 'status', status: name, message };
}

export interface ServedConnectionOptions {
  readonly socket: WebSocket;
  readonly market: Market;
  readonly apiKey: string;
  /** Called once, when the client has authenticated. */
  readonly onAuthenticated: (connection: ServedConnection) => void;
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

  constructor(options: ServedConnectionOptions) {
    this.#options = options;
    this.#socket = options.socket;
    this.market = options.market;
    this.#socket.on('message', (data: RawData) => this.#receive(String(data)));
    // A reset of the connection is the client's affair; 'close' follows.
    this.#socket.on('error', () => {});
    this.#send([status('connected', 'Connected Successfully')]);
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

  /** Sends those of the events that this client subscribed to, in frames of at most 100. */
  deliver(events: readonly WireEvent[]): void {
    if (!this.open || this.#pairs.size === 0) return;
    const wanted = events.filter((event) => this.#wants(event.pair)).map((event) => event.event);
    for (let i = 0; i < wanted.length; i += EVENTS_A_FRAME) this.#send(wanted.slice(i, i + EVENTS_A_FRAME));
  }

  /**
   * Resolves once the client has read everything sent so far, or the connection has ended. A ping is answered in order, after
   * the frames before it, so its pong is the receipt.
   */
  delivered(): Promise<void> {
    if (!this.open) return Promise.resolve();
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
    const message =
      'Maximum number of websocket connections exceeded. You have reached the connection limit for your account.';
    this.#send([status('max_connections', message)]);
    this.#socket.close(1008);
  }

  /** Ends the connection without a close frame, as the vendor's servers mostly do. */
  drop(): void {
    this.#socket.terminate();
  }

  #wants(pair: string): boolean {
    if (this.#pairs.has(pair)) return true;
    return this.#hasWildcard && this.#pairs.has(`${pair.slice(0, pair.indexOf('.'))}.*`);
  }

  #send(events: readonly unknown[], sent?: () => void): void {
    this.#socket.send(JSON.stringify(events), () => sent?.());
  }

  #receive(text: string): void {
    const parsed = command.safeParse(parseJson(text));
    const { action, params } = parsed.success ? parsed.data : { action: 'none', params: '' };
    const pairs = params.split(',').map((pair) => pair.trim());
    if (action === 'auth') this.#authenticate(params);
    else if (!this.#authenticated) this.#send([status('error', 'not authorized')]);
    else if (action === 'subscribe') this.#reply(pairs.map((pair) => this.#subscribe(pair)));
    else if (action === 'unsubscribe') this.#reply(pairs.map((pair) => this.#unsubscribe(pair)));
    else this.#send([status('error', 'unknown action')]);
  }

  #reply(answers: readonly (Status | null)[]): void {
    const statuses = answers.filter((answer) => answer !== null);
    for (let i = 0; i < statuses.length; i += EVENTS_A_FRAME) {
      this.#send(statuses.slice(i, i + EVENTS_A_FRAME));
    }
  }

  #authenticate(key: string): void {
    if (key !== this.#options.apiKey) {
      this.#send([status('auth_failed', 'authentication failed')], () => this.drop());
    } else if (!this.#authenticated) {
      this.#authenticated = true;
      this.#send([status('auth_success', 'authenticated')]);
      this.#options.onAuthenticated(this);
    }
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
