// The REST half of the simulated Massive: contracts, aggregates, trades and quotes, with pages and error bodies (reference A2).
import type { IncomingMessage, ServerResponse } from 'node:http';
import { dateOf, easternFromEpochMs } from '../core/eastern_time.ts';
import type { SimulatedContract } from './chain.ts';
import type { Archive } from './massive_archive.ts';
import { barPage } from './massive_rest_bars.ts';
import { answerFault, type RestFaults } from './massive_rest_faults.ts';
import { nextUrl, queryOf, type RestPage, writeJson } from './massive_rest_page.ts';
import { tickPage } from './massive_rest_ticks.ts';

export interface MassiveRestOptions {
  readonly apiKey: string;
  readonly contracts: readonly SimulatedContract[];
  readonly archive: Archive;
  /** Epoch milliseconds up to which events are on record. */
  readonly untilMs: () => number;
  readonly faults: RestFaults;
  /** The simulator's own address, for `next_url`. */
  readonly baseUrl: () => string;
}

const CONTRACTS_PATH = '/v3/reference/options/contracts';
const TICKS_PATH = /^\/v3\/(trades|quotes)\/([^/]+)$/;
const BARS_PATH = /^\/v2\/aggs\/ticker\/([^/]+)\/range\/(\d+)\/([a-z]+)\/([^/]+)\/([^/]+)$/;
const REQUEST_ID = 'simulated';

interface Answer {
  readonly code: number;
  readonly body: Readonly<Record<string, unknown>>;
}

function failure(code: number, status: string, text: Readonly<Record<string, string>>): Answer {
  return { code, body: { status, request_id: REQUEST_ID, ...text } };
}

function isAuthorized(request: IncomingMessage, url: URL, apiKey: string): boolean {
  return request.headers.authorization === `Bearer ${apiKey}` || url.searchParams.get('apiKey') === apiKey;
}

function toResult(contract: SimulatedContract): Record<string, unknown> {
  return {
    ticker: contract.ticker,
    underlying_ticker: contract.underlying,
    contract_type: contract.option_kind,
    exercise_style: 'american',
    expiration_date: contract.expiration,
    strike_price: contract.strike_e4 / 1e4,
    shares_per_contract: 100,
    primary_exchange: 'BATO',
    cfi: contract.option_kind === 'call' ? 'OCASPS' : 'OPASPS',
  };
}

/** True if `value` passes a filter such as `strike_price.gte=600`; text compares as text, which orders ISO dates. */
function passes<T extends string | number>(query: URLSearchParams, name: string, value: T): boolean {
  const bound = (suffix: string): T | null => {
    const text = query.get(name + suffix);
    return text === null ? null : ((typeof value === 'number' ? Number(text) : text) as T);
  };
  const [eq, gte, gt, lte, lt] = ['', '.gte', '.gt', '.lte', '.lt'].map(bound);
  return (
    (eq == null || value === eq) &&
    (gte == null || value >= gte) &&
    (gt == null || value > gt) &&
    (lte == null || value <= lte) &&
    (lt == null || value < lt)
  );
}

// Contracts that have expired are listed on request only, and then alone; `as_of` moves the day from which that is told.
function isListed(contract: SimulatedContract, query: URLSearchParams, today: string): boolean {
  const asOf = query.get('as_of') ?? today;
  return contract.expiration < asOf === (query.get('expired') === 'true');
}

function matches(contract: SimulatedContract, query: URLSearchParams, today: string): boolean {
  return (
    isListed(contract, query, today) &&
    passes(query, 'underlying_ticker', contract.underlying) &&
    passes(query, 'contract_type', contract.option_kind as string) &&
    passes(query, 'expiration_date', contract.expiration) &&
    passes(query, 'strike_price', contract.strike_e4 / 1e4)
  );
}

function sorted(contracts: readonly SimulatedContract[], query: URLSearchParams): SimulatedContract[] {
  const sign = query.get('order') === 'desc' ? -1 : 1;
  const sort = query.get('sort');
  const compare = (a: SimulatedContract, b: SimulatedContract): number => {
    if (sort === 'strike_price' && a.strike_e4 !== b.strike_e4) return a.strike_e4 - b.strike_e4;
    if (sort === 'expiration_date' && a.expiration !== b.expiration)
      return a.expiration < b.expiration ? -1 : 1;
    return a.ticker < b.ticker ? -1 : 1;
  };
  return [...contracts].sort((a, b) => sign * compare(a, b));
}

