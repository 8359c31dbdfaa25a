// strikebase runs: list them, drop one.
import { Command } from 'commander';
import { withDatabase } from './database.ts';
import { parseRun, withDb, withExamples, withFormat } from './options.ts';
import { type Format, printQuery } from './output.ts';
import { describeRun, runOf } from './run_choice.ts';
import { print } from './terminal.ts';

const LIST = `
  select
    r.run_id, r.mode, r.strategy, r.outcome, r.ts_from, r.ts_to, r.quote_source, r.symbol, r.version, r.tick_feed, r.quote_feed,
    r.ts_advanced, r.contracts, r.trading_capital, r.ts_created, r.ts_ended, r.account, r.broker, r.code_hash, r.keeps
  from panel.runs r
  order by r.run_id`;
const TABLE = `
  select
    run_id as run, case keeps when 'trades' then 'grid' else mode end as mode, strategy, outcome, ts_from::date as first,
    (ts_to - interval '1 microsecond')::date as last, quote_source
  from panel.runs
  order by run_id`;

/** The `runs` subcommand. */
export function runsCommand(): Command {
  const list = new Command('list')
    .description('Lists runs.')
    .action((options: { db?: string; format: Format }) => listRuns(options));
  const drop = new Command('drop')
    .description(
      'Removes a backtest, a replay or a demo with everything that it wrote. A live run stays, but for one of a simulated market on paper, ' +
        'or of a demo.',
    )
    .argument('<run>', 'run id, latest, latest-1 …', parseRun)
    .action(dropRun);
  const command = new Command('runs')
    .description('Lists runs, or drops one.')
    .addCommand(withExamples(withDb(withFormat(list)), 'runs list'))
    .addCommand(withExamples(withDb(drop), 'runs drop 3'));
  return withExamples(command, 'runs list', 'runs drop 3');
}

async function listRuns(options: { readonly db?: string; readonly format: Format }): Promise<void> {
  await withDatabase(options, async (database) => {
    const client = await database.connectReader('grafana_reader');
    const text = options.format === 'table' ? TABLE : LIST;
    await printQuery(client, { text }, { format: options.format });
  });
}

async function dropRun(text: string, options: { readonly db?: string }): Promise<void> {
  await withDatabase(options, async (database) => {
    const client = await database.connect('owner');
    const run = await runOf(client, text);
    await client.query('select trade.drop_run($1)', [run.run_id]);
    print(`dropped run ${describeRun(run)}\n`);
  });
}
