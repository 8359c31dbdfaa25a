// strikebase schwab: the weekly login at the broker, and how long it still lives.
import { createInterface } from 'node:readline';
import { Command } from 'commander';
import { type Clock, systemClock } from '../core/clock.ts';
import { loadConfig } from '../core/config.ts';
import { formatEastern } from '../core/eastern_time.ts';
import { errorText, Failure } from '../core/failure.ts';
import { beginLogin, loginEnd } from '../jobs/brokers/schwab/login.ts';
import { durationText, loginLeftMs } from '../jobs/brokers/schwab/login_watch.ts';
import { createSchwabBroker, type SchwabConfig } from '../jobs/brokers/schwab/schwab_broker.ts';
import { createTokenStore } from '../jobs/brokers/schwab/tokens.ts';
import { interrupt } from './interrupt.ts';
import { withExamples } from './options.ts';
import { note, print } from './terminal.ts';

export interface SchwabCommandParts {
  readonly config: SchwabConfig;
  readonly clock: Clock;
  /** The next line of what the user types or pipes in; null at its end. */
  readonly readLine: () => Promise<string | null>;
}

/** The `schwab` subcommand. `parts` is for tests. */
export function schwabCommand(parts: () => SchwabCommandParts = ownParts): Command {
  const login = new Command('login')
    .description(
      'Logs in at Schwab: prints the address to open, takes the address at which the browser ended, and stores the tokens ' +
        'encrypted. A login lives seven days.',
    )
    .action(() => logIn(parts()));
  const status = new Command('status')
    .description('How long the login lives, and whether an entry could be sent now. Exits with 1 if not.')
    .action(() => showStatus(parts()));
  const command = new Command('schwab')
    .description('The connection to Charles Schwab.')
    .addCommand(withExamples(login, 'schwab login'))
    .addCommand(withExamples(status, 'schwab status'));
  return withExamples(command, 'schwab login', 'schwab status');
}

function ownParts(): SchwabCommandParts {
  return { config: loadConfig(), clock: systemClock(), readLine: readLineOfStdin };
}

async function logIn({ config, clock, readLine }: SchwabCommandParts): Promise<void> {
  const login = beginLogin(config, { clock, signal: interrupt() });
  note('1. Open this address, log in with the account that trades, and allow the app:');
  print(`${login.url}\n`);
  note(
    `2. The browser then shows an error page at ${config.schwabCallbackUrl}: paste its whole address here within 30 s:`,
  );
  const redirect = await readLine();
  if (interrupt().aborted) throw new Failure('the login was broken off; the stored one is as it was');
  if (redirect === null) {
    throw new Failure('the login was not completed: nothing was pasted', {
      hint: 'Run it again, and give the address on standard input.',
    });
  }
  const until = await login.complete(redirect);
  print(`logged in until ${formatEastern(until)} Eastern\n`);
  await tellAccount(config, clock);
}

/** The login stands, whatever is wrong with the account: that is said, and is no error of the command. */
async function tellAccount(config: SchwabConfig, clock: Clock): Promise<void> {
  const broker = createSchwabBroker({ ...config, clock });
  try {
    const [, account] = await broker.checks();
    note(account === undefined ? 'no account was checked' : account.detail);
  } finally {
    await broker.close();
  }
}

async function showStatus({ config, clock }: SchwabCommandParts): Promise<void> {
  const store = createTokenStore({
    folder: config.strikebaseDir,
    secretKey: config.secretKey,
    transport: clock,
  });
  const broker = createSchwabBroker({ ...config, clock });
  try {
    // First: it refreshes the access token if need be.
    const checks = await broker.checks();
    const tokens = await store.read().catch((error: unknown) => {
      note(errorText(error));
      return null;
    });
    if (tokens !== null) {
      const left = durationText(loginLeftMs(tokens.refreshIssuedAt, clock.now()));
      printLine('login', `${left} left, until ${formatEastern(loginEnd(tokens.refreshIssuedAt))} Eastern`);
    }
    for (const { name, isOk, detail } of checks) printLine(name, `${isOk ? 'ok' : 'NOT OK'}: ${detail}`);
    if (checks.some((check) => !check.isOk)) process.exitCode = 1;
  } finally {
    await broker.close();
  }
}

function printLine(name: string, text: string): void {
  print(`${name.padEnd(16)} ${text}\n`);
}

function readLineOfStdin(): Promise<string | null> {
  const lines = createInterface({ input: process.stdin });
  const stop = (): void => lines.close();
  interrupt().addEventListener('abort', stop, { once: true });
  return new Promise((resolve) => {
    lines.on('line', (line) => {
      if (line.trim() === '') return;
      resolve(line);
      lines.close();
    });
    lines.on('close', () => {
      interrupt().removeEventListener('abort', stop);
      // Else the command would wait for more of a terminal's lines.
      process.stdin.unref?.();
      resolve(null);
    });
  });
}
