// What the tests of downloads into a database share: a vendor, connections, feeds of each test's own, and the comparison.
import type pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, expect } from 'vitest';
import { systemClock } from '../../../core/clock.ts';
import { parseEastern, type SessionDate } from '../../../core/eastern_time.ts';
import { connect } from '../../../db/pool.ts';
import { type DownloadResult, download } from '../../../ingest/massive_history/download.ts';
import { historyFeeds } from '../../../ingest/massive_history/history_feeds.ts';
import type { HistoryRequest } from '../../../ingest/massive_history/plan.ts';
import { createRestClient } from '../../../ingest/massive_history/rest_client.ts';
import { loadCalendar } from '../../../ingest/massive_history/sessions.ts';
import { createTally, type KindCounts } from '../../../ingest/massive_history/tally.ts';
import { type TestDatabase, useDatabase } from '../../harness.ts';
import { expectedQuotes, expectedTrades, fullDay, type HistoryMarket, marketBars, osiOf } from './market.ts';
import { API_KEY, startVendor, type Vendor } from './vendor.ts';

/** Thanksgiving lies in it, and a half day ends it. */
export const MARKET: HistoryMarket = {
  underlying: 'QQQ',
  sessions: [
    fullDay('2025-11-25', 5),
    fullDay('2025-11-26', 5),
    { ...fullDay('2025-11-28', 5), close: '13:00' },
  ],
  today: '2026-01-05',
  quotes: 250,
  trades: 130,
  price: 600,
  reach: 12,
};

export interface Wanted {
  readonly symbol?: string;
  readonly from?: string;
  readonly to?: string;
  readonly span?: HistoryRequest['span'];
  readonly kinds?: HistoryRequest['kinds'];
  readonly strikes?: number;
  readonly isIndex?: boolean;
}

export interface Done extends DownloadResult {
  readonly counts: Readonly<Record<string, KindCounts>>;
}

export interface Where {
  /** Address and key of the vendor; default the bench's own. */
  readonly restUrl?: string;
  readonly writer?: pg.Client;
  readonly signal?: AbortSignal;
}

export interface DownloadBench {
  readonly db: TestDatabase;
  vendor(): Vendor;
  /** Of ingest_writer. */
  writer(): pg.Client;
  owner(): pg.Client;
  /** Beginning of the names of the test's own feeds: tests do not see each other's rows. */
  feeds(): string;
  requestOf(wanted?: Wanted): Promise<HistoryRequest>;
  take(request: HistoryRequest, where?: Where): Promise<Done>;
  /** First columns of a query, as text, with the feeds' beginning as $1 where it has one. */
  texts(sql: string): Promise<string[]>;
  /** Numbers of rows under the test's feeds, and the progress' own count of them. */
  stored(): Promise<Readonly<Record<string, number>>>;
  /** Tickers of the contracts that were downloaded. */
  chosen(): Promise<string[]>;
  /** Compares every row of every chosen contract with the market's first `sessions`, and all counts. */
  expectExactly(kinds: HistoryRequest['kinds'], sessions?: number): Promise<void>;
}

const STORED = `
  with f as (select feed_id from ref.feeds where starts_with(name, $1 || '-'))
  select
    (select count(*)::integer from market.equity_ticks join f using (feed_id)) as bars,
    (select count(*)::integer from market.option_quotes join f using (feed_id)) as quotes,
    (select count(*)::integer from market.option_trades join f using (feed_id)) as trades,
    (select coalesce(sum(rows_in), 0)::integer from ops.downloads where feeds = $1 and kind <> 'contracts') as counted,
    (select count(*)::integer from ops.downloads where feeds = $1 and ts_done is null) as begun,
    (select count(*)::integer from ops.downloads where feeds = $1 and ts_done is not null) as done`;

const QUOTES = `
  select concat_ws('|', to_char(q.ts_event, 'YYYY-MM-DD HH24:MI:SS.US'), q.event_ns, q.seq, coalesce(q.bid_px_e4::text, ''),
    q.ask_px_e4, coalesce(q.bid_sz::text, ''), q.ask_sz)
  from market.option_quotes q join ref.instruments i using (instrument_id) join ref.feeds f using (feed_id)
  where i.symbol = $2 and f.name = $1 || '-options' order by q.ts_event, q.seq`;

