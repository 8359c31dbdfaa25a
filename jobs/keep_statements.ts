// The daily reconciliation by itself: every session's books are compared once the broker has booked it, also those that were missed.
import type { Clock } from '../core/clock.ts';
import { addMs, type EasternUs, formatEastern, type SessionDate } from '../core/eastern_time.ts';
import { errorText } from '../core/failure.ts';
import { withClient } from '../db/pool.ts';
import type { Broker } from './brokers/broker.ts';
import { raiseAlert } from './orders/alerts.ts';
import type { OnOrderEvent } from './orders/events.ts';
import { compareDay } from './statement.ts';

export interface KeepStatementsOptions {
  readonly url: string;
  readonly account: string;
  readonly broker: Broker;
  readonly clock: Clock;
  readonly onEvent?: OnOrderEvent;
}

const LOOK_MS = 60_000;
// Schwab shows a trade among the transactions within minutes.
const BOOKED_AFTER_MS = 30 * 60_000;
// What differs may not be booked yet: three looks, an hour apart; the rest is for a person, and `orders statement`.
const AGAIN_MS = 60 * 60_000;
const MAX_LOOKS = 3;
const MISSED_DAYS = 7;
// A broker that cannot be asked for so long is told to people, once for each day.
const TOLD_AFTER_MS = 2 * 60 * 60_000;

const DUE_SQL = `
  select s.session_date::text
  from ref.sessions s
  left join lateral (
    select count(*) as looks, max(t.ts) as ts_last, coalesce(bool_or(t.is_ok), false) as was_ok
    from trade.statements t where t.account = $1 and t.session_date = s.session_date and t.ts >= s.ts_option_close
  ) t on true
  where s.ts_option_close <= $2::timestamp - $3::integer * interval '1 ms'
    and s.session_date > $2::timestamp::date - $4::integer
    and not t.was_ok and t.looks < $5 and coalesce(t.ts_last, '-infinity') <= $2::timestamp - $6::integer * interval '1 ms'
    and exists (
      select from trade.runs r
      where r.account = $1 and r.mode = 'live' and r.broker <> 'paper' and r.ts_from < s.ts_option_close and r.ts_to > s.ts_open
    )
  order by s.session_date`;

/** Compares every session that is due now, the oldest first; gives how many. Throws a Failure where the broker cannot be asked. */
export async function compareDue(options: KeepStatementsOptions): Promise<number> {
  const { url, account, broker, clock, onEvent = () => undefined } = options;
  if (broker.transactions === undefined) return 0;
  return withClient({ url, role: 'job_runner', name: `statements ${account}` }, async (client) => {
    const limits = [BOOKED_AFTER_MS, MISSED_DAYS, MAX_LOOKS, AGAIN_MS];
    const values = [account, formatEastern(clock.now()), ...limits];
    const { rows } = await client.query<{ session_date: SessionDate }>(DUE_SQL, values);
    for (const { session_date: sessionDate } of rows) {
      const statement = await compareDay({ client, broker, account, sessionDate, now: clock.now() });
      onEvent('books compared', { date: sessionDate, is_ok: statement.isOk, detail: statement.detail });
    }
    return rows.length;
  });
}

/** Looks every minute until the signal is aborted. Nothing that goes wrong here ends it: orders are not to wait for books. */
export async function keepStatements(
  options: KeepStatementsOptions & { readonly signal: AbortSignal },
): Promise<void> {
  const { broker, clock, signal, onEvent } = options;
  if (broker.transactions === undefined) return;
  let failingSince: EasternUs | null = null;
  while (!signal.aborted) {
    try {
      await compareDue(options);
      failingSince = null;
    } catch (error) {
      const now = clock.now();
      failingSince ??= now;
      onEvent?.('books not compared', { reason: errorText(error) });
      if (now >= addMs(failingSince, TOLD_AFTER_MS)) await tell(options, failingSince, error);
    }
    await clock.sleep(LOOK_MS, signal);
  }
}

async function tell(
  { url, account, clock }: KeepStatementsOptions,
  since: EasternUs,
  error: unknown,
): Promise<void> {
  const key = `statement ${account} not compared since ${formatEastern(since)}`;
  const text = `the books of ${account} could not be compared since ${formatEastern(since)}: ${errorText(error)}`;
  await withClient({ url, role: 'job_runner', name: `statements ${account}` }, (client) =>
    raiseAlert(client, { key, severity: 'warning', text, at: clock.now() }),
  ).catch(() => undefined);
}
