// Which option contracts exist: discovery by REST, page by page.
import { z } from 'zod';
import type { RejectedRow } from '../../core/domain.ts';
import type { SessionDate } from '../../core/eastern_time.ts';
import { errorText, Failure } from '../../core/failure.ts';
import { type OptionKind, type OsiSymbol, parseOsi, toOsi } from '../../core/osi_symbol.ts';
import { assertAddress, assertApiKey, redact } from './credentials.ts';
import { rejectedRow } from './rejected.ts';

/** A listed contract of 100 shares. */
export interface ListedContract {
  readonly symbol: OsiSymbol;
  readonly underlying: string;
  readonly option_kind: OptionKind;
  /** `YYYY-MM-DD`. */
  readonly expiration: string;
  readonly strike_e4: number;
  readonly exercise_style: 'american' | 'european' | 'bermudan';
}

export interface DiscoveryOptions {
  /** `https://api.massive.com`, or a simulator's address. */
  readonly restUrl: string;
  readonly apiKey: string;
  readonly underlying: string;
  readonly expiration: SessionDate;
  readonly signal?: AbortSignal;
  /** Contracts a page, at most 1000. */
  readonly pageSize?: number;
}

export interface Discovery {
  /** By strike, the call before the put. */
  readonly contracts: readonly ListedContract[];
  /** Entries that were not taken: adjusted contracts, other multipliers, malformed ones. */
  readonly skipped: readonly RejectedRow[];
}

const CONTRACTS_PATH = '/v3/reference/options/contracts';
const MAX_PAGES = 50;
const REQUEST_TIMEOUT_MS = 20_000;

const page = z.object({ results: z.array(z.unknown()).default([]), next_url: z.string().optional() });

const entry = z.object({
  ticker: z.string(),
  underlying_ticker: z.string(),
  contract_type: z.enum(['call', 'put']),
  exercise_style: z.enum(['american', 'european', 'bermudan']),
  expiration_date: z.string(),
  strike_price: z.number().positive(),
  shares_per_contract: z.literal(100),
  additional_underlyings: z.array(z.unknown()).max(0).optional(),
});

/**
 * All standard contracts of an underlying and expiry. Throws a Failure when the vendor refuses or cannot be reached, or when a
 * page leads to another host. The key goes to `restUrl`'s origin only.
 */
export async function discoverContracts(options: DiscoveryOptions): Promise<Discovery> {
  assertAddress(options.restUrl, 'rest');
  assertApiKey(options.apiKey);
  const contracts: ListedContract[] = [];
  const skipped: RejectedRow[] = [];
  const isAsked = ({ underlying, expiration }: ListedContract): boolean =>
    underlying === options.underlying && expiration === options.expiration;
  let next: URL | null = firstPage(options);
  for (let pages = 0; next !== null; pages += 1) {
    if (pages === MAX_PAGES) throw new Failure(`Massive's contract list has more than ${MAX_PAGES} pages`);
    const { results, next_url } = await fetchPage(next, options);
    for (const result of results) {
      const contract = toContract(result, isAsked);
      if (typeof contract === 'string') skipped.push(rejectedRow(result, contract, 'massive:contracts'));
      else contracts.push(contract);
    }
    next = next_url === undefined ? null : sameOrigin(next_url, next);
  }
  return { contracts: contracts.sort(byStrike), skipped };
}

/** By strike, the call before the put. */
export function byStrike(a: ListedContract, b: ListedContract): number {
  return a.strike_e4 - b.strike_e4 || (a.symbol < b.symbol ? -1 : 1);
}

function firstPage(options: DiscoveryOptions): URL {
  const url = new URL(CONTRACTS_PATH, options.restUrl);
  const query = { underlying_ticker: options.underlying, expiration_date: options.expiration };
  const paging = { order: 'asc', sort: 'strike_price', limit: String(options.pageSize ?? 1000) };
  for (const [name, value] of Object.entries({ ...query, ...paging })) url.searchParams.set(name, value);
  return url;
}

// A page that names another host must not be given the key.
function sameOrigin(text: string, current: URL): URL {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url !== null && url.origin === current.origin) return url;
  throw new Failure(
    `Massive's next page is not on ${current.origin} but on ${url?.origin ?? 'no address at all'}; the key was not sent there`,
    { hint: 'set MASSIVE_REST_URL to the host that serves your plan' },
  );
}

async function get(url: URL, options: DiscoveryOptions): Promise<{ status: number; text: string }> {
  const timeout = AbortSignal.timeout(REQUEST_TIMEOUT_MS);
  const signal = options.signal === undefined ? timeout : AbortSignal.any([timeout, options.signal]);
  const headers = { authorization: `Bearer ${options.apiKey}` };
  try {
    const response = await fetch(url, { headers, signal, redirect: 'error' });
    return { status: response.status, text: await response.text() };
  } catch (error) {
    // Without `cause`: what a HTTP client throws may quote the request's headers.
    const reason = redact(errorText(error), options.apiKey);
    throw new Failure(`Massive cannot be reached at ${url.origin}: ${reason}`, {
      hint: 'check the network and MASSIVE_REST_URL',
    });
  }
}

async function fetchPage(url: URL, options: DiscoveryOptions): Promise<z.infer<typeof page>> {
  const { status, text } = await get(url, options);
  const where = url.origin + url.pathname;
  const body = parseJson(text);
  if (status !== 200) throw refusal(status, body, where, options.apiKey);
  const parsed = page.safeParse(body);
  if (!parsed.success) throw new Failure(`Massive's answer from ${where} is no list of contracts`);
  return parsed.data;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

const errorBody = z.object({ error: z.string().optional(), message: z.string().optional() }).catch({});

const HINTS: Readonly<Record<number, string>> = {
  401: 'check MASSIVE_API_KEY (or POLYGON_API_KEY)',
  403: 'the plan does not include options reference data',
  429: 'too many requests: wait a minute and try again',
};

// The body may be HTML or empty, and must not bring the key into a log should it ever echo it.
function refusal(status: number, body: unknown, where: string, apiKey: string): Failure {
  const { error, message } = errorBody.parse(body);
  const text = redact(error ?? message ?? 'no reason given', apiKey);
  const hint = HINTS[status];
  return new Failure(`Massive answered ${status} at ${where}: ${text}`, hint === undefined ? {} : { hint });
}

/** A contract as Massive lists it, if it is a standard one and `isAsked` for; else why not. */
export function toContract(
  value: unknown,
  isAsked: (contract: ListedContract) => boolean,
): ListedContract | string {
  const parsed = entry.safeParse(value);
  if (!parsed.success)
    return `no standard contract: ${parsed.error.issues[0]?.path.join('.') || 'not an object'}`;
  const { ticker, underlying_ticker, contract_type, exercise_style, expiration_date, strike_price } =
    parsed.data;
  const symbol = toOsi(ticker);
  const terms = symbol === null ? null : parseOsi(symbol);
  if (symbol === null || terms === null) return 'ticker is no option symbol';
  const { option_kind, expiration, strike_e4 } = terms;
  const agrees =
    option_kind === contract_type &&
    expiration === expiration_date &&
    strike_e4 === Math.round(strike_price * 1e4);
  if (!agrees) return 'ticker and terms disagree';
  const underlying = underlying_ticker;
  const contract = { symbol, underlying, option_kind, expiration, strike_e4, exercise_style };
  return isAsked(contract) ? contract : 'not the underlying and expiry asked for';
}
