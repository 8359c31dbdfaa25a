// A local server that speaks Schwab's Trader API, OAuth, market data and streamer, with a ledger that says what is true.
import { once, setMaxListeners } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { WebSocketServer } from 'ws';
import type { SessionDate } from '../../core/eastern_time.ts';
import { randomStream } from '../random.ts';
import type { AccountBook } from './account_book.ts';
import { createDesk } from './desk.ts';
import { createScript, type Misbehaviour, type Script } from './faults.ts';
import { nextChange } from './hours.ts';
import { createHttpHandler, type RequestRecord } from './http.ts';
import { createInstruments } from './instruments.ts';
import { createLedger, type Ledger } from './ledger.ts';
import type { DeskEvent } from './matching.ts';
import { createOAuth, type OAuth, type OAuthControls, randomUuid } from './oauth.ts';
import { PLAIN_PLAN, type SimOrder } from './order.ts';
import { parseOrder } from './order_request.ts';
import type { SimulatorParts } from './parts.ts';
import { createQuoteBoard } from './quote_board.ts';
import { type Lags, resolveSettings, type SchwabSimulatorOptions, type Settings } from './settings.ts';
import { assignEarly, type Settlement, type SettlementOptions, settleExpiry } from './settlement.ts';
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
  readonly activities: (count: number) => number;
  readonly after: (ms: number, run: () => void) => void;
  readonly stopping: AbortController;
}

function createIds(seed: number): { order(): number; activities(count: number): number } {
  const random = randomStream(seed, 'ids');
  let orderId = FIRST_ORDER_ID;
  let activityId = FIRST_ACTIVITY_ID;
  return {
    order: () => {
      orderId += random.int(1, 9);
      return orderId;
    },
    activities: (count) => {
      const first = activityId + random.int(1, 9);
      activityId = first + count;
      return first;
    },
  };
}

function createBooks(settings: Settings): AccountBook[] {
  return settings.accounts.map(({ accountNumber, cash_e4, type = 'MARGIN' }) => ({
    accountNumber,
    type,
    startCash_e4: cash_e4,
    isClosingOnly: false,
    postings: [],
  }));
}

function createAfter(settings: Settings, signal: AbortSignal): (ms: number, run: () => void) => void {
  return (ms, run) => {
    if (signal.aborted) return;
    if (ms <= 0) run();
    else void settings.clock.sleep(ms, signal).then(() => signal.aborted || run());
  };
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
  const after = createAfter(settings, stopping.signal);
  const server = createServer();
  // An idle connection that the server closes just as the client uses it again would look like a fault of the script.
  server.keepAliveTimeout = 60_000;
  const board = createQuoteBoard();
  const books = createBooks(settings);
  const ids = createIds(settings.seed);
  const oauth = createOAuth(settings, randomStream(settings.seed, 'tokens'));
  const { clock } = settings;
  const emit = (event: DeskEvent): void => streamer.onEvent(event);
  const desk = createDesk({ settings, board, now: clock.now, after, emit, ids });
  const ordersOf = (book: AccountBook): SimOrder[] => desk.all().filter((order) => order.book === book);
  const parts: SimulatorParts = {
    ...{ settings, board, books, desk, oauth },
    ...createIdentity(settings, books, oauth),
    instruments: createInstruments(),
    checks: { settings, board, ordersOf },
    script: createScript(clock),
    streamerUrl: () => `ws://127.0.0.1:${portOf(server)}/ws`,
  };
  const streamer = createStreamer(parts, after);
  return { parts, streamer, server, activities: ids.activities, after, stopping };
}

