// Positions at the broker against those of our fills: when they differ, and for how long before that is believed.
import type { EasternUs } from '../../core/eastern_time.ts';
import { parseOsi } from '../../core/osi_symbol.ts';
import type { BrokerPosition } from '../brokers/broker.ts';
import type { HeldPosition } from './records.ts';

/** What our live runs trade; other holdings of the account are none of our business. */
export interface TradedScope {
  readonly underlyings: ReadonlySet<string>;
  readonly roots: ReadonlySet<string>;
}

export interface Difference {
  readonly symbol: string;
  readonly ours: number;
  readonly theirs: number;
}

/** A difference that was seen while nothing was under way. */
export interface Doubt {
  readonly text: string;
  readonly since: EasternUs;
}

/** `moving`: fills may be under way, so it says nothing. `doubtful`: to be read again. */
export interface PositionVerdict {
  readonly kind: 'same' | 'moving' | 'doubtful' | 'differ';
  readonly doubt: Doubt | null;
}

/** How long a difference has to stand. */
export const BELIEVED_AFTER_MS = 5000;

/** True for the underlyings and option series that our runs trade. */
export function isTraded(symbol: string, { underlyings, roots }: TradedScope): boolean {
  return underlyings.has(symbol) || roots.has(parseOsi(symbol)?.root ?? '');
}

/** What the broker holds otherwise than we believe, in the scope; in the order of symbols. */
export function differencesOf(
  theirs: readonly BrokerPosition[],
  ours: readonly HeldPosition[],
  scope: TradedScope,
): readonly Difference[] {
  const sums = new Map<string, { ours: number; theirs: number }>();
  const add = (symbol: string, side: 'ours' | 'theirs', qty: number): void => {
    const sum = sums.get(symbol) ?? { ours: 0, theirs: 0 };
    sum[side] += qty;
    sums.set(symbol, sum);
  };
  for (const { symbol, qty } of ours) add(symbol, 'ours', qty);
  for (const { symbol, qty } of theirs) {
    if (sums.has(symbol) || isTraded(symbol, scope)) add(symbol, 'theirs', qty);
  }
  return [...sums]
    .filter(([, sum]) => sum.ours !== sum.theirs)
    .map(([symbol, sum]) => ({ symbol, ...sum }))
    .sort((a, b) => (a.symbol < b.symbol ? -1 : 1));
}

/** `positions differ: QQQ   261120C00610000 is -25 at the broker and 0 by our fills`. */
export function describeDifferences(differences: readonly Difference[]): string {
  const parts = differences.map(
    ({ symbol, ours, theirs }) => `${symbol} is ${theirs} at the broker and ${ours} by our fills`,
  );
  return `positions differ: ${parts.join('; ')}`;
}

/**
 * Believes a difference that stands in two readings five seconds apart, with nothing under way at either: fills and positions
 * are told by different parts of a broker, and not at once.
 */
export function judgePositions(
  differences: readonly Difference[],
  before: Doubt | null,
  of: { readonly isQuiet: boolean; readonly now: EasternUs },
): PositionVerdict {
  if (differences.length === 0) return { kind: 'same', doubt: null };
  if (!of.isQuiet) return { kind: 'moving', doubt: null };
  const text = describeDifferences(differences);
  const doubt = before?.text === text ? before : { text, since: of.now };
  const isBelieved = of.now - doubt.since >= BELIEVED_AFTER_MS * 1000;
  return { kind: isBelieved ? 'differ' : 'doubtful', doubt };
}
