// The login of the simulated Schwab, seen by a bare client: codes, tokens, their clocks and the vendor's error texts.
import { describe, expect, it } from 'vitest';
import { type Bench, bench, type Reply, stopsSimulators } from './support.ts';

stopsSimulators();

function authorizeUrl({ simulator }: Bench, overrides: Record<string, string> = {}): string {
  const query = {
    client_id: simulator.appKey,
    redirect_uri: simulator.callbackUrl,
    response_type: 'code',
    ...overrides,
  };
  return `/v1/oauth/authorize?${new URLSearchParams(query)}`;
}

async function token(
  { simulator, call }: Bench,
  form: Record<string, string>,
  secret = simulator.appSecret,
): Promise<Reply> {
  return call('POST', '/v1/oauth/token', new URLSearchParams(form).toString(), {
    authorization: `Basic ${Buffer.from(`${simulator.appKey}:${secret}`).toString('base64')}`,
    'content-type': 'application/x-www-form-urlencoded',
  });
}

async function newCode(at: Bench): Promise<string> {
  const { headers } = await at.call('GET', authorizeUrl(at));
  return new URL(headers.get('location') ?? '').searchParams.get('code') ?? '';
}

function exchange(at: Bench, code: string, redirect_uri = at.simulator.callbackUrl): Promise<Reply> {
  return token(at, { grant_type: 'authorization_code', code, redirect_uri });
}

describe('the code', () => {
  it('comes URL-encoded, ends in %40 and carries session and state', async () => {
    const at = await bench();
    const { status, headers } = await at.call('GET', authorizeUrl(at, { state: 'a b' }));
    expect(status).toBe(302);
    expect(headers.get('location')).toMatch(
      /^https:\/\/127\.0\.0\.1:8182\?code=[^&@]+%40&session=[^&]+&state=a%20b$/,
    );
  });

  it('is refused with an HTML page for another key or callback, even one that differs by a slash', async () => {
    const at = await bench();
    for (const overrides of [{ client_id: 'other' }, { redirect_uri: `${at.simulator.callbackUrl}/` }]) {
      const { status, text } = await at.call('GET', authorizeUrl(at, overrides));
      expect({ status, isHtml: text.includes('<TITLE>Access Denied</TITLE>') }).toEqual({
        status: 403,
        isHtml: true,
      });
    }
  });

  it('gives tokens once, within thirty seconds, to the same callback', async () => {
    const at = await bench();
    const code = await newCode(at);
    expect((await exchange(at, code)).json).toMatchObject({
      expires_in: 1800,
      token_type: 'Bearer',
      scope: 'api',
    });
    expect(await exchange(at, code)).toMatchObject({ status: 400, json: { error: 'invalid_grant' } });
    const late = await newCode(at);
    await at.advance(30_001);
    expect((await exchange(at, late)).status).toBe(400);
    expect((await exchange(at, await newCode(at), 'https://127.0.0.1')).status).toBe(400);
    expect((await exchange(at, encodeURIComponent(await newCode(at)))).status).toBe(400);
  });
});

describe('tokens', () => {
  it('are given only to the app', async () => {
    const at = await bench();
    const form = { grant_type: 'authorization_code', code: await newCode(at) };
    expect(await token(at, form, 'wrong')).toMatchObject({ status: 401, json: { error: 'invalid_client' } });
  });

  it('live for thirty minutes, and a refresh gives new ones without more days', async () => {
    const at = await bench();
    const first = (await exchange(at, await newCode(at))).json;
    const numbers = (access: string): Promise<Reply> =>
      at.call('GET', '/accounts/accountNumbers', undefined, { authorization: `Bearer ${access}` });
    expect((await numbers(first.access_token)).status).toBe(200);
    await at.advance(30 * 60_000);
    expect(await numbers(first.access_token)).toMatchObject({
      status: 401,
      json: { errors: [{ status: 401, title: 'Unauthorized', detail: 'Client not authorized' }] },
    });
    const refreshed = await token(at, { grant_type: 'refresh_token', refresh_token: first.refresh_token });
    expect(refreshed.json.refresh_token).toBe(first.refresh_token);
    expect((await numbers(refreshed.json.access_token)).status).toBe(200);
    await at.advance(7 * 86_400_000 - 30 * 60_000);
    const dead = await token(at, { grant_type: 'refresh_token', refresh_token: first.refresh_token });
    expect(dead.status).toBe(400);
    expect(dead.json.error).toBe('unsupported_token_type');
    // The inner quotes are not escaped, as recorded: the description is no nested JSON.
    expect(dead.json.error_description).toMatch(
      /^400 Bad Request: "\{"error_description":"Exception while authenticating refresh token \[tokenDigest=.+, Exception=Failed refresh token authentication \[tokenDigest=.+\]\]","error":"refresh_token_authentication_error"\}"$/,
    );
  });

  it('of an older login cannot be refreshed any more', async () => {
    const at = await bench();
    const older = (await exchange(at, await newCode(at))).json;
    await exchange(at, await newCode(at));
    const { json } = await token(at, { grant_type: 'refresh_token', refresh_token: older.refresh_token });
    expect(json.error_description).toContain('refresh_token_authentication_error');
  });

  it('die before their time, meet an outage, and change the account hashes, where a test wants it', async () => {
    const at = await bench({ rehashesOnLogin: true });
    const { refresh_token } = at.simulator.oauth.login();
    expect(at.simulator.accountHash()).not.toBe(at.hash);
    expect((await at.call('GET', `/accounts/${at.hash}`)).status).toBe(404);
    at.simulator.script.next('POST token', { kind: 'access_denied' });
    const form = { grant_type: 'refresh_token', refresh_token };
    expect(await token(at, form)).toMatchObject({ status: 403, json: null });
    expect((await token(at, form)).status).toBe(200);
    at.simulator.oauth.killRefreshToken();
    expect((await token(at, form)).status).toBe(400);
    at.simulator.oauth.killAccessTokens();
    expect((await at.call('GET', '/accounts/accountNumbers')).status).toBe(401);
  });
});
