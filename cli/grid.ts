// strikebase grid: a backtest of every combination of some parameters, on several connections; or walk-forward through the range.
import { availableParallelism } from 'node:os';
import { Command, InvalidArgumentError, Option } from 'commander';
import type pg from 'pg';
import { systemClock } from '../core/clock.ts';
import { Failure } from '../core/failure.ts';
import {
  dropOrphans,
  findCells,
  type GridCell,
  type GridRequest,
  hasOpenRuns,
  runGrid,
} from '../jobs/grid.ts';
import { sessionsIn } from '../jobs/run.ts';
import { compareBy, FIGURES, type Figure, type RunResult, readResults } from '../jobs/run_results.ts';
import { type TimeRange, type WalkForward, windowsOf } from '../jobs/walk_forward.ts';
import { type Database, withDatabase } from './database.ts';
import { printGrid, printWalk, type Tried, type WalkedWindow } from './grid_output.ts';
import { interrupt } from './interrupt.ts';
import { parseCount, withExamples, withFormat } from './options.ts';
import type { Format } from './output.ts';
import {
  prepareRun,
  type RunBase,
  type RunDataOptions,
  withQuotes,
  withRunDataOptions,
} from './run_command.ts';
import { note, showProgress } from './terminal.ts';
import {
  type Combination,
  combinationsOf,
  describeCombination,
  parseVary,
  refuseWrongValues,
  type Varied,
} from './vary.ts';

interface GridOptions extends RunDataOptions {
  readonly vary: Varied;
  readonly jobs: number;
  readonly by: Figure;
  readonly walkForward?: WalkForward;
  readonly fresh: boolean;
  readonly format: Format;
}

/** What the runs of one grid share. */
interface Grid {
  readonly database: Database;
  /** Of role job_runner: what is read between the runs. */
  readonly client: pg.Client;
  readonly base: RunBase;
  readonly combinations: readonly Combination[];
  readonly options: GridOptions;
}

const INTERRUPTED = 130;
const MAX_JOBS = 64;

/** The `grid` subcommand. */
export function gridCommand(): Command {
  const by = new Option('--by <figure>', 'what makes a combination the best').choices(FIGURES).default('net');
  const command = new Command('grid')
    .description(
      'Runs a backtest of every combination of the values of --vary, several at once, and prints what each has made, best first. With ' +
        '--walk-forward the best of each training is run on the test that follows it. Runs keep decisions to trade and counts of the ' +
        'others. What is complete is kept: the same command goes on with the rest.',
    )
    .option(
      '--vary <key=v,v>',
      'values to try; where they are lists: key=3,5;7. Repeat it for more',
      parseVary,
      {},
    )
    .addOption(by)
    .option('--walk-forward <train/test>', 'in months or sessions: 12m/3m, 250s/60s', parseWalkForward)
    .option('--jobs <n>', 'runs at once', parseJobs, Math.min(availableParallelism(), MAX_JOBS))
    .option('--fresh', 'make every run again, complete ones too', false)
    .action(runGridCommand);
  return withExamples(
    withFormat(withRunDataOptions(command)),
    'grid --quotes modelled --vary take_profit_ratio=0.3,0.5,0.7 --vary stop_loss_ratio=2,null',
    'grid --quotes modelled --vary cooldown_ms=0,300000 --walk-forward 3m/1m --by profit_factor',
    'grid --strategy spx_credit_vertical --quotes recorded --vary "dte_targets=3,5;7"',
  );
}

function parseJobs(text: string): number {
  const jobs = parseCount(text);
  if (jobs > MAX_JOBS) throw new InvalidArgumentError(`At most ${MAX_JOBS}.`);
  return jobs;
}

