// A server on loopback that is posted messages, and answers as it is told.
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';

export interface Post {
  readonly path: string;
  readonly body: Readonly<Record<string, unknown>>;
  readonly atMs: number;
}

export interface HookServer {
  readonly url: string;
  readonly posts: readonly Post[];
  /** Texts of the posts that were answered with 2xx, line by line. */
  taken(): string[];
}

export type Answer = (
  post: Post,
  nth: number,
) => Promise<{ status: number; headers?: Record<string, string>; body?: unknown } | 'cut'>;

/** Answers 200 without an `answer`. */
export async function hookServer(
  answer: Answer = async () => ({ status: 200, body: { ok: true } }),
): Promise<HookServer> {
  const posts: Post[] = [];
  const taken: Post[] = [];
  const http = createServer(async (request, response) => {
    let body = '';
    for await (const part of request) body += String(part);
    const post = { path: request.url ?? '', body: JSON.parse(body), atMs: performance.now() };
    posts.push(post);
    const told = await answer(post, posts.length);
    if (told === 'cut') request.socket.destroy();
    else {
      if (told.status < 300) taken.push(post);
      reply(response, told);
    }
  }).listen(0, '127.0.0.1');
  await once(http, 'listening');
  onTestFinished(() => {
    http.closeAllConnections();
    http.close();
  });
  const url = `http://127.0.0.1:${(http.address() as AddressInfo).port}`;
  return { url, posts, taken: () => taken.flatMap(({ body }) => String(body.text).split('\n')) };
}

function reply(
  response: ServerResponse,
  { status, headers = {}, body = {} }: { status: number; headers?: Record<string, string>; body?: unknown },
): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
}
