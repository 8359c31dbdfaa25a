// A local server that speaks Tradier's REST API, with a ledger that says what is true.
import { once, setMaxListeners } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { SessionDate } from '../../core/eastern_time.ts';
import type { Ledger } from '../venue/ledger.ts';
import { isLive, type SimOrder } from '../venue/order.ts';
import type { Lags } from '../venue/settings.ts';
import type { Settlement, SettlementOptions } from '../venue/settlement.ts';
import { createVenue, type Venue } from '../venue/venue.ts';
import { createScript, type Misbehaviour, type Script } from './faults.ts';
import { createHttpHandler, type RequestRecord } from './http.ts';
import { boardMarket } from './market.ts';
import { parseForm } from './order_form.ts';
import { currentOf, type Ticket } from './order_view.ts';
import type { Tickets, TradierParts } from './parts.ts';
import { resolveSettings, type Settings, type TradierSimulatorOptions } from './settings.ts';

export interface TradierSimulator {
  /** `http://127.0.0.1:PORT/v1`, as TRADIER_BASE_URL takes it. */
  readonly restUrl: string;
  readonly token: string;
  /** Number of the first account. */
  readonly account: string;
  /** A changed order is another one in it; `tickets` are what the client knows. */
  readonly ledger: Ledger;
  readonly script: Script;
  /** Orders as the client knows them, oldest first, and the order that works, or worked last, behind each. */
  tickets(): readonly { readonly id: number; readonly tag: string | null; readonly order: SimOrder }[];
  /**
   * A new quote: the venue's symbol (OSI, `$SPX`, QQQ), prices in 1/10,000 dollar, 0 for none, displayed contracts or shares.
   * Orders that can trade with it do.
   */
  setQuote(symbol: string, bid_e4: number, ask_e4: number, bidSz: number, askSz: number): void;
  /** Executes units of a live order whatever the quotes say; prices of its legs where given. Returns how many. */
  fill(orderId: number, qty: number, prices_e4?: readonly number[]): number;
  /** An order as from Tradier's own page, as a form; its id. Throws on a form that Tradier would refuse. */
  manualOrder(form: string): number;
  manualCancel(orderId: number): void;
  /** Expiry of the contracts of a date and root by their settlement value, in 1/10,000 dollar. */
  settle(date: SessionDate, close_e4: number, options?: SettlementOptions): readonly Settlement[];
  assign(symbol: string, contracts: number, options?: { readonly showAfterMs?: number }): Settlement | null;
  setLags(lags: Partial<Lags>): void;
  setDelay(delayMs: number): void;
  setOmitsLegs(omitsLegs: boolean): void;
  /** The token is refused from now on. */
  revokeToken(): void;
  misbehave(misbehaviour: Misbehaviour | null): void;
  /** Every HTTP request so far. */
  requests(): readonly RequestRecord[];
  stop(): Promise<void>;
}

const FIRST_ORDER_ID = 257_459;
const FIRST_ACTIVITY_ID = 1_000_000;

function createTickets(): Tickets {
  const byId = new Map<number, Ticket>();
  const roots: Ticket[] = [];
  return {
    all: () => roots,
    find: (id) => byId.get(id) ?? null,
    of: (order, tag = null) => {
      const known = byId.get(order.id);
      if (known !== undefined) return known;
      const ticket: Ticket = { id: order.id, tag, orders: [order] };
      byId.set(order.id, ticket);
      if (order.parent === null) roots.push(ticket);
      return ticket;
    },
  };
}

function createParts(settings: Settings, signal: AbortSignal): TradierParts {
  const { accounts, seed, clock } = settings;
  const venue = createVenue({
    ...{ settings, accounts, seed, signal },
    firstOrderId: FIRST_ORDER_ID,
    firstActivityId: FIRST_ACTIVITY_ID,
    emit: () => undefined,
  });
  const { board, desk } = venue;
  const market = settings.market ?? boardMarket(board);
  return {
    ...{ settings, venue, market },
    tickets: createTickets(),
    script: createScript(clock),
    refresh: (symbols) => {
      if (settings.market === null) return;
      const at = (clock.now() - settings.delayMs * 1000) as ReturnType<typeof clock.now>;
      for (const symbol of symbols) {
        const row = settings.market.row(symbol, at);
        if (row === null) continue;
        const { bid_e4, ask_e4, bidSz, askSz } = row;
        board.set({ symbol, bid_e4, ask_e4, bidSz, askSz, at: row.at, fields: {} });
        desk.match(symbol);
      }
    },
  };
}

