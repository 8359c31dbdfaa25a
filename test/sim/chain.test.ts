// The simulated chain: quotes that a market could show.
import { beforeAll, describe, expect, it } from 'vitest';
import { easternFromEpochMs } from '../../core/eastern_time.ts';
import { createChainEvents, listContracts, optionValue, surfaceAt } from '../../sim/chain.ts';
import { type MarketSecond, marketSeconds } from '../../sim/market.ts';
import { sessionHours } from '../../sim/session.ts';
import type { WireEvent } from '../../sim/wire.ts';
import { must, session } from './sessions.ts';

// Ninety minutes: its closing widths are those of a whole day's end.
const hours = sessionHours(session('2026-11-20', '09:30', '11:00'));
const PARITY_AT = 5400;
const options = { seed: 3, session: hours, underlying: 'QQQ', price: 610, strikesEachSide: 15 };

interface QuotedSecond {
  readonly second: MarketSecond;
  readonly events: readonly WireEvent[];
}

describe('the simulated 0DTE chain', () => {
  const day: QuotedSecond[] = [];
  beforeAll(() => {
    const chain = createChainEvents(options);
    let startMs = Date.UTC(2026, 10, 20, 14);
    for (const second of marketSeconds({ seed: 3, session: hours, symbol: 'QQQ', price: 610 })) {
      day.push({ second, events: chain(second, startMs) });
      startMs += 1000;
    }
  });
  const quotes = (): Record<string, unknown>[] =>
    day.flatMap((each) => each.events.map(({ event }) => event)).filter((event) => event.ev === 'Q');

  it('lists calls and puts of each dollar around the price', () => {
    const contracts = listContracts(options);
    expect(contracts).toHaveLength(62);
    expect(contracts[0]?.ticker).toBe('O:QQQ261120C00595000');
    expect(contracts.at(-1)?.symbol).toBe('QQQ   261120P00625000');
  });

  it('is never crossed or locked, and a missing bid is 0 with size 0', () => {
    let withoutBid = 0;
    for (const { bp, ap, bs, as } of quotes() as { bp: number; ap: number; bs: number; as: number }[]) {
      must(bp < ap && as >= 1 && (bp === 0) === (bs === 0), 'no sound quote', { bp, ap, bs, as });
      if (bp === 0) withoutBid += 1;
    }
    expect(withoutBid).toBeGreaterThan(100);
  });

  it('keeps put-call parity within the quoted spreads', () => {
    const { second } = day[PARITY_AT] ?? day[0] ?? { second: undefined };
    if (second === undefined) throw new Error('no second');
    const surface = surfaceAt(hours, second);
    for (const contract of listContracts(options)) {
      const call = optionValue(surface, { strike_e4: contract.strike_e4, option_kind: 'call' });
      const put = optionValue(surface, { strike_e4: contract.strike_e4, option_kind: 'put' });
      expect(call - put).toBeCloseTo(second.mid - contract.strike_e4 / 1e4, 6);
    }
    const last = new Map<string, { bp: number; ap: number }>();
    for (const { events } of day.slice(0, PARITY_AT)) {
      for (const { event } of events) {
        if (event.ev === 'Q') last.set(event.sym as string, event as { bp: number; ap: number });
      }
    }
    for (let strike = 605; strike <= 615; strike += 1) {
      const call = last.get(`O:QQQ261120C00${strike}000`);
      const put = last.get(`O:QQQ261120P00${strike}000`);
      if (call === undefined || put === undefined) throw new Error(`no quotes at ${strike}`);
      const parity = (call.bp + call.ap) / 2 - (put.bp + put.ap) / 2 - (second.mid - strike);
      expect(Math.abs(parity)).toBeLessThan(call.ap - call.bp + put.ap - put.bp + 0.1);
    }
  });

  it('prices calls lower and puts higher with a higher strike', () => {
    for (const { second } of day.filter((_, i) => i % 600 === 0 && i > 1800 && i < day.length - 1800)) {
      const surface = surfaceAt(hours, second);
      const contracts = listContracts(options);
      for (const kind of ['call', 'put'] as const) {
        const values = contracts
          .filter((each) => each.option_kind === kind)
          .map((each) => optionValue(surface, each));
        const steps = values
          .slice(1)
          .map((value, i) => (value - (values[i] ?? 0)) * (kind === 'call' ? -1 : 1));
        expect(Math.min(...steps)).toBeGreaterThanOrEqual(-1e-9);
      }
    }
  });

  it('numbers quotes strictly upwards per contract and sends at most one a second', () => {
    const last = new Map<unknown, number>();
    for (const { events } of day) {
      const seen = new Set<unknown>();
      for (const { event } of events.filter((each) => each.event.ev === 'Q')) {
        must(!seen.has(event.sym), 'two quotes in a second', event);
        seen.add(event.sym);
        must((event.q as number) > (last.get(event.sym) ?? 0), 'q fell', event);
        last.set(event.sym, event.q as number);
      }
    }
    expect(last.size).toBe(62);
  });

  it('prints at the bid or the ask that it shows', () => {
    const book = new Map<unknown, Record<string, unknown>>();
    let prints = 0;
    for (const { event } of day.flatMap((each) => each.events)) {
      if (event.ev === 'Q') book.set(event.sym, event);
      else {
        const shown = book.get(event.sym);
        must(event.p === shown?.bp || event.p === shown?.ap, 'a print beside the quote', [event, shown]);
        prints += 1;
      }
    }
    expect(prints).toBeGreaterThan(500);
  });

  it('trades from the open to 16:15, and widens toward the close', () => {
    const quoted = quotes();
    const times = quoted.map((event) => easternFromEpochMs(event.t as number));
    expect(times[0]).toBeGreaterThanOrEqual(hours.tsOpen);
    expect(times.at(-1)).toBeLessThan(hours.tsOptionClose);
    const spreadAt = (fromS: number): number => {
      const chosen = quoted.filter((event, i) => {
        const since = ((times[i] ?? 0) - hours.tsOpen) / 1e6;
        return since >= fromS && since < fromS + 300 && (event.ap as number) > 3 && (event.ap as number) < 6;
      });
      return (
        chosen.reduce((sum, event) => sum + (event.ap as number) - (event.bp as number), 0) / chosen.length
      );
    };
    expect(spreadAt(5_100)).toBeGreaterThan(1.5 * spreadAt(2_000));
  });
});
