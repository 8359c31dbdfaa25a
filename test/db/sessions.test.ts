// The exchange calendar against dates known from the NYSE's own lists, and the overrides on top of its rules.
import { readFileSync } from 'node:fs';
import type pg from 'pg';
import { describe, expect, test } from 'vitest';
import { needsSharedData, sharedData, useDatabase } from '../harness.ts';

const db = useDatabase();

// Month and day of every weekday closure; NYSE releases, the mourning of 2025-01-09 included.
const CLOSED: Readonly<Record<string, string>> = {
  2024: '01-01 01-15 02-19 03-29 05-27 06-19 07-04 09-02 11-28 12-25',
  2025: '01-01 01-09 01-20 02-17 04-18 05-26 06-19 07-04 09-01 11-27 12-25',
  2026: '01-01 01-19 02-16 04-03 05-25 06-19 07-03 09-07 11-26 12-25',
  2027: '01-01 01-18 02-15 03-26 05-31 06-18 07-05 09-06 11-25 12-24',
  2028: '01-17 02-21 04-14 05-29 06-19 07-04 09-04 11-23 12-25',
};

const EARLY_CLOSES: Readonly<Record<string, string>> = {
  2015: '11-27 12-24',
  2016: '11-25',
  2017: '07-03 11-24',
  2018: '07-03 11-23 12-24',
  2019: '07-03 11-29 12-24',
  2020: '11-27 12-24',
  2021: '11-26',
  2022: '11-25',
  2023: '07-03 11-24',
  2024: '07-03 11-29 12-24',
  2025: '07-03 11-28 12-24',
  2026: '11-27 12-24',
  2027: '11-26',
  2028: '07-03 11-24',
};

// Sessions of 2015 to 2035.
const COUNTS = [
  252, 252, 251, 251, 252, 253, 252, 251, 250, 252, 250, 251, 251, 251, 251, 251, 251, 252, 251, 250, 251,
];

async function column(sql: string, values: readonly unknown[] = []): Promise<string[]> {
  const { rows } = await db.pool().query<{ value: string }>(sql, [...values]);
  return rows.map((row) => row.value);
}

function weekdaysClosed(year: string): Promise<string[]> {
  return column(
    `select to_char(day, 'MM-DD') as value
     from generate_series(make_date($1, 1, 1)::timestamp, make_date($1, 12, 31), '1 day') as days (day)
     where extract(isodow from day) < 6 and not exists (select from ref.sessions where session_date = day)
     order by 1`,
    [year],
  );
}

test.each(Object.entries(CLOSED))(
  '%s is closed on the days that the exchange announced',
  async (year, days) => {
    expect(await weekdaysClosed(year)).toEqual(days.split(' '));
  },
);

test.each(Object.entries(EARLY_CLOSES))('%s closes early on the days that it did', async (year, days) => {
  const early = await column(
    `select to_char(session_date, 'MM-DD') as value
     from ref.sessions where is_early_close and extract(year from session_date) = $1 order by 1`,
    [year],
  );
  expect(early).toEqual(days.split(' '));
});

test('every year from 2015 to 2035 has its number of sessions', async () => {
  const { rows } = await db
    .pool()
    .query<{ n: number }>(
      'select count(*)::integer as n from ref.sessions group by extract(year from session_date) order by min(session_date)',
    );
  expect(rows.map((row) => row.n)).toEqual(COUNTS);
});

test('a Saturday New Year is not kept, a Sunday one on Monday, and Juneteenth only from 2022', async () => {
  const dates = ['2021-12-31', '2022-01-03', '2023-01-02', '2017-01-02', '2021-06-18', '2022-06-20'];
  const open = await column(
    'select session_date::text as value from ref.sessions where session_date = any ($1::date[]) order by 1',
    [dates],
  );
  expect(open).toEqual(['2021-06-18', '2021-12-31', '2022-01-03']);
});

test('the one-off closures since 2015 are no sessions', async () => {
  expect(
    await column(
      "select session_date::text as value from ref.sessions where session_date in ('2018-12-05', '2025-01-09')",
    ),
  ).toEqual([]);
});

test('Easter falls where it fell', async () => {
  const easter = '2015-04-05 2016-03-27 2019-04-21 2024-03-31 2025-04-20 2026-04-05 2027-03-28 2035-03-25';
  const years = easter.split(' ').map((date) => Number(date.slice(0, 4)));
  expect(
    await column('select ref.easter_sunday(y)::text as value from unnest($1::integer[]) as y', [years]),
  ).toEqual(easter.split(' '));
});

