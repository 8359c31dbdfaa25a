// What a fault session needs to know of a system under test: its strategy, its processes, its plan, and the simulators it trades at.
import type { Clock } from '../../core/clock.ts';
import type { EasternUs } from '../../core/eastern_time.ts';
import type { SessionArguments } from '../../sim/session.ts';
import type { Ledger } from '../../sim/venue/ledger.ts';
import type { Done } from './deeds.ts';
import type { BrokerFault, Moment, Plan, VenueDeed } from './plan.ts';
import type { Stage } from './stage.ts';

/** A system as `strikebase start` runs it. */
export interface System {
  readonly strategy: string;
  readonly account: string;
  /** Changes of the strategy's settings, so that a day has many trades. */
  settings(minutes: number): Readonly<Record<string, unknown>>;
  /** The processes that have to run before anything goes wrong, by the supervisor's names. */
  readonly processes: readonly string[];
  hours(minutes: number): Hours;
  /** The shortest session whose plan has room. */
  readonly minMinutes: number;
  /** Contracts of a position, in each leg. */
  readonly contracts: number;
  readonly hasSpreads: boolean;
  /** Whether the broker has books of a day that our processes compare with ours. */
  readonly keepsBooks: boolean;
  plan(session: SessionArguments, seed: number): Plan;
  open(options: VenueOptions): Promise<SessionVenue>;
}

/** Of a session of so many minutes. */
export interface Hours {
  /** `HH:MM` */
  readonly open: string;
  /** So long before the open the clock begins, so long after the close it ends. */
  readonly leadMs: number;
  readonly afterMs: number;
}

export interface VenueOptions {
  readonly clock: Clock;
  readonly folder: string;
  readonly port: number;
  readonly seed: number;
  readonly session: SessionArguments;
}

/** The simulators of a session, in the process that judges it. */
export interface SessionVenue {
  readonly ledger: Ledger;
  /** Settings of the tree, as its environment. */
  readonly variables: Readonly<Record<string, string>>;
  /** The market's day begins. */
  begin(): void;
  /** The broker's answers go wrong by the dice, or no longer. */
  misbehave(isOn: boolean): void;
  /** The next request of the fault's kind meets it. */
  script(fault: BrokerFault): void;
  /** Faults of requests so far: class of the catalogue, and what. */
  injected(): readonly { readonly id: string; readonly what: string }[];
  /** True when an order has just been sent, or a snapshot is just being asked for. */
  isJust(moment: Moment, now: EasternUs): boolean;
  perform(stage: Stage, deed: VenueDeed): Promise<Done>;
  /** An option that is bought in the broker's own page, and sold again by `sell`; null where there is none. */
  buyByHand(stage: Stage): Promise<{ readonly symbol: string; readonly sell: () => void } | null>;
  /** Ends the options of the day at the underlying's last price; in words, null where none ends. */
  expire(): string | null;
  checkStored(stage: Stage): Promise<Stored>;
  stop(): Promise<void>;
}

/** What a vendor sent, or was to be asked for, against the rows of it. */
export interface Stored {
  /** What that is, e.g. `events sent`. */
  readonly what: string;
  readonly expected: number;
  readonly stored: number;
  /** Not stored, and told in ops.feed_gaps. */
  readonly inGaps: number;
  /** Neither, each in words. */
  readonly lost: readonly string[];
  /** What else is not as it should be. */
  readonly problems: readonly string[];
}
