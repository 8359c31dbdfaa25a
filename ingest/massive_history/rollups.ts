// The rollups over what was downloaded: a range that a continuous aggregate does not refresh by itself.
import type pg from 'pg';
import { addMs, midnightOf, type SessionDate } from '../../core/eastern_time.ts';
import { refreshRollups } from '../rollups.ts';
import type { HistoryRequest } from './plan.ts';
import { markRolledUp } from './progress.ts';

const LAST_MS = 86_400_000 - 1;

/**
 * Refreshes the rollups over every session whose bars they lack, those of an earlier, killed download too. Needs the owner of
 * the aggregates for the refresh, outside a transaction.
 */
export async function rollUp(
  clients: { readonly writer: pg.ClientBase; readonly owner: pg.ClientBase },
  request: Pick<HistoryRequest, 'symbol' | 'span' | 'feeds'>,
): Promise<void> {
  const { symbol, span, feeds } = request;
  const { rows } = await clients.writer.query<{ session_date: SessionDate }>(
    `select d.session_date::text from ops.downloads d
     where d.feeds = $1 and d.symbol = $2 and d.kind = $3 and not d.is_rolled_up and d.ts_next is not null
     order by d.session_date`,
    [feeds.prefix, symbol, span],
  );
  const first = rows[0]?.session_date;
  const last = rows.at(-1)?.session_date;
  if (first === undefined || last === undefined) return;
  await refreshRollups(clients.owner, { from: midnightOf(first), to: addMs(midnightOf(last), LAST_MS) });
  const sessionDates = rows.map((row) => row.session_date);
  await markRolledUp(clients.writer, feeds.prefix, { symbol, kind: span, sessionDates });
}
