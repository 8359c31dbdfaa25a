// `strikebase start`: live trading on whatever feed is configured, session after session until it is stopped.
import { Command } from 'commander';
import { type Config, loadConfig } from '../core/config.ts';
import { Failure } from '../core/failure.ts';
import { withClient } from '../db/pool.ts';
import { type Database, withDatabase } from './database.ts';
import { refuseMissingSettings } from './live_settings.ts';
import { DEFAULT_SEED, parseSeed, parseSpeed, withDb, withExamples } from './options.ts';
import { type Trading, tradingOf } from './trading.ts';

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
        'played on paper. Strategies on an index take Tradier’s data (TRADIER_TOKEN), and BROKER=tradier sends their orders. ' +
        'Ctrl-C or SIGTERM ends all of it within five seconds; the next start goes on with what is open.',
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
  const trading = await withClient({ url: database.url, role: 'job_runner', name: 'start' }, (client) =>
    tradingOf(client, config, strategy),
  );
  refuseMissingSettings(config, { feed: trading.vendor });
  if (isFed(trading, config)) {
    if (options.speed !== undefined || options.seed !== undefined) {
      const why = trading.vendor === 'massive' ? 'POLYGON_API_KEY is set' : `${strategy} has none`;
      throw new Failure(`--speed and --seed belong to the simulated session, and ${why}`, {
        hint: trading.vendor === 'massive' ? 'Leave them out, or unset the key.' : 'Leave them out.',
        exitCode: 2,
      });
    }
    // The simulators are no part of a process that trades.
    const { startTree } = await import('./start_tree.ts');
    return startTree({ database, config, trading });
  }
  const { startSimulated } = await import('./start_simulated.ts');
  await startSimulated({ database, config, ...options });
}

/** Whether there is a key for its live data; without one of Massive's a session is simulated. */
function isFed({ vendor, strategy }: Trading, config: Config): boolean {
  if (vendor === 'massive') return config.massiveApiKey !== null;
  if (config.tradierToken !== null) return true;
  throw new Failure(`${strategy} trades on Tradier's data, and TRADIER_TOKEN is not set`, {
    hint: 'Set it in .env; `node dist/sim/tradier/main.js` serves a simulated day and prints what to set.',
    exitCode: 2,
  });
}
