// The subcommands, and how any of them begins and ends: only the one that was named is loaded, so that --help is quick.
import { readFileSync } from 'node:fs';
import { Command, CommanderError, InvalidArgumentError, type Option } from 'commander';
import { Failure } from '../core/failure.ts';
import { projectPath } from '../core/root.ts';
import { explainError } from './errors.ts';
import { interrupt, listenForInterrupt } from './interrupt.ts';
import { note, watchOutput } from './terminal.ts';

interface Subcommand {
  readonly name: string;
  readonly summary: string;
  readonly load: () => Promise<Command>;
}

const SUBCOMMANDS: readonly Subcommand[] = [
  {
    name: 'demo',
    summary: 'run a whole simulated session with a live view, then its P/L',
    load: async () => (await import('./demo.ts')).demoCommand(),
  },
  {
    name: 'start',
    summary: 'trade live: ingest, rules, paper orders',
    load: async () => (await import('./start.ts')).startCommand(),
  },
  {
    name: 'import',
    summary: 'take recorded files, or history from Massive, into the database',
    load: async () => (await import('./import.ts')).importCommand(),
  },
  {
    name: 'ingest',
    summary: 'stream live market data, one process per stream',
    load: async () => (await import('./ingest.ts')).ingestCommand(),
  },
  {
    name: 'advance',
    summary: 'run the rules of a live run alone',
    load: async () => (await import('./advance.ts')).advanceCommand(),
  },
  {
    name: 'orders',
    summary: 'send orders to a broker, find out what became of them',
    load: async () => (await import('./orders.ts')).ordersCommand(),
  },
  {
    name: 'backtest',
    summary: 'run a strategy over recorded days, a session at a time',
    load: async () => (await import('./backtest.ts')).backtestCommand(),
  },
  {
    name: 'replay',
    summary: 'run a strategy over recorded days, minute by minute in event time',
    load: async () => (await import('./replay.ts')).replayCommand(),
  },
  {
    name: 'grid',
    summary: 'backtest many combinations of parameters at once; walk-forward',
    load: async () => (await import('./grid.ts')).gridCommand(),
  },
  {
    name: 'parity',
    summary: 'compare two runs row by row',
    load: async () => (await import('./parity.ts')).parityCommand(),
  },
  {
    name: 'ready',
    summary: 'check everything that an entry needs',
    load: async () => (await import('./ready.ts')).readyCommand(),
  },
  {
    name: 'halt',
    summary: 'stop entries; exits go on',
    load: async () => (await import('./halt.ts')).haltCommand(),
  },
  {
    name: 'resume',
    summary: 'allow entries again',
    load: async () => (await import('./halt.ts')).resumeCommand(),
  },
  {
    name: 'flatten',
    summary: 'close everything at the broker, without the database',
    load: async () => (await import('./flatten.ts')).flattenCommand(),
  },
  {
    name: 'close',
    summary: 'close one contract at the broker, without the database',
    load: async () => (await import('./flatten.ts')).closeCommand(),
  },
  {
    name: 'cancel',
    summary: 'cancel orders at the broker, without the database',
    load: async () => (await import('./flatten.ts')).cancelCommand(),
  },
  {
    name: 'messages',
    summary: 'tell people what live runs do: Telegram, webhook',
    load: async () => (await import('./messages.ts')).messagesCommand(),
  },
  {
    name: 'schwab',
    summary: 'log in at Schwab, show how long the login lives',
    load: async () => (await import('./schwab.ts')).schwabCommand(),
  },
  {
    name: 'pl',
    summary: 'daily profit and loss',
    load: async () => (await import('./pl.ts')).plCommand(),
  },
  {
    name: 'trades',
    summary: 'round trips, from entry to flat, and what is open',
    load: async () => (await import('./trades.ts')).tradesCommand(),
  },
  {
    name: 'decisions',
    summary: 'decisions with their gates',
    load: async () => (await import('./decisions.ts')).decisionsCommand(),
  },
  {
    name: 'signals',
    summary: 'signals of a run, or of a rule evaluated on the spot',
    load: async () => (await import('./signals.ts')).signalsCommand(),
  },
  {
    name: 'bars',
    summary: 'bars of a symbol, timed by their end',
    load: async () => (await import('./bars.ts')).barsCommand(),
  },
  {
    name: 'report',
    summary: 'write a run as one HTML page',
    load: async () => (await import('./report.ts')).reportCommand(),
  },
  {
    name: 'runs',
    summary: 'list runs, drop one',
    load: async () => (await import('./runs.ts')).runsCommand(),
  },
  {
    name: 'strategies',
    summary: 'list strategies, enable, disable, change parameters',
    load: async () => (await import('./strategies.ts')).strategiesCommand(),
  },
  {
    name: 'events',
    summary: 'the calendar of events that strategies stand aside for',
    load: async () => (await import('./events.ts')).eventsCommand(),
  },
  {
    name: 'status',
    summary: 'engine, halts, processes, streams, feeds',
    load: async () => (await import('./status.ts')).statusCommand(),
  },
  {
    name: 'doctor',
    summary: 'say what is wrong with this set-up, and what to do',
    load: async () => (await import('./doctor.ts')).doctorCommand(),
  },
  {
    name: 'sql',
    summary: 'run one query, read-only',
    load: async () => (await import('./sql.ts')).sqlCommand(),
  },
  {
    name: 'export',
    summary: 'write a view or a query to a Parquet or CSV file',
    load: async () => (await import('./export.ts')).exportCommand(),
  },
  {
    name: 'grafana',
    summary: 'check the dashboards through a running Grafana',
    load: async () => (await import('./grafana.ts')).grafanaCommand(),
  },
  {
    name: 'backup',
    summary: 'write the whole database into one file',
    load: async () => (await import('./backup.ts')).backupCommand(),
  },
  {
    name: 'restore',
    summary: 'bring a backup into an empty database',
    load: async () => (await import('./restore.ts')).restoreCommand(),
  },
  {
    name: 'simulate',
    summary: 'serve a simulated market that is open now',
    load: async () => (await import('./simulate.ts')).simulateCommand(),
  },
  {
    name: 'health',
    summary: 'whether a process of a live run works',
    load: async () => (await import('./health.ts')).healthCommand(),
  },
  {
    name: 'migrate',
    summary: 'bring a database to the current schema',
    load: async () => (await import('./migrate.ts')).migrateCommand(),
  },
  {
    name: 'schema',
    summary: 'print the schema of the database',
    load: async () => (await import('./schema.ts')).schemaCommand(),
  },
  {
    name: 'dictionary',
    summary: 'print what every table and column means',
    load: async () => (await import('./dictionary.ts')).dictionaryCommand(),
  },
];

