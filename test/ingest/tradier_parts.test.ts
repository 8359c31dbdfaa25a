// Tradier's feed in its parts: lists that collapse, rows that are odd, and when and of what snapshots are due.
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { SessionDate } from '../../core/eastern_time.ts';
import { chainRows, readQuotes } from '../../ingest/tradier/rows.ts';
import { snapshotTimes, targetExpirations } from '../../ingest/tradier/schedule.ts';
import {
  calendarBody,
  chainBody,
  clockBody,
  expirationsBody,
  quotesBody,
} from '../../ingest/tradier/wire.ts';
import { needsSharedData, sharedData } from '../harness.ts';
import { at } from '../sim/sessions.ts';

const OPTION = {
  symbol: 'SPXW261120P05950000',
  type: 'option',
  bid: 4.1,
  ask: 4.3,
  bidsize: 12,
  asksize: 30,
  last: null,
  volume: 0,
  bid_date: 1_795_186_800_000,
  ask_date: 1_795_186_801_000,
  open_interest: 812,
  greeks: { delta: -0.2, gamma: 0.001, mid_iv: 0, smv_vol: 0.154, updated_at: '2026-11-20 14:59:58' },
};

describe('lists', () => {
  it.each([
    ['none as null', null, 0],
    ['none as a text', 'null', 0],
    ['one as itself', { option: OPTION }, 1],
    ['several', { option: [OPTION, OPTION] }, 2],
  ])('of a chain come as %s', (_, options, count) => {
    expect(chainBody.parse({ options })).toHaveLength(count);
  });

  it('of expirations come with and without extras, and as none', () => {
    expect(expirationsBody.parse({ expirations: { date: '2026-11-20' } })).toEqual(['2026-11-20']);
    const expiration = [{ date: '2026-11-20' }, { date: '2026-11-23', contract_size: 100 }];
    expect(expirationsBody.parse({ expirations: { expiration } })).toEqual(['2026-11-20', '2026-11-23']);
    expect(expirationsBody.parse({ expirations: null })).toEqual([]);
  });

  it('of quotes come with symbols that are not known, or with nothing else', () => {
    const both = { quotes: { quote: OPTION, unmatched_symbols: { symbol: 'GONE' } } };
    expect(quotesBody.parse(both)).toMatchObject({ rows: [OPTION], unmatched: ['GONE'] });
    const none = { quotes: { unmatched_symbols: { symbol: ['A', 'B'] } } };
    expect(quotesBody.parse(none)).toEqual({ rows: [], unmatched: ['A', 'B'] });
  });
});

describe('rows', () => {
  it('are integers and Eastern times, with nothing where Tradier writes 0', () => {
    const { rows, newest } = chainRows([{ ...OPTION, bid: 0 }], 'chain');
    expect(rows).toMatchObject([
      {
        symbol: 'SPXW  261120P05950000',
        ...{ bid_px_e4: null, ask_px_e4: 43_000, last_px_e4: null, bid_sz: 12, open_interest: 812 },
        ...{ implied_volatility: null, smv_iv: 0.154, delta: -0.2, vega: null },
        ts_greeks: '2026-11-20 09:59:58',
      },
    ]);
    expect(newest).toBe(at('2026-11-20 10:00:01'));
  });

  it('that cannot be read do not cost the others', () => {
    const { rows, rejected } = chainRows([OPTION, { symbol: 7 }, 'null', OPTION], 'chain');
    expect(rows).toHaveLength(1);
    expect(rejected.map((each) => each.reason)).toEqual([
      'not as documented: symbol',
      'not as documented: the whole',
      'a contract that came twice',
    ]);
  });

  it('of an index are its last price', () => {
    const when = { ts_event: at('2026-11-20 10:00'), ts_recv: at('2026-11-20 10:00:01') };
    const index = { symbol: 'VIX9D', type: 'index', last: 14.37, bid: 0, ask: 0 };
    const { ticks, quotes, rejected } = readQuotes([index, OPTION, { ...index, last: 'null' }], when);
    expect(ticks).toMatchObject([{ symbol: 'VIX9D', close_e4: 143_700, ts_event: when.ts_event }]);
    expect(quotes).toMatchObject([{ bid_px_e4: 41_000, ask_px_e4: 43_000 }]);
    expect(rejected.map((each) => each.reason)).toEqual(['no last price']);
  });

  describe('of recordings', () => {
    needsSharedData('tradier');

    it('are all read', () => {
      const file = (name: string): unknown =>
        JSON.parse(readFileSync(`${sharedData('tradier')}/tradier_rb/spec/fixtures/${name}.json`, 'utf8'));
      const { rows, rejected } = chainRows(chainBody.parse(file('chain')), 'chain');
      expect([rows.length, rejected.length]).toEqual([330, 0]);
      expect(rows.every((row) => row.ask_px_e4 === null || row.ask_px_e4 > (row.bid_px_e4 ?? 0))).toBe(true);
      expect(expirationsBody.parse(file('expirations'))).toHaveLength(12);
      expect(expirationsBody.parse(file('expirations_with_strikes')).length).toBeGreaterThan(0);
      expect(clockBody.parse(file('clock')).state).toBe('closed');
      expect(
        calendarBody.parse(file('calendar')).filter((day) => day.open !== undefined).length,
      ).toBeGreaterThan(15);
      // Its option_quote has the root "AAPL7", an adjusted one.
      const option = quotesBody.parse(file('option_quote'));
      expect(
        readQuotes(option.rows, { ts_event: at('2026-11-20 10:00'), ts_recv: at('2026-11-20 10:00') }).quotes,
      ).toHaveLength(1);
    });
  });
});

describe('snapshots', () => {
  const day = { sessionDate: '2026-11-20' as SessionDate, tsOpen: at('2026-11-20 09:30') };
  const plan = { everyMs: 300_000, exactly: ['10:00', '11:00', '12:00', '12:02'] };

  it('are due every five minutes of the session and at the exact times, each once', () => {
    const times = snapshotTimes({ ...day, ...plan, tsClose: at('2026-11-20 16:00') });
    expect(times).toHaveLength(80);
    expect(new Set(times).size).toBe(80);
    expect([times[0], times.at(-1)]).toEqual([at('2026-11-20 09:30'), at('2026-11-20 16:00')]);
    expect(times).toContain(at('2026-11-20 12:02'));
  });

  it('end with an early close', () => {
    const times = snapshotTimes({ ...day, ...plan, tsClose: at('2026-11-20 11:00') });
    expect(times.at(-1)).toBe(at('2026-11-20 11:00'));
  });

  it('are of the expirations nearest to the targets, of both where two are as near, of none that is too far', () => {
    const listed = ['2026-11-20', '2026-11-23', '2026-11-24', '2026-11-26', '2026-12-18'] as SessionDate[];
    const chosen = (days: readonly number[], tolerance: number): readonly string[] =>
      targetExpirations(listed, '2026-11-20' as SessionDate, { days, tolerance });
    expect(chosen([3, 5, 7], 1)).toEqual(['2026-11-23', '2026-11-24', '2026-11-26']);
    expect(chosen([5], 1)).toEqual(['2026-11-24', '2026-11-26']);
    expect(chosen([3], 0)).toEqual(['2026-11-23']);
    expect(chosen([14], 1)).toEqual([]);
  });
});
