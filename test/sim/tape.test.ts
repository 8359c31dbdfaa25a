// The simulated session as a whole: repeatable, in order, and complete.
import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { easternFromEpochMs, formatEastern } from '../../core/eastern_time.ts';
import { createTape, type Tape } from '../../sim/tape.ts';
import type { WireEvent } from '../../sim/wire.ts';
import { fullDayTape, must, session } from './sessions.ts';

function* allEvents(tape: Tape): Generator<WireEvent> {
  for (const { events } of tape.seconds()) yield* [...events.stocks, ...events.options];
}

function hashOfFirst(tape: Tape, count: number): string {
  const hash = createHash('sha256');
  let left = count;
  for (const { event } of allEvents(tape)) {
    if (left === 0) break;
    hash.update(JSON.stringify(event));
    left -= 1;
  }
  return hash.digest('hex');
}

describe('a simulated session', () => {
  it('is the same for the same seed and another for another seed', () => {
    const first = hashOfFirst(fullDayTape(), 10_000);
    expect(hashOfFirst(fullDayTape(), 10_000)).toBe(first);
    expect(hashOfFirst(fullDayTape({ seed: 8 }), 10_000)).not.toBe(first);
  });

  it('gives the same events on a second pass over the same tape', () => {
    const tape = fullDayTape();
    expect(hashOfFirst(tape, 10_000)).toBe(hashOfFirst(tape, 10_000));
  });

  it('keeps the equity unchanged when the chain lists other strikes', () => {
    const bars = (tape: Tape): string[] => {
      const found: string[] = [];
      for (const { events } of tape.seconds()) {
        for (const each of events.stocks) found.push(JSON.stringify(each.event));
        if (found.length > 5000) break;
      }
      return found;
    };
    expect(bars(fullDayTape({ strikesEachSide: 3 }))).toEqual(bars(fullDayTape()));
  });

  it('covers open - 30 minutes to close + 30 minutes, on a half day too', () => {
    for (const [close, end] of [
      ['16:00', '16:29:59'],
      ['13:00', '13:29:59'],
    ] as const) {
      const hours = session('2026-11-27', '09:30', close);
      const tape = createTape({ ...hours, seed: 1, strikesEachSide: 0, prints: false });
      const times: string[] = [];
      for (const { ts } of tape.seconds()) times.push(formatEastern(ts));
      expect([times[0], times.at(-1)]).toEqual(['2026-11-27 09:00:00', `2026-11-27 ${end}`]);
    }
  });

  it('stamps events in epoch milliseconds of Eastern time on both sides of a clock change', () => {
    for (const date of ['2026-10-30', '2026-11-02', '2026-03-06', '2026-03-09']) {
      const tape = createTape({ ...session(date), seed: 1, strikesEachSide: 0 });
      const [first] = tape.seconds();
      expect(formatEastern(easternFromEpochMs(first?.startMs ?? 0))).toBe(`${date} 09:00:00`);
    }
  });

  it('sends the events of each market in time order, an aggregate as its second ends', () => {
    const tape = createTape({ ...session('2026-11-20', '09:30', '09:40'), seed: 7, symbols: ['QQQ', 'SPY'] });
    const previous = { stocks: 0, options: 0 };
    for (const { events } of tape.seconds()) {
      for (const market of ['stocks', 'options'] as const) {
        for (const { sendMs, event } of events[market]) {
          must(sendMs >= previous[market], 'sent out of order', event);
          must(event.ev !== 'A' || sendMs === event.e, 'not sent as its second ends', event);
          previous[market] = sendMs;
        }
      }
    }
    expect(Math.min(previous.stocks, previous.options)).toBeGreaterThan(0);
  });
});
