// One request over real sockets: what certainly never left, and what may have.
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer as createTcpServer, type Server, type Socket } from 'node:net';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { systemClock } from '../../../../core/clock.ts';
import { createExchange, type HttpResult } from '../../../../jobs/brokers/exchange.ts';
import { atEnd, bareServer } from './support.ts';

function exchangeAt(
  url: string,
  more: {
    timeoutMs?: number;
    signal?: AbortSignal;
    headers?: Record<string, string>;
    onWritten?: () => void;
  } = {},
): Promise<HttpResult> {
  const exchange = createExchange(systemClock());
  atEnd(() => exchange.close());
  const { timeoutMs = 5000, headers = {}, signal, onWritten } = more;
  const given = signal === undefined ? {} : { signal };
  return exchange({
    method: 'POST',
    url: new URL(url),
    headers,
    body: '{"a":1}',
    timeoutMs,
    onWritten,
    ...given,
  });
}

async function tcpServer(onConnection: (socket: Socket) => void): Promise<{ port: number; server: Server }> {
  const sockets = new Set<Socket>();
  const server = createTcpServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    onConnection(socket);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  atEnd(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return { port: (server.address() as AddressInfo).port, server };
}

describe('an answer', () => {
  it('comes with status, headers and body, and the request arrived as it was written', async () => {
    const server = await bareServer((_, response) => {
      response.writeHead(201, { location: 'https://x/orders/7', 'schwab-client-correlid': 'abc' }).end();
    });
    const result = await exchangeAt(`${server.url}/a?b=c`, { headers: { authorization: 'Bearer t' } });
    expect(result).toMatchObject({ kind: 'answered', status: 201, text: '' });
    expect(result).toMatchObject({ headers: { location: 'https://x/orders/7' } });
    expect(server.received).toMatchObject([{ method: 'POST', path: '/a', body: '{"a":1}' }]);
    expect(server.received[0]?.headers.authorization).toBe('Bearer t');
  });

  it('is later than the writing of the request, which is told once, and not where nobody listens', async () => {
    let written = 0;
    const onWritten = (): void => {
      written += 1;
    };
    const server = await bareServer((_, response) => {
      response.writeHead(written === 1 ? 201 : 500).end();
    });
    expect(await exchangeAt(server.url, { onWritten })).toMatchObject({ status: 201 });
    const { port, server: gone } = await tcpServer(() => undefined);
    gone.close();
    await once(gone, 'close');
    expect(await exchangeAt(`http://127.0.0.1:${port}/`, { onWritten })).toMatchObject({ kind: 'not_sent' });
    expect(written).toBe(1);
  });

  it('is unpacked, and has no text where it cannot be', async () => {
    const server = await bareServer((request, response) => {
      const body = request.path === '/good' ? gzipSync('{"x":1}') : Buffer.from('no gzip at all');
      response.writeHead(200, { 'content-encoding': 'gzip' }).end(body);
    });
    expect(await exchangeAt(`${server.url}/good`)).toMatchObject({ status: 200, text: '{"x":1}' });
    expect(await exchangeAt(`${server.url}/bad`)).toMatchObject({ status: 200, text: null });
  });

  it('keeps its status and headers where the body is cut', async () => {
    const { port } = await tcpServer((socket) => {
      socket.once('data', () => {
        socket.end('HTTP/1.1 201 Created\r\nlocation: /orders/9\r\ncontent-length: 100\r\n\r\n{"half":');
      });
    });
    const result = await exchangeAt(`http://127.0.0.1:${port}/`);
    expect(result).toMatchObject({ kind: 'answered', status: 201, text: null });
    expect(result).toMatchObject({ headers: { location: '/orders/9' } });
  });

  it('is one for one request, 421 included', async () => {
    const server = await bareServer((_, response) => {
      response.writeHead(421).end();
    });
    expect(await exchangeAt(server.url)).toMatchObject({ kind: 'answered', status: 421 });
    expect(server.received).toHaveLength(1);
  });

  it('is not followed elsewhere', async () => {
    const server = await bareServer((_, response) => {
      response.writeHead(307, { location: '/elsewhere' }).end();
    });
    expect(await exchangeAt(server.url)).toMatchObject({ kind: 'answered', status: 307 });
    expect(server.received).toHaveLength(1);
  });
});

describe('a request certainly not sent', () => {
  it('met a refused connection', async () => {
    const { port, server } = await tcpServer(() => {});
    server.close();
    await once(server, 'close');
    expect(await exchangeAt(`http://127.0.0.1:${port}/`)).toMatchObject({ kind: 'not_sent' });
  });

  it('met a host without an address', async () => {
    expect(await exchangeAt('https://no-such-host.invalid/')).toMatchObject({ kind: 'not_sent' });
  });

  it('met a server that cannot do TLS', async () => {
    let seen = '';
    const { port } = await tcpServer((socket) => {
      socket.on('data', (data) => {
        seen += data.toString('latin1');
        socket.end('this is no TLS');
      });
    });
    expect(await exchangeAt(`https://127.0.0.1:${port}/`)).toMatchObject({ kind: 'not_sent' });
    expect(seen).not.toContain('{"a":1}');
  });

  it('waited in vain for TLS', async () => {
    const { port } = await tcpServer(() => {});
    const result = await exchangeAt(`https://127.0.0.1:${port}/`, { timeoutMs: 150 });
    expect(result).toEqual({ kind: 'not_sent', reason: 'no answer within 150 ms' });
  });

  it('was called off before', async () => {
    const server = await bareServer((_, response) => response.end());
    const result = await exchangeAt(server.url, { signal: AbortSignal.abort(new Error('called off')) });
    expect(result).toEqual({ kind: 'not_sent', reason: 'called off' });
    expect(server.received).toHaveLength(0);
  });

  it('had a header that cannot be written, which is not shown', async () => {
    const result = await exchangeAt('http://127.0.0.1:9/', {
      headers: { authorization: 'Bearer a\nsecret' },
    });
    expect(result.kind).toBe('not_sent');
    expect(JSON.stringify(result)).not.toContain('secret');
  });
});

describe('a request that may have been sent', () => {
  it('was never answered', async () => {
    const server = await bareServer(() => {});
    const result = await exchangeAt(server.url, { timeoutMs: 150 });
    expect(result).toEqual({ kind: 'no_answer', reason: 'no answer within 150 ms' });
    expect(server.received).toHaveLength(1);
  });

  it('met a connection that was reset after it was read', async () => {
    const { port } = await tcpServer((socket) => {
      socket.once('data', () => socket.resetAndDestroy());
    });
    expect(await exchangeAt(`http://127.0.0.1:${port}/`)).toMatchObject({ kind: 'no_answer' });
  });

  it('met a connection that was closed at once', async () => {
    const { port } = await tcpServer((socket) => socket.destroy());
    expect(await exchangeAt(`http://127.0.0.1:${port}/`)).toMatchObject({ kind: 'no_answer' });
  });

  it('met an answer that is no HTTP', async () => {
    const { port } = await tcpServer((socket) => {
      socket.once('data', () => socket.end('rubbish\r\n\r\n'));
    });
    expect(await exchangeAt(`http://127.0.0.1:${port}/`)).toMatchObject({ kind: 'no_answer' });
  });

  it('used a kept connection that the server then closed, and was not sent again', async () => {
    let requests = 0;
    let connections = 0;
    const { port } = await tcpServer((socket) => {
      connections += 1;
      socket.on('data', () => {
        requests += 1;
        if (requests === 1) socket.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok');
        else socket.destroy();
      });
    });
    const exchange = createExchange(systemClock());
    atEnd(() => exchange.close());
    const url = new URL(`http://127.0.0.1:${port}`);
    const request = { method: 'POST', url, headers: {}, body: 'x', timeoutMs: 2000 } as const;
    expect(await exchange(request)).toMatchObject({ kind: 'answered', text: 'ok' });
    expect(await exchange(request)).toMatchObject({ kind: 'no_answer' });
    expect({ requests, connections }).toEqual({ requests: 2, connections: 1 });
    expect(await exchange({ ...request, isFresh: true })).toMatchObject({ kind: 'no_answer' });
    expect({ requests, connections }).toEqual({ requests: 3, connections: 2 });
  });
});
