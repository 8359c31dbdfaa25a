// The simulated equity: its volume, its crossings, and that aggregates are exactly their prints.
import { beforeAll, describe, expect, it } from 'vitest';
import { easternFromEpochMs } from '../../core/eastern_time.ts';
import { type MarketSecond, marketSeconds } from '../../sim/market.ts';
import { sessionHours } from '../../sim/session.ts';
import type { WireEvent } from '../../sim/wire.ts';
import { FULL_DAY, fullDayTape, must } from './sessions.ts';

const hours = sessionHours(FULL_DAY);

interface Minute {
  volume: number;
  notional: number;
  close: number;
}

function regularMinutes(seconds: Iterable<MarketSecond>): Minute[] {
  const minutes: Minute[] = [];
  for (const { ts, prints } of seconds) {
    if (ts < hours.tsOpen || ts >= hours.tsClose) continue;
    const index = Math.floor((ts - hours.tsOpen) / 60_000_000);
    minutes[index] ??= { volume: 0, notional: 0, close: minutes[index - 1]?.close ?? 0 };
    const minute = minutes[index];
    for (const print of prints) {
      minute.volume += print.size_e6 / 1e6;
      minute.notional += (print.size_e6 / 1e6) * (print.price_e4 / 1e4);
      minute.close = print.price_e4 / 1e4;
    }
  }
  return minutes;
}

function crossings(minutes: readonly Minute[]): number {
  let sign = 0;
  let count = 0;
  for (let i = 8; i < minutes.length; i += 1) {
    const ma9 = minutes.slice(i - 8, i + 1).reduce((sum, minute) => sum + minute.close, 0) / 9;
    const minute = minutes[i];
    const next = minute === undefined ? 0 : Math.sign(minute.notional / minute.volume - ma9);
    if (next !== 0 && sign !== 0 && next !== sign) count += 1;
    if (next !== 0) sign = next;
  }
  return count;
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

describe('the simulated equity', () => {
  const days: MarketSecond[][] = [];
  beforeAll(() => {
    for (const seed of [1, 2, 3, 4]) {
      days.push([...marketSeconds({ seed, session: hours, symbol: 'QQQ', price: 610 })]);
    }
  });

  it('trades most at the open and the close and least at noon', () => {
    for (const day of days) {
      const volumes = regularMinutes(day).map((minute) => minute.volume);
      const noon = mean(volumes.slice(165, 225));
      expect(volumes).toHaveLength(390);
      expect(mean(volumes.slice(0, 15))).toBeGreaterThan(2 * noon);
      expect(mean(volumes.slice(-5))).toBeGreaterThan(2 * noon);
    }
  });

  it('crosses its nine-minute average about as often as the recorded QQQ, which does 66 times a day', () => {
    const average = mean(days.map((day) => crossings(regularMinutes(day))));
    expect(average).toBeGreaterThan(50);
    expect(average).toBeLessThan(85);
  });

  it('has empty seconds in the session and more of them before it', () => {
    for (const day of days) {
      const share = (from: number, to: number): number => {
        const chosen = day.filter((second) => second.ts >= from && second.ts < to);
        return chosen.filter((second) => second.prints.length === 0).length / chosen.length;
      };
      const regular = share(hours.tsOpen, hours.tsClose);
      expect(regular).toBeGreaterThan(0.005);
      expect(regular).toBeLessThan(0.15);
      expect(share(hours.tsStart, hours.tsOpen)).toBeGreaterThan(0.3);
    }
  });

  it('prints strictly increasing sequences, positive whole prices and sizes, and fractions of shares', () => {
    let fractions = 0;
    for (const day of days.slice(0, 1)) {
      let seq = 0;
      for (const print of day.flatMap((second) => second.prints)) {
        must(print.seq > seq, 'the sequence fell', print);
        must(Number.isInteger(print.price_e4) && print.price_e4 > 0, 'no price', print);
        must(Number.isInteger(print.size_e6) && print.size_e6 > 0, 'no size', print);
        seq = print.seq;
        if (print.size_e6 % 1e6 !== 0) fractions += 1;
      }
    }
    expect(fractions).toBeGreaterThan(1000);
  });

  it('opens and closes with a cross', () => {
    for (const day of days) {
      for (const [ts, shares] of [
        [hours.tsOpen, 100_000],
        [hours.tsClose, 300_000],
      ] as const) {
        const second = day.find((each) => each.ts === ts);
        expect(second?.prints[0]?.atMs).toBe(0);
        expect((second?.prints[0]?.size_e6 ?? 0) / 1e6).toBeGreaterThan(shares);
      }
    }
  });
});

describe('the aggregate of a second', () => {
  const events: WireEvent[] = [];
  beforeAll(() => {
    for (const second of fullDayTape().seconds()) {
      if (second.ts >= hours.tsOpen + 600_000_000) break;
      events.push(...second.events.stocks);
    }
  });

  it('is exactly its prints', () => {
    let prints: Record<string, unknown>[] = [];
    let bars = 0;
    for (const { event } of events) {
      if (event.ev === 'T') prints.push(event);
      if (event.ev !== 'A') continue;
      const prices = prints.map((print) => print.p as number);
      const shares = prints.reduce((sum, print) => sum + Math.round(Number(print.ds) * 1e6), 0);
      expect([event.o, event.h, event.l, event.c]).toEqual([
        prices[0],
        Math.max(...prices),
        Math.min(...prices),
        prices.at(-1),
      ]);
      expect(Math.round(Number(event.dv) * 1e6)).toBe(shares);
      expect(event.e).toBe((event.s as number) + 1000);
      expect(prints.every((print) => Math.floor((print.t as number) / 1000) * 1000 === event.s)).toBe(true);
      prints = [];
      bars += 1;
    }
    expect(bars).toBeGreaterThan(500);
    expect(prints).toEqual([]);
  });

  it('names the official open only after the opening cross', () => {
    const bars = events.filter((each) => each.event.ev === 'A').map((each) => each.event);
    for (const bar of bars) {
      const isOpen = easternFromEpochMs(bar.s as number) >= hours.tsOpen;
      expect(Object.hasOwn(bar, 'op')).toBe(isOpen);
    }
  });
});
