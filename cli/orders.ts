// strikebase orders: the two processes between the database and a real broker.
import { Command } from 'commander';
import type pg from 'pg';
import { type Clock, systemClock } from '../core/clock.ts';
import { type Config, loadConfig } from '../core/config.ts';
import { dateOf, type EasternUs, parseEastern, type SessionDate } from '../core/eastern_time.ts';
import { Failure } from '../core/failure.ts';
import { createLog } from '../core/log.ts';
import { connect } from '../db/pool.ts';
import type { Broker } from '../jobs/brokers/broker.ts';
import { brokerAccountKey, brokerPlace, openBroker } from '../jobs/brokers/open_broker.ts';
import type { OnOrderEvent } from '../jobs/orders/events.ts';
import { type Fault, faultOf } from '../jobs/orders/fault.ts';
import { recordedFills } from '../jobs/orders/recorded_fills.ts';
import { reconcileOrders } from '../jobs/reconcile_orders.ts';
import { compareDay } from '../jobs/statement.ts';
import { submitOrders } from '../jobs/submit_orders.ts';
import { type Database, withDatabase } from './database.ts';
import { interrupt } from './interrupt.ts';
import { refuseMissingSettings } from './live_settings.ts';
import { withDb, withExamples } from './options.ts';
import { note, print } from './terminal.ts';

interface OrdersOptions {
  readonly account?: string;
  readonly db?: string;
}

interface Job {
  readonly url: string;
  readonly account: string;
  readonly broker: Broker;
  readonly brokerAccount: string;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly fault: Fault;
  readonly onEvent: OnOrderEvent;
}

// Answers are heard for four seconds before that; what comes later finds nobody.
const CLOSE_MS = 1000;
const LOUD = new Set([
  'order rejected',
  'order unknown',
  'order not sent',
  'order denied',
  'order recalled',
  'entries stopped',
]);

/** The `orders` subcommand. */
export function ordersCommand(): Command {
  const command = new Command('orders')
    .description(
      'Orders at a real broker: sending what the rules have written, and finding out what became of it.',
    )
    .addCommand(
      jobCommand(
        'submit',
        'Sends the order intents of an account, each at most once. Needs BROKER and LIVE_TRADING=yes.',
        submitOrders,
      ),
    )
    .addCommand(
      jobCommand(
        'reconcile',
        'Reads orders, fills and positions of an account at the broker; entries are halted where they are not ours.',
        reconcileOrders,
      ),
    )
    .addCommand(statementCommand());
  return withExamples(command, 'orders submit', 'orders reconcile --account main', 'orders statement');
}

interface StatementOptions extends OrdersOptions {
  readonly date?: string;
  readonly accept?: string;
}

function statementCommand(): Command {
  const command = new Command('statement')
    .description(
      'Compares a day’s fills with what the broker has booked: quantities, money, fees. A difference is an alert, and a red check ' +
        'until a later comparison agrees or it is accepted. Exits 1 on any.',
    )
    .option('--date <date>', 'day (default: today)')
    .option('--account <name>', 'account (default: that of the live run that is open)')
    .option('--accept <reason>', 'accepts what differs, for this reason');
  return withExamples(
    withDb(command),
    'orders statement --date 2026-06-17',
    'orders statement --date 2026-06-17 --accept "fee refunded"',
  ).action((options: StatementOptions) =>
    withDatabase({ db: options.db }, (database) => printStatement(database, options)),
  );
}

function dayOf(text: string | undefined, now: EasternUs): SessionDate {
  if (text === undefined) return dateOf(now);
  const ts = /^\d{4}-\d{2}-\d{2}$/.test(text) ? parseEastern(text) : null;
  if (ts === null)
    throw new Failure(`--date is ${text}, which is no date`, { hint: 'As in 2026-06-17.', exitCode: 2 });
  return dateOf(ts);
}