// Quotes of a simulated day reach the orders that wait for them, and the positions that are marked.
async function follow(parts: TradierParts, signal: AbortSignal): Promise<void> {
  const { settings, venue, refresh } = parts;
  while (settings.market !== null && !signal.aborted) {
    const waiting = venue.desk.all().filter(isLive);
    const held = venue.books.flatMap((book) => book.postings.map((posting) => posting.symbol));
    refresh(new Set([...waiting.flatMap((order) => order.spec.legs.map((leg) => leg.symbol)), ...held]));
    await settings.clock.sleep(settings.matchEveryMs, signal);
  }
}

type Controls = Omit<TradierSimulator, 'restUrl' | 'requests' | 'stop' | 'revokeToken'>;

function createControls(parts: TradierParts): Controls {
  const { settings, venue, tickets, script } = parts;
  const currentOrder = (id: number): SimOrder => {
    const ticket = tickets.find(id);
    if (ticket === null) throw new Error(`no such order: ${id}`);
    return currentOf(ticket);
  };
  return {
    token: settings.token,
    account: venue.bookOf(undefined).accountNumber,
    ledger: venue.ledger,
    script,
    tickets: () => tickets.all().map((each) => ({ id: each.id, tag: each.tag, order: currentOf(each) })),
    setQuote: (symbol, bid_e4, ask_e4, bidSz, askSz) => {
      const at = settings.clock.now();
      venue.board.set({ symbol, bid_e4, ask_e4, bidSz, askSz, at, fields: {} });
      venue.desk.match(symbol);
    },
    fill: (orderId, qty, prices_e4) => venue.desk.fill(currentOrder(orderId), qty, prices_e4),
    manualOrder: (form) => {
      const parsed = parseForm(form);
      if (parsed.kind !== 'order') throw new Error(`not an order: ${JSON.stringify(parsed)}`);
      return tickets.of(venue.orderOf(venue.manualOrder(parsed.spec)), parsed.tag).id;
    },
    manualCancel: (orderId) => venue.desk.cancel(currentOrder(orderId)),
    settle: venue.settle,
    assign: venue.assign,
    setLags: (lags) => {
      settings.lags = { ...settings.lags, ...lags };
    },
    setDelay: (delayMs) => {
      settings.delayMs = delayMs;
    },
    setOmitsLegs: (omitsLegs) => {
      settings.omitsLegs = omitsLegs;
    },
    misbehave: script.misbehave,
  };
}

function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}

/** Starts the simulator on loopback. Faults, lags and the market are then set through it; see settings.ts for the rest. */
export async function startTradierSimulator(
  options: TradierSimulatorOptions = {},
): Promise<TradierSimulator> {
  const settings = resolveSettings(options);
  const stopping = new AbortController();
  // Every delay waits on it.
  setMaxListeners(0, stopping.signal);
  const parts = createParts(settings, stopping.signal);
  const requests: RequestRecord[] = [];
  let isRevoked = false;
  const handle = createHttpHandler({
    parts,
    isTokenGood: (token) => token === settings.token && !isRevoked,
    record: (request) => requests.push(request),
  });
  const server = createServer((request, response) => void handle(request, response));
  // An idle connection that the server closes just as the client uses it again would look like a fault of the script.
  server.keepAliveTimeout = 60_000;
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => sockets.add(socket.on('close', () => sockets.delete(socket))));
  server.listen(settings.port, '127.0.0.1');
  await once(server, 'listening');
  void parts.venue.keepHours();
  void follow(parts, stopping.signal);
  return {
    ...createControls(parts),
    restUrl: `http://127.0.0.1:${portOf(server)}/v1`,
    requests: () => requests,
    revokeToken: () => {
      isRevoked = true;
    },
    stop: async () => {
      if (stopping.signal.aborted) return;
      stopping.abort();
      server.close();
      for (const socket of sockets) socket.destroy();
      await once(server, 'close');
    },
  };
}

export type { Venue };
