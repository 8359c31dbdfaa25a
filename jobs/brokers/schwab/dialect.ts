// How Schwab answers reads, for the requests that all brokers share.

import type { HttpAnswer } from '../exchange.ts';
import { type Dialect, parseJson, type ReadVerdict, retryAfterMs } from '../http.ts';
import { refusalIn } from './wire_error.ts';

export const SCHWAB_DIALECT: Dialect = {
  name: 'Schwab',
  prefix: '/trader/v1',
  hint: 'Look at the login with `strikebase schwab status`.',
  // Schwab's support asks for it.
  correlationHeader: 'schwab-client-correlid',
  encode: (body) => ({ text: JSON.stringify(body), type: 'application/json' }),
  isTokenRefused: (answer) => answer.status === 401,
  verdict,
  askedPauseMs: retryAfterMs,
  isOverLimit: (answer) => answer.status === 429,
};

function verdict({ status, text }: HttpAnswer): ReadVerdict {
  if (status === 200) return { kind: 'value', body: parseJson(text) };
  const refusal = refusalIn(text);
  // During outages 404 comes as plain text for everything: that is no "there is none".
  if (status === 404 && refusal !== null && !refusal.isTransportFault) return { kind: 'absent' };
  const isTransient = status === 429 || status >= 500 || (status === 404 && refusal === null);
  return { kind: 'failed', message: refusal?.reason ?? 'nothing that can be read', isTransient };
}
