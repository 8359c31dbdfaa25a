// strikebase replay: a strategy over recorded days, minute by minute in event time, as it would have run live.
import { Command, InvalidArgumentError } from 'commander';
import { replaySteps } from '../jobs/run.ts';
import { withExamples } from './options.ts';
import { type RunCommandOptions, runStrategy, withRunCommandOptions } from './run_command.ts';

interface ReplayOptions extends RunCommandOptions {
  /** Null is as fast as it goes. */
  readonly speed: number | null;
}

/** The `replay` subcommand. */
export function replayCommand(): Command {
  const command = new Command('replay')
    .description(
      'Runs a strategy over recorded days minute by minute in event time; its rows equal those of a backtest.',
    )
    .option('--speed <n>', 'N times real time within sessions, or max: no waiting', parseSpeed, null)
    .action((options: ReplayOptions) =>
      runStrategy({ mode: 'replay', speed: options.speed, steps: replaySteps }, options),
    );
  return withExamples(
    withRunCommandOptions(command),
    'replay --quotes modelled --from 2025-11-28 --to 2025-11-28',
    'replay --quotes modelled --from 2025-10-06 --to 2025-10-06 --speed 60',
  );
}

function parseSpeed(text: string): number | null {
  if (text === 'max') return null;
  const speed = Number(text);
  if (!Number.isFinite(speed) || speed <= 0)
    throw new InvalidArgumentError('It is a number above 0, or max.');
  return speed;
}
