// Tradier as a broker: the parts, wired.
import { systemClock } from '../../../core/clock.ts';
import { Failure } from '../../../core/failure.ts';
import { createLog } from '../../../core/log.ts';
import type { Broker } from '../broker.ts';
import { createBudget } from '../budget.ts';
import { createExchange } from '../exchange.ts';
import { createHttp } from '../http.ts';
import { trackUnderWay } from '../under_way.ts';
import { createAccount } from './account.ts';
import { tradierChecks } from './checks.ts';
import { tradierDialect } from './dialect.ts';
import { createFillBook } from './fill_book.ts';
import { createOrders } from './orders.ts';
import { DEFAULT_TIMING, endpointOf, limitsOf, readsOf, type TradierOptions } from './settings.ts';
import { createToken } from './token.ts';

export type { TradierConfig, TradierOptions } from './settings.ts';

const CLOSED = 'the connection to Tradier was closed by us';

/**
 * The adapter; nothing is read or sent before it is asked for something. Throws a Failure that names the setting to mend. There
 * are no hints: fills are polled. `close` lets orders under way be answered, and ends reads.
 */
export function createTradierBroker(options: TradierOptions): Broker {
  const { orders, account, budget, exchange, closing } = wireParts(options);
  const { read, send, ended } = trackUnderWay(closing.signal, CLOSED);

  return {
    name: 'tradier',
    keepsClientIds: true,
    reads: readsOf(options.tradierBaseUrl),
    submit: (order, about) => send(() => orders.submit(order, about), { kind: 'not_sent', reason: CLOSED }),
    cancel: (id) => send(() => orders.cancel(id), { kind: 'not_sent', reason: CLOSED }),
    replace: async () => ({
      kind: 'not_sent',
      reason: 'Tradier changes an order in place, under the same id: cancel it and send another',
    }),
    order: (id, priority) => read(() => orders.order(id, priority)),
    ordersSince: (from) => read(() => orders.ordersSince(from)),
    positions: () => read(() => account.positions()),
    account: () => read(() => account.account()),
    checks: () =>
      send(
        () => tradierChecks({ account, budget }),
        [{ name: 'broker account', isOk: false, detail: CLOSED }],
      ),
    onHint: () => () => undefined,
    close: async () => {
      closing.abort(new Failure(CLOSED));
      await ended();
      exchange.close();
    },
  };
}

function wireParts(options: TradierOptions) {
  const { clock, transport = systemClock() } = options;
  const log = options.log ?? createLog({ logLevel: 'silent', secrets: [] }, { name: 'tradier' });
  const timing = { ...DEFAULT_TIMING, ...options.timing };
  const { baseUrl, token } = endpointOf(options);
  const dialect = tradierDialect(baseUrl);
  const exchange = createExchange(transport);
  const budget = createBudget({ ...limitsOf(options.tradierBaseUrl), ...options.limits }, transport);
  const access = createToken({ token, baseUrl, dialect, exchange, timeoutMs: timing.readTimeoutMs });
  const closing = new AbortController();
  const shared = { ...{ baseUrl, dialect, exchange, access, budget, clock, transport, timing, log } };
  const http = createHttp({ ...shared, signal: closing.signal });
  // An order under way is heard to its end, and its id verified: closing does not make its outcome unknown.
  const lastingHttp = createHttp({ ...shared, signal: new AbortController().signal });
  const account = createAccount({ http, wanted: options.tradierAccount });
  const book = createFillBook(options.knownFills);
  const orders = createOrders({ http: lastingHttp, reads: http, account, book, clock, transport, log });
  return { closing, exchange, budget, account, orders };
}
