// What goes wrong with the simulated Massive's REST, on request: refusals, limits, broken answers, no answer.
import type { ServerResponse } from 'node:http';

/** The bodies are the vendor's (reference A2); `too_many_empty` and `bad_gateway` are what its front door says. */
export type RestFaultKind =
  | 'unauthorized'
  | 'forbidden'
  | 'not_found'
  | 'too_many'
  | 'too_many_empty'
  | 'bad_gateway'
  | 'truncated'
  | 'foreign_next'
  | 'reset'
  | 'hang';

export interface RestFault {
  readonly kind: RestFaultKind;
  /** Requests that it meets; default 1. */
  readonly times?: number;
  /** Part of the path that it meets, e.g. `/v3/quotes`; default every path. */
  readonly path?: string;
  /** Seconds of a Retry-After header, with a limit. */
  readonly retryAfterS?: number;
}

export interface RestFaults {
  add(fault: RestFault): void;
  /** The fault that meets a request to this path, used up by one; null if there is none. */
  take(path: string): RestFault | null;
}

/** Faults in the order they were added. */
export function createRestFaults(): RestFaults {
  const waiting: { readonly fault: RestFault; left: number }[] = [];
  return {
    add: (fault) => {
      waiting.push({ fault, left: fault.times ?? 1 });
    },
    take: (path) => {
      const index = waiting.findIndex(({ fault }) => path.includes(fault.path ?? ''));
      const found = waiting[index];
      if (found === undefined) return null;
      found.left -= 1;
      if (found.left <= 0) waiting.splice(index, 1);
      return found.fault;
    },
  };
}

const REQUEST_ID = 'simulated';
const ANSWERS: Readonly<Partial<Record<RestFaultKind, { readonly code: number; readonly body: unknown }>>> = {
  unauthorized: {
    code: 401,
    body: { status: 'ERROR', request_id: REQUEST_ID, error: 'Unknown API Key' },
  },
  forbidden: {
    code: 403,
    body: {
      status: 'NOT_AUTHORIZED',
      request_id: REQUEST_ID,
      message: 'You are not entitled to this data. Please upgrade your plan at https://massive.com/pricing',
    },
  },
  not_found: {
    code: 404,
    body: { status: 'NOT_FOUND', request_id: REQUEST_ID, message: 'Data not found.' },
  },
  too_many: {
    code: 429,
    body: {
      status: 'ERROR',
      request_id: REQUEST_ID,
      error:
        "You've exceeded the maximum requests per minute, please wait or upgrade your subscription to continue.",
    },
  },
};

/** Answers with the fault. `body` is what a sound answer would have been. */
export function answerFault(fault: RestFault, response: ServerResponse, body: string): void {
  const { kind, retryAfterS } = fault;
  const known = ANSWERS[kind];
  const patience = retryAfterS === undefined ? {} : { 'retry-after': String(retryAfterS) };
  if (known !== undefined) {
    response.writeHead(known.code, { 'content-type': 'application/json', ...patience });
    response.end(JSON.stringify(known.body));
  } else if (kind === 'too_many_empty') response.writeHead(429, patience).end();
  else if (kind === 'bad_gateway') {
    response.writeHead(502, { 'content-type': 'text/html' });
    response.end('<html><head><title>502 Bad Gateway</title></head><body>cloudflare</body></html>');
  } else if (kind === 'truncated') {
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(body.slice(0, Math.floor(body.length / 2)));
  } else if (kind === 'foreign_next') {
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ ...JSON.parse(body), next_url: 'https://elsewhere.example/v3?cursor=1' }));
  } else if (kind === 'reset') response.socket?.resetAndDestroy();
  // `hang`: the request is never answered.
}
