import type { RejectedRow } from '../../core/domain.ts';
import type { SessionDate } from '../../core/eastern_time.ts';
import { Failure } from '../../core/failure.ts';
import { chooseContracts } from '../massive/choose_contracts.ts';
import { byStrike, type ListedContract, toContract } from '../massive/contracts.ts';
import { rejectedRow } from '../massive/rejected.ts';
import { followPages } from './pages.ts';
import type { PageQuery, RestClient } from './rest_client.ts';

export interface Listing {
  /** All contracts of the nearest expiry, by strike, the call before the put. Never empty. */
  readonly contracts: readonly ListedContract[];
  /** Entries that were not taken: adjusted contracts, other multipliers, malformed ones. */
  readonly skipped: readonly RejectedRow[];
  readonly pages: number;
}

export interface ListingRequest {
  readonly underlying: string;
  readonly sessionDate: SessionDate;
  /** The date now: whether a contract has expired depends on it. */
  readonly today: SessionDate;
}

const CONTRACTS_PATH = '/v3/reference/options/contracts';
const PAGE_SIZE = 1000;
// Most underlyings have an expiry each week or month at least.
const DAYS_AHEAD = 45;
// A session's range and the strikes on both sides of it: far more than any day has needed.
const MAX_CONTRACTS = 800;

interface Found {
  readonly contracts: ListedContract[];
  readonly skipped: RejectedRow[];
  pages: number;
}

/**
 * Asks for the contracts that expire first on or after a session. `expired=true` gives those that have expired until today
 * and no others; where it does not give the session's own expiry, those listed as of the session are asked for as well, since
 * the nearest may still be alive. Throws Failure where there are none.
 */
export async function listContracts(
  client: RestClient,
  request: ListingRequest,
  signal: AbortSignal,
): Promise<Listing> {
  const { underlying, sessionDate, today } = request;
  const found: Found = { contracts: [], skipped: [], pages: 0 };
  if (sessionDate < today) await collect(client, queryOf(request, { expired: 'true' }), found, signal);
  if (nearestOf(found.contracts) !== sessionDate) {
    await collect(client, queryOf(request, { as_of: sessionDate }), found, signal);
  }
  const expiration = nearestOf(found.contracts);
  if (expiration === null) {
    throw new Failure(
      `Massive lists no ${underlying} options that expire within ${DAYS_AHEAD} days of ${sessionDate}`,
      {
        hint: 'Is the underlying right, and does the plan reach back so far? Without --options its bars alone are taken.',
      },
    );
  }
  const nearest = new Map(
    found.contracts.filter((each) => each.expiration === expiration).map((each) => [each.symbol, each]),
  );
  return { ...found, contracts: [...nearest.values()].sort(byStrike) };
}

function queryOf(request: ListingRequest, more: Readonly<Record<string, string>>): PageQuery {
  const { underlying, sessionDate } = request;
  const last = new Date(Date.parse(sessionDate) + DAYS_AHEAD * 86_400_000).toISOString().slice(0, 10);
  return {
    path: CONTRACTS_PATH,
    search: {
      underlying_ticker: underlying,
      'expiration_date.gte': sessionDate,
      'expiration_date.lte': last,
      ...more,
      order: 'asc',
      sort: 'expiration_date',
      limit: String(PAGE_SIZE),
    },
    asked: { kind: 'contracts', ticker: underlying },
  };
}

async function collect(
  client: RestClient,
  query: PageQuery,
  found: Found,
  signal: AbortSignal,
): Promise<void> {
  const { underlying_ticker: underlying = '', 'expiration_date.gte': from = '' } = query.search;
  const isAsked = (contract: ListedContract): boolean =>
    contract.underlying === underlying && contract.expiration >= from;
  for await (const { results } of followPages(client, query, signal)) {
    found.pages += 1;
    const taken = results.flatMap((result) => {
      const contract = toContract(result, isAsked);
      if (typeof contract !== 'string') return contract;
      found.skipped.push(rejectedRow(result, contract, `massive:contracts ${underlying}`));
      return [];
    });
    found.contracts.push(...taken);
    // Sorted by expiry, so a later one says that the nearest is complete; a server that does not sort is read to its end.
    const dates = taken.map((each) => each.expiration);
    const isSorted = dates.every((date, i) => i === 0 || date >= (dates[i - 1] ?? ''));
    const last = dates.at(-1);
    if (isSorted && last !== undefined && last > (nearestOf(found.contracts) ?? '')) return;
  }
}

function nearestOf(contracts: readonly ListedContract[]): string | null {
  return contracts.reduce<string | null>(
    (nearest, { expiration }) => (nearest === null || expiration < nearest ? expiration : nearest),
    null,
  );
}

/** Lowest and highest price of the underlying in a session, 1/10,000 dollar. */
export interface PriceRange {
  readonly low_e4: number;
  readonly high_e4: number;
}

/**
 * The contracts that were among the `strikes` nearest to the money at some time of the session: what a stream that follows
 * the price would have subscribed to. Throws Failure where there are absurdly many.
 */
export function chooseAround(
  contracts: readonly ListedContract[],
  { low_e4, high_e4 }: PriceRange,
  strikes: number,
): readonly ListedContract[] {
  const at = (price: number): readonly ListedContract[] =>
    chooseContracts(contracts, price, { count: strikes })?.contracts ?? [];
  const lowest = at(low_e4)[0]?.strike_e4 ?? 0;
  const highest = at(high_e4).at(-1)?.strike_e4 ?? 0;
  const chosen = contracts.filter((each) => each.strike_e4 >= lowest && each.strike_e4 <= highest);
  if (chosen.length <= MAX_CONTRACTS) return chosen;
  throw new Failure(
    `${chosen.length} contracts of one session would be downloaded; ${MAX_CONTRACTS} are the most`,
    {
      hint: 'Lower --strikes.',
      exitCode: 2,
    },
  );
}
