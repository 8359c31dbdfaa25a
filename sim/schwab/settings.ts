// Everything about the simulated Schwab that a test or a user can set, with defaults as near the real one as is known.
import { type Clock, systemClock } from '../../core/clock.ts';
import { regularHours, type TradingHours } from '../venue/hours.ts';
import type { Delays, Fees, Lags, RejectCause } from '../venue/settings.ts';
import { SCHWAB_WORDS } from './words.ts';

export type { Delays, Fees, Lags } from '../venue/settings.ts';

export interface AccountOptions {
  /** Eight digits. */
  readonly accountNumber: string;
  readonly cash_e4: number;
  readonly type?: 'MARGIN' | 'CASH';
}

export interface SchwabSimulatorOptions {
  /** Default 0: any free port. */
  readonly port?: number;
  readonly clock?: Clock;
  /** Of ids, tokens and `misbehave`; default 1. */
  readonly seed?: number;
  readonly appKey?: string;
  readonly appSecret?: string;
  /** Matched to the letter; https, without a trailing slash. */
  readonly callbackUrl?: string;
  readonly accounts?: readonly AccountOptions[];
  readonly delays?: Partial<Delays>;
  readonly lags?: Partial<Lags>;
  readonly fees?: Partial<Fees>;
  /** `always`: no opening, no close, no expiry of the day. Default: weekdays 09:30-16:15, with the closures of 2026 and 2027. */
  readonly hours?: TradingHours | 'always';
  /** An option order outside the hours waits for the opening (seen at Schwab), or is rejected. */
  readonly outsideHours?: 'queue' | 'reject';
  /** POST, PUT and DELETE of orders, per account; null: no limit. */
  readonly ordersPerMinute?: number | null;
  /** An execution is at most the size displayed. */
  readonly respectSizes?: boolean;
  /** False: 201 without Location for an order that filled at once (seen at Schwab). */
  readonly locatesInstantFills?: boolean;
  /** Scheme and host in Location headers; the real one's, as clients match it. Empty: a relative Location. */
  readonly locationHost?: string;
  /** Answers are compressed where the client takes gzip. */
  readonly gzip?: boolean;
  readonly accessTokenMs?: number;
  readonly refreshTokenMs?: number;
  readonly codeMs?: number;
  /** Account hashes change with every login. */
  readonly rehashesOnLogin?: boolean;
  /** A stop that would trigger at once is rejected, except as the child of a filled order. */
  readonly rejectsWrongSideStops?: boolean;
  /** `cancel`: any execution of one of two cancels the other, as reported of Schwab. `keep`: only a complete one. */
  readonly ocoOnPartial?: 'cancel' | 'keep';
  /** Children of a TRIGGER order become active on its first execution instead of the last. */
  readonly triggersOnPartial?: boolean;
  readonly heartbeatMs?: number;
  readonly emptySubscriptionMs?: number;
  readonly maxStreamedSymbols?: number;
  /** Of two logins to the streamer the new one is refused, or the old one closed; either gets code 12. */
  readonly secondLogin?: 'refuse_new' | 'close_old';
  /** Code of a successful SUBS, UNSUBS, ADD, VIEW: 0 as seen on the wire, or 26-29 as documented. */
  readonly successCodes?: 'zero' | 'documented';
  /** The `seq` of account activity: from 0 with every subscription, as recorded, or going on, as documented. */
  readonly activityNumbers?: 'per_subscription' | 'continuous';
  /** The type of the account activity of a partial fill is unknown; null: none is sent. */
  readonly partialFillEvent?: string | null;
}

export type Settings = Required<Omit<SchwabSimulatorOptions, 'delays' | 'lags' | 'fees'>> & {
  readonly delays: Delays;
  readonly fees: Fees;
  readonly words: Readonly<Record<RejectCause, string>>;
  /** Changes while the simulator runs. */
  lags: Lags;
};

const DELAYS: Delays = { activateMs: 50, workMs: 50, fillMs: 0, cancelMs: 300, rejectMs: 300 };
const FEES: Fees = { commission_e4: 6_500, optRegFee_e4: 0, secFee_e4: 0, tafFee_e4: 0 };
const MINUTE_MS = 60_000;

function defaults(): Required<Omit<SchwabSimulatorOptions, 'delays' | 'lags' | 'fees'>> {
  return {
    port: 0,
    clock: systemClock(),
    seed: 1,
    appKey: 'simulatedappkeysimulatedappkey32',
    appSecret: 'simulatedsecret1',
    callbackUrl: 'https://127.0.0.1:8182',
    accounts: [{ accountNumber: '12345678', cash_e4: 500_000_000 }],
    hours: regularHours(),
    outsideHours: 'queue',
    ordersPerMinute: 120,
    respectSizes: true,
    locatesInstantFills: true,
    locationHost: 'https://api.schwabapi.com',
    gzip: true,
    accessTokenMs: 30 * MINUTE_MS,
    refreshTokenMs: 7 * 24 * 60 * MINUTE_MS,
    codeMs: 30_000,
    rehashesOnLogin: false,
    rejectsWrongSideStops: true,
    ocoOnPartial: 'cancel',
    triggersOnPartial: false,
    heartbeatMs: 10_000,
    emptySubscriptionMs: 30_000,
    maxStreamedSymbols: 500,
    secondLogin: 'refuse_new',
    successCodes: 'zero',
    activityNumbers: 'per_subscription',
    partialFillEvent: null,
  };
}

/** Options with their defaults. Throws on a callback that Schwab would not register. */
export function resolveSettings(options: SchwabSimulatorOptions): Settings {
  const { delays, lags, fees, ...rest } = options;
  const settings = {
    ...defaults(),
    ...rest,
    delays: { ...DELAYS, ...delays },
    lags: { listMs: 0, positionsMs: 0, ...lags },
    fees: { ...FEES, ...fees },
    words: SCHWAB_WORDS,
  };
  if (!settings.callbackUrl.startsWith('https://') || settings.callbackUrl.endsWith('/')) {
    throw new Error(`callbackUrl must be https and not end in a slash: ${settings.callbackUrl}`);
  }
  return settings;
}
