// Requests to Schwab's API with a token, within the budget: reads are patient and repeated, orders are sent once.
import type { z } from 'zod';
import type { Clock } from '../../../core/clock.ts';
import { epochMsFromEastern } from '../../../core/eastern_time.ts';
import { errorText, Failure } from '../../../core/failure.ts';
import type { Logger } from '../../../core/log.ts';
import type { Priority } from '../broker.ts';
import type { SchwabAccess } from './access.ts';
import { pauseAfter } from './backoff.ts';
import type { Budget } from './budget.ts';
import type { Exchange, HttpAnswer, HttpRequest, HttpResult } from './exchange.ts';
import type { SchwabTiming } from './settings.ts';
import { parseJson, refusalIn } from './wire_error.ts';

export interface ReadRequest<T> {
  /** For logs and messages: the path without account and order. */
  readonly route: string;
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly schema: z.ZodType<T>;
  /** `exit` may use the requests kept for exits. Default `entry`. */
  readonly priority?: Priority;
  /** Times that it is sent at most, and the time-out of each; defaults from the settings. */
  readonly attempts?: number;
  readonly timeoutMs?: number;
}

export interface OrderRequest {
  readonly route: string;
  readonly method: 'POST' | 'PUT' | 'DELETE';
  readonly path: string;
  readonly body?: unknown;
  readonly priority: Priority;
}

export interface SchwabHttp {
  /**
   * A GET, again after 429, 5xx and failures of the network, and once with a new token after a 401. Null where Schwab says that
   * there is no such thing. Throws a Failure where it cannot be asked.
   */
  read<T>(request: ReadRequest<T>): Promise<T | null>;
  /** An order's request, sent at most once. Never throws. */
  send(request: OrderRequest): Promise<HttpResult>;
}

export interface HttpOptions {
  readonly baseUrl: URL;
  readonly exchange: Exchange;
  readonly access: SchwabAccess;
  readonly budget: Budget;
  readonly clock: Clock;
  readonly transport: Clock;
  readonly timing: SchwabTiming;
  readonly log: Logger;
  /** Ends waiting reads. */
  readonly signal: AbortSignal;
}

const MAX_PAUSE_MS = 120_000;

/** Requests below `/trader/v1`. */
export function createHttp(options: HttpOptions): SchwabHttp {
  return { read: (request) => read(request, options), send: (request) => send(request, options) };
}

async function read<T>(request: ReadRequest<T>, options: HttpOptions): Promise<T | null> {
  const { access, timing, transport, signal } = options;
  const attempts = request.attempts ?? timing.readAttempts;
  let isTokenRenewed = false;
  for (let attempt = 1; ; attempt += 1) {
    const token = await access.token();
    await waitForBudget(request, options);
    const result = await exchangeWith(token, request, options);
    if (result.kind === 'answered' && result.status === 401 && !isTokenRenewed) {
      access.refused(token);
      isTokenRenewed = true;
      // A token that stays the same is not the reason.
      if ((await access.token()) !== token) {
        attempt -= 1;
        continue;
      }
    }
    const outcome = outcomeOf(request, result);
    if (outcome.kind === 'value') return outcome.value;
    const waitMs = pauseMs(attempt, result, options);
    if (!outcome.isTransient || attempt >= attempts || waitMs === null || signal.aborted)
      throw outcome.failure;
    await transport.sleep(waitMs, signal);
  }
}

function exchangeWith(
  token: string,
  request: ReadRequest<unknown>,
  options: HttpOptions,
): Promise<HttpResult> {
  const { timing, signal } = options;
  const url = new URL(`/trader/v1${request.path}`, options.baseUrl);
  for (const [name, value] of Object.entries(request.query ?? {})) url.searchParams.set(name, value);
  return logged(
    request.route,
    {
      method: 'GET',
      url,
      headers: headersOf(token),
      timeoutMs: request.timeoutMs ?? timing.readTimeoutMs,
      signal,
    },
    options,
  );
}

async function send(request: OrderRequest, options: HttpOptions): Promise<HttpResult> {
  const { access, budget, timing } = options;
  const { route, method, path, body, priority } = request;
  let token: string;
  try {
    token = await access.token();
  } catch (error) {
    return { kind: 'not_sent', reason: `no token: ${errorText(error)}` };
  }
  const purpose = { isOrder: true, isExit: priority === 'exit' };
  if (!budget.take(purpose)) {
    const waitMs = Math.ceil(budget.waitMs(purpose));
    return { kind: 'not_sent', reason: `our own limit of requests to Schwab is used up for ${waitMs} ms` };
  }
  const json = body === undefined ? {} : { body: JSON.stringify(body) };
  const type: Record<string, string> = body === undefined ? {} : { 'content-type': 'application/json' };
  const url = new URL(`/trader/v1${path}`, options.baseUrl);
  // Without the signal of closing: what is under way is heard to its end.
  const sent: HttpRequest = {
    method,
    url,
    headers: { ...headersOf(token), ...type },
    isFresh: true,
    timeoutMs: timing.orderTimeoutMs,
    ...json,
  };
  const result = await logged(route, sent, options);
  if (result.kind === 'answered' && result.status === 401) access.refused(token);
  return result;
}

