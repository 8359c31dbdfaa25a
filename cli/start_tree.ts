// Live trading on one machine: the processes of a live run, their supervisor, and what the operator sees of them.
import { type Clock, systemClock } from '../core/clock.ts';
import type { Config } from '../core/config.ts';
import { errorText } from '../core/failure.ts';
import { withClient } from '../db/pool.ts';
import { discoverContracts } from '../ingest/massive/contracts.ts';
import { createTradierClient } from '../ingest/tradier/client.ts';
import { lockAccountWithin } from '../jobs/account_lock.ts';
import { brokerPlace, openBroker } from '../jobs/brokers/open_broker.ts';
import { MAX_CEILINGS } from '../jobs/orders/ceilings.ts';
import { summarizeRun } from '../jobs/run_summary.ts';
import type { Database } from './database.ts';
import { interrupt } from './interrupt.ts';
import { keepDatabase } from './keep_database.ts';
import { red } from './live_view.ts';
import { currentOrNextSession } from './market_sessions.ts';
import { printReport } from './run_report.ts';
import { type RunWatch, watchRun } from './run_watch.ts';
import { type ChildSpec, type ChildState, supervise } from './supervisor.ts';
import { note } from './terminal.ts';
import type { Trading } from './trading.ts';
import { type Desk, followRun, openTreeDesk, treeReporter } from './tree_watch.ts';

export interface TreeOptions {
  readonly database: Database;
  readonly config: Config;
  readonly trading: Trading;
}

interface Tree extends TreeOptions {
  readonly clock: Clock;
  readonly desk: Desk;
  readonly watch: RunWatch;
}

const STRIKES = 21;
const VIEW_MS = 250;
const BEAT_MS = 1000;
const LINE_EVERY_MS = 5 * 60_000;
// The processes of a supervisor that was killed need a moment to end.
const LOCK_WAIT_MS = 3000;
const REPORT_MS = 1000;
const WARNING = 40;

/** Runs the tree until the user ends it. Throws a Failure where it could never work: a wrong key, another tree on the account. */
export async function startTree(options: TreeOptions): Promise<void> {
  const { database, config, trading } = options;
  const clock = systemClock();
  const signal = interrupt();
  await showBanner(config, trading, clock);
  await checkStart(options, clock);
  const giveUp = new AbortController();
  const desk = await openTreeDesk(database.url, { trading, clock, signal: giveUp.signal });
  const watch = watchRun({
    ...{ read: desk.connection.run, title: 'start', underlying: trading.underlying },
    ...{
      label: `${trading.feeds.quotes.source} quotes`,
      venue: venueText(trading),
      lineEveryMs: LINE_EVERY_MS,
    },
  });
  const tree: Tree = { ...options, clock, desk, watch };
  const over = new AbortController();
  const keeping = database.isEmbedded
    ? keepDatabase({ url: database.url, config, clock, signal: over.signal, onNotice: watch.announce })
    : Promise.resolve(null);
  try {
    await runTree(tree, keeping, { signal, giveUp });
  } finally {
    await watch.end(clock.now());
    await desk.connection.end();
    over.abort();
    await (await keeping.catch(() => null))?.stop();
  }
}

/** Runs the processes until the user ends them, or something that they need is gone for good. */
async function runTree(
  tree: Tree,
  keeping: Promise<unknown>,
  { signal, giveUp }: { readonly signal: AbortSignal; readonly giveUp: AbortController },
): Promise<void> {
  const { database, clock, desk, watch } = tree;
  const ending = new AbortController();
  const end = (): void => ending.abort();
  signal.addEventListener('abort', end, { once: true });
  if (signal.aborted) end();
  let states: readonly ChildState[] = [];
  const following = followRun(desk, watch, {
    ...{ signal: ending.signal, everyMs: VIEW_MS },
    onBegin: (runId) => watch.announce(`run ${runId} of ${tree.trading.strategy}`),
    onOver: (runId) => report(tree, runId),
  });
  const beating = beatUntil(tree, () => states, ending.signal);
  const watching = Promise.all([following, beating, keeping]);
  watching.catch(end);
  try {
    await supervise({
      ...{ children: childrenOf(tree), environment: { ...process.env, DATABASE_URL: database.url } },
      ...{ clock, signal: ending.signal, onLine: (name, line) => tell(watch, name, line) },
      onChange: (next) => {
        states = next;
      },
    });
  } finally {
    signal.removeEventListener('abort', end);
    end();
    // A database that is away must not hold up the end.
    const late = setTimeout(() => giveUp.abort(), REPORT_MS);
    const [shown] = await Promise.allSettled([following, beating]);
    await watch.end(clock.now());
    if (shown.status === 'fulfilled' && shown.value !== null)
      await report(tree, shown.value).catch(() => undefined);
    clearTimeout(late);
  }
  if (!signal.aborted) await watching;
}

/** The processes, as each can also be started alone. */
function childrenOf({ trading, config }: Tree): readonly ChildSpec[] {
  const { strategy, account, broker } = trading;
  const always: ChildSpec[] = [
    ...ingestersOf(trading),
    { name: 'advance', args: ['advance', '--strategy', strategy] },
    { name: 'ready', args: ['ready', '--watch', '--strategy', strategy] },
  ];
  const orders: ChildSpec[] = [
    { name: 'orders-submit', args: ['orders', 'submit', '--account', account] },
    { name: 'orders-reconcile', args: ['orders', 'reconcile', '--account', account] },
  ];
  const messages: ChildSpec[] = [{ name: 'messages', args: ['messages', 'send'], isAside: true }];
  const hasChannel = config.telegramBotToken !== null || config.alertWebhookUrl !== null;
  // Paper orders are filled where they are decided.
  return [...always, ...(broker === 'paper' ? [] : orders), ...(hasChannel ? messages : [])];
}

