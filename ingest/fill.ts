// What a stream missed, fetched by REST and stored beside what it brought: seconds or prints of equities, quotes and prints of options.
import type { Clock } from '../core/clock.ts';
import type { EquityTick, OptionQuote, OptionTrade, RejectedRow } from '../core/domain.ts';
import { addMs, type EasternUs, epochMsFromEastern, formatEastern } from '../core/eastern_time.ts';
import { type OsiSymbol, toMassive } from '../core/osi_symbol.ts';
import { faultPoint } from './fault_point.ts';
import type { DataRange } from './gap_ledger.ts';
import { optionPrintRow, printRow, quoteRow, secondRow } from './massive/fill_rows.ts';
import type { Ordinals } from './massive/ordinals.ts';
import { rejectedRow } from './massive/rejected.ts';
import type { SaleRules } from './massive/sale_conditions.ts';
import { followPages } from './massive_history/pages.ts';
import type { PageQuery, RestClient } from './massive_history/rest_client.ts';
import type { StreamWriter } from './stream_writer.ts';

export interface FillParts {
  readonly rest: RestClient;
  readonly writer: StreamWriter;
  readonly clock: Clock;
}

/** Fills a range of event time; gives the number of rows that were new. Throws a Failure where the vendor refuses. */
export type Fill = (range: DataRange, signal: AbortSignal) => Promise<number>;

// Small enough that the live rows behind a page need not wait for long.
const PAGE_ROWS = 10_000;
const BARS_A_PAGE = 50_000;
const WORKERS = 4;
// The vendor may round a time where its websocket cuts it: what is known is looked for a little around.
const AROUND_MS = 1000;

/** Fills aggregates of a second. */
export function fillSeconds(parts: FillParts, symbols: readonly string[]): Fill {
  return async (range, signal) => {
    let inserted = 0;
    for (const symbol of symbols) {
      const query = barQuery(symbol, range);
      for await (const { results } of followPages(parts.rest, query, signal)) {
        const rows = split(results, 'massive:aggs', (result) => secondRow(result, symbol, parts.clock.now()));
        inserted += await store(parts, { ticks: within(rows.taken, range), rejected: rows.rejected });
      }
    }
    return inserted;
  };
}

/** Fills prints of equities. */
export function fillPrints(parts: FillParts, symbols: readonly string[], rules: SaleRules): Fill {
  return async (range, signal) => {
    let inserted = 0;
    for (const symbol of symbols) {
      const known = await knownSequences(parts.writer, 'market.equity_ticks', symbol, range);
      const ordinals: Ordinals = new Map();
      for await (const { results } of followPages(parts.rest, tickQuery('trades', symbol, range), signal)) {
        const at = { tsRecv: parts.clock.now(), ordinals, rules };
        const rows = split(results, 'massive:trades', (result) => printRow(result, symbol, at));
        const ticks = rows.taken.filter((row) => !known.has(row.seq));
        inserted += await store(parts, { ticks, rejected: rows.rejected });
      }
    }
    return inserted;
  };
}

/** Fills quotes and prints of the contracts that `contractsOf` names for a range. */
export function fillOptions(
  parts: FillParts,
  contractsOf: (range: DataRange) => Promise<readonly OsiSymbol[]>,
): Fill {
  return async (range, signal) => {
    const waiting = [...(await contractsOf(range))];
    let inserted = 0;
    const work = async (): Promise<void> => {
      for (let symbol = waiting.shift(); symbol !== undefined; symbol = waiting.shift()) {
        inserted += await fillQuotes(parts, symbol, range, signal);
        inserted += await fillOptionPrints(parts, symbol, range, signal);
        faultPoint('in_fill');
      }
    };
    await Promise.all(Array.from({ length: WORKERS }, work));
    return inserted;
  };
}

async function fillQuotes(
  parts: FillParts,
  symbol: OsiSymbol,
  range: DataRange,
  signal: AbortSignal,
): Promise<number> {
  const known = await knownSequences(parts.writer, 'market.option_quotes', symbol, range);
  const ordinals: Ordinals = new Map();
  let inserted = 0;
  for await (const { results } of followPages(
    parts.rest,
    tickQuery('quotes', toMassive(symbol), range),
    signal,
  )) {
    const at = { tsRecv: parts.clock.now(), ordinals };
    const rows = split(results, 'massive:quotes', (result) => quoteRow(result, symbol, at));
    const quotes = rows.taken.filter((row) => !known.has(row.seq));
    inserted += await store(parts, { quotes, rejected: rows.rejected });
  }
  return inserted;
}

