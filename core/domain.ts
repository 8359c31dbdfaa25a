// The rows that cross the edge from vendors into the database, in the units of the tables they go to.
import type { EasternUs } from './eastern_time.ts';
import type { OsiSymbol } from './osi_symbol.ts';

/**
 * One print, or an aggregate over `span_ms`, of an equity or index: a row of market.equity_ticks before its ids are known.
 * Prices are integers in 1/10,000 dollar, vwap in 1/1,000,000 dollar, volume in 1/1,000,000 share.
 */
export interface EquityTick {
  readonly symbol: string;
  /** Vendor's time: the instant of a print, the START of an aggregate's span. */
  readonly ts_event: EasternUs;
  /** Nanoseconds (0-999) of the vendor's time below the microsecond. */
  readonly event_ns: number;
  /** Vendor sequence, or the ordinal among rows of the same instant; 0 for aggregates. */
  readonly seq: number;
  /** 0 for a print, else the length of the aggregate. */
  readonly span_ms: number;
  readonly open_e4: number;
  readonly high_e4: number;
  readonly low_e4: number;
  readonly close_e4: number;
  readonly vwap_e6: number;
  /** True where the source has no vwap and (high + low + close) / 3 stands in. */
  readonly vwap_is_typical: boolean;
  readonly volume_e6: number;
  readonly trade_count: number | null;
  /** When we received it. */
  readonly ts_recv: EasternUs;
}

/** One quote of an option: a row of market.option_quotes. A side that is absent is null; sizes are contracts. */
export interface OptionQuote {
  readonly symbol: OsiSymbol;
  readonly ts_event: EasternUs;
  readonly event_ns: number;
  readonly seq: number;
  readonly bid_px_e4: number | null;
  readonly ask_px_e4: number | null;
  readonly bid_sz: number | null;
  readonly ask_sz: number | null;
  readonly ts_recv: EasternUs;
}

/** One print of an option: a row of market.option_trades. */
export interface OptionTrade {
  readonly symbol: OsiSymbol;
  readonly ts_event: EasternUs;
  readonly event_ns: number;
  readonly seq: number;
  readonly px_e4: number;
  readonly sz: number;
  /** Vendor's condition codes, as sent. */
  readonly conditions: string | null;
  readonly ts_recv: EasternUs;
}

/** One contract of a chain snapshot: a row of market.option_snapshots. Implied volatility is a fraction (0.20 is 20 %). */
export interface OptionSnapshot {
  readonly symbol: OsiSymbol;
  readonly bid_px_e4: number | null;
  readonly ask_px_e4: number | null;
  readonly last_px_e4: number | null;
  readonly volume: number | null;
  readonly open_interest: number | null;
  readonly implied_volatility: number | null;
}

/** A whole chain at one instant: a row of market.chain_snapshots and its contracts. */
export interface ChainSnapshot {
  readonly underlying: string;
  readonly ts_event: EasternUs;
  readonly underlying_px_e4: number | null;
  readonly options: readonly OptionSnapshot[];
  readonly ts_recv: EasternUs;
}

/** A contract that a vendor lists on a day: a row of market.option_listings. The day is that of `ts_event`. */
export interface OptionListing {
  readonly symbol: OsiSymbol;
  readonly ts_event: EasternUs;
  readonly seq: 0;
  readonly ts_recv: EasternUs;
}

/** A figure that is published once a day: a row of market.option_statistics. The day is that of `ts_event`. */
export interface OptionStatistic extends OptionListing {
  readonly name: 'open_interest' | 'cleared_volume';
  /** Contracts. */
  readonly value: number;
}

/** A row that was not taken, for market.rejected_rows: where it stood, its text (cut to 500 characters) and why. */
export interface RejectedRow {
  readonly source: string;
  readonly line: number | null;
  readonly raw: string;
  readonly reason: string;
}

/** What a source's data is; every feed carries one of these, and every output of a run prints it. */
export type DataSource = 'recorded' | 'modelled' | 'simulated' | 'marks';
