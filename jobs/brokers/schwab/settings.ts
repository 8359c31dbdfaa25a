// What the Schwab adapter is given: names as in core/config.ts, so that a configuration can be passed as it is.
import type { Clock } from '../../../core/clock.ts';
import { Failure } from '../../../core/failure.ts';
import { createLog, type Logger } from '../../../core/log.ts';
import { safeAddress } from '../address.ts';
import type { BudgetLimits } from '../budget.ts';
import type { HttpTiming } from '../http.ts';
import type { TickRule } from './order_body.ts';
import type { StreamerTiming } from './streamer.ts';

export interface SchwabConfig {
  /** `https://api.schwabapi.com`, or a simulator's address on this machine. */
  readonly schwabBaseUrl: string;
  readonly schwabApiKey: string | null;
  readonly schwabApiSecret: string | null;
  /** Exactly as in the app's settings at Schwab. */
  readonly schwabCallbackUrl: string;
  /** Encrypts the stored tokens. */
  readonly secretKey: string | null;
  /** Number or last digits; null takes the only account. */
  readonly schwabAccount: string | null;
  readonly strikebaseDir: string;
}

/** Defaults in DEFAULT_TIMING; the pauses hold for attempts to get a token too. */
export interface SchwabTiming extends HttpTiming {
  /** A login with less time to live bars entries; default 24 hours. */
  readonly minLoginMs: number;
}

export interface SchwabOptions extends SchwabConfig {
  /** The venue's time. */
  readonly clock: Clock;
  /** Real time, for sockets, time-outs and request limits; default the machine's. */
  readonly transport?: Clock;
  readonly log?: Logger;
  readonly limits?: Partial<BudgetLimits>;
  readonly timing?: Partial<SchwabTiming>;
  readonly ticks?: Partial<TickRule>;
  readonly streamer?: Partial<StreamerTiming>;
}

export const DEFAULT_TIMING: SchwabTiming = {
  orderTimeoutMs: 10_000,
  readTimeoutMs: 15_000,
  readAttempts: 3,
  backoffFirstMs: 1000,
  backoffMaxMs: 30_000,
  budgetPatienceMs: 5000,
  minLoginMs: 24 * 3_600_000,
};

/** An app registered at Schwab. */
export interface SchwabApp {
  readonly baseUrl: URL;
  readonly key: string;
  readonly secret: string;
  readonly callbackUrl: string;
}

/** The app of a configuration. Throws a Failure that names the setting to mend. */
export function appOf(config: SchwabConfig): SchwabApp {
  return {
    baseUrl: safeAddress(config.schwabBaseUrl, 'https', 'SCHWAB_BASE_URL'),
    key: credential(config.schwabApiKey, 'SCHWAB_API_KEY'),
    secret: credential(config.schwabApiSecret, 'SCHWAB_API_SECRET'),
    callbackUrl: callback(config.schwabCallbackUrl),
  };
}

/** A log that goes nowhere, for callers that have none. */
export function silentLog(): Logger {
  return createLog({ logLevel: 'silent', secrets: [] }, { name: 'schwab' });
}

function credential(value: string | null, setting: string): string {
  // Blanks and quotes come along when a key is pasted.
  if (value !== null && /^[A-Za-z0-9._~-]+$/.test(value)) return value;
  throw new Failure(value === null ? `${setting} is not set` : `${setting} holds blanks or odd characters`, {
    hint: 'Copy it from the app at developer.schwab.com into .env.',
    exitCode: 2,
  });
}

function callback(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : null;
  // Schwab compares letter by letter, takes no other scheme, and refuses this one name.
  const problem =
    url?.protocol !== 'https:'
      ? 'must begin with https://'
      : url.hostname === 'localhost'
        ? 'must name 127.0.0.1: Schwab refuses localhost'
        : text.endsWith('/')
          ? 'must not end in a slash'
          : null;
  if (problem === null) return text;
  throw new Failure(`SCHWAB_CALLBACK_URL ${problem}`, {
    hint: 'Write it exactly as in the app at developer.schwab.com, such as https://127.0.0.1:8182.',
    exitCode: 2,
  });
}
