// strikebase bars: bars of a symbol, timed by their end.
import { Command, Option } from 'commander';
import { withDatabase } from './database.ts';
import { chooseTickFeed } from './feed_choice.ts';
import { type OutputOptions, rangeText, withDb, withExamples, withFormat, withRange } from './options.ts';
import { printQuery } from './output.ts';
import { note } from './terminal.ts';

interface BarOptions extends OutputOptions {
  readonly symbol: string;
  readonly feed?: string;
  readonly interval: '1m' | '5m';
  readonly extended: boolean;
}

const COMMON = ['symbol', 'feed', 'source', 'vwap_is_typical'];

/** The `bars` subcommand. */
export function barsCommand(): Command {
  const command = new Command('bars')
    .description(
      'Bars of a symbol in dollars, timed by their END; those of the regular session unless --extended is given.',
    )
    .option('--symbol <symbol>', 'equity or index', 'QQQ')
    .option('--feed <name>', 'feed of the ticks (default: the one that has the symbol)')
    .addOption(new Option('--interval <length>', 'length of a bar').choices(['1m', '5m']).default('1m'))
    .option('--extended', 'bars outside the regular session too', false)
    .action(printBars);
  return withExamples(
    withDb(withFormat(withRange(command))),
    'bars --symbol QQQ --from 2025-11-28 --to 2025-11-28 --format csv',
  );
}

async function printBars(options: BarOptions): Promise<void> {
  const { interval, extended, format } = options;
  const symbol = options.symbol.toUpperCase();
  const range = rangeText(options);
  await withDatabase(options, async (database) => {
    const feeds = await database.connectReader('job_runner');
    const feed = await chooseTickFeed(feeds, { symbol, feed: options.feed, range });
    const client = await database.connectReader('grafana_reader');
    // The second pair of limits is on the bar's start: the bars under it are found by it.
    const text = `
      select ts, open, high, low, close, volume, vwap, symbol, feed, trade_count, tick_count, vwap_is_typical, source, is_regular
      from panel.bars_${interval}
      where symbol = $1 and feed = $2 and ts >= $3 and ts < $4
        and ts_open >= $3::timestamp - interval '5 minutes' and ts_open < $4 and (is_regular or $5::boolean)
      order by ts`;
    const values = [symbol, feed.name, range.from, range.to, extended];
    const count = await printQuery(client, { text, values }, { format, common: COMMON, footer: [''] });
    if (count === 0) note('no bars in this range');
  });
}
