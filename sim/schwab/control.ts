// The simulator's own controls over HTTP, for clients in other languages: POST /COMMAND with a JSON array of arguments.
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { z } from 'zod';
import type { SessionDate } from '../../core/eastern_time.ts';
import type { SettlementOptions } from '../venue/settlement.ts';
import type { Fault, Misbehaviour, Operation } from './faults.ts';
import type { SchwabSimulator } from './server.ts';

export interface ControlServer {
  readonly url: string;
  stop(): Promise<void>;
}

type Command = (simulator: SchwabSimulator, args: readonly unknown[]) => unknown;

const integer = z.number().int();
const quoteArgs = z.tuple([z.string(), integer, integer, integer, integer]);
const fillArgs = z.tuple([integer, integer]).rest(integer);

// The arguments are those of the functions of SchwabSimulator and Script; the caller is a test, so only shapes that would do
// silent harm are checked.
const COMMANDS: Readonly<Record<string, Command>> = {
  quote: (simulator, args) => simulator.setQuote(...quoteArgs.parse(args.slice(0, 5))),
  fill: (simulator, args) => {
    const [id, qty, ...prices] = fillArgs.parse(args);
    return simulator.fill(id, qty, prices.length === 0 ? undefined : prices);
  },
  manualOrder: (simulator, [body]) => simulator.manualOrder(body),
  manualCancel: (simulator, [id]) => simulator.manualCancel(integer.parse(id)),
  settle: (simulator, [date, close_e4, options]) =>
    simulator.settle(
      z.iso.date().parse(date) as SessionDate,
      integer.parse(close_e4),
      (options ?? {}) as SettlementOptions,
    ),
  assign: (simulator, [symbol, contracts]) =>
    simulator.assign(z.string().parse(symbol), integer.parse(contracts)),
  next: (simulator, [operation, fault, times]) =>
    simulator.script.next(operation as Operation, fault as Fault, integer.optional().parse(times)),
  always: (simulator, [operation, fault]) =>
    simulator.script.always(operation as Operation, fault as Fault | null),
  misbehave: (simulator, [misbehaviour]) => simulator.misbehave(misbehaviour as Misbehaviour | null),
  clear: (simulator) => simulator.script.clear(),
  login: (simulator) => simulator.oauth.login(),
  killAccessTokens: (simulator) => simulator.oauth.killAccessTokens(),
  killRefreshToken: (simulator) => simulator.oauth.killRefreshToken(),
  dropStreams: (simulator) => simulator.streamer.drop(),
  stopStreaming: (simulator) => simulator.streamer.stopStreaming(),
  repeatActivity: (simulator, [count]) => simulator.streamer.repeatActivity(integer.parse(count)),
  orders: (simulator) => simulator.ledger.orders(),
  positions: (simulator) => simulator.ledger.positions(),
  cash: (simulator) => simulator.ledger.cash_e4(),
  requests: (simulator) => simulator.requests(),
};

async function run(simulator: SchwabSimulator, request: IncomingMessage): Promise<unknown> {
  const command = COMMANDS[(request.url ?? '/').slice(1)];
  if (command === undefined)
    throw new Error(`no such command; known are ${Object.keys(COMMANDS).join(', ')}`);
  const body = await text(request);
  return command(simulator, z.array(z.unknown()).parse(body === '' ? [] : JSON.parse(body)));
}

/** Starts the controls on loopback. Answers are `{"result": ...}`, or 400 and `{"error": "..."}`. */
export async function startControl(simulator: SchwabSimulator, port = 0): Promise<ControlServer> {
  const server = createServer((request, response) => {
    run(simulator, request).then(
      (result) => response.end(JSON.stringify({ result: result ?? null })),
      (error: unknown) => response.writeHead(400).end(JSON.stringify({ error: String(error) })),
    );
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    stop: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
