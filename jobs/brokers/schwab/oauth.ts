// Schwab's login: the address for the browser, the code that comes back, and tokens for a code or a refresh token.
import { Failure } from '../../../core/failure.ts';
import { redactor } from '../../../core/log.ts';
import type { Exchange, HttpResult } from '../exchange.ts';
import { parseJson } from '../http.ts';
import type { SchwabApp } from './settings.ts';
import { tokenGrant } from './wire.ts';
import { refusalIn } from './wire_error.ts';

export type GrantRequest =
  | { readonly kind: 'code'; readonly code: string }
  | { readonly kind: 'refresh'; readonly refreshToken: string };

/**
 * `refused`: Schwab does not take this code or refresh token, and never will. `transient`: it may take it later; an answer that
 * cannot be read is one of these, since Schwab's edge sends HTML when the service is away.
 */
export type GrantAnswer =
  | {
      readonly kind: 'granted';
      readonly accessToken: string;
      readonly refreshToken: string | null;
      readonly lifeMs: number;
    }
  | { readonly kind: 'refused'; readonly reason: string }
  | { readonly kind: 'transient'; readonly reason: string };

// The description holds quotes within quotes and is no JSON: texts are looked for, not parsed.
const REFUSALS = [
  'refresh_token_authentication_error',
  'unsupported_token_type',
  'invalid_client',
  'invalid_grant',
];

/** Where the user logs in and allows the app. */
export function authorizeUrl(app: SchwabApp): string {
  const url = new URL('/v1/oauth/authorize', app.baseUrl);
  const query = { response_type: 'code', client_id: app.key, redirect_uri: app.callbackUrl };
  for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
  return url.href;
}

/** The code in the address that the browser ended at. Throws a Failure that says what else was pasted; it never quotes it. */
export function codeFromRedirect(pasted: string, callbackUrl: string): string {
  const text = pasted.trim().replace(/^["'<]|["'>]$/g, '');
  if (text === '') throw badRedirect('nothing was pasted');
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null) throw badRedirect('what was pasted is no address');
  if (url.pathname.includes('/oauth/authorize')) {
    throw badRedirect('that is the address to open, not the one at which the browser ended');
  }
  const expected = new URL(callbackUrl);
  if (url.origin !== expected.origin || trimmed(url.pathname) !== trimmed(expected.pathname)) {
    throw badRedirect(`the address does not begin with ${callbackUrl}`);
  }
  const error = url.searchParams.get('error');
  if (error !== null) throw badRedirect(`Schwab answered the login with ${JSON.stringify(error)}`);
  return decodedCode(url);
}

function decodedCode(url: URL): string {
  // Decoded once, and not as a form: there a plus sign would become a blank.
  const raw = /[?&]code=([^&#]*)/.exec(url.search)?.[1] ?? '';
  if (raw === '') throw badRedirect('the address holds no code');
  try {
    return decodeURIComponent(raw);
  } catch {
    throw badRedirect('the code in the address is cut or was changed');
  }
}

function trimmed(path: string): string {
  return path.endsWith('/') ? path.slice(0, -1) : path;
}

function badRedirect(why: string): Failure {
  return new Failure(`the login was not completed: ${why}`, {
    hint: 'After the login the browser shows an error page; copy the whole address of that page. Then run the login again.',
  });
}

/** Asks for tokens, once. Never throws. */
export async function requestTokens(
  request: GrantRequest,
  options: {
    readonly app: SchwabApp;
    readonly exchange: Exchange;
    readonly timeoutMs: number;
    readonly signal?: AbortSignal;
  },
): Promise<GrantAnswer> {
  const { app, exchange, timeoutMs, signal } = options;
  const form =
    request.kind === 'code'
      ? { grant_type: 'authorization_code', code: request.code, redirect_uri: app.callbackUrl }
      : { grant_type: 'refresh_token', refresh_token: request.refreshToken };
  const result = await exchange({
    method: 'POST',
    url: new URL('/v1/oauth/token', app.baseUrl),
    headers: {
      authorization: `Basic ${Buffer.from(`${app.key}:${app.secret}`).toString('base64')}`,
      'content-type': 'application/x-www-form-urlencoded',
      accept: 'application/json',
    },
    body: new URLSearchParams(form).toString(),
    // A code works once.
    isFresh: true,
    timeoutMs,
    ...(signal === undefined ? {} : { signal }),
  });
  const given = request.kind === 'code' ? request.code : request.refreshToken;
  const hide = redactor([given, app.secret]);
  const answer = classify(result);
  return answer.kind === 'granted' ? answer : { ...answer, reason: hide(answer.reason) };
}

function classify(result: HttpResult): GrantAnswer {
  if (result.kind !== 'answered') return { kind: 'transient', reason: result.reason };
  const { status, text } = result;
  if (status === 200) {
    const grant = tokenGrant.safeParse(parseJson(text));
    if (!grant.success) return { kind: 'transient', reason: 'the answer holds no tokens' };
    const { access_token, refresh_token = null, expires_in } = grant.data;
    return {
      kind: 'granted',
      accessToken: access_token,
      refreshToken: refresh_token,
      lifeMs: expires_in * 1000,
    };
  }
  const refusal = refusalIn(text);
  const reason = `${status}: ${refusal?.reason ?? 'no answer that can be read'}`;
  const isRefused =
    (status === 400 || status === 401) && refusal !== null && REFUSALS.some((mark) => text?.includes(mark));
  return { kind: isRefused ? 'refused' : 'transient', reason };
}
