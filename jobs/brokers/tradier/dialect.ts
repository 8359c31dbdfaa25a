// How Tradier answers: errors with 200, errors as plain text, and limits in headers (reference A2, A3).
import { z } from 'zod';
import { type EasternUs, epochMsFromEastern } from '../../../core/eastern_time.ts';
import type { HttpAnswer } from '../exchange.ts';
import { type Dialect, headerOf, parseJson, type ReadVerdict, retryAfterMs } from '../http.ts';

const errorsBody = z.looseObject({
  errors: z.looseObject({ error: z.union([z.string(), z.array(z.string())]) }),
});
const faultBody = z.looseObject({ fault: z.looseObject({ faultstring: z.string() }) });

const MAX_REASON = 300;
const MAX_PAUSE_MS = 60_000;
// Above it an epoch is in milliseconds: clients disagree on the unit.
const MS_FROM = 1e12;

/** What Tradier says that is wrong, or null where it says nothing that can be read: an empty body, a page, half a JSON text. */
export function reasonIn({ text }: Pick<HttpAnswer, 'text'>): string | null {
  const told = text?.trim() ?? '';
  if (told === '' || told.startsWith('<')) return null;
  const body = parseJson(told);
  if (body === undefined) return told.startsWith('{') ? null : told.slice(0, MAX_REASON);
  const errors = errorsBody.safeParse(body);
  if (errors.success) return [errors.data.errors.error].flat().join('; ').slice(0, MAX_REASON);
  const fault = faultBody.safeParse(body);
  return fault.success ? fault.data.fault.faultstring.slice(0, MAX_REASON) : null;
}

/** True for the errors that come with 200. */
export function hasErrors(body: unknown): boolean {
  return errorsBody.safeParse(body).success;
}

export function isOverLimit(answer: HttpAnswer): boolean {
  return answer.status === 429 || (answer.status === 400 && /quota/i.test(answer.text ?? ''));
}

// 401 also stands for an order or an account that is not ours.
function isForeign({ status, text }: HttpAnswer): boolean {
  return status === 401 && /unauthorized account/i.test(text ?? '');
}

function verdict(answer: HttpAnswer): ReadVerdict {
  const { status, text } = answer;
  if (isForeign(answer)) return { kind: 'absent' };
  const reason = reasonIn(answer);
  if (status === 200) {
    const body = parseJson(text);
    if (!hasErrors(body)) return { kind: 'value', body };
    return { kind: 'failed', message: reason ?? 'errors', isTransient: false };
  }
  // A token that is refused once may be good: its gateway looks it up in a store that has failed before.
  const isTransient = isOverLimit(answer) || status === 401 || status >= 500;
  return { kind: 'failed', message: reason ?? 'nothing that can be read', isTransient };
}

function askedPauseMs(answer: HttpAnswer, now: EasternUs): number | null {
  if (!isOverLimit(answer)) return null;
  const asked = retryAfterMs(answer, now);
  if (asked !== null) return asked;
  const expiry = Number(headerOf(answer, 'x-ratelimit-expiry') ?? Number.NaN);
  const isSpent = headerOf(answer, 'x-ratelimit-available') === '0';
  if (!isSpent || !Number.isFinite(expiry)) return null;
  const ms = (expiry > MS_FROM ? expiry : expiry * 1000) - epochMsFromEastern(now);
  return Math.min(MAX_PAUSE_MS, Math.max(0, ms));
}

/** The dialect of an address, whose path stands before every other. */
export function tradierDialect(baseUrl: URL): Dialect {
  return {
    name: 'Tradier',
    prefix: baseUrl.pathname.replace(/\/+$/, ''),
    hint: 'Look at TRADIER_TOKEN, TRADIER_ACCOUNT and TRADIER_BASE_URL in .env: sandbox and live tokens are not interchangeable.',
    correlationHeader: null,
    encode: (body) => ({
      text: new URLSearchParams(body as Record<string, string>).toString(),
      type: 'application/x-www-form-urlencoded',
    }),
    isTokenRefused: (answer) => answer.status === 401 && !isForeign(answer),
    verdict,
    askedPauseMs,
    isOverLimit,
  };
}
