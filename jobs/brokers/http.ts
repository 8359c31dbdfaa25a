// Requests to a broker's API with a token, within the budget: reads are patient and repeated, orders are sent once.
import type { z } from 'zod';
import type { Clock } from '../../core/clock.ts';
import { type EasternUs, epochMsFromEastern } from '../../core/eastern_time.ts';
import { errorText, Failure } from '../../core/failure.ts';
import type { Logger } from '../../core/log.ts';
import { pauseAfter } from './backoff.ts';
import type { Priority } from './broker.ts';
import type { Budget } from './budget.ts';
import type { Exchange, HttpAnswer, HttpRequest, HttpResult } from './exchange.ts';

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
  /** The body that was read, as it came. */
  readonly onText?: (text: string) => void;
}

export interface OrderRequest {
  readonly route: string;
  readonly method: 'POST' | 'PUT' | 'DELETE';
  readonly path: string;
  readonly body?: unknown;
  readonly priority: Priority;
  /** Called when the last byte has been handed to the connection. */
  readonly onWritten?: (() => void) | undefined;
  /** Why it may not leave any more, asked when nothing else is waited for; null if it may. */
  readonly obstacle?: (() => string | null) | undefined;
}

/** Where tokens come from. */
export interface TokenSource {
  /** A token to send. Throws a Failure when there is none. */
  token(): Promise<string>;
  /** The API refused this token: the next one asked for may be another. */
  refused(token: string): void;
}

/** What an answer to a GET means. `absent`: there is no such thing. A transient failure is worth another try. */
export type ReadVerdict =
  | { readonly kind: 'value'; readonly body: unknown }
  | { readonly kind: 'absent' }
  | { readonly kind: 'failed'; readonly message: string; readonly isTransient: boolean };

/** How one broker's API differs from another's. */
export interface Dialect {
  /** As in messages: Schwab. */
  readonly name: string;
  /** Before every path. */
  readonly prefix: string;
  /** What to look at when a read is refused for good. */
  readonly hint: string;
  /** Header by which the broker's support finds a request. */
  readonly correlationHeader: string | null;
  encode(body: unknown): { readonly text: string; readonly type: string };
  isTokenRefused(answer: HttpAnswer): boolean;
  verdict(answer: HttpAnswer): ReadVerdict;
  /** For how long the broker wants to be left alone after this answer, ms; null where it says nothing of it. */
  askedPauseMs(answer: HttpAnswer, now: EasternUs): number | null;
  /** True where it says that there were too many requests. */
  isOverLimit(answer: HttpAnswer): boolean;
}

export interface HttpTiming {
  /** For POST, PUT and DELETE. */
  readonly orderTimeoutMs: number;
  /** For GET. */
  readonly readTimeoutMs: number;
  /** Times that a GET is sent before it has failed. */
  readonly readAttempts: number;
  /** Pauses between them: from the first, doubled, up to the last. */
  readonly backoffFirstMs: number;
  readonly backoffMaxMs: number;
  /** A read waits no longer for a request of our own limit. */
  readonly budgetPatienceMs: number;
}

export interface BrokerHttp {
  /**
   * A GET, again after 429, 5xx and failures of the network, and once with a new token after a 401. Null where the broker says
   * that there is no such thing. Throws a Failure where it cannot be asked.
   */
  read<T>(request: ReadRequest<T>): Promise<T | null>;
  /** An order's request, sent at most once. Never throws. */
  send(request: OrderRequest): Promise<HttpResult>;
}

export interface HttpOptions {
  readonly baseUrl: URL;
  readonly dialect: Dialect;
  readonly exchange: Exchange;
  readonly access: TokenSource;
  readonly budget: Budget;
  readonly clock: Clock;
  readonly transport: Clock;
  readonly timing: HttpTiming;
  readonly log: Logger;
  /** Ends waiting reads. */
  readonly signal: AbortSignal;
}

