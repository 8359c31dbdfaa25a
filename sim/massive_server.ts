// A local server that speaks Massive's websocket and REST on loopback and plays a simulated session to its clients.
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { WebSocketServer } from 'ws';
import type { Clock } from '../core/clock.ts';
import { type EasternUs, epochMsFromEastern } from '../core/eastern_time.ts';
import type { SimulatedContract } from './chain.ts';
import { type Archive, type ArchivedEvent, createArchive } from './massive_archive.ts';
import { type Disorder, type Door, inflict, type ScriptedFault, type WireFault } from './massive_faults.ts';
import { type PlayerOptions, playTape } from './massive_player.ts';
import { answerRest } from './massive_rest.ts';
import { createRestFaults, type RestFault, type RestFaults } from './massive_rest_faults.ts';
import { ServedConnection } from './served_connection.ts';
import type { SessionArguments, SessionHours } from './session.ts';
import { type SteppingClock, steppingClock } from './stepping_clock.ts';
import { createTape, type Tape, type TapeOptions } from './tape.ts';
import type { Market, WireEvent } from './wire.ts';

export interface MassiveSimulatorOptions extends TapeOptions {
  /** Multiple of real time, or `max`: as fast as the clients read. */
  readonly speed: number | 'max';
  readonly apiKey: string;
  /** Default 0: any free port. */
  readonly port?: number;
  /** Simulated time of one step, a divisor of 1000; default 1000. */
  readonly stepMs?: number;
  /** Connections that one account may hold per market; default 1, as on an individual plan. */
  readonly maxConnections?: number;
  /** Real time after which a client that does not read is dropped; default 60,000. */
  readonly slowConsumerMs?: number;
  /**
   * Awaited after each step, when every client has received everything that happened before `now`. Here a demo lets its
   * consumers finish, so that a run does not depend on the machine's speed. An error ends the session and rejects `done`.
   */
  readonly afterStep?: (now: EasternUs) => Promise<void> | void;
  /** What happens in each step of a market, whoever subscribes to it: here another simulator learns of the same market. */
  readonly onEvents?: (market: Market, events: readonly WireEvent[]) => void;
  /** Told of the events that a client of a market is sent, which it may lose all the same. */
  readonly onSent?: (market: Market, events: readonly WireEvent[]) => void;
  /** Where in the session it begins; default its start. What was before is on record for REST. */
  readonly from?: EasternUs;
  /** Where it stops; default its end. Connections stay open, and the time stands still. */
  readonly to?: EasternUs;
  /** `free`: the market waits for nobody, as the real one does. Default `lockstep`. */
  readonly pacing?: 'lockstep' | 'free';
  /** Acknowledgements in one frame as far as they fit (default), or each in its own. */
  readonly acks?: 'together' | 'one_each';
  /** How the nth connection (from 1) to a market is received; default `open`. */
  readonly door?: (nth: number, market: Market) => Door;
  /** Real time in which a client must have authenticated; default 10,000. */
  readonly authTimeoutMs?: number;
  readonly faults?: readonly ScriptedFault[];
  readonly disorder?: Disorder;
  /** Earlier sessions, in order, that REST has on record as well. */
  readonly history?: readonly SessionArguments[];
  /** `past` (default): REST knows what has happened so far; `whole`: the session to its end. */
  readonly onRecord?: 'past' | 'whole';
}

