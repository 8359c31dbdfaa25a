// The Massive connection against the simulator: handshake, faults, and what a consumer may conclude.
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { type WebSocket, WebSocketServer } from 'ws';
import { systemClock } from '../../../core/clock.ts';
import { addMs } from '../../../core/eastern_time.ts';
import { errorText, Failure } from '../../../core/failure.ts';
import { createFrameBuffer } from '../../../ingest/frame_buffer.ts';
import { MassiveFeed } from '../../../ingest/massive/feed.ts';
import { mapFrame } from '../../../ingest/massive/mapper.ts';
import {
  type MassiveSimulator,
  type MassiveSimulatorOptions,
  startMassiveSimulator,
} from '../../../sim/massive_server.ts';
import { eventually } from '../../harness.ts';
import { shortSession } from '../../sim/sessions.ts';
import { API_KEY, type FeedTestOptions, type FeedUnderTest, startFeed } from './feed_harness.ts';

const cleanups: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function simulator(options: Partial<MassiveSimulatorOptions> = {}): Promise<MassiveSimulator> {
  const started = await startMassiveSimulator({
    ...shortSession(),
    seed: 7,
    speed: 'max',
    apiKey: API_KEY,
    ...options,
  });
  cleanups.push(() => started.stop());
  return started;
}

function feedOf(options: FeedTestOptions): FeedUnderTest {
  const started = startFeed(options);
  cleanups.push(() => started.stop());
  return started;
}

/** A server of a few lines, for what the simulator does not do. */
async function scriptedServer(onClient: (client: WebSocket, nth: number) => void): Promise<string> {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1', autoPong: false });
  let count = 0;
  server.on('connection', (client) => {
    count += 1;
    onClient(client, count);
  });
  await once(server, 'listening');
  cleanups.push(async () => {
    for (const client of server.clients) client.terminate();
    server.close();
  });
  return `ws://127.0.0.1:${(server.address() as AddressInfo).port}/stocks`;
}

function say(client: WebSocket, ...events: unknown[]): void {
  client.send(JSON.stringify(events));
}

function accept(client: WebSocket, acknowledge = true): void {
  say(client, { ev: 'status', status: 'connected', message: '' });
  client.on('message', (data) => {
    const { action, params } = JSON.parse(String(data)) as { action: string; params: string };
    if (action === 'auth') say(client, { ev: 'status', status: 'auth_success', message: 'authenticated' });
    // Some servers list several pairs in one acknowledgement.
    else if (acknowledge) {
      say(client, {
        ev: 'status',
        status: 'success',
        message: `subscribed to: ${params.replaceAll(',', ', ')}`,
      });
    }
  });
}

const PRINT = { ev: 'T', sym: 'QQQ', p: 610, s: 1, t: 1795185000123, q: 1 };

