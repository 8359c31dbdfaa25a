// What an answer to an order's request means. The rule: whatever leaves open whether Schwab has the order is `unknown`.
import type { CancelOutcome, SendOutcome } from '../broker.ts';
import type { HttpAnswer, HttpResult } from '../exchange.ts';
import { headerOf } from '../http.ts';
import { refusalIn } from './wire_error.ts';

/** `created` is not yet an outcome: the id is still to be verified. */
export type SentOrder = { readonly kind: 'created'; readonly id: string } | SendOutcome;

// 408 and 409 may come after the request was carried out.
const UNDECIDED = new Set([408, 409]);

/** Of a POST or PUT of an order. */
export function sentOrder(result: HttpResult): SentOrder {
  if (result.kind === 'not_sent') return { kind: 'not_sent', reason: result.reason };
  if (result.kind === 'no_answer') return { kind: 'unknown', reason: `no answer: ${result.reason}` };
  const { status } = result;
  if (status === 201) {
    const id = orderIdIn(headerOf(result, 'location'));
    return id === null ? { kind: 'unknown', reason: '201 without an order id' } : { kind: 'created', id };
  }
  const refusal = refusalOf(result);
  if (refusal !== null) return { kind: 'rejected', reason: refusal };
  return { kind: 'unknown', reason: `${status} leaves it open: ${wordsOf(result)}` };
}

/** Of a DELETE of an order. */
export function cancelOutcome(result: HttpResult): CancelOutcome {
  // Nothing was asked and nothing will happen: the caller may ask again.
  if (result.kind === 'not_sent') return { kind: 'not_sent', reason: result.reason };
  if (result.kind === 'no_answer') return { kind: 'unknown', reason: `no answer: ${result.reason}` };
  if (result.status === 200 || result.status === 201 || result.status === 204) return { kind: 'requested' };
  const refusal = refusalOf(result);
  if (refusal !== null) return { kind: 'refused', reason: refusal };
  return { kind: 'unknown', reason: `${result.status} leaves it open: ${wordsOf(result)}` };
}

/**
 * Why the request was not carried out, or null where that is not certain.
 * 429 counts whatever its body: limits are applied before a request is passed on, and Schwab's body for it is not known.
 * Any other 4xx needs an error that can be read, 401 included, which the gateway answers before it looks at the order: HTML
 * and plain text come from the edge during outages and say nothing. A 5xx is never certain, nor is a gateway's fault about its
 * own connection to what is behind it.
 */
function refusalOf(answer: HttpAnswer): string | null {
  const { status, text } = answer;
  const refusal = refusalIn(text);
  if (status === 429) return `rate limit: ${refusal?.reason ?? 'too many requests'}`;
  if (status < 400 || status >= 500 || UNDECIDED.has(status)) return null;
  if (refusal === null || refusal.isTransportFault) return null;
  return `${status}: ${refusal.reason}`;
}

/** The id at the end of `.../orders/1003494772896`, absolute or relative; null without one. */
export function orderIdIn(location: string | null): string | null {
  return /\/orders\/(\d+)\/?(?:[?#].*)?$/.exec(location ?? '')?.[1] ?? null;
}

function wordsOf(answer: HttpAnswer): string {
  const refusal = refusalIn(answer.text);
  if (refusal !== null) return refusal.reason;
  if (answer.text === null) return 'the body did not arrive whole';
  return answer.text.trim() === '' ? 'empty body' : 'a body that is no error of Schwab’s';
}