export interface MassiveSimulator {
  /** `ws://127.0.0.1:PORT`; the markets are the paths `/stocks` and `/options`. */
  readonly wsUrl: string;
  /** `http://127.0.0.1:PORT`. */
  readonly restUrl: string;
  /** Simulated time. It stands at the session's start until `begin`, and at its end from `done` on. */
  readonly clock: Clock;
  readonly session: SessionHours;
  readonly contracts: readonly SimulatedContract[];
  /** Starts the session, once the clients have subscribed. */
  begin(): void;
  /** Resolves when the last second has been delivered, or on `stop`. Everything before `session.tsEnd` has then been sent. */
  readonly done: Promise<void>;
  /** Drops every client of a market (or of both) without a close frame; returns how many. */
  drop(market?: Market): number;
  /** Lets a fault happen to every client of a market, now; returns how many. */
  inflict(market: Market, fault: WireFault): number;
  /** The next request that the fault's path fits gets it. */
  failRest(fault: RestFault): void;
  /** What the vendor has on record of a pair (`A.QQQ`, `Q.O:…`) in [from, to), sent or not: the truth that rows are held against. */
  recorded(pair: string, from: EasternUs, to: EasternUs): readonly ArchivedEvent[];
  /** Ends the session and the server. */
  stop(): Promise<void>;
}

interface Parts {
  readonly tape: Tape;
  readonly clock: SteppingClock;
  readonly server: Server;
  readonly sockets: WebSocketServer;
  /** Authenticated clients, oldest first. */
  readonly connections: Set<ServedConnection>;
  readonly restFaults: RestFaults;
  /** Of every session that REST knows. */
  readonly tapes: readonly Tape[];
  readonly archive: Archive;
  /** Epoch milliseconds up to which events are on record. */
  readonly recordedToMs: () => number;
}

function marketOf(request: IncomingMessage): Market | null {
  const path = request.url?.split('?')[0];
  return path === '/stocks' ? 'stocks' : path === '/options' ? 'options' : null;
}

function admit(connections: Set<ServedConnection>, limit: number, added: ServedConnection): void {
  const same = [...connections].filter((each) => each.open && each.market === added.market);
  for (const oldest of same.slice(0, Math.max(0, same.length + 1 - limit))) oldest.closeAsExcess();
  connections.add(added);
}

const AUTH_TIMEOUT_MS = 10_000;

function acceptSockets(parts: Parts, options: MassiveSimulatorOptions): void {
  const { server, sockets, connections } = parts;
  const { apiKey, door, acks = 'together', authTimeoutMs = AUTH_TIMEOUT_MS } = options;
  const received: Record<Market, number> = { stocks: 0, options: 0 };
  server.on('upgrade', (request, socket, head) => {
    const market = marketOf(request);
    if (market === null) {
      socket.end('HTTP/1.1 404 Not Found\r\nconnection: close\r\n\r\n');
      return;
    }
    sockets.handleUpgrade(request, socket, head, (client) => {
      received[market] += 1;
      const connection = new ServedConnection({
        socket: client,
        market,
        apiKey,
        door: door?.(received[market], market) ?? 'open',
        acks,
        authTimeoutMs,
        onAuthenticated: (added) => admit(connections, options.maxConnections ?? 1, added),
        onSent: options.onSent === undefined ? undefined : (events) => options.onSent?.(market, events),
      });
      client.on('close', () => connections.delete(connection));
    });
  });
}

function answerHttp(parts: Parts, options: MassiveSimulatorOptions): void {
  const { tapes, archive, recordedToMs: untilMs, restFaults: faults } = parts;
  const baseUrl = (): string => `http://127.0.0.1:${(parts.server.address() as AddressInfo).port}`;
  const contracts = tapes.flatMap((each) => each.contracts);
  const rest = { apiKey: options.apiKey, contracts, archive, untilMs, faults, baseUrl };
  parts.server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    try {
      answerRest(rest, request, response);
    } catch {
      // A request line that is no URL.
      response.writeHead(400).end();
    }
  });
}

async function listen(options: MassiveSimulatorOptions): Promise<Parts> {
  const tape = createTape(options);
  const server = createServer();
  const sockets = new WebSocketServer({ noServer: true, perMessageDeflate: false, maxPayload: 1 << 20 });
  const clock = steppingClock(options.from ?? tape.session.tsStart);
  const connections = new Set<ServedConnection>();
  const tapes = [...(options.history ?? []).map((session) => createTape({ ...options, ...session })), tape];
  const recordedToMs = (): number =>
    epochMsFromEastern(options.onRecord === 'whole' ? tape.session.tsEnd : clock.now());
  const record = { tapes, archive: createArchive(tapes), recordedToMs };
  const parts = { tape, clock, server, sockets, connections, restFaults: createRestFaults(), ...record };
  acceptSockets(parts, options);
  answerHttp(parts, options);
  server.listen(options.port ?? 0, '127.0.0.1');
  await once(server, 'listening');
  return parts;
}

