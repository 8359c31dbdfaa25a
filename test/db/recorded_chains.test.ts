// Our greeks on whole recorded chains lie within stated bounds of the vendors', and the vertical chosen there is the one found by hand.
import { beforeAll, describe, expect, test } from 'vitest';
import {
  type Compared,
  candidateDifferences,
  candidatesOf,
  compareGreeks,
  comparePairs,
  type LoadedChain,
  leanDays,
  loadChain,
  SETTINGS,
  schwabDays,
  type Terms,
} from '../../bench/recorded_chain_checks.ts';
import { CHAIN_FOLDERS, readChains } from '../../bench/recorded_chain_files.ts';
import { compareReferences, REFERENCE_CARRIES, REFERENCE_FOLDER } from '../../bench/reference_greeks.ts';
import { quantile } from '../../bench/support.ts';
import { needsSharedData, sharedData } from '../harness.ts';
import { useBench } from './support/connections.ts';

const bench = useBench();
const loaded = new Map<string, LoadedChain>();

for (const folder of [...CHAIN_FOLDERS, REFERENCE_FOLDER]) needsSharedData(folder);

beforeAll(async () => {
  const shared = sharedData();
  if (shared === null || CHAIN_FOLDERS.some((folder) => sharedData(folder) === null)) return;
  for (const chain of await readChains(shared)) loaded.set(chain.name, await loadChain(bench.owner(), chain));
});

function chainOf(name: string): LoadedChain {
  const found = loaded.get(name);
  if (found === undefined) throw new Error(`no chain ${name}`);
  return found;
}

interface Errors {
  readonly contracts: number;
  /** Percentage points of volatility. */
  readonly iv: readonly number[];
  readonly delta: readonly number[];
  /** Of the vendor's own volatility by our formula. */
  readonly deltaOfVendor: readonly number[];
}

/** Of contracts out of the money that the vendor gives a delta of at least 0.05. */
async function errorsOf(name: string, terms: Terms): Promise<Errors> {
  const chain = chainOf(name);
  const { spot } = chain.chain;
  const isNear = (row: Compared): boolean =>
    row.iv !== null &&
    row.vendor_iv > 0.001 &&
    Math.abs(row.vendor_delta) >= 0.05 &&
    (row.option_kind === 'call') === row.strike >= spot;
  const rows = (await compareGreeks(bench.owner(), chain, terms)).filter(isNear);
  return {
    contracts: rows.length,
    iv: rows.map((row) => Math.abs(100 * (Number(row.iv) - row.vendor_iv))),
    delta: rows.map((row) => Math.abs(Number(row.delta) - row.vendor_delta)),
    deltaOfVendor: rows.map((row) => Math.abs(Number(row.delta_of_vendor) - row.vendor_delta)),
  };
}

const worst = (errors: readonly number[]): number => Math.max(...errors);
const median = (errors: readonly number[]): number => quantile(errors, 0.5);

describe('greeks of a recorded chain', () => {
  test('are those of Schwab as far as its own volatility and delta agree with each other', async () => {
    const name = 'Schwab SPXW 2025-05-09';
    const asShipped = await errorsOf(name, { rate: 0, dividend: 0 });
    expect(asShipped.contracts).toBe(102);
    expect(worst(asShipped.iv)).toBeLessThan(1.2);
    expect(worst(asShipped.delta)).toBeLessThan(0.006);
    const ofVolatility = await errorsOf(name, { rate: 0.0425, dividend: 0.0025, days: schwabDays });
    expect(median(ofVolatility.iv)).toBeLessThan(0.04);
    expect(worst(ofVolatility.iv)).toBeLessThan(0.25);
    // Another carry than that of its volatilities; the vendor rounds to three decimals.
    const ofDelta = await errorsOf(name, { rate: 0.0425, dividend: 0.0325, days: schwabDays });
    expect(worst(ofDelta.deltaOfVendor)).toBeLessThan(0.0012);
    expect(worst(ofVolatility.deltaOfVendor)).toBeGreaterThan(0.01);
  });

  test.each([
    ['LEAN SPX 2015-12-22', 0.01, { median: 0.06, worst: 0.25, delta: 0.0015 }],
    ['LEAN SPX 2015-12-23', 0.01, { median: 0.06, worst: 0.8, delta: 0.0045 }],
    ['LEAN SPXW 2023-06-23', 0.0525, { median: 0.01, worst: 0.02, delta: 0.0002 }],
  ])('%s are those of LEAN with its rate', async (name, rate, bound) => {
    const errors = await errorsOf(name, { rate, dividend: 0 });
    expect(errors.contracts).toBeGreaterThanOrEqual(5);
    expect(median(errors.iv)).toBeLessThan(bound.median);
    expect(worst(errors.iv)).toBeLessThan(bound.worst);
    expect(worst(errors.delta)).toBeLessThan(bound.delta);
  });

  test("of GOOG follow from LEAN's volatilities, which do not follow from its prices", async () => {
    const errors = await errorsOf('LEAN GOOG 2015-12-24', { rate: 0.01, dividend: 0, days: leanDays });
    expect(errors.contracts).toBeGreaterThan(500);
    expect(median(errors.deltaOfVendor)).toBeLessThan(0.0005);
    expect(quantile(errors.deltaOfVendor, 0.95)).toBeLessThan(0.005);
    expect(median(errors.iv)).toBeGreaterThan(10);
  });
});

