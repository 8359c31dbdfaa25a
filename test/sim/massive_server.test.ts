// The simulator's websocket and REST, seen by a bare client: Massive's protocol to the letter.
import { createHash } from 'node:crypto';
import { afterEach, describe, expect, it } from 'vitest';
import { addMs, type EasternUs, epochMsFromEastern } from '../../core/eastern_time.ts';
import {
  type MassiveSimulator,
  type MassiveSimulatorOptions,
  startMassiveSimulator,
} from '../../sim/massive_server.ts';
import { authenticated, type RawClient, rawClient } from './raw_client.ts';
import { shortSession } from './sessions.ts';

const API_KEY = 'simulated-key';
const running: MassiveSimulator[] = [];

async function start(options: Partial<MassiveSimulatorOptions> = {}): Promise<MassiveSimulator> {
  const simulator = await startMassiveSimulator({
    ...shortSession(),
    seed: 7,
    speed: 'max',
    apiKey: API_KEY,
    ...options,
  });
  running.push(simulator);
  return simulator;
}

afterEach(async () => {
  await Promise.all(running.splice(0).map((simulator) => simulator.stop()));
});

function statuses(client: RawClient): unknown[] {
  return client.frames.flat().filter((event) => event.ev === 'status');
}

describe('the handshake', () => {
  it('greets, authenticates and acknowledges each pair, in array frames', async () => {
    const { wsUrl } = await start();
    const client = await authenticated(`${wsUrl}/stocks`, API_KEY);
    client.send('subscribe', 'A.QQQ,T.NOSUCH');
    await client.next({ message: 'subscribed to: T.NOSUCH' });
    client.send('unsubscribe', 'A.QQQ');
    await client.next({ message: 'unsubscribed to: A.QQQ' });
    expect(client.frames.every((frame) => Array.isArray(frame))).toBe(true);
    expect(statuses(client)).toEqual([
      { ev: 'status', status: 'connected', message: 'Connected Successfully' },
      { ev: 'status', status: 'auth_success', message: 'authenticated' },
      { ev: 'status', status: 'success', message: 'subscribed to: A.QQQ' },
      { ev: 'status', status: 'success', message: 'subscribed to: T.NOSUCH' },
      { ev: 'status', status: 'success', message: 'unsubscribed to: A.QQQ' },
    ]);
  });

  it('meets a bad key with auth_failed and an abrupt drop', async () => {
    const { wsUrl } = await start();
    const client = await rawClient(`${wsUrl}/stocks`);
    client.send('auth', 'wrong');
    expect(await client.next({ status: 'auth_failed' })).toMatchObject({ message: 'authentication failed' });
    expect(await client.closed).toBe(1006);
  });

  it('is silent about an unknown prefix and a pair already held', async () => {
    const { wsUrl } = await start();
    const client = await authenticated(`${wsUrl}/stocks`, API_KEY);
    client.send('subscribe', 'QQ.AAPL,A.QQQ');
    client.send('subscribe', 'A.QQQ');
    client.send('subscribe', 'A.LAST');
    await client.next({ message: 'subscribed to: A.LAST' });
    expect(statuses(client).slice(2)).toEqual([
      { ev: 'status', status: 'success', message: 'subscribed to: A.QQQ' },
      { ev: 'status', status: 'success', message: 'subscribed to: A.LAST' },
    ]);
  });

  it('refuses channels that it does not serve, rubbish, and commands before authentication', async () => {
    const { wsUrl } = await start();
    const client = await rawClient(`${wsUrl}/stocks`);
    client.send('subscribe', 'A.QQQ');
    expect(await client.next({ status: 'error' })).toMatchObject({ message: 'not authorized' });
    client.send('auth', API_KEY);
    await client.next({ status: 'auth_success' });
    client.sendText('{"action":');
    expect(await client.next({ status: 'error' })).toMatchObject({ message: 'unknown action' });
    client.send('subscribe', 'LULD.QQQ');
    expect(await client.next({ status: 'error' })).toMatchObject({ message: 'not authorized' });
  });

  it('acknowledges 1,000 option quotes and no more', async () => {
    const { wsUrl } = await start();
    const client = await authenticated(`${wsUrl}/options`, API_KEY);
    const pairs = Array.from({ length: 1001 }, (_, i) => `Q.O:QQQ261120C0${String(100_000 + i * 10)}0`);
    client.send('subscribe', pairs.join(','));
    await client.next({ status: 'error' });
    expect(statuses(client).filter((each) => (each as { status: string }).status === 'success')).toHaveLength(
      1000,
    );
  });

  it('closes the older of two connections of an account with 1008', async () => {
    const { wsUrl } = await start();
    const older = await authenticated(`${wsUrl}/stocks`, API_KEY);
    const other = await authenticated(`${wsUrl}/options`, API_KEY);
    const newer = await authenticated(`${wsUrl}/stocks`, API_KEY);
    await older.next({ status: 'max_connections' });
    expect(await older.closed).toBe(1008);
    expect([other.socket.readyState, newer.socket.readyState]).toEqual([1, 1]);
  });

  it('knows only its two paths', async () => {
    const { wsUrl } = await start();
    await expect(rawClient(`${wsUrl}/crypto`)).rejects.toThrow('404');
  });
});

