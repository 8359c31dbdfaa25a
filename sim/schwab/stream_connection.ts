// One client of the simulated streamer: what it may do, what it subscribed to, and the codes it is answered with (reference B4.2).
import type { WebSocket } from 'ws';
import type { Activity } from './activity.ts';
import type { Operation } from './faults.ts';
import { type FieldValue, serviceOf } from './level_one.ts';
import type { SimulatorParts } from './parts.ts';

export interface StreamRequest {
  readonly service: string;
  readonly command: string;
  readonly requestid: string;
  readonly SchwabClientCustomerId: string;
  readonly SchwabClientCorrelId: string;
  readonly parameters: Readonly<Record<string, string>>;
}

export interface Subscription {
  readonly keys: Set<string>;
  fields: ReadonlySet<number>;
}

export interface StreamConnection {
  readonly socket: WebSocket;
  isLoggedIn: boolean;
  readonly subscriptions: Map<string, Subscription>;
  /** So far. */
  commands: number;
  /** Values sent of a symbol, by field; empty after a new subscription. */
  sentOf(symbol: string): Map<number, FieldValue>;
  forgetSent(symbols: Iterable<string>): void;
  /** Numbered. The count starts again with every subscription (recorded). */
  activityItem(activity: Activity): Readonly<Record<string, unknown>>;
  restartActivity(key: string): void;
  send(message: unknown): void;
  /** Code 30 and the end. */
  stop(reason: string): void;
}

export function createConnection(socket: WebSocket, epochMs: () => number): StreamConnection {
  const sent = new Map<string, Map<number, FieldValue>>();
  let seq = 0;
  let activityKey = 'Account Activity';
  const send = (message: unknown): void => socket.send(JSON.stringify(message));
  return {
    socket,
    isLoggedIn: false,
    subscriptions: new Map(),
    commands: 0,
    sentOf: (symbol) => {
      const values = sent.get(symbol) ?? new Map<number, FieldValue>();
      sent.set(symbol, values);
      return values;
    },
    forgetSent: (symbols) => {
      for (const symbol of symbols) sent.delete(symbol);
    },
    activityItem: ({ accountNumber, type, data }) => {
      const item = { seq, key: activityKey, '1': accountNumber, '2': type, '3': data };
      seq += 1;
      return item;
    },
    restartActivity: (key) => {
      seq = 0;
      activityKey = key;
    },
    send,
    stop: (reason) => {
      const content = { code: 30, msg: reason };
      send({ notify: [{ service: 'ADMIN', timestamp: epochMs(), content }] });
      socket.close(1000);
    },
  };
}

export function isSubscribed(connection: StreamConnection, service: string, key: string): boolean {
  return connection.subscriptions.get(service)?.keys.has(key) === true;
}

export interface CommandContext {
  readonly parts: SimulatorParts;
  /** Other connections that are logged in. */
  readonly others: readonly StreamConnection[];
  /** Connections that are gone and that the broker does not yet know of. */
  readonly ghosts: number;
  readonly epochMs: number;
}

export interface Done {
  /** Symbols whose image is to be sent. */
  readonly added: readonly string[];
  readonly startsActivity: boolean;
}

interface Reply {
  readonly code: number;
  readonly msg: string;
  readonly isSevered?: boolean;
  readonly done?: Done;
}

const NOTHING: Done = { added: [], startsActivity: false };
const SERVICES = new Set(['LEVELONE_OPTIONS', 'LEVELONE_EQUITIES', 'ACCT_ACTIVITY', 'CHART_EQUITY']);
const SUCCESS: Readonly<Record<string, number>> = { SUBS: 26, UNSUBS: 27, ADD: 28, VIEW: 29 };
const MAX_CONNECTIONS: Reply = {
  code: 12,
  msg: 'CLOSE_CONNECTION: maximum connections reached',
  isSevered: true,
};

function login(connection: StreamConnection, request: StreamRequest, context: CommandContext): Reply {
  const { parts, others } = context;
  const { Authorization = '', SchwabClientChannel, SchwabClientFunctionId } = request.parameters;
  if (SchwabClientChannel === undefined || SchwabClientFunctionId === undefined) {
    return { code: 21, msg: 'Bad command formatting' };
  }
  if (!parts.oauth.isValid(Authorization) || request.SchwabClientCustomerId !== parts.customerId) {
    return { code: 3, msg: 'Login Denied.: token is invalid or has expired.', isSevered: true };
  }
  const isFull = others.length + context.ghosts > 0;
  if (isFull && (parts.settings.secondLogin === 'refuse_new' || others.length === 0)) return MAX_CONNECTIONS;
  for (const other of others) {
    other.send({
      notify: [
        { service: 'ADMIN', timestamp: context.epochMs, content: { code: 12, msg: MAX_CONNECTIONS.msg } },
      ],
    });
    other.isLoggedIn = false;
    other.socket.close(1000);
  }
  connection.isLoggedIn = true;
  return { code: 0, msg: 'server=sim-1;status=NP', done: NOTHING };
}

