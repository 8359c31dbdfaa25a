// The login of a person: the address, the code in the redirect, and every way in which it goes wrong.
import { describe, expect, it } from 'vitest';
import { systemClock } from '../../../../core/clock.ts';
import { addMs, parseEastern } from '../../../../core/eastern_time.ts';
import { Failure } from '../../../../core/failure.ts';
import { beginLogin } from '../../../../jobs/brokers/schwab/login.ts';
import { durationText } from '../../../../jobs/brokers/schwab/login_watch.ts';
import { codeFromRedirect } from '../../../../jobs/brokers/schwab/oauth.ts';
import type { SchwabConfig } from '../../../../jobs/brokers/schwab/settings.ts';
import { createTokenStore } from '../../../../jobs/brokers/schwab/tokens.ts';
import {
  APP_KEY,
  APP_SECRET,
  bareServer,
  configFor,
  movableClock,
  NOON,
  SECRET_KEY,
  sendJson,
  storeLogin,
  tokensAt,
} from './support.ts';

const CALLBACK = 'https://127.0.0.1:8182';
const GRANT = {
  access_token: 'granted-access',
  refresh_token: 'granted-refresh',
  id_token: 'id',
  token_type: 'Bearer',
  expires_in: 1800,
  scope: 'api',
};

function storeOf(config: SchwabConfig) {
  return createTokenStore({ folder: config.strikebaseDir, secretKey: SECRET_KEY, transport: systemClock() });
}

describe('the code of a redirect', () => {
  it.each([
    ['with the encoded end', `${CALLBACK}/?code=C0.abc_DEF%40&session=1-2-3&state=x`, 'C0.abc_DEF@'],
    ['without a slash', `${CALLBACK}?code=C0.abc%40`, 'C0.abc@'],
    ['in another order', `${CALLBACK}/?session=1&code=C0.abc%40`, 'C0.abc@'],
    ['decoded once only', `${CALLBACK}/?code=a%2540b`, 'a%40b'],
    ['with a plus sign', `${CALLBACK}/?code=a+b%2Bc`, 'a+b+c'],
    ['with blanks and quotes around', `  "${CALLBACK}/?code=abc%40"  `, 'abc@'],
  ])('is read %s', (_, text, code) => {
    expect(codeFromRedirect(text, CALLBACK)).toBe(code);
  });

  it('is read below a callback with a path', () => {
    expect(codeFromRedirect('https://me.example/back/?code=x', 'https://me.example/back')).toBe('x');
  });

  it.each([
    ['nothing', '   ', 'nothing was pasted'],
    ['the code alone', 'C0.abc_secret%40', 'no address'],
    [
      'the address to open',
      'https://api.schwabapi.com/v1/oauth/authorize?client_id=x',
      'the address to open',
    ],
    ['another port', 'https://127.0.0.1:8183/?code=secret', 'does not begin with https://127.0.0.1:8182'],
    ['another scheme', 'http://127.0.0.1:8182/?code=secret', 'does not begin with'],
    ['another path', `${CALLBACK}/other?code=secret`, 'does not begin with'],
    ['no code', `${CALLBACK}/?session=1`, 'holds no code'],
    ['a cut code', `${CALLBACK}/?code=secret%4`, 'cut or was changed'],
    ['a refusal', `${CALLBACK}/?error=access_denied`, 'access_denied'],
  ])('is refused for %s, without quoting it', (_, text, message) => {
    const error = (() => {
      try {
        return codeFromRedirect(text, CALLBACK);
      } catch (thrown) {
        return thrown;
      }
    })();
    expect(error).toBeInstanceOf(Failure);
    expect((error as Failure).message).toContain(message);
    expect((error as Failure).hint).toContain('whole address');
    expect(JSON.stringify([(error as Failure).message, (error as Failure).hint])).not.toContain('secret');
  });
});

