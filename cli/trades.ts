// strikebase trades: round trips from entry to flat.
import { Command } from 'commander';
import { printOpenPositions } from './open_positions.ts';
import { type OutputOptions, withExamples } from './options.ts';
import { printRunView, withRunOptions } from './run_output.ts';

/** The first fill of a position on one side: what panel.lineage takes. */
function fillOf(effect: 'open' | 'close'): string {
  return `(select min(f.fill_id) from panel.fills f where f.position_id = t.position_id and f.effect = '${effect}')`;
}

const COLUMNS = `
    ts_entry, ts_exit, strategy, run_id, session_date, contract, option_kind, strike, direction, qty, entry_px, exit_px, entry_reason,
    exit_reason, gross, fees, net, minutes_held, notional, mode, quote_source, position_id, exit_decision_id,
    ${fillOf('open')} as entry_fill_id, ${fillOf('close')} as exit_fill_id`;
// As much as 80 columns hold.
const TABLE_COLUMNS = `
    to_char(ts_entry, 'YYYY-MM-DD HH24:MI') as ts_entry, to_char(ts_exit, 'HH24:MI') as out,
    trim_scale(strike) || ' ' || upper(left(option_kind, 1)) as strike, entry_px as entry, exit_px as exit, round(net, 2) as net,
    ${fillOf('open')} as fill, exit_reason, entry_reason, gross, round(fees, 2) as fees, minutes_held, contract, qty, strategy, run_id, mode,
    quote_source`;
const FROM = `
  from panel.round_trips t
  where ts_entry >= $1 and ts_entry < $2 and ($3::bigint is null or run_id = $3) and ($4::text is null or strategy = $4)
  order by ts_entry, position_id`;
const COMMON = ['strategy', 'run_id', 'mode', 'quote_source', 'qty'];

/** The `trades` subcommand. */
export function tradesCommand(): Command {
  const command = new Command('trades')
    .description(
      'Round trips, from entry to flat, by the time of the entry; below a table what is still open. `fill` is the fill of the entry, for ' +
        '`strikebase sql "select … from panel.lineage(FILL)"`.',
    )
    .action((options: OutputOptions & { readonly strategy?: string }) => printTrades(options));
  return withExamples(withRunOptions(command), 'trades --from 2025-10-06', 'trades --run all --format json');
}

function printTrades(options: OutputOptions & { readonly strategy?: string }): Promise<void> {
  const columns = options.format === 'table' ? TABLE_COLUMNS : COLUMNS;
  return printRunView(
    {
      text: `select ${columns}${FROM}`,
      values: [options.strategy ?? null],
      common: COMMON,
      ...(options.format === 'table'
        ? { after: (client, shown) => printOpenPositions(client, shown, options.strategy) }
        : {}),
    },
    options,
  );
}
