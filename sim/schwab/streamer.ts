// The streamer of the simulated Schwab: logins, subscriptions, heartbeats, and the frames that go out (reference B4).
import type { RawData, WebSocket } from 'ws';
import { z } from 'zod';
import { epochMsFromEastern } from '../../core/eastern_time.ts';
import type { DeskEvent } from '../venue/matching.ts';
import { type Activity, activitiesOf } from './activity.ts';
import type { Operation } from './faults.ts';
import { levelOneFields, levelOneItem, serviceOf } from './level_one.ts';
import type { SimulatorParts } from './parts.ts';
import {
  applyCommand,
  createConnection,
  isSubscribed,
  type StreamConnection,
  type StreamRequest,
} from './stream_connection.ts';

export interface StreamerControls {
  /** Connections that have logged in. */
  connections(): number;
  /** Ends every connection without a close frame. For `ghostMs` the broker still counts it: a login meanwhile meets code 12. */
  drop(options?: { readonly ghostMs?: number }): number;
  /** Heartbeats stop, or go on. */
  setHeartbeats(areSent: boolean): void;
  /** Nothing is sent any more while the sockets stay open, or it is sent again; what was held back is lost. */
  setStalled(isStalled: boolean): void;
  /** Code 30, and the connections end. */
  stopStreaming(reason?: string): void;
  /** Sends the last activities once more, under their old numbers, to whoever is connected now. */
  repeatActivity(count: number): void;
  /** An activity without a type and with plain text for data, as Schwab sends some. */
  sendNotice(text: string): void;
}

export interface Streamer extends StreamerControls {
  accept(socket: WebSocket): void;
  onQuote(symbol: string): void;
  onEvent(event: DeskEvent): void;
  /** Runs until the signal is aborted. */
  beat(signal: AbortSignal): Promise<void>;
}

const KEPT_ITEMS = 1000;

const requestSchema = z.looseObject({
  service: z.string(),
  command: z.string(),
  requestid: z.union([z.string(), z.number()]).transform(String),
  SchwabClientCustomerId: z.string(),
  SchwabClientCorrelId: z.string(),
  parameters: z.record(z.string(), z.string()).optional(),
});
const frameSchema = z.union([z.object({ requests: z.array(z.unknown()) }), z.unknown()]);

function parseRequests(text: string): readonly (StreamRequest | null)[] {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return [null];
  }
  const frame = frameSchema.parse(parsed);
  const isList = typeof frame === 'object' && frame !== null && 'requests' in frame;
  const requests = isList ? (frame.requests as readonly unknown[]) : [frame];
  return requests.map((each) => {
    const request = requestSchema.safeParse(each);
    return request.success ? { ...request.data, parameters: request.data.parameters ?? {} } : null;
  });
}

interface State {
  readonly connections: Set<StreamConnection>;
  /** Items of account activity that were sent, under their numbers, the newest last. */
  readonly items: unknown[];
  /** Sent so far. */
  activities: number;
  ghosts: number;
  hasHeartbeats: boolean;
  isStalled: boolean;
}

interface Studio {
  readonly parts: SimulatorParts;
  readonly state: State;
  readonly after: (ms: number, run: () => void) => void;
  readonly epochMs: () => number;
}

function loggedIn({ state }: Studio): readonly StreamConnection[] {
  return [...state.connections].filter((each) => each.isLoggedIn);
}

// A message that a fault may drop, lose or repeat.
function deliver(studio: Studio, connection: StreamConnection, operation: Operation, message: unknown): void {
  if (studio.state.isStalled) return;
  const fault = studio.parts.script.take(operation);
  if (fault?.kind === 'drop') connection.socket.terminate();
  if (fault?.kind === 'drop' || fault?.kind === 'lose') return;
  connection.send(message);
  if (fault?.kind === 'repeat') connection.send(message);
}

function dataFrame(studio: Studio, service: string, content: readonly unknown[]): unknown {
  return { data: [{ service, timestamp: studio.epochMs(), command: 'SUBS', content }] };
}

function sendActivities(studio: Studio, connection: StreamConnection, activities: readonly Activity[]): void {
  const { items } = studio.state;
  const isContinuous = studio.parts.settings.activityNumbers === 'continuous';
  const content = activities.map((activity) => {
    const item = connection.activityItem(activity);
    studio.state.activities += 1;
    return isContinuous ? { ...item, seq: studio.state.activities - 1 } : item;
  });
  items.push(...content);
  items.splice(0, items.length - KEPT_ITEMS);
  deliver(studio, connection, 'WS activity', dataFrame(studio, 'ACCT_ACTIVITY', content));
}

function sendQuote(studio: Studio, connection: StreamConnection, symbol: string): void {
  const service = serviceOf(symbol);
  const fields = levelOneFields(symbol, studio.parts);
  const subscription = connection.subscriptions.get(service);
  if (fields === null || subscription?.keys.has(symbol) !== true) return;
  const options = { wanted: subscription.fields, sent: connection.sentOf(symbol) };
  const item = levelOneItem(symbol, fields, options);
  if (item !== null) deliver(studio, connection, 'WS quote', dataFrame(studio, service, [item]));
}