describe('a feed', () => {
  it('goes through its states, then delivers the session with simulated receipt times', async () => {
    const sim = await simulator();
    const under = feedOf({ url: `${sim.wsUrl}/stocks`, clock: sim.clock });
    expect(await under.when('subscribed')).toMatchObject({ unacknowledged: [] });
    expect(under.frames).toEqual([]);
    sim.begin();
    await sim.done;
    expect(under.changes.map((change) => change.state)).toEqual([
      'connecting',
      'authenticated',
      'subscribed',
      'live',
    ]);
    const ticks = under.frames.flatMap((frame) => mapFrame(frame.data, frame.ts_recv).ticks);
    expect(ticks.length).toBeGreaterThan(500);
    // An aggregate is received exactly as its second ends.
    for (const tick of ticks) expect(tick.ts_recv).toBe(addMs(tick.ts_event, 1000));
  });

  it('reports pairs that the vendor met with silence', async () => {
    const sim = await simulator();
    const under = feedOf({
      url: `${sim.wsUrl}/stocks`,
      clock: sim.clock,
      subscriptions: ['A.QQQ', 'QQ.QQQ', 'LULD.QQQ'],
    });
    expect((await under.when('subscribed')).unacknowledged).toEqual(['QQ.QQQ', 'LULD.QQQ']);
    expect(under.errors).toEqual([{ status: 'error', message: 'not authorized' }]);
  });

  it('reconnects after an abrupt drop, subscribes again, and goes on', async () => {
    let under: FeedUnderTest | null = null;
    let steps = 0;
    const afterStep = async (): Promise<void> => {
      steps += 1;
      if (steps !== 1900) return;
      sim.drop('stocks');
      await under?.when('subscribed', 2);
    };
    const sim = await simulator({ afterStep });
    under = feedOf({ url: `${sim.wsUrl}/stocks`, clock: sim.clock });
    await under.when('subscribed');
    sim.begin();
    await sim.done;
    expect(await under.when('disconnected')).toMatchObject({
      reason: expect.stringContaining('1006') as unknown,
    });
    expect(under.changes.map((change) => change.state)).toEqual(
      ['connecting', 'authenticated', 'subscribed', 'live', 'disconnected'].concat([
        'connecting',
        'authenticated',
        'subscribed',
        'live',
      ]),
    );
    // The simulated market waited, so nothing is missing.
    const seconds = under.frames.flatMap((frame) => mapFrame(frame.data, frame.ts_recv).ticks);
    expect(new Set(seconds.map((tick) => tick.ts_event)).size).toBe(seconds.length);
  });

  it('subscribes and unsubscribes while it runs, and keeps to that after a reconnect', async () => {
    const sim = await simulator();
    const [first, second] = sim.contracts;
    const pairs = [`Q.${first?.ticker}`, `Q.${second?.ticker}`];
    const under = feedOf({ url: `${sim.wsUrl}/options`, clock: sim.clock, subscriptions: pairs.slice(0, 1) });
    await under.when('subscribed');
    expect(await under.feed.subscribe(pairs)).toEqual([]);
    expect(await under.feed.subscribe(['X.nothing'])).toEqual(['X.nothing']);
    under.feed.unsubscribe([...pairs.slice(0, 1), 'X.nothing']);
    expect(under.feed.wanted()).toEqual(pairs.slice(1));
    sim.drop('options');
    expect((await under.when('subscribed', 2)).unacknowledged).toEqual([]);
    sim.begin();
    await sim.done;
    const symbols = under.frames.flatMap((frame) => mapFrame(frame.data, frame.ts_recv).quotes);
    expect(new Set(symbols.map((quote) => quote.symbol))).toEqual(new Set([second?.symbol]));
  });

  it('refuses to ask for more than 1,000 option quotes', async () => {
    const sim = await simulator();
    const pairs = Array.from({ length: 1001 }, (_, i) => `Q.O:QQQ261120C00${100_000 + i}0`);
    const options = { url: `${sim.wsUrl}/options`, clock: sim.clock };
    expect(() => startFeed({ ...options, subscriptions: pairs })).toThrow(Failure);
  });

  it('knows its high-water mark: the latest event mapped, exclusive', async () => {
    const sim = await simulator();
    const under = feedOf({
      url: `${sim.wsUrl}/stocks`,
      clock: sim.clock,
      onFrame: (frame) => under.feed.observe(mapFrame(frame.data, frame.ts_recv)),
    });
    expect(under.feed.highWater()).toBeNull();
    await under.when('subscribed');
    sim.begin();
    await sim.done;
    const mark = under.feed.highWater() ?? 0;
    expect(mark).toBeGreaterThan(sim.session.tsEnd - 60_000_000);
    expect(mark).toBeLessThan(sim.session.tsEnd);
  });

  it('does not let a time from the future move the mark beyond its receipt', async () => {
    const sim = await simulator();
    const { feed } = feedOf({ url: `${sim.wsUrl}/stocks`, clock: sim.clock });
    const received = sim.clock.now();
    feed.observe(mapFrame(JSON.stringify([{ ...PRINT, t: 2_000_000_000_000 }]), received));
    expect(feed.highWater()).toBe(received);
    feed.observe(mapFrame(JSON.stringify([PRINT]), addMs(received, -5000)));
    expect(feed.highWater()).toBe(received);
  });

  it('is held back by its consumer without losing a frame', async () => {
    const sim = await simulator();
    const stop = new AbortController();
    const queue = createFrameBuffer({
      maxBytes: 2000,
      spool: null,
      pause: () => under.feed.pause(),
      resume: () => under.feed.resume(),
    });
    const pairs = sim.contracts.map((contract) => `Q.${contract.ticker}`);
    const under = feedOf({
      url: `${sim.wsUrl}/options`,
      clock: sim.clock,
      subscriptions: pairs,
      onFrame: queue.push,
    });
    await under.when('subscribed');
    let most = 0;
    let rows = 0;
    const consume = async (): Promise<void> => {
      while (!stop.signal.aborted) {
        await queue.ready(stop.signal);
        most = Math.max(most, queue.bytes());
        const { frames } = queue.take(1_000_000);
        for (const frame of frames) rows += mapFrame(frame.data, frame.ts_recv).quotes.length;
      }
    };
    const consumer = consume();
    sim.begin();
    await sim.done;
    stop.abort();
    await consumer;
    expect(rows).toBeGreaterThan(1000);
    expect(most).toBeGreaterThan(2000);
    expect(most).toBeLessThan(200_000);
  });
});

