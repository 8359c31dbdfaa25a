// What must hold before an entry: a login that lives long enough to close it, an account that may open, requests to spare.
import { errorText } from '../../../core/failure.ts';
import type { BrokerCheck } from '../broker.ts';
import type { Budget } from '../budget.ts';
import type { SchwabAccess } from './access.ts';
import type { Accounts } from './accounts.ts';
import { durationText } from './login_watch.ts';

export interface CheckOptions {
  readonly access: SchwabAccess;
  readonly accounts: Accounts;
  readonly budget: Budget;
  readonly minLoginMs: number;
}

/** The checks of the broker port. Never throws. */
export async function schwabChecks(options: CheckOptions): Promise<readonly BrokerCheck[]> {
  // Before the account is asked for, which waits for a request of its own.
  const requests = requestCheck(options);
  const token = await tokenCheck(options);
  return [token, await accountCheck(options), requests];
}

async function tokenCheck({ access, minLoginMs }: CheckOptions): Promise<BrokerCheck> {
  const name = 'broker token';
  const { state, detail, loginLeftMs } = await access.look();
  if (state !== 'ok') return { name, isOk: false, detail };
  const left = `the login lives ${durationText(loginLeftMs)}`;
  if (loginLeftMs >= minLoginMs) return { name, isOk: true, detail: left };
  const needed = `${durationText(minLoginMs)} are required for an entry: run \`strikebase schwab login\``;
  return { name, isOk: false, detail: `${left}; ${needed}` };
}

async function accountCheck({ accounts }: CheckOptions): Promise<BrokerCheck> {
  const name = 'broker account';
  try {
    const { name: account, isClosingOnly, isInCall } = await accounts.account();
    const problem = isClosingOnly
      ? 'is restricted to closing orders'
      : isInCall
        ? 'is in a margin call'
        : null;
    return { name, isOk: problem === null, detail: `account ${account} ${problem ?? 'may open positions'}` };
  } catch (error) {
    return { name, isOk: false, detail: errorText(error) };
  }
}

function requestCheck({ budget }: CheckOptions): BrokerCheck {
  const name = 'broker requests';
  const waitMs = budget.waitMs({ isOrder: true, isExit: false });
  if (waitMs <= 0) return { name, isOk: true, detail: `${budget.left()} requests left in this minute` };
  return { name, isOk: false, detail: `none for an entry in the next ${Math.ceil(waitMs / 1000)} s` };
}
