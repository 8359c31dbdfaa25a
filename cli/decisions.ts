// strikebase decisions: every decision with its gates.
import { Command, Option } from 'commander';
import type pg from 'pg';
import { grouped } from './live_view.ts';
import { type OutputOptions, withExamples } from './options.ts';
import { printRunView, type Shown, withRunOptions } from './run_output.ts';
import { note } from './terminal.ts';

interface DecisionOptions extends OutputOptions {
  readonly strategy?: string;
  readonly kind?: string;
  readonly verdict?: string;
  readonly all: boolean;
}

// A table leaves the gates' single columns to csv and json: failed_gates says in words what they hold.
const TABLE_COLUMNS = `
    to_char(ts, 'YYYY-MM-DD HH24:MI:SS') as ts, kind, verdict, reason, failed_gates, direction, contract, trigger_px, strategy, run_id, mode, quote_source`;
const ALL_COLUMNS = `
    ts, strategy, kind, verdict, reason, direction, contract, trigger_px, failed_gates, run_id, session_date, window_min, window_from_min,
    window_to_min, window_ok, age_ms, age_max_ms, age_ok, halt_ok, cooldown_ms, cooldown_min_ms, cooldown_ok, open_slots, max_slots,
    slots_ok, bid, ask, quote_ts, quote_age_ms, quote_age_max_ms, quote_ok, capital, capital_max, capital_ok, day_pl, day_pl_min,
    day_pl_ok, orders_day, orders_day_max, orders_minute, orders_minute_max, orders_ok, mode, quote_source, decision_id, position_id`;
const FILTER = `
  from panel.decisions
  where ts >= $1 and ts < $2 and ($3::bigint is null or run_id = $3) and ($4::text is null or strategy = $4)
    and ($5::text is null or kind = $5) and ($6::text is null or verdict = $6) and ($7::boolean or reason <> 'no_signal')
  order by panel.decisions.ts, decision_id`;
const LEFT_OUT = `
  select count(*)::integer as n
  from panel.decisions
  where ts >= $1 and ts < $2 and ($3::bigint is null or run_id = $3) and ($4::text is null or strategy = $4)
    and ($5::text is null or kind = $5) and ($6::text is null or verdict = $6) and reason = 'no_signal'`;
const COUNTED = `
  select s.reason, sum(s.periods)::integer as n
  from panel.skips s
  join panel.runs r on r.run_id = s.run_id
  where r.keeps = 'trades' and s.ts >= $1 and s.ts < $2 and ($3::bigint is null or s.run_id = $3) and ($4::text is null or r.strategy = $4)
  group by 1
  order by 2 desc, 1`;
const COMMON = ['strategy', 'run_id', 'mode', 'quote_source'];

/** The `decisions` subcommand. */
export function decisionsCommand(): Command {
  const command = new Command('decisions')
    .description(
      'Decisions: one entry decision for every period, TRADE or SKIP with all gates, and one exit decision per position. Periods ' +
        'without a signal are left out.',
    )
    .addOption(new Option('--kind <kind>', 'only these').choices(['entry', 'exit']))
    .addOption(new Option('--verdict <verdict>', 'only these').choices(['TRADE', 'SKIP']))
    .option('--all', 'periods without a signal too: they are most of them', false)
    .addOption(new Option('--signals-only', 'what is done without --all').hideHelp())
    .action(printDecisions);
  return withExamples(
    withRunOptions(command),
    'decisions --from "2025-10-06 10:00" --to "2025-10-06 11:00"',
    'decisions --verdict SKIP --format csv',
    'decisions --all --format csv',
  );
}

function printDecisions(options: DecisionOptions): Promise<void> {
  const columns = options.format === 'table' ? TABLE_COLUMNS : ALL_COLUMNS;
  const { strategy = null, kind = null, verdict = null, all } = options;
  const values = [strategy, kind, verdict, all];
  return printRunView(
    {
      text: `select ${columns}${FILTER}`,
      values,
      common: COMMON,
      after: async (client, shown) => {
        if (!all) await sayLeftOut(client, shown, [strategy, kind, verdict]);
        if (kind !== 'exit' && verdict !== 'TRADE') await sayCounted(client, shown, strategy);
      },
    },
    options,
  );
}

/** Of runs of a grid: nothing must look as if nothing had been skipped. */
async function sayCounted(
  client: pg.ClientBase,
  { from, to, runId }: Shown,
  strategy: string | null,
): Promise<void> {
  const { rows } = await client.query<{ reason: string; n: number }>(COUNTED, [from, to, runId, strategy]);
  if (rows.length === 0) return;
  const counts = rows.map(({ reason, n }) => `${reason} ${grouped(n)}`).join(', ');
  note(`not kept one by one, but counted by session (panel.skips): ${counts}`);
}

/** On standard error: whoever counts the rows of a file must know that they are not all. */
async function sayLeftOut(
  client: pg.ClientBase,
  { from, to, runId }: Shown,
  filters: readonly (string | null)[],
): Promise<void> {
  const { rows } = await client.query<{ n: number }>(LEFT_OUT, [from, to, runId, ...filters]);
  const count = rows[0]?.n ?? 0;
  if (count > 0) note(`left out: ${grouped(count)} periods without a signal; --all shows them`);
}
