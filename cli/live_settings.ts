// What a broker's process needs to be set, all of it told at once: one at a time is a morning lost.
import type { Config } from '../core/config.ts';
import { Failure } from '../core/failure.ts';
import { brokerPlace } from '../jobs/brokers/open_broker.ts';
import type { Vendor } from './trading.ts';

interface Missing {
  readonly setting: string;
  readonly why: string;
}

/** Throws a Failure that names every setting which the broker of a configuration needs and has not, and those of the live data that `feed` names. */
export function refuseMissingSettings(config: Config, needs: { readonly feed: Vendor | null }): void {
  const place = brokerPlace(config);
  if (place === null) return;
  const missing: Missing[] = [];
  const need = (setting: string, isSet: boolean, why: string): void => {
    if (!isSet) missing.push({ setting, why });
  };
  if (needs.feed === 'massive')
    need('POLYGON_API_KEY', config.massiveApiKey !== null, 'the key of Massive: live data');
  need('LIVE_TRADING', config.isLiveTrading || place.isPaperMoney, 'yes, when you mean it: real money');
  if (config.broker === 'schwab') {
    need('SCHWAB_API_KEY', config.schwabApiKey !== null, 'of the app at developer.schwab.com');
    need('SCHWAB_API_SECRET', config.schwabApiSecret !== null, 'of the app at developer.schwab.com');
    need('STRIKEBASE_SECRET_KEY', config.secretKey !== null, 'any long random text: encrypts the login');
  }
  if (config.broker === 'tradier' || needs.feed === 'tradier')
    need('TRADIER_TOKEN', config.tradierToken !== null, 'the token of the account, or of the sandbox');
  if (missing.length === 0) return;
  // Opening the broker says it better.
  if (missing.every(({ setting }) => setting === 'LIVE_TRADING')) return;
  const count = missing.length === 1 ? 'a setting is' : `${missing.length} settings are`;
  const lines = missing.map(({ setting, why }) => `  ${setting.padEnd(23)}${why}`);
  throw new Failure(`BROKER=${config.broker} cannot be used yet: ${count} missing`, {
    hint: `Set in .env, then look with \`strikebase doctor\`:\n${lines.join('\n')}`,
    exitCode: 2,
  });
}
