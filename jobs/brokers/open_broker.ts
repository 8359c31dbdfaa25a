// The broker of the configuration. Money is at stake only where two settings say so.
import type { Clock } from '../../core/clock.ts';
import type { Config } from '../../core/config.ts';
import { Failure } from '../../core/failure.ts';
import { createLog } from '../../core/log.ts';
import { isLoopback } from '../../core/loopback.ts';
import type { Broker } from './broker.ts';

/** Opens the broker that BROKER names. Throws a Failure where it is paper, or where LIVE_TRADING does not allow it. */
export async function openBroker(config: Config, clock: Clock): Promise<Broker> {
  if (config.broker === 'paper') {
    throw new Failure('BROKER=paper: there is no account at a broker', {
      hint: 'Set BROKER=schwab and LIVE_TRADING=yes in .env to reach the account at Schwab.',
    });
  }
  if (!config.isLiveTrading && !isLoopback(config.schwabBaseUrl)) {
    throw new Failure(
      `BROKER=${config.broker}, but LIVE_TRADING is not yes: nothing is sent to a real account`,
      {
        hint: 'Set LIVE_TRADING=yes in .env when you mean it.',
      },
    );
  }
  // A simulated time must never decide over real money.
  if (clock.kind === 'simulated' && !isLoopback(config.schwabBaseUrl)) {
    throw new Failure('a simulated clock is accepted only with a simulated broker on this machine', {
      hint: 'Use the system clock with a real broker.',
    });
  }
  const { createSchwabBroker } = await import('./schwab/schwab_broker.ts');
  return createSchwabBroker({ ...config, clock, log: createLog(config, { name: 'schwab' }) });
}
