// Massive's REST as a careful client asks it: the key to one origin only, a pace, and patience with what passes.
import type { Clock } from '../../core/clock.ts';
import { errorText, Failure } from '../../core/failure.ts';
import { assertAddress, assertApiKey, redact } from '../massive/credentials.ts';
import { createPacer } from './pacer.ts';
import { type Page, readAnswer } from './page.ts';
import { type Asked, gaveUp, refusal } from './refusals.ts';

/** All in milliseconds except `attempts`. */
export interface RestTiming {
  readonly timeoutMs: number;
  /** Wait after the first fault; it doubles with each. */
  readonly firstWaitMs: number;
  readonly maxWaitMs: number;
  /** Wait after a 429 that does not say how long; it doubles to a minute, in which the vendor counts. */
  readonly limitWaitMs: number;
  /** Longest Retry-After that is waited for. */
  readonly maxRetryAfterMs: number;
  /** Requests for one page, the first included. */
  readonly attempts: number;
  /** Window of `perMinute`. */
  readonly windowMs: number;
}

export interface RestClientOptions {
  readonly restUrl: string;
  readonly apiKey: string;
  /** Requests a minute; null as fast as they are answered. */
  readonly perMinute: number | null;
  readonly clock: Clock;
  /** One line for each wait that a user would wonder about. */
  readonly onWait?: (text: string) => void;
  readonly timing?: Partial<RestTiming>;
}

export interface RestClient {
  /** The page at a path of the vendor's, e.g. `/v3/quotes/O:…`. Throws Failure, or the signal's reason. */
  first(query: PageQuery, signal: AbortSignal): Promise<Page>;
  /** The page that an earlier one names. Throws Failure if it is on another origin: the key is not sent there. */
  next(nextUrl: string, asked: Asked, signal: AbortSignal): Promise<Page>;
  /** Requests sent so far, repetitions included. */
  requests(): number;
}

export interface PageQuery {
  readonly path: string;
  readonly search: Readonly<Record<string, string>>;
  readonly asked: Asked;
}

const TIMING: RestTiming = {
  // 50,000 quotes are 10 MB: time enough for a slow line.
  timeoutMs: 120_000,
  firstWaitMs: 500,
  maxWaitMs: 30_000,
  limitWaitMs: 15_000,
  maxRetryAfterMs: 900_000,
  attempts: 9,
  windowMs: 60_000,
};
const MINUTE_MS = 60_000;
// Six times a page of 50,000 quotes.
const MAX_BODY_BYTES = 64 << 20;
const NOBODY_THERE = /ECONNREFUSED|ENOTFOUND|EAI_AGAIN|bad port|certificate/i;

/** Why a page is worth asking for again. */
interface Fault {
  readonly reason: string;
  readonly isLimit: boolean;
  /** As the vendor says. */
  readonly retryAfterMs: number | null;
}

/** A client with a pace of its own. Throws Failure on a key or an address that cannot be used. */
export function createRestClient(options: RestClientOptions): RestClient {
  const { restUrl, apiKey, clock, perMinute, onWait } = options;
  assertAddress(restUrl, 'rest');
  assertApiKey(apiKey);
  const timing: RestTiming = { ...TIMING, ...options.timing };
  const { origin } = new URL(restUrl);
  const pacer = createPacer({ limit: perMinute, clock, windowMs: timing.windowMs });
  let requests = 0;
  let isReached = false;

  async function request(url: URL, signal: AbortSignal): Promise<{ response: Response; text: string }> {
    const both = AbortSignal.any([AbortSignal.timeout(timing.timeoutMs), signal]);
    const headers = { authorization: `Bearer ${apiKey}`, accept: 'application/json' };
    const response = await fetch(url, { headers, signal: both, redirect: 'manual' });
    return { response, text: await readBody(response) };
  }

  async function attempt(url: URL, asked: Asked, signal: AbortSignal): Promise<Page | Fault> {
    await pacer.turn(signal);
    requests += 1;
    try {
      const { response, text } = await request(url, signal);
      isReached = true;
      return judge(response, text, { asked, apiKey, where: url.origin + url.pathname });
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof Failure) throw error;
      // Without `cause`: what a HTTP client throws may quote the request's headers.
      const reason = `Massive cannot be reached at ${origin}: ${redact(errorText(error), apiKey)}`;
      if (!isReached && NOBODY_THERE.test(reason)) {
        throw new Failure(reason, { hint: 'Check the network and MASSIVE_REST_URL.' });
      }
      return { reason, isLimit: false, retryAfterMs: null };
    }
  }

  async function ask(url: URL, asked: Asked, signal: AbortSignal): Promise<Page> {
    for (let failed = 1; ; failed += 1) {
      const outcome = await attempt(url, asked, signal);
      if ('results' in outcome) return outcome;
      if (failed >= timing.attempts) throw gaveUp(outcome.reason, failed);
      const waitMs = waitAfter(outcome, failed, timing);
      if (waitMs > timing.maxRetryAfterMs) {
        throw gaveUp(
          `${outcome.reason}, and wants to be asked again in ${Math.ceil(waitMs / 1000)} s`,
          failed,
        );
      }
      onWait?.(`${outcome.reason}; again in ${Math.ceil(waitMs / 1000)} s`);
      // A limit is the account's: the other workers' requests would only use it up.
      if (outcome.isLimit) pacer.pause(waitMs);
      else await clock.sleep(waitMs, signal);
    }
  }

  return {
    first({ path, search, asked }, signal) {
      const url = new URL(path, origin);
      for (const [name, value] of Object.entries(search)) url.searchParams.set(name, value);
      return ask(url, asked, signal);
    },
    async next(nextUrl, asked, signal) {
      return ask(sameOrigin(nextUrl, origin), asked, signal);
    },
    requests: () => requests,
  };
}

