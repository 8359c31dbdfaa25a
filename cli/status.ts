// strikebase status: what is in the database.
import { Command } from 'commander';
import type pg from 'pg';
import { type Database, withDatabase } from './database.ts';
import { withDb, withExamples, withFormat } from './options.ts';
import { type Format, printQuery } from './output.ts';
import { liveColumns, printLive } from './status_live.ts';
import { print, terminalWidth, wrapWords } from './terminal.ts';

// Counting a year of quotes is not worth minutes: beyond this the feeds are listed without their ranges.
const COUNT_TIMEOUT_MS = 15_000;
const QUERY_CANCELED = '57014';
const NAME_WIDTH = 12;

const SERVER = `
  select engine.name() as engine, engine.version() as version, current_database() as database,
    pg_size_pretty(pg_database_size(current_database())) as size,
    (select count(*) from engine.migrations) as migrations,
    (select count(*) from trade.runs) as runs,
    (select count(*) from trade.runs r where r.mode = 'live' and r.ts_ended is null) as live_runs,
    coalesce(
      (select string_agg(format('HALTED for %s since %s: %s', h.account, to_char(h.ts, 'YYYY-MM-DD HH24:MI'), h.reason), '; ' order by h.account)
       from panel.halts h where h.halted and h.account !~ '^(backtest|replay)-'),
      'allowed'
    ) as entries,
    (select string_agg(s.strategy || ' v' || s.version || case when s.enabled then '' else ' (disabled)' end, ', ' order by s.strategy)
     from ref.current_strategies s) as strategies`;

const FEEDS = `
  with counted as (
    select feed_id, count(*) as rows, min(ts_event) as ts_first, max(ts_event) as ts_last from market.equity_ticks group by 1
    union all
    select feed_id, count(*), min(bar_date), max(bar_date) from market.daily_bars group by 1
    union all
    select feed_id, count(*), min(ts_event), max(ts_event) from market.option_quotes group by 1
    union all
    select feed_id, count(*), min(ts_event), max(ts_event) from market.option_trades group by 1
    union all
    select feed_id, count(*), min(ts_event), max(ts_event) from market.chain_snapshots group by 1
    union all
    select feed_id, count(*), min(ts_event), max(ts_event) from market.option_listings group by 1
    union all
    select feed_id, count(*), min(ts_event), max(ts_event) from market.option_statistics group by 1
  )
  select f.name as feed, f.kind, f.source, sum(c.rows)::bigint as rows, to_char(min(c.ts_first), 'YYYY-MM-DD HH24:MI') as first,
    to_char(max(c.ts_last), 'YYYY-MM-DD HH24:MI') as last
  from ref.feeds f
  left join counted c on c.feed_id = f.feed_id
  group by f.feed_id
  order by f.name`;

const FEEDS_UNCOUNTED = 'select name as feed, kind, source, span_ms from ref.feeds order by name';

/** The `status` subcommand. */
export function statusCommand(): Command {
  const command = new Command('status')
    .description(
      'Engine and version, size, strategies and runs; processes, streams, gaps and latencies; and the feeds with their rows.',
    )
    .action(printStatus);
  return withExamples(withDb(withFormat(command)), 'status');
}

async function printStatus(options: { readonly db?: string; readonly format: Format }): Promise<void> {
  const { format } = options;
  await withDatabase(options, async (database) => {
    const client = await database.connectReader('owner');
    if (format === 'json') await printJson(client);
    else {
      if (format === 'table') {
        await printServer(client, database);
        await printLive(client, format);
        print('Feeds\n');
      }
      await printFeeds(client, format);
    }
  });
}

async function printServer(client: pg.Client, database: Database): Promise<void> {
  const { rows } = await client.query<Record<string, string | number>>(SERVER);
  print(`where       ${database.label}\n`);
  for (const [name, value] of Object.entries(rows[0] ?? {})) {
    const lines = wrapWords(`${value}`, terminalWidth() - NAME_WIDTH, '');
    print(`${name.padEnd(NAME_WIDTH)}${lines.join(`\n${' '.repeat(NAME_WIDTH)}`)}\n`);
  }
  print('\n');
}

async function printFeeds(client: pg.Client, format: Format): Promise<void> {
  await client.query(`set statement_timeout = ${COUNT_TIMEOUT_MS}`);
  try {
    await printQuery(client, { text: FEEDS }, { format });
  } catch (error) {
    if ((error as { code?: string }).code !== QUERY_CANCELED) throw error;
    await printQuery(client, { text: FEEDS_UNCOUNTED }, { format, footer: ['(too many rows to count)'] });
  } finally {
    await client.query('reset statement_timeout').catch(() => undefined);
  }
}

async function printJson(client: pg.Client): Promise<void> {
  const { rows } = await client.query<{ status: unknown }>(
    `select to_jsonb(server) || jsonb_build_object('feeds', (select coalesce(jsonb_agg(to_jsonb(feeds)), '[]') from (${FEEDS}) feeds))
       || ${liveColumns()} as status
     from (${SERVER}) server`,
  );
  print(`${JSON.stringify(rows[0]?.status)}\n`);
}
