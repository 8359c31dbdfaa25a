// What the Schwab tests share: a bare HTTP server on loopback, a folder with a stored login, a configuration.
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach } from 'vitest';
import { type Clock, systemClock } from '../../../../core/clock.ts';
import { addMs, type EasternUs, parseEastern } from '../../../../core/eastern_time.ts';
import type { OsiSymbol } from '../../../../core/osi_symbol.ts';
import type { BrokerOrder } from '../../../../jobs/brokers/broker.ts';
import type { SchwabConfig } from '../../../../jobs/brokers/schwab/settings.ts';
import { createTokenStore, type SchwabTokens } from '../../../../jobs/brokers/schwab/tokens.ts';

export const SECRET_KEY = 'a secret key of the tests, long enough';
export const APP_KEY = 'simulatedappkeysimulatedappkey32';
export const APP_SECRET = 'simulatedsecret1';
export const NOON = parseEastern('2026-11-20 12:00:00') as EasternUs;
export const CALL = 'QQQ   261120C00610000' as OsiSymbol;
export const FURTHER_CALL = 'QQQ   261120C00615000' as OsiSymbol;

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** Done after the test, the last one first. */
export function atEnd(cleanup: () => unknown): void {
  cleanups.push(cleanup);
}

/** A folder of the test's own. */
export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'strikebase-schwab-'));
  atEnd(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

export interface Received {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

export interface BareServer {
  readonly url: string;
  readonly received: Received[];
  of(method: string, path: string): Received[];
}

/** A server that keeps what it is sent and answers as it is told. */
export async function bareServer(
  answer: (request: Received, response: ServerResponse, count: number) => unknown,
): Promise<BareServer> {
  const received: Received[] = [];
  const http = createServer(async (request, response) => {
    let body = '';
    for await (const part of request) body += String(part);
    const url = new URL(request.url ?? '/', 'http://localhost');
    const { method = '', headers } = request;
    const entry = { method, path: url.pathname, query: url.searchParams, headers, body };
    received.push(entry);
    const count = received.filter((each) => each.method === method && each.path === url.pathname).length;
    await answer(entry, response, count);
  }).listen(0, '127.0.0.1');
  await once(http, 'listening');
  atEnd(() => {
    http.closeAllConnections();
    http.close();
  });
  return {
    url: `http://127.0.0.1:${(http.address() as AddressInfo).port}`,
    received,
    of: (method, path) => received.filter((each) => each.method === method && each.path === path),
  };
}

export function sendJson(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

/** A configuration with a folder of its own. */
export async function configFor(
  schwabBaseUrl: string,
  more: Partial<SchwabConfig> = {},
): Promise<SchwabConfig> {
  return {
    schwabBaseUrl,
    schwabApiKey: APP_KEY,
    schwabApiSecret: APP_SECRET,
    schwabCallbackUrl: 'https://127.0.0.1:8182',
    secretKey: SECRET_KEY,
    schwabAccount: null,
    strikebaseDir: await temporaryFolder(),
    ...more,
  };
}

/** Tokens of a login made just now, unless told otherwise. */
export function tokensAt(now: EasternUs, more: Partial<SchwabTokens> = {}): SchwabTokens {
  return {
    accessToken: 'access-of-the-store',
    accessIssuedAt: now,
    accessLifeMs: 1_800_000,
    refreshToken: 'refresh-of-the-store',
    refreshIssuedAt: now,
    ...more,
  };
}

/** Stores a login where the configuration looks for it. */
export async function storeLogin(config: SchwabConfig, tokens: SchwabTokens): Promise<void> {
  const { strikebaseDir: folder, secretKey } = config;
  await createTokenStore({ folder, secretKey, transport: systemClock() }).write(tokens);
}

/** A clock that stands until it is set; who sleeps sleeps in real time. */
export function movableClock(start: EasternUs = NOON): Clock & { move(ms: number): void } {
  let now = start;
  return {
    kind: 'simulated',
    now: () => now,
    sleep: (ms, signal) => systemClock().sleep(ms, signal),
    move: (ms) => {
      now = addMs(now, ms);
    },
  };
}

/** To sell one contract at a limit, opening. */
export function shortCall(more: Partial<BrokerOrder> = {}): BrokerOrder {
  return {
    legs: [{ symbol: CALL, side: 'sell', effect: 'open', ratio: 1 }],
    qty: 1,
    type: 'limit',
    isCredit: true,
    limit_px_e4: 12_500,
    stop_px_e4: null,
    ...more,
  };
}

/** To sell the lower strike and buy the higher. */
export function creditVertical(more: Partial<BrokerOrder> = {}): BrokerOrder {
  return shortCall({
    legs: [
      { symbol: CALL, side: 'sell', effect: 'open', ratio: 1 },
      { symbol: FURTHER_CALL, side: 'buy', effect: 'open', ratio: 1 },
    ],
    limit_px_e4: 4500,
    ...more,
  });
}