const TRADES = `
  select concat_ws('|', to_char(t.ts_event, 'YYYY-MM-DD HH24:MI:SS.US'), t.event_ns, t.seq, t.px_e4, t.sz, t.conditions)
  from market.option_trades t join ref.instruments i using (instrument_id) join ref.feeds f using (feed_id)
  where i.symbol = $2 and f.name = $1 || '-options' order by t.ts_event, t.seq`;

const CHOSEN =
  "select distinct symbol from ops.downloads where feeds = $1 and kind in ('quotes', 'trades') order by 1";
const NOW = parseEastern('2026-01-05 12:00:00') ?? Number.NaN;
const QUICK = { firstWaitMs: 1, maxWaitMs: 4, limitWaitMs: 1 };

/** Call once at the top of a test file. */
export function useDownloads(): DownloadBench {
  const db = useDatabase();
  const open = new Map<'writer' | 'owner', pg.Client>();
  let vendor: Vendor | null = null;
  let series = 0;

  beforeAll(async () => {
    open.set('writer', await connect({ url: db.url(), role: 'ingest_writer', name: 'test writer' }));
    open.set('owner', await connect({ url: db.url(), role: 'owner', name: 'test owner' }));
  });
  afterAll(async () => {
    for (const client of open.values()) await client.end();
  });
  beforeEach(async () => {
    vendor = await startVendor(MARKET);
    vendor.pageRows = 100;
    series += 1;
  });
  afterEach(() => vendor?.stop());

  const feeds = (): string => `t${series}`;
  const client = (of: 'writer' | 'owner'): pg.Client => open.get(of) as pg.Client;
  const rows = async (sql: string, ...more: readonly string[]): Promise<string[]> => {
    const values = sql.includes('$1') ? [feeds(), ...more] : [];
    const result = await db.pool().query<Record<string, string>>(sql, values);
    return result.rows.map((row) => String(Object.values(row)[0]));
  };

  async function take(request: HistoryRequest, where: Where = {}): Promise<Done> {
    const { restUrl = vendor?.url ?? '', writer = client('writer') } = where;
    const clock = systemClock();
    const rest = createRestClient({ restUrl, apiKey: API_KEY, perMinute: null, clock, timing: QUICK });
    const tally = createTally();
    const { signal = new AbortController().signal } = where;
    const result = await download({ request, rest, writer, owner: client('owner'), clock, tally, signal });
    return { ...result, counts: Object.fromEntries(tally.kinds()) };
  }

  async function chosen(): Promise<string[]> {
    return (await rows(CHOSEN)).map((symbol) => `O:${symbol.replaceAll(' ', '')}`);
  }

  async function stored(): Promise<Readonly<Record<string, number>>> {
    return (await db.pool().query(STORED, [feeds()])).rows[0];
  }

  return {
    ...{ db, feeds, take, chosen, stored, texts: rows },
    vendor: () => vendor as Vendor,
    writer: () => client('writer'),
    owner: () => client('owner'),
    async requestOf(wanted = {}) {
      const { from = '2025-11-25', to = '2025-11-28' } = wanted;
      const range = { from: from as SessionDate, to: to as SessionDate };
      const { sessions } = await loadCalendar(
        client('writer'),
        range,
        NOW as Parameters<typeof loadCalendar>[2],
      );
      const { symbol = 'QQQ', span = 'minute', kinds = [], strikes = 3, isIndex = false } = wanted;
      return {
        symbol,
        span,
        kinds,
        strikes,
        isIndex,
        sessions,
        feeds: historyFeeds('http://127.0.0.1', feeds()),
      };
    },
    async expectExactly(kinds, sessions = MARKET.sessions.length) {
      const tickers = await chosen();
      const [hasQuotes, hasTrades] = [kinds.includes('quotes'), kinds.includes('trades')];
      for (const ticker of tickers) {
        if (hasQuotes) expect(await rows(QUOTES, osiOf(ticker))).toEqual(expectedQuotes(MARKET, ticker));
        if (hasTrades) expect(await rows(TRADES, osiOf(ticker))).toEqual(expectedTrades(MARKET, ticker));
      }
      const market = { ...MARKET, sessions: MARKET.sessions.slice(0, sessions) };
      const bars = marketBars(market, 'QQQ', 60_000).length;
      const quotes = hasQuotes ? tickers.length * MARKET.quotes : 0;
      const trades = hasTrades ? tickers.length * MARKET.trades : 0;
      const done = 2 * sessions + tickers.length * kinds.length;
      expect(await stored()).toEqual({
        bars,
        quotes,
        trades,
        counted: bars + quotes + trades,
        begun: 0,
        done,
      });
    },
  };
}
