// The account: which of the user's it is, its money and its positions.
import { scaleNumber } from '../../../core/decimal.ts';
import { Failure } from '../../../core/failure.ts';
import { toOsi } from '../../../core/osi_symbol.ts';
import type { BrokerAccount, BrokerPosition } from '../broker.ts';
import type { BrokerHttp } from '../http.ts';
import type { SchwabAccess } from './access.ts';
import {
  type AccountNumber,
  accountDetails,
  accountNumbers,
  type SecuritiesAccount,
  type WirePosition,
} from './wire.ts';

export interface SchwabAccount extends BrokerAccount {
  readonly isInCall: boolean;
  /** `...678`. */
  readonly name: string;
}

export interface Accounts {
  /** What stands for the account in every path; read once a login. Throws a Failure. */
  hash(): Promise<string>;
  /**
   * A read below the account. Where it finds nothing and the hash has changed meanwhile, which a new login may do, it is made
   * again: an old hash must not pass for "no such order".
   */
  withHash<T>(read: (hash: string) => Promise<T | null>): Promise<T | null>;
  /** Schwab did not know the hash, perhaps: the next one is read anew. */
  forget(): void;
  positions(): Promise<readonly BrokerPosition[]>;
  account(): Promise<SchwabAccount>;
}

// Not traded here, and held in many accounts: cash that is swept, funds, bonds.
const OTHER_ASSETS = new Set(['CASH_EQUIVALENT', 'CURRENCY', 'FIXED_INCOME', 'MUTUAL_FUND']);

/** Reads of one account. `wanted` is its number or last digits; null takes the only one. */
export function createAccounts(options: {
  readonly http: BrokerHttp;
  readonly access: SchwabAccess;
  readonly wanted: string | null;
}): Accounts {
  const { http, access, wanted } = options;
  let chosen: { readonly login: number | null; readonly entry: AccountNumber } | null = null;

  const choose = async (): Promise<AccountNumber> => {
    if (chosen !== null && chosen.login === access.login()) return chosen.entry;
    const found = await http.read({
      route: 'GET accountNumbers',
      path: '/accounts/accountNumbers',
      schema: accountNumbers,
      // Without it no exit can be sent.
      priority: 'exit',
    });
    const entry = chooseAccount(found ?? [], wanted);
    chosen = { login: access.login(), entry };
    return entry;
  };
  const withHash: Accounts['withHash'] = async (read) => {
    const before = (await choose()).hashValue;
    const found = await read(before);
    if (found !== null) return found;
    chosen = null;
    const { hashValue } = await choose();
    return hashValue === before ? null : read(hashValue);
  };
  const details = async (fields: Readonly<Record<string, string>>): Promise<SecuritiesAccount> => {
    const found = await withHash((hash) =>
      http.read({ route: 'GET account', path: `/accounts/${hash}`, query: fields, schema: accountDetails }),
    );
    if (found === null) throw new Failure('Schwab does not know the account that it listed itself');
    return found.securitiesAccount;
  };
  return {
    hash: async () => (await choose()).hashValue,
    withHash,
    forget: () => {
      chosen = null;
    },
    positions: async () => (await details({ fields: 'positions' })).positions.flatMap(positionOf),
    account: async () => accountOf(await details({})),
  };
}

/** The account meant by `wanted`. Throws a Failure that lists what there is, by last digits only. */
export function chooseAccount(accounts: readonly AccountNumber[], wanted: string | null): AccountNumber {
  const matching = accounts.filter(({ accountNumber }) => wanted === null || accountNumber.endsWith(wanted));
  const [only] = matching;
  if (only !== undefined && matching.length === 1) return only;
  const exact = accounts.find(({ accountNumber }) => accountNumber === wanted);
  if (exact !== undefined) return exact;
  const names = accounts.map(({ accountNumber }) => shortName(accountNumber)).join(', ');
  if (accounts.length === 0) {
    throw new Failure('the Schwab login gives access to no account', {
      hint: 'Log in again and tick the account; it must be enabled for thinkorswim.',
    });
  }
  const problem =
    matching.length === 0 ? 'none of them ends in SCHWAB_ACCOUNT' : 'it is not clear which one is meant';
  throw new Failure(`the Schwab login gives access to the accounts ${names}, and ${problem}`, {
    hint: 'Set SCHWAB_ACCOUNT to the number, or to as many last digits as tell them apart.',
  });
}

/** `...678`: what may be shown of an account's number. */
export function shortName(accountNumber: string): string {
  return `...${accountNumber.slice(-3)}`;
}

function accountOf(wire: SecuritiesAccount): SchwabAccount {
  const { currentBalances: now, projectedBalances: projected } = wire;
  // What options may use. `buyingPower` is what shares may, twice as much on margin.
  const buyingPower = now.optionBuyingPower ?? now.availableFunds ?? now.cashAvailableForTrading;
  const equity = now.liquidationValue ?? now.equity;
  if (buyingPower === undefined || equity === undefined) {
    throw new Failure('Schwab’s account shows no buying power or no value', {
      hint: 'Look at the account on Schwab’s own page.',
    });
  }
  const calls = [now.isInCall, projected.isInCall, now.maintenanceCall, now.regTCall];
  return {
    buyingPower,
    equity,
    isClosingOnly: wire.isClosingOnlyRestricted ?? false,
    isInCall: calls.some((call) => call !== undefined && Number(call) !== 0),
    name: shortName(wire.accountNumber),
  };
}

function positionOf(wire: WirePosition): BrokerPosition[] {
  const { assetType, symbol } = wire.instrument;
  const qty = wire.longQuantity - wire.shortQuantity;
  if (qty === 0 || OTHER_ASSETS.has(assetType)) return [];
  // `averagePrice` has the commission in it.
  const average = (qty > 0 ? wire.averageLongPrice : wire.averageShortPrice) ?? wire.averagePrice;
  return [
    {
      symbol: assetType === 'OPTION' ? (toOsi(symbol) ?? symbol) : symbol,
      qty,
      avg_px_e4: average === undefined ? null : scaleNumber(average, 4),
      market_value: wire.marketValue ?? null,
    },
  ];
}