function contractPage({ options, query }: Asked): RestPage {
  const today = dateOf(easternFromEpochMs(options.untilMs()));
  const offset = Number(query.get('offset') ?? 0);
  const limit = Math.min(1000, Math.max(1, Number(query.get('limit') ?? 10) || 10));
  const found = sorted(
    options.contracts.filter((contract) => matches(contract, query, today)),
    query,
  );
  const results = found.slice(offset, offset + limit).map(toResult);
  return { results, next: offset + limit < found.length ? { offset: String(offset + limit) } : null };
}

interface Asked {
  readonly options: MassiveRestOptions;
  readonly path: string;
  readonly query: URLSearchParams;
}

function withNext({ options, path, query }: Asked, body: Record<string, unknown>, page: RestPage): Answer {
  const { next } = page;
  if (next === null) return { code: 200, body };
  return {
    code: 200,
    body: { ...body, next_url: nextUrl({ baseUrl: options.baseUrl(), path }, query, next) },
  };
}

function answerTicks(asked: Asked, kind: 'trades' | 'quotes', ticker: string): Answer {
  const { options, query } = asked;
  const page = tickPage(options.archive, { kind, ticker, query, untilMs: options.untilMs() });
  return withNext(asked, { results: page.results, status: 'OK', request_id: REQUEST_ID }, page);
}

function answerBars(asked: Asked, parts: readonly string[]): Answer {
  const [ticker = '', multiplier = '', timespan = '', from = '', to = ''] = parts;
  const { options, query } = asked;
  const request = {
    ticker,
    multiplier: Number(multiplier),
    timespan,
    from,
    to,
    query,
    untilMs: options.untilMs(),
  };
  const page = barPage(options.archive, request);
  if (page === null) return failure(400, 'ERROR', { error: 'Could not parse the aggregate request.' });
  const { length } = page.results;
  const counts = { queryCount: length, resultsCount: length, count: length };
  const body = {
    ticker,
    adjusted: query.get('adjusted') !== 'false',
    ...counts,
    // Empty aggregates have no results at all.
    ...(length === 0 ? {} : { results: page.results }),
    status: 'OK',
    request_id: REQUEST_ID,
  };
  return withNext(asked, body, page);
}

function answerContracts(asked: Asked): Answer {
  const { options, path } = asked;
  if (path === CONTRACTS_PATH) {
    const page = contractPage(asked);
    return withNext(asked, { status: 'OK', request_id: REQUEST_ID, results: page.results }, page);
  }
  const ticker = path.slice(CONTRACTS_PATH.length + 1);
  const contract = options.contracts.find((each) => each.ticker === ticker);
  if (contract === undefined) return failure(404, 'NOT_FOUND', { message: 'Data not found.' });
  return { code: 200, body: { status: 'OK', request_id: REQUEST_ID, results: toResult(contract) } };
}

function answerTo(options: MassiveRestOptions, request: IncomingMessage, url: URL): Answer {
  if (!isAuthorized(request, url, options.apiKey)) return failure(401, 'ERROR', { error: 'Unknown API Key' });
  const path = decodeURIComponent(url.pathname);
  const asked: Asked = { options, path, query: queryOf(url) };
  if (request.method === 'GET') {
    const ticks = TICKS_PATH.exec(path);
    if (ticks !== null) return answerTicks(asked, ticks[1] as 'trades' | 'quotes', ticks[2] as string);
    const bars = BARS_PATH.exec(path);
    if (bars !== null) return answerBars(asked, bars.slice(1));
    if (path.startsWith(CONTRACTS_PATH)) return answerContracts(asked);
  }
  return failure(404, 'NOT_FOUND', { message: 'Data not found.' });
}

/** Answers one HTTP request, or lets the fault have it that waits for its path. Throws on a malformed URL. */
export function answerRest(
  options: MassiveRestOptions,
  request: IncomingMessage,
  response: ServerResponse,
): void {
  const url = new URL(request.url ?? '/', 'http://127.0.0.1');
  const { code, body } = answerTo(options, request, url);
  const fault = options.faults.take(url.pathname);
  if (fault !== null) answerFault(fault, response, writeJson(body));
  else {
    response.writeHead(code, { 'content-type': 'application/json' });
    response.end(writeJson(body));
  }
}