test('a session runs from 09:30 to 16:00, options to 16:15, and on half days to 13:00 and 13:15', async () => {
  const { rows } = await db.pool().query(
    `select distinct to_char(ts_open, 'HH24:MI') as open, to_char(ts_close, 'HH24:MI') as close,
            to_char(ts_option_close, 'HH24:MI') as option_close, is_early_close as early,
            ts_open::date = session_date and ts_close::date = session_date as same_day
     from ref.sessions order by early`,
  );
  expect(rows).toEqual([
    { open: '09:30', close: '16:00', option_close: '16:15', early: false, same_day: true },
    { open: '09:30', close: '13:00', option_close: '13:15', early: true, same_day: true },
  ]);
});

test('the years give the same sessions one by one as all at once', async () => {
  const { rows } = await db.pool().query(
    `(select s.* from generate_series(2015, 2035) as y cross join lateral ref.nyse_sessions(y, y) as s
      except table ref.sessions)
     union all
     (table ref.sessions except select * from ref.nyse_sessions(2015, 2035))`,
  );
  expect(rows).toEqual([]);
});

/** Runs `work` in a transaction that is rolled back, so that overrides do not outlive their test. */
async function undone(work: (client: pg.PoolClient) => Promise<void>): Promise<void> {
  const client = await db.pool().connect();
  try {
    await client.query('begin');
    await work(client);
  } finally {
    await client.query('rollback');
    client.release();
  }
}

async function refresh(client: pg.PoolClient): Promise<number> {
  const { rows } = await client.query<{ changed: string }>('select ref.refresh_sessions() as changed');
  return Number(rows[0]?.changed);
}

describe('overrides', () => {
  test('a refresh with nothing new changes nothing', () =>
    undone(async (client) => {
      expect(await refresh(client)).toBe(0);
    }));

  test('a closure removes its session, an early close moves both closes, and taking them back restores the day', () =>
    undone(async (client) => {
      await client.query(
        `insert into ref.session_overrides (session_date, is_closed, ts_close, reason) values
           ('2026-11-30', true, null, 'test'), ('2026-12-01', false, '2026-12-01 14:00', 'test')`,
      );
      expect(await refresh(client)).toBe(2);
      const { rows } = await client.query(
        `select session_date::text, ts_close::text, ts_option_close::text, is_early_close
         from ref.sessions where session_date in ('2026-11-30', '2026-12-01')`,
      );
      expect(rows).toEqual([
        {
          session_date: '2026-12-01',
          ts_close: '2026-12-01 14:00:00',
          ts_option_close: '2026-12-01 14:15:00',
          is_early_close: true,
        },
      ]);
      await client.query("delete from ref.session_overrides where reason = 'test'");
      expect(await refresh(client)).toBe(2);
      expect(await refresh(client)).toBe(0);
    }));
});

interface LeanHours {
  readonly holidays: readonly string[];
  readonly earlyCloses: Readonly<Record<string, string>>;
}

function leanHours(path: string): LeanHours {
  const database = JSON.parse(readFileSync(path, 'utf8')) as { entries: Record<string, LeanHours> };
  const hours = database.entries['Equity-usa-[*]'];
  if (hours === undefined) throw new Error('LEAN has no hours of US equities');
  return hours;
}

function isoDate(american: string): string {
  const [month = '', day = '', year = ''] = american.split('/');
  return `${year}-${month.padStart(2, '0')}-${day.padStart(2, '0')}`;
}

function isWeekday(date: string): boolean {
  return ![0, 6].includes(new Date(`${date}T00:00:00Z`).getUTCDay());
}

describe('LEAN', () => {
  const segments = ['lean_data', 'Data', 'market-hours', 'market-hours-database.json'];
  needsSharedData(...segments);
  const inScope = (date: string): boolean => date >= '2015' && date < '2029' && isWeekday(date);

  test('its calendar has the same closures and half days from 2015 to 2028', async () => {
    const hours = leanHours(sharedData(...segments) ?? '');
    const closed = await Promise.all(
      Array.from({ length: 14 }, async (_, n) => {
        const days = await weekdaysClosed(String(2015 + n));
        return days.map((day) => `${2015 + n}-${day}`);
      }),
    );
    expect(closed.flat()).toEqual([...new Set(hours.holidays.map(isoDate).filter(inScope))].sort());
    const early = await column(
      `select session_date::text as value from ref.sessions where is_early_close and session_date < '2029-01-01' order by 1`,
    );
    expect(early).toEqual(Object.keys(hours.earlyCloses).map(isoDate).filter(inScope).sort());
  });
});
