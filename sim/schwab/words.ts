// Schwab's words for a reject, as far as they are known (reference B2.6).
import type { RejectCause } from '../venue/settings.ts';

export const SCHWAB_WORDS: Readonly<Record<RejectCause, string>> = {
  // Recorded (tylerebowers/Schwabdev#36).
  tick: 'Enter the price in decimal form: Penny Pilot options $0.01 under $3; $0.05 over $3; & all other options $0.05 under $3; $0.10 over $3.',
  // Recorded in a preview.
  spread_tick: 'Spread orders for SPX options must be priced in 5-cent increments.',
  // Reported by several users of the API.
  oversold:
    'This order may result in an oversold/overbought position in your account. Please check your position quantity and/or open orders.',
  funds: 'You do not have enough available cash/buying power for this order.',
  // Words of our own from here on: Schwab's are unknown.
  wrong_side: 'Order_Sys_0002: the stop price is on the wrong side of the current market price.',
  session: 'Option orders are accepted for the regular session only.',
  expired: 'The option has expired.',
  spread_stop: 'Stop orders are not available for multi-leg option orders.',
  closing_only: 'The account is restricted to closing orders.',
  outside_hours: 'Option orders are accepted during market hours only.',
};
