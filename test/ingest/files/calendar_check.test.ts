import { IANAZone } from 'luxon';
import { describe, expect, it } from 'vitest';
import {
  type EasternUs,
  epochMsFromEastern,
  formatEastern,
  midnightOf,
  type SessionDate,
} from '../../../core/eastern_time.ts';
import { checkCalendar, type Finding, openImport, type SessionLookup } from '../../../ingest/files/index.ts';
import { scratchFolder, TS_RECV } from './support.ts';

const write = scratchFolder();
const MINUTE_US = 60_000_000;
const HOLIDAYS = new Set(['2025-11-27', '2025-12-25']);
const HALF_DAYS = new Set(['2025-11-28']);

/** A calendar of October to December 2025. */
const sessions: SessionLookup = (date) => {
  if (date < '2025-01-01') return undefined;
  const midnight = midnightOf(date);
  if (new Date(midnight / 1000).getUTCDay() % 6 === 0 || HOLIDAYS.has(date)) return null;
  const closeMinute = HALF_DAYS.has(date) ? 780 : 960;
  return { ts_open: at(midnight, 570), ts_close: at(midnight, closeMinute) };
};

function at(midnight: EasternUs, minute: number): EasternUs {
  return (midnight + minute * MINUTE_US) as EasternUs;
}

function datesFrom(first: string, days: number): SessionDate[] {
  const start = midnightOf(first as SessionDate);
  const all = Array.from(
    { length: days },
    (_, i) => formatEastern(at(start, i * 1440)).slice(0, 10) as SessionDate,
  );
  return all.filter((date) => sessions(date));
}

interface Market {
  readonly dates: readonly SessionDate[];
  readonly spanMinutes?: number;
  readonly extended?: boolean;
  readonly regularUntil?: number;
  readonly regularFrom?: number;
  /** How a bar's Eastern start is written into the file. */
  readonly stamp?: (us: EasternUs) => EasternUs;
}

/** A bars file whose volume is that of a real day: a jump at the open, a smile, quiet extended hours. */
function barsFile(market: Market): string {
  const { dates, spanMinutes = 1, extended = false, stamp = (us) => us } = market;
  const rows = ['timestamp,open,high,low,close,volume'];
  for (const date of dates) {
    const hours = sessions(date);
    const midnight = midnightOf(date);
    const close = hours == null ? 960 : (hours.ts_close - midnight) / MINUTE_US;
    const from = extended ? 240 : (market.regularFrom ?? 570);
    const until = extended ? 1200 : (market.regularUntil ?? close);
    for (let minute = from; minute < until; minute += spanMinutes) {
      const regular = minute >= 570 && minute < close;
      const smile = 1 + 3 * Math.abs((minute - 765) / 195) ** 2;
      const volume = regular ? Math.round(100_000 * smile) : 2_000 + (minute % 7) * 300;
      rows.push(`${formatEastern(stamp(at(midnight, minute)))},10,11,9,10,${volume}`);
    }
  }
  return `${rows.join('\n')}\n`;
}

function inZone(name: string): (us: EasternUs) => EasternUs {
  const zone = IANAZone.create(name);
  return (us) => {
    const epochMs = epochMsFromEastern(us);
    return ((epochMs + zone.offset(epochMs) * 60_000) * 1000) as EasternUs;
  };
}

async function check(text: string, tz?: string): Promise<Finding[]> {
  const file = await openImport(write('QQQ_check.csv', text), { tsRecv: TS_RECV, tz });
  return checkCalendar(file, sessions);
}

const WEEKS = datesFrom('2025-10-20', 16);

