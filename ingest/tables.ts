// Which columns the rows of the market tables have, and in which order their binary COPY carries them.
import type { EquityTick, OptionListing, OptionQuote, OptionStatistic, OptionTrade } from '../core/domain.ts';
import type { CopyBuffer, CopyTable } from '../db/copy.ts';

/** A row with the ids that the database knows it by. */
export interface Keyed<Row> {
  /** Null as long as only the symbol is known. */
  readonly instrument_id: number | null;
  readonly feed_id: number;
  readonly row: Row;
}

/** The same table for rows without ids. Those of symbols that have none yet are left to `fillIn`. */
export function keyedBy<Row extends { readonly symbol: string }>(
  table: CopyTable<Keyed<Row>>,
  ids: { readonly feedId: number; readonly find: (symbol: string) => number | null },
): CopyTable<Row> {
  return {
    ...table,
    write: (buffer, row) =>
      table.write(buffer, { instrument_id: ids.find(row.symbol), feed_id: ids.feedId, row }),
  };
}

function writeInstrument(buffer: CopyBuffer, keyed: Keyed<{ readonly symbol: string }>): void {
  if (keyed.instrument_id === null) buffer.int4Of(keyed.row.symbol);
  else buffer.int4(keyed.instrument_id);
}

const KEY_BYTES = 4 + 2 + 8 + 8 + 2;

function writeKey(
  buffer: CopyBuffer,
  keyed: Keyed<{
    readonly symbol: string;
    readonly ts_event: EquityTick['ts_event'];
    readonly seq: number;
    readonly event_ns: number;
  }>,
): void {
  writeInstrument(buffer, keyed);
  buffer.int2(keyed.feed_id);
  buffer.timestamp(keyed.row.ts_event);
  buffer.int8(keyed.row.seq);
  buffer.int2(keyed.row.event_ns);
}

export const equityTicks: CopyTable<Keyed<EquityTick>> = {
  name: 'market.equity_ticks',
  columns:
    'instrument_id, feed_id, ts_event, seq, event_ns, span_ms, open_e4, high_e4, low_e4, close_e4, vwap_e6, vwap_is_typical, ' +
    'volume_e6, trade_count, ts_recv',
  write(buffer, keyed) {
    const { row } = keyed;
    buffer.counts.add(keyed.instrument_id ?? row.symbol, keyed.feed_id, row.ts_event);
    buffer.row(15, KEY_BYTES + 60);
    writeKey(buffer, keyed);
    buffer.int4(row.span_ms);
    buffer.int4(row.open_e4);
    buffer.int4(row.high_e4);
    buffer.int4(row.low_e4);
    buffer.int4(row.close_e4);
    buffer.int8(row.vwap_e6);
    buffer.bool(row.vwap_is_typical);
    buffer.int8(row.volume_e6);
    buffer.int4(row.trade_count);
    buffer.timestamp(row.ts_recv);
  },
};

export const dailyBars: CopyTable<Keyed<EquityTick>> = {
  name: 'market.daily_bars',
  columns: 'instrument_id, feed_id, bar_date, open_e4, high_e4, low_e4, close_e4, volume_e6, ts_recv',
  write(buffer, keyed) {
    const { feed_id, row } = keyed;
    buffer.row(9, 60);
    writeInstrument(buffer, keyed);
    buffer.int2(feed_id);
    buffer.date(row.ts_event);
    buffer.int4(row.open_e4);
    buffer.int4(row.high_e4);
    buffer.int4(row.low_e4);
    buffer.int4(row.close_e4);
    buffer.int8(row.volume_e6);
    buffer.timestamp(row.ts_recv);
  },
};

export const optionQuotes: CopyTable<Keyed<OptionQuote>> = {
  name: 'market.option_quotes',
  columns: 'instrument_id, feed_id, ts_event, seq, event_ns, bid_px_e4, ask_px_e4, bid_sz, ask_sz, ts_recv',
  write(buffer, keyed) {
    const { row } = keyed;
    buffer.row(10, KEY_BYTES + 24);
    writeKey(buffer, keyed);
    buffer.int4(row.bid_px_e4);
    buffer.int4(row.ask_px_e4);
    buffer.int4(row.bid_sz);
    buffer.int4(row.ask_sz);
    buffer.timestamp(row.ts_recv);
  },
};

export const optionTrades: CopyTable<Keyed<OptionTrade>> = {
  name: 'market.option_trades',
  columns: 'instrument_id, feed_id, ts_event, seq, event_ns, px_e4, sz, conditions, ts_recv',
  write(buffer, keyed) {
    const { row } = keyed;
    buffer.row(9, KEY_BYTES + 24);
    writeKey(buffer, keyed);
    buffer.int4(row.px_e4);
    buffer.int4(row.sz);
    buffer.text(row.conditions);
    buffer.timestamp(row.ts_recv);
  },
};

const LISTING_KEY = 'instrument_id, feed_id, session_date';
const LISTING_BYTES = 4 + 2 + 4 + 8 + 8;

export const optionListings: CopyTable<Keyed<OptionListing>> = {
  name: 'market.option_listings',
  columns: `${LISTING_KEY}, ts_event, ts_recv`,
  write(buffer, keyed) {
    const { feed_id, row } = keyed;
    buffer.row(5, LISTING_BYTES);
    writeInstrument(buffer, keyed);
    buffer.int2(feed_id);
    buffer.date(row.ts_event);
    buffer.timestamp(row.ts_event);
    buffer.timestamp(row.ts_recv);
  },
};

export const optionStatistics: CopyTable<Keyed<OptionStatistic>> = {
  name: 'market.option_statistics',
  columns: `${LISTING_KEY}, name, value, ts_event, ts_recv`,
  write(buffer, keyed) {
    const { feed_id, row } = keyed;
    buffer.row(7, LISTING_BYTES + 28);
    writeInstrument(buffer, keyed);
    buffer.int2(feed_id);
    buffer.date(row.ts_event);
    buffer.text(row.name);
    buffer.int8(row.value);
    buffer.timestamp(row.ts_event);
    buffer.timestamp(row.ts_recv);
  },
};
