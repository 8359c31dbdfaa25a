// Schwab as a broker: the parts, wired.
import { systemClock } from '../../../core/clock.ts';
import { Failure } from '../../../core/failure.ts';
import type { Broker } from '../broker.ts';
import { createBudget, DEFAULT_BUDGET } from '../budget.ts';
import { createExchange } from '../exchange.ts';
import { createHttp, type HttpOptions } from '../http.ts';
import type { Transaction, TransactionRange } from '../transaction.ts';
import { trackUnderWay } from '../under_way.ts';
import { createAccess } from './access.ts';
import { createAccounts } from './accounts.ts';
import { schwabChecks } from './checks.ts';
import { SCHWAB_DIALECT } from './dialect.ts';
import { asSchwabCarries, DEFAULT_TICKS } from './order_body.ts';
import { createOrders } from './orders.ts';
import { appOf, DEFAULT_TIMING, type SchwabOptions, silentLog } from './settings.ts';
import { createStreamer, type SchwabStreamer } from './streamer.ts';
import { createTokenStore } from './tokens.ts';
import { readTransactions } from './transactions.ts';

export type { SchwabConfig, SchwabOptions } from './settings.ts';

export interface SchwabBroker extends Broker {
  /** Quotes of options over the one connection that a user may have; hints come over it too. */
  readonly streamer: SchwabStreamer;
  /** What Schwab booked; see readTransactions. */
  transactions(range: TransactionRange): Promise<readonly Transaction[]>;
}

const CLOSED = 'the connection to Schwab was closed by us';

/**
 * The adapter; nothing is read or sent before it is asked for something. Throws a Failure that names the setting to mend. The
 * tokens are those of `strikebase schwab login`. `close` lets orders under way be answered, and ends reads.
 */
export function createSchwabBroker(options: SchwabOptions): SchwabBroker {
  const parts = wireParts(options);
  const { orders, accounts, streamer, closing } = parts;
  const { read, send, ended } = trackUnderWay(closing.signal, CLOSED);

  return {
    name: 'schwab',
    keepsClientIds: false,
    carried: (order) => asSchwabCarries(order, parts.ticks),
    submit: (order, about) => send(() => orders.submit(order, about), { kind: 'not_sent', reason: CLOSED }),
    cancel: (id) => send(() => orders.cancel(id), { kind: 'not_sent', reason: CLOSED }),
    replace: (id, order) => send(() => orders.replace(id, order), { kind: 'not_sent', reason: CLOSED }),
    order: (id, priority) => read(() => orders.order(id, priority)),
    ordersSince: (from) => read(() => orders.ordersSince(from)),
    positions: () => read(() => accounts.positions()),
    account: () => read(() => accounts.account()),
    checks: () => send(() => schwabChecks(parts), [{ name: 'broker token', isOk: false, detail: CLOSED }]),
    transactions: (range) => read(() => readTransactions(range, parts)),
    onHint: (listener) => streamer.onHint(listener),
    streamer,
    close: async () => {
      closing.abort(new Failure(CLOSED));
      await streamer.close();
      await ended();
      await parts.access.close();
      parts.exchange.close();
    },
  };
}

function wireParts(options: SchwabOptions) {
  const { clock, transport = systemClock(), log = silentLog() } = options;
  const timing = { ...DEFAULT_TIMING, ...options.timing };
  const app = appOf(options);
  const closing = new AbortController();
  const exchange = createExchange(transport);
  const store = createTokenStore({ folder: options.strikebaseDir, secretKey: options.secretKey, transport });
  const access = createAccess({ app, store, exchange, clock, transport, timing, log });
  const budget = createBudget({ ...DEFAULT_BUDGET, ...options.limits }, transport);
  const shared: Omit<HttpOptions, 'signal'> = {
    baseUrl: app.baseUrl,
    dialect: SCHWAB_DIALECT,
    exchange,
    access,
    budget,
    clock,
    transport,
    timing,
    log,
  };
  const http = createHttp({ ...shared, signal: closing.signal });
  // An order under way is heard to its end, and its id verified: closing does not make its outcome unknown.
  const lastingHttp = createHttp({ ...shared, signal: new AbortController().signal });
  const accounts = createAccounts({ http, access, wanted: options.schwabAccount });
  const ticks = { ...DEFAULT_TICKS, ...options.ticks };
  return {
    ...{ closing, exchange, access, budget, http, accounts, clock, ticks },
    minLoginMs: timing.minLoginMs,
    orders: createOrders({ http: lastingHttp, reads: http, accounts, clock, transport, ticks, log }),
    streamer: createStreamer({ http, access, clock, transport, log, timing: options.streamer ?? {} }),
  };
}
