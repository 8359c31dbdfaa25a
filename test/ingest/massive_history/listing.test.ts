// Which contracts a session had: alive or expired by now, and which of them were around the money.
import { afterEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../core/clock.ts';
import type { SessionDate } from '../../../core/eastern_time.ts';
import type { ListedContract } from '../../../ingest/massive/contracts.ts';
import { chooseAround, type Listing, listContracts } from '../../../ingest/massive_history/listing.ts';
import { createRestClient } from '../../../ingest/massive_history/rest_client.ts';
import { fullDay, type HistoryMarket } from './market.ts';
import { API_KEY, startVendor, type Vendor } from './vendor.ts';

// Monday and Wednesday have an expiry, Tuesday has none.
const MARKET: HistoryMarket = {
  underlying: 'QQQ',
  sessions: [fullDay('2025-10-06'), fullDay('2025-10-08')],
  today: '2025-10-07',
  quotes: 0,
  trades: 0,
  price: 600,
  reach: 3,
};

const vendors: Vendor[] = [];
afterEach(async () => {
  for (const vendor of vendors.splice(0)) await vendor.stop();
});

async function vendorAt(today: string, pageRows = 1000): Promise<Vendor> {
  const vendor = await startVendor({ ...MARKET, today });
  vendor.pageRows = pageRows;
  vendors.push(vendor);
  return vendor;
}

function list(vendor: Vendor, sessionDate: string, today: string, underlying = 'QQQ'): Promise<Listing> {
  const rest = createRestClient({
    restUrl: vendor.url,
    apiKey: API_KEY,
    perMinute: null,
    clock: systemClock(),
  });
  const request = { underlying, sessionDate: sessionDate as SessionDate, today: today as SessionDate };
  return listContracts(rest, request, new AbortController().signal);
}

describe('the contracts of a session', () => {
  it('that have expired by now take one request', async () => {
    const vendor = await vendorAt('2026-01-05');
    const { contracts, skipped } = await list(vendor, '2025-10-06', '2026-01-05');
    expect(contracts).toHaveLength(14);
    expect(new Set(contracts.map((each) => each.expiration))).toEqual(new Set(['2025-10-06']));
    expect(vendor.requests).toHaveLength(1);
    expect(skipped[0]?.reason).toBe('no standard contract: shares_per_contract');
  });

  it('are found on every page, and no page is asked for after the nearest expiry is complete', async () => {
    const vendor = await vendorAt('2026-01-05', 4);
    expect((await list(vendor, '2025-10-06', '2026-01-05')).contracts).toHaveLength(14);
    // 15 entries of Monday, and one page is always under way.
    expect(vendor.requests.length).toBeLessThanOrEqual(5);
  });

  it('of a day without an expiry are those of the next, alive or not', async () => {
    for (const today of ['2025-10-08', '2025-10-07', '2026-01-05']) {
      const vendor = await vendorAt(today);
      const { contracts } = await list(vendor, '2025-10-07', today);
      expect(new Set(contracts.map((each) => each.expiration)), today).toEqual(new Set(['2025-10-08']));
    }
  });

  it('of yesterday are not taken for those of a later expiry that is still alive', async () => {
    const vendor = await vendorAt('2025-10-07');
    const { contracts } = await list(vendor, '2025-10-06', '2025-10-07');
    expect(contracts[0]?.expiration).toBe('2025-10-06');
  });

  it('of an underlying without options are a failure that says what to do', async () => {
    const vendor = await vendorAt('2026-01-05');
    await expect(list(vendor, '2025-10-06', '2026-01-05', 'XYZ')).rejects.toMatchObject({
      message: 'Massive lists no XYZ options that expire within 45 days of 2025-10-06',
      hint: expect.stringMatching('Without --options'),
    });
  });
});

describe('the contracts around the money', () => {
  const listed = [595, 596, 597, 598, 599, 600, 601, 602, 603, 604, 605].map(
    (strike) =>
      ({
        symbol: `S${strike}`,
        strike_e4: strike * 10_000,
        option_kind: 'call',
      }) as unknown as ListedContract,
  );
  const strikes = (low: number, high: number, count: number): number[] =>
    chooseAround(listed, { low_e4: low * 1e4, high_e4: high * 1e4 }, count).map(
      (each) => each.strike_e4 / 1e4,
    );

  it('are those that a stream would have followed the price with', () => {
    expect(strikes(600, 600, 3)).toEqual([599, 600, 601]);
    expect(strikes(598.2, 601.9, 3)).toEqual([597, 598, 599, 600, 601, 602, 603]);
    expect(strikes(598.2, 601.9, 1)).toEqual([598, 599, 600, 601, 602]);
    expect(strikes(500, 700, 1)).toEqual(listed.map((each) => each.strike_e4 / 1e4));
  });

  it('are bounded', () => {
    const many = Array.from(
      { length: 900 },
      (_, i) => ({ ...listed[0], strike_e4: (i + 1) * 10_000 }) as ListedContract,
    );
    expect(() => chooseAround(many, { low_e4: 1e4, high_e4: 9e6 }, 3)).toThrow('800 are the most');
  });
});
