// The sessions of a download, from the exchange calendar.
import type pg from 'pg';
import { type EasternUs, formatEastern, parseEastern, type SessionDate } from '../../core/eastern_time.ts';
import { Failure } from '../../core/failure.ts';

export interface HistorySession {
  readonly sessionDate: SessionDate;
  readonly tsOpen: EasternUs;
  readonly tsClose: EasternUs;
  readonly tsOptionClose: EasternUs;
  readonly isEarlyClose: boolean;
}

export interface HistoryCalendar {
  /** Sessions that are over, ascending; one at least. */
  readonly sessions: readonly HistorySession[];
  /** Weekdays on which the exchange is closed. */
  readonly closed: readonly SessionDate[];
  /** Sessions of the range that are not over and are left out. */
  readonly left: readonly SessionDate[];
}

export interface DateRange {
  readonly from: SessionDate;
  /** Inclusive. */
  readonly to: SessionDate;
}

// The post-market ends at 20:00 and delayed data is a quarter of an hour late: a day that is asked for earlier would be taken
// for complete without its end.
const COMPLETE = "interval '20 hours 30 minutes'";

interface SessionRow {
  readonly session_date: SessionDate;
  readonly ts_open: string;
  readonly ts_close: string;
  readonly ts_option_close: string;
  readonly is_early_close: boolean;
  readonly is_over: boolean;
}

/** The sessions of a range at `now`. Throws Failure where there is none, or none that is over. */
export async function loadCalendar(
  client: pg.ClientBase,
  range: DateRange,
  now: EasternUs,
): Promise<HistoryCalendar> {
  const { rows } = await client.query<SessionRow>(
    `select s.session_date::text, s.ts_open, s.ts_close, s.ts_option_close, s.is_early_close,
       s.session_date + ${COMPLETE} <= $3::timestamp as is_over
     from ref.sessions s
     where s.session_date >= $1 and s.session_date <= $2
     order by s.session_date`,
    [range.from, range.to, formatEastern(now)],
  );
  if (rows.length === 0) throw await noSession(client, range);
  const sessions = rows.filter((row) => row.is_over).map(toSession);
  const left = rows.filter((row) => !row.is_over).map((row) => row.session_date);
  if (sessions.length === 0) {
    throw new Failure(`the session of ${left[0]} is not over`, {
      hint: 'History is complete from 20:30 Eastern on; choose an earlier --to.',
      exitCode: 2,
    });
  }
  return { sessions, left, closed: await closedDays(client, range) };
}

function toSession(row: SessionRow): HistorySession {
  return {
    sessionDate: row.session_date,
    tsOpen: parseEastern(row.ts_open) as EasternUs,
    tsClose: parseEastern(row.ts_close) as EasternUs,
    tsOptionClose: parseEastern(row.ts_option_close) as EasternUs,
    isEarlyClose: row.is_early_close,
  };
}

async function closedDays(client: pg.ClientBase, { from, to }: DateRange): Promise<SessionDate[]> {
  const { rows } = await client.query<{ day: SessionDate }>(
    `select d::date::text as day
     from generate_series(greatest($1::date, date '2015-01-01'), $2::date, interval '1 day') as d
     where extract(isodow from d) < 6 and not exists (select from ref.sessions s where s.session_date = d::date)
     order by 1`,
    [from, to],
  );
  return rows.map((row) => row.day);
}

async function noSession(client: pg.ClientBase, { from, to }: DateRange): Promise<Failure> {
  const { rows } = await client.query<{ next: string | null }>(
    'select min(s.session_date)::text as next from ref.sessions s where s.session_date > $1',
    [to],
  );
  const next = rows[0]?.next ?? null;
  return new Failure(`the exchange is closed from ${from} to ${to}`, {
    hint: next === null ? 'Sessions are known from 2015 to 2035.' : `The next session is ${next}.`,
    exitCode: 2,
  });
}
