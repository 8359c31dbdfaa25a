// Epochs to Eastern wall-clock time and back, above all around the two changes of daylight saving time.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  addMs,
  dateOf,
  easternFromEpochMs,
  easternFromEpochNs,
  epochMsFromEastern,
  formatEastern,
  midnightOf,
  parseEastern,
  type SessionDate,
} from '../../core/eastern_time.ts';

const eastern = (utc: string): string => formatEastern(easternFromEpochMs(Date.parse(utc)));
const utcOf = (text: string): string => {
  const us = parseEastern(text);
  if (us === null) throw new Error(`not a time: ${text}`);
  return new Date(epochMsFromEastern(us)).toISOString();
};

// An independent conversion to hold ours against.
const wallClock = new Intl.DateTimeFormat('en-CA', {
  timeZone: 'America/New_York',
  hourCycle: 'h23',
  year: 'numeric',
  month: '2-digit',
  day: '2-digit',
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
});

const anyEpochMs = fc.integer({ min: Date.UTC(2015, 0, 1), max: Date.UTC(2036, 0, 1) });

describe('from an epoch', () => {
  test('winter is five hours behind UTC and summer four', () => {
    expect(eastern('2026-01-05T14:30:00Z')).toBe('2026-01-05 09:30:00');
    expect(eastern('2026-07-06T13:30:00Z')).toBe('2026-07-06 09:30:00');
  });

  test('in spring the clock goes from 02:00 to 03:00', () => {
    expect(eastern('2026-03-08T06:59:59.999Z')).toBe('2026-03-08 01:59:59.999000');
    expect(eastern('2026-03-08T07:00:00Z')).toBe('2026-03-08 03:00:00');
  });

  test('in autumn the clock goes from 02:00 back to 01:00', () => {
    expect(eastern('2025-11-02T05:59:59.999Z')).toBe('2025-11-02 01:59:59.999000');
    expect(eastern('2025-11-02T06:00:00Z')).toBe('2025-11-02 01:00:00');
    expect(eastern('2025-11-02T06:59:59Z')).toBe('2025-11-02 01:59:59');
    expect(eastern('2025-11-02T07:00:00Z')).toBe('2025-11-02 02:00:00');
  });

  test('the open is at 09:30 on the trading days before and after each change', () => {
    const opens = ['2026-03-06T14:30Z', '2026-03-09T13:30Z', '2025-10-31T13:30Z', '2025-11-03T14:30Z'];
    expect(opens.map((utc) => eastern(utc).slice(11))).toEqual(Array(4).fill('09:30:00'));
  });

  test('a jump back over a change, as in unsorted input, does not use the last offset', () => {
    expect(eastern('2026-03-08T07:00:00Z')).toBe('2026-03-08 03:00:00');
    expect(eastern('2026-03-08T06:59:00Z')).toBe('2026-03-08 01:59:00');
  });

  test('fractions of a millisecond are kept to the microsecond', () => {
    expect(formatEastern(easternFromEpochMs(Date.parse('2026-01-05T14:30:00Z') + 0.25))).toBe(
      '2026-01-05 09:30:00.000250',
    );
  });

  test('nanoseconds are split into microseconds and the rest, without rounding', () => {
    const { us, ns } = easternFromEpochNs('1767623400123456789');
    expect([formatEastern(us), ns]).toEqual(['2026-01-05 09:30:00.123456', 789]);
    const late = easternFromEpochNs('1772953199999999999');
    expect([formatEastern(late.us), late.ns]).toEqual(['2026-03-08 01:59:59.999999', 999]);
  });

  test('every second of 2015 to 2035 agrees with Intl', () => {
    const matchesIntl = (ms: number): void => {
      const seconds = Math.floor(ms / 1000) * 1000;
      expect(formatEastern(easternFromEpochMs(seconds))).toBe(wallClock.format(seconds).replace(', ', ' '));
    };
    fc.assert(fc.property(anyEpochMs, matchesIntl), { numRuns: 500 });
  });
});

describe('back to an epoch', () => {
  test('the round trip is exact outside the hour that repeats', () => {
    const roundTrips = (ms: number): void => {
      const us = easternFromEpochMs(ms);
      const back = epochMsFromEastern(us);
      expect(easternFromEpochMs(back)).toBe(us);
      expect([ms, ms - 3_600_000]).toContain(back);
    };
    fc.assert(fc.property(anyEpochMs, roundTrips), { numRuns: 500 });
  });

  test('the minutes around each change are right', () => {
    expect(utcOf('2026-03-08 01:59:59')).toBe('2026-03-08T06:59:59.000Z');
    expect(utcOf('2026-03-08 03:00')).toBe('2026-03-08T07:00:00.000Z');
    expect(utcOf('2025-11-02 00:59:59')).toBe('2025-11-02T04:59:59.000Z');
    expect(utcOf('2025-11-02 02:00')).toBe('2025-11-02T07:00:00.000Z');
  });

  test('of the two instants in the hour that repeats it is the earlier', () => {
    expect(utcOf('2025-11-02 01:30')).toBe('2025-11-02T05:30:00.000Z');
  });
});

describe('as text', () => {
  test.each([
    ['2026-01-05', '2026-01-05 00:00:00'],
    ['2026-01-05 09:30', '2026-01-05 09:30:00'],
    ['2026-01-05T09:30:01', '2026-01-05 09:30:01'],
    ['2026-01-05 09:30:01.5', '2026-01-05 09:30:01.500000'],
    ['2026-01-05 09:30:01.123456789', '2026-01-05 09:30:01.123456'],
    ['2024-02-29 23:59:59', '2024-02-29 23:59:59'],
  ])('%s is %s', (text, expected) => {
    const us = parseEastern(text);
    expect(us === null ? null : formatEastern(us)).toBe(expected);
  });

  test.each([
    '',
    'yesterday',
    '2026-02-30',
    '2025-02-29',
    '2026-13-01',
    '2026-00-10',
    '2026-01-05 24:00',
    '2026-01-05 09:60',
    '2026-01-05 09:30:60',
    '2026-01-05 9:30',
    '2026-01-05 09:30Z',
    '2026-01-05 09:30:00.',
    ' 2026-01-05',
    '20260105',
  ])('%j is no Eastern time', (text) => {
    expect(parseEastern(text)).toBeNull();
  });

  test('parsing reverses formatting to the microsecond', () => {
    const max = Date.UTC(2036, 0, 1) * 1000;
    fc.assert(
      fc.property(fc.integer({ min: 0, max }), (us) => {
        expect(parseEastern(formatEastern(us as ReturnType<typeof addMs>))).toBe(us);
      }),
    );
  });
});

describe('dates', () => {
  test('a time belongs to its Eastern date until midnight', () => {
    const midnight = midnightOf('2026-03-09' as SessionDate);
    expect(dateOf(midnight)).toBe('2026-03-09');
    expect(dateOf(addMs(midnight, -1))).toBe('2026-03-08');
    expect(dateOf(addMs(midnight, 86_399_999))).toBe('2026-03-09');
  });

  test('09:30 is 34,200 seconds after midnight, on the days of the changes too', () => {
    for (const date of ['2026-03-08', '2025-11-02', '2026-07-06'] as SessionDate[]) {
      expect(formatEastern(addMs(midnightOf(date), 34_200_000))).toBe(`${date} 09:30:00`);
    }
  });

  test('the midnight of something else is a programmer’s error', () => {
    expect(() => midnightOf('2026-02-30' as SessionDate)).toThrow(/not a date/);
    expect(() => midnightOf('2026-02-20 09:30' as SessionDate)).toThrow(/not a date/);
  });
});
