// What must hold before an entry: a token that Tradier takes, an account without a margin call, requests to spare.
import { errorText } from '../../../core/failure.ts';
import type { BrokerCheck } from '../broker.ts';
import type { Budget } from '../budget.ts';
import type { Account } from './account.ts';

/** The checks of the broker port. Never throws. */
export async function tradierChecks(options: {
  readonly account: Account;
  readonly budget: Budget;
}): Promise<readonly BrokerCheck[]> {
  // Before the account is asked for, which waits for a request of its own.
  const requests = requestCheck(options.budget);
  return [await accountCheck(options.account), requests];
}

// A read with the token says both: that the token is taken and how the account stands.
async function accountCheck(account: Account): Promise<BrokerCheck> {
  const name = 'broker account';
  try {
    const { name: short, isInCall } = await account.account();
    return {
      name,
      isOk: !isInCall,
      detail: `account ${short} ${isInCall ? 'is in a margin call' : 'may open positions'}`,
    };
  } catch (error) {
    return { name, isOk: false, detail: errorText(error) };
  }
}

function requestCheck(budget: Budget): BrokerCheck {
  const name = 'broker requests';
  const waitMs = budget.waitMs({ isOrder: true, isExit: false });
  if (waitMs <= 0) return { name, isOk: true, detail: `${budget.left()} requests left in this minute` };
  return { name, isOk: false, detail: `none for an entry in the next ${Math.ceil(waitMs / 1000)} s` };
}
