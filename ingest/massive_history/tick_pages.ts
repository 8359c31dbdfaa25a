// Quotes and trades of one option contract in one session.
import type { OptionQuote, OptionTrade, RejectedRow } from '../../core/domain.ts';
import type { EasternUs } from '../../core/eastern_time.ts';
import { toMassive } from '../../core/osi_symbol.ts';
import { rejectedRow } from '../massive/rejected.ts';
import { outOfOrder } from './bar_pages.ts';
import type { Page } from './page.ts';
import type { HistoryRequest, TickUnit } from './plan.ts';
import type { PageQuery } from './rest_client.ts';
import { epochNsText, quoteMapper, type TickMapper, tradeMapper } from './rows.ts';
import type { Part } from './store.ts';

const PAGE_ROWS = 50_000;

/** The query of a unit, over the hours in which its options trade. */
export function tickQuery({ symbol, session, kind, from }: TickUnit): PageQuery {
  const ticker = toMassive(symbol);
  return {
    path: `/v3/${kind}/${ticker}`,
    search: {
      'timestamp.gte': epochNsText(from ?? session.tsOpen),
      'timestamp.lt': epochNsText(session.tsOptionClose),
      order: 'asc',
      sort: 'timestamp',
      limit: String(PAGE_ROWS),
    },
    asked: { kind, ticker },
  };
}

/** A reader of a unit's pages, in their order: each becomes one part. Throws Failure where time goes backwards. */
export function tickReader(request: HistoryRequest, unit: TickUnit): (page: Page, tsRecv: EasternUs) => Part {
  const { symbol, session, kind } = unit;
  const quotes = reader<OptionQuote>(unit, quoteMapper(symbol));
  const trades = reader<OptionTrade>(unit, tradeMapper(symbol));
  return (page, tsRecv) => {
    const rejected: RejectedRow[] = [];
    const rows = {
      quotes: kind === 'quotes' ? quotes(page.results, tsRecv, rejected) : [],
      trades: kind === 'trades' ? trades(page.results, tsRecv, rejected) : [],
    };
    // Inclusive, and without its nanoseconds: the instant at which a page ends may go on, and is asked for as a whole.
    const tsNext = (rows.quotes.at(-1) ?? rows.trades.at(-1))?.ts_event ?? null;
    const isDone = page.nextUrl === null;
    const step = { symbol, sessionDate: session.sessionDate, kind, isDone, tsNext, pages: 1 };
    return { step, feed: request.feeds.options, ticks: [], rejected, ...rows };
  };
}

function reader<Row extends { readonly ts_event: EasternUs }>(
  { symbol, session, kind }: TickUnit,
  map: TickMapper<Row>,
): (results: readonly unknown[], tsRecv: EasternUs, rejected: RejectedRow[]) => Row[] {
  const source = `massive:${kind} ${toMassive(symbol)}`;
  let last = '';
  return (results, tsRecv, rejected) => {
    const rows: Row[] = [];
    for (const result of results) {
      const mapped = map(result, tsRecv);
      const reason =
        typeof mapped === 'string'
          ? mapped
          : mapped.row.ts_event >= session.tsOpen && mapped.row.ts_event < session.tsOptionClose
            ? null
            : 'outside the hours that were asked for';
      if (reason !== null) rejected.push(rejectedRow(result, reason, source));
      else if (typeof mapped !== 'string') {
        // All have 19 digits.
        if (mapped.epochNs < last) throw outOfOrder(toMassive(symbol));
        last = mapped.epochNs;
        rows.push(mapped.row);
      }
    }
    return rows;
  };
}
