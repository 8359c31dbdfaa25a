// strikebase halt, resume: the kill switch. Entries stop within a slice; exits go on.
import { Command } from 'commander';
import type pg from 'pg';
import { systemClock } from '../core/clock.ts';
import { formatEastern } from '../core/eastern_time.ts';
import { Failure } from '../core/failure.ts';
import { withDatabase } from './database.ts';
import { withDb, withExamples } from './options.ts';
import { print } from './terminal.ts';

interface SwitchOptions {
  readonly account?: string;
  readonly reason: string;
  readonly db?: string;
}

/** `strikebase halt`. */
export function haltCommand(): Command {
  return switchCommand(
    'halt',
    'Halts all entries, or those of one account. Positions are managed and closed as ever.',
  );
}

/** `strikebase resume`. */
export function resumeCommand(): Command {
  return switchCommand(
    'resume',
    'Allows entries again. An account and all accounts are halted and resumed apart.',
  );
}

function switchCommand(name: 'halt' | 'resume', description: string): Command {
  const command = new Command(name)
    .description(description)
    .option('--account <name>', 'this account only (default: all)')
    .option('--reason <text>', 'why, for the record', 'by hand');
  return withExamples(withDb(command), name, `${name} --reason "Fed minutes"`).action(
    (options: SwitchOptions) =>
      withDatabase({ db: options.db }, async (database) => {
        const client = await database.connect('job_runner');
        const account = options.account ?? null;
        if (account !== null) await refuseUnknown(client, account);
        await client.query(
          'insert into trade.controls (ts, account, halted, reason) values ($1, $2, $3, $4)',
          [formatEastern(systemClock().now()), account, name === 'halt', options.reason],
        );
        const whose = account === null ? 'all accounts' : `account ${account}`;
        print(name === 'halt' ? `entries of ${whose} are halted\n` : `entries of ${whose} may go on\n`);
      }),
  );
}

async function refuseUnknown(client: pg.ClientBase, account: string): Promise<void> {
  const { rows } = await client.query<{ account: string }>(
    `select account from ref.current_strategies union select account from trade.runs where mode = 'live' order by 1`,
  );
  if (rows.some((row) => row.account === account)) return;
  throw new Failure(`nothing trades account ${account}`, {
    hint: `Accounts: ${rows.map((row) => row.account).join(', ')}; without --account all of them are meant.`,
    exitCode: 2,
  });
}