describe('the calendar check', () => {
  it.each<[string, Market]>([
    ['regular hours', { dates: WEEKS }],
    ['extended hours', { dates: WEEKS, extended: true }],
    ['a half day and a holiday between', { dates: datesFrom('2025-11-24', 12) }],
    ['half days with after-hours rows', { dates: datesFrom('2025-11-24', 12), regularUntil: 961 }],
    ['one day', { dates: WEEKS.slice(0, 1) }],
    ['one day of extended hours', { dates: WEEKS.slice(0, 1), extended: true }],
    ['a day that begins late', { dates: WEEKS.slice(0, 1), regularFrom: 631 }],
    ['a day that begins at 13:30', { dates: WEEKS.slice(0, 1), regularFrom: 810 }],
    ['a day that ends early', { dates: WEEKS.slice(0, 1), regularUntil: 700 }],
    ['five-minute bars', { dates: WEEKS, spanMinutes: 5, extended: true }],
    ['half-hour bars', { dates: WEEKS, spanMinutes: 30 }],
    ['hourly bars', { dates: WEEKS, spanMinutes: 60, regularFrom: 540 }],
  ])('has nothing against %s on Eastern time', async (_, market) => {
    expect(await check(barsFile(market))).toEqual([]);
  });

  it.each(['America/Chicago', 'UTC', 'America/Los_Angeles', 'Europe/London', 'Etc/GMT+5'])(
    'names %s where that is the clock, over a clock change',
    async (zone) => {
      for (const extended of [false, true]) {
        const text = barsFile({ dates: WEEKS, extended, stamp: inZone(zone) });
        const findings = await check(text);
        expect(findings.map(({ severity }) => severity)).toEqual(['error']);
        expect(findings[0]?.text).toContain(`this looks like ${zone} time; use --tz ${zone}`);
        expect(await check(text, zone)).toEqual([]);
      }
    },
  );

  it('says when the session seems to open, before and after the clock change', async () => {
    const [finding] = await check(barsFile({ dates: WEEKS, stamp: inZone('UTC') }));
    expect(finding?.text).toContain(
      'at 13:30 (from 2025-10-20), 14:30 (from 2025-11-03) on 12 of 12 days, not at 09:30',
    );
  });

  it('names the zone of a single day', async () => {
    const [finding] = await check(barsFile({ dates: WEEKS.slice(0, 1), stamp: inZone('America/Chicago') }));
    expect(finding).toMatchObject({ severity: 'error' });
    expect(finding?.text).toContain('open at 08:30 (from 2025-10-20) on 1 of 1 days');
  });

  it('doubts a zone that was stated and does not fit', async () => {
    const [finding] = await check(barsFile({ dates: WEEKS }), 'America/Chicago');
    expect(finding).toMatchObject({ severity: 'error' });
    expect(finding?.text).toMatch(
      /open at 10:30 .* the zone that the file states, or that --tz gives, is not its own/,
    );
  });

  it('finds bars on holidays and weekends', async () => {
    const dates = [...datesFrom('2025-12-22', 3), '2025-12-25' as SessionDate, '2025-12-27' as SessionDate];
    const [finding] = await check(barsFile({ dates }));
    expect(finding).toEqual({
      severity: 'error',
      text: '780 rows lie on 2025-12-25, 2025-12-27, when the exchange is closed',
    });
  });

  it('finds bars that are timed by their end', async () => {
    const late = (us: EasternUs): EasternUs => at(us, 1);
    for (const extended of [false, true]) {
      const findings = await check(barsFile({ dates: WEEKS, extended, stamp: late }));
      expect(findings).toHaveLength(1);
      expect(findings[0]?.text).toMatch(/timed by their end: .* every bar would be 60 s late/);
    }
    const one = await check(barsFile({ dates: WEEKS.slice(0, 1), stamp: late }));
    expect(one[0]?.text).toMatch(/timed by their end/);
  });

  it('warns of sessions without rows and of days beyond the calendar', async () => {
    const dates = WEEKS.filter((date) => date !== '2025-10-22' && date !== '2025-10-29');
    expect(await check(barsFile({ dates }))).toEqual([
      { severity: 'warning', text: 'no row of 2 sessions in between: 2025-10-22, 2025-10-29' },
    ]);
    const old = barsFile({ dates: ['2013-10-07' as SessionDate] });
    expect(await check(old)).toEqual([
      { severity: 'warning', text: '1 days lie beyond the exchange calendar and were not checked' },
    ]);
  });
});