// A page that names another host must not be given the key.
function sameOrigin(text: string, origin: string): URL {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url !== null && url.origin === origin) return url;
  throw new Failure(
    `Massive's next page is not on ${origin} but on ${url?.origin ?? 'no address at all'}; the key was not sent there`,
    { hint: 'Set MASSIVE_REST_URL to the host that serves your plan.' },
  );
}

async function readBody(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.length;
    if (size > MAX_BODY_BYTES) throw new Failure(`Massive's answer is longer than ${MAX_BODY_BYTES} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** The page, or why to ask again; throws Failure on an answer that stands. */
function judge(
  response: Response,
  text: string,
  at: { readonly asked: Asked; readonly apiKey: string; readonly where: string },
): Page | Fault {
  const { status } = response;
  const answer = readAnswer(text);
  const said = answer?.text == null ? null : redact(answer.text, at.apiKey).slice(0, 300);
  const fault = (reason: string, isLimit = false): Fault => ({
    reason,
    isLimit,
    retryAfterMs: retryAfterOf(response),
  });
  if (status === 429) return fault(`too many requests (429${said === null ? '' : `: ${said}`})`, true);
  if (status >= 500 || status === 408)
    return fault(`Massive answers ${status}${said === null ? '' : `: ${said}`}`);
  if (status >= 300 && status < 400) {
    throw new Failure(`Massive answers ${at.where} with a redirect (${status}); the key was not sent there`, {
      hint: 'Set MASSIVE_REST_URL to the host that serves your plan.',
    });
  }
  if (status !== 200) throw refusal(status, said ?? 'no reason given', at.asked);
  if (answer === null) return fault(`Massive's answer from ${at.where} is cut off or no JSON`);
  if (answer.page !== null) return answer.page;
  throw refusal(CODES[answer.status ?? ''] ?? status, said ?? 'no reason given', at.asked);
}

// Where the refusal is in the body alone.
const CODES: Readonly<Record<string, number>> = { NOT_AUTHORIZED: 403, NOT_FOUND: 404 };

/** Milliseconds of a Retry-After header, in seconds or as a date; null where there is none or nothing sensible. */
function retryAfterOf(response: Response): number | null {
  const text = response.headers.get('retry-after')?.trim() ?? '';
  if (/^\d{1,6}$/.test(text)) return Number(text) * 1000;
  const served = Date.parse(response.headers.get('date') ?? '');
  const wait = Date.parse(text) - served;
  // By the server's own clock: ours may be wrong.
  return Number.isFinite(wait) && wait >= 0 ? wait : null;
}

function waitAfter(fault: Fault, failed: number, timing: RestTiming): number {
  if (fault.retryAfterMs !== null) return Math.max(fault.retryAfterMs, timing.firstWaitMs);
  const factor = 2 ** (failed - 1);
  return fault.isLimit
    ? Math.min(timing.limitWaitMs * factor, MINUTE_MS)
    : Math.min(timing.firstWaitMs * factor, timing.maxWaitMs);
}
