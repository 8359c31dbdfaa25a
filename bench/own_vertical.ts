// The choice of a credit vertical computed once more, from what signal.vertical_candidates says of itself and without the database:
// another normal distribution, bisection instead of Newton, plain loops instead of SQL.
import { type EasternUs, epochMsFromEastern, parseEastern } from '../core/eastern_time.ts';
import type { OptionKind } from '../core/osi_symbol.ts';
import type { RecordedChain, RecordedContract } from './recorded_chain_files.ts';

/** Of ref.strategies. */
export interface VerticalSettings {
  readonly dte_targets: readonly number[];
  readonly dte_tolerance: number;
  readonly delta_targets: readonly number[];
  readonly delta_tolerance: number;
  /** Null: the long leg is chosen by its delta, this far below the short one's. */
  readonly spread_width: number | null;
  readonly long_delta_distance: number | null;
  readonly max_leg_spread: number;
  readonly max_spread_cost: number;
  readonly min_credit: number;
  readonly fill_ratio: number;
  readonly score_weights: readonly [number, number, number];
}

export interface OwnVertical {
  readonly option_kind: OptionKind;
  readonly expiration: string;
  readonly short_strike_e4: number;
  readonly long_strike_e4: number;
  readonly short_delta: number;
  readonly long_delta: number | null;
  readonly short_iv: number;
  readonly forward: number;
  readonly credit_e4: number;
  readonly score: number;
}

interface Priced extends RecordedContract {
  readonly strike: number;
  readonly mid: number;
}

interface Solved extends Priced {
  readonly iv: number;
  readonly delta: number;
}

/** G. Marsaglia, Evaluating the Normal Distribution (2004); the tail by its continued fraction. */
function cdf(x: number): number {
  const density = Math.exp(-0.5 * x * x) / Math.sqrt(2 * Math.PI);
  if (Math.abs(x) > 6) {
    let fraction = 0;
    for (let n = 60; n > 0; n--) fraction = n / (Math.abs(x) + fraction);
    const tail = density / (Math.abs(x) + fraction);
    return x > 0 ? 1 - tail : tail;
  }
  let [sum, term] = [x, x];
  for (let n = 3; Math.abs(term) > 1e-18; n += 2) {
    term *= (x * x) / n;
    sum += term;
  }
  return 0.5 + density * sum;
}

interface Terms {
  readonly kind: OptionKind;
  readonly forward: number;
  readonly strike: number;
  readonly tYears: number;
}

/** F. Black (1976) with no discount. */
export function black76({ kind, forward, strike, tYears }: Terms, sigma: number): number {
  const deviation = sigma * Math.sqrt(tYears);
  const d1 = Math.log(forward / strike) / deviation + deviation / 2;
  const sign = kind === 'call' ? 1 : -1;
  return sign * (forward * cdf(sign * d1) - strike * cdf(sign * (d1 - deviation)));
}