function parseWalkForward(text: string): WalkForward {
  const [, train = '', trainUnit, test = '', testUnit] =
    /^(\d{1,4})([ms])\/(\d{1,4})([ms])$/.exec(text) ?? [];
  if (Number(train) === 0 || Number(test) === 0)
    throw new InvalidArgumentError('Write TRAIN/TEST, months as 12m, sessions as 60s: 12m/3m.');
  const unit = (letter: string | undefined): 'months' | 'sessions' =>
    letter === 'm' ? 'months' : 'sessions';
  return {
    train: { count: Number(train), unit: unit(trainUnit) },
    test: { count: Number(test), unit: unit(testUnit) },
  };
}

async function runGridCommand(options: GridOptions): Promise<void> {
  const asked = withQuotes(options);
  const combinations = combinationsOf(options.vary);
  await withDatabase(options, async (database) => {
    const client = await database.connect('job_runner');
    const { strategy, set: settings, vary: varied } = options;
    await refuseWrongValues(client, { strategy, settings, varied, combinations });
    const base = await prepareRun(database, client, asked);
    await clearUp(database, client);
    const grid: Grid = { database, client, base, combinations, options };
    await (options.walkForward === undefined ? tryAll(grid) : walkForward(grid, options.walkForward));
  });
}

/** What a grid that was killed has left. */
async function clearUp(database: Database, client: pg.Client): Promise<void> {
  if (!(await hasOpenRuns(client))) return;
  const owner = await database.connect('owner');
  const dropped = await dropOrphans(owner).finally(() => owner.end());
  if (dropped.length === 0) return;
  const runs = dropped.length === 1 ? '1 run' : `${dropped.length} runs`;
  note(`${runs} of a grid that was killed had not come to an end: dropped (${dropped.join(', ')})`);
}

async function tryAll(grid: Grid): Promise<void> {
  const { client, combinations, base, options } = grid;
  const cells = await findCells(client, requestsOf(grid, base.request), options.fresh);
  refuseEqualRuns(cells, combinations);
  const runIds = await complete(grid, 'grid', cells);
  const done = combinations.flatMap((combination, index) => {
    const runId = runIds[index] ?? null;
    return runId === null ? [] : [{ combination, runId }];
  });
  const results = await readResults(
    client,
    done.map(({ runId }) => runId),
  );
  const tried = done.map(
    ({ combination }, index): Tried => ({ combination, result: results[index] as RunResult }),
  );
  const byFigure = compareBy(options.by);
  printGrid(
    base,
    tried.sort((a, b) => byFigure(a.result, b.result)),
    options,
  );
}

async function walkForward(grid: Grid, plan: WalkForward): Promise<void> {
  const { client, base, combinations, options } = grid;
  const sessions = (await sessionsIn(client, base.request)).map(({ date }) => date);
  const windows = windowsOf(plan, base.request, sessions);
  if (windows.length === 0) {
    throw new Failure(`the range has ${sessions.length} sessions: too short for a training and a test`, {
      hint: 'Make --walk-forward shorter, or the range of --from and --to longer.',
      exitCode: 2,
    });
  }
  const trainings = windows.flatMap(({ train }) => requestsOf(grid, train));
  const cells = await findCells(client, trainings, options.fresh);
  refuseEqualRuns(cells.slice(0, combinations.length), combinations);
  const trained = await complete(grid, 'training', cells);
  if (trained.includes(null)) return;
  const results = await readResults(client, trained as number[]);
  // What is chosen here has seen the runs of its training and nothing else.
  const chosen = windows.map((_, nth) => {
    const from = nth * combinations.length;
    return best(results.slice(from, from + combinations.length), combinations, options.by);
  });
  const tests = windows.flatMap(({ test }, nth) => {
    const combination = chosen[nth]?.combination;
    return combination === undefined ? [] : [requestOf(grid, test, combination)];
  });
  const tested = await complete(grid, 'test', await findCells(client, tests, options.fresh));
  if (tested.includes(null)) return;
  const outcomes = await readResults(client, tested as number[]);
  const walked = windows.map((window, nth): WalkedWindow => {
    const choice = chosen[nth] ?? null;
    return { window, choice, test: choice === null ? null : (outcomes.shift() ?? null) };
  });
  await printWalk(client, { base, walked, combinations }, options);
}