function ingestersOf({ vendor, underlying, days }: Trading): readonly ChildSpec[] {
  if (vendor === 'tradier') {
    const dte = days.length === 0 ? [] : ['--dte', days.join(',')];
    return [{ name: 'ingest-tradier', args: ['ingest', 'tradier', '--underlying', underlying, ...dte] }];
  }
  const strikes = String(STRIKES);
  return [
    { name: 'ingest-equities', args: ['ingest', 'equities', '--symbols', underlying] },
    { name: 'ingest-options', args: ['ingest', 'options', '--underlying', underlying, '--strikes', strikes] },
  ];
}

async function beatUntil(
  { desk, clock }: Tree,
  states: () => readonly ChildState[],
  signal: AbortSignal,
): Promise<void> {
  const reporter = treeReporter(desk);
  while (!signal.aborted) {
    await reporter.beat(states(), 'supervising');
    await clock.sleep(BEAT_MS, signal);
  }
  await reporter.beat(states(), 'ending').catch(() => undefined);
}

function venueText({ broker }: Trading): string {
  return broker === 'paper' ? 'PAPER' : `LIVE at ${broker}`;
}

async function showBanner(
  config: Config,
  { vendor, broker, account, strategy }: Trading,
  clock: Clock,
): Promise<void> {
  note(
    `feed: ${vendor === 'massive' ? `Massive at ${config.massiveWsUrl}` : `Tradier at ${config.tradierBaseUrl}`}`,
  );
  if (broker === 'paper') {
    note(
      `PAPER trading of ${strategy}, account ${account}: orders are filled on the quotes here, none is sent`,
    );
    return;
  }
  // Throws where LIVE_TRADING does not allow it, or a setting is missing: before anything says that it is live.
  const opened = await openBroker(config, clock);
  const place = brokerPlace(config);
  try {
    const { contractsPerOrder, premiumPerOrder, ordersPerMinute, ordersPerDay } = MAX_CEILINGS;
    const lines = [
      place?.isPaperMoney === true
        ? `trading of ${strategy} at ${broker}: orders are sent, and the account holds no real money`
        : `LIVE trading of ${strategy} at ${broker}: orders are sent to a real account`,
      `account ${account}${tailOf(place?.account ?? null)} at ${place?.baseUrl}`,
      `at most ${contractsPerOrder} contracts and $${premiumPerOrder.toLocaleString('en-US')} of premium in an order,`,
      `${ordersPerMinute} orders a minute, ${ordersPerDay} a day; readiness and the kill switch bar entries`,
    ];
    const isTerminal = process.stderr.isTTY === true;
    for (const line of lines) note(isTerminal ? red(` ${line.padEnd(77)} `) : line);
    for (const { name, isOk, detail } of await opened.checks()) {
      note(`${name}: ${isOk ? '' : 'RED, '}${detail}`);
    }
  } finally {
    await opened.close();
  }
}

function tailOf(brokersAccount: string | null): string {
  return brokersAccount === null ? '' : ` (…${brokersAccount.slice(-3)})`;
}

/** What would be in vain is known now, not when the session begins. */
async function checkStart(
  { database, config, trading: { vendor, account, underlying } }: TreeOptions,
  clock: Clock,
): Promise<void> {
  const session = await withClient(
    { url: database.url, role: 'job_runner', name: `start process ${process.pid}` },
    async (client) => {
      await lockAccountWithin(client, { account, waitMs: LOCK_WAIT_MS });
      return currentOrNextSession(client, clock.now());
    },
  );
  if (vendor === 'tradier') {
    const client = createTradierClient({ ...config, clock });
    await client.expirations(underlying).finally(() => client.close());
    return;
  }
  const { massiveRestUrl: restUrl, massiveApiKey: apiKey } = config;
  const query = { restUrl, apiKey: apiKey ?? '', underlying, expiration: session.sessionDate };
  await discoverContracts({ ...query, signal: interrupt() });
}

/** A line of a child: JSON from its log, or words for the operator. */
function tell(watch: RunWatch, name: string, line: string): void {
  const isJson = line.startsWith('{');
  if (!isJson) watch.announce(`${name}: ${line}`);
  // Elsewhere than on a terminal the log is kept whole.
  else if (process.stderr.isTTY !== true) watch.announce(line);
  else {
    const { level, text } = parsed(line);
    if (level >= WARNING) watch.announce(`${name}: ${text}`);
  }
}

function parsed(line: string): { readonly level: number; readonly text: string } {
  try {
    const { level, msg, order, reason } = JSON.parse(line) as Record<string, unknown>;
    const text = [msg, order, reason].filter((each) => typeof each === 'string').join(', ');
    return { level: Number(level), text };
  } catch (error) {
    return { level: WARNING, text: `${errorText(error)}: ${line}` };
  }
}

async function report({ desk }: Tree, runId: number): Promise<void> {
  await desk.connection.run(async (client) => {
    await printReport(client, await summarizeRun(client, runId), { isJson: false, elapsedMs: 0 });
  });
}
