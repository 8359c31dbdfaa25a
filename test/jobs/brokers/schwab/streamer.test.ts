import { describe, expect, it } from 'vitest';
import { systemClock } from '../../../../core/clock.ts';
import type { OptionQuote } from '../../../../core/domain.ts';
import type { OsiSymbol } from '../../../../core/osi_symbol.ts';
import type { SchwabSimulatorOptions } from '../../../../sim/schwab/settings.ts';
import { eventually } from '../../../harness.ts';
import { type SimulatedSchwab, simulatedSchwab } from './simulated.ts';
import { CALL, FURTHER_CALL } from './support.ts';

interface Watching extends SimulatedSchwab {
  readonly quotes: OptionQuote[];
  readonly log: string[];
  live(): Promise<void>;
}

async function watching(
  simulator: SchwabSimulatorOptions = {},
  symbols: readonly OsiSymbol[] = [CALL],
  before: (world: SimulatedSchwab) => void = () => {},
): Promise<Watching> {
  const log: string[] = [];
  const streamer = {
    reconnectFirstMs: 20,
    reconnectMaxMs: 100,
    silenceMs: 400,
    excessPauseMs: 300,
    answerTimeoutMs: 1000,
  };
  const world = await simulatedSchwab({
    simulator: { heartbeatMs: 50, ...simulator },
    broker: { streamer },
  });
  const quotes: OptionQuote[] = [];
  world.venue.setQuote(CALL, { bid_e4: 12_100, ask_e4: 12_300, sz: 57 });
  before(world);
  world.broker.streamer.onQuotes((some) => quotes.push(...some));
  world.broker.streamer.watchQuotes(symbols);
  const live = (): Promise<void> =>
    eventually(() => expect(world.broker.streamer.state()).toEqual({ isLive: true, reason: null }));
  return { ...world, quotes, log, live };
}

const bids = (quotes: readonly OptionQuote[]): unknown[] => quotes.map((quote) => quote.bid_px_e4);

