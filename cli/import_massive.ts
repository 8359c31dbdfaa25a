// strikebase import massive: history by Massive's REST, from wherever the last download of it stopped.
import { createInterface } from 'node:readline/promises';
import { Command, InvalidArgumentError, Option } from 'commander';
import { systemClock } from '../core/clock.ts';
import { loadConfig } from '../core/config.ts';
import { parseEastern, type SessionDate } from '../core/eastern_time.ts';
import { Failure } from '../core/failure.ts';
import { isIndexSymbol } from '../ingest/files/index.ts';
import { download } from '../ingest/massive_history/download.ts';
import { estimate, loadSamples } from '../ingest/massive_history/estimate.ts';
import { type BarSpan, historyFeeds, type TickKind } from '../ingest/massive_history/history_feeds.ts';
import { type HistoryRequest, isComplete, planDownload } from '../ingest/massive_history/plan.ts';
import { loadProgress } from '../ingest/massive_history/progress.ts';
import { createRestClient, type RestClient } from '../ingest/massive_history/rest_client.ts';
import { rollUp } from '../ingest/massive_history/rollups.ts';
import { loadCalendar } from '../ingest/massive_history/sessions.ts';
import { createTally } from '../ingest/massive_history/tally.ts';
import { type Database, withDatabase } from './database.ts';
import { dateList, describeEstimate, noteCalendar, pace, printTally } from './import_massive_report.ts';
import { interrupt } from './interrupt.ts';
import { parseCount, withDb, withExamples } from './options.ts';
import { note, showProgress } from './terminal.ts';

interface ImportMassiveOptions {
  readonly db?: string;
  readonly symbol: string;
  readonly from: SessionDate;
  readonly to: SessionDate;
  readonly span: BarSpan;
  readonly options?: boolean;
  readonly quotes?: boolean;
  readonly trades?: boolean;
  readonly strikes: number;
  readonly rate?: number;
  readonly feed?: string;
  readonly yes?: boolean;
}

const STRIKES = 21;
// What nobody wants to have started by mistake.
const LARGE = { rows: 2_000_000, bytes: 1e9, seconds: 600 } as const;

/** The `import massive` subcommand. */
export function importMassiveCommand(): Command {
  const command = new Command('massive')
    .summary('download history from Massive')
    .description(
      'Downloads bars of an underlying and, with --options, the contracts of each session’s nearest expiry around the money with ' +
        'their trades and quotes. Every page is kept: after Ctrl-C, an error or a crash the same command goes on where it stopped; ' +
        'what is complete is not asked for again.',
    )
    .requiredOption('--symbol <symbol>', 'underlying, e.g. QQQ', parseSymbol)
    .requiredOption('--from <date>', 'first date', parseDay)
    .requiredOption('--to <date>', 'last date', parseDay)
    .addOption(
      new Option('--span <span>', 'length of the bars').choices(['minute', 'second']).default('minute'),
    )
    .option('--options', 'trades and quotes of the option contracts around the money too')
    .option('--quotes', 'with --options: quotes, and trades only if they are named too')
    .option('--trades', 'with --options: trades, and quotes only if they are named too')
    .option('--strikes <n>', 'strikes nearest to the money at every minute', parseCount, STRIKES)
    .option('--rate <n>', 'requests a minute; 5 for the free plan (default: no limit)', parseCount)
    .option('--feed <name>', 'beginning of the feeds’ names (default: massive-rest)', parseFeed)
    .option('--yes', 'begin a large download without asking')
    .action(importMassive);
  return withExamples(
    withDb(command),
    'import massive --symbol QQQ --from 2026-01-02 --to 2026-03-31 --rate 5',
    'import massive --symbol QQQ --from 2026-03-02 --to 2026-03-06 --options --trades',
    'import massive --symbol QQQ --from 2026-03-06 --to 2026-03-06 --span second --options --yes',
  );
}

function parseSymbol(text: string): string {
  const symbol = text.toUpperCase();
  if (!/^[A-Z][A-Z0-9.]{0,9}$/.test(symbol)) throw new InvalidArgumentError('Write a ticker such as QQQ.');
  return symbol;
}

function parseDay(text: string): SessionDate {
  if (text.length !== 10 || parseEastern(text) === null) {
    throw new InvalidArgumentError('Write a date as YYYY-MM-DD.');
  }
  return text as SessionDate;
}

function parseFeed(text: string): string {
  if (!/^[a-z][a-z0-9-]{0,39}$/.test(text))
    throw new InvalidArgumentError('Write small letters, digits and -.');
  return text;
}

function tickKinds({ options, quotes, trades }: ImportMassiveOptions): TickKind[] {
  const isNamed = quotes === true || trades === true;
  if (options !== true && isNamed) {
    throw new Failure('--quotes and --trades are those of option contracts', {
      hint: 'Add --options. Quotes of the underlying are not stored; its trades are in its bars.',
      exitCode: 2,
    });
  }
  if (options !== true) return [];
  const wanted = { trades: trades === true || !isNamed, quotes: quotes === true || !isNamed };
  return (['trades', 'quotes'] as const).filter((kind) => wanted[kind]);
}

