// `strikebase start`: live trading on whatever feed is configured, session after session until it is stopped.
import { Command } from 'commander';
import { loadConfig } from '../core/config.ts';
import { Failure } from '../core/failure.ts';
import { type Database, withDatabase } from './database.ts';
import { refuseMissingSettings } from './live_settings.ts';
import { DEFAULT_SEED, parseSeed, parseSpeed, withDb, withExamples } from './options.ts';

interface StartOptions {
  readonly strategy: string;
  readonly speed?: number | 'max';
  readonly seed?: number;
  readonly db?: string;
}

/** The subcommand. */
export function startCommand(): Command {
  const command = new Command('start')
    .description(
      'Trades live: two ingesters, the rules and readiness checks as processes of their own, each started again when it dies. With ' +
        'BROKER=paper orders are filled on the quotes and none is sent; with BROKER=schwab and LIVE_TRADING=yes two more processes ' +
        'send them and find out what became of them. POLYGON_API_KEY brings Massive’s data; without it a simulated session is ' +
        'played on paper. Ctrl-C or SIGTERM ends all of it within five seconds; the next start goes on with what is open.',
    )
    .option('--strategy <name>', 'strategy to run', 'vwap_ma9')
    .option('--speed <n>', 'simulated session only: times real time, or max (default: 1)', parseSpeed)
    .option('--seed <n>', `simulated session only: which market (default: ${DEFAULT_SEED})`, parseSeed);
  return withExamples(withDb(command), 'start', 'start --speed 60', 'start --strategy vwap_ma9').action(
    (options: StartOptions) => withDatabase({ db: options.db }, (database) => start(database, options)),
  );
}

async function start(database: Database, options: StartOptions): Promise<void> {
  const config = loadConfig();
  const { strategy } = options;
  refuseMissingSettings(config, { feed: true });
  if (config.massiveApiKey !== null) {
    if (options.speed !== undefined || options.seed !== undefined) {
      throw new Failure('--speed and --seed belong to the simulated session, and POLYGON_API_KEY is set', {
        hint: 'Leave them out, or unset the key.',
        exitCode: 2,
      });
    }
    // The simulators are no part of a process that trades.
    const { startTree } = await import('./start_tree.ts');
    return startTree({ database, config, strategy, apiKey: config.massiveApiKey });
  }
  const { startSimulated } = await import('./start_simulated.ts');
  await startSimulated({ database, config, ...options });
}
