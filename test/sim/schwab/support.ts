// A simulated Schwab on a clock that the test moves, a bare HTTP client, and orders to send it.
import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach } from 'vitest';
import { addMs } from '../../../core/eastern_time.ts';
import type { Json } from '../../../sim/schwab/instruments.ts';
import { type SchwabSimulator, startSchwabSimulator } from '../../../sim/schwab/server.ts';
import type { SchwabSimulatorOptions } from '../../../sim/schwab/settings.ts';
import { type SteppingClock, steppingClock } from '../../../sim/stepping_clock.ts';
import { at } from '../sessions.ts';

export const CALL = 'QQQ   261120C00615000';
export const PUT = 'QQQ   261120P00605000';
export const FAR_PUT = 'QQQ   261120P00600000';
export const CASH_E4 = 5_000_000_000;
export const INSTANT = { activateMs: 0, workMs: 0, fillMs: 0, cancelMs: 0, rejectMs: 0 };

// biome-ignore lint/suspicious/noExplicitAny: answers are read field by field, as a client in another language would.
export type Any = any;

export interface Reply {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly json: Any;
}

export interface Bench {
  readonly simulator: SchwabSimulator;
  readonly clock: SteppingClock;
  readonly hash: string;
  /** A new login: the tokens of the first live as long as Schwab's. */
  login(): void;
  /** Moves the clock on and lets everything that is due happen. */
  advance(ms: number): Promise<void>;
  /** A request under /trader/v1 (or a full path from /v1 and /marketdata on). */
  call(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Reply>;
  /** POSTs an order and returns the id in Location. */
  place(body: unknown): Promise<number>;
  order(id: number): Promise<Json>;
  /** Orders entered today. */
  orders(): Promise<readonly Json[]>;
}

const running: SchwabSimulator[] = [];

/** Stops what a test has started. Call it once on top of a file. */
export function stopsSimulators(): void {
  afterEach(async () => {
    await Promise.all(running.splice(0).map((simulator) => simulator.stop()));
  });
}

async function settle(): Promise<void> {
  for (let i = 0; i < 5; i += 1) await nextTurn();
}

/** `steps`: a long way is gone in several, so that what one timer starts can be due before the end. */
async function advance(clock: SteppingClock, ms: number, steps = 10): Promise<void> {
  const end = addMs(clock.now(), ms);
  const width = Math.max(1, Math.ceil(ms / steps));
  while (clock.now() < end) {
    const next = addMs(clock.now(), width);
    clock.moveTo(next < end ? next : end);
    clock.wake();
    await settle();
  }
}

function caller(simulator: SchwabSimulator, token: () => string): Bench['call'] {
  return async (method, path, body, headers = {}) => {
    const isFull = path.startsWith('/v1') || path.startsWith('/marketdata');
    const response = await fetch(`${simulator.restUrl}${isFull ? '' : '/trader/v1'}${path}`, {
      method,
      redirect: 'manual',
      headers: { authorization: `Bearer ${token()}`, ...headers },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    const isJson = response.headers.get('content-type')?.includes('json') === true;
    return {
      status: response.status,
      headers: response.headers,
      text,
      json: isJson ? JSON.parse(text) : null,
    };
  };
}

/** A simulator without delays, on a Friday at 10:00 and with half a million dollars unless the options say otherwise. */
export async function bench(
  options: SchwabSimulatorOptions & { readonly start?: string } = {},
): Promise<Bench> {
  const { start = '2026-11-20 10:00', ...rest } = options;
  const clock = steppingClock(at(start));
  const accounts = [{ accountNumber: '12345678', cash_e4: CASH_E4 }];
  const simulator = await startSchwabSimulator({ clock, delays: INSTANT, accounts, ...rest });
  running.push(simulator);
  let token = simulator.oauth.login().access_token;
  const hash = simulator.accountHash();
  const call = caller(simulator, () => token);
  return {
    ...{ simulator, clock, hash, call },
    login: () => {
      token = simulator.oauth.login().access_token;
    },
    advance: (ms) => advance(clock, ms),
    order: async (id) => (await call('GET', `/accounts/${hash}/orders/${id}`)).json,
    place: async (body) => {
      const reply = await call('POST', `/accounts/${hash}/orders`, body);
      const id = Number(/\/orders\/(\d+)$/.exec(reply.headers.get('location') ?? '')?.[1]);
      if (reply.status === 201 && Number.isInteger(id)) return id;
      throw new Error(`no order: ${reply.status} ${reply.text}`);
    },
    orders: async () => {
      const span = 'fromEnteredTime=2026-11-20T00:00:00.000Z&toEnteredTime=2026-11-21T23:59:59.000Z';
      return (await call('GET', `/accounts/${hash}/orders?${span}`)).json;
    },
  };
}

export interface Leg {
  readonly instruction: string;
  readonly symbol: string;
  readonly quantity: number;
}

function legs(list: readonly Leg[]): unknown[] {
  return list.map(({ instruction, symbol, quantity }) => ({
    instruction,
    quantity,
    instrument: { symbol, assetType: symbol.length === 21 ? 'OPTION' : 'EQUITY' },
  }));
}

/** A single order of one leg: a limit order unless `fields` says otherwise. */
export function single(
  instruction: string,
  quantity: number,
  price: string | null,
  fields: Readonly<Record<string, unknown>> = {},
  symbol = CALL,
): Record<string, unknown> {
  return {
    session: 'NORMAL',
    duration: 'DAY',
    orderType: price === null ? 'MARKET' : 'LIMIT',
    ...(price === null ? {} : { price }),
    orderStrategyType: 'SINGLE',
    orderLegCollection: legs([{ instruction, symbol, quantity }]),
    ...fields,
  };
}

/** The vertical of reference G4: opened for a credit, closed for a debit. */
export function vertical(kind: 'open' | 'close', quantity: number, price: string): Record<string, unknown> {
  const isOpen = kind === 'open';
  return {
    session: 'NORMAL',
    duration: 'DAY',
    orderType: isOpen ? 'NET_CREDIT' : 'NET_DEBIT',
    price,
    orderStrategyType: 'SINGLE',
    complexOrderStrategyType: 'VERTICAL',
    orderLegCollection: legs([
      { instruction: isOpen ? 'SELL_TO_OPEN' : 'BUY_TO_CLOSE', symbol: PUT, quantity },
      { instruction: isOpen ? 'BUY_TO_OPEN' : 'SELL_TO_CLOSE', symbol: FAR_PUT, quantity },
    ]),
  };
}

/** The bracket of reference G5: a short call with a target and a stop. */
export function bracket(quantity = 1): Record<string, unknown> {
  return {
    ...single('SELL_TO_OPEN', quantity, '1.25', { orderStrategyType: 'TRIGGER' }),
    childOrderStrategies: [
      {
        orderStrategyType: 'OCO',
        childOrderStrategies: [
          single('BUY_TO_CLOSE', quantity, '0.50'),
          single('BUY_TO_CLOSE', quantity, null, { orderType: 'STOP', stopPrice: '2.50' }),
        ],
      },
    ],
  };
}

/** Quotes with room for ten contracts. */
export function quote(simulator: SchwabSimulator, symbol: string, bid: number, ask: number, size = 10): void {
  simulator.setQuote(symbol, Math.round(bid * 1e4), Math.round(ask * 1e4), size, size);
}

/** Statuses of an order in the ledger. */
export function statusesOf(simulator: SchwabSimulator, id: number): readonly string[] {
  return simulator.ledger.order(id)?.statuses.map((each) => each.status) ?? [];
}
