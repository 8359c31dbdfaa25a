// The account at Tradier: which one it is, its positions and its money.
import type { z } from 'zod';
import { scaleNumber } from '../../../core/decimal.ts';
import { Failure } from '../../../core/failure.ts';
import { toOsi } from '../../../core/osi_symbol.ts';
import type { BrokerAccount, BrokerPosition, Priority } from '../broker.ts';
import type { BrokerHttp } from '../http.ts';
import { balancesBody, positionsBody, profileBody, type WireBalances, type WirePosition } from './wire.ts';

export interface AccountRead<T> {
  readonly route: string;
  /** Below the account. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly schema: z.ZodType<T>;
  readonly priority?: Priority;
  readonly attempts?: number;
  readonly timeoutMs?: number;
}

export interface TradierAccount extends BrokerAccount {
  readonly isInCall: boolean;
  /** The number's last digits, for messages. */
  readonly name: string;
}

export interface Account {
  /** `/accounts/NUMBER`. Throws a Failure where it cannot be told. */
  path(): Promise<string>;
  /**
   * A read below the account; null where Tradier knows no such thing. It answers alike for an account that is not ours, so the
   * account is read before "none" is believed.
   */
  read<T>(request: AccountRead<T>, http?: BrokerHttp): Promise<T | null>;
  positions(): Promise<readonly BrokerPosition[]>;
  account(): Promise<TradierAccount>;
}

/** Reads of one account. `wanted` is its number; null takes the only one of the token. */
export function createAccount(options: {
  readonly http: BrokerHttp;
  readonly wanted: string | null;
}): Account {
  const { http, wanted } = options;
  let chosen = wanted;

  const number = async (): Promise<string> => {
    chosen ??= await onlyAccount(http);
    return chosen;
  };
  const path = async (): Promise<string> => `/accounts/${encodeURIComponent(await number())}`;
  const read = async <T>(request: AccountRead<T>, by: BrokerHttp): Promise<T | null> =>
    by.read({ ...request, path: `${await path()}${request.path}` });
  const balances = async (priority: Priority): Promise<WireBalances> => {
    const found = await read(
      { route: 'GET balances', path: '/balances', schema: balancesBody, priority },
      http,
    );
    return found ?? unknownAccount();
  };
  return {
    path,
    read: async (request, by = http) => {
      const found = await read(request, by);
      if (found === null) await balances(request.priority ?? 'entry');
      return found;
    },
    positions: async () => {
      const request = { route: 'GET positions', path: '/positions', schema: positionsBody };
      return ((await read(request, http)) ?? unknownAccount()).flatMap(positionOf);
    },
    account: async () => accountOf(await balances('entry'), await number()),
  };
}

function unknownAccount(): never {
  throw new Failure('Tradier knows no such account under this token', {
    hint: 'Look at TRADIER_ACCOUNT in .env; sandbox accounts begin with VA.',
  });
}

async function onlyAccount(http: BrokerHttp): Promise<string> {
  const found = await http.read({
    route: 'GET profile',
    path: '/user/profile',
    schema: profileBody,
    // Without it no exit can be sent.
    priority: 'exit',
  });
  const [only, ...more] = found ?? [];
  if (only !== undefined && more.length === 0) return only.account_number;
  throw new Failure(
    only === undefined
      ? 'Tradier shows no account for this token'
      : 'the Tradier token gives access to several accounts',
    { hint: 'Set TRADIER_ACCOUNT in .env to the number of the account that trades.' },
  );
}

function accountOf(wire: WireBalances, number: string): TradierAccount {
  const sub = wire.margin ?? wire.pdt ?? wire.cash;
  const buyingPower = sub?.option_buying_power ?? sub?.cash_available;
  if (buyingPower === undefined || buyingPower === null) {
    throw new Failure('Tradier’s account shows no buying power', {
      hint: 'Look at the account on Tradier’s own page.',
    });
  }
  const calls = [sub?.fed_call, sub?.maintenance_call];
  return {
    buyingPower,
    equity: wire.total_equity,
    // Tradier does not tell: such an account shows by its rejects.
    isClosingOnly: false,
    isInCall: calls.some((call) => (call ?? 0) !== 0),
    name: `...${number.slice(-3)}`,
  };
}

function positionOf(wire: WirePosition): BrokerPosition[] {
  if (wire.quantity === 0) return [];
  const osi = toOsi(wire.symbol);
  const multiplier = osi === null ? 1 : 100;
  const { cost_basis: cost, quantity } = wire;
  // Dollars in all; of a short position negative, as its quantity.
  const average = cost === undefined || cost === null ? null : Math.abs(cost / quantity / multiplier);
  return [
    {
      symbol: osi ?? wire.symbol,
      qty: quantity,
      avg_px_e4: average === null ? null : scaleNumber(average, 4),
      market_value: null,
    },
  ];
}