describe('greeks of a model that others use', () => {
  test.each([
    ['SPX230811', { iv: 0.015, delta: 0.001 }],
    ['SPX230901', { iv: 0.05, delta: 0.003 }],
    // American exercise and dividends on a day: ours know neither.
    ['SPY230811', { iv: 0.2, delta: 0.006 }],
    ['SPY230901', { iv: 0.4, delta: 0.02 }],
  ])('of %s out of the money are ours with its rate and carry', async (series, bound) => {
    const terms = REFERENCE_CARRIES.find((each) => each.series === series) ?? { series, carry: Number.NaN };
    const rows = (await compareReferences(bench.owner(), sharedData() ?? '', terms)).filter(
      (row) => (row.option_kind === 'call') === row.strike >= row.spot,
    );
    expect(rows.length).toBeGreaterThan(40);
    expect(worst(rows.map((row) => Math.abs(100 * (Number(row.iv) - row.vendor_iv))))).toBeLessThan(bound.iv);
    expect(worst(rows.map((row) => Math.abs(Number(row.delta) - row.vendor_delta)))).toBeLessThan(
      bound.delta,
    );
  });
});

test("GOOG's calls and puts of a strike agree on one volatility within their quotes, on the forward by parity", async () => {
  const pairs = await comparePairs(bench.owner(), chainOf('LEAN GOOG quotes 2015-12-24'));
  expect(pairs.length).toBeGreaterThan(300);
  expect(pairs.filter(({ overlap }) => !overlap)).toEqual([]);
  expect(median(pairs.map((pair) => 100 * Math.abs(pair.call_iv - pair.put_iv)))).toBeLessThan(0.4);
});

describe('the vertical chosen on a recorded chain', () => {
  test.each(Object.entries(SETTINGS))('%s is the one found by hand', async (name, settings) => {
    const chain = chainOf(name);
    const found = await candidatesOf(bench.runner(), chain, settings);
    expect(found.filter(({ reject }) => reject === null).length).toBeGreaterThan(0);
    expect(candidateDifferences(chain.chain, settings, found)).toEqual([]);
  });

  test("of Schwab's is this one", async () => {
    const name = 'Schwab SPXW 2025-05-09';
    const [best] = await candidatesOf(
      bench.runner(),
      chainOf(name),
      SETTINGS[name] as (typeof SETTINGS)[string],
    );
    expect(best).toMatchObject({
      ...{ option_kind: 'put', expiration: '2025-05-20', dte: 11, reject: null },
      ...{ short_strike_e4: 55_000_000, long_strike_e4: 54_750_000, credit_e4: 34_200 },
    });
    // Of put 5655 at 67.55 and call 5660 at 76.70: no strike of this chain has both kinds.
    expect(best?.forward).toBeCloseTo(5657.5 + 76.7 - 67.55, 9);
    expect(best?.short_delta).toBeCloseTo(0.201, 3);
    expect(best?.short_iv).toBeCloseTo(0.2102, 4);
  });
});