const EXAMPLE = `
Examples:
  $ strikebase demo
  $ strikebase import bars.csv --symbol QQQ
  $ strikebase backtest --strategy vwap_ma9 --quotes modelled
  $ strikebase pl
`;

/** Runs one command line (without node and script) and returns its exit code: 0, 1 failed, 2 usage, 130 interrupted. */
export async function run(argv: readonly string[]): Promise<number> {
  process.exitCode = 0;
  watchOutput();
  const stopListening = listenForInterrupt();
  try {
    const program = await buildProgram(argv);
    await program.parseAsync(argv, { from: 'user' });
    return Number(process.exitCode ?? 0);
  } catch (error) {
    return endOf(error);
  } finally {
    stopListening();
  }
}

function endOf(error: unknown): number {
  // Of a word that a command itself has found wrong: commander tells only what it finds.
  if (error instanceof InvalidArgumentError) {
    note(`error: ${error.message}`);
    return 2;
  }
  // commander has printed its own message, or the help that was asked for.
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  const { lines, exitCode } = explainError(error);
  // A statement that Ctrl-C cancelled is no error; a command that has something to say throws a Failure.
  if (interrupt().aborted && !(error instanceof Failure)) return 130;
  for (const line of lines) note(line);
  return interrupt().aborted ? 130 : exitCode;
}

async function buildProgram(argv: readonly string[]): Promise<Command> {
  const program = new Command('strikebase')
    .description(
      'A data platform for trading short-dated options: ticks in, SQL rules, orders out, every cent traceable in SQL.',
    )
    .version(version(), '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print help')
    .helpCommand('help [command]', 'print help of a command')
    .enablePositionalOptions()
    .addHelpText('after', EXAMPLE);
  const named = nameIn(argv);
  for (const { name, summary, load } of SUBCOMMANDS) {
    program.addCommand(name === named ? (await load()).summary(summary) : new Command(name).summary(summary));
  }
  for (const command of withSubcommands(program)) {
    command.exitOverride().showSuggestionAfterError(true).showHelpAfterError(helpHint(command));
    command.configureHelp({ optionDescription });
  }
  return program;
}

function nameIn(argv: readonly string[]): string | undefined {
  const words = argv.filter((word) => !word.startsWith('-'));
  return words[0] === 'help' ? words[1] : words[0];
}

/** As commander writes it, but for defaults that say nothing: false, null, {}. */
function optionDescription(option: Option): string {
  const { defaultValue: preset } = option;
  const isTold = option.defaultValueDescription !== undefined || ['string', 'number'].includes(typeof preset);
  const facts = [
    ...(option.argChoices === undefined ? [] : [`choices: ${option.argChoices.join(', ')}`]),
    ...(isTold ? [`default: ${option.defaultValueDescription ?? preset}`] : []),
  ];
  return facts.length === 0 ? option.description : `${option.description} (${facts.join('; ')})`;
}

function withSubcommands(command: Command): Command[] {
  return [command, ...command.commands.flatMap(withSubcommands)];
}

function helpHint(command: Command): string {
  const names: string[] = [];
  for (let at: Command | null = command; at !== null; at = at.parent) names.unshift(at.name());
  const words = command.parent === null ? [] : command.commands.map((each) => each.name());
  const has = words.length === 0 ? '' : `${names.join(' ')} has ${words.join(', ')}. `;
  return `\n${has}Run \`${names.join(' ')} --help\` for what is possible.`;
}

function version(): string {
  return String(JSON.parse(readFileSync(projectPath('package.json'), 'utf8')).version);
}
