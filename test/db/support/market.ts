// Market rows for tests: feeds of their own, ticks and quotes written by the COPY that the ingesters use.
import type pg from 'pg';
import type { EquityTick, OptionQuote } from '../../../core/domain.ts';
import { addMs, type EasternUs, parseEastern } from '../../../core/eastern_time.ts';
import { formatOsi, type OsiSymbol } from '../../../core/osi_symbol.ts';
import { CopyBuffer, copyMerging } from '../../../db/copy.ts';
import { inTransaction } from '../../../db/pool.ts';
import { instrumentCache } from '../../../ingest/instruments.ts';
import { equityTicks, optionQuotes } from '../../../ingest/tables.ts';

/** A tick feed and a quote feed that nothing else writes to. */
export interface Market {
  readonly client: pg.Client;
  readonly tickFeed: string;
  readonly quoteFeed: string;
  readonly tickFeedId: number;
  readonly quoteFeedId: number;
}

export interface MarketOptions {
  /** `span_ms` of the tick feed; default 60,000. */
  readonly spanMs?: number;
  /** `stale_after_ms` of the quote feed; default 90,000. */
  readonly staleAfterMs?: number;
}

let markets = 0;

/** A time that a test writes as text. */
export function eastern(text: string): EasternUs {
  const us = parseEastern(text);
  if (us === null) throw new Error(`not a time: ${text}`);
  return us;
}

/** Dollars as an integer in 1/10,000. */
export function e4(dollars: number): number {
  return Math.round(dollars * 10_000);
}

export async function createMarket(client: pg.Client, options: MarketOptions = {}): Promise<Market> {
  markets += 1;
  const [tickFeed, quoteFeed] = [`ticks-${markets}`, `quotes-${markets}`];
  const { spanMs = 60_000, staleAfterMs = 90_000 } = options;
  await client.query("select ref.instrument_ids('{QQQ}', 'equity')");
  const { rows } = await client.query<{ ticks: number; quotes: number }>(
    `select ref.feed_id($1, 'equity', $2, 'simulated', 90000) as ticks, ref.feed_id($3, 'option', 0, 'simulated', $4) as quotes`,
    [tickFeed, spanMs, quoteFeed, staleAfterMs],
  );
  const [ids] = rows;
  if (ids === undefined) throw new Error('no feed ids');
  return { client, tickFeed, quoteFeed, tickFeedId: ids.ticks, quoteFeedId: ids.quotes };
}

/** The OSI symbol of `P600` (or `C602.5`) that expires on a date. */
export function contract(label: string, expiration: string, root = 'QQQ'): OsiSymbol {
  const option_kind = label.startsWith('C') ? 'call' : 'put';
  return formatOsi({ root, expiration, option_kind, strike_e4: e4(Number(label.slice(1))) });
}

/** Lists contracts, so that the rules may choose them. */
export async function listContracts(client: pg.Client, symbols: readonly string[]): Promise<void> {
  await client.query("select ref.instrument_ids($1, 'option')", [symbols]);
}

/** A row of market.equity_ticks with what a test leaves out filled in; it is received when its span is over. */
export function tick(row: Partial<EquityTick> & { ts_event: EasternUs; close_e4: number }): EquityTick {
  const span_ms = row.span_ms ?? 60_000;
  const { close_e4 } = row;
  return {
    symbol: 'QQQ',
    event_ns: 0,
    seq: 0,
    span_ms,
    open_e4: close_e4,
    high_e4: close_e4,
    low_e4: close_e4,
    vwap_e6: close_e4 * 100,
    vwap_is_typical: false,
    volume_e6: 1_000_000_000,
    trade_count: 10,
    ts_recv: addMs(row.ts_event, span_ms),
    ...row,
  };
}

export interface Loaded {
  readonly inserted: number;
  readonly duplicate: number;
}

/** Stores ticks; rows that are there already are left as they are and counted. */
export async function addTicks(market: Market, ticks: readonly EquityTick[]): Promise<Loaded> {
  const { client, tickFeedId: feed_id } = market;
  const instruments = instrumentCache();
  await instruments.resolve(
    client,
    ticks.map((row) => row.symbol),
    'equity',
  );
  const keyed = ticks.map((row) => ({ instrument_id: instruments.id(row.symbol), feed_id, row }));
  return inTransaction(client, () => copyMerging(client, equityTicks, keyed, new CopyBuffer()));
}

/** Stores quotes and lists their contracts. */
export async function addQuotes(market: Market, quotes: readonly OptionQuote[]): Promise<Loaded> {
  const { client, quoteFeedId: feed_id } = market;
  const instruments = instrumentCache();
  await instruments.resolve(
    client,
    quotes.map((row) => row.symbol),
    'option',
  );
  const keyed = quotes.map((row) => ({ instrument_id: instruments.id(row.symbol), feed_id, row }));
  return inTransaction(client, () => copyMerging(client, optionQuotes, keyed, new CopyBuffer()));
}
