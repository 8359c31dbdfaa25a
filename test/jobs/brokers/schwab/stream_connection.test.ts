// One connection to the streamer: the login, one command at a time, and every way in which it ends.
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from 'vitest';
import { type WebSocket, WebSocketServer } from 'ws';
import { systemClock } from '../../../../core/clock.ts';
import { StreamConnection, type StreamEnd } from '../../../../jobs/brokers/schwab/stream_connection.ts';
import { atEnd, CALL, FURTHER_CALL } from './support.ts';

interface Streamer {
  readonly url: URL;
  readonly received: string[];
}

async function bareStreamer(answer: (socket: WebSocket, text: string) => void): Promise<Streamer> {
  const received: string[] = [];
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  server.on('connection', (socket) => {
    socket.on('message', (data) => {
      received.push(String(data));
      answer(socket, String(data));
    });
  });
  await once(server, 'listening');
  atEnd(() => {
    for (const client of server.clients) client.terminate();
    server.close();
  });
  return { url: new URL(`ws://127.0.0.1:${(server.address() as AddressInfo).port}/ws`), received };
}

function connect(url: URL, more: { answerTimeoutMs?: number; signal?: AbortSignal } = {}): StreamConnection {
  const info = {
    streamerSocketUrl: url.href,
    schwabClientCustomerId: 'customer',
    schwabClientCorrelId: 'correl',
    schwabClientChannel: 'N9',
    schwabClientFunctionId: 'APIAPP',
  };
  const { answerTimeoutMs = 300, signal = new AbortController().signal } = more;
  const timing = { answerTimeoutMs, silenceMs: 60_000 };
  const transport = systemClock();
  return new StreamConnection({ url, info, token: 'the-token', transport, timing, onData: () => {}, signal });
}

function reply(text: string, code = 0, msg = ''): string {
  const [request] = (
    JSON.parse(text) as { requests: { requestid: string; service: string; command: string }[] }
  ).requests;
  return JSON.stringify({ response: [{ ...request, content: { code, msg } }] });
}

describe('a connection', () => {
  it('logs in as documented, and sends the next command when the one before is answered', async () => {
    const open: string[] = [];
    let most = 0;
    const { url, received } = await bareStreamer((socket, text) => {
      open.push(text);
      most = Math.max(most, open.length);
      setTimeout(() => {
        open.shift();
        socket.send(reply(text));
      }, 30);
    });
    const connection = connect(url);
    const logged = connection.login();
    const keys = (symbol: string) =>
      connection.command({
        service: 'LEVELONE_OPTIONS',
        command: 'SUBS',
        parameters: { keys: symbol, fields: '0' },
      });
    const replies = [keys(CALL), keys(FURTHER_CALL), keys(CALL)];
    expect(await logged).toBe(true);
    expect(await Promise.all(replies)).toMatchObject([{ code: 0 }, { code: 0 }, { code: 0 }]);
    expect(most).toBe(1);
    expect(JSON.parse(received[0] ?? '')).toEqual({
      requests: [
        {
          requestid: '1',
          service: 'ADMIN',
          command: 'LOGIN',
          SchwabClientCustomerId: 'customer',
          SchwabClientCorrelId: 'correl',
          parameters: {
            Authorization: 'the-token',
            SchwabClientChannel: 'N9',
            SchwabClientFunctionId: 'APIAPP',
          },
        },
      ],
    });
    connection.end('over');
    expect(await connection.ended).toMatchObject({ cause: 'lost', reason: 'over' });
    expect(await keys(CALL)).toBeNull();
  });

  const ends: readonly [string, (socket: WebSocket, text: string) => void, Partial<StreamEnd>][] = [
    ['no answer to the login', () => {}, { cause: 'lost', reason: 'no answer to ADMIN LOGIN' }],
    ['a login denied', (socket, text) => socket.send(reply(text, 3, 'token')), { cause: 'token' }],
    ['too many connections', (socket, text) => socket.send(reply(text, 12, 'max')), { cause: 'excess' }],
    [
      'a frame that is none',
      (socket) => socket.send('{"data":'),
      { cause: 'lost', reason: 'a frame that cannot be read' },
    ],
    [
      'a notice to stop',
      (socket) => socket.send('{"notify":[{"service":"ADMIN","content":{"code":30,"msg":"empty"}}]}'),
      { cause: 'lost', reason: 'streaming was stopped: empty' },
    ],
    ['an end without a word', (socket) => socket.terminate(), { cause: 'lost' }],
    [
      'its own token in an answer',
      (socket, text) => socket.send(reply(text, 3, 'bad the-token')),
      { cause: 'token', reason: 'login denied: bad [redacted]' },
    ],
  ];
  it.each(ends)('ends with %s', async (_, answer, end) => {
    const { url } = await bareStreamer(answer);
    const connection = connect(url);
    expect(await connection.login()).toBe(false);
    expect(await connection.ended).toMatchObject({ ...end, aliveMs: 0 });
  });

  it('ends at once where nobody listens, and when we want it', async () => {
    const nowhere = connect(new URL('ws://127.0.0.1:1/ws'));
    expect(await nowhere.login()).toBe(false);
    expect((await nowhere.ended).reason).toMatch(/ECONNREFUSED|refused/);
    const { url } = await bareStreamer(() => {});
    const ours = new AbortController();
    const connection = connect(url, { signal: ours.signal, answerTimeoutMs: 60_000 });
    const logged = connection.login();
    ours.abort();
    expect(await logged).toBe(false);
    expect(await connection.ended).toMatchObject({ cause: 'ours' });
  });
});