/** The best of a training; null where nothing was traded: then there is nothing to go by. */
function best(results: readonly RunResult[], combinations: readonly Combination[], by: Figure): Tried | null {
  const byFigure = compareBy(by);
  const [first] = results
    .map((result, index): Tried => ({ combination: combinations[index] as Combination, result }))
    .sort((a, b) => byFigure(a.result, b.result));
  return first === undefined || first.result.trades === 0 ? null : first;
}

function requestsOf(grid: Grid, range: TimeRange): GridRequest[] {
  return grid.combinations.map((combination) => requestOf(grid, range, combination));
}

function requestOf({ base }: Grid, { from, to }: TimeRange, combination: Combination): GridRequest {
  return { ...base.request, from, to, settings: { ...base.request.settings, ...combination } };
}

/** 0.5 and 0.50 are one value: the same run twice would say that the grid is larger than it is. */
function refuseEqualRuns(cells: readonly GridCell[], combinations: readonly Combination[]): void {
  const seen = new Map<string, Combination>();
  for (const [index, { params }] of cells.entries()) {
    const combination = combinations[index] as Combination;
    const equal = seen.get(params);
    if (equal !== undefined) {
      throw new Failure(
        `two combinations are the same: ${describeCombination(equal)}; ${describeCombination(combination)}`,
        { hint: 'Name every value once.', exitCode: 2 },
      );
    }
    seen.set(params, combination);
  }
}

/** Makes the runs that are missing. Ctrl-C keeps what is complete: null stands for the others. */
async function complete(
  grid: Grid,
  label: string,
  cells: readonly GridCell[],
): Promise<readonly (number | null)[]> {
  const { database, client, options } = grid;
  const found = cells.filter(({ runId }) => runId !== null).length;
  const missing = cells.length - found;
  const jobs = Math.min(options.jobs, missing);
  const onJobs = missing === 0 ? '' : `, ${missing} to do, ${jobs} at once`;
  note(`${label}: ${cells.length} runs${found === 0 ? '' : `, ${found} of them complete already`}${onJobs}`);
  if (missing === 0) return cells.map(({ runId }) => runId);
  const clients = await Promise.all(Array.from({ length: jobs }, () => database.connect('job_runner')));
  const progress = showProgress(label, 1000);
  let finished = 0;
  let leader: RunResult | null = null;
  const { runIds, unfinished } = await runGrid(clients, cells, {
    clock: systemClock(),
    signal: interrupt(),
    onStep: (done, total) =>
      progress.update((done / total) * 1000, `${finished} of ${missing} runs${leadingSoFar(leader)}`),
    onRun: async (_, runId) => {
      finished += 1;
      const [result] = await readResults(client, [runId]);
      if (result !== undefined && (leader === null || compareBy(options.by)(result, leader) < 0))
        leader = result;
    },
  }).finally(() => progress.end());
  await Promise.all(clients.map((each) => each.end()));
  if (interrupt().aborted) await tidyUp(database, { label, runIds, unfinished });
  return runIds;
}

function leadingSoFar(leader: RunResult | null): string {
  return leader === null ? '' : `, leading: run ${leader.run_id} with net ${leader.net.toFixed(2)}`;
}

/** A run that ended midway is of no use to anyone: the next start makes it from its beginning. */
async function tidyUp(
  database: Database,
  outcome: {
    readonly label: string;
    readonly runIds: readonly (number | null)[];
    readonly unfinished: readonly number[];
  },
): Promise<void> {
  const { label, runIds, unfinished } = outcome;
  const owner = await database.connect('owner');
  for (const runId of unfinished) await owner.query('select trade.drop_run($1)', [runId]);
  const kept = runIds.filter((runId) => runId !== null).length;
  const dropped =
    unfinished.length === 0 ? '' : `; ${unfinished.length} that had not come to their end are dropped`;
  note(
    `stopped: ${label}: ${kept} of ${runIds.length} runs are complete and kept${dropped}; the same command goes on with the rest`,
  );
  process.exitCode = INTERRUPTED;
}
