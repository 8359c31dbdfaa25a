// Any cut of a range into slices gives the same rows; any two start dates agree; both engines give the same digits.
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { addMs, type EasternUs } from '../../../core/eastern_time.ts';
import { useBench } from '../support/connections.ts';
import { addQuotes, addTicks, createMarket, eastern, type Market } from '../support/market.ts';
import {
  advanceThrough,
  countKinds,
  differences,
  dumpOf,
  md5,
  NO_DIFFERENCES,
  openRun,
  type TestRun,
} from '../support/runs.ts';
import { drawMarket, SYNTHETIC_RANGE } from '../support/synthetic_market.ts';

const bench = useBench();
const drawn = drawMarket(2026);
const { from, to } = SYNTHETIC_RANGE;
const HALF_DAY = eastern('2025-11-28');
const MONDAY = eastern('2025-12-01');
let market: Market;

/** Two strategies that differ in everything that a slice must carry: positions, reversals, partial fills, re-pricing. */
const CASES = [
  {
    name: 'one slot, reversals, delayed and partial fills',
    settings: { latency_ms: 250, partial_fills: true },
    md5: '28a39cd748195ef13d249fbc57b6d5b3',
  },
  {
    name: 'three slots, stops and targets, quick re-pricing',
    settings: {
      slots: 3,
      exit_on_reverse: false,
      stop_loss_ratio: 1.2,
      take_profit_ratio: 0.8,
      exit_reprice_ms: 1000,
      partial_fills: true,
    },
    md5: '855a40bf969a005f7e6723a3b3662726',
  },
] as const;

beforeAll(async () => {
  market = await createMarket(bench.owner());
  await addTicks(market, drawn.ticks);
  await addQuotes(market, drawn.quotes);
});

function every(seconds: number, range: { from: EasternUs; to: EasternUs }): EasternUs[] {
  const cuts: EasternUs[] = [];
  for (let ts = range.from; ts < range.to; ts = addMs(ts, seconds * 1000)) cuts.push(ts);
  return cuts;
}

const CUTS: readonly (readonly [name: string, cuts: readonly EasternUs[]])[] = [
  ['a session', every(86_400, SYNTHETIC_RANGE)],
  ['4 h 11 m', every(15_060, SYNTHETIC_RANGE)],
  [
    'a minute, on the half day',
    every(60, { from: addMs(HALF_DAY, 11.9 * 3_600_000), to: addMs(HALF_DAY, 13.1 * 3_600_000) }),
  ],
  [
    '37 s, while the ticks are seconds',
    every(37, { from: addMs(MONDAY, 10 * 3_600_000), to: addMs(MONDAY, 10.6 * 3_600_000) }),
  ],
];

/** Instants at which something happens, one microsecond before and after them, and any others. */
function arbitraryCuts(): fc.Arbitrary<EasternUs[]> {
  const busy = fc.constantFrom(...drawn.quotes.map((quote) => quote.ts_event));
  const minute = fc.integer({ min: 0, max: 389 }).map((n) => addMs(MONDAY, (570 + n) * 60_000));
  const near = fc
    .tuple(fc.oneof(busy, minute), fc.constantFrom(-1, 0, 1))
    .map(([ts, step]) => (ts + step) as EasternUs);
  const any = fc.integer({ min: from, max: to }).map((ts) => ts as EasternUs);
  return fc
    .array(fc.oneof({ weight: 4, arbitrary: near }, any), { minLength: 1, maxLength: 30 })
    .map((cuts) => cuts.sort((a, b) => a - b));
}

describe.each(CASES)('$name', ({ settings, md5: expected }) => {
  let first: TestRun;
  let whole: string[];

  const runThrough = async (cuts: readonly EasternUs[]): Promise<TestRun> => {
    const run = await openRun(bench.runner(), market, { ...SYNTHETIC_RANGE, settings });
    await advanceThrough(run, [...cuts, to]);
    return run;
  };
  const compare = async (cuts: readonly EasternUs[]): Promise<void> => {
    expect(differences(whole, await dumpOf(await runThrough(cuts)))).toEqual(NO_DIFFERENCES);
  };

  beforeAll(async () => {
    first = await runThrough([]);
    whole = await dumpOf(first);
  });

  test('the seed’s market makes the run that it always made, on every engine', () => {
    expect(countKinds(whole)).toMatchObject({ period: 990, signal: 204 });
    // Changes only with the rules themselves.
    expect(md5(whole)).toBe(expected);
  });

  test.each(CUTS)('slices of %s give the rows of one call', (_, cuts) => compare(cuts));

  test('random cuts, many of them at the instants of quotes and closes, give the rows of one call', async () => {
    await fc.assert(fc.asyncProperty(arbitraryCuts(), compare), { numRuns: 3, seed: 11, endOnFailure: true });
  });

  test('a run that starts at a later session has the same rows from there on', async () => {
    for (const start of [HALF_DAY, MONDAY]) {
      const later = await openRun(bench.runner(), market, { from: start, to, settings });
      await later.advance(to);
      const range = { from: start, to };
      const rows = await dumpOf(later, range);
      expect(rows.length).toBeGreaterThan(100);
      expect(differences(await dumpOf(first, range), rows)).toEqual(NO_DIFFERENCES);
    }
  });
});