async function play(options: Partial<MassiveSimulatorOptions>): Promise<{ hash: string; client: RawClient }> {
  const simulator = await start(options);
  const client = await authenticated(`${simulator.wsUrl}/options`, API_KEY);
  const pairs = simulator.contracts.flatMap(({ ticker }) => [`Q.${ticker}`, `T.${ticker}`]);
  client.send('subscribe', pairs.join(','));
  await client.next({ message: `subscribed to: ${pairs.at(-1)}` });
  const before = client.frames.length;
  simulator.begin();
  await simulator.done;
  const hash = createHash('sha256')
    .update(JSON.stringify(client.frames.slice(before)))
    .digest('hex');
  return { hash, client };
}

describe('a session', () => {
  it('delivers the same frames in the same order for the same seed', async () => {
    const [first, again, other] = [await play({}), await play({}), await play({ seed: 8 })];
    expect(first.client.frames.flat().length).toBeGreaterThan(1000);
    expect(again.hash).toBe(first.hash);
    expect(other.hash).not.toBe(first.hash);
  });

  it('delivers the same events at a finite speed and in finer steps', async () => {
    const events = async (options: Partial<MassiveSimulatorOptions>): Promise<unknown[]> =>
      (await play(options)).client.frames.flat().filter((event) => event.ev !== 'status');
    expect(await events({ speed: 10_000, stepMs: 250 })).toEqual(await events({}));
  });

  it('has delivered everything before `now` when a step ends, and nothing after it', async () => {
    const steps: EasternUs[] = [];
    let client: RawClient | null = null;
    let latest = 0;
    const afterStep = (now: EasternUs): void => {
      steps.push(now);
      for (const event of client?.frames.splice(0).flat() ?? [])
        latest = Math.max(latest, Number(event.t ?? 0));
      if (latest >= epochMsFromEastern(now)) throw new Error('an event from the future');
    };
    const simulator = await start({ afterStep });
    client = await authenticated(`${simulator.wsUrl}/stocks`, API_KEY);
    client.send('subscribe', 'T.QQQ');
    await client.next({ message: 'subscribed to: T.QQQ' });
    simulator.begin();
    await simulator.done;
    expect(steps).toHaveLength(62 * 60);
    expect(steps[0]).toBe(addMs(simulator.session.tsStart, 1000));
    expect(steps.at(-1)).toBe(simulator.session.tsEnd);
    expect(latest).toBeGreaterThan(0);
  });

  it('sends a quote only to those who subscribed to it', async () => {
    const simulator = await start();
    const client = await authenticated(`${simulator.wsUrl}/stocks`, API_KEY);
    client.send('subscribe', 'A.*');
    await client.next({ message: 'subscribed to: A.*' });
    simulator.begin();
    await simulator.done;
    const kinds = new Set(client.frames.flat().map((event) => event.ev));
    expect([...kinds].sort()).toEqual(['A', 'status']);
  });

  it('ends with the error of a consumer, and at stop', async () => {
    const failing = await start({
      afterStep: () => {
        throw new Error('the consumer failed');
      },
    });
    failing.begin();
    await expect(failing.done).rejects.toThrow('the consumer failed');
    const stopped = await start({ speed: 1 });
    stopped.begin();
    await stopped.stop();
    await stopped.done;
  });

  it('drops a client that has stopped reading and goes on', async () => {
    const simulator = await start({ slowConsumerMs: 40 });
    const client = await authenticated(`${simulator.wsUrl}/stocks`, API_KEY);
    client.socket.pause();
    simulator.begin();
    await simulator.done;
    expect(simulator.drop()).toBe(0);
  });
});

describe('the REST half', () => {
  const get = async (
    url: string,
    key = API_KEY,
  ): Promise<{ status: number; body: Record<string, unknown> }> => {
    const response = await fetch(url, { headers: { authorization: `Bearer ${key}` } });
    return { status: response.status, body: (await response.json()) as Record<string, unknown> };
  };

  it('refuses a wrong key and unknown paths in the vendor’s words', async () => {
    const { restUrl } = await start();
    expect(await get(`${restUrl}/v3/reference/options/contracts`, 'wrong')).toMatchObject({
      status: 401,
      body: { status: 'ERROR', error: 'Unknown API Key' },
    });
    expect(await get(`${restUrl}/v3/nothing`)).toMatchObject({ status: 404, body: { status: 'NOT_FOUND' } });
    expect((await get(`${restUrl}/v3/reference/options/contracts/O:QQQ991120C00001000`)).status).toBe(404);
    expect((await fetch(`${restUrl}/v3/reference/options/contracts/%E0%A4%A?apiKey=${API_KEY}`)).status).toBe(
      400,
    );
  });

  it('pages through filtered contracts without ever showing the key', async () => {
    const { restUrl, contracts } = await start();
    const query =
      'contract_type=put&strike_price.gte=600&strike_price.lt=606&limit=4&sort=strike_price&order=desc';
    let next: unknown = `${restUrl}/v3/reference/options/contracts?${query}&apiKey=${API_KEY}`;
    const strikes: unknown[] = [];
    while (typeof next === 'string') {
      const { body } = await get(next);
      strikes.push(...(body.results as { strike_price: number }[]).map((each) => each.strike_price));
      next = body.next_url;
      expect(String(next)).not.toContain(API_KEY);
    }
    expect(strikes).toEqual([605, 604, 603, 602, 601, 600]);
    const one = await get(`${restUrl}/v3/reference/options/contracts/${contracts[0]?.ticker}`);
    expect(one.body.results).toMatchObject({ ticker: contracts[0]?.ticker, shares_per_contract: 100 });
  });
});
