// A bare client of the streamer: what the simulator sends, frame by frame.
import { once } from 'node:events';
import { WebSocket } from 'ws';
import type { SchwabSimulator } from '../../../sim/schwab/server.ts';
import type { Any } from './support.ts';

export type Frame = Any;

export interface StreamClient {
  readonly socket: WebSocket;
  readonly frames: Frame[];
  readonly closed: Promise<number>;
  sendText(text: string): void;
  /** Sends a command and resolves with the code of its answer. */
  command(service: string, command: string, parameters?: Record<string, string>): Promise<number>;
  login(token: string): Promise<number>;
  /** Contents of a service so far. */
  contents(service: string): Frame[];
}

/** Connects with the ids of GET /userPreference. */
export async function streamClient(simulator: SchwabSimulator, token: string): Promise<StreamClient> {
  const response = await fetch(`${simulator.restUrl}/trader/v1/userPreference`, {
    headers: { authorization: `Bearer ${token}` },
  });
  const { streamerInfo } = (await response.json()) as { streamerInfo: Record<string, string>[] };
  const [info = {}] = streamerInfo;
  const socket = new WebSocket(info.streamerSocketUrl ?? '');
  const frames: Frame[] = [];
  const closed = new Promise<number>((resolve) => {
    socket.on('close', resolve);
  });
  let requestId = 0;
  const waiting = new Map<string, (code: number) => void>();
  socket.on('error', () => {});
  socket.on('message', (data) => {
    const frame: Frame = JSON.parse(String(data));
    frames.push(frame);
    for (const each of frame.response ?? []) waiting.get(each.requestid)?.(each.content.code);
  });
  await once(socket, 'open');
  const sendText = (text: string): void => socket.send(text);
  const command: StreamClient['command'] = (service, name, parameters = {}) => {
    requestId += 1;
    const id = String(requestId);
    const request = {
      requestid: id,
      service,
      command: name,
      SchwabClientCustomerId: info.schwabClientCustomerId,
      SchwabClientCorrelId: info.schwabClientCorrelId,
      parameters,
    };
    const code = new Promise<number>((resolve) => {
      waiting.set(id, resolve);
    });
    sendText(JSON.stringify({ requests: [request] }));
    return code;
  };
  return {
    socket,
    frames,
    closed,
    sendText,
    command,
    login: (access) =>
      command('ADMIN', 'LOGIN', {
        Authorization: access,
        SchwabClientChannel: 'N9',
        SchwabClientFunctionId: 'APIAPP',
      }),
    contents: (service) =>
      frames
        .flatMap((frame) => frame.data ?? [])
        .flatMap((data: Frame) => (data.service === service ? data.content : [])),
  };
}