/** By bisection; null where none explains the price. */
export function solveVolatility(terms: Terms, price: number): number | null {
  let [low, high] = [0.001, 9.99];
  if (black76(terms, low) >= price || black76(terms, high) <= price) return null;
  for (let n = 0; n < 100; n++) {
    const middle = (low + high) / 2;
    if (black76(terms, middle) < price) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

function absoluteDelta({ kind, forward, strike, tYears }: Terms, sigma: number): number {
  const deviation = sigma * Math.sqrt(tYears);
  const d1 = Math.log(forward / strike) / deviation + deviation / 2;
  return cdf(kind === 'call' ? d1 : -d1);
}

const least = <T>(rows: readonly T[], keysOf: (row: T) => readonly number[]): T | undefined =>
  [...rows].sort((a, b) => compareKeys(keysOf(a), keysOf(b)))[0];

function compareKeys(a: readonly number[], b: readonly number[]): number {
  for (const [n, value] of a.entries()) if (value !== b[n]) return value - (b[n] ?? 0);
  return 0;
}

function pricedOf(contracts: readonly RecordedContract[]): Priced[] {
  return contracts.flatMap((contract) => {
    const { bid_e4, ask_e4, strike_e4 } = contract;
    if (bid_e4 === null || ask_e4 === null || bid_e4 <= 0 || ask_e4 < bid_e4) return [];
    return [{ ...contract, strike: strike_e4 / 1e4, mid: (bid_e4 + ask_e4) / 2e4 }];
  });
}

/** By parity; without a strike that has both kinds between the lowest call and the highest put; else the spot. */
export function forwardOf(contracts: readonly RecordedContract[], spot: number): number {
  const priced = pricedOf(contracts);
  const calls = priced.filter((each) => each.option_kind === 'call');
  const puts = priced.filter((each) => each.option_kind === 'put');
  const pairs = calls.flatMap((call) =>
    puts.filter((put) => put.strike === call.strike).map((put) => ({ call, put })),
  );
  const best = least(pairs, ({ call, put }) => [Math.abs(call.mid - put.mid), call.strike]);
  if (best !== undefined) return best.call.strike + best.call.mid - best.put.mid;
  const call = least(calls, (each) => [each.strike]);
  const put = least(puts, (each) => [-each.strike]);
  if (call === undefined || put === undefined) return spot;
  const gap = call.strike - put.strike;
  if (gap <= 0 || gap > call.strike / 200) return spot;
  return (call.strike + put.strike) / 2 + call.mid - put.mid;
}

/** In years of 525,600 minutes, of real time. No expiration on a day of an early close is asked for. */
export function yearsTo(chain: RecordedChain, expiration: string): number {
  const end = chain.root === 'SPX' ? '09:30:00' : '16:00:00';
  const [from = 0, to = 0] = [chain.at, `${expiration} ${end}`].map((text) =>
    epochMsFromEastern(parseEastern(text) as EasternUs),
  );
  return (to - from) / 60_000 / 525_600;
}

function solve(contracts: readonly RecordedContract[], at: { forward: number; tYears: number }): Solved[] {
  const out = pricedOf(contracts).filter(
    (each) => (each.option_kind === 'call') === each.strike >= at.forward,
  );
  const solved = out.flatMap((each) => {
    const terms = { kind: each.option_kind, strike: each.strike, ...at };
    const iv = solveVolatility(terms, each.mid);
    return iv === null ? [] : [{ ...each, iv, delta: absoluteDelta(terms, iv) }];
  });
  const middle = least(solved, (each) => [Math.abs(each.strike - at.forward), each.strike]);
  const reach = 4 * at.forward * (middle?.iv ?? 0) * Math.sqrt(at.tYears);
  return solved.filter((each) => Math.abs(each.strike - at.forward) <= reach);
}

interface Target {
  readonly kind: OptionKind;
  readonly delta: number;
}

function longOf(
  contracts: readonly RecordedContract[],
  solved: readonly Solved[],
  { short, settings }: { readonly short: Solved; readonly settings: VerticalSettings },
): RecordedContract | undefined {
  const sign = short.option_kind === 'put' ? -1 : 1;
  if (settings.spread_width !== null) {
    const wanted = short.strike_e4 + sign * settings.spread_width * 10_000;
    const alike = contracts.filter((each) => each.option_kind === short.option_kind);
    return pricedOf(alike.filter((each) => each.strike_e4 === wanted))[0];
  }
  const delta = short.delta - (settings.long_delta_distance ?? Number.NaN);
  return least(
    solved.filter(
      (each) => each.option_kind === short.option_kind && sign * (each.strike_e4 - short.strike_e4) > 0,
    ),
    (each) => [Math.abs(each.delta - delta), each.strike_e4],
  );
}

/** The one vertical of a target, or null where it must not be sold. */
function verticalOf(
  contracts: readonly RecordedContract[],
  market: { readonly solved: readonly Solved[]; readonly forward: number; readonly tYears: number },
  at: Target & { readonly settings: VerticalSettings },
): OwnVertical | null {
  const { settings: s } = at;
  const short = least(
    market.solved.filter((each) => each.option_kind === at.kind),
    (each) => [Math.abs(each.delta - at.delta), each.delta],
  );
  if (short === undefined || Math.abs(short.delta - at.delta) > s.delta_tolerance) return null;
  const long = longOf(contracts, market.solved, { short, settings: s });
  if (long === undefined) return null;
  const [sb, sa, lb, la] = [short.bid_e4, short.ask_e4, long.bid_e4, long.ask_e4].map(Number) as Sides;
  const [bid, ask] = [sb - la, sa - lb];
  const sold = Math.round((sb + sa) / 2 - s.fill_ratio * (sa - sb));
  const bought = Math.round((lb + la) / 2 + s.fill_ratio * (la - lb));
  const credit = sold - bought;
  const middle = (bid + ask) / 2;
  const isRefused =
    Math.max(sa - sb, la - lb) > s.max_leg_spread * 1e4 ||
    credit <= 0 ||
    credit < s.min_credit * 1e4 ||
    ask - bid > s.max_spread_cost * middle;
  if (isRefused) return null;
  const deviation = market.forward * short.iv * Math.sqrt(market.tYears);
  const [w1, w2, w3] = s.score_weights;
  const score =
    (w1 * credit) / Math.abs(short.strike_e4 - long.strike_e4) +
    (w2 * Math.abs(short.strike - market.forward)) / deviation -
    (w3 * (ask - bid)) / middle;
  const known = market.solved.find((each) => each.symbol === long.symbol);
  return {
    ...{ option_kind: at.kind, expiration: short.expiration, forward: market.forward, score },
    ...{ short_strike_e4: short.strike_e4, long_strike_e4: long.strike_e4, credit_e4: credit },
    ...{ short_delta: short.delta, long_delta: known?.delta ?? null, short_iv: short.iv },
  };
}

type Sides = [number, number, number, number];

function expirationOf(chain: RecordedChain, target: number, tolerance: number): string | undefined {
  const today = Date.parse(`${chain.at.slice(0, 10)}T00:00:00Z`);
  const days = (expiration: string): number =>
    Math.round((Date.parse(`${expiration}T00:00:00Z`) - today) / 86_400_000);
  const all = [...new Set(chain.contracts.map((each) => each.expiration))];
  const near = all.filter((each) => Math.abs(days(each) - target) <= tolerance);
  return least(near, (each) => [Math.abs(days(each) - target), days(each)]);
}

/** The verticals that may be sold, the best first. */
export function ownVerticals(chain: RecordedChain, settings: VerticalSettings): OwnVertical[] {
  const found = settings.dte_targets.flatMap((dte) => {
    const expiration = expirationOf(chain, dte, settings.dte_tolerance);
    if (expiration === undefined) return [];
    const contracts = chain.contracts.filter((each) => each.expiration === expiration);
    const forward = forwardOf(contracts, chain.spot);
    const tYears = yearsTo(chain, expiration);
    const market = { forward, tYears, solved: solve(contracts, { forward, tYears }) };
    return settings.delta_targets.flatMap((delta) =>
      (['put', 'call'] as const).flatMap(
        (kind) => verticalOf(contracts, market, { kind, delta, settings }) ?? [],
      ),
    );
  });
  return found.sort((a, b) => b.score - a.score);
}
