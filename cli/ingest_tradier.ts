// `strikebase ingest tradier`: chain snapshots, index values and held legs by Tradier's REST, session after session.
import { Command, InvalidArgumentError } from 'commander';
import { systemClock } from '../core/clock.ts';
import { loadConfig } from '../core/config.ts';
import { formatEastern } from '../core/eastern_time.ts';
import { TRADIER_SCHEDULE } from '../ingest/tradier/feed.ts';
import { ingestTradier } from '../ingest/tradier/session.ts';
import { endpointOf } from '../jobs/brokers/tradier/settings.ts';
import { withDatabase } from './database.ts';
import { nextSession, waitForSession } from './ingest_session.ts';
import { interrupt } from './interrupt.ts';
import { describeSession } from './market_sessions.ts';
import { withDb, withExamples } from './options.ts';
import { note } from './terminal.ts';

interface TradierIngestOptions {
  readonly db?: string;
  readonly underlying: string;
  readonly indexes: readonly string[];
  readonly dte: readonly number[];
}

const EXIT_MS = 1000;
const clock = systemClock();

/** The subcommand of `strikebase ingest`. */
export function ingestTradierCommand(): Command {
  const command = new Command('tradier')
    .summary('chain snapshots every five minutes, index values and held legs every minute')
    .description(
      'Asks Tradier’s REST on time: the chains of the target expirations every 5 minutes of the session (TRADIER_SNAPSHOT_MINUTES) and at 10:00, 11:00 and ' +
        '12:00, with the vendor’s greeks and the payload as it came; the values of the indexes and quotes of held legs on every ' +
        'minute. What is missed cannot be had later and is noted. Needs TRADIER_TOKEN; the sandbox is 15 minutes behind.',
    )
    .option('--underlying <symbol>', 'underlying', 'SPX')
    .option(
      '--indexes <list>',
      'further indexes, separated by commas',
      parseSymbols,
      TRADIER_SCHEDULE.indexes,
    )
    .option('--dte <list>', 'days to expiration, separated by commas', parseDays, TRADIER_SCHEDULE.days);
  return withExamples(
    withDb(command),
    'ingest tradier',
    'ingest tradier --underlying SPX --dte 3,5,7',
  ).action(ingest);
}

function parseSymbols(text: string): readonly string[] {
  const symbols = text.split(',').map((symbol) => symbol.trim().toUpperCase());
  if (symbols.every((symbol) => /^[A-Z][A-Z0-9.]{0,9}$/.test(symbol))) return [...new Set(symbols)];
  throw new InvalidArgumentError('Write symbols separated by commas, such as VIX,VIX9D.');
}

function parseDays(text: string): readonly number[] {
  const days = text.split(',').map(Number);
  if (days.every((each) => Number.isInteger(each) && each >= 0)) return days;
  throw new InvalidArgumentError('Write days separated by commas, such as 3,5,7.');
}

async function ingest(options: TradierIngestOptions): Promise<void> {
  const config = loadConfig();
  // Before a session is waited for.
  endpointOf(config);
  const { underlying, indexes, dte: days } = options;
  const work = withDatabase(options, async ({ url: databaseUrl }) => {
    const signal = interrupt();
    while (!signal.aborted) {
      const session = await nextSession(databaseUrl, clock, signal);
      if (session === null) break;
      await waitForSession(session, { clock, signal });
      if (signal.aborted) break;
      tell(`tradier: session ${describeSession(session)}, ${config.tradierBaseUrl}`);
      await ingestTradier({
        ...{ databaseUrl, config, clock, session, underlying, indexes, days, signal },
        everyMs: config.tradierSnapshotMs,
        onNotice: (text) => tell(`tradier: ${text}`),
        onSnapshot: ({ at, expiration, contracts }) =>
          tell(`tradier: ${formatEastern(at).slice(11, 16)} ${expiration}, ${contracts} contracts`),
      });
      if (signal.aborted) break;
      tell('tradier: the session is over');
      // Its options trade a little longer, and until then it counts as the session that is on.
      await clock.sleep(Math.max(0, (session.tsOptionClose - clock.now()) / 1000), signal);
    }
  });
  // Told to end or failed: a socket to a server that does not answer must not keep the process.
  await work.finally(() => setTimeout(() => process.exit(), EXIT_MS).unref());
}

function tell(text: string): void {
  note(`${formatEastern(clock.now()).slice(0, 19)} ${text}`);
}