const MAX_PAUSE_MS = 120_000;

/** Requests to one broker. */
export function createHttp(options: HttpOptions): BrokerHttp {
  return { read: (request) => read(request, options), send: (request) => send(request, options) };
}

async function read<T>(request: ReadRequest<T>, options: HttpOptions): Promise<T | null> {
  const { access, timing, transport, signal, dialect } = options;
  const attempts = request.attempts ?? timing.readAttempts;
  let isTokenRenewed = false;
  for (let attempt = 1; ; attempt += 1) {
    const token = await access.token();
    await waitForBudget(request, options);
    const result = await exchangeWith(token, request, options);
    if (result.kind === 'answered' && dialect.isTokenRefused(result) && !isTokenRenewed) {
      access.refused(token);
      isTokenRenewed = true;
      // A token that stays the same is not the reason.
      if ((await access.token()) !== token) {
        attempt -= 1;
        continue;
      }
    }
    const outcome = outcomeOf(request, result, dialect);
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
  const url = urlOf(request.path, options);
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
  const { access, budget, timing, dialect } = options;
  const { route, method, path, body, priority } = request;
  let token: string;
  try {
    token = await access.token();
  } catch (error) {
    return { kind: 'not_sent', reason: `no token: ${errorText(error)}` };
  }
  const obstacle = request.obstacle?.() ?? null;
  if (obstacle !== null) return { kind: 'not_sent', reason: obstacle };
  const purpose = { isOrder: true, isExit: priority === 'exit' };
  if (!budget.take(purpose)) {
    const waitMs = Math.ceil(budget.waitMs(purpose));
    return {
      kind: 'not_sent',
      reason: `our own limit of requests to ${dialect.name} is used up for ${waitMs} ms`,
    };
  }
  const encoded = body === undefined ? null : dialect.encode(body);
  const type: Record<string, string> = encoded === null ? {} : { 'content-type': encoded.type };
  const url = urlOf(path, options);
  // Without the signal of closing: what is under way is heard to its end.
  const sent: HttpRequest = {
    method,
    url,
    headers: { ...headersOf(token), ...type },
    isFresh: true,
    timeoutMs: timing.orderTimeoutMs,
    onWritten: request.onWritten,
    ...(encoded === null ? {} : { body: encoded.text }),
  };
  const result = await logged(route, sent, options);
  if (result.kind === 'answered' && dialect.isTokenRefused(result)) access.refused(token);
  return result;
}

function urlOf(path: string, { baseUrl, dialect }: HttpOptions): URL {
  return new URL(`${dialect.prefix}${path}`, baseUrl);
}

function headersOf(token: string): Record<string, string> {
  return { authorization: `Bearer ${token}`, accept: 'application/json' };
}

async function logged(route: string, request: HttpRequest, options: HttpOptions): Promise<HttpResult> {
  const { exchange, transport, log, budget, dialect } = options;
  const began = transport.now();
  const result = await exchange(request);
  const fields = { route, ms: (transport.now() - began) / 1000 };
  if (result.kind !== 'answered') {
    log.warn(
      { ...fields, outcome: result.kind, reason: result.reason },
      `${dialect.name.toLowerCase()} did not answer`,
    );
  } else {
    const { status } = result;
    const { correlationHeader } = dialect;
    const correlId = correlationHeader === null ? null : headerOf(result, correlationHeader);
    const level = request.method === 'GET' && status < 400 ? 'debug' : 'info';
    log[level]({ ...fields, status, correl_id: correlId }, `${dialect.name.toLowerCase()} answered`);
    const askedMs = dialect.askedPauseMs(result, options.clock.now());
    if (dialect.isOverLimit(result)) budget.pause(askedMs ?? options.timing.backoffFirstMs);
    else if (askedMs !== null) budget.pause(askedMs);
  }
  return result;
}

async function waitForBudget(request: ReadRequest<unknown>, options: HttpOptions): Promise<void> {
  const { budget, transport, timing, signal, dialect } = options;
  const purpose = { isOrder: false, isExit: request.priority === 'exit' };
  let patienceMs = timing.budgetPatienceMs;
  while (!budget.take(purpose)) {
    const waitMs = Math.ceil(budget.waitMs(purpose));
    if (waitMs > patienceMs) {
      throw new Failure(
        `no request to ${dialect.name} is free for ${request.route} in the next ${waitMs} ms`,
        {
          hint: `The limit is our own, below ${dialect.name}’s, or ${dialect.name} asked for a pause: is something asking too often?`,
        },
      );
    }
    patienceMs -= waitMs;
    await transport.sleep(waitMs, signal);
    if (signal.aborted) throw new Failure(`the connection to ${dialect.name} was closed by us`);
  }
}

type ReadOutcome<T> =
  | { readonly kind: 'value'; readonly value: T | null }
  | { readonly kind: 'failed'; readonly failure: Failure; readonly isTransient: boolean };

function outcomeOf<T>(request: ReadRequest<T>, result: HttpResult, dialect: Dialect): ReadOutcome<T> {
  const { route } = request;
  const { name } = dialect;
  if (result.kind !== 'answered') {
    return failed(`${name} cannot be reached for ${route}: ${result.reason}`, true, dialect);
  }
  const verdict = dialect.verdict(result);
  if (verdict.kind === 'absent') return { kind: 'value', value: null };
  if (verdict.kind === 'failed') {
    return failed(
      `${name} answered ${result.status} to ${route}: ${verdict.message}`,
      verdict.isTransient,
      dialect,
    );
  }
  if (verdict.body === undefined) {
    return failed(`${name}'s answer to ${route} did not arrive whole`, true, dialect);
  }
  const parsed = request.schema.safeParse(verdict.body);
  if (parsed.success) {
    request.onText?.(result.text ?? '');
    return { kind: 'value', value: parsed.data };
  }
  const where = parsed.error.issues[0]?.path.join('.') || 'the whole';
  return failed(`${name}'s answer to ${route} is not as documented: ${where}`, false, dialect);
}

function failed(message: string, isTransient: boolean, { name, hint }: Dialect): ReadOutcome<never> {
  const help = isTransient ? `It was tried more than once; if it lasts, ${name} has an outage.` : hint;
  return { kind: 'failed', failure: new Failure(message, { hint: help }), isTransient };
}

/** Null where the broker asks for a longer pause than a read has patience for. */
function pauseMs(attempt: number, result: HttpResult, options: HttpOptions): number | null {
  const { backoffFirstMs, backoffMaxMs, budgetPatienceMs } = options.timing;
  const asked = result.kind === 'answered' ? options.dialect.askedPauseMs(result, options.clock.now()) : null;
  if (asked !== null) return asked <= budgetPatienceMs ? asked : null;
  return Math.min(backoffMaxMs, pauseAfter(attempt, backoffFirstMs));
}

/** What `Retry-After` asks for, in seconds or as a date; null without it. */
export function retryAfterMs(answer: HttpAnswer, now: EasternUs): number | null {
  const text = headerOf(answer, 'retry-after');
  if (text === null) return null;
  const ms = /^\d+$/.test(text) ? Number(text) * 1000 : Date.parse(text) - epochMsFromEastern(now);
  return Number.isFinite(ms) ? Math.min(MAX_PAUSE_MS, Math.max(0, ms)) : null;
}

/** A header that came once, or null. */
export function headerOf(answer: HttpAnswer, name: string): string | null {
  const value = answer.headers[name];
  return typeof value === 'string' ? value : null;
}

/** The value of a JSON text; undefined where it is none. */
export function parseJson(text: string | null): unknown {
  try {
    return text === null ? undefined : JSON.parse(text);
  } catch {
    return undefined;
  }
}
