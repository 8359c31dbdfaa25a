// What backtest and replay have in common: the data they run on, the run itself, the report at its end.
import { availableParallelism } from 'node:os';
import { type Command, Option } from 'commander';
import type pg from 'pg';
import { systemClock } from '../core/clock.ts';
import { loadConfig, runSettings } from '../core/config.ts';
import { type EasternUs, formatEastern, parseEastern } from '../core/eastern_time.ts';
import { Failure } from '../core/failure.ts';
import {
  advanceThrough,
  type OpenedRun,
  openRun,
  type RunRequest,
  type SessionTimes,
  sessionsIn,
} from '../jobs/run.ts';
import { summarizeRun } from '../jobs/run_summary.ts';
import { type Database, withDatabase } from './database.ts';
import { chooseTickFeed, type TickFeed } from './feed_choice.ts';
import { interrupt } from './interrupt.ts';
import { parseSetting, type RangeOptions, rangeText, withDb, withRange } from './options.ts';
import { prepareQuotes, type QuoteKind } from './quote_feed.ts';
import { printReport } from './run_report.ts';
import { noSuchStrategy, refuseUnknownParameters } from './suggest.ts';
import { note, showProgress } from './terminal.ts';

/** On what data a strategy runs, and how it is set. */
export interface RunDataOptions extends RangeOptions {
  readonly db?: string;
  readonly strategy: string;
  /** Asked for, never assumed: modelled and recorded quotes are different claims. */
  readonly quotes?: QuoteKind;
  readonly symbol?: string;
  readonly feed?: string;
  readonly quoteFeed?: string;
  readonly set: Readonly<Record<string, string | null>>;
}

export interface RunCommandOptions extends RunDataOptions {
  readonly json: boolean;
}

/** All that runs of one strategy over the same data have in common. */
export interface RunBase {
  readonly request: Omit<RunRequest, 'mode'>;
  readonly symbol: string;
}

export interface RunPlan {
  readonly mode: 'backtest' | 'replay';
  /** Times real time; null does not wait. */
  readonly speed: number | null;
  readonly steps: (run: OpenedRun, sessions: readonly SessionTimes[]) => EasternUs[];
}

const INTERRUPTED = 130;
// More connections than that a small server may not have to spare.
const MAX_HELPERS = 7;

/** Adds the options of a run. */
export function withRunCommandOptions(command: Command): Command {
  const extended = withRunDataOptions(command);
  return extended.option('--json', 'print one JSON object with run_id and the figures', false);
}

/** Adds the options that say on what data a strategy runs. */
export function withRunDataOptions(command: Command): Command {
  const quotes = new Option('--quotes <source>', 'what option quotes to fill on').choices([
    'recorded',
    'modelled',
    'simulated',
    'marks',
  ]);
  const extended = command
    .option('--strategy <name>', 'strategy', 'vwap_ma9')
    .addOption(quotes)
    .option('--symbol <symbol>', 'underlying (default: the strategy’s)')
    .option('--feed <name>', 'feed of the ticks (default: the one that has the symbol)')
    .option('--quote-feed <name>', 'feed of the option quotes (default: the one that has them)')
    .option('--set <key=value>', 'a parameter for this run alone; repeat it for more', parseSetting, {});
  return withDb(withRange(extended));
}

/** Opens a run, takes it to its end and prints its summary. Ctrl-C stops it after the slice at hand. */
export async function runStrategy(plan: RunPlan, options: RunCommandOptions): Promise<void> {
  const asked = withQuotes(options);
  await withDatabase(options, async (database) => {
    const client = await database.connect('job_runner');
    const began = performance.now();
    const base = await prepareRun(database, client, asked);
    const run = await open(client, base, { plan, quotes: asked.quotes });
    const outcome = await carryOut(database, client, { run, plan });
    const summary = await summarizeRun(client, run.runId);
    if (outcome === 'stopped') {
      note(
        `stopped: run ${run.runId} is kept as far as it came; \`strikebase runs drop ${run.runId}\` removes it`,
      );
      process.exitCode = INTERRUPTED;
    }
    await printReport(client, summary, { isJson: options.json, elapsedMs: performance.now() - began });
  });
}

/** The options, once they say on what quotes to fill. Throws Failure else. */
export function withQuotes<T extends RunDataOptions>(options: T): T & { readonly quotes: QuoteKind } {
  const { quotes } = options;
  if (quotes !== undefined) return { ...options, quotes };
  throw new Failure('--quotes is missing: it says what option quotes the run is filled on', {
    hint: '--quotes recorded where they were imported, else --quotes modelled: every result will say so.',
    exitCode: 2,
  });
}

/**
 * Finds the feeds and the range of a run, makes modelled quotes where they are missing, and refuses names that nobody knows. Throws
 * Failure where there is no data.
 */
