// How far a slice may go, by hand.
import { describe, expect, it } from 'vitest';
import { formatEastern } from '../../core/eastern_time.ts';
import { type Mark, nextClose, sliceEnd } from '../../jobs/slice_end.ts';
import { at } from '../sim/sessions.ts';

const DAY = '2026-06-17';

function mark(time: string, received = time): Mark {
  return { highWater: at(`${DAY} ${time}`), receivedAt: at(`${DAY} ${received}`) };
}

function end(marks: {
  ticks: Mark | null;
  quotes: Mark | null;
  now: string;
  periodMs?: number;
  isHolding?: boolean;
}): string {
  const { ticks, quotes, now, periodMs = 60_000, isHolding = true } = marks;
  const us = sliceEnd({
    ticks,
    quotes,
    now: at(`${DAY} ${now}`),
    muteAfterMs: 5000,
    mostLagMs: isHolding ? 5000 : Number.POSITIVE_INFINITY,
    graceMs: 1000,
    periodMs,
    opensAt: at(`${DAY} 09:30:00`),
  });
  return formatEastern(us).slice(11);
}

describe('the end of a slice', () => {
  it('follows the quotes within a minute, whatever the ticks do', () => {
    const now = '10:00:30.900';
    expect(end({ ticks: mark('10:00:28'), quotes: mark('10:00:30.750'), now })).toBe('10:00:30.750000');
  });

  it('stops before a minute that waits for late ticks', () => {
    const quotes = mark('10:01:00.900');
    expect(end({ ticks: mark('10:01:00.500'), quotes, now: '10:01:01' })).toBe('10:00:59.999999');
  });

  it('takes the minute once both streams are past the grace', () => {
    const now = '10:01:01.600';
    expect(end({ ticks: mark('10:01:01'), quotes: mark('10:01:01.500'), now })).toBe('10:01:01.500000');
    expect(end({ ticks: mark('10:01:02'), quotes: mark('10:01:00.900'), now })).toBe('10:00:59.999999');
  });

  it('lets the clock take over from a stream that is silent or was never there', () => {
    const silent = mark('10:00:10', '10:00:10');
    expect(end({ ticks: silent, quotes: silent, now: '10:00:15' })).toBe('10:00:10');
    expect(end({ ticks: silent, quotes: silent, now: '10:00:16' })).toBe('10:00:16');
    expect(end({ ticks: null, quotes: null, now: '10:02:01' })).toBe('10:02:01');
  });

  it('waits no longer for ticks that lag than for ticks that stay away, if something is held', () => {
    const lagging = mark('10:00:50', '10:01:05.900');
    const quotes = mark('10:01:05.800');
    expect(end({ ticks: lagging, quotes, now: '10:01:05.900' })).toBe('10:00:59.999999');
    const later = { ticks: lagging, quotes: mark('10:01:06'), now: '10:01:06' };
    expect(end(later)).toBe('10:01:06');
    expect(end({ ...later, isHolding: false })).toBe('10:00:59.999999');
  });

  it('does not wait for a quiet quote stream with a minute that is due', () => {
    const ticks = mark('10:01:02');
    expect(end({ ticks, quotes: mark('10:00:40', '10:00:40'), now: '10:01:02.500' })).toBe('10:01:02.500000');
  });

  it('waits for every period that is younger than the grace where periods are short', () => {
    const both = mark('10:00:07.300');
    expect(end({ ticks: both, quotes: both, now: '10:00:07.400', periodMs: 1000 })).toBe('10:00:06.999999');
  });
});

describe('the next close', () => {
  const next = (time: string, periodMs = 60_000): string =>
    formatEastern(nextClose(at(`${DAY} ${time}`), { periodMs, opensAt: at(`${DAY} 09:30:00`) })).slice(11);

  it('is strictly later', () => {
    expect(next('10:00:00')).toBe('10:01:00');
    expect(next('09:59:59.999999')).toBe('10:00:00');
  });

  it('is counted from the open, before it too', () => {
    expect(next('09:59:00', 3_600_000)).toBe('10:30:00');
    expect(next('09:20:00', 3_600_000)).toBe('09:30:00');
    expect(next('09:33:59.999999', 240_000)).toBe('09:34:00');
  });
});
