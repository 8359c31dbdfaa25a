// A small vendor of history on loopback: a made-up market behind Massive's REST paths, with pages, cursors and faults on demand.
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type HistoryMarket, marketBars, marketContracts, marketQuotes, marketTrades } from './market.ts';

/** What is answered instead of data, once. */
export interface Fault {
  readonly status: number;
  readonly body?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Ends the connection in the middle of the body. */
  readonly isCut?: boolean;
}

export interface VendorRequest {
  readonly path: string;
  readonly query: URLSearchParams;
  readonly authorization: string | undefined;
  /** Real time, for the pace. */
  readonly at: number;
}

export interface Vendor {
  readonly url: string;
  readonly requests: VendorRequest[];
  /** Answers the next request whose path and query match with a fault; faults of one pattern come in their order. */
  fault(pattern: RegExp, ...faults: readonly Fault[]): void;
  /** Called with every request before it is answered. */
  onRequest: (request: VendorRequest) => void;
  /** Rows a page, whatever limit is asked for. */
  pageRows: number;
  stop(): Promise<void>;
}

export const API_KEY = 'canary-key-7d21';

/** Starts the vendor of a market. */
export async function startVendor(market: HistoryMarket): Promise<Vendor> {
  const faults: { pattern: RegExp; fault: Fault }[] = [];
  const http = createServer((request, response) => answer(request, response));
  const vendor: Vendor = {
    url: '',
    requests: [],
    fault: (pattern, ...more) => faults.push(...more.map((fault) => ({ pattern, fault }))),
    onRequest: () => undefined,
    pageRows: 1000,
    stop: async () => {
      http.closeAllConnections();
      http.close();
      await once(http, 'close');
    },
  };

  function answer(request: IncomingMessage, response: ServerResponse): void {
    const url = new URL(request.url ?? '/', vendor.url);
    const { authorization } = request.headers;
    const seen = { path: url.pathname, query: url.searchParams, authorization, at: performance.now() };
    vendor.requests.push(seen);
    vendor.onRequest(seen);
    const at = faults.findIndex(({ pattern }) => pattern.test(decodeURIComponent(request.url ?? '')));
    const fault = at >= 0 ? faults.splice(at, 1)[0]?.fault : undefined;
    send(response, fault ?? answerTo(market, { url, authorization }, vendor));
  }

  http.listen(0, '127.0.0.1');
  await once(http, 'listening');
  return Object.assign(vendor, { url: `http://127.0.0.1:${(http.address() as AddressInfo).port}` });
}

function answerTo(
  market: HistoryMarket,
  { url, authorization }: { readonly url: URL; readonly authorization: string | undefined },
  vendor: Vendor,
): Fault {
  if (authorization !== `Bearer ${API_KEY}`) {
    return { status: 401, body: '{"status":"ERROR","request_id":"r","error":"Unknown API Key"}' };
  }
  const body = page(market, url, vendor);
  return body === null
    ? { status: 404, body: '{"status":"NOT_FOUND","request_id":"r","message":"Data not found."}' }
    : { status: 200, body };
}

function send(response: ServerResponse, { status, body = '', headers = {}, isCut = false }: Fault): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  if (!isCut) response.end(body);
  else {
    response.write(body);
    setImmediate(() => response.destroy());
  }
}

// The cursor is the query itself with an offset. It never carries the key.
function queryOf(url: URL): URLSearchParams {
  const cursor = url.searchParams.get('cursor');
  return cursor === null
    ? url.searchParams
    : new URLSearchParams(Buffer.from(cursor, 'base64url').toString());
}

function page(market: HistoryMarket, url: URL, vendor: Vendor): string | null {
  const query = queryOf(url);
  const all = collection(market, url.pathname, query);
  if (all === null) return null;
  const offset = Number(query.get('offset') ?? 0);
  const end = offset + Math.min(vendor.pageRows, Number(query.get('limit') ?? 10));
  const next = new URLSearchParams(query);
  next.set('offset', String(end));
  const cursor = Buffer.from(next.toString()).toString('base64url');
  // Empty aggregates leave their results out.
  const results = all.length === 0 ? {} : { results: all.slice(offset, end) };
  const more = end < all.length ? { next_url: `${vendor.url}${url.pathname}?cursor=${cursor}` } : {};
  return toJson({ status: 'DELAYED', request_id: 'r', ...results, ...more });
}

/** JSON with bigints as plain numbers, as the vendor writes its nanoseconds. */
export function toJson(value: unknown): string {
  const text = JSON.stringify(value, (_, each) => (typeof each === 'bigint' ? `bigint:${each}` : each));
  return text.replaceAll(/"bigint:(\d+)"/g, '$1');
}

function collection(market: HistoryMarket, path: string, query: URLSearchParams): readonly unknown[] | null {
  const bars = /^\/v2\/aggs\/ticker\/([^/]+)\/range\/1\/(minute|second)\/(\d+)\/(\d+)$/.exec(path);
  if (bars !== null) {
    const [, ticker = '', span = '', from = '', to = ''] = bars;
    const found = marketBars(market, ticker, span === 'minute' ? 60_000 : 1000);
    return ordered(
      found.filter(({ t }) => t >= Number(from) && t <= Number(to)),
      query.get('sort'),
    );
  }
  if (path === '/v3/reference/options/contracts') return listed(market, query);
  const ticks = /^\/v3\/(quotes|trades)\/(O:[A-Z0-9]+)$/.exec(path);
  if (ticks === null) return null;
  const [, kind, ticker = ''] = ticks;
  const found = kind === 'quotes' ? marketQuotes(market, ticker) : marketTrades(market, ticker);
  const from = BigInt(query.get('timestamp.gte') ?? 0);
  const to = BigInt(query.get('timestamp.lt') ?? 2n ** 62n);
  const inRange = found.filter(({ sip_timestamp: at }) => at >= from && at < to);
  return ordered(inRange, query.get('order'));
}

// The vendor's default is the latest first, which no client that forgets to ask survives.
function ordered<Item>(items: readonly Item[], order: string | null): readonly Item[] {
  return order === 'asc' ? items : [...items].reverse();
}

function listed(market: HistoryMarket, query: URLSearchParams): readonly unknown[] {
  const today = market.today;
  const isExpired = query.get('expired') === 'true';
  const asOf = query.get('as_of') ?? today;
  const from = query.get('expiration_date.gte') ?? '';
  const to = query.get('expiration_date.lte') ?? '9999';
  return marketContracts(market).filter(
    (contract) =>
      contract.underlying_ticker === query.get('underlying_ticker') &&
      contract.expiration_date >= from &&
      contract.expiration_date <= to &&
      (isExpired ? contract.expiration_date < asOf : contract.expiration_date >= asOf),
  );
}
