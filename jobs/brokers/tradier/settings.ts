// What the Tradier adapter is given: names as in core/config.ts, so that a configuration can be passed as it is.
import type { Clock } from '../../../core/clock.ts';
import { Failure } from '../../../core/failure.ts';
import type { Logger } from '../../../core/log.ts';
import { safeAddress } from '../address.ts';
import type { BrokerFill } from '../broker.ts';
import type { BudgetLimits } from '../budget.ts';
import type { HttpTiming } from '../http.ts';

export interface TradierConfig {
  /** `https://sandbox.tradier.com/v1`, `https://api.tradier.com/v1`, or a simulator's address on this machine. */
  readonly tradierBaseUrl: string;
  readonly tradierToken: string | null;
  /** Its number; null: the only one of the token. */
  readonly tradierAccount: string | null;
}

export interface TradierOptions extends TradierConfig {
  /** The venue's time. */
  readonly clock: Clock;
  /** Real time, for sockets, time-outs and request limits; default the machine's. */
  readonly transport?: Clock;
  readonly log?: Logger;
  readonly limits?: Partial<BudgetLimits>;
  readonly timing?: Partial<HttpTiming>;
  /**
   * Fills of an order that were recorded before this process looked at it. Tradier tells totals only, so without them an order
   * that filled in parts under another process would be counted in other parts.
   */
  readonly knownFills?: (venueOrderId: string) => Promise<readonly BrokerFill[]>;
}

export const DEFAULT_TIMING: HttpTiming = {
  orderTimeoutMs: 10_000,
  readTimeoutMs: 15_000,
  readAttempts: 3,
  backoffFirstMs: 1000,
  backoffMaxMs: 30_000,
  budgetPatienceMs: 5000,
};

const SANDBOX_HOST = 'sandbox.tradier.com';

/** True where orders are paper orders: the sandbox, or a simulator. */
export function isTradierSandbox(baseUrl: string): boolean {
  return URL.canParse(baseUrl) && new URL(baseUrl).hostname === SANDBOX_HOST;
}

/** Below Tradier's own limits of a minute: 60 in the sandbox; live 120 reads and 60 orders. */
export function limitsOf(baseUrl: string): BudgetLimits {
  const isSandbox = isTradierSandbox(baseUrl);
  return { perMinute: isSandbox ? 55 : 110, ordersPerMinute: 50, reserved: 10 };
}

/** Of the reads of a minute those of one process: the one that sends, and `ready`, need some as well. */
export function readsOf(baseUrl: string): { readonly perMinute: number; readonly burst: number } {
  return isTradierSandbox(baseUrl) ? { perMinute: 36, burst: 10 } : { perMinute: 60, burst: 20 };
}

/** The address and the token of a configuration. Throws a Failure that names the setting to mend. */
export function endpointOf(config: Pick<TradierConfig, 'tradierBaseUrl' | 'tradierToken'>): {
  readonly baseUrl: URL;
  readonly token: string;
} {
  const baseUrl = safeAddress(config.tradierBaseUrl, 'https', 'TRADIER_BASE_URL');
  const { tradierToken: token } = config;
  // Blanks and quotes come along when a token is pasted.
  if (token !== null && /^[A-Za-z0-9._~-]+$/.test(token)) return { baseUrl, token };
  throw new Failure(
    token === null ? 'TRADIER_TOKEN is not set' : 'TRADIER_TOKEN holds blanks or odd characters',
    {
      hint: 'Copy it from the API access page of the Tradier dashboard into .env; the sandbox has a token of its own.',
      exitCode: 2,
    },
  );
}
