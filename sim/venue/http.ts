// What the HTTP halves of simulated brokers share: bodies in, answers out, and how a connection goes wrong.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { gzipSync } from 'node:zlib';

export interface Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** A text is sent as it is, anything else as JSON; undefined is no body. */
  readonly body?: unknown;
}

/** `accept`: the request takes effect all the same. */
export type WireFault =
  | { readonly kind: 'hang'; readonly accept: boolean; readonly acceptAfterMs?: number }
  | { readonly kind: 'reset'; readonly accept: boolean }
  | { readonly kind: 'html'; readonly status: 500 | 502 | 503 | 504; readonly accept: boolean }
  /** Half of the JSON: as a whole answer, or with the connection cut in the middle. */
  | { readonly kind: 'half_body'; readonly isCut: boolean }
  /** Takes effect at once and is answered late. */
  | { readonly kind: 'slow'; readonly ms: number };

const MAX_BODY = 1 << 20;

const STATUS_TEXT: Readonly<Record<number, string>> = {
  500: 'Internal Server Error',
  502: 'Bad Gateway',
  503: 'Service Unavailable',
  504: 'Gateway Timeout',
};

export function json(status: number, body: unknown): Answer {
  return { status, body };
}

/** The page of a gateway for humans. */
export function htmlError(status: number): Answer {
  const title = `${status} ${STATUS_TEXT[status] ?? 'Error'}`;
  const page = `<html>\r\n<head><title>${title}</title></head>\r\n<body>\r\n<center><h1>${title}</h1></center>\r\n</body>\r\n</html>\r\n`;
  return { status, headers: { 'content-type': 'text/html' }, body: page };
}

/** Null for a body that is too large, or whose client went away. */
export async function readBody(request: IncomingMessage): Promise<string | null> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of request) {
      size += (chunk as Buffer).length;
      if (size > MAX_BODY) return null;
      chunks.push(chunk as Buffer);
    }
  } catch {
    return null;
  }
  return Buffer.concat(chunks).toString('utf8');
}

function bodyOf(answer: Answer): { readonly text: string; readonly type: string } | null {
  if (answer.body === undefined) return null;
  if (typeof answer.body === 'string') return { text: answer.body, type: 'text/plain' };
  return { text: JSON.stringify(answer.body), type: 'application/json' };
}

export interface Sending {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly headers: Readonly<Record<string, string>>;
  readonly gzip: boolean;
  /** Only `half_body` counts here. */
  readonly fault: { readonly kind: string; readonly isCut?: boolean } | null;
}

/** Writes an answer, or half of it. */
export function sendAnswer(answer: Answer, sending: Sending): void {
  const { request, response, fault } = sending;
  const body = bodyOf(answer);
  const headers: Record<string, string> = {
    ...sending.headers,
    ...(body === null ? {} : { 'content-type': body.type }),
    ...answer.headers,
  };
  if (body === null) {
    response.writeHead(answer.status, { ...headers, 'content-length': '0' }).end();
    return;
  }
  if (fault?.kind === 'half_body') {
    const bytes = Buffer.from(body.text);
    const half = bytes.subarray(0, Math.floor(bytes.length / 2));
    const length = fault.isCut === true ? bytes.length : half.length;
    response.writeHead(answer.status, { ...headers, 'content-length': String(length) });
    response.write(half, () => (fault.isCut === true ? request.socket.destroy() : response.end()));
    return;
  }
  const zips = sending.gzip && /\bgzip\b/.test(String(request.headers['accept-encoding'] ?? ''));
  const bytes = zips ? gzipSync(body.text) : Buffer.from(body.text);
  const encoding: Record<string, string> = zips ? { 'content-encoding': 'gzip' } : {};
  response.writeHead(answer.status, { ...headers, ...encoding, 'content-length': String(bytes.length) });
  response.end(bytes);
}