// Without a subscription the stream is stopped after a while; every command begins the wait anew.
function watchEmpty(studio: Studio, connection: StreamConnection): void {
  const { commands } = connection;
  studio.after(studio.parts.settings.emptySubscriptionMs, () => {
    const isEmpty = connection.subscriptions.size === 0 && connection.commands === commands;
    if (connection.isLoggedIn && isEmpty) connection.stop('Stop streaming due to empty subscription');
  });
}

function receive(studio: Studio, connection: StreamConnection, text: string): void {
  const { parts, state } = studio;
  for (const request of parseRequests(text)) {
    if (state.isStalled) return;
    const others = loggedIn(studio).filter((each) => each !== connection);
    const context = { parts, others, ghosts: state.ghosts, epochMs: studio.epochMs() };
    const done = applyCommand(connection, request, context);
    if (done === null) continue;
    if (connection.isLoggedIn && connection.subscriptions.size === 0) watchEmpty(studio, connection);
    for (const symbol of done.added) sendQuote(studio, connection, symbol);
    if (!done.startsActivity) continue;
    sendActivities(studio, connection, [{ accountNumber: '', type: 'SUBSCRIBED', data: '' }]);
  }
}

function accept(studio: Studio, socket: WebSocket): void {
  const connection = createConnection(socket, studio.epochMs);
  studio.state.connections.add(connection);
  socket.on('message', (raw: RawData) => receive(studio, connection, String(raw)));
  socket.on('error', () => {});
  socket.on('close', () => {
    connection.isLoggedIn = false;
    studio.state.connections.delete(connection);
  });
}

function toActivityClients(studio: Studio, make: () => readonly Activity[]): void {
  const clients = loggedIn(studio).filter((each) => each.subscriptions.has('ACCT_ACTIVITY'));
  const activities = clients.length === 0 ? [] : make();
  if (activities.length === 0) return;
  for (const connection of clients) sendActivities(studio, connection, activities);
}

async function beat(studio: Studio, signal: AbortSignal): Promise<void> {
  const { clock, heartbeatMs } = studio.parts.settings;
  while (!signal.aborted) {
    await clock.sleep(heartbeatMs, signal);
    if (signal.aborted || !studio.state.hasHeartbeats) continue;
    const message = { notify: [{ heartbeat: String(studio.epochMs()) }] };
    for (const connection of loggedIn(studio)) deliver(studio, connection, 'WS heartbeat', message);
  }
}

function drop(studio: Studio, ghostMs: number): number {
  const { state, after } = studio;
  const dropped = loggedIn(studio);
  for (const connection of dropped) {
    connection.isLoggedIn = false;
    connection.socket.terminate();
  }
  if (ghostMs <= 0 || dropped.length === 0) return dropped.length;
  state.ghosts += 1;
  after(ghostMs, () => {
    state.ghosts -= 1;
  });
  return dropped.length;
}

function controlsOf(studio: Studio): StreamerControls {
  const { state, parts } = studio;
  return {
    connections: () => loggedIn(studio).length,
    drop: ({ ghostMs = 0 } = {}) => drop(studio, ghostMs),
    setHeartbeats: (areSent) => {
      state.hasHeartbeats = areSent;
    },
    setStalled: (isStalled) => {
      state.isStalled = isStalled;
    },
    stopStreaming: (reason = 'Stop streaming due to slowness') => {
      for (const connection of loggedIn(studio)) connection.stop(reason);
    },
    repeatActivity: (count) => {
      const message = dataFrame(studio, 'ACCT_ACTIVITY', state.items.slice(-count));
      for (const connection of loggedIn(studio)) connection.send(message);
    },
    sendNotice: (text) => {
      const accountNumber = parts.books[0]?.accountNumber ?? '';
      toActivityClients(studio, () => [{ accountNumber, type: '', data: text }]);
    },
  };
}

/** A streamer without connections. `after` runs something after milliseconds of the clock. */
export function createStreamer(parts: SimulatorParts, after: Studio['after']): Streamer {
  const state: State = {
    connections: new Set(),
    items: [],
    activities: 0,
    ghosts: 0,
    hasHeartbeats: true,
    isStalled: false,
  };
  const epochMs = (): number => Math.floor(epochMsFromEastern(parts.settings.clock.now()));
  const studio: Studio = { parts, state, after, epochMs };
  return {
    ...controlsOf(studio),
    accept: (socket) => accept(studio, socket),
    onQuote: (symbol) => {
      for (const connection of loggedIn(studio)) {
        if (isSubscribed(connection, serviceOf(symbol), symbol)) sendQuote(studio, connection, symbol);
      }
    },
    onEvent: (event) => toActivityClients(studio, () => activitiesOf(event, parts)),
    beat: (signal) => beat(studio, signal),
  };
}