describe('a feed in trouble', () => {
  it('ends with a Failure on a bad key, and never shows the key', async () => {
    const sim = await simulator({ apiKey: 'another' });
    const under = feedOf({ url: `${sim.wsUrl}/stocks`, clock: sim.clock });
    const error = await under.run.catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(Failure);
    expect((await under.when('failed')).reason).toBe('auth_failed: authentication failed');
    const everything = [
      errorText(error),
      (error as Failure).hint,
      JSON.stringify(under.changes),
      String((error as Failure).stack),
    ];
    expect(everything.join('\n')).not.toContain(API_KEY);
  });

  it('cuts the key out of a vendor’s message that echoes it', async () => {
    const url = await scriptedServer((client) => {
      say(client, { ev: 'status', status: 'auth_failed', message: `unknown key ${API_KEY}` });
    });
    const under = feedOf({ url, clock: systemClock() });
    await expect(under.run).rejects.toThrow('unknown key [api key]');
    expect(JSON.stringify(under.changes)).not.toContain(API_KEY);
  });

  it('sends the key only by TLS or on this machine, and takes a simulated clock only there', async () => {
    const sim = await simulator();
    const base = { apiKey: API_KEY, subscriptions: [], onFrame: () => {}, signal: AbortSignal.abort() };
    const make = (url: string, clock = systemClock()) => new MassiveFeed({ ...base, url, clock });
    expect(() => make('ws://socket.massive.com/stocks')).toThrow('wss://');
    expect(() => make('nonsense')).toThrow(Failure);
    expect(() => make('wss://socket.massive.com/stocks', sim.clock)).toThrow('simulated clock');
    expect(() => make('wss://socket.massive.com/stocks')).not.toThrow();
    expect(() => new MassiveFeed({ ...base, url: sim.wsUrl, clock: sim.clock, apiKey: 'two words' })).toThrow(
      'blanks',
    );
  });

  it('waits a minute when the account has too many connections', async () => {
    const sim = await simulator();
    const older = feedOf({
      url: `${sim.wsUrl}/stocks`,
      clock: sim.clock,
      timing: { excessCooldownMs: 60_000 },
    });
    await older.when('subscribed');
    const newer = feedOf({ url: `${sim.wsUrl}/stocks`, clock: sim.clock });
    await newer.when('subscribed');
    const { reason } = await older.when('disconnected');
    expect(reason).toContain('max_connections');
    expect(Number(/next attempt in (\d+) ms/.exec(reason ?? '')?.[1])).toBeGreaterThanOrEqual(60_000);
  });

  it('backs off further with each short life', async () => {
    const url = await scriptedServer((client) => {
      accept(client);
      client.on('message', (data) => {
        if (String(data).includes('subscribe')) client.terminate();
      });
    });
    // In the middle of the jitter's range.
    const under = feedOf({ url, clock: systemClock(), timing: { backoffMaxMs: 1000 }, random: () => 1 });
    await under.when('disconnected', 5);
    const waits = under.changes
      .filter((change) => change.state === 'disconnected')
      .map((change) => Number(/in (\d+) ms/.exec(change.reason ?? '')?.[1]));
    expect(waits.slice(0, 5)).toEqual([250, 500, 1000, 1000, 1000]);
  });

  it('leaves a server that does not answer pings, or never greets', async () => {
    const silent = await scriptedServer((client, nth) => {
      if (nth > 1) accept(client);
    });
    const greeted = feedOf({ url: silent, clock: systemClock(), transportSpeed: 30 });
    expect((await greeted.when('disconnected')).reason).toContain('not authenticated after 10000 ms');
    expect((await greeted.when('disconnected', 2)).reason).toContain('no answer to 2 pings');
  });

  it('tells a mute connection from a live one, and takes it back', async () => {
    const clients: WebSocket[] = [];
    const url = await scriptedServer((client) => {
      clients.push(client);
      accept(client);
      client.on('message', (data) => {
        if (String(data).includes('subscribe')) say(client, PRINT);
      });
    });
    const under = feedOf({
      url,
      clock: systemClock(),
      timing: { muteAfterMs: 30, pingIntervalMs: 1_000_000 },
      onFrame: (frame) => {
        under.frames.push(frame);
        under.feed.observe(mapFrame(frame.data, frame.ts_recv));
      },
    });
    await under.when('live');
    await under.when('mute');
    // The same event again is a frame, but no news.
    for (const client of clients) say(client, PRINT);
    await eventually(() => expect(under.frames).toHaveLength(2));
    expect(under.feed.state).toBe('mute');
    for (const client of clients) say(client, { ...PRINT, t: PRINT.t + 1, q: 2 });
    await under.when('live', 2);
  });

  it('goes live on data that comes before the last acknowledgement', async () => {
    const url = await scriptedServer((client) => {
      accept(client, false);
      client.on('message', (data) => {
        if (String(data).includes('subscribe')) say(client, PRINT);
      });
    });
    const under = feedOf({ url, clock: systemClock(), timing: { pingIntervalMs: 1_000_000 } });
    expect((await under.when('subscribed')).unacknowledged).toEqual(['A.QQQ']);
    await under.when('live');
  });

  it('ends at once when told to, even in the handshake', async () => {
    const url = await scriptedServer(() => {});
    const under = feedOf({ url, clock: systemClock() });
    await under.stop();
    await under.run;
    expect(under.changes.at(-1)).toMatchObject({ state: 'disconnected', reason: 'ended by us' });
  });
});
