// The login that a person makes once a week: a code from the browser becomes stored tokens.
import { type Clock, systemClock } from '../../../core/clock.ts';
import { type EasternUs, easternFromEpochMs, epochMsFromEastern } from '../../../core/eastern_time.ts';
import { Failure } from '../../../core/failure.ts';
import { createExchange } from '../exchange.ts';
import { LOGIN_LIFE_MS } from './login_watch.ts';
import { authorizeUrl, codeFromRedirect, requestTokens } from './oauth.ts';
import { appOf, DEFAULT_TIMING, type SchwabConfig } from './settings.ts';
import { createTokenStore } from './tokens.ts';

export interface SchwabLogin {
  /** The address that the person opens. */
  readonly url: string;
  /**
   * Exchanges the address at which the browser ended, at once: its code lives about 30 s and works once. Returns when the login
   * will be over. Throws a Failure that says what is wrong; the stored login is then as it was.
   */
  complete(redirect: string): Promise<EasternUs>;
}

/** Begins a login. Throws a Failure that names the setting to mend, before a person goes to the browser in vain. */
export function beginLogin(
  config: SchwabConfig,
  options: { readonly clock: Clock; readonly transport?: Clock; readonly signal?: AbortSignal },
): SchwabLogin {
  const { clock, transport = systemClock(), signal } = options;
  const app = appOf(config);
  const store = createTokenStore({ folder: config.strikebaseDir, secretKey: config.secretKey, transport });
  const complete = async (redirect: string): Promise<EasternUs> => {
    const code = codeFromRedirect(redirect, app.callbackUrl);
    const asked = clock.now();
    const exchange = createExchange(transport);
    const answer = await requestTokens(
      { kind: 'code', code },
      {
        app,
        exchange,
        timeoutMs: DEFAULT_TIMING.readTimeoutMs,
        ...(signal === undefined ? {} : { signal }),
      },
    ).finally(() => exchange.close());
    if (answer.kind !== 'granted') throw refused(answer.kind, answer.reason);
    if (answer.refreshToken === null) throw new Failure('Schwab gave no refresh token with the login');
    const tokens = {
      accessToken: answer.accessToken,
      accessIssuedAt: asked,
      accessLifeMs: answer.lifeMs,
      refreshToken: answer.refreshToken,
      refreshIssuedAt: asked,
    };
    await store.locked(() => store.write(tokens));
    return loginEnd(asked);
  };
  return { url: authorizeUrl(app), complete };
}

/** When a login of that time is over, Eastern, in whole seconds. */
export function loginEnd(loggedInAt: EasternUs): EasternUs {
  const epochMs = epochMsFromEastern(loggedInAt) + LOGIN_LIFE_MS;
  return easternFromEpochMs(Math.floor(epochMs / 1000) * 1000);
}

function refused(kind: 'refused' | 'transient', reason: string): Failure {
  if (kind === 'transient') {
    return new Failure(`Schwab's token service gave no tokens: ${reason}`, {
      hint: 'Try again in a minute, with a new login in the browser: the code has been used or is too old.',
    });
  }
  return new Failure(`Schwab does not take the code: ${reason}`, {
    hint:
      'A code lives half a minute and works once: log in again and paste at once. If that does not help, SCHWAB_API_KEY, ' +
      'SCHWAB_API_SECRET or SCHWAB_CALLBACK_URL differ from the app at developer.schwab.com.',
  });
}
