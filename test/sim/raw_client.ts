// A bare websocket client: what the simulator says, word for word.
import { once } from 'node:events';
import { WebSocket } from 'ws';

export type Frame = readonly Record<string, unknown>[];

export interface RawClient {
  readonly frames: Frame[];
  readonly socket: WebSocket;
  send(action: string, params: string): void;
  sendText(text: string): void;
  /** The first frame, received or to come, that holds an event with these fields; frames are looked at once. */
  next(fields: Readonly<Record<string, unknown>>): Promise<Record<string, unknown>>;
  /** Resolves with the close code. */
  readonly closed: Promise<number>;
}

export async function rawClient(url: string): Promise<RawClient> {
  const socket = new WebSocket(url);
  const frames: Frame[] = [];
  let seen = 0;
  let wake: () => void = () => {};
  socket.on('message', (data) => {
    frames.push(JSON.parse(String(data)) as Frame);
    wake();
  });
  socket.on('error', () => {});
  // Not `once`, which rejects on the error of a refused handshake.
  const closed = new Promise<number>((resolve) => {
    socket.on('close', resolve);
  });
  const next = async (fields: Readonly<Record<string, unknown>>): Promise<Record<string, unknown>> => {
    for (;;) {
      while (seen < frames.length) {
        const match = frames[seen]?.find((event) => Object.entries(fields).every(([k, v]) => event[k] === v));
        seen += 1;
        if (match !== undefined) return match;
      }
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  };
  await once(socket, 'open');
  const sendText = (text: string): void => socket.send(text);
  const send = (action: string, params: string): void => sendText(JSON.stringify({ action, params }));
  return { frames, socket, send, sendText, next, closed };
}

export async function authenticated(url: string, apiKey: string): Promise<RawClient> {
  const client = await rawClient(url);
  await client.next({ status: 'connected' });
  client.send('auth', apiKey);
  await client.next({ status: 'auth_success' });
  return client;
}
