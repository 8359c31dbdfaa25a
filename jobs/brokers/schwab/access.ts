// The access token of the moment, and what is left of the login behind it.
import { errorText, Failure } from '../../../core/failure.ts';
import { createLoginWatch, loginLeftMs } from './login_watch.ts';
import {
  createRefresher,
  isAlive,
  isFresh,
  NeedsLogin,
  type RefreshOptions,
  readTokens,
  type TokenState,
} from './refresh.ts';
import { elapsedMs } from './tokens.ts';

/** `needs_login`: only a person can help. `unavailable`: tokens cannot be had or refreshed at the moment. */
export interface LoginState {
  readonly state: 'ok' | 'needs_login' | 'unavailable';
  readonly detail: string;
  /** Ms of the refresh token; 0 when it is of no use. */
  readonly loginLeftMs: number;
  /** Ms of the access token. */
  readonly accessLeftMs: number;
}

export interface SchwabAccess {
  /** A token to send, refreshed if need be. Throws a Failure when there is none. */
  token(): Promise<string>;
  /** The API refused this token: the next one asked for is another. */
  refused(token: string): void;
  /** Looks at the stored login too, which another process may have renewed. Never throws. */
  look(): Promise<LoginState>;
  /** Which login the tokens belong to: changes with a new one. Null before the first token. */
  login(): number | null;
  close(): Promise<void>;
}

// An API that refuses good tokens must not send us to the token service at every request.
const REFUSAL_PAUSE_MS = 10_000;

/** Tokens for requests. Nothing is read or sent before the first call. */
export function createAccess(options: RefreshOptions): SchwabAccess {
  const { store, clock, transport, log } = options;
  const state: TokenState = { held: null, refusedToken: null, deadRefreshToken: null, lastFailure: null };
  const refresher = createRefresher(options, state);
  const watchLogin = createLoginWatch(clock, log);
  let refusedAt = Number.NEGATIVE_INFINITY;
  let isClosed = false;

  const token = async (): Promise<string> => {
    if (isClosed) throw new Failure('the connection to Schwab was closed by us');
    const held = state.held ?? (await readTokens(store));
    state.held ??= held;
    watchLogin(state.held.refreshIssuedAt);
    if (isFresh(state.held, state, clock)) return state.held.accessToken;
    if (isAlive(state.held, state, clock)) {
      // An exit does not wait for the token service while it has a token.
      refresher.refreshSoon();
      return state.held.accessToken;
    }
    if (state.lastFailure !== null && refresher.pauseMs() > 0) throw state.lastFailure;
    await refresher.refresh();
    return state.held.accessToken;
  };

  return {
    token,
    refused: (refused) => {
      const now = transport.now();
      if (now - refusedAt < REFUSAL_PAUSE_MS * 1000) return;
      refusedAt = now;
      state.refusedToken = refused;
    },
    look: () => look(options, state, token),
    login: () => state.held?.refreshIssuedAt ?? null,
    close: () => {
      isClosed = true;
      return refresher.close();
    },
  };
}

async function look(
  options: RefreshOptions,
  state: TokenState,
  token: () => Promise<string>,
): Promise<LoginState> {
  const { store, clock } = options;
  try {
    const stored = await readTokens(store);
    if (state.held === null || stored.refreshIssuedAt > state.held.refreshIssuedAt) adopt(state, stored);
    await token();
  } catch (error) {
    const kind = error instanceof NeedsLogin ? 'needs_login' : 'unavailable';
    return { ...lives(state, clock), state: kind, detail: errorText(error) };
  }
  const { held, deadRefreshToken, lastFailure } = state;
  const isDead = held?.refreshToken === deadRefreshToken;
  if (isDead) return { ...lives(state, clock), state: 'needs_login', detail: errorText(lastFailure) };
  if (lastFailure !== null)
    return { ...lives(state, clock), state: 'unavailable', detail: errorText(lastFailure) };
  return { ...lives(state, clock), state: 'ok', detail: 'logged in' };
}

function adopt(state: TokenState, stored: NonNullable<TokenState['held']>): void {
  state.held = stored;
  state.lastFailure = null;
}

function lives(
  state: TokenState,
  clock: RefreshOptions['clock'],
): Pick<LoginState, 'loginLeftMs' | 'accessLeftMs'> {
  const { held, deadRefreshToken } = state;
  if (held === null) return { loginLeftMs: 0, accessLeftMs: 0 };
  const now = clock.now();
  const isDead = held.refreshToken === deadRefreshToken;
  return {
    loginLeftMs: isDead ? 0 : loginLeftMs(held.refreshIssuedAt, now),
    accessLeftMs: Math.max(0, held.accessLifeMs - elapsedMs(held.accessIssuedAt, now)),
  };
}
