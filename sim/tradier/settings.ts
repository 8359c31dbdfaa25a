// Everything about the simulated Tradier that a test or a user can set, with the sandbox's habits as defaults.
import { type Clock, systemClock } from '../../core/clock.ts';
import { regularHours, type TradingHours } from '../venue/hours.ts';
import type { AccountOptions, Delays, Fees, Lags, VenueSettings } from '../venue/settings.ts';
import type { TradierMarket } from './market.ts';
import { TRADIER_WORDS } from './words.ts';

/** Requests within a minute, counted from the first (reference A2). */
export interface RateLimits {
  /** Accounts and orders, read. */
  readonly standard: number;
  readonly market: number;
  /** POST, PUT and DELETE of orders. */
  readonly trading: number;
}

export interface TradierSimulatorOptions {
  /** Default 0: any free port. */
  readonly port?: number;
  readonly clock?: Clock;
  /** Of ids and `misbehave`; default 1. */
  readonly seed?: number;
  readonly token?: string;
  readonly accounts?: readonly AccountOptions[];
  readonly delays?: Partial<Delays>;
  readonly lags?: Partial<Lags>;
  readonly fees?: Partial<Fees>;
  readonly hours?: TradingHours | 'always';
  /** What is quoted besides the symbols that `setQuote` sets: a simulated day. */
  readonly market?: TradierMarket | null;
  /** How often quotes of a market reach waiting orders, ms of the clock. */
  readonly matchEveryMs?: number;
  /** How old the quotes are: 15 minutes in the sandbox, 0 on a live account. Orders trade against them too. */
  readonly delayMs?: number;
  /** Null: no limit. */
  readonly limits?: RateLimits | null;
  readonly quotaStatus?: 429 | 400;
  /** Unit of X-Ratelimit-Expiry. */
  readonly expiryUnit?: 'ms' | 's';
  readonly respectSizes?: boolean;
  /** A breach of the rules is told in the answer to the POST; else it is taken and reported rejected. */
  readonly refusesAtOnce?: boolean;
  /** `exec_quantity` of a multileg parent: contracts of all legs, as seen live, or units. */
  readonly parentQuantity?: 'legs' | 'units';
  /** Reports of multileg orders have no `leg`, as said of the sandbox. */
  readonly omitsLegs?: boolean;
  readonly gzip?: boolean;
}

export type Settings = Required<Omit<TradierSimulatorOptions, 'delays' | 'lags' | 'fees'>> &
  VenueSettings & {
    /** Change while the simulator runs. */
    lags: Lags;
    delayMs: number;
    omitsLegs: boolean;
  };

const DELAYS: Delays = { activateMs: 50, workMs: 50, fillMs: 0, cancelMs: 300, rejectMs: 300 };
const FEES: Fees = { commission_e4: 3_500, optRegFee_e4: 0, secFee_e4: 0, tafFee_e4: 0 };

/** Options with their defaults. */
export function resolveSettings(options: TradierSimulatorOptions): Settings {
  const { delays, lags, fees, ...rest } = options;
  return {
    port: 0,
    clock: systemClock(),
    seed: 1,
    token: 'simulatedtradiertoken00000000',
    // The sandbox begins with 100,000 dollars.
    accounts: [{ accountNumber: 'VA00000001', cash_e4: 1_000_000_000 }],
    hours: regularHours(),
    market: null,
    matchEveryMs: 1000,
    delayMs: 0,
    limits: { standard: 60, market: 60, trading: 60 },
    quotaStatus: 429,
    expiryUnit: 'ms',
    respectSizes: true,
    refusesAtOnce: true,
    parentQuantity: 'legs',
    omitsLegs: false,
    gzip: true,
    ...rest,
    outsideHours: 'queue',
    rejectsWrongSideStops: true,
    ocoOnPartial: 'cancel',
    triggersOnPartial: false,
    words: TRADIER_WORDS,
    delays: { ...DELAYS, ...delays },
    lags: { listMs: 0, positionsMs: 0, ...lags },
    fees: { ...FEES, ...fees },
  };
}