async function printStatement(database: Database, options: StatementOptions): Promise<void> {
  const clock = systemClock();
  const config = loadConfig();
  refuseMissingSettings(config, { feed: null });
  const broker = await openBroker(config, clock);
  try {
    const client = await database.connect('job_runner');
    const account = options.account ?? (await onlyAccount(client));
    const now = clock.now();
    const sessionDate = dayOf(options.date, now);
    const accept = options.accept ?? null;
    const statement = await compareDay({ client, broker, account, sessionDate, now, accept });
    const { ours, brokers, orders, isOk, detail } = statement;
    const money = (dollars: number): string => dollars.toFixed(2).padStart(14);
    print(`${account} ${sessionDate}: ${orders.length} orders\n`);
    print(`${''.padEnd(10)}${'our fills'.padStart(14)}${broker.name.padStart(14)}\n`);
    print(`${'contracts'.padEnd(10)}${String(ours.qty).padStart(14)}${String(brokers.qty).padStart(14)}\n`);
    print(`${'amount'.padEnd(10)}${money(ours.amount)}${money(brokers.amount)}\n`);
    print(`${'fees'.padEnd(10)}${money(ours.fees)}${money(brokers.fees)}\n`);
    print(`${'P/L'.padEnd(10)}${money(ours.amount - ours.fees)}${money(brokers.amount - brokers.fees)}\n`);
    print(`${detail}\n`);
    if (!isOk) process.exitCode = 1;
  } finally {
    await Promise.race([broker.close(), clock.sleep(CLOSE_MS)]);
  }
}

function jobCommand(name: string, description: string, run: (job: Job) => Promise<void>): Command {
  const command = new Command(name)
    .description(`${description} Runs until Ctrl-C or SIGTERM.`)
    .option('--account <name>', 'account (default: that of the live run that is open)');
  return withExamples(withDb(command), `orders ${name}`).action((options: OrdersOptions) =>
    withDatabase({ db: options.db }, (database) => runJob(name, database, options, run)),
  );
}

async function runJob(
  name: string,
  database: Database,
  options: OrdersOptions,
  run: (job: Job) => Promise<void>,
): Promise<void> {
  const config = loadConfig();
  refuseMissingSettings(config, { feed: null });
  const clock = systemClock();
  // Known once the settings are found to be in order; nothing has filled before.
  let account = '';
  const reader = () => connect({ url: database.url, role: 'job_runner', name: `orders ${name}` });
  const broker = await openBroker(config, clock, { knownFills: (id) => recordedFills(reader, account)(id) });
  try {
    account = options.account ?? (await onlyAccount(await database.connect('job_runner')));
    note(`orders ${name}: account ${account} at ${broker.name}`);
    await run({
      ...{ url: database.url, account, broker, clock, signal: interrupt() },
      brokerAccount: brokerAccountKey(config),
      fault: faultOf(process.env, brokerPlace(config)?.baseUrl ?? ''),
      onEvent: eventLog(name, config),
    });
  } finally {
    await Promise.race([broker.close(), clock.sleep(CLOSE_MS)]);
  }
}

function eventLog(name: string, config: Config): OnOrderEvent {
  const log = createLog(config, { name: `orders ${name}` });
  return (event, data) => {
    if (LOUD.has(event)) log.warn(data, event);
    else log.info(data, event);
  };
}

async function onlyAccount(client: pg.ClientBase): Promise<string> {
  const { rows } = await client.query<{ account: string }>(
    `select distinct account from trade.runs where mode = 'live' and ts_ended is null and broker <> 'paper' order by account`,
  );
  const [first, ...others] = rows.map((row) => row.account);
  if (first !== undefined && others.length === 0) return first;
  const found =
    first === undefined ? 'no live run at a broker is open' : `open are ${[first, ...others].join(', ')}`;
  throw new Failure(`which account: ${found}`, { hint: 'Name it with --account.', exitCode: 2 });
}
