// Sequence numbers of prints and quotes, and what stands in where the vendor sends none.
import { sequence, type VendorEvent } from './fields.ts';

/** Events without a sequence number so far in one frame, by symbol and millisecond. */
export type Ordinals = Map<string, number>;

/**
 * `q`, or where it is absent the ordinal among this frame's prints or quotes of the same symbol and millisecond; null if `q` is
 * rubbish. Two frames with unnumbered events of one millisecond would collide. The vendor's description has `q` on every event,
 * so this serves abridged recordings, and a quote without a number is better than none.
 */
export function sequenceOf(event: VendorEvent, symbol: string, ordinals: Ordinals): number | null {
  if (event.q !== undefined) return sequence(event.q);
  const key = `${event.ev} ${symbol} ${event.t}`;
  const ordinal = ordinals.get(key) ?? 0;
  ordinals.set(key, ordinal + 1);
  return ordinal;
}
