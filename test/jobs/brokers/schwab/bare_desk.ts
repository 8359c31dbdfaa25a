// A Schwab adapter in front of a bare server that answers as a test says, route by route.
import type { ServerResponse } from 'node:http';
import { createLog } from '../../../../core/log.ts';
import type { BrokerOrder } from '../../../../jobs/brokers/broker.ts';
import { createSchwabBroker, type SchwabBroker } from '../../../../jobs/brokers/schwab/schwab_broker.ts';
import type { SchwabOptions } from '../../../../jobs/brokers/schwab/settings.ts';
import {
  atEnd,
  type BareServer,
  bareServer,
  configFor,
  movableClock,
  NOON,
  type Received,
  sendJson,
  storeLogin,
  tokensAt,
} from './support.ts';

export const HASH = 'A1B2C3';
export const ORDERS = `/trader/v1/accounts/${HASH}/orders`;
export const ACCOUNT = `/trader/v1/accounts/${HASH}`;
export const ENTRY = { clientId: 'client-1', priority: 'entry' } as const;
export const EXIT = { clientId: 'client-2', priority: 'exit' } as const;

export type Route = (request: Received, response: ServerResponse, count: number) => unknown;
export type Routes = Readonly<Record<string, Route>>;

export interface Desk {
  readonly broker: SchwabBroker;
  readonly server: BareServer;
  readonly clock: ReturnType<typeof movableClock>;
  readonly log: string[];
}

/** Schwab's JSON for an order of ours. */
export function wireOf(
  order: BrokerOrder,
  id: number,
  more: Record<string, unknown> = {},
): Record<string, unknown> {
  const types = { limit: 'LIMIT', market: 'MARKET', stop: 'STOP' } as const;
  const isSpread = order.legs.length > 1;
  const net = order.isCredit ? 'NET_CREDIT' : 'NET_DEBIT';
  return {
    orderId: id,
    status: 'WORKING',
    enteredTime: '2026-11-20T17:00:00+0000',
    orderType: isSpread && order.type === 'limit' ? net : types[order.type],
    quantity: order.qty,
    filledQuantity: 0,
    ...(order.limit_px_e4 === null ? {} : { price: order.limit_px_e4 / 10_000 }),
    ...(order.stop_px_e4 === null ? {} : { stopPrice: order.stop_px_e4 / 10_000 }),
    orderLegCollection: order.legs.map((leg, index) => ({
      legId: index + 1,
      instruction: `${leg.side === 'buy' ? 'BUY' : 'SELL'}_TO_${leg.effect === 'open' ? 'OPEN' : 'CLOSE'}`,
      quantity: leg.ratio * order.qty,
      instrument: { symbol: leg.symbol, assetType: 'OPTION' },
    })),
    ...more,
  };
}

export const created =
  (location: string | null): Route =>
  (_, response) =>
    response.writeHead(201, location === null ? {} : { location }).end();

export async function desk(routes: Routes, more: Partial<SchwabOptions> = {}): Promise<Desk> {
  const clock = movableClock();
  const server = await bareServer((request, response, count) => {
    const route = routes[`${request.method} ${request.path}`];
    if (route !== undefined) return route(request, response, count);
    if (request.path === '/trader/v1/accounts/accountNumbers') {
      return sendJson(response, 200, [{ accountNumber: '12345678', hashValue: HASH }]);
    }
    return sendJson(response, 404, { message: 'Order not found', errors: [] });
  });
  const config = await configFor(server.url);
  await storeLogin(config, tokensAt(NOON));
  const log: string[] = [];
  const broker = createSchwabBroker({
    ...config,
    clock,
    timing: { orderTimeoutMs: 300, readTimeoutMs: 300, backoffFirstMs: 20, backoffMaxMs: 50 },
    log: createLog(
      { logLevel: 'debug', secrets: [] },
      { name: 'test', destination: { write: (line) => log.push(line) } },
    ),
    ...more,
  });
  atEnd(() => broker.close());
  return { broker, server, clock, log };
}

export function showing(order: BrokerOrder, id: number, more: Record<string, unknown> = {}): Routes {
  return { [`GET ${ORDERS}/${id}`]: (_, response) => sendJson(response, 200, wireOf(order, id, more)) };
}
