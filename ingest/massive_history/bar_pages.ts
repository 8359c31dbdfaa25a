// Bars of the underlying: one query for many sessions, whose pages are taken apart by session.
import type { EquityTick, RejectedRow } from '../../core/domain.ts';
import { addMs, dateOf, type EasternUs, midnightOf, type SessionDate } from '../../core/eastern_time.ts';
import { Failure } from '../../core/failure.ts';
import { rejectedRow } from '../massive/rejected.ts';
import { SPAN_MS } from './history_feeds.ts';
import type { Page } from './page.ts';
import type { BarChunk, HistoryRequest } from './plan.ts';
import type { PageQuery } from './rest_client.ts';
import { barRow, epochMsText } from './rows.ts';
import type { HistorySession } from './sessions.ts';
import type { Part } from './store.ts';

const PAGE_ROWS = 50_000;
const DAY_MS = 86_400_000;

/** The vendor's ticker of an underlying. */
export function tickerOf({ symbol, isIndex }: Pick<HistoryRequest, 'symbol' | 'isIndex'>): string {
  return isIndex ? `I:${symbol}` : symbol;
}

/** The query of a chunk: unadjusted, since strikes are not adjusted either; both ends are inclusive. */
export function barQuery(request: HistoryRequest, chunk: BarChunk): PageQuery {
  const { span } = request;
  const first = chunk.sessions[0] as HistorySession;
  const last = chunk.sessions.at(-1) as HistorySession;
  const from = epochMsText(chunk.from ?? midnightOf(first.sessionDate));
  const to = epochMsText(addMs(midnightOf(last.sessionDate), DAY_MS - 1));
  const ticker = tickerOf(request);
  return {
    path: `/v2/aggs/ticker/${ticker}/range/1/${span}/${from}/${to}`,
    search: { adjusted: 'false', sort: 'asc', limit: String(PAGE_ROWS) },
    asked: { kind: span, ticker },
  };
}

export interface BarReader {
  /** The parts of a page, one for each session that it touches; sessions that it leaves behind are done. */
  read(page: Page, tsRecv: EasternUs): readonly Part[];
  /** Sessions of which there was not one bar, now or before. */
  empty(): readonly SessionDate[];
}

/** A reader of a chunk's pages, in their order. */
export function barReader(request: HistoryRequest, chunk: BarChunk): BarReader {
  const { symbol, span, isIndex } = request;
  const spanMs = SPAN_MS[span];
  const dates = chunk.sessions.map((session) => session.sessionDate);
  // A session that was begun before has bars already.
  const withBars = new Set<SessionDate>(chunk.from === null ? [] : dates.slice(0, 1));
  const done = new Set<SessionDate>();
  let last = chunk.from ?? Number.NEGATIVE_INFINITY;

  function take(
    page: Page,
    tsRecv: EasternUs,
  ): Map<SessionDate, { ticks: EquityTick[]; rejected: RejectedRow[] }> {
    const bySession = new Map<SessionDate, { ticks: EquityTick[]; rejected: RejectedRow[] }>();
    let current = dates.find((date) => !done.has(date)) as SessionDate;
    for (const result of page.results) {
      const row = barRow(result, { symbol, spanMs, isIndex, tsRecv });
      const date = typeof row === 'string' ? null : dateOf(row.ts_event);
      if (date !== null && dates.includes(date)) current = date;
      const part = bySession.get(current) ?? { ticks: [], rejected: [] };
      bySession.set(current, part);
      const reason =
        typeof row === 'string' ? row : date === current ? null : 'a bar on a day that was not asked for';
      if (reason !== null) part.rejected.push(rejectedRow(result, reason, `massive:${span} ${symbol}`));
      else if (typeof row !== 'string') {
        if (row.ts_event < last) throw outOfOrder(tickerOf(request));
        last = row.ts_event;
        part.ticks.push(row);
      }
    }
    return bySession;
  }

  function isLeft(date: SessionDate, current: SessionDate | null, isLastPage: boolean): boolean {
    return withBars.has(date) && !done.has(date) && (isLastPage || (current !== null && date < current));
  }

  return {
    read(page, tsRecv) {
      const bySession = take(page, tsRecv);
      for (const [date, { ticks }] of bySession) if (ticks.length > 0) withBars.add(date);
      const current = [...bySession].findLast(([, { ticks }]) => ticks.length > 0)?.[0] ?? null;
      const isLastPage = page.nextUrl === null;
      const touched = dates.filter((date) => bySession.has(date) || isLeft(date, current, isLastPage));
      const lastTouched = touched.at(-1);
      return touched.map((sessionDate) => {
        const { ticks = [], rejected = [] } = bySession.get(sessionDate) ?? {};
        const isDone = isLeft(sessionDate, current, isLastPage);
        if (isDone) done.add(sessionDate);
        const end = ticks.at(-1);
        const tsNext = end === undefined ? null : addMs(end.ts_event, spanMs);
        const pages = sessionDate === lastTouched ? 1 : 0;
        const step = { symbol, sessionDate, kind: span, isDone, tsNext, pages };
        return { step, feed: request.feeds.bars[span], ticks, quotes: [], trades: [], rejected };
      });
    },
    empty: () => dates.filter((date) => !withBars.has(date)),
  };
}

/** The vendor was asked for ascending time, on which going on after a break rests. */
export function outOfOrder(ticker: string): Failure {
  return new Failure(`Massive's answer about ${ticker} is not in the order of time`, {
    hint: 'Nothing of this page was stored. Please report it: going on after a break needs that order.',
  });
}
