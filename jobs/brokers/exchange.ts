// One HTTP request and its answer, sent once. Not `fetch`: that sends a POST again by itself when it is answered 421, and does
// not tell whether anything was written before it failed.
import {
  type AgentOptions,
  type ClientRequest,
  Agent as HttpAgent,
  request as httpRequest,
  type IncomingMessage,
  type RequestOptions,
} from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { promisify } from 'node:util';
import { brotliDecompress, gunzip, inflate } from 'node:zlib';
import type { Clock } from '../../core/clock.ts';
import { errorText } from '../../core/failure.ts';

export interface HttpRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  /**
   * Over a connection of its own: one that was kept may have been closed by the server in the same moment, which leaves open
   * whether the request arrived.
   */
  readonly isFresh?: boolean;
  /** For everything, from the look-up of the host to the last byte of the answer. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
  /** Called when the last byte has been handed to the connection. */
  readonly onWritten?: (() => void) | undefined;
}

export interface HttpAnswer {
  readonly kind: 'answered';
  readonly status: number;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  /** Null where the body did not arrive whole or cannot be unpacked. */
  readonly text: string | null;
}

/**
 * `not_sent`: nothing of the request can have reached anybody. `no_answer`: it may have, and no status came back.
 */
export type HttpResult =
  | HttpAnswer
  | { readonly kind: 'not_sent'; readonly reason: string }
  | { readonly kind: 'no_answer'; readonly reason: string };

export interface Exchange {
  /** Never throws, never repeats. */
  (request: HttpRequest): Promise<HttpResult>;
  /** Closes connections that are kept open for the next request. */
  close(): void;
}

const MAX_BODY_BYTES = 32 * 1024 * 1024;
// Shorter than servers keep a connection.
const IDLE_CONNECTION_MS = 4000;

/** Sends over connections that are kept open for a moment, unless asked otherwise. `transport` is real time. */
export function createExchange(transport: Clock): Exchange {
  const kept = agentsWith({ keepAlive: true, timeout: IDLE_CONNECTION_MS });
  // One for all of them, so that TLS sessions are resumed.
  const fresh = agentsWith({ keepAlive: false });
  const exchange = (request: HttpRequest): Promise<HttpResult> => {
    const agents = request.isFresh === true ? fresh : kept;
    return exchangeOnce(request, transport, request.url.protocol === 'https:' ? agents.https : agents.http);
  };
  const close = (): void => {
    for (const agent of [kept.http, kept.https, fresh.http, fresh.https]) agent.destroy();
  };
  return Object.assign(exchange, { close });
}

function agentsWith(options: AgentOptions): { readonly http: HttpAgent; readonly https: HttpsAgent } {
  return { http: new HttpAgent(options), https: new HttpsAgent(options) };
}

async function exchangeOnce(
  request: HttpRequest,
  transport: Clock,
  agent: HttpAgent | HttpsAgent,
): Promise<HttpResult> {
  const ended = new AbortController();
  const given = request.signal === undefined ? [] : [request.signal];
  const stop = new AbortController();
  void transport.sleep(request.timeoutMs, ended.signal).then(() => {
    // The connection may serve another request by now.
    if (!ended.signal.aborted) stop.abort(new Error(`no answer within ${request.timeoutMs} ms`));
  });
  try {
    return await attempt(request, agent, AbortSignal.any([stop.signal, ...given]));
  } catch (error) {
    // A header that cannot be written, before a connection was even asked for.
    return { kind: 'not_sent', reason: errorText(error) };
  } finally {
    ended.abort();
  }
}

function attempt(
  request: HttpRequest,
  agent: HttpAgent | HttpsAgent,
  signal: AbortSignal,
): Promise<HttpResult> {
  return new Promise((resolve) => {
    const isSecure = request.url.protocol === 'https:';
    const client = open(request, agent, isSecure);
    const connection = watchConnection(client, isSecure);
    let isAnswered = false;
    const fail = (error: unknown): void => {
      if (isAnswered) return;
      const reason = errorText(signal.aborted ? signal.reason : error);
      resolve({ kind: connection.isOpen() ? 'no_answer' : 'not_sent', reason });
    };
    const abort = (): void => {
      client.destroy(new Error('aborted'));
    };
    if (request.onWritten !== undefined) client.once('finish', request.onWritten);
    client.on('error', fail);
    client.on('close', () => {
      signal.removeEventListener('abort', abort);
      fail(new Error('the connection was closed without an answer'));
    });
    client.on('response', (response) => {
      isAnswered = true;
      void readAnswer(response).then(resolve);
    });
    signal.addEventListener('abort', abort, { once: true });
    if (signal.aborted) abort();
    else client.end(request.body);
  });
}

function open(request: HttpRequest, agent: HttpAgent | HttpsAgent, isSecure: boolean): ClientRequest {
  const length =
    request.body === undefined ? {} : { 'content-length': String(Buffer.byteLength(request.body)) };
  const options: RequestOptions = {
    method: request.method,
    headers: { ...request.headers, ...length, 'accept-encoding': 'gzip' },
    agent,
  };
  return isSecure ? httpsRequest(request.url, options) : httpRequest(request.url, options);
}

/** Tells whether the request has a connection on which it can have been written: behind TLS, after its handshake. */
function watchConnection(client: ClientRequest, isSecure: boolean): { isOpen: () => boolean } {
  let isOpen = false;
  client.on('socket', (socket) => {
    if (client.reusedSocket || !(isSecure || socket.connecting)) isOpen = true;
    else {
      socket.once(isSecure ? 'secureConnect' : 'connect', () => {
        isOpen = true;
      });
    }
  });
  return { isOpen: () => isOpen };
}

async function readAnswer(response: IncomingMessage): Promise<HttpAnswer> {
  const { statusCode: status = 0, headers } = response;
  const packed = await readBody(response);
  const text = packed === null ? null : await unpack(packed, headers['content-encoding']);
  return { kind: 'answered', status, headers, text };
}

/** The whole body, or null: the status and the headers stand even where the connection broke after them. */
async function readBody(response: IncomingMessage): Promise<Buffer | null> {
  const parts: Buffer[] = [];
  let size = 0;
  try {
    for await (const part of response as AsyncIterable<Buffer>) {
      size += part.length;
      if (size > MAX_BODY_BYTES) return null;
      parts.push(part);
    }
  } catch {
    return null;
  }
  return response.complete ? Buffer.concat(parts) : null;
}

const UNPACKERS = {
  gzip: promisify(gunzip),
  deflate: promisify(inflate),
  br: promisify(brotliDecompress),
} as const;

async function unpack(body: Buffer, encoding: string | undefined): Promise<string | null> {
  const name = encoding?.trim().toLowerCase() ?? 'identity';
  if (name === 'identity' || body.length === 0) return body.toString('utf8');
  const unpacker = UNPACKERS[name as keyof typeof UNPACKERS];
  if (unpacker === undefined) return null;
  try {
    return (await unpacker(body, { maxOutputLength: MAX_BODY_BYTES })).toString('utf8');
  } catch {
    return null;
  }
}
