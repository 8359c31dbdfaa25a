// What an answer to an order's request means. The rule: whatever leaves open whether Tradier has the order is `unknown`.
import type { CancelOutcome, SendOutcome } from '../broker.ts';
import type { HttpAnswer, HttpResult } from '../exchange.ts';
import { parseJson } from '../http.ts';
import { hasErrors, isOverLimit, reasonIn } from './dialect.ts';
import { placedBody } from './wire.ts';

/** `created` is not yet an outcome: the id is still to be verified. */
export type SentOrder = { readonly kind: 'created'; readonly id: string } | SendOutcome;

/** Of a POST of an order. */
export function sentOrder(result: HttpResult): SentOrder {
  if (result.kind === 'not_sent') return { kind: 'not_sent', reason: result.reason };
  if (result.kind === 'no_answer') return { kind: 'unknown', reason: `no answer: ${result.reason}` };
  const refusal = refusalOf(result);
  if (refusal !== null) return { kind: 'rejected', reason: refusal };
  const placed = result.status === 200 ? placedBody.safeParse(parseJson(result.text)) : null;
  if (placed?.success !== true) return { kind: 'unknown', reason: openReason(result) };
  const { id } = placed.data;
  return id === undefined ? { kind: 'unknown', reason: '200 without an order id' } : { kind: 'created', id };
}

/** Of a DELETE of an order: a 200 is an acknowledgement only. */
export function cancelOutcome(result: HttpResult): CancelOutcome {
  if (result.kind === 'not_sent') return { kind: 'not_sent', reason: result.reason };
  if (result.kind === 'no_answer') return { kind: 'unknown', reason: `no answer: ${result.reason}` };
  const refusal = refusalOf(result);
  if (refusal !== null) return { kind: 'refused', reason: refusal };
  return result.status === 200 ? { kind: 'requested' } : { kind: 'unknown', reason: openReason(result) };
}

/**
 * Why the request was not carried out, or null where that is not certain: errors with 200, a 400 or 401 in words that can be
 * read, and too many requests. A page for humans comes from the edge and says nothing.
 */
export function refusalOf(answer: HttpAnswer): string | null {
  const { status } = answer;
  const reason = reasonIn(answer);
  if (isOverLimit(answer)) return `rate limit: ${reason ?? 'too many requests'}`;
  if (status === 200) return hasErrors(parseJson(answer.text)) ? (reason ?? 'errors') : null;
  return (status === 400 || status === 401) && reason !== null ? `${status}: ${reason}` : null;
}

function openReason(answer: HttpAnswer): string {
  const words =
    reasonIn(answer) ?? (answer.text === null ? 'the body did not arrive whole' : 'nothing that can be read');
  return `${answer.status} leaves it open: ${words}`;
}
