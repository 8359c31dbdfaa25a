// What `pl` and `trades` say below a table of closed positions: those that are still open, with what closing them now would make.
import type pg from 'pg';
import { printQuery } from './output.ts';
import type { Shown } from './run_output.ts';
import { print } from './terminal.ts';

const HELD = `
  from panel.open_positions o
  where o.ts_entry >= $1 and o.ts_entry < $2 and ($3::bigint is null or o.run_id = $3) and ($4::text is null or o.strategy = $4)`;

// A session that is over has no mark of now, but its last quotes.
const TABLE = `
  select
    to_char(o.ts_entry, 'YYYY-MM-DD HH24:MI') as ts_entry, regexp_replace(o.contract, ' +', ' ') as contract, o.qty, o.entry_px as entry,
    case when o.qty < 0 then o.ask else o.bid end as mark, to_char(o.ts_quote, 'HH24:MI:SS') as at,
    round(o.gross_to_close - o.fees, 2) as net, o.run_id as run${HELD}
  order by o.ts_entry, o.position_id`;

const SPREADS = `
  select
    regexp_replace(o.contract, ' +', ' ') as spread, o.mid, round(o.gross_at_mid - o.fees, 2) as net_at_mid, o.target_px as target,
    o.stop_px as stop, o.max_profit, o.max_loss${HELD} and o.legs > 1
  order by o.ts_entry, o.position_id`;

const LEGS = `
  select
    regexp_replace(o.contract, ' +', ' ') as spread, regexp_replace(l.contract, ' +', ' ') as leg, l.held as qty, l.entry_px as entry, l.fees
  from (select *${HELD} and o.legs > 1) o
  join panel.position_legs l on l.position_id = o.position_id
  order by o.ts_entry, o.position_id, l.leg_no`;

const FOOTER = ['mark: what closing costs or brings a share by the last quote; net: after fees so far'];

/** Prints the open positions of what was shown, if there are any, and of those of several legs the legs. */
export async function printOpenPositions(
  client: pg.ClientBase,
  { from, to, runId }: Shown,
  strategy: string | undefined,
): Promise<void> {
  const values = [from, to, runId, strategy ?? null];
  const { rows } = await client.query<{ n: number; spreads: number }>(
    `select count(*)::integer as n, (count(*) filter (where o.legs > 1))::integer as spreads${HELD}`,
    values,
  );
  const { n = 0, spreads = 0 } = rows[0] ?? {};
  if (n === 0) return;
  print(`\nStill open, not in the figures above: ${n === 1 ? 'a position' : `${n} positions`}\n`);
  const common = runId === null ? [] : ['run'];
  await printQuery(client, { text: TABLE, values }, { format: 'table', common, footer: FOOTER });
  if (spreads === 0) return;
  print('\nSpreads as a whole, and leg by leg\n');
  await printQuery(client, { text: SPREADS, values }, { format: 'table', common: [], footer: [''] });
  await printQuery(client, { text: LEGS, values }, { format: 'table', common: [], footer: [] });
}
