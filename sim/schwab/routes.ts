// The paths of the simulated Schwab and what each is called in a script.
import type { Operation } from './faults.ts';

export interface Route {
  readonly operation: Operation;
  /** Account hash, order or transaction id, symbol: as they stand in the path, decoded. */
  readonly hash: string;
  readonly id: string;
}

// A slash at the end is allowed, as at Schwab: Schwabdev asks for /accounts/.
const ACCOUNT = '/trader/v1/accounts/([^/]+)';
const PATTERNS: readonly (readonly [string, RegExp, Operation])[] = (
  [
    ['GET', '/v1/oauth/authorize', 'GET authorize'],
    ['POST', '/v1/oauth/token', 'POST token'],
    ['GET', '/trader/v1/accounts/accountNumbers', 'GET accountNumbers'],
    ['GET', '/trader/v1/accounts', 'GET accounts'],
    ['GET', ACCOUNT, 'GET account'],
    ['GET', `${ACCOUNT}/orders`, 'GET orders'],
    ['POST', `${ACCOUNT}/orders`, 'POST order'],
    ['GET', `${ACCOUNT}/orders/([^/]+)`, 'GET order'],
    ['PUT', `${ACCOUNT}/orders/([^/]+)`, 'PUT order'],
    ['DELETE', `${ACCOUNT}/orders/([^/]+)`, 'DELETE order'],
    ['POST', `${ACCOUNT}/previewOrder`, 'POST previewOrder'],
    ['GET', `${ACCOUNT}/transactions`, 'GET transactions'],
    ['GET', `${ACCOUNT}/transactions/([^/]+)`, 'GET transaction'],
    ['GET', '/trader/v1/orders', 'GET all orders'],
    ['GET', '/trader/v1/userPreference', 'GET userPreference'],
    ['GET', '/marketdata/v1/quotes', 'GET quotes'],
    ['GET', '/marketdata/v1/([^/]+)/quotes', 'GET quotes'],
    ['GET', '/marketdata/v1/chains', 'GET chains'],
    ['GET', '/marketdata/v1/expirationchain', 'GET expirationchain'],
    ['GET', '/marketdata/v1/markets', 'GET markets'],
    ['GET', '/marketdata/v1/markets/([^/]+)', 'GET markets'],
  ] as const
).map(([method, path, operation]) => [method, new RegExp(`^${path}/?$`), operation]);

/** Null where there is no such route. Throws a URIError on a path that cannot be decoded. */
export function routeOf(method: string, path: string): Route | null {
  for (const [wanted, pattern, operation] of PATTERNS) {
    const match = method === wanted ? pattern.exec(path) : null;
    if (match === null) continue;
    const [, first = '', second = ''] = match.map((each) => decodeURIComponent(each ?? ''));
    return { operation, hash: first, id: second };
  }
  return null;
}