// Opens and closes the session by the clock; the day's orders end with it.
async function keepHours({ parts, stopping }: Running): Promise<void> {
  const { clock, hours } = parts.settings;
  const { signal } = stopping;
  while (hours !== 'always' && !signal.aborted) {
    const now = clock.now();
    const change = nextChange(hours, now);
    if (change === null) return;
    await clock.sleep((change.at - now) / 1000, signal);
    if (signal.aborted || clock.now() < change.at) continue;
    if (change.kind === 'open') parts.desk.open();
    else parts.desk.close();
  }
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

function bookOf(parts: SimulatorParts, accountNumber: string | undefined): AccountBook {
  const { books } = parts;
  const book =
    accountNumber === undefined ? books[0] : books.find((each) => each.accountNumber === accountNumber);
  if (book === undefined) throw new Error(`no such account: ${accountNumber}`);
  return book;
}

type Market = Pick<
  SchwabSimulator,
  'setQuote' | 'fill' | 'manualOrder' | 'manualCancel' | 'settle' | 'assign'
>;

function createMarket({ parts, streamer, activities }: Running): Market {
  const { settings, desk, board, books } = parts;
  const { clock } = settings;
  const orderOf = (id: number): SimOrder => {
    const order = desk.find(id);
    if (order === null) throw new Error(`no such order: ${id}`);
    return order;
  };
  return {
    setQuote: (symbol, bid_e4, ask_e4, bidSz, askSz, fields = {}) => {
      board.set({ symbol, bid_e4, ask_e4, bidSz, askSz, at: clock.now(), fields });
      streamer.onQuote(symbol);
      desk.match(symbol);
    },
    fill: (orderId, qty, prices_e4) => desk.fill(orderOf(orderId), qty, prices_e4),
    manualOrder: (body, accountNumber) => {
      const parsed = parseOrder(body);
      if (!parsed.ok) throw new Error(`not an order: ${parsed.errors.join('; ')}`);
      const submission = { source: 'manual' as const, plan: PLAIN_PLAN };
      return desk.submit(bookOf(parts, accountNumber), parsed.spec, submission).id;
    },
    manualCancel: (orderId) => desk.cancel(orderOf(orderId)),
    settle: (date, close_e4, options) => {
      const settled = settleExpiry(books, activities, date, close_e4, options);
      desk.expire(new Set(settled.map((each) => each.symbol)));
      return settled;
    },
    assign: (symbol, contracts, options = {}) => {
      const moment = { now: clock.now(), activityId: activities(1), ...options };
      return assignEarly(bookOf(parts, undefined), symbol, contracts, moment);
    },
  };
}

type Controls = Omit<SchwabSimulator, 'restUrl' | 'streamerUrl' | 'requests' | 'stop'>;

function createControls(running: Running): Controls {
  const { parts, streamer } = running;
  const { settings, oauth, script } = parts;
  const { appKey, appSecret, callbackUrl } = settings;
  return {
    ...{ appKey, appSecret, callbackUrl, oauth, script, streamer },
    ...createMarket(running),
    ledger: createLedger(parts.desk, parts.books),
    accountHash: (accountNumber) => parts.hashOf(bookOf(parts, accountNumber)),
    setLags: (lags) => {
      settings.lags = { ...settings.lags, ...lags };
    },
    setClosingOnly: (isClosingOnly, accountNumber) => {
      bookOf(parts, accountNumber).isClosingOnly = isClosingOnly;
    },
    misbehave: script.misbehave,
  };
}

/** Starts the simulator on loopback. Faults, lags and the market are then set through it; see settings.ts for the rest. */
export async function startSchwabSimulator(options: SchwabSimulatorOptions = {}): Promise<SchwabSimulator> {
  const running = wire(resolveSettings(options));
  const { parts, server, streamer, stopping, after } = running;
  const requests: RequestRecord[] = [];
  const handle = createHttpHandler({ parts, after, record: (request) => requests.push(request) });
  server.on('request', (request, response) => void handle(request, response));
  acceptSockets(running);
  // Also those in the middle of an upgrade, which neither the HTTP server nor the websocket server counts as its own.
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => sockets.add(socket.on('close', () => sockets.delete(socket))));
  server.listen(parts.settings.port, '127.0.0.1');
  await once(server, 'listening');
  void streamer.beat(stopping.signal);
  void keepHours(running);
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
