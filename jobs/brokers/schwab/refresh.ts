// Refreshing the access token: by one process at a time, and never with a refresh token that Schwab has refused.
import type { Clock } from '../../../core/clock.ts';
import { errorText, Failure } from '../../../core/failure.ts';
import type { Logger } from '../../../core/log.ts';
import { createBackoff } from '../backoff.ts';
import type { Exchange } from '../exchange.ts';
import { requestTokens } from './oauth.ts';
import type { SchwabApp, SchwabTiming } from './settings.ts';
import { elapsedMs, type SchwabTokens, type TokenStore } from './tokens.ts';

export interface RefreshOptions {
  readonly app: SchwabApp;
  readonly store: TokenStore;
  readonly exchange: Exchange;
  /** The venue's time, in which tokens age. */
  readonly clock: Clock;
  readonly transport: Clock;
  readonly timing: SchwabTiming;
  readonly log: Logger;
}

/** What this process knows of its tokens. */
export interface TokenState {
  held: SchwabTokens | null;
  /** An access token that the API refused, however young it is. */
  refusedToken: string | null;
  /** A refresh token that Schwab refused: only a new login helps. */
  deadRefreshToken: string | null;
  /** Of the last attempt; null when it worked. */
  lastFailure: Failure | null;
}

export interface Refresher {
  /** One refresh, however many ask for it. Throws a Failure. */
  refresh(): Promise<void>;
  /** The same without waiting, unless one has just failed. */
  refreshSoon(): void;
  /** Ms that the last failure stands for those that have no token at all. */
  pauseMs(): number;
  close(): Promise<void>;
}

/** Only a person can help: no token can be had before a new login. */
export class NeedsLogin extends Failure {}

// Of a token's life: 24 of 30 minutes, so that there are six to get the next one.
const REFRESH_AT = 0.8;
// A token must outlive the request's way.
const MARGIN_MS = 10_000;
// Without a token nothing can be sent, exits neither: asked more often then.
const TOKENLESS_PAUSE_MS = 5000;

/** True while a token need not be refreshed. */
export function isFresh(tokens: SchwabTokens, state: TokenState, clock: Clock): boolean {
  const ageMs = elapsedMs(tokens.accessIssuedAt, clock.now());
  return tokens.accessToken !== state.refusedToken && ageMs < tokens.accessLifeMs * REFRESH_AT;
}

/** True while a token can be sent. */
export function isAlive(tokens: SchwabTokens, state: TokenState, clock: Clock): boolean {
  const ageMs = elapsedMs(tokens.accessIssuedAt, clock.now());
  return tokens.accessToken !== state.refusedToken && ageMs < tokens.accessLifeMs - MARGIN_MS;
}

/** The stored tokens. Throws NeedsLogin where there are none, and a Failure where they cannot be read. */
export async function readTokens(store: TokenStore): Promise<SchwabTokens> {
  const tokens = await store.read();
  if (tokens !== null) return tokens;
  throw new NeedsLogin('there is no Schwab login yet', { hint: 'Run `strikebase schwab login`.' });
}

/** Writes `state`. Nothing is read or sent before the first call. */
export function createRefresher(options: RefreshOptions, state: TokenState): Refresher {
  const { store, clock, transport, timing, log } = options;
  const { backoffFirstMs: firstMs, backoffMaxMs: maxMs } = timing;
  const backoff = createBackoff({ firstMs, maxMs, transport });
  const closing = new AbortController();
  let running: Promise<void> | null = null;

  const renew = async (): Promise<void> => {
    const stored = await readTokens(store);
    // Another process may have refreshed it, or a person logged in, while we waited for the lock.
    const isRenewed = isFresh(stored, state, clock);
    state.held = isRenewed ? stored : await requestNew(stored, { ...options, state, signal: closing.signal });
    state.lastFailure = null;
    backoff.reset();
  };
  const fail = (error: unknown): never => {
    const failure = error instanceof Failure ? error : new Failure('no Schwab token', { cause: error });
    state.lastFailure = failure;
    backoff.failed();
    log.warn({ reason: errorText(failure) }, 'schwab token was not refreshed');
    throw failure;
  };
  const refresh = (): Promise<void> => {
    running ??= store
      .locked(renew)
      .catch(fail)
      .finally(() => {
        running = null;
      });
    return running;
  };
  return {
    refresh,
    refreshSoon: () => {
      if (backoff.waitMs() <= 0) void refresh().catch(() => undefined);
    },
    pauseMs: () => backoff.waitMs(TOKENLESS_PAUSE_MS),
    close: async () => {
      closing.abort(new Error('closed'));
      await running?.catch(() => undefined);
    },
  };
}

async function requestNew(
  stored: SchwabTokens,
  options: RefreshOptions & { readonly state: TokenState; readonly signal: AbortSignal },
): Promise<SchwabTokens> {
  const { app, exchange, store, clock, timing, log, state, signal } = options;
  if (stored.refreshToken === state.deadRefreshToken) throw needsLogin('it was refused before');
  // Before the request: the token's life begins at Schwab while the answer is on its way.
  const asked = clock.now();
  const answer = await requestTokens(
    { kind: 'refresh', refreshToken: stored.refreshToken },
    { app, exchange, timeoutMs: timing.readTimeoutMs, signal },
  );
  if (answer.kind === 'refused') {
    state.deadRefreshToken = stored.refreshToken;
    throw needsLogin(answer.reason);
  }
  if (answer.kind === 'transient') {
    throw new Failure(`Schwab's token service gave no token: ${answer.reason}`, {
      hint: 'It is asked again; if that lasts, look whether Schwab has an outage.',
    });
  }
  const tokens: SchwabTokens = {
    accessToken: answer.accessToken,
    accessIssuedAt: asked,
    accessLifeMs: answer.lifeMs,
    refreshToken: answer.refreshToken ?? stored.refreshToken,
    refreshIssuedAt: stored.refreshIssuedAt,
  };
  // A full disk must not take a good token away from this process.
  await store.write(tokens).catch((error: unknown) => {
    log.error({ reason: errorText(error) }, 'schwab tokens were not stored');
  });
  return tokens;
}

function needsLogin(reason: string): NeedsLogin {
  return new NeedsLogin(`Schwab refuses the refresh token: ${reason}`, {
    hint: 'Run `strikebase schwab login`; a login lasts seven days at most.',
  });
}
