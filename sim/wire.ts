// What the simulators send: one vendor event with the instant at which the vendor would send it.

/** Markets (websocket paths) of the simulated vendor. */
export type Market = 'stocks' | 'options';

export interface WireEvent {
  /** Unix epoch milliseconds at which the event leaves the vendor. */
  readonly sendMs: number;
  /** Subscription that receives it, e.g. `A.QQQ` or `Q.O:QQQ251219C00410000`. */
  readonly pair: string;
  /** The event as it goes into the JSON array of a frame. */
  readonly event: Readonly<Record<string, unknown>>;
  /** Of an aggregate: its prints, which REST tells and the websocket does not. */
  readonly trades?: number;
}
