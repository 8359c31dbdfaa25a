// `strikebase ingest equities|options|tradier`: one stream of live market data into the database, as a process of its own.
import { Command, InvalidArgumentError } from 'commander';
import { systemClock } from '../core/clock.ts';
import { type Config, loadConfig } from '../core/config.ts';
import { formatEastern } from '../core/eastern_time.ts';
import { Failure } from '../core/failure.ts';
import { startEquities } from '../ingest/equities.ts';
import type { MarketStream, Recovery } from '../ingest/market_stream.ts';
import type { FeedStateChange } from '../ingest/massive/feed_options.ts';
import { saleRules } from '../ingest/massive/sale_conditions.ts';
import { startOptions } from '../ingest/options.ts';
import { massiveFeeds, type StreamFeed } from '../ingest/stream_feed.ts';
import { withDatabase } from './database.ts';
import { followPrice } from './followed_price.ts';
import { checkSession, nextSession, SPOOL_MB, sessionRecovery, waitForSession } from './ingest_session.ts';
import { ingestTradierCommand } from './ingest_tradier.ts';
import { interrupt } from './interrupt.ts';
import { describeSession, type MarketSession } from './market_sessions.ts';
import { parseCount, withDb, withExamples } from './options.ts';
import { note } from './terminal.ts';

interface IngestOptions {
  readonly db?: string;
  readonly spoolMb: number;
}

interface EquityOptions extends IngestOptions {
  readonly symbols: readonly string[];
  readonly trades: boolean;
  readonly countConditions: readonly number[];
}

interface OptionOptions extends IngestOptions {
  readonly underlying: string;
  readonly strikes: number;
  readonly trades: boolean;
}

/** What both kinds need to know. */
interface Ingesting {
  readonly databaseUrl: string;
  readonly config: Config;
  readonly apiKey: string;
  readonly spoolMb: number;
}

const EXIT_MS = 1000;
const clock = systemClock();

/** The subcommand. */
export function ingestCommand(): Command {
  const command = new Command('ingest').description(
    'Streams live market data into the database, session after session, until it is stopped. Each stream is a process of its ' +
      'own: what one misses while it is down, the next start fetches from Massive’s REST, and what the database cannot take ' +
      'waits on disk. SIGTERM or Ctrl-C ends it within five seconds.',
  );
  command.addCommand(equitiesCommand());
  command.addCommand(optionsCommand());
  command.addCommand(ingestTradierCommand());
  return withExamples(
    command,
    'ingest equities --symbols QQQ,SPY',
    'ingest options --underlying QQQ --strikes 21',
    'ingest tradier --underlying SPX',
  );
}

function equitiesCommand(): Command {
  const command = new Command('equities')
    .summary('aggregates of a second, or every trade')
    .description('Streams equities: Massive’s aggregates of a second, or with --trades every single print.')
    .option('--symbols <list>', 'symbols, separated by commas', parseSymbols, ['QQQ'])
    .option('--trades', 'single prints instead of seconds, into a feed of their own', false)
    .option(
      '--count-conditions <codes>',
      'sale conditions whose prints are counted although they are set aside otherwise, e.g. 10,22',
      parseCodes,
      [],
    );
  return withExamples(
    withDb(withSpool(command)),
    'ingest equities --symbols QQQ,SPY',
    'ingest equities --trades',
  ).action((options: EquityOptions) =>
    ingest(options, (ingesting, session) => streamEquities(ingesting, session, options)),
  );
}

function optionsCommand(): Command {
  const command = new Command('options')
    .summary('quotes and prints around the money, and of what is held')
    .description(
      'Streams the options of the nearest expiry around the money, and every contract that is held. The price of the underlying ' +
        'is read from the database: `strikebase ingest equities` must run as well.',
    )
    .option('--underlying <symbol>', 'underlying', 'QQQ')
    .option('--strikes <n>', 'strikes around the money, calls and puts of each', parseCount, 21)
    .option('--trades', 'the underlying’s ticks are single prints, as of ingest equities --trades', false);
  return withExamples(withDb(withSpool(command)), 'ingest options --underlying QQQ --strikes 21').action(
    (options: OptionOptions) =>
      ingest(options, (ingesting, session) => streamChain(ingesting, session, options)),
  );
}

function withSpool(command: Command): Command {
  const text = 'most megabytes that wait on disk while the database is away';
  return command.option('--spool-mb <n>', text, parseCount, SPOOL_MB);
}

function parseSymbols(text: string): readonly string[] {
  const symbols = text.split(',').map((symbol) => symbol.trim().toUpperCase());
  if (symbols.every((symbol) => /^[A-Z][A-Z0-9.]{0,9}$/.test(symbol))) return [...new Set(symbols)];
  throw new InvalidArgumentError('Write symbols separated by commas, such as QQQ,SPY.');
}

function parseCodes(text: string): readonly number[] {
  const codes = text.split(',').map(Number);
  if (codes.every((code) => Number.isInteger(code) && code >= 0)) return codes;
  throw new InvalidArgumentError('Write codes separated by commas, such as 10,22.');
}

type StreamSession = (ingesting: Ingesting, session: MarketSession) => Promise<void>;