function headersOf(token: string): Record<string, string> {
  return { authorization: `Bearer ${token}`, accept: 'application/json' };
}

async function logged(route: string, request: HttpRequest, options: HttpOptions): Promise<HttpResult> {
  const { exchange, transport, log, budget } = options;
  const began = transport.now();
  const result = await exchange(request);
  const fields = { route, ms: (transport.now() - began) / 1000 };
  if (result.kind !== 'answered') {
    log.warn({ ...fields, outcome: result.kind, reason: result.reason }, 'schwab did not answer');
  } else {
    const { status } = result;
    // Schwab's support asks for it.
    const correlId = headerOf(result, 'schwab-client-correlid');
    const level = request.method === 'GET' && status < 400 ? 'debug' : 'info';
    log[level]({ ...fields, status, correl_id: correlId }, 'schwab answered');
    if (status === 429) budget.pause(retryAfterMs(result, options) ?? options.timing.backoffFirstMs);
  }
  return result;
}

async function waitForBudget(request: ReadRequest<unknown>, options: HttpOptions): Promise<void> {
  const { budget, transport, timing, signal } = options;
  const purpose = { isOrder: false, isExit: request.priority === 'exit' };
  let patienceMs = timing.budgetPatienceMs;
  while (!budget.take(purpose)) {
    const waitMs = Math.ceil(budget.waitMs(purpose));
    if (waitMs > patienceMs) {
      throw new Failure(`no request to Schwab is free for ${request.route} in the next ${waitMs} ms`, {
        hint: 'The limit is our own, below Schwab’s, or Schwab asked for a pause: is something asking too often?',
      });
    }
    patienceMs -= waitMs;
    await transport.sleep(waitMs, signal);
    if (signal.aborted) throw new Failure('the connection to Schwab was closed by us');
  }
}

type ReadOutcome<T> =
  | { readonly kind: 'value'; readonly value: T | null }
  | { readonly kind: 'failed'; readonly failure: Failure; readonly isTransient: boolean };

function outcomeOf<T>(request: ReadRequest<T>, result: HttpResult): ReadOutcome<T> {
  const { route } = request;
  if (result.kind !== 'answered') {
    return failed(`Schwab cannot be reached for ${route}: ${result.reason}`, true);
  }
  const { status, text } = result;
  if (status === 200) {
    const body = parseJson(text);
    if (body === undefined) return failed(`Schwab's answer to ${route} did not arrive whole`, true);
    const parsed = request.schema.safeParse(body);
    if (parsed.success) return { kind: 'value', value: parsed.data };
    const where = parsed.error.issues[0]?.path.join('.') || 'the whole';
    return failed(`Schwab's answer to ${route} is not as documented: ${where}`, false);
  }
  const refusal = refusalIn(text);
  // During outages 404 comes as plain text for everything: that is no "there is none".
  if (status === 404 && refusal !== null && !refusal.isTransportFault) return { kind: 'value', value: null };
  const isTransient = status === 429 || status >= 500 || (status === 404 && refusal === null);
  return failed(
    `Schwab answered ${status} to ${route}: ${refusal?.reason ?? 'nothing that can be read'}`,
    isTransient,
  );
}

function failed(message: string, isTransient: boolean): ReadOutcome<never> {
  const hint = isTransient
    ? 'It was tried more than once; if it lasts, Schwab has an outage.'
    : 'Look at the login with `strikebase schwab status`.';
  return { kind: 'failed', failure: new Failure(message, { hint }), isTransient };
}

/** Null where Schwab asks for a longer pause than a read has patience for. */
function pauseMs(attempt: number, result: HttpResult, options: HttpOptions): number | null {
  const { backoffFirstMs, backoffMaxMs, budgetPatienceMs } = options.timing;
  const asked = result.kind === 'answered' ? retryAfterMs(result, options) : null;
  if (asked !== null) return asked <= budgetPatienceMs ? asked : null;
  return Math.min(backoffMaxMs, pauseAfter(attempt, backoffFirstMs));
}

/** What `Retry-After` asks for, in seconds or as a date; null without it. */
function retryAfterMs(answer: HttpAnswer, options: Pick<HttpOptions, 'clock'>): number | null {
  const text = headerOf(answer, 'retry-after');
  if (text === null) return null;
  const ms = /^\d+$/.test(text)
    ? Number(text) * 1000
    : Date.parse(text) - epochMsFromEastern(options.clock.now());
  return Number.isFinite(ms) ? Math.min(MAX_PAUSE_MS, Math.max(0, ms)) : null;
}

/** A header that came once, or null. */
export function headerOf(answer: HttpAnswer, name: string): string | null {
  const value = answer.headers[name];
  return typeof value === 'string' ? value : null;
}
