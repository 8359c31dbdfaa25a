// What a Massive feed is told and what it tells: options, states, timing.

import type { Clock } from '../../core/clock.ts';
import type { EasternUs } from '../../core/eastern_time.ts';
import { Failure } from '../../core/failure.ts';
import { isLoopback } from '../../core/loopback.ts';
import { assertAddress, assertApiKey } from './credentials.ts';
import type { StatusMessage } from './mapper.ts';

/** A frame as received: mapping is the consumer's work, the read loop only takes it. */
export interface RawFrame {
  readonly data: Buffer;
  /** The feed's clock at receipt: simulated time with a simulator. */
  readonly ts_recv: EasternUs;
}

/**
 * connecting → authenticated → subscribed → live ⇄ mute; disconnected leads back to connecting; failed is the end.
 * `subscribed` says that acknowledgements are in or overdue, `live` that data flows, `mute` that the connection stands and the
 * events' own time does not move on although the market is open.
 */
export type FeedState =
  | 'connecting'
  | 'authenticated'
  | 'subscribed'
  | 'live'
  | 'mute'
  | 'disconnected'
  | 'failed';

export interface FeedStateChange {
  readonly state: FeedState;
  readonly at: EasternUs;
  /** Why, where it is not self-evident. Never holds the key. */
  readonly reason: string | null;
  /** With `subscribed`: wanted pairs without an acknowledgement, e.g. of an unknown channel. */
  readonly unacknowledged: readonly string[];
}

/** Real time, except `muteAfterMs` and `leaveMuteAfterMs`. */
export interface FeedTiming {
  readonly pingIntervalMs: number;
  readonly handshakeTimeoutMs: number;
  readonly ackTimeoutMs: number;
  readonly backoffFirstMs: number;
  readonly backoffMaxMs: number;
  /** Over the connection limit the vendor kills also after `auth_success`: only a longer life resets the back-off. */
  readonly stableAfterMs: number;
  readonly excessCooldownMs: number;
  /** Time of the feed's clock without a newer event, while `isBusy`, until the state is `mute`; null: never. */
  readonly muteAfterMs: number | null;
  /** Time of the feed's clock for which it stays mute until it connects again; null: for ever. */
  readonly leaveMuteAfterMs: number | null;
}

export interface MassiveFeedOptions {
  /** With the market, e.g. `wss://socket.massive.com/stocks`. */
  readonly url: string;
  readonly apiKey: string;
  /** Pairs such as `A.QQQ`, `Q.O:QQQ251219C00410000`. */
  readonly subscriptions: readonly string[];
  /** Gives `ts_recv`; a simulated one is accepted with a loopback url only. */
  readonly clock: Clock;
  /** Called in the read loop: it must only enqueue. */
  readonly onFrame: (frame: RawFrame) => void;
  readonly onState?: (change: FeedStateChange) => void;
  /** Statuses of kind `error`, e.g. `not authorized` for a channel that the plan lacks. */
  readonly onError?: (status: StatusMessage) => void;
  /** A frame beyond MAX_FRAME_BYTES came: the connection ends, and what was in it is unknown. */
  readonly onTooLong?: () => void;
  /** True while events must come: only then is silence `mute`. Default always. */
  readonly isBusy?: (now: EasternUs) => boolean;
  /** True while received frames have not been observed yet, so that nobody knows how new they are. Default never. */
  readonly hasBacklog?: () => boolean;
  readonly signal: AbortSignal;
  readonly timing?: Partial<FeedTiming>;
  /** Real time; default the machine's. */
  readonly transport?: Clock;
  /** Uniform in [0, 1), for the jitter of waits; default the machine's. */
  readonly random?: () => number;
}

export const DEFAULT_TIMING: FeedTiming = {
  pingIntervalMs: 20_000,
  handshakeTimeoutMs: 10_000,
  ackTimeoutMs: 5_000,
  backoffFirstMs: 250,
  backoffMaxMs: 30_000,
  stableAfterMs: 10_000,
  excessCooldownMs: 60_000,
  muteAfterMs: null,
  leaveMuteAfterMs: 30_000,
};
/** No sensible frame is longer; a longer one ends the connection. */
export const MAX_FRAME_BYTES = 16 << 20;
/** Throws a Failure unless the key travels by TLS or stays on this machine, and a simulated clock has a simulator. */
export function assertSafe(options: Pick<MassiveFeedOptions, 'url' | 'apiKey' | 'clock'>): void {
  assertAddress(options.url, 'websocket');
  assertApiKey(options.apiKey);
  if (options.clock.kind === 'simulated' && !isLoopback(options.url)) {
    throw new Failure('a simulated clock is accepted only with a simulator on this machine', {
      hint: 'use the system clock with a real vendor',
    });
  }
}