async function ingest(options: IngestOptions, stream: StreamSession): Promise<void> {
  const config = loadConfig();
  const { massiveApiKey: apiKey } = config;
  if (apiKey === null) {
    throw new Failure('there is no key for market data', {
      hint: 'Set POLYGON_API_KEY (or MASSIVE_API_KEY) in .env; `strikebase start` without it plays a simulated session.',
      exitCode: 2,
    });
  }
  const work = withDatabase(options, async (database) => {
    const ingesting = { databaseUrl: database.url, config, apiKey, spoolMb: options.spoolMb };
    const signal = interrupt();
    while (!signal.aborted) {
      const session = await nextSession(database.url, clock, signal);
      if (session === null) break;
      await waitForSession(session, { clock, signal });
      if (!signal.aborted) await stream(ingesting, session);
    }
  });
  // Told to end or failed: a socket to a server that does not answer must not keep the process.
  await work.finally(() => setTimeout(() => process.exit(), EXIT_MS).unref());
}

async function streamEquities(
  ingesting: Ingesting,
  session: MarketSession,
  options: EquityOptions,
): Promise<void> {
  const { symbols, trades, countConditions } = options;
  const feed = massiveFeeds(ingesting.config.massiveWsUrl, trades ? 'prints' : 'seconds').ticks;
  const recovery = sessionRecovery('equities', session, ingesting);
  const stream = await startEquities({
    ...streamOptions(ingesting, 'equities', feed),
    symbols,
    recovery,
    saleRules: saleRules(countConditions),
  });
  await carryThrough(ingesting, stream, { session, recovery, feed, symbols });
}

async function streamChain(
  ingesting: Ingesting,
  session: MarketSession,
  options: OptionOptions,
): Promise<void> {
  const { underlying, strikes, trades } = options;
  const { databaseUrl, config } = ingesting;
  const feeds = massiveFeeds(config.massiveWsUrl, trades ? 'prints' : 'seconds');
  const recovery = sessionRecovery('options', session, ingesting);
  const ending = new AbortController();
  const price = followPrice({
    url: databaseUrl,
    symbol: underlying,
    feed: feeds.ticks.name,
    clock,
    signal: ending.signal,
  });
  let following: Promise<void> = Promise.resolve();
  try {
    const stream = await startOptions({
      ...streamOptions(ingesting, 'options', feeds.quotes),
      restUrl: config.massiveRestUrl,
      underlying,
      sessionDate: session.sessionDate,
      strikes,
      lastPrice: price.last,
      signal: interrupt(),
      recovery,
    });
    following = stream.follow(ending.signal);
    following.catch(() => undefined);
    await carryThrough(ingesting, stream, { session, recovery, feed: feeds.quotes, symbols: [] }, following);
  } finally {
    ending.abort();
    const ended = Promise.allSettled([following, price.done]);
    // With the network gone neither may end, and the failure must be told.
    await Promise.race([ended, clock.sleep(EXIT_MS)]);
  }
}

function streamOptions(ingesting: Ingesting, stream: string, feed: StreamFeed) {
  const { databaseUrl, config, apiKey } = ingesting;
  return {
    databaseUrl,
    wsUrl: config.massiveWsUrl,
    apiKey,
    clock,
    feed,
    pacing: 'flow' as const,
    onState: (change: FeedStateChange) => tellState(stream, change),
    onError: ({ message }: { readonly message: string }) => tell(`${stream}: Massive says: ${message}`),
    onNotice: tell,
  };
}

function tell(text: string): void {
  note(`${formatEastern(clock.now()).slice(0, 19)} ${text}`);
}

function tellState(stream: string, { state, reason, unacknowledged }: FeedStateChange): void {
  if (reason !== null || state === 'live') tell(`${stream}: ${state}${reason === null ? '' : `, ${reason}`}`);
  if (unacknowledged.length > 0) {
    tell(`${stream}: no answer for ${unacknowledged.slice(0, 3).join(', ')}; is it in your plan?`);
  }
}

interface Carried {
  readonly session: MarketSession;
  readonly recovery: Recovery;
  readonly feed: StreamFeed;
  readonly symbols: readonly string[];
}

/** Runs the stream until its data ends or the process is told to end; closes it in any case. */
async function carryThrough(
  ingesting: Ingesting,
  stream: MarketStream,
  { session, recovery, feed, symbols }: Carried,
  following: Promise<void> = new Promise(() => {}),
): Promise<void> {
  const signal = interrupt();
  const { writer } = stream;
  const ending = new AbortController();
  tell(`${writer.stream}: session ${describeSession(session)}, feed ${feed.name}`);
  try {
    const over = untilOver(recovery, AbortSignal.any([signal, ending.signal]));
    await Promise.race([over, stream.failed, following]);
    if (!signal.aborted) {
      const { config, apiKey } = ingesting;
      const checked = await checkSession({
        writer,
        feed,
        clock,
        range: recovery.range,
        symbols,
        signal,
        restUrl: config.massiveRestUrl,
        apiKey,
      });
      tell(`${writer.stream}: ${checked}`);
    }
  } finally {
    // Its timer would keep the process.
    ending.abort();
    await stream.close();
    const { inserted, duplicate, rejected } = stream.counts();
    tell(`${writer.stream}: ${inserted} rows stored, ${duplicate} were there, ${rejected} rejected`);
  }
}

async function untilOver({ range }: Recovery, signal: AbortSignal): Promise<void> {
  // A machine that sleeps wakes up with its timers late.
  while (!signal.aborted && clock.now() < range.to) {
    await clock.sleep(Math.min(60_000, (range.to - clock.now()) / 1000), signal);
  }
}
