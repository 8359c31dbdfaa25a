// Exchange sessions from ref.sessions, as the commands of a live run need them.
import type pg from 'pg';
import {
  addMs,
  dateOf,
  type EasternUs,
  formatEastern,
  parseEastern,
  type SessionDate,
} from '../core/eastern_time.ts';
import { Failure } from '../core/failure.ts';

export interface MarketSession {
  readonly sessionDate: SessionDate;
  readonly tsOpen: EasternUs;
  readonly tsClose: EasternUs;
  readonly tsOptionClose: EasternUs;
}

/** Data is collected from half an hour before the open to half an hour after the close. */
const MARGIN_MS = 30 * 60_000;

interface SessionRow {
  readonly session_date: string;
  readonly ts_open: string;
  readonly ts_close: string;
  readonly ts_option_close: string;
}

const COLUMNS = 'session_date::text, ts_open, ts_close, ts_option_close';

function toSession(row: SessionRow): MarketSession {
  return {
    sessionDate: row.session_date as SessionDate,
    tsOpen: parseEastern(row.ts_open) as EasternUs,
    tsClose: parseEastern(row.ts_close) as EasternUs,
    tsOptionClose: parseEastern(row.ts_option_close) as EasternUs,
  };
}

/** When data begins and ends. */
export function rangeOf(session: MarketSession): { readonly from: EasternUs; readonly to: EasternUs } {
  return { from: addMs(session.tsOpen, -MARGIN_MS), to: addMs(session.tsClose, MARGIN_MS) };
}

/** The session of a date. Throws a Failure that names the next one where the exchange is closed. */
export async function sessionOn(client: pg.ClientBase, date: SessionDate): Promise<MarketSession> {
  const { rows } = await client.query<SessionRow>(
    `select ${COLUMNS} from ref.sessions where session_date >= $1 order by session_date limit 1`,
    [date],
  );
  const [row] = rows;
  if (row?.session_date === date) return toSession(row);
  throw new Failure(`the exchange is closed on ${date}`, {
    hint:
      row === undefined
        ? 'Sessions are known from 2015 to 2035.'
        : `The next session is ${row.session_date}.`,
    exitCode: 2,
  });
}

/** The session that is on at `now`, until its options have closed, or the next one. */
export async function currentOrNextSession(client: pg.ClientBase, now: EasternUs): Promise<MarketSession> {
  const { rows } = await client.query<SessionRow>(
    `select ${COLUMNS} from ref.sessions where ts_option_close > $1 order by session_date limit 1`,
    [formatEastern(now)],
  );
  if (rows[0] !== undefined) return toSession(rows[0]);
  throw new Failure(`no session is known after ${dateOf(now)}`, { hint: 'ref.sessions ends with 2035.' });
}

/** Whether data of a session is collected at `now`. */
export function isOn(session: MarketSession, now: EasternUs): boolean {
  const { from } = rangeOf(session);
  return now >= from && now < session.tsOptionClose;
}

/** What an operator reads: `2026-11-23 09:30-16:00`. */
export function describeSession(session: MarketSession): string {
  const time = (us: EasternUs): string => formatEastern(us).slice(11, 16);
  return `${session.sessionDate} ${time(session.tsOpen)}-${time(session.tsClose)} Eastern`;
}

/**
 * The simulated session that an account plays next: the one that it has not finished, else the first from `now` on that comes
 * after its last.
 */
export async function nextSimulatedSession(
  client: pg.ClientBase,
  account: string,
  now: EasternUs,
): Promise<MarketSession> {
  const { rows } = await client.query<{ date: string; is_finished: boolean }>(
    `select r.ts_from::date::text as date, r.outcome is not distinct from 'completed' as is_finished
     from trade.runs r where r.account = $1 and r.mode = 'live' order by r.run_id desc limit 1`,
    [account],
  );
  const [last] = rows;
  if (last !== undefined && !last.is_finished) return sessionOn(client, last.date as SessionDate);
  const found = await client.query<SessionRow>(
    `select ${COLUMNS} from ref.sessions where session_date >= $1 and session_date > $2 order by session_date limit 1`,
    [dateOf(now), last?.date ?? '-infinity'],
  );
  if (found.rows[0] !== undefined) return toSession(found.rows[0]);
  throw new Failure('every session to the end of ref.sessions has been simulated', {
    hint: 'Choose another --seed.',
  });
}