describe('a login', () => {
  it('asks the browser for the app and the callback, and stores what the code is worth', async () => {
    const server = await bareServer((_, response) => sendJson(response, 200, GRANT));
    const config = await configFor(server.url);
    const login = beginLogin(config, { clock: movableClock() });
    const url = new URL(login.url);
    expect(url.pathname).toBe('/v1/oauth/authorize');
    expect(Object.fromEntries(url.searchParams)).toEqual({
      response_type: 'code',
      client_id: APP_KEY,
      redirect_uri: CALLBACK,
    });
    expect(await login.complete(`${CALLBACK}/?code=C0.abc%40&session=1`)).toBe(addMs(NOON, 7 * 86_400_000));
    expect(await storeOf(config).read()).toEqual({
      accessToken: 'granted-access',
      accessIssuedAt: NOON,
      accessLifeMs: 1_800_000,
      refreshToken: 'granted-refresh',
      refreshIssuedAt: NOON,
    });
    const [request] = server.of('POST', '/v1/oauth/token');
    expect(request?.body).toBe(
      'grant_type=authorization_code&code=C0.abc%40&redirect_uri=https%3A%2F%2F127.0.0.1%3A8182',
    );
    const basic = Buffer.from(`${APP_KEY}:${APP_SECRET}`).toString('base64');
    expect(request?.headers).toMatchObject({
      authorization: `Basic ${basic}`,
      'content-type': 'application/x-www-form-urlencoded',
    });
  });

  it('lasts an hour less on the wall clock when the clocks go back', async () => {
    const server = await bareServer((_, response) => sendJson(response, 200, GRANT));
    const clock = movableClock(parseEastern('2026-10-28 12:00:00') ?? NOON);
    const login = beginLogin(await configFor(server.url), { clock });
    expect(await login.complete(`${CALLBACK}/?code=x`)).toBe(parseEastern('2026-11-04 11:00:00'));
  });

  it.each([
    [
      'an expired code',
      400,
      JSON.stringify({ error: 'invalid_grant', error_description: 'code expired' }),
      'does not take the code',
      'half a minute',
    ],
    [
      'a wrong secret',
      401,
      JSON.stringify({ error: 'invalid_client', error_description: 'Unauthorized' }),
      'does not take the code',
      'SCHWAB_API_SECRET',
    ],
    ['an outage', 403, '<HTML>Access Denied</HTML>', 'gave no tokens', 'Try again'],
    ['an answer without tokens', 200, '{}', 'holds no tokens', 'Try again'],
    [
      'an answer without a refresh token',
      200,
      '{"access_token":"a","expires_in":1800}',
      'no refresh token',
      null,
    ],
  ])('explains %s and leaves the stored login', async (_, status, body, message, hint) => {
    const server = await bareServer((_request, response) => response.writeHead(status).end(body));
    const config = await configFor(server.url);
    await storeLogin(config, tokensAt(NOON));
    const error = await beginLogin(config, { clock: movableClock() })
      .complete(`${CALLBACK}/?code=C0.the-code%40`)
      .then(
        () => null,
        (thrown: unknown) => thrown as Failure,
      );
    expect(error).toBeInstanceOf(Failure);
    expect(error?.message).toContain(message);
    if (hint !== null) expect(error?.hint).toContain(hint);
    expect(`${error?.message} ${error?.hint}`).not.toContain('the-code');
    expect(await storeOf(config).read()).toEqual(tokensAt(NOON));
  });

  it('does not show a code that the service echoes', async () => {
    const server = await bareServer((request, response) => {
      sendJson(response, 400, {
        error: 'invalid_grant',
        error_description: `bad: ${request.body} C0.the-code@`,
      });
    });
    const login = beginLogin(await configFor(server.url), { clock: movableClock() });
    const error = await login.complete(`${CALLBACK}/?code=C0.the-code%40`).catch((thrown: Failure) => thrown);
    expect((error as Failure).message).not.toContain('the-code');
  });

  it.each([
    [{ schwabApiKey: null }, 'SCHWAB_API_KEY is not set'],
    [{ schwabApiSecret: '"quoted"' }, 'SCHWAB_API_SECRET holds'],
    [{ schwabCallbackUrl: 'https://127.0.0.1:8182/' }, 'must not end in a slash'],
    [{ schwabCallbackUrl: 'https://localhost:8182' }, 'Schwab refuses localhost'],
    [{ schwabCallbackUrl: 'http://127.0.0.1:8182' }, 'must begin with https://'],
    [{ schwabBaseUrl: 'http://api.schwabapi.com' }, 'SCHWAB_BASE_URL'],
    [{ schwabBaseUrl: 'nonsense' }, 'SCHWAB_BASE_URL'],
    [{ secretKey: null }, 'STRIKEBASE_SECRET_KEY'],
  ])('is not begun with %j', async (more, message) => {
    const config = await configFor('http://127.0.0.1:1', more);
    expect(() => beginLogin(config, { clock: movableClock() })).toThrow(message);
  });
});

describe('durations', () => {
  it('are told in days and hours, hours and minutes, or minutes', () => {
    expect([0, 59_999, 3_600_000, 86_399_999, 604_800_000].map(durationText)).toEqual([
      '0 min',
      '0 min',
      '1 h 0 min',
      '23 h 59 min',
      '7 d 0 h',
    ]);
  });
});
