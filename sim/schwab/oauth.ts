// The login of the simulated Schwab: code, access token and refresh token, each with its clock (reference B1).
import { addMs, type EasternUs } from '../../core/eastern_time.ts';
import type { RandomStream } from '../random.ts';
import { type Answer, json } from '../venue/http.ts';
import { accessDenied } from './answers.ts';
import type { Settings } from './settings.ts';

export interface TokenSet {
  readonly access_token: string;
  readonly refresh_token: string;
  readonly id_token: string;
  readonly token_type: 'Bearer';
  readonly expires_in: number;
  readonly scope: 'api';
}

export interface OAuthControls {
  /** Tokens as after a login in the browser; an older refresh token dies. */
  login(): TokenSet;
  /** Dead before their time, as happens at Schwab. */
  killAccessTokens(): void;
  killRefreshToken(): void;
}

export interface OAuth extends OAuthControls {
  authorize(query: URLSearchParams): Answer;
  token(request: {
    readonly authorization: string | undefined;
    readonly contentType: string | undefined;
    readonly body: string;
  }): Answer;
  isValid(accessToken: string): boolean;
  /** Logins so far. */
  logins(): number;
}

// The inner quotes are not escaped, so this is no nested JSON: clients look for the words in it (reference B1).
function refreshError(digest: string): Answer {
  const inner =
    '{"error_description":"Exception while authenticating refresh token [tokenDigest=' +
    `${digest}, Exception=Failed refresh token authentication [tokenDigest=${digest}]]",` +
    '"error":"refresh_token_authentication_error"}';
  return json(400, { error: 'unsupported_token_type', error_description: `400 Bad Request: "${inner}"` });
}

function oauthError(status: number, error: string, error_description: string): Answer {
  return json(status, { error, error_description });
}

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

/** Letters, digits, - and _. */
export function randomText(random: RandomStream, length: number): string {
  return Array.from({ length }, () => ALPHABET[random.int(0, 63)]).join('');
}

export function randomUuid(random: RandomStream): string {
  const hex = Array.from({ length: 32 }, () => random.int(0, 15).toString(16)).join('');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}

interface State {
  readonly codes: Map<string, { readonly redirectUri: string; readonly diesAt: EasternUs }>;
  /** Access tokens and their ends. A refresh does not end the older ones. */
  readonly access: Map<string, EasternUs>;
  refresh: { readonly token: string; readonly diesAt: EasternUs } | null;
  logins: number;
}

interface Office {
  readonly state: State;
  readonly settings: Settings;
  readonly random: RandomStream;
}

function newTokens({ state, settings, random }: Office, refresh_token: string): TokenSet {
  const access_token = `I0.b2F1dGgyLnNpbQ.${randomText(random, 43)}@`;
  state.access.set(access_token, addMs(settings.clock.now(), settings.accessTokenMs));
  const expires_in = Math.round(settings.accessTokenMs / 1000);
  const id_token = randomText(random, 64);
  return { expires_in, token_type: 'Bearer', scope: 'api', refresh_token, access_token, id_token };
}

function login(office: Office): TokenSet {
  const { state, settings, random } = office;
  const token = `${randomText(random, 86)}@`;
  state.refresh = { token, diesAt: addMs(settings.clock.now(), settings.refreshTokenMs) };
  state.logins += 1;
  return newTokens(office, token);
}

function exchangeCode(office: Office, form: URLSearchParams): Answer {
  const { state, settings } = office;
  const code = form.get('code') ?? '';
  const issued = state.codes.get(code);
  state.codes.delete(code);
  const isGood = issued !== undefined && settings.clock.now() <= issued.diesAt;
  if (isGood && issued.redirectUri === form.get('redirect_uri')) return json(200, login(office));
  return oauthError(400, 'invalid_grant', 'Bad authorization code');
}

// The seven days run from the login: a refresh gives the same refresh token back and no time.
function refresh(office: Office, form: URLSearchParams): Answer {
  const { state, settings, random } = office;
  const given = form.get('refresh_token') ?? '';
  const isGood = given === state.refresh?.token && settings.clock.now() < state.refresh.diesAt;
  return isGood ? json(200, newTokens(office, given)) : refreshError(randomText(random, 43));
}

function authorize({ state, settings, random }: Office, query: URLSearchParams): Answer {
  const redirectUri = query.get('redirect_uri') ?? '';
  const isKnown = query.get('client_id') === settings.appKey && redirectUri === settings.callbackUrl;
  if (!isKnown) return accessDenied();
  const code = `C0.b2F1dGgyLnNpbQ.${randomText(random, 43)}@`;
  state.codes.set(code, { redirectUri, diesAt: addMs(settings.clock.now(), settings.codeMs) });
  const given = query.get('state');
  const rest = given === null ? '' : `&state=${encodeURIComponent(given)}`;
  const location = `${redirectUri}?code=${encodeURIComponent(code)}&session=${randomUuid(random)}${rest}`;
  return { status: 302, headers: { location } };
}

function grant(office: Office, contentType: string | undefined, body: string): Answer {
  if (contentType?.startsWith('application/x-www-form-urlencoded') !== true) {
    return oauthError(400, 'invalid_request', 'unsupported content type');
  }
  const form = new URLSearchParams(body);
  if (form.get('grant_type') === 'authorization_code') return exchangeCode(office, form);
  if (form.get('grant_type') === 'refresh_token') return refresh(office, form);
  return oauthError(400, 'unsupported_grant_type', 'authorization_code or refresh_token');
}

/** The OAuth half of the server, without a login as yet. */
export function createOAuth(settings: Settings, random: RandomStream): OAuth {
  const state: State = { codes: new Map(), access: new Map(), refresh: null, logins: 0 };
  const office = { state, settings, random };
  const basic = `Basic ${Buffer.from(`${settings.appKey}:${settings.appSecret}`).toString('base64')}`;
  return {
    login: () => login(office),
    killAccessTokens: () => state.access.clear(),
    killRefreshToken: () => {
      state.refresh = null;
    },
    logins: () => state.logins,
    isValid: (accessToken) => {
      const diesAt = state.access.get(accessToken);
      return diesAt !== undefined && settings.clock.now() < diesAt;
    },
    authorize: (query) => authorize(office, query),
    token: ({ authorization, contentType, body }) =>
      authorization === basic
        ? grant(office, contentType, body)
        : oauthError(401, 'invalid_client', 'Unauthorized'),
  };
}
