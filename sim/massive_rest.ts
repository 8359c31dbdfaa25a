// The REST half of the simulated Massive: option contract discovery, with its pagination and error bodies (reference A2, A2.1).
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { SimulatedContract } from './chain.ts';

export interface MassiveRestOptions {
  readonly apiKey: string;
  readonly contracts: readonly SimulatedContract[];
  /** The simulator's own address, for `next_url`. */
  readonly baseUrl: () => string;
}

const CONTRACTS_PATH = '/v3/reference/options/contracts';
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

function matches(contract: SimulatedContract, query: URLSearchParams): boolean {
  return (
    passes(query, 'underlying_ticker', contract.underlying) &&
    passes(query, 'contract_type', contract.option_kind as string) &&
    passes(query, 'expiration_date', contract.expiration) &&
    passes(query, 'strike_price', contract.strike_e4 / 1e4)
  );
}

function sorted(contracts: readonly SimulatedContract[], query: URLSearchParams): SimulatedContract[] {
  const sign = query.get('order') === 'desc' ? -1 : 1;
  const byStrike = query.get('sort') === 'strike_price';
  const compare = (a: SimulatedContract, b: SimulatedContract): number => {
    if (byStrike && a.strike_e4 !== b.strike_e4) return a.strike_e4 - b.strike_e4;
    return a.ticker < b.ticker ? -1 : 1;
  };
  return [...contracts].sort((a, b) => sign * compare(a, b));
}

// The cursor is the query itself with an offset. It never carries the key: clients must send that again.
function decodeCursor(url: URL): URLSearchParams {
  const cursor = url.searchParams.get('cursor');
  return cursor === null
    ? url.searchParams
    : new URLSearchParams(Buffer.from(cursor, 'base64url').toString('utf8'));
}

function encodeCursor(query: URLSearchParams, offset: number): string {
  const next = new URLSearchParams(query);
  next.delete('apiKey');
  next.set('offset', String(offset));
  return Buffer.from(next.toString(), 'utf8').toString('base64url');
}

function contractPage(options: MassiveRestOptions, url: URL): Record<string, unknown> {
  const query = decodeCursor(url);
  const offset = Number(query.get('offset') ?? 0);
  const limit = Math.min(1000, Math.max(1, Number(query.get('limit') ?? 10) || 10));
  const found = sorted(
    options.contracts.filter((contract) => matches(contract, query)),
    query,
  );
  const body = {
    status: 'OK',
    request_id: REQUEST_ID,
    results: found.slice(offset, offset + limit).map(toResult),
  };
  if (offset + limit >= found.length) return body;
  const cursor = encodeCursor(query, offset + limit);
  return { ...body, next_url: `${options.baseUrl()}${CONTRACTS_PATH}?cursor=${cursor}` };
}

function answerTo(options: MassiveRestOptions, request: IncomingMessage): Answer {
  const url = new URL(request.url ?? '/', 'http://127.0.0.1');
  if (!isAuthorized(request, url, options.apiKey)) return failure(401, 'ERROR', { error: 'Unknown API Key' });
  const notFound = failure(404, 'NOT_FOUND', { message: 'Data not found.' });
  if (request.method !== 'GET' || !url.pathname.startsWith(CONTRACTS_PATH)) return notFound;
  if (url.pathname === CONTRACTS_PATH) return { code: 200, body: contractPage(options, url) };
  const ticker = decodeURIComponent(url.pathname.slice(CONTRACTS_PATH.length + 1));
  const contract = options.contracts.find((each) => each.ticker === ticker);
  if (contract === undefined) return notFound;
  return { code: 200, body: { status: 'OK', request_id: REQUEST_ID, results: toResult(contract) } };
}

/** Answers one HTTP request: contracts (a page or one), 401 without the key, 404 for the rest. Throws on a malformed URL. */
export function answerRest(
  options: MassiveRestOptions,
  request: IncomingMessage,
  response: ServerResponse,
): void {
  const { code, body } = answerTo(options, request);
  response.writeHead(code, { 'content-type': 'application/json' });
  response.end(JSON.stringify(body));
}
