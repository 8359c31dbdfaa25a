import { createSchwabBroker } from '../../../../jobs/brokers/schwab/schwab_broker.ts';
import type { SchwabOptions } from '../../../../jobs/brokers/schwab/settings.ts';
import {
  atEnd,
  bareServer,
  configFor,
  movableClock,
  NOON,
  sendJson,
  storeLogin,
  tokensAt,
} from './support.ts';

export async function brokerWith(
  bodies: Readonly<Record<string, unknown>>,
  more: Partial<SchwabOptions> = {},
) {
  const clock = movableClock();
  const server = await bareServer((request, response) => {
    const path = request.path.replace('/trader/v1', '');
    const body =
      bodies[path] ??
      (path === '/accounts/accountNumbers' ? [{ accountNumber: '12345678', hashValue: 'H' }] : undefined);
    if (body === undefined) sendJson(response, 404, { message: 'none' });
    else sendJson(response, 200, body);
  });
  const config = await configFor(server.url);
  await storeLogin(config, tokensAt(NOON));
  const broker = createSchwabBroker({
    ...config,
    clock,
    timing: { readAttempts: 1 },
    ...more,
  });
  atEnd(() => broker.close());
  return { broker, server, clock, config };
}

export function account(more: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    '/accounts/H': {
      securitiesAccount: {
        type: 'MARGIN',
        accountNumber: '12345678',
        isClosingOnlyRestricted: false,
        currentBalances: {
          availableFunds: 48_000,
          buyingPower: 96_000,
          equity: 50_002.33,
          liquidationValue: 50_001,
        },
        projectedBalances: { isInCall: false },
        ...more,
      },
    },
  };
}
