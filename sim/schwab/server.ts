// A local server that speaks Schwab's Trader API, OAuth, market data and streamer, with a ledger that says what is true.
import { once, setMaxListeners } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { WebSocketServer } from 'ws';
import type { SessionDate } from '../../core/eastern_time.ts';
import { randomStream } from '../random.ts';
import type { AccountBook } from '../venue/account_book.ts';
import type { Ledger } from '../venue/ledger.ts';
import type { Settlement, SettlementOptions } from '../venue/settlement.ts';
import { createVenue, type Venue } from '../venue/venue.ts';
import { createScript, type Misbehaviour, type Script } from './faults.ts';
import { createHttpHandler, type RequestRecord } from './http.ts';
import { createInstruments } from './instruments.ts';
import { createOAuth, type OAuth, type OAuthControls, randomUuid } from './oauth.ts';
import { parseOrder } from './order_request.ts';
import type { SimulatorParts } from './parts.ts';
import { type Lags, resolveSettings, type SchwabSimulatorOptions, type Settings } from './settings.ts';
import { createStreamer, type Streamer, type StreamerControls } from './streamer.ts';
import { accountHash } from './user_view.ts';

export interface SchwabSimulator {
  /** `http://127.0.0.1:PORT`: under it /v1/oauth, /trader/v1 and /marketdata/v1. */
  readonly restUrl: string;
  /** `ws://127.0.0.1:PORT/ws`, as GET /userPreference tells it. */
  readonly streamerUrl: string;
  readonly appKey: string;
  readonly appSecret: string;
  readonly callbackUrl: string;
  readonly ledger: Ledger;
  readonly script: Script;
  readonly oauth: OAuthControls;
  readonly streamer: StreamerControls;
  /** The hash that stands for an account in paths now; of the first without a number. */
  accountHash(accountNumber?: string): string;
  /**
   * A new quote of an option (OSI symbol of 21 characters) or a share: prices in 1/10,000 dollar, 0 for none; displayed contracts
   * or shares. Orders that can trade with it do. `fields` are further LEVELONE fields by number.
   */
  setQuote(
    symbol: string,
    bid_e4: number,
    ask_e4: number,
    bidSz: number,
    askSz: number,
    fields?: Readonly<Record<number, number | string>>,
  ): void;
  /** Executes units of a live order whatever the quotes say; prices of its legs where given. Returns how many. */
  fill(orderId: number, qty: number, prices_e4?: readonly number[]): number;
  /** An order as from the broker's own page; returns its id. Throws on a body that Schwab would refuse with 400. */
  manualOrder(body: unknown, accountNumber?: string): number;
  /** A cancel as from the broker's own page. */
  manualCancel(orderId: number): void;
  /** Expiry of the contracts of a date by the 16:00 close of their underlying, in 1/10,000 dollar. */
  settle(date: SessionDate, close_e4: number, options?: SettlementOptions): readonly Settlement[];
  /** Early assignment of a short position; shown tomorrow morning, or after `showAfterMs`. Null where nothing is short. */
  assign(symbol: string, contracts: number, options?: { readonly showAfterMs?: number }): Settlement | null;
  setLags(lags: Partial<Lags>): void;
  setClosingOnly(isClosingOnly: boolean, accountNumber?: string): void;
  misbehave(misbehaviour: Misbehaviour | null): void;
  /** Every HTTP request so far. */
  requests(): readonly RequestRecord[];
  stop(): Promise<void>;
}

const FIRST_ORDER_ID = 1_003_494_772_896;
const FIRST_ACTIVITY_ID = 91_000_000_000;

interface Running {
  readonly parts: SimulatorParts;
  readonly streamer: Streamer;
  readonly server: Server;
  readonly venue: Venue;
  readonly stopping: AbortController;
}

function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}

type Identity = Pick<SimulatorParts, 'bookOf' | 'hashOf' | 'customerId' | 'correlId' | 'uuid'>;

function createIdentity(settings: Settings, books: readonly AccountBook[], oauth: OAuth): Identity {
  const random = randomStream(settings.seed, 'identity');
  const salt = (): string =>
    `${settings.seed}|${settings.rehashesOnLogin ? String(oauth.logins()) : 'constant'}`;
  const hashOf = (book: AccountBook): string => accountHash(book.accountNumber, salt());
  return {
    bookOf: (hash) => books.find((book) => hashOf(book) === hash) ?? null,
    hashOf,
    customerId: accountHash('customer', salt()).toLowerCase(),
    correlId: randomUuid(random),
    uuid: () => randomUuid(random),
  };
}

