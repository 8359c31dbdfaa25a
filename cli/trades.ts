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
    ${fillOf('open')} as entry_fill_id, ${fillOf('close')} as exit_fill_id, legs`;
// As of the trips: what each contract of them was opened and closed at.
const LEG_COLUMNS = `
    to_char(t.ts_entry, 'YYYY-MM-DD HH24:MI') as ts_entry, regexp_replace(l.contract, ' +', ' ') as leg, l.side, l.qty, l.entry_px as entry,
    l.exit_px as exit, l.cash as gross, round(l.fees, 2) as fees, t.strategy, t.run_id, t.mode, t.quote_source, t.position_id`;
// As much as 80 columns hold.
const TABLE_COLUMNS = `
    to_char(ts_entry, 'YYYY-MM-DD HH24:MI') as ts_entry, to_char(ts_exit, 'HH24:MI') as out,
    coalesce(trim_scale(strike) || ' ' || upper(left(option_kind, 1)), regexp_replace(contract, '^\\S+ +\\S+ ', '')) as strike, entry_px as entry, exit_px as exit, round(net, 2) as net,
    ${fillOf('open')} as fill, exit_reason, entry_reason, gross, round(fees, 2) as fees, minutes_held, contract, qty, strategy, run_id, mode,
    quote_source`;
const TRIPS = `
  from panel.round_trips t
  where ts_entry >= $1 and ts_entry < $2 and ($3::bigint is null or run_id = $3) and ($4::text is null or strategy = $4)`;
const FROM = `${TRIPS}
  order by ts_entry, position_id`;
const LEGS = `
  select ${LEG_COLUMNS}
  from (select *${TRIPS} offset 0) t
  cross join lateral (select x.* from panel.position_legs x where x.position_id = t.position_id offset 0) l
  order by t.ts_entry, t.position_id, l.leg_no`;
const COMMON = ['strategy', 'run_id', 'mode', 'quote_source', 'qty'];

type TradesOptions = OutputOptions & { readonly strategy?: string; readonly legs?: boolean };

/** The `trades` subcommand. */
export function tradesCommand(): Command {
  const command = new Command('trades')
    .description(
      'Round trips, from entry to flat, by the time of the entry, a spread as one; below a table what is still open. `fill` is the fill of the entry, for ' +
        '`strikebase sql "select … from panel.lineage(FILL)"`.',
    )
    .option('--legs', 'a row for each contract of them instead')
    .action((options: TradesOptions) => (options.legs === true ? printLegs(options) : printTrades(options)));
  const examples = ['trades --from 2025-10-06', 'trades --legs', 'trades --run all --format json'];
  return withExamples(withRunOptions(command), ...examples);
}

function printLegs(options: TradesOptions): Promise<void> {
  return printRunView({ text: LEGS, values: [options.strategy ?? null], common: COMMON }, options);
}

function printTrades(options: TradesOptions): Promise<void> {
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
