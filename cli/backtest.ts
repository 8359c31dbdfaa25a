// strikebase backtest: a strategy over recorded days, one advance per session.
import { Command } from 'commander';
import { backtestSteps } from '../jobs/run.ts';
import { withExamples } from './options.ts';
import { type RunCommandOptions, runStrategy, withRunCommandOptions } from './run_command.ts';

/** The `backtest` subcommand. */
export function backtestCommand(): Command {
  const command = new Command('backtest')
    .description(
      'Runs a strategy over recorded days, a session at a time, and prints daily P/L and totals. Without --from and --to it takes all days that the feed has.',
    )
    .action((options: RunCommandOptions) =>
      runStrategy({ mode: 'backtest', speed: null, steps: backtestSteps }, options),
    );
  return withExamples(
    withRunCommandOptions(command),
    'backtest --strategy vwap_ma9 --quotes modelled --from 2025-10-06 --to 2025-10-31',
    'backtest --quotes modelled --set front_buffer_min=0 --set contracts=10 --json',
  );
}