function wire(settings: Settings): Running {
  const stopping = new AbortController();
  // Every delay waits on it.
  setMaxListeners(0, stopping.signal);
  const server = createServer();
  // An idle connection that the server closes just as the client uses it again would look like a fault of the script.
  server.keepAliveTimeout = 60_000;
  const oauth = createOAuth(settings, randomStream(settings.seed, 'tokens'));
  const { clock, accounts, seed } = settings;
  const venue = createVenue({
    ...{ settings, accounts, seed },
    firstOrderId: FIRST_ORDER_ID,
    firstActivityId: FIRST_ACTIVITY_ID,
    emit: (event) => streamer.onEvent(event),
    signal: stopping.signal,
  });
  const { board, books, desk, checks } = venue;
  const parts: SimulatorParts = {
    ...{ settings, board, books, desk, checks, oauth },
    ...createIdentity(settings, books, oauth),
    instruments: createInstruments(),
    script: createScript(clock),
    streamerUrl: () => `ws://127.0.0.1:${portOf(server)}/ws`,
  };
  const streamer = createStreamer(parts, venue.after);
  return { parts, streamer, server, venue, stopping };
}

function acceptSockets({ server, streamer }: Running): void {
  const sockets = new WebSocketServer({ noServer: true, perMessageDeflate: false, maxPayload: 1 << 20 });
  server.on('upgrade', (request, socket, head) => {
    if (request.url?.split('?')[0] !== '/ws') {
      socket.end('HTTP/1.1 404 Not Found\r\nconnection: close\r\n\r\n');
      return;
    }
    sockets.handleUpgrade(request, socket, head, streamer.accept);
  });
}

type Market = Pick<
  SchwabSimulator,
  'setQuote' | 'fill' | 'manualOrder' | 'manualCancel' | 'settle' | 'assign'
>;

function createMarket({ parts, streamer, venue }: Running): Market {
  const { desk, board, settings } = parts;
  return {
    setQuote: (symbol, bid_e4, ask_e4, bidSz, askSz, fields = {}) => {
      board.set({ symbol, bid_e4, ask_e4, bidSz, askSz, at: settings.clock.now(), fields });
      streamer.onQuote(symbol);
      desk.match(symbol);
    },
    fill: (orderId, qty, prices_e4) => desk.fill(venue.orderOf(orderId), qty, prices_e4),
    manualOrder: (body, accountNumber) => {
      const parsed = parseOrder(body);
      if (!parsed.ok) throw new Error(`not an order: ${parsed.errors.join('; ')}`);
      return venue.manualOrder(parsed.spec, accountNumber);
    },
    manualCancel: (orderId) => desk.cancel(venue.orderOf(orderId)),
    settle: venue.settle,
    assign: venue.assign,
  };
}

type Controls = Omit<SchwabSimulator, 'restUrl' | 'streamerUrl' | 'requests' | 'stop'>;

function createControls(running: Running): Controls {
  const { parts, streamer, venue } = running;
  const { settings, oauth, script } = parts;
  const { appKey, appSecret, callbackUrl } = settings;
  return {
    ...{ appKey, appSecret, callbackUrl, oauth, script, streamer },
    ...createMarket(running),
    ledger: venue.ledger,
    accountHash: (accountNumber) => parts.hashOf(venue.bookOf(accountNumber)),
    setLags: (lags) => {
      settings.lags = { ...settings.lags, ...lags };
    },
    setClosingOnly: (isClosingOnly, accountNumber) => {
      venue.bookOf(accountNumber).isClosingOnly = isClosingOnly;
    },
    misbehave: script.misbehave,
  };
}

/** Starts the simulator on loopback. Faults, lags and the market are then set through it; see settings.ts for the rest. */
export async function startSchwabSimulator(options: SchwabSimulatorOptions = {}): Promise<SchwabSimulator> {
  const running = wire(resolveSettings(options));
  const { parts, server, streamer, stopping, venue } = running;
  const requests: RequestRecord[] = [];
  const handle = createHttpHandler({
    parts,
    after: venue.after,
    record: (request) => requests.push(request),
  });
  server.on('request', (request, response) => void handle(request, response));
  acceptSockets(running);
  // Also those in the middle of an upgrade, which neither the HTTP server nor the websocket server counts as its own.
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => sockets.add(socket.on('close', () => sockets.delete(socket))));
  server.listen(parts.settings.port, '127.0.0.1');
  await once(server, 'listening');
  void streamer.beat(stopping.signal);
  void venue.keepHours();
  return {
    ...createControls(running),
    restUrl: `http://127.0.0.1:${portOf(server)}`,
    streamerUrl: parts.streamerUrl(),
    requests: () => requests,
    stop: async () => {
      if (stopping.signal.aborted) return;
      stopping.abort();
      server.close();
      for (const socket of sockets) socket.destroy();
      await once(server, 'close');
    },
  };
}
