// strikebase ready: whether an entry could be made now, check by check.
import { Command } from 'commander';
import type pg from 'pg';
import { systemClock } from '../core/clock.ts';
import { loadConfig } from '../core/config.ts';
import { openBroker } from '../jobs/brokers/open_broker.ts';
import { checkReadiness } from '../jobs/readiness.ts';
import { withDatabase } from './database.ts';
import { withDb, withExamples, withFormat } from './options.ts';
import { type Format, printRows } from './output.ts';

interface ReadyOptions {
  readonly strategy: string;
  readonly format: Format;
  readonly db?: string;
}

const TEXT = 25;
const BOOL = 16;
const COLUMNS = [
  { name: 'check', oid: TEXT },
  { name: 'ok', oid: BOOL },
  { name: 'detail', oid: TEXT },
];

/** The subcommand. */
export function readyCommand(): Command {
  const command = new Command('ready')
    .description(
      'Checks everything that must hold before an entry: database, clock, schema, calendar, kill switch, feeds and, with a ' +
        'broker, its login, account and buying power. Stores the checks; exits with 1 if one is red.',
    )
    .option('--strategy <name>', 'strategy that is to trade', 'vwap_ma9');
  return withExamples(withDb(withFormat(command)), 'ready', 'ready --format json').action(
    (options: ReadyOptions) =>
      withDatabase({ db: options.db }, async (database) => {
        const config = loadConfig();
        const clock = systemClock();
        const client = await database.connect('job_runner');
        const broker = config.broker === 'paper' ? null : await openBroker(config, clock);
        try {
          const feedIds = await feedsOfLiveRuns(client);
          const parts = { client, clock, strategy: options.strategy, feedIds, broker };
          const checks = await checkReadiness(parts);
          const rows = checks.map(({ name, isOk, detail }) => [name, isOk ? 't' : 'f', detail]);
          printRows(COLUMNS, rows, { format: options.format });
          if (checks.some((check) => !check.isOk)) process.exitCode = 1;
        } finally {
          await broker?.close();
        }
      }),
  );
}

async function feedsOfLiveRuns(client: pg.ClientBase): Promise<number[]> {
  const { rows } = await client.query<{ feed_id: number }>(
    `select distinct f.feed_id from trade.runs r cross join lateral (values (r.tick_feed_id), (r.quote_feed_id)) as f (feed_id)
     where r.mode = 'live' and r.ts_ended is null`,
  );
  return rows.map((row) => row.feed_id);
}
