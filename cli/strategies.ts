// strikebase strategies: list them and change them, every change a new version.
import { Command } from 'commander';
import { Failure } from '../core/failure.ts';
import { withDatabase } from './database.ts';
import { parseSetting, withDb, withExamples, withFormat } from './options.ts';
import { type Format, printQuery } from './output.ts';
import { noSuchStrategy, refuseUnknownParameters } from './suggest.ts';
import { print } from './terminal.ts';

interface ListOptions {
  readonly db?: string;
  readonly format: Format;
  readonly json: boolean;
}

// A table is one parameter a line: there are too many for columns.
const LIST = 'select s.* from ref.current_strategies s order by s.strategy';
const TABLE = `
  select s.strategy, p.key as parameter, p.value
  from ref.current_strategies s
  cross join lateral jsonb_each_text(to_jsonb(s)) with ordinality as p (key, value, n)
  where p.key <> 'strategy'
  order by s.strategy, p.key not in ('version', 'enabled'), p.key`;

/** The `strategies` subcommand. */
export function strategiesCommand(): Command {
  const list = new Command('list')
    .description('Lists the current version of every strategy with its parameters.')
    .option('--json', 'the same as --format json', false)
    .action(listStrategies);
  const enable = new Command('enable')
    .description('Lets live runs use a strategy.')
    .argument('<name>', 'strategy')
    .action((name: string, options: { db?: string }) => change(name, { enabled: 'true' }, options));
  const disable = new Command('disable')
    .description('Keeps live runs from using a strategy; a run that is under way keeps its version.')
    .argument('<name>', 'strategy')
    .action((name: string, options: { db?: string }) => change(name, { enabled: 'false' }, options));
  const set = new Command('set')
    .description('Writes a new version with some parameters changed; null switches a parameter off.')
    .argument('<name>', 'strategy')
    .argument('<key=value...>', 'parameters, as list shows them')
    .action((name: string, settings: string[], options: { db?: string }) =>
      change(
        name,
        settings.reduce((all, text) => parseSetting(text, all), {} as Record<string, string | null>),
        options,
      ),
    );
  const add = new Command('add')
    .description(
      'Adds a strategy: the parameters of another one, with some changed. It is disabled until `strategies enable`; backtests ' +
        'need no enabling. docs/own-strategy.md shows how to write its rule.',
    )
    .argument('<name>', 'of the new one')
    .argument('[key=value...]', 'parameters that differ, signal_routine among them')
    .option('--like <strategy>', 'where the other parameters come from', 'vwap_ma9')
    .action(addStrategy);
  const command = new Command('strategies')
    .description('Lists strategies and changes them; every change is a new version.')
    .addCommand(
      withExamples(withDb(add), 'strategies add my_rule signal_routine=signal.my_rule account=my_rule'),
    )
    .addCommand(withExamples(withDb(withFormat(list)), 'strategies list'))
    .addCommand(withExamples(withDb(enable), 'strategies enable vwap_ma9'))
    .addCommand(withExamples(withDb(disable), 'strategies disable vwap_ma9'))
    .addCommand(withExamples(withDb(set), 'strategies set vwap_ma9 contracts=10 cooldown_ms=60000'));
  return withExamples(command, 'strategies list', 'strategies set vwap_ma9 contracts=10');
}

async function addStrategy(
  name: string,
  texts: readonly string[],
  options: { readonly like: string; readonly db?: string },
): Promise<void> {
  const settings = texts.reduce((all, text) => parseSetting(text, all), {} as Record<string, string | null>);
  await withDatabase(options, async (database) => {
    const client = await database.connect('job_runner');
    await refuseUnknownParameters(client, settings);
    await client.query('select trade.add_strategy($1, $2, $3)', [
      name,
      options.like,
      JSON.stringify(settings),
    ]);
    print(`${name} version 1, disabled: as ${options.like}${texts.map((text) => `, ${text}`).join('')}\n`);
  });
}

async function listStrategies(options: ListOptions): Promise<void> {
  const format = options.json ? 'json' : options.format;
  await withDatabase(options, async (database) => {
    const client = await database.connectReader('job_runner');
    await printQuery(client, { text: format === 'table' ? TABLE : LIST }, { format, common: ['strategy'] });
  });
}

async function change(
  strategy: string,
  settings: Readonly<Record<string, string | null>>,
  options: { readonly db?: string },
): Promise<void> {
  await withDatabase(options, async (database) => {
    const client = await database.connect('job_runner');
    const known = await client.query('select from ref.current_strategies where strategy = $1', [strategy]);
    if (known.rows.length === 0) throw await noSuchStrategy(client, strategy);
    await refuseUnknownParameters(client, settings);
    const { rows } = await client.query<{ version: number }>('select trade.set_strategy($1, $2) as version', [
      strategy,
      JSON.stringify(settings),
    ]);
    const version = rows[0]?.version;
    if (version === undefined) throw new Failure(`strategy ${strategy} was not changed`);
    const texts = Object.entries(settings).map(([key, value]) => `${key} = ${value ?? 'null'}`);
    print(`${strategy} version ${version}: ${texts.join(', ')}\n`);
  });
}
