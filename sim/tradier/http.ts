// The HTTP half of the simulated Tradier: routes a request, checks its token and its rate, and answers it, well or badly.
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { EasternUs } from '../../core/eastern_time.ts';
import { type Answer, htmlError, readBody, sendAnswer } from '../venue/http.ts';
import { answerAccounts, type Call } from './accounts.ts';
import type { Fault, Operation } from './faults.ts';
import { answerMarkets } from './markets.ts';
import type { TradierParts } from './parts.ts';
import { createRateLimits } from './rate_limit.ts';
import { errors, gatewayFault, plain, toXml } from './wire.ts';

export interface RequestRecord {
  readonly at: EasternUs;
  readonly operation: Operation | null;
  readonly method: string;
  /** Without the query. */
  readonly path: string;
  /** Null for a request that was not answered. */
  readonly status: number | null;
  readonly fault: Fault['kind'] | null;
}

export interface HttpContext {
  readonly parts: TradierParts;
  readonly isTokenGood: (token: string) => boolean;
  readonly record: (request: RequestRecord) => void;
}

const ACCOUNT = '/v1/accounts/([^/]+)';
const PATTERNS: readonly (readonly [string, RegExp, Operation])[] = (
  [
    ['GET', '/v1/markets/options/expirations', 'GET expirations'],
    ['GET', '/v1/markets/options/strikes', 'GET strikes'],
    ['GET', '/v1/markets/options/chains', 'GET chains'],
    ['GET', '/v1/markets/quotes', 'GET quotes'],
    ['POST', '/v1/markets/quotes', 'GET quotes'],
    ['GET', '/v1/markets/clock', 'GET clock'],
    ['GET', '/v1/markets/calendar', 'GET calendar'],
    ['GET', '/v1/user/profile', 'GET profile'],
    ['GET', `${ACCOUNT}/balances`, 'GET balances'],
    ['GET', `${ACCOUNT}/positions`, 'GET positions'],
    ['GET', `${ACCOUNT}/history`, 'GET history'],
    ['GET', `${ACCOUNT}/orders`, 'GET orders'],
    ['POST', `${ACCOUNT}/orders`, 'POST order'],
    ['GET', `${ACCOUNT}/orders/([^/]+)`, 'GET order'],
    ['PUT', `${ACCOUNT}/orders/([^/]+)`, 'PUT order'],
    ['DELETE', `${ACCOUNT}/orders/([^/]+)`, 'DELETE order'],
  ] as const
).map(([method, path, operation]) => [method, new RegExp(`^${path}/?$`), operation]);

interface Target {
  readonly path: string;
  readonly call: Omit<Call, 'fault'> | null;
}

function targetOf(request: IncomingMessage, body: string): Target {
  try {
    const url = new URL(request.url ?? '/', 'http://127.0.0.1');
    for (const [method, pattern, operation] of PATTERNS) {
      const match = request.method === method ? pattern.exec(url.pathname) : null;
      if (match === null) continue;
      const [, account = '', id = ''] = match.map((each) => decodeURIComponent(each ?? ''));
      const isPreview = operation === 'POST order' && new URLSearchParams(body).get('preview') === 'true';
      const call = {
        operation: isPreview ? 'POST preview' : operation,
        account,
        id,
        query: url.searchParams,
        body,
      };
      return { path: url.pathname, call: call as Omit<Call, 'fault'> };
    }
    return { path: url.pathname, call: null };
  } catch {
    return { path: request.url ?? '/', call: null };
  }
}

// The answer that a fault puts in the place of the right one; null where the right one is sent.
function faultyAnswer(fault: Fault | null): Answer | null {
  switch (fault?.kind) {
    case 'html':
      return htmlError(fault.status);
    case 'gateway':
      return gatewayFault(fault.what);
    case 'rate_limit':
      return plain(fault.status, fault.status === 429 ? 'Too Many Requests' : 'Quota Violation');
    case 'unauthorized':
      return plain(401, 'Invalid Access Token');
    case 'errors':
      return errors(fault.texts);
    case 'plain_400':
      return plain(400, fault.text);
    default:
      return null;
  }
}

function takesEffect(fault: Fault | null): boolean {
  if (fault?.kind === 'reset' || fault?.kind === 'html') return fault.accept;
  return faultyAnswer(fault) === null;
}

interface Incoming {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly call: Call;
  readonly headers: Readonly<Record<string, string>>;
}

function perform({ request, call }: Incoming, context: HttpContext): Answer {
  const token = /^Bearer (.+)$/.exec(request.headers.authorization ?? '')?.[1];
  if (token === undefined || !context.isTokenGood(token)) return plain(401, 'Invalid Access Token');
  const isForm = request.headers['content-type']?.startsWith('application/x-www-form-urlencoded') === true;
  if (call.body !== '' && !isForm) return plain(400, 'Invalid content type.');
  return answerAccounts(call, context.parts) ?? answerMarkets(call, context.parts) ?? plain(404, 'Not Found');
}

function send(incoming: Incoming, answer: Answer, context: HttpContext): void {
  const { request, response, headers, call } = incoming;
  const isJson = /json/.test(String(request.headers.accept ?? ''));
  const isXml = !isJson && typeof answer.body === 'object';
  const sent = isXml
    ? { ...answer, headers: { 'content-type': 'application/xml' }, body: toXml(answer.body) }
    : answer;
  sendAnswer(sent, { request, response, headers, gzip: context.parts.settings.gzip, fault: call.fault });
}

function answer(incoming: Incoming, isAllowed: boolean, context: HttpContext): number | null {
  const { request, call } = incoming;
  const { settings, venue } = context.parts;
  const { fault } = call;
  const act = (): Answer =>
    isAllowed
      ? perform(incoming, context)
      : plain(settings.quotaStatus, settings.quotaStatus === 429 ? 'Too Many Requests' : 'Quota Violation');
  if (fault?.kind === 'hang') {
    if (fault.accept) venue.after(fault.acceptAfterMs ?? 0, act);
    return null;
  }
  const right = takesEffect(fault) ? act() : null;
  if (fault?.kind === 'reset') {
    request.socket.resetAndDestroy();
    return null;
  }
  const sent = faultyAnswer(fault) ?? right ?? htmlError(500);
  venue.after(fault?.kind === 'slow' ? fault.ms : 0, () => send(incoming, sent, context));
  return sent.status;
}

/** The request handler. */
export function createHttpHandler(
  context: HttpContext,
): (request: IncomingMessage, response: ServerResponse) => Promise<void> {
  const { parts, record } = context;
  const take = createRateLimits(parts.settings);
  return async (request, response) => {
    const at = parts.settings.clock.now();
    const { method = 'GET' } = request;
    const body = await readBody(request);
    const { path, call } = targetOf(request, body ?? '');
    if (body === null || call === null) {
      const status = body === null ? 413 : 404;
      response.writeHead(status, { 'content-type': 'text/plain' }).end('Not Found');
      record({ at, operation: null, method, path, status, fault: null });
      return;
    }
    const { operation } = call;
    const fault = parts.script.take(operation);
    const { isAllowed, headers } = take(operation);
    const status = answer({ request, response, call: { ...call, fault }, headers }, isAllowed, context);
    record({ at, operation, method, path, status, fault: fault?.kind ?? null });
  };
}
