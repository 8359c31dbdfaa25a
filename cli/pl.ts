// strikebase pl: daily profit and loss.
import { Command } from 'commander';
import { printOpenPositions } from './open_positions.ts';
import { type OutputOptions, withExamples } from './options.ts';
import { printRunView, withRunOptions } from './run_output.ts';

const COLUMNS = `
    session_date, strategy, run_id, trades, wins, gross, fees, net, max_drawdown, minutes_in_market, max_notional, contracts, mode,
    quote_source, vwap_is_typical`;
// In cents: fees have up to four decimals.
const TABLE_COLUMNS = `
    session_date, strategy, run_id, trades, wins, gross, round(fees, 2) as fees, round(net, 2) as net,
    round(max_drawdown, 2) as max_drawdown, minutes_in_market as minutes, max_notional, contracts, mode, quote_source, vwap_is_typical`;
// What tells the runs apart stands on the left, where it always fits.
const TABLE_COLUMNS_OF_ALL = `
    session_date, run_id as run, mode, strategy, trades, wins, round(net, 2) as net, quote_source as quotes, gross, round(fees, 2) as fees,
    round(max_drawdown, 2) as max_drawdown, minutes_in_market as minutes, max_notional, contracts, vwap_is_typical`;
const FROM = `
  from panel.daily_pl
  where session_date >= $1::timestamp::date and session_date < $2::timestamp and ($3::bigint is null or run_id = $3)
    and ($4::text is null or strategy = $4)
  order by session_date, strategy, run_id`;
const COMMON = ['strategy', 'run_id', 'mode', 'quote_source', 'vwap_is_typical'];

/** The `pl` subcommand. */
export function plCommand(): Command {
  const command = new Command('pl')
    .description(
      'Daily profit and loss by session, strategy and run: closed round trips, gross, fees, net, drawdown.',
    )
    .action((options: OutputOptions & { readonly strategy?: string }) => printPl(options));
  return withExamples(
    withRunOptions(command),
    'pl',
    'pl --run 3 --from 2026-01-02 --to 2026-01-30 --format csv',
  );
}

function printPl(options: OutputOptions & { readonly strategy?: string }): Promise<void> {
  const { format, strategy, run } = options;
  const tableColumns = run === 'all' ? TABLE_COLUMNS_OF_ALL : TABLE_COLUMNS;
  const columns = format === 'table' ? tableColumns : COLUMNS;
  return printRunView(
    {
      text: `select ${columns}${FROM}`,
      values: [strategy ?? null],
      common: COMMON,
      ...(format === 'table'
        ? { after: (client, shown) => printOpenPositions(client, shown, strategy) }
        : {}),
    },
    options,
  );
}
