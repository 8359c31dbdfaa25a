// What is left to do, and what it is estimated to take.
import { describe, expect, it } from 'vitest';
import { addMs, midnightOf, type SessionDate } from '../../../core/eastern_time.ts';
import type { OsiSymbol } from '../../../core/osi_symbol.ts';
import { estimate } from '../../../ingest/massive_history/estimate.ts';
import { historyFeeds } from '../../../ingest/massive_history/history_feeds.ts';
import {
  type HistoryRequest,
  isComplete,
  type Plan,
  planDownload,
} from '../../../ingest/massive_history/plan.ts';
import type { UnitKey, UnitProgress } from '../../../ingest/massive_history/progress.ts';
import type { HistorySession } from '../../../ingest/massive_history/sessions.ts';

function session(date: string): HistorySession {
  const midnight = midnightOf(date as SessionDate);
  const [tsOpen, tsClose] = [addMs(midnight, 34_200_000), addMs(midnight, 57_600_000)];
  return {
    sessionDate: date as SessionDate,
    tsOpen,
    tsClose,
    tsOptionClose: addMs(tsClose, 900_000),
    isEarlyClose: false,
  };
}

const DATES = ['2025-10-06', '2025-10-07', '2025-10-08', '2025-10-09'];
const CALL = 'QQQ   251006C00600000' as OsiSymbol;
const PUT = 'QQQ   251006P00600000' as OsiSymbol;

function requestOf(more: Partial<HistoryRequest> = {}): HistoryRequest {
  return {
    symbol: 'QQQ',
    isIndex: false,
    sessions: DATES.map(session),
    span: 'minute',
    kinds: [],
    strikes: 5,
    feeds: historyFeeds('https://api.massive.com'),
    ...more,
  };
}

type Stored = UnitKey & Partial<UnitProgress>;

function plan(request: HistoryRequest, ...stored: readonly Stored[]): Plan {
  const same = (a: UnitKey, b: UnitKey): boolean =>
    a.symbol === b.symbol && a.sessionDate === b.sessionDate && a.kind === b.kind;
  return planDownload(request, {
    of: (key) => {
      const found = stored.find((each) => same(each, key));
      return found === undefined ? null : ({ isDone: true, tsNext: null, ...found } as UnitProgress);
    },
  });
}

function bars(date: string, more: Partial<UnitProgress> = {}): Stored {
  return { symbol: 'QQQ', sessionDate: date as SessionDate, kind: 'minute', ...more };
}

function shown({ bars: chunks }: Plan): unknown {
  return chunks.map((chunk) => [chunk.sessions.map((each) => each.sessionDate), chunk.from]);
}

describe('a plan of bars', () => {
  it('asks for sessions in a row at once, and for none that is done', () => {
    expect(shown(plan(requestOf()))).toEqual([[DATES, null]]);
    expect(shown(plan(requestOf(), bars('2025-10-07')))).toEqual([
      [['2025-10-06'], null],
      [['2025-10-08', '2025-10-09'], null],
    ]);
    expect(isComplete(plan(requestOf(), ...DATES.map((date) => bars(date))))).toBe(true);
  });

  it('goes on within a session that was begun', () => {
    const tsNext = addMs(midnightOf('2025-10-08' as SessionDate), 40_000_000);
    expect(shown(plan(requestOf(), bars('2025-10-08', { isDone: false, tsNext })))).toEqual([
      [['2025-10-06', '2025-10-07'], null],
      [['2025-10-08', '2025-10-09'], tsNext],
    ]);
  });

  it('of seconds asks for one session at a time', () => {
    expect(plan(requestOf({ span: 'second' })).bars).toHaveLength(4);
  });
});

describe('a plan of options', () => {
  const request = requestOf({ kinds: ['trades', 'quotes'], sessions: [session('2025-10-06')] });
  const listed = (strikes: number): Stored => ({
    ...bars('2025-10-06'),
    kind: 'contracts',
    strikes,
    contracts: [CALL, PUT],
  });
  const ticks = (symbol: OsiSymbol, kind: 'quotes' | 'trades', more: Partial<UnitProgress> = {}): Stored => ({
    symbol,
    sessionDate: '2025-10-06' as SessionDate,
    kind,
    ...more,
  });

  it('lists contracts where none or too few were chosen', () => {
    expect(plan(request, bars('2025-10-06')).chains).toMatchObject([{ units: null }]);
    expect(plan(request, bars('2025-10-06'), listed(4)).chains).toMatchObject([{ units: null }]);
    expect(plan(request, bars('2025-10-06'), listed(5)).chains[0]?.units).toHaveLength(4);
  });

  it('goes on within a contract, and ends when all are done', () => {
    const tsNext = addMs(midnightOf('2025-10-06' as SessionDate), 40_000_000);
    const done = [
      bars('2025-10-06'),
      listed(9),
      ticks(CALL, 'trades'),
      ticks(CALL, 'quotes'),
      ticks(PUT, 'trades'),
    ];
    const left = plan(request, ...done, ticks(PUT, 'quotes', { isDone: false, tsNext }));
    expect(left.chains[0]?.units).toMatchObject([{ symbol: PUT, kind: 'quotes', from: tsNext }]);
    expect(isComplete(plan(request, ...done, ticks(PUT, 'quotes')))).toBe(true);
  });
});

describe('an estimate', () => {
  const unknown = { samples: {}, perMinute: null };

  it('of minutes is a page for many sessions', () => {
    const expected = estimate(requestOf(), plan(requestOf()), unknown);
    expect(expected).toMatchObject({ requests: 1, rows: 3600, sampleSessions: 0 });
    expect(expected.seconds).toBeLessThan(5);
  });

  it('of options grows with strikes, and rests on what was downloaded before', () => {
    const request = requestOf({ kinds: ['trades', 'quotes'] });
    const stated = estimate(request, plan(request), unknown);
    expect(stated.rows).toBeGreaterThan(4 * 2 * 13 * 100_000);
    const of = (mean: number, sessions = 3): { mean: number; sessions: number } => ({ mean, sessions });
    const samples = { minute: of(800, 9), contracts: of(30), quotes: of(60_000), trades: of(1000) };
    const known = { samples, perMinute: null };
    const sampled = estimate(request, plan(request), known);
    expect(sampled).toMatchObject({
      rows: 4 * 800 + 4 * 30 * 61_000,
      requests: 1 + 4 + 4 * 30 * 2 + 4 * 30,
      sampleSessions: 3,
    });
    const { trades: _, ...fewer } = samples;
    expect(estimate(request, plan(request), { samples: fewer, perMinute: null }).sampleSessions).toBe(0);
  });

  it('takes the vendor’s pace into account', () => {
    const request = requestOf({ kinds: ['trades'] });
    const { requests, seconds } = estimate(request, plan(request), { ...unknown, perMinute: 5 });
    expect(seconds).toBeCloseTo((requests / 5) * 60);
  });
});