async function fillOptionPrints(
  parts: FillParts,
  symbol: OsiSymbol,
  range: DataRange,
  signal: AbortSignal,
): Promise<number> {
  const known = await knownPrints(parts.writer, symbol, range);
  const ordinals: Ordinals = new Map();
  let inserted = 0;
  for await (const { results } of followPages(
    parts.rest,
    tickQuery('trades', toMassive(symbol), range),
    signal,
  )) {
    const at = { tsRecv: parts.clock.now(), ordinals };
    const rows = split(results, 'massive:trades', (result) => optionPrintRow(result, symbol, at));
    const trades = rows.taken.filter((row) => !known.takes(row));
    inserted += await store(parts, { trades, rejected: rows.rejected });
  }
  return inserted;
}

function tickQuery(kind: 'trades' | 'quotes', ticker: string, { from, to }: DataRange): PageQuery {
  const search = {
    'timestamp.gte': nanoseconds(from),
    'timestamp.lt': nanoseconds(to),
    order: 'asc',
    sort: 'timestamp',
    limit: String(PAGE_ROWS),
  };
  return { path: `/v3/${kind}/${ticker}`, search, asked: { kind, ticker } };
}

function barQuery(ticker: string, { from, to }: DataRange): PageQuery {
  // Both ends are inclusive.
  const range = `${Math.floor(epochMsFromEastern(from))}/${Math.ceil(epochMsFromEastern(to)) - 1}`;
  const search = { adjusted: 'false', sort: 'asc', limit: String(BARS_A_PAGE) };
  return {
    path: `/v2/aggs/ticker/${ticker}/range/1/second/${range}`,
    search,
    asked: { kind: 'second', ticker },
  };
}

function nanoseconds(us: EasternUs): string {
  return `${Math.round(epochMsFromEastern(us) * 1000)}000`;
}

function within(rows: readonly EquityTick[], { from, to }: DataRange): EquityTick[] {
  return rows.filter((row) => row.ts_event >= from && row.ts_event < to);
}

interface Split<Row> {
  readonly taken: Row[];
  readonly rejected: RejectedRow[];
}

function split<Row>(
  results: readonly unknown[],
  source: string,
  toRow: (result: unknown) => Row | string,
): Split<Row> {
  const taken: Row[] = [];
  const rejected: RejectedRow[] = [];
  for (const result of results) {
    const row = toRow(result);
    if (typeof row === 'string') rejected.push(rejectedRow(result, row, source));
    else taken.push(row);
  }
  return { taken, rejected };
}

interface Filled {
  readonly ticks?: readonly EquityTick[];
  readonly quotes?: readonly OptionQuote[];
  readonly trades?: readonly OptionTrade[];
  readonly rejected: readonly RejectedRow[];
}

// The mark is the stream's own: rows from elsewhere do not move it.
async function store({ writer, clock }: FillParts, rows: Filled): Promise<number> {
  const batch = { ticks: [], quotes: [], trades: [], ...rows };
  if (batch.ticks.length + batch.quotes.length + batch.trades.length + rows.rejected.length === 0) return 0;
  const { inserted } = await writer.write({ ...batch, completeTo: null, receivedAt: clock.now() });
  return inserted;
}

type SequencedTable = 'market.equity_ticks' | 'market.option_quotes';

/** Sequence numbers, unique for a symbol and day, that are stored already. */
async function knownSequences(
  writer: StreamWriter,
  table: SequencedTable,
  symbol: string,
  range: DataRange,
): Promise<ReadonlySet<number>> {
  const rows = await writer.query<{ seq: number }>(
    `select t.seq from ${table} t join ref.instruments i on i.instrument_id = t.instrument_id
     where i.symbol = $1 and t.feed_id = $2 and t.ts_event >= $3 and t.ts_event < $4`,
    [symbol, writer.feedId, ...around(range)],
  );
  return new Set(rows.map((row) => row.seq));
}

interface KnownPrints {
  /** True if the print is stored already; of several alike each counts once. */
  takes(row: OptionTrade): boolean;
}

// REST numbers no option print: it is known by its time, price and size.
async function knownPrints(writer: StreamWriter, symbol: OsiSymbol, range: DataRange): Promise<KnownPrints> {
  const rows = await writer.query<{ ms: number; px_e4: number; sz: number }>(
    `select (extract(epoch from t.ts_event) * 1000)::bigint as ms, t.px_e4, t.sz
     from market.option_trades t join ref.instruments i on i.instrument_id = t.instrument_id
     where i.symbol = $1 and t.feed_id = $2 and t.ts_event >= $3 and t.ts_event < $4`,
    [symbol, writer.feedId, ...around(range)],
  );
  const counts = new Map<string, number>();
  for (const { ms, px_e4, sz } of rows) {
    const key = `${ms} ${px_e4} ${sz}`;
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  return {
    takes: ({ ts_event, px_e4, sz }) => {
      const key = `${ts_event / 1000} ${px_e4} ${sz}`;
      const left = counts.get(key) ?? 0;
      counts.set(key, left - 1);
      return left > 0;
    },
  };
}

function around({ from, to }: DataRange): [string, string] {
  return [formatEastern(addMs(from, -AROUND_MS)), formatEastern(addMs(to, AROUND_MS))];
}
