// The simulator when it is told to misbehave: at the door, in mid-session, and by the dice.
import { afterEach, describe, expect, it } from 'vitest';
import {
  type MassiveSimulator,
  type MassiveSimulatorOptions,
  startMassiveSimulator,
} from '../../sim/massive_server.ts';
import { authenticated, rawClient } from './raw_client.ts';
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

describe('the door', () => {
  it('refuses a plan, a real-time host, and one connection too many, in the vendor’s words', async () => {
    const { wsUrl } = await start({
      door: (_, market) => (market === 'stocks' ? 'no_plan' : 'delayed_only'),
    });
    const planless = await rawClient(`${wsUrl}/stocks`);
    planless.send('auth', API_KEY);
    const { message } = await planless.next({ status: 'auth_failed' });
    expect(message).toBe("Your plan doesn't include websocket access.");
    expect(await planless.closed).toBe(1006);
    const delayed = await authenticated(`${wsUrl}/options`, API_KEY);
    delayed.send('subscribe', 'Q.O:QQQ261120C00610000');
    expect(String((await delayed.next({ status: 'error' })).message)).toContain(
      "You don't have access real-time data",
    );
    const full = await start({ door: () => 'full' });
    const client = await authenticated(`${full.wsUrl}/stocks`, API_KEY);
    client.send('subscribe', 'A.QQQ');
    await client.next({ message: 'subscribed to: A.QQQ' });
    await client.next({ status: 'max_connections' });
    expect(await client.closed).toBe(1008);
  });

  it('does not wait for authentication for ever, and can refuse to greet', async () => {
    const { wsUrl } = await start({ authTimeoutMs: 50, door: (nth) => (nth === 1 ? 'open' : 'silent') });
    const late = await rawClient(`${wsUrl}/stocks`);
    await late.next({ status: 'auth_timeout' });
    expect(await late.closed).toBe(1008);
    const ignored = await rawClient(`${wsUrl}/stocks`);
    ignored.send('auth', API_KEY);
    await new Promise((resolve) => ignored.socket.ping(undefined, undefined, resolve));
    expect(ignored.frames).toEqual([]);
  });

  it('can acknowledge each pair in a frame of its own', async () => {
    const { wsUrl } = await start({ acks: 'one_each' });
    const client = await authenticated(`${wsUrl}/stocks`, API_KEY);
    const before = client.frames.length;
    client.send('subscribe', 'A.QQQ,T.QQQ,T.OTHER');
    await client.next({ message: 'subscribed to: T.OTHER' });
    expect(client.frames.slice(before).map((frame) => frame.length)).toEqual([1, 1, 1]);
  });
});

describe('a session with faults', () => {
  const ORDER = { sym: 'QQQ', ev: 'T' };

  it('is silent while it is mute, answers pings then, and not even these when it is frozen', async () => {
    const simulator = await start();
    const client = await authenticated(`${simulator.wsUrl}/stocks`, API_KEY);
    client.send('subscribe', 'T.QQQ');
    await client.next({ message: 'subscribed to: T.QQQ' });
    let pongs = 0;
    client.socket.on('pong', () => {
      pongs += 1;
    });
    simulator.inflict('stocks', { kind: 'mute' });
    const before = client.frames.length;
    await new Promise<void>((resolve) => {
      client.socket.once('pong', () => resolve());
      client.socket.ping();
    });
    simulator.begin();
    await simulator.done;
    expect([client.frames.length, pongs]).toEqual([before, 1]);
    simulator.inflict('stocks', { kind: 'freeze' });
    client.socket.ping();
    simulator.inflict('stocks', { kind: 'status', status: 'error', message: 'unheard' });
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect([client.frames.length, pongs]).toEqual([before, 1]);
    simulator.inflict('stocks', { kind: 'unfreeze' });
    simulator.inflict('stocks', { kind: 'say', data: '[{"ev":"later"}]' });
    await client.next({ ev: 'later' });
    expect(pongs).toBe(2);
  });

  it('sends the same events in disorder, the same disorder for the same seed', async () => {
    const events = async (options: Partial<MassiveSimulatorOptions>): Promise<Record<string, unknown>[]> => {
      const simulator = await start(options);
      const client = await authenticated(`${simulator.wsUrl}/stocks`, API_KEY);
      client.send('subscribe', 'T.QQQ');
      await client.next({ message: 'subscribed to: T.QQQ' });
      simulator.begin();
      await simulator.done;
      return client.frames.flat().filter((event) => event.ev === ORDER.ev);
    };
    const disorder = { seed: 2, again: 0.1, swapped: 0.1, late: 0.1, lateMs: 5000, decorated: 0.1 };
    const [sound, odd, again] = [await events({}), await events({ disorder }), await events({ disorder })];
    expect(odd).toEqual(again);
    const sequences = odd.map((event) => Number(event.q));
    expect(sequences.length).toBeGreaterThan(sound.length * 1.05);
    expect(sequences.some((q, i) => i > 0 && q < (sequences[i - 1] ?? 0))).toBe(true);
    // The last ones may be late beyond the end.
    const known = new Set(sequences);
    expect(sound.filter((event) => known.has(Number(event.q))).length).toBeGreaterThan(sound.length * 0.98);
  });
});
