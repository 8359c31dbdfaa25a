// The broker of the configuration. Money is at stake only where two settings say so.
import { createHash } from 'node:crypto';
import type { Clock } from '../../core/clock.ts';
import type { Config } from '../../core/config.ts';
import { Failure } from '../../core/failure.ts';
import { createLog } from '../../core/log.ts';
import { isLoopback } from '../../core/loopback.ts';
import type { Broker, BrokerFill } from './broker.ts';
import { isTradierSandbox } from './tradier/settings.ts';

export interface BrokerPlace {
  readonly baseUrl: string;
  /** As it is set; null where it is not. */
  readonly account: string | null;
  /** The setting that holds the address. */
  readonly setting: string;
  /** No money is at stake: a simulator on this machine, or the broker's own paper trading. */
  readonly isPaperMoney: boolean;
}

/** Where the orders of a configuration go; null for the paper broker. */
export function brokerPlace(config: Config): BrokerPlace | null {
  switch (config.broker) {
    case 'paper':
      return null;
    case 'schwab': {
      const { schwabBaseUrl: baseUrl, schwabAccount: account } = config;
      return { baseUrl, account, setting: 'SCHWAB_BASE_URL', isPaperMoney: isLoopback(baseUrl) };
    }
    case 'tradier': {
      const { tradierBaseUrl: baseUrl, tradierAccount: account } = config;
      const isPaperMoney = isLoopback(baseUrl) || isTradierSandbox(baseUrl);
      return { baseUrl, account, setting: 'TRADIER_BASE_URL', isPaperMoney };
    }
  }
}

/** What stands for that account in a lock, the same under every name that it has here; tells nothing of its number. */
export function brokerAccountKey(config: Config): string {
  const { baseUrl = '', account = null } = brokerPlace(config) ?? {};
  return createHash('sha256')
    .update(`${config.broker} ${baseUrl} ${account ?? ''}`)
    .digest('hex');
}

/**
 * Opens the broker that BROKER names. `knownFills` are those recorded of an order before, for brokers that tell totals only.
 * Throws a Failure where it is paper, or where LIVE_TRADING does not allow it.
 */
export async function openBroker(
  config: Config,
  clock: Clock,
  options: { readonly knownFills?: (venueOrderId: string) => Promise<readonly BrokerFill[]> } = {},
): Promise<Broker> {
  const place = brokerPlace(config);
  if (place === null) {
    throw new Failure('BROKER=paper: there is no account at a broker', {
      hint: 'Set BROKER=schwab or BROKER=tradier, and LIVE_TRADING=yes for real money, in .env.',
      exitCode: 2,
    });
  }
  if (!config.isLiveTrading && !place.isPaperMoney) {
    throw new Failure(
      `BROKER=${config.broker}, but LIVE_TRADING is not yes: nothing is sent to a real account`,
      {
        hint: 'Set LIVE_TRADING=yes in .env when you mean it.',
        exitCode: 2,
      },
    );
  }
  // A simulated time must never decide over real money.
  if (clock.kind === 'simulated' && !isLoopback(place.baseUrl)) {
    throw new Failure('a simulated clock is accepted only with a simulated broker on this machine', {
      hint: 'Use the system clock with a real broker.',
    });
  }
  const parts = { ...config, clock, log: createLog(config, { name: config.broker }) };
  if (config.broker === 'tradier') {
    const { createTradierBroker } = await import('./tradier/tradier_broker.ts');
    return createTradierBroker({ ...parts, ...options });
  }
  const { createSchwabBroker } = await import('./schwab/schwab_broker.ts');
  return createSchwabBroker(parts);
}