async function close(parts: Parts): Promise<void> {
  for (const client of parts.sockets.clients) client.terminate();
  parts.server.closeAllConnections();
  parts.server.close();
  await once(parts.server, 'close');
}

function dropAll(connections: ReadonlySet<ServedConnection>, market: Market | undefined): number {
  const chosen = [...connections].filter((each) => market === undefined || each.market === market);
  for (const connection of chosen) connection.drop();
  return chosen.length;
}

function inflictAll(connections: ReadonlySet<ServedConnection>, market: Market, fault: WireFault): number {
  const chosen = [...connections].filter((each) => each.market === market);
  for (const connection of chosen) inflict(connection, fault);
  return chosen.length;
}

function assertStep(stepMs: number): number {
  if (!Number.isInteger(stepMs) || stepMs <= 0 || 1000 % stepMs !== 0) {
    throw new Error(`stepMs must divide 1000: ${stepMs}`);
  }
  return stepMs;
}

/**
 * Starts the simulator on loopback. It accepts clients at once and stands at the session's start until `begin`.
 * What is sent depends on the seed and the subscriptions alone, not on `speed`: see docs/simulated-market.md.
 */
export async function startMassiveSimulator(options: MassiveSimulatorOptions): Promise<MassiveSimulator> {
  const stepMs = assertStep(options.stepMs ?? 1000);
  const parts = await listen(options);
  const { tape, clock, connections } = parts;
  const stopping = new AbortController();
  const { promise: done, resolve, reject } = deferred();
  let begun = false;
  const begin = (): void => {
    if (begun) return;
    begun = true;
    playTape(playerOptions(parts, options, { stepMs, signal: stopping.signal })).then(resolve, reject);
  };
  const stop = async (): Promise<void> => {
    if (stopping.signal.aborted) return;
    stopping.abort();
    if (!begun) resolve();
    await close(parts);
  };
  const host = `127.0.0.1:${(parts.server.address() as AddressInfo).port}`;
  const { session, contracts } = tape;
  const addresses = { wsUrl: `ws://${host}`, restUrl: `http://${host}` };
  return {
    ...addresses,
    clock,
    session,
    contracts,
    begin,
    done,
    stop,
    drop: (market) => dropAll(connections, market),
    inflict: (market, fault) => inflictAll(connections, market, fault),
    failRest: parts.restFaults.add,
    recorded: (pair, from, to) =>
      parts.archive.read(pair, {
        fromMs: epochMsFromEastern(from),
        toMs: epochMsFromEastern(to),
        untilMs: parts.recordedToMs(),
      }),
  };
}

function playerOptions(
  { tape, clock, connections }: Parts,
  options: MassiveSimulatorOptions,
  at: { readonly stepMs: number; readonly signal: AbortSignal },
): PlayerOptions {
  const { speed, slowConsumerMs = 60_000, afterStep, onEvents, faults = [], disorder = null } = options;
  const { from = tape.session.tsStart, to = tape.session.tsEnd } = options;
  const isLockstep = options.pacing !== 'free';
  const how = { speed, slowConsumerMs, afterStep, onEvents, faults, disorder, from, to, isLockstep };
  return { tape, clock, connections, ...how, ...at };
}

function deferred(): { promise: Promise<void>; resolve: () => void; reject: (error: unknown) => void } {
  let resolve: () => void = () => {};
  let reject: (error: unknown) => void = () => {};
  const promise = new Promise<void>((onDone, onError) => {
    resolve = onDone;
    reject = onError;
  });
  return { promise, resolve, reject };
}
