// Black-Scholes values for the simulated chain, without rates and dividends: within a day they are below a tick.

// Abramowitz and Stegun 26.2.17: absolute error below 7.5e-8, which is 5e-5 dollars on a price of 610.
function normalCdf(x: number): number {
  const k = 1 / (1 + 0.2316419 * Math.abs(x));
  const poly =
    k * (0.31938153 + k * (-0.356563782 + k * (1.781477937 + k * (-1.821255978 + k * 1.330274429))));
  const tail = Math.exp((-x * x) / 2) * 0.3989422804014327 * poly;
  return x >= 0 ? 1 - tail : tail;
}

/**
 * Value in dollars of a European call. `deviation` is the standard deviation of the log return to expiry (volatility times the
 * square root of time); at 0 the value is intrinsic. The put is `callValue - spot + strike`.
 */
export function callValue(spot: number, strike: number, deviation: number): number {
  if (deviation <= 0) return Math.max(0, spot - strike);
  const d1 = Math.log(spot / strike) / deviation + deviation / 2;
  return Math.max(0, spot - strike, spot * normalCdf(d1) - strike * normalCdf(d1 - deviation));
}
