// Tradier's words for a reject: its error codes where they fit (reference A3), and sentences that were seen.
import type { RejectCause } from '../venue/settings.ts';

export const TRADIER_WORDS: Readonly<Record<RejectCause, string>> = {
  tick: 'Limit price is not a valid increment for this option.',
  spread_tick: 'Limit price is not a valid increment for this spread.',
  // Seen for a sale without a position; the code is LongPositionCrossZero or ShortPositionCrossZero.
  oversold: 'Sell order cannot be placed unless you are closing a long position, please check open orders.',
  funds: 'InitialMargin: You do not have enough buying power for this trade.',
  wrong_side: 'QuotePriceIsInvalid: the stop price is on the wrong side of the market.',
  session: 'Option orders are accepted for the regular session only.',
  expired: 'SecurityUndefined: the option has expired.',
  spread_stop: 'Multileg orders take market, debit, credit or even only.',
  closing_only: 'AccountIsNotApprovedForAction: closing orders only.',
  outside_hours: 'Option orders are accepted during market hours only.',
};
