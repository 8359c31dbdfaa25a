// Which account a configuration reaches: only a simulator or Tradier's sandbox holds no real money.
import { expect, it } from 'vitest';
import { systemClock } from '../../../core/clock.ts';
import { parseConfig } from '../../../core/config.ts';
import { brokerPlace, openBroker } from '../../../jobs/brokers/open_broker.ts';

it.each([
  ['schwab', {}, false],
  ['schwab', { SCHWAB_BASE_URL: 'http://127.0.0.1:8099' }, true],
  ['schwab', { SCHWAB_BASE_URL: 'https://127.0.0.1.example.com' }, false],
  ['tradier', {}, true],
  ['tradier', { TRADIER_BASE_URL: 'https://api.tradier.com/v1' }, false],
  ['tradier', { TRADIER_BASE_URL: 'https://sandbox.tradier.com.example.com/v1' }, false],
])('%s with %o: no real money is %s', (broker, settings, isPaperMoney) => {
  expect(brokerPlace(parseConfig({ BROKER: broker, ...settings }))).toMatchObject({ isPaperMoney });
});

it.each([{ BROKER: 'schwab' }, { BROKER: 'tradier', TRADIER_BASE_URL: 'https://api.tradier.com/v1' }])(
  'a real account is refused without the second switch: %o',
  async (settings) => {
    const config = parseConfig({
      ...settings,
      TRADIER_TOKEN: 'a',
      SCHWAB_API_KEY: 'b',
      SCHWAB_API_SECRET: 'c',
    });
    await expect(openBroker(config, systemClock())).rejects.toMatchObject({
      message: expect.stringContaining('LIVE_TRADING is not yes'),
      exitCode: 2,
    });
  },
);
