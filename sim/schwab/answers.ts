// Answers of the simulated Schwab: the JSON, the HTML and the plain text that its gateways send (reference B1, B2).

import type { Answer } from '../venue/http.ts';

const HTML = { 'content-type': 'text/html' };

/** The trader API's error. */
export function traderError(status: number, message: string, errors: readonly string[] = []): Answer {
  return { status, body: { message, errors } };
}

/** The market data API's error, and that of a token that is dead or lacks the product. */
export function apiError(
  status: number,
  id: string,
  text: { readonly title: string; readonly detail: string },
): Answer {
  return { status, body: { errors: [{ id, status, ...text }] } };
}

export function unauthorized(id: string): Answer {
  return apiError(401, id, { title: 'Unauthorized', detail: 'Client not authorized' });
}

export function accessDenied(): Answer {
  const page =
    '<HTML><HEAD>\n<TITLE>Access Denied</TITLE>\n</HEAD><BODY>\n<H1>Access Denied</H1>\n \n' +
    "You don't have permission to access this resource on this server.<P>\nReference&#32;#18.0\n</BODY>\n</HTML>\n";
  return { status: 403, headers: HTML, body: page };
}

export function apigeeFault(): Answer {
  const fault = {
    faultstring: 'The Service is temporarily unavailable',
    detail: { errorcode: 'messaging.adaptors.http.flow.ServiceUnavailable' },
  };
  return { status: 503, body: { fault } };
}

export function noRoute(path: string): Answer {
  const headers = { 'content-type': 'text/plain' };
  return { status: 404, headers, body: `Requested route ${path} does not exist` };
}

/** The body of Schwab's 429 is unknown: an Apigee quota fault, or nothing. */
export function rateLimited(retryAfterS: number | null, hasBody: boolean): Answer {
  const fault = {
    faultstring: 'Rate limit quota violation. Quota limit exceeded.',
    detail: { errorcode: 'policies.ratelimit.QuotaViolation' },
  };
  return {
    status: 429,
    ...(retryAfterS === null ? {} : { headers: { 'retry-after': String(retryAfterS) } }),
    ...(hasBody ? { body: { fault } } : {}),
  };
}
