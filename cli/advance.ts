// `strikebase advance`: the rules of a live run alone, session after session, on what the ingesters store.
import { Command } from 'commander';
import { type Clock, systemClock } from '../core/clock.ts';
import { type Config, loadConfig, runSettings } from '../core/config.ts';
import { addMs, formatEastern } from '../core/eastern_time.ts';
import { errorText, Failure } from '../core/failure.ts';
import { withClient } from '../db/pool.ts';
import { registerFeeds } from '../ingest/stream_feed.ts';
import { followLive, type LiveOutcome, type LiveRun, openLive } from '../jobs/live.ts';
import { withDatabase } from './database.ts';
import { nextSession, waitForSession } from './ingest_session.ts';
import { interrupt } from './interrupt.ts';
import { describeSession, type MarketSession, rangeOf } from './market_sessions.ts';
import { withDb, withExamples } from './options.ts';
import { note } from './terminal.ts';
import { type Trading, tradingOf } from './trading.ts';

interface AdvanceOptions {
  readonly strategy: string;
  readonly trades: boolean;
  readonly db?: string;
}

interface Advancing {
  readonly url: string;
  readonly config: Config;
  readonly trading: Trading;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

// As old as trade.entry_bar lets it be.
const RECONCILED_WITHIN_MS = 90_000;
// A broker that cannot be read must not keep an open position from its exits.
const RECONCILE_WAIT_MS = 15_000;
const LOOK_MS = 100;
const STEP_MS = 500;
const EXIT_MS = 1000;

const RECONCILED_SQL = `
  select exists (select from trade.reconciliations c where c.account = $1 and c.ts >= $2) as is_reconciled`;

/** The subcommand. */
export function advanceCommand(): Command {
  const command = new Command('advance')
    .description(
      'Runs the rules of a live run, session after session, on what `strikebase ingest` stores: signals, decisions, orders. With ' +
        'BROKER=paper the orders are filled on the quotes; with a real broker `strikebase orders submit` sends them. Ends within ' +
        'five seconds of Ctrl-C or SIGTERM; the next start goes on with what is open.',
    )
    .option('--strategy <name>', 'strategy to run', 'vwap_ma9')
    .option('--trades', 'the ticks are single prints, as of ingest equities --trades', false);
  return withExamples(withDb(command), 'advance', 'advance --strategy vwap_ma9').action(
    async (options: AdvanceOptions) => {
      await withDatabase(options, (database) => advanceAll(database.url, options));
      // We were told to end: a socket to a server that does not answer must not keep the process.
      setTimeout(() => process.exit(), EXIT_MS).unref();
    },
  );
}

async function advanceAll(url: string, { strategy, trades }: AdvanceOptions): Promise<void> {
  const config = loadConfig();
  const clock = systemClock();
  const signal = interrupt();
  const trading = await withClient({ url, role: 'job_runner', name: 'advance' }, (client) =>
    tradingOf(client, config, strategy, trades ? 'prints' : 'seconds'),
  );
  while (!signal.aborted) {
    const session = await nextSession(url, clock, signal);
    if (session === null) return;
    await waitForSession(session, { clock, signal });
    if (!signal.aborted) await advanceSession({ url, config, trading, clock, signal }, session);
  }
}

async function advanceSession(advancing: Advancing, session: MarketSession): Promise<void> {
  const { url, trading, clock, signal } = advancing;
  await withClient({ url, role: 'ingest_writer', name: 'advance' }, (client) =>
    registerFeeds(client, trading.feeds, trading.underlying, trading.kind),
  );
  const run = await openRun(advancing, session);
  const stands = run.isResumed ? `goes on at ${formatEastern(run.beganAt).slice(11, 19)}` : 'begins';
  note(`run ${run.runId} of ${trading.strategy} ${stands}: account ${run.account} at ${trading.broker}`);
  note(`session ${describeSession(session)}`);
  let failure: { readonly error: unknown } | null = null;
  try {
    if (trading.broker !== 'paper') await firstReconciled(run, advancing);
    await untilAborted(followLive(run, { clock, signal }), signal);
  } catch (error) {
    // What fails because it was told to end has not failed.
    if (!signal.aborted) failure = { error };
  }
  const { outcome } = await endRun(run, failure, signal);
  note(`run ${run.runId} is ${outcome}`);
}

function openRun({ url, config, trading, clock }: Advancing, session: MarketSession): Promise<LiveRun> {
  const { strategy, account, feeds, streams, broker } = trading;
  return openLive({
    url,
    clock,
    strategy,
    settings: { ...runSettings(config), account },
    tickFeed: feeds.ticks.name,
    quoteFeed: feeds.quotes.name,
    ...streams,
    broker,
    session: { ...rangeOf(session), optionClose: session.tsOptionClose },
  });
}

/** Waits for a look at the broker before the first decision; without one entries stay barred, and exits go on. */
async function firstReconciled({ account }: LiveRun, { url, clock, signal }: Advancing): Promise<void> {
  const until = addMs(clock.now(), RECONCILE_WAIT_MS);
  const isReconciled = await withClient({ url, role: 'job_runner', name: 'advance' }, async (client) => {
    while (!signal.aborted && clock.now() < until) {
      const values = [account, formatEastern(addMs(clock.now(), -RECONCILED_WITHIN_MS))];
      const { rows } = await client.query<{ is_reconciled: boolean }>(RECONCILED_SQL, values);
      if (rows[0]?.is_reconciled) return true;
      await clock.sleep(LOOK_MS, signal);
    }
    return signal.aborted;
  });
  if (isReconciled) return;
  note(`the account was not reconciled within ${RECONCILE_WAIT_MS / 1000} s: entries are barred until it is`);
}

/** A step that waits for a lost database is not waited for once we are told to end. */
async function untilAborted(work: Promise<void>, signal: AbortSignal): Promise<void> {
  const over = new AbortController();
  const aborted = new Promise<void>((resolve) => {
    const wait = (): void => void systemClock().sleep(STEP_MS, over.signal).then(resolve);
    if (signal.aborted) wait();
    else signal.addEventListener('abort', wait, { once: true });
  });
  work.catch(() => undefined);
  try {
    await Promise.race([work, aborted]);
  } finally {
    over.abort();
  }
}

async function endRun(
  run: LiveRun,
  failure: { readonly error: unknown } | null,
  signal: AbortSignal,
): Promise<Pick<LiveOutcome, 'outcome'>> {
  if (failure !== null) {
    await run.close('failed').catch(() => undefined);
    throw failure.error;
  }
  try {
    return await run.close('stopped');
  } catch (error) {
    if (!signal.aborted) throw error;
    throw new Failure(`run ${run.runId} was left open: ${errorText(error)}`, {
      hint: 'The next start goes on with it.',
      cause: error,
    });
  }
}
