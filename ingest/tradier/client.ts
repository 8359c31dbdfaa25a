// Tradier's market data by REST: paced, patient with what passes, and with the body as it came where it is to be kept.
import { createHash } from 'node:crypto';
import { type Clock, systemClock } from '../../core/clock.ts';
import type { EasternUs, SessionDate } from '../../core/eastern_time.ts';
import { createLog, type Logger } from '../../core/log.ts';
import { createBudget } from '../../jobs/brokers/budget.ts';
import { createExchange } from '../../jobs/brokers/exchange.ts';
import { createHttp, type HttpTiming, type ReadRequest } from '../../jobs/brokers/http.ts';
import { tradierDialect } from '../../jobs/brokers/tradier/dialect.ts';
import { DEFAULT_TIMING, endpointOf, type TradierConfig } from '../../jobs/brokers/tradier/settings.ts';
import { createToken } from '../../jobs/brokers/tradier/token.ts';
import { type CalendarDay, calendarBody, chainBody, clockBody, expirationsBody, quotesBody } from './wire.ts';

/** A chain as it came. Rows are not read yet. */
export interface RawChain {
  readonly rows: readonly unknown[];
  readonly body: string;
  /** SHA-256 of the body, hexadecimal. */
  readonly checksum: string;
  /** Host and path that it was asked of. */
  readonly source: string;
  readonly receivedAt: EasternUs;
}

export interface RawQuotes {
  readonly rows: readonly unknown[];
  readonly unmatched: readonly string[];
  readonly receivedAt: EasternUs;
}

/** Reads, each repeated on what passes. All throw a Failure where Tradier cannot be asked. */
export interface TradierClient {
  /** Every expiration of an underlying, of all of its roots. */
  expirations(symbol: string): Promise<readonly SessionDate[]>;
  chain(symbol: string, expiration: SessionDate): Promise<RawChain>;
  /** Symbols in Tradier's spelling. */
  quotes(symbols: readonly string[]): Promise<RawQuotes>;
  /** Its clock: epoch seconds and the market's state. */
  clock(): Promise<{ readonly timestamp: number; readonly state: string }>;
  calendar(month: number, year: number): Promise<readonly CalendarDay[]>;
  close(): void;
}

export interface TradierClientOptions extends Pick<TradierConfig, 'tradierBaseUrl' | 'tradierToken'> {
  readonly clock: Clock;
  /** Real time, for sockets, time-outs and request limits; default the machine's. */
  readonly transport?: Clock;
  readonly log?: Logger;
  /** Requests within any minute; default 50: the sandbox allows 60 of market data. */
  readonly perMinute?: number;
  readonly timing?: Partial<HttpTiming>;
}

const PER_MINUTE = 50;
const ROUTE = '/markets';

/** Nothing is asked before a method is called. Throws a Failure that names the setting to mend. */
export function createTradierClient(options: TradierClientOptions): TradierClient {
  const { clock, transport = systemClock(), perMinute = PER_MINUTE } = options;
  const log = options.log ?? createLog({ logLevel: 'silent', secrets: [] }, { name: 'tradier' });
  const timing = { ...DEFAULT_TIMING, ...options.timing };
  const { baseUrl, token } = endpointOf(options);
  const dialect = tradierDialect(baseUrl);
  const exchange = createExchange(transport);
  const closing = new AbortController();
  const http = createHttp({
    ...{ baseUrl, dialect, exchange, clock, transport, timing, log },
    access: createToken({ token, baseUrl, dialect, exchange, timeoutMs: timing.readTimeoutMs }),
    budget: createBudget({ perMinute, ordersPerMinute: perMinute, reserved: 0 }, transport),
    signal: closing.signal,
  });
  const read = async <T>(path: string, request: Pick<ReadRequest<T>, 'query' | 'schema' | 'onText'>) => {
    const found = await http.read({ route: `GET ${path}`, path: `${ROUTE}${path}`, ...request });
    return found as T;
  };
  return {
    expirations: (symbol) =>
      // Without it the weeklies of an index are not shown.
      read('/options/expirations', {
        query: { symbol, includeAllRoots: 'true' },
        schema: expirationsBody,
      }),
    chain: async (symbol, expiration) => {
      let body = '';
      const path = '/options/chains';
      const rows = await read(path, {
        query: { symbol, expiration, greeks: 'true' },
        schema: chainBody,
        onText: (text) => {
          body = text;
        },
      });
      const source = `${baseUrl.host}${dialect.prefix}${ROUTE}${path}`;
      const checksum = createHash('sha256').update(body).digest('hex');
      return { rows, body, checksum, source, receivedAt: clock.now() };
    },
    quotes: async (symbols) => {
      const query = { symbols: symbols.join(','), greeks: 'false' };
      const found = await read('/quotes', { query, schema: quotesBody });
      return { ...found, receivedAt: clock.now() };
    },
    clock: () => read('/clock', { schema: clockBody }),
    calendar: (month, year) =>
      read('/calendar', {
        query: { month: String(month).padStart(2, '0'), year: String(year) },
        schema: calendarBody,
      }),
    close: () => {
      closing.abort();
      exchange.close();
    },
  };
}
