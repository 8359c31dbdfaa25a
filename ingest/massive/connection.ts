// One websocket connection to Massive, from the handshake to its end: it authenticates, keeps alive, and hands frames on.
import { type RawData, WebSocket } from 'ws';
import type { Clock } from '../../core/clock.ts';
import { errorText } from '../../core/failure.ts';
import { redact } from './credentials.ts';
import { mapFrame, type StatusMessage } from './mapper.ts';

/** How a connection ended. `refused` is final; `excess` means that the account has too many connections. */
export interface ConnectionEnd {
  readonly cause: 'refused' | 'excess' | 'lost';
  readonly reason: string;
  /** Real time that it lived after `auth_success`; 0 if it never came so far. */
  readonly aliveMs: number;
  /** A frame was longer than is taken. */
  readonly isTooLong: boolean;
}

export interface ConnectionOptions {
  readonly url: string;
  readonly apiKey: string;
  /** Real time: sockets live in it, also where the market's time is simulated. */
  readonly transport: Clock;
  readonly pingIntervalMs: number;
  readonly handshakeTimeoutMs: number;
  readonly maxFrameBytes: number;
  readonly onAuthenticated: () => void;
  /** Statuses after the handshake: acknowledgements and errors. */
  readonly onStatus: (status: StatusMessage) => void;
  /** Each frame with data. Called in the read loop: it must only enqueue. */
  readonly onFrame: (data: Buffer) => void;
  readonly signal: AbortSignal;
}

const STATUS_MARK = Buffer.from('"status"');
const POLICY_VIOLATION = 1008;
const TOO_LONG = 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH';
const MISSED_PONGS = 2;
const PAIRS_A_COMMAND = 200;

export class MassiveConnection {
  readonly #options: ConnectionOptions;
  readonly #socket: WebSocket;
  readonly #ended = new AbortController();
  #cause: ConnectionEnd['cause'] = 'lost';
  #reason: string | null = null;
  #authenticatedAt: number | null = null;
  #unanswered = 0;
  #isTooLong = false;

  constructor(options: ConnectionOptions) {
    this.#options = options;
    this.#socket = new WebSocket(options.url, {
      maxPayload: options.maxFrameBytes,
      perMessageDeflate: false,
      handshakeTimeout: options.handshakeTimeoutMs,
    });
  }

  /** Resolves when the connection has ended, however it ended. Call once. */
  run(): Promise<ConnectionEnd> {
    const { signal } = this.#options;
    const abort = (): void => this.end('ended by us');
    signal.addEventListener('abort', abort, { once: true });
    this.#socket.on('message', (data) => this.#receive(data));
    this.#socket.on('pong', () => {
      this.#unanswered = 0;
    });
    this.#socket.on('error', (error) => {
      this.#isTooLong ||= (error as { code?: unknown }).code === TOO_LONG;
      this.#reason ??= errorText(error);
    });
    if (signal.aborted) abort();
    void this.#watchHandshake();
    void this.#keepAlive();
    return new Promise((resolve) => {
      this.#socket.on('close', (code) => {
        signal.removeEventListener('abort', abort);
        this.#ended.abort();
        resolve(this.#outcome(code));
      });
    });
  }

  get authenticated(): boolean {
    return this.#authenticatedAt !== null && this.#socket.readyState === WebSocket.OPEN;
  }

  /** Sends the pairs in as many commands as needed. */
  command(action: 'subscribe' | 'unsubscribe', pairs: readonly string[]): void {
    for (let i = 0; i < pairs.length; i += PAIRS_A_COMMAND) {
      this.#send(action, pairs.slice(i, i + PAIRS_A_COMMAND).join(','));
    }
  }

  /** Stops reading: the network, then the vendor, hold the backlog. */
  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  #outcome(code: number): ConnectionEnd {
    // The vendor's code for too many connections; the status before it may have got lost.
    if (code === POLICY_VIOLATION && this.#reason === null) this.#cause = 'excess';
    const aliveMs = this.#authenticatedAt === null ? 0 : this.#elapsedMs(this.#authenticatedAt);
    const reason = this.#reason ?? `connection closed with code ${code}`;
    const shown = redact(reason, this.#options.apiKey);
    return { cause: this.#cause, reason: shown, aliveMs, isTooLong: this.#isTooLong };
  }

  #elapsedMs(since: number): number {
    return (this.#options.transport.now() - since) / 1000;
  }

  #send(action: string, params: string): void {
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify({ action, params }));
  }

  /** Ends it without waiting for the other side: a dead one would never answer, and a live one frees our slot at once. */
  end(reason: string): void {
    this.#reason ??= reason;
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.close(1000);
    this.#socket.terminate();
  }

  #receive(raw: RawData): void {
    const data = raw as Buffer;
    this.#unanswered = 0;
    if (data.includes(STATUS_MARK)) this.#receiveStatus(data);
    else this.#options.onFrame(data);
  }

  #receiveStatus(data: Buffer): void {
    const { statuses, ticks, quotes, trades, rejected } = mapFrame(data, this.#options.transport.now());
    for (const status of statuses) this.#handle(status);
    // Frames mix status and data events at the vendor's pleasure.
    const onlyStatus =
      statuses.length > 0 && ticks.length + quotes.length + trades.length + rejected.length === 0;
    if (!onlyStatus) this.#options.onFrame(data);
  }

  #handle(status: StatusMessage): void {
    if (status.status === 'connected') this.#send('auth', this.#options.apiKey);
    else if (status.status === 'auth_success') this.#authenticated();
    else if (status.status === 'auth_failed') this.#fail('refused', status);
    else if (status.status === 'max_connections') this.#fail('excess', status);
    else if (status.status === 'auth_timeout') this.#fail('lost', status);
    else this.#options.onStatus({ ...status, message: redact(status.message, this.#options.apiKey) });
  }

  #authenticated(): void {
    if (this.#authenticatedAt !== null) return;
    this.#authenticatedAt = this.#options.transport.now();
    this.#options.onAuthenticated();
  }

  #fail(cause: ConnectionEnd['cause'], status: StatusMessage): void {
    this.#cause = cause;
    this.end(`${status.status}: ${status.message}`);
  }

  async #watchHandshake(): Promise<void> {
    const { transport, handshakeTimeoutMs } = this.#options;
    await transport.sleep(handshakeTimeoutMs, this.#ended.signal);
    if (this.#ended.signal.aborted || this.#authenticatedAt !== null) return;
    this.end(`not authenticated after ${handshakeTimeoutMs} ms`);
  }

  async #keepAlive(): Promise<void> {
    const { transport, pingIntervalMs } = this.#options;
    for (;;) {
      await transport.sleep(pingIntervalMs, this.#ended.signal);
      if (this.#ended.signal.aborted) return;
      // While we do not read we cannot see a pong.
      if (this.#socket.readyState !== WebSocket.OPEN || this.#socket.isPaused) continue;
      if (this.#unanswered >= MISSED_PONGS) return this.end(`no answer to ${MISSED_PONGS} pings`);
      this.#unanswered += 1;
      this.#socket.ping();
    }
  }
}
