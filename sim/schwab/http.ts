// The HTTP half of the simulated Schwab: routes a request, checks its token and its rate, and answers it, well or badly.
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { EasternUs } from '../../core/eastern_time.ts';
import { type Answer, htmlError, readBody, sendAnswer } from '../venue/http.ts';
import { accessDenied, apigeeFault, noRoute, rateLimited, unauthorized } from './answers.ts';
import type { Fault, Operation } from './faults.ts';
import { answerMarketData } from './market_data.ts';
import { answerMarketHours } from './market_hours.ts';
import type { SimulatorParts } from './parts.ts';
import { type Route, routeOf } from './routes.ts';
import { answerTrader } from './trader.ts';

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
  readonly parts: SimulatorParts;
  readonly after: (ms: number, run: () => void) => void;
  readonly record: (request: RequestRecord) => void;
}

const MINUTE_US = 60_000_000;
const ORDER_OPERATIONS: readonly Operation[] = ['POST order', 'PUT order', 'DELETE order'];

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** True while the account has order requests left in the last minute; takes one. */
function createRateLimit(parts: SimulatorParts): (hash: string) => boolean {
  const taken = new Map<string, EasternUs[]>();
  return (hash) => {
    const { clock, ordersPerMinute } = parts.settings;
    if (ordersPerMinute === null) return true;
    const now = clock.now();
    const recent = (taken.get(hash) ?? []).filter((at) => now - at < MINUTE_US);
    const isAllowed = recent.length < ordersPerMinute;
    taken.set(hash, isAllowed ? [...recent, now] : recent);
    return isAllowed;
  };
}

// Null for a path that is none.
function targetOf(request: IncomingMessage): { readonly url: URL; readonly route: Route | null } | null {
  try {
    const url = new URL(request.url ?? '/', 'http://127.0.0.1');
    return { url, route: routeOf(request.method ?? 'GET', url.pathname) };
  } catch {
    return null;
  }
}

interface Incoming {
  readonly request: IncomingMessage;
  readonly url: URL;
  readonly route: Route;
  readonly body: string;
  readonly fault: Fault | null;
}

// What the request does when nothing goes wrong with its transport.
function perform(incoming: Incoming, parts: SimulatorParts, mayOrder: (hash: string) => boolean): Answer {
  const { route, request, url, body, fault } = incoming;
  if (route.operation === 'GET authorize') return parts.oauth.authorize(url.searchParams);
  const { authorization, 'content-type': contentType } = request.headers;
  if (route.operation === 'POST token') return parts.oauth.token({ authorization, contentType, body });
  const token = /^Bearer (.+)$/.exec(authorization ?? '')?.[1];
  if (token === undefined || !parts.oauth.isValid(token)) return unauthorized(parts.uuid());
  if (ORDER_OPERATIONS.includes(route.operation) && !mayOrder(route.hash)) return rateLimited(null, true);
  const call = { ...route, query: url.searchParams, body: parseJson(body), fault };
  const answer = answerTrader(call, parts) ?? answerMarketData(call, parts) ?? answerMarketHours(call, parts);
  return answer ?? noRoute(url.pathname);
}

// The answer that a fault puts in the place of the right one; null where the right one is sent.
function faultyAnswer(fault: Fault | null, path: string, uuid: () => string): Answer | null {
  switch (fault?.kind) {
    case 'html':
      return htmlError(fault.status);
    case 'fault_json':
      return apigeeFault();
    case 'no_route':
      return noRoute(path);
    case 'rate_limit':
      return rateLimited(fault.retryAfterS, fault.hasBody);
    case 'unauthorized':
      return unauthorized(uuid());
    case 'access_denied':
      return accessDenied();
    default:
      return null;
  }
}

function takesEffect(fault: Fault | null): boolean {
  switch (fault?.kind) {
    case 'reset':
    case 'html':
      return fault.accept;
    case 'fault_json':
    case 'no_route':
    case 'rate_limit':
    case 'unauthorized':
    case 'access_denied':
      return false;
    default:
      return true;
  }
}

function send(incoming: Incoming, response: ServerResponse, answer: Answer, parts: SimulatorParts): void {
  const { request, fault } = incoming;
  const correlId = request.headers['schwab-client-correlid'];
  const headers = { 'schwab-client-correlid': typeof correlId === 'string' ? correlId : parts.uuid() };
  sendAnswer(answer, { request, response, headers, gzip: parts.settings.gzip, fault });
}

function killTokens(fault: Fault | null, parts: SimulatorParts): void {
  if (fault?.kind !== 'token_death') return;
  if (fault.token === 'access') parts.oauth.killAccessTokens();
  else parts.oauth.killRefreshToken();
}

function answer(
  incoming: Incoming,
  response: ServerResponse,
  context: HttpContext & { readonly mayOrder: (hash: string) => boolean },
): number | null {
  const { fault, request, url } = incoming;
  const { parts, after, mayOrder } = context;
  killTokens(fault, parts);
  const act = (): Answer => perform(incoming, parts, mayOrder);
  if (fault?.kind === 'hang') {
    if (fault.accept) after(fault.acceptAfterMs ?? 0, act);
    return null;
  }
  const right = takesEffect(fault) ? act() : null;
  if (fault?.kind === 'reset') {
    request.socket.resetAndDestroy();
    return null;
  }
  const sent = faultyAnswer(fault, url.pathname, parts.uuid) ?? right ?? htmlError(500);
  after(fault?.kind === 'slow' ? fault.ms : 0, () => send(incoming, response, sent, parts));
  return sent.status;
}

/** The request handler. */
export function createHttpHandler(
  context: HttpContext,
): (request: IncomingMessage, response: ServerResponse) => Promise<void> {
  const { parts, record } = context;
  const limited = { ...context, mayOrder: createRateLimit(parts) };
  return async (request, response) => {
    const at = parts.settings.clock.now();
    const { method = 'GET' } = request;
    const target = targetOf(request);
    const path = target?.url.pathname ?? request.url ?? '/';
    const body = await readBody(request);
    const route = target?.route ?? null;
    if (body === null || target === null || route === null) {
      const status = body === null ? 413 : target === null ? 400 : 404;
      response.writeHead(status, { 'content-type': 'text/plain' }).end(String(noRoute(path).body));
      record({ at, operation: null, method, path, status, fault: null });
      return;
    }
    const fault = parts.script.take(route.operation);
    const status = answer({ request, url: target.url, route, body, fault }, response, limited);
    record({ at, operation: route.operation, method, path, status, fault: fault?.kind ?? null });
  };
}
