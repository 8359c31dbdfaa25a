// A login at the simulated Schwab, stored as `strikebase schwab login` does.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { EasternUs } from '../../../core/eastern_time.ts';
import type { SchwabConfig } from '../../../jobs/brokers/schwab/settings.ts';
import type { SchwabSimulator } from '../../../sim/schwab/server.ts';
import { SECRET_KEY, storeLogin, tokensAt } from '../../jobs/brokers/schwab/support.ts';

/** Logs in at a time; `remove` takes the tokens away again. */
export async function logIn(
  simulator: SchwabSimulator,
  now: EasternUs,
): Promise<{ readonly config: SchwabConfig; readonly remove: () => void }> {
  const folder = mkdtempSync(join(tmpdir(), 'strikebase-orders-'));
  const { appKey: schwabApiKey, appSecret: schwabApiSecret, callbackUrl: schwabCallbackUrl } = simulator;
  const config = {
    ...{ schwabBaseUrl: simulator.restUrl, schwabApiKey, schwabApiSecret, schwabCallbackUrl },
    ...{ secretKey: SECRET_KEY, schwabAccount: null, strikebaseDir: folder },
  };
  const { access_token: accessToken, refresh_token: refreshToken } = simulator.oauth.login();
  await storeLogin(config, tokensAt(now, { accessToken, refreshToken }));
  return { config, remove: () => rmSync(folder, { recursive: true, force: true, maxRetries: 3 }) };
}
