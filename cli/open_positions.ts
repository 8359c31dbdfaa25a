// What `pl` and `trades` say below a table of closed positions: those that are still open, with what closing them now would make.
import type pg from 'pg';
import { printQuery } from './output.ts';
import type { Shown } from './run_output.ts';
import { print } from './terminal.ts';

// A session that is over has no mark of now, but its last quotes.
const TABLE = `
  select
    to_char(o.ts_entry, 'YYYY-MM-DD HH24:MI') as ts_entry, regexp_replace(o.contract, ' +', ' ') as contract, o.qty, o.entry_px as entry,
    case when o.qty < 0 then o.ask else o.bid end as mark, to_char(o.ts_quote, 'HH24:MI:SS') as at,
    round(o.gross_to_close - o.fees, 2) as net, o.run_id as run
  from panel.open_positions o
  where o.ts_entry >= $1 and o.ts_entry < $2 and ($3::bigint is null or o.run_id = $3) and ($4::text is null or o.strategy = $4)
  order by o.ts_entry, o.position_id`;

/** Prints the open positions of what was shown, if there are any. */
export async function printOpenPositions(
  client: pg.ClientBase,
  { from, to, runId }: Shown,
  strategy: string | undefined,
): Promise<void> {
  const values = [from, to, runId, strategy ?? null];
  const { rows } = await client.query<{ n: number }>(
    `select count(*)::integer as n from (${TABLE}) as open`,
    values,
  );
  const count = rows[0]?.n ?? 0;
  if (count === 0) return;
  print(`\nStill open, not in the figures above: ${count === 1 ? 'a position' : `${count} positions`}\n`);
  await printQuery(
    client,
    { text: TABLE, values },
    {
      format: 'table',
      common: runId === null ? [] : ['run'],
      footer: ['mark: what closing costs or brings a share by the last quote; net: after fees so far'],
    },
  );
}