function list(text: string | undefined): readonly string[] {
  return (text ?? '').split(',').filter((each) => each !== '');
}

function subscribe(connection: StreamConnection, request: StreamRequest, maxSymbols: number): Reply | Done {
  const { service, command, parameters } = request;
  const keys = list(parameters.keys);
  const fields = new Set(list(parameters.fields).map(Number));
  const held = connection.subscriptions.get(service);
  if (keys.length === 0 || (fields.size === 0 && held === undefined)) {
    return { code: command === 'ADD' ? 24 : 22, msg: `${command} command failed` };
  }
  const kept = command === 'ADD' ? [...(held?.keys ?? [])] : [];
  const all = new Set([...kept, ...keys]);
  if (all.size > maxSymbols) return { code: 19, msg: 'Reached symbol limit' };
  const wanted =
    fields.size === 0
      ? (held?.fields ?? fields)
      : new Set([...(kept.length > 0 ? (held?.fields ?? []) : []), ...fields]);
  connection.subscriptions.set(service, { keys: all, fields: wanted });
  const quoted = keys.filter((key) => serviceOf(key) === service);
  connection.forgetSent(quoted);
  if (service !== 'ACCT_ACTIVITY') return { added: quoted, startsActivity: false };
  connection.restartActivity(keys[0] ?? '');
  return { added: [], startsActivity: true };
}

function unsubscribe(connection: StreamConnection, request: StreamRequest): Reply | Done {
  const held = connection.subscriptions.get(request.service);
  const keys = list(request.parameters.keys);
  if (held === undefined) return { code: 23, msg: 'UNSUBS command failed' };
  for (const key of keys) held.keys.delete(key);
  connection.forgetSent(keys.filter((key) => serviceOf(key) === request.service));
  if (held.keys.size === 0 || request.service === 'ACCT_ACTIVITY') {
    connection.subscriptions.delete(request.service);
  }
  return NOTHING;
}

function view(connection: StreamConnection, request: StreamRequest): Reply | Done {
  const held = connection.subscriptions.get(request.service);
  if (held === undefined) return { code: 25, msg: 'VIEW command failed' };
  held.fields = new Set(list(request.parameters.fields).map(Number));
  return { added: [...held.keys], startsActivity: false };
}

function change(connection: StreamConnection, request: StreamRequest, context: CommandContext): Reply {
  const { command } = request;
  const { settings } = context.parts;
  if (!SERVICES.has(request.service)) return { code: 11, msg: 'Service not available' };
  if (SUCCESS[command] === undefined) return { code: 21, msg: 'Bad command formatting' };
  const done =
    command === 'UNSUBS'
      ? unsubscribe(connection, request)
      : command === 'VIEW'
        ? view(connection, request)
        : subscribe(connection, request, settings.maxStreamedSymbols);
  if ('code' in done) return done;
  const code = settings.successCodes === 'zero' ? 0 : SUCCESS[command];
  return { code, msg: `${command} command succeeded`, done };
}

function replyTo(
  connection: StreamConnection,
  request: StreamRequest | null,
  context: CommandContext,
): Reply {
  if (request === null) return { code: 21, msg: 'Bad command formatting' };
  const operation = `WS ${request.command}` as Operation;
  const known = ['LOGIN', 'LOGOUT', 'SUBS', 'ADD', 'UNSUBS', 'VIEW'].includes(request.command);
  const fault = known ? context.parts.script.take(operation) : null;
  if (fault?.kind === 'code') {
    const isSevered = [3, 12, 30].includes(fault.code);
    return { code: fault.code, msg: fault.msg ?? 'injected', isSevered };
  }
  if (request.service === 'ADMIN' && request.command === 'LOGIN') return login(connection, request, context);
  if (!connection.isLoggedIn) return { code: 20, msg: 'Stream connection not found', isSevered: false };
  if (request.service === 'ADMIN' && request.command === 'LOGOUT') {
    return { code: 0, msg: 'logout successful', isSevered: true };
  }
  return change(connection, request, context);
}

/** Carries out a request (null: not readable) and answers it. Returns what follows from it, or null. */
export function applyCommand(
  connection: StreamConnection,
  request: StreamRequest | null,
  context: CommandContext,
): Done | null {
  connection.commands += 1;
  const { code, msg, isSevered = false, done } = replyTo(connection, request, context);
  const response = {
    service: request?.service ?? 'ADMIN',
    command: request?.command ?? '',
    requestid: request?.requestid ?? '',
    SchwabClientCorrelId: request?.SchwabClientCorrelId ?? context.parts.correlId,
    timestamp: context.epochMs,
    content: { code, msg },
  };
  connection.send({ response: [response] });
  if (isSevered) {
    connection.isLoggedIn = false;
    connection.socket.close(1000);
  }
  return done ?? null;
}