function openRest(options: ImportMassiveOptions): RestClient {
  const { massiveApiKey, massiveRestUrl } = loadConfig();
  if (massiveApiKey === null) {
    throw new Failure('there is no key for Massive', {
      hint: 'Set POLYGON_API_KEY (or MASSIVE_API_KEY) in .env.',
      exitCode: 2,
    });
  }
  let told = '';
  return createRestClient({
    restUrl: massiveRestUrl,
    apiKey: massiveApiKey,
    perMinute: options.rate ?? null,
    clock: systemClock(),
    onWait: (text) => {
      // Several workers wait for the same.
      if (text !== told) note(text);
      told = text;
    },
  });
}

async function importMassive(given: ImportMassiveOptions, command: Command): Promise<void> {
  // --db may stand before the word massive, as an option of import.
  const options: ImportMassiveOptions = { ...command.optsWithGlobals(), ...given };
  const kinds = tickKinds(options);
  if (options.from > options.to) {
    throw new Failure(`--from ${options.from} is after --to ${options.to}`, { exitCode: 2 });
  }
  const rest = openRest(options);
  await withDatabase(options, async (database) => {
    const writer = await database.connect('ingest_writer');
    const calendar = await loadCalendar(writer, options, systemClock().now());
    const { symbol, span, strikes, feed } = options;
    const feeds = historyFeeds(loadConfig().massiveRestUrl, feed);
    const request: HistoryRequest = {
      ...{ symbol, span, strikes, kinds, feeds },
      isIndex: isIndexSymbol(symbol),
      sessions: calendar.sessions,
    };
    noteCalendar(request, calendar);
    const job: Job = { database, writer, rest, request };
    if (await shouldBegin(job, options)) await run(job);
  });
}

interface Job {
  readonly database: Database;
  readonly writer: Awaited<ReturnType<Database['connect']>>;
  readonly rest: RestClient;
  readonly request: HistoryRequest;
}

/** False where nothing is left, or where the user does not want it. */
async function shouldBegin(
  { writer, database, request }: Job,
  options: ImportMassiveOptions,
): Promise<boolean> {
  const sessionDates = request.sessions.map((session) => session.sessionDate);
  const plan = planDownload(
    request,
    await loadProgress(writer, { feeds: request.feeds.prefix, sessionDates }),
  );
  if (isComplete(plan)) {
    await rollUp({ writer, owner: await database.connect('owner') }, request);
    note('all of it was downloaded before: nothing to do');
    return false;
  }
  const samples = await loadSamples(writer, request);
  const expected = estimate(request, plan, { samples, perMinute: options.rate ?? null });
  note(`to download: ${describeEstimate(expected)}`);
  const isLarge =
    expected.rows > LARGE.rows || expected.bytes > LARGE.bytes || expected.seconds > LARGE.seconds;
  return !isLarge || options.yes === true || (await confirm());
}

async function confirm(): Promise<boolean> {
  if (!process.stdin.isTTY) {
    throw new Failure('the download is large, and nobody is here to be asked', {
      hint: 'Repeat the command with --yes, or choose fewer days or --strikes.',
      exitCode: 2,
    });
  }
  process.stderr.write('Begin? [y/N] ');
  if (await saidYes()) return true;
  if (interrupt().aborted) {
    process.exitCode = 130;
    process.stderr.write('\n');
  }
  note('not begun');
  return false;
}

async function saidYes(): Promise<boolean> {
  // Not as a terminal: Ctrl-C must stay a signal.
  const lines = createInterface({ input: process.stdin, terminal: false, signal: interrupt() });
  for await (const line of lines) return /^y(es)?$/i.test(line.trim());
  return false;
}

async function run({ database, writer, rest, request }: Job): Promise<void> {
  const owner = await database.connect('owner');
  const tally = createTally();
  const signal = interrupt();
  const progress = showProgress(`${request.symbol} history`, 1);
  const began = performance.now();
  try {
    const { empty } = await download({
      ...{ request, rest, writer, owner, tally, signal },
      clock: systemClock(),
      onProgress: ({ done, total, at }) => {
        const share = done / Math.max(total, 1);
        progress.update(share, `${pace({ began, share, tally, rest })}, ${at}`);
      },
    });
    progress.end();
    if (empty.length > 0) {
      note(`Massive has no bars (yet) of ${dateList(empty)}; the next download asks again`);
    }
  } catch (error) {
    progress.end();
    if (!signal.aborted) throw error;
    throw new Failure('interrupted; every page that was stored is kept', {
      hint: 'The same command goes on from there.',
    });
  } finally {
    if (tally.rows() > 0) printTally(request, { tally, rest, began });
  }
}