describe('the streamer', () => {
  it('sends the image of a contract, then what changes', async () => {
    const { quotes, venue } = await watching();
    await eventually(() => expect(quotes).toHaveLength(1));
    expect(quotes[0]).toMatchObject({ symbol: CALL, bid_px_e4: 12_100, ask_px_e4: 12_300, bid_sz: 57 });
    venue.setQuote(CALL, { bid_e4: 12_100, ask_e4: 12_500, sz: 57 });
    await eventually(() => expect(quotes).toHaveLength(2));
    expect(quotes[1]).toMatchObject({ bid_px_e4: 12_100, ask_px_e4: 12_500 });
    expect(Math.abs((quotes[1]?.ts_recv ?? 0) - venue.now()) / 1e6).toBeLessThan(10);
  });

  it('wants exactly what it was last told', async () => {
    const { quotes, venue, broker, live } = await watching();
    await live();
    venue.setQuote(FURTHER_CALL, { bid_e4: 5000, ask_e4: 5100 });
    broker.streamer.watchQuotes([FURTHER_CALL]);
    broker.streamer.watchQuotes([FURTHER_CALL, CALL]);
    broker.streamer.watchQuotes([FURTHER_CALL]);
    // Each of the three subscriptions begins with an image.
    const images = (): number => quotes.filter((quote) => quote.symbol === FURTHER_CALL).length;
    await eventually(() => expect(images()).toBe(3));
    venue.setQuote(CALL, { bid_e4: 20_000, ask_e4: 20_100 });
    venue.setQuote(FURTHER_CALL, { bid_e4: 5100, ask_e4: 5200 });
    await eventually(() => expect(quotes.at(-1)).toMatchObject({ bid_px_e4: 5100 }));
    expect(bids(quotes)).not.toContain(20_000);
    broker.streamer.watchQuotes([]);
    await live();
  });

  it('refuses more contracts than Schwab streams, and lives with a lower limit', async () => {
    const { broker, live, quotes } = await watching({ maxStreamedSymbols: 1 });
    await eventually(() => expect(quotes).toHaveLength(1));
    broker.streamer.watchQuotes([CALL, FURTHER_CALL]);
    await systemClock().sleep(200);
    await live();
    const many = Array.from({ length: 501 }, (_, i) => `QQQ   261120C00${String(100 + i)}000` as OsiSymbol);
    expect(() => broker.streamer.watchQuotes(many)).toThrow('501 contracts');
  });

  it('comes back after a drop with everything subscribed', async () => {
    const { quotes, venue, simulator, live } = await watching();
    await live();
    simulator.streamer.drop();
    venue.setQuote(CALL, { bid_e4: 15_000, ask_e4: 15_100 });
    await eventually(() => expect(quotes.at(-1)).toMatchObject({ bid_px_e4: 15_000, ask_px_e4: 15_100 }));
    await live();
  });

  it('comes back when Schwab stops streaming', async () => {
    const { simulator, live, broker, quotes } = await watching();
    await live();
    simulator.streamer.stopStreaming();
    await eventually(() => expect(broker.streamer.state().reason).toContain('streaming was stopped'));
    await live();
    await eventually(() => expect(quotes.length).toBeGreaterThan(1));
  });

  it('comes back from a connection that is open and silent', async () => {
    const { simulator, live, broker } = await watching();
    await live();
    simulator.streamer.setStalled(true);
    await eventually(() => expect(broker.streamer.state().reason).toContain('no frame for'));
    simulator.streamer.setStalled(false);
    await live();
  });

  it('stays with a quiet market as long as there are heartbeats', async () => {
    const { live, broker, simulator } = await watching();
    await live();
    await systemClock().sleep(900);
    expect(broker.streamer.state().isLive).toBe(true);
    expect(simulator.requests().filter((each) => each.operation === 'GET userPreference')).toHaveLength(1);
  });

  it('gets a new token when its own is refused', async () => {
    const { live, simulator } = await watching({}, [CALL], ({ simulator: sim }) =>
      sim.script.next('WS LOGIN', { kind: 'code', code: 3 }),
    );
    await live();
    expect(simulator.requests().filter((each) => each.operation === 'POST token')).toHaveLength(1);
    // Everything anew: the address too.
    expect(simulator.requests().filter((each) => each.operation === 'GET userPreference')).toHaveLength(2);
  });

  it('waits longer when the user has another connection', async () => {
    const began = performance.now();
    const { live, broker } = await watching({}, [CALL], ({ simulator }) =>
      simulator.script.next('WS LOGIN', { kind: 'code', code: 12 }),
    );
    await eventually(() => expect(broker.streamer.state().reason).toContain('one connection a user'));
    await live();
    expect(performance.now() - began).toBeGreaterThan(300);
  });

  it.each([9, 11, 20, 22])('tries again when a subscription is answered with %i', async (code) => {
    const { live, simulator } = await watching({}, [CALL], ({ simulator: sim }) =>
      sim.script.next('WS SUBS', { kind: 'code', code }),
    );
    await live();
    expect(simulator.requests().filter((each) => each.operation === 'GET userPreference')).toHaveLength(2);
  });

  it('takes the codes of the document for success, too', async () => {
    const { live, quotes } = await watching({ successCodes: 'documented' });
    await live();
    await eventually(() => expect(quotes).toHaveLength(1));
  });

  it('stands lost, repeated and dropped messages', async () => {
    const { live, quotes, venue, simulator } = await watching();
    await live();
    simulator.script.next('WS quote', { kind: 'repeat' });
    venue.setQuote(CALL, { bid_e4: 13_000, ask_e4: 13_100 });
    await eventually(() => expect(quotes.at(-1)?.bid_px_e4).toBe(13_000));
    simulator.script.next('WS heartbeat', { kind: 'drop' });
    await eventually(() => expect(simulator.streamer.connections()).toBe(0));
    await live();
    venue.setQuote(CALL, { bid_e4: 13_500, ask_e4: 13_600 });
    await eventually(() => expect(quotes.at(-1)?.bid_px_e4).toBe(13_500));
  });

  it('keeps asking while Schwab names no streamer, with growing pauses', async () => {
    const { live, simulator } = await watching({}, [CALL], ({ simulator: sim }) =>
      sim.script.next('GET userPreference', { kind: 'no_route' }, 7),
    );
    await live();
    expect(simulator.requests().filter((each) => each.operation === 'GET userPreference').length).toBe(8);
  });
});
