// strikebase flatten, close, cancel: the way out, straight at the broker. The database may be gone.
import { createInterface } from 'node:readline/promises';
import { Command, InvalidArgumentError } from 'commander';
import { systemClock } from '../core/clock.ts';
import { loadConfig } from '../core/config.ts';
import { Failure } from '../core/failure.ts';
import { formatOsi, type OsiSymbol, parseOsi } from '../core/osi_symbol.ts';
import type { Broker } from '../jobs/brokers/broker.ts';
import { openBroker } from '../jobs/brokers/open_broker.ts';
import { cancelOrders, describeOrder, type FlattenResult, flatten } from '../jobs/flatten.ts';
import { interrupt } from './interrupt.ts';
import { refuseMissingSettings } from './live_settings.ts';
import { withExamples } from './options.ts';
import { note, print } from './terminal.ts';

interface Confirmation {
  readonly yes?: boolean;
}

const WARNING =
  'Stop the platform first, or halt it (strikebase halt): else it may open again what this closes.';

/** `strikebase flatten`. */
export function flattenCommand(): Command {
  const command = withYes(
    new Command('flatten').description(
      'Cancels every working option order of the account at the broker and closes every option position at the market. Needs ' +
        'no database. Shares are left alone.',
    ),
  );
  return withExamples(command, 'flatten', 'flatten --yes').action(async (options: Confirmation) => {
    await confirm(options, 'Cancel all option orders and close all option positions at the market?');
    await withBroker((broker) => close(broker, null));
  });
}

/** `strikebase close`. */
export function closeCommand(): Command {
  const command = withYes(
    new Command('close')
      .description('Closes one option position at the broker, at the market. Needs no database.')
      .argument('<symbol>', 'contract, e.g. QQQ251219C00410000', parseContract),
  );
  return withExamples(command, 'close QQQ251219C00410000').action(
    async (symbol: OsiSymbol, options: Confirmation) => {
      await confirm(options, `Cancel the orders in ${symbol} and close it at the market?`);
      await withBroker((broker) => close(broker, [symbol]));
    },
  );
}

/** `strikebase cancel`. */
export function cancelCommand(): Command {
  const command = withYes(
    new Command('cancel')
      .description('Cancels one working order at the broker, or all of them. Needs no database.')
      .argument('[order]', "the broker's order id")
      .option('--all', 'every working order'),
  );
  return withExamples(command, 'cancel 1003494772896', 'cancel --all').action(
    async (id: string | undefined, options: Confirmation & { readonly all?: boolean }) => {
      if ((id === undefined) === (options.all !== true))
        throw new Failure('name one order, or say --all', { exitCode: 2 });
      await confirm(options, id === undefined ? 'Cancel every working order?' : `Cancel order ${id}?`);
      await withBroker(async (broker) => {
        const parts = { broker, clock: systemClock(), onStep: note, signal: interrupt() };
        const canceled = await cancelOrders(parts, (order) => id === undefined || order.venueOrderId === id);
        print(`${canceled} canceled\n`);
        if (id !== undefined && canceled === 0)
          throw new Failure(`order ${id} is not working, or could not be canceled`);
      });
    },
  );
}

function withYes(command: Command): Command {
  return command.option('--yes', 'do not ask');
}

function parseContract(text: string): OsiSymbol {
  const contract = parseOsi(text.toUpperCase());
  if (contract === null) throw new InvalidArgumentError('Write a contract such as QQQ251219C00410000.');
  return formatOsi(contract);
}

async function confirm({ yes }: Confirmation, question: string): Promise<void> {
  // Nobody is to be asked, or frightened, where there is nothing to send an order to.
  if (loadConfig().broker === 'paper') await withBroker(() => Promise.resolve());
  if (yes === true) return;
  if (!process.stdin.isTTY) {
    throw new Failure('this sends orders to a real account and nobody is there to be asked', {
      hint: 'Add --yes.',
      exitCode: 2,
    });
  }
  note(WARNING);
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  const answer = await terminal.question(`${question} Type yes: `);
  terminal.close();
  if (answer.trim().toLowerCase() !== 'yes') throw new Failure('nothing was sent');
}

async function withBroker(work: (broker: Broker) => Promise<void>): Promise<void> {
  const config = loadConfig();
  refuseMissingSettings(config, { feed: null });
  const broker = await openBroker(config, systemClock());
  try {
    await work(broker);
  } finally {
    await broker.close();
  }
}

async function close(broker: Broker, symbols: readonly OsiSymbol[] | null): Promise<void> {
  const result = await flatten({ broker, clock: systemClock(), symbols, onStep: note, signal: interrupt() });
  print(`${result.canceled} orders canceled, ${result.closed} closing orders sent\n`);
  if (result.open.length + result.working.length === 0) {
    print('flat\n');
    return;
  }
  throw new Failure(`not flat: ${describeRest(result)}`, {
    hint: "Run it again, or close the rest in the broker's own page or by telephone.",
  });
}

function describeRest({ open, working }: FlattenResult): string {
  const positions = open.map(({ symbol, qty }) => `${qty} ${symbol}`);
  const orders = working.map((order) => `order ${order.venueOrderId} (${describeOrder(order)})`);
  return [...positions, ...orders].join(', ');
}