export async function prepareRun(
  database: Database,
  client: pg.Client,
  options: RunDataOptions & { readonly quotes: QuoteKind },
): Promise<RunBase> {
  const { quotes, quoteFeed } = options;
  const changed: Record<string, string | null> = {
    ...(await symbolSettings(client, options.symbol)),
    ...options.set,
  };
  // What stands on the command line wins over TRADING_CAPITAL and CONTRACTS_PER_TRADE.
  const settings = { ...runSettings(loadConfig()), ...changed };
  await refuseUnknownParameters(client, changed);
  const symbol = changed.underlying ?? (await underlyingOf(client, options.strategy));
  const prefers = quotes === 'simulated' ? 'simulated' : 'recorded';
  const range = rangeText(options);
  const ticks = await chooseTickFeed(client, { symbol, feed: options.feed, range, prefers });
  const { from, to } = await extentOf(client, ticks, options);
  const quoteFeedName = await prepareQuotes(database, client, {
    quotes,
    feed: quoteFeed,
    symbol,
    ticks,
    from,
    to,
  });
  const { strategy } = options;
  return {
    request: { strategy, from, to, tickFeed: ticks.name, quoteFeed: quoteFeedName, settings },
    symbol,
  };
}

async function open(
  client: pg.Client,
  { request, symbol }: RunBase,
  { plan, quotes }: { readonly plan: RunPlan; readonly quotes: QuoteKind },
): Promise<OpenedRun> {
  const run = await openRun(client, { ...request, mode: plan.mode }, systemClock());
  const { strategy, from, to, tickFeed, quoteFeed } = request;
  note(
    `run ${run.runId}: ${plan.mode} of ${strategy} on ${symbol}, ${formatEastern(from)} to ${formatEastern(to)}, ` +
      `ticks ${tickFeed}, ${quotes} quotes (${quoteFeed})`,
  );
  return run;
}

async function carryOut(
  database: Database,
  client: pg.Client,
  { run, plan }: { readonly run: OpenedRun; readonly plan: RunPlan },
): Promise<'completed' | 'stopped'> {
  const sessions = await sessionsIn(client, run);
  const steps = plan.steps(run, sessions);
  const isApart = plan.mode === 'backtest' && steps.length > 1;
  const helpers = isApart ? await connectHelpers(database) : [];
  const progress = showProgress(plan.mode, steps.length);
  const { speed } = plan;
  try {
    return await advanceThrough(client, run, steps, {
      clock: systemClock(),
      signal: interrupt(),
      speed,
      helpers,
      onStep: (at, done) => progress.update(done, formatEastern(at).slice(0, 16)),
    });
  } finally {
    progress.end();
  }
}

/** One for each further core; a server that has no more connections to give makes it slower, no more. */
async function connectHelpers(database: Database): Promise<readonly pg.Client[]> {
  const count = Math.min(availableParallelism() - 1, MAX_HELPERS);
  const asked = Array.from({ length: count }, () => database.connect('job_runner').catch(() => null));
  return (await Promise.all(asked)).filter((client) => client !== null);
}

async function underlyingOf(client: pg.Client, strategy: string): Promise<string> {
  const { rows } = await client.query<{ underlying: string }>(
    'select underlying from ref.current_strategies where strategy = $1',
    [strategy],
  );
  if (rows[0] !== undefined) return rows[0].underlying;
  throw await noSuchStrategy(client, strategy);
}

async function symbolSettings(
  client: pg.Client,
  symbol: string | undefined,
): Promise<Record<string, string>> {
  if (symbol === undefined) return {};
  const underlying = symbol.toUpperCase();
  const { rows } = await client.query<{ root: string }>(
    "select root from ref.option_roots where underlying = $1 and settlement = 'pm' order by root limit 1",
    [underlying],
  );
  return { underlying, option_root: rows[0]?.root ?? underlying };
}

/** The range of the run: as asked, or the whole days that the feed has. */
async function extentOf(
  client: pg.Client,
  ticks: TickFeed,
  options: RangeOptions,
): Promise<{ from: EasternUs; to: EasternUs }> {
  const range = rangeText(options);
  const { rows } = await client.query<{ from: string; to: string }>(
    `select min(t.ts_event)::date::text as "from", (max(t.ts_event)::date + 1)::text as "to"
     from market.equity_ticks t
     where t.instrument_id = $1 and t.feed_id = $2 and t.ts_event >= $3 and t.ts_event < $4`,
    [ticks.instrument_id, ticks.feed_id, range.from, range.to],
  );
  const from = options.from ?? parseEastern(rows[0]?.from ?? '');
  const to = options.to ?? parseEastern(rows[0]?.to ?? '');
  if (from === null || to === null) throw new Error('the feed was chosen for its ticks in this range');
  if (from < to) return { from, to };
  throw new Failure('--from is not before --to', {
    hint: 'A date in --to means that whole day.',
    exitCode: 2,
  });
}
