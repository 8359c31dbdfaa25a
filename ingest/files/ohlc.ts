// What open, high, low and close must be among themselves, and the average price of a bar that has no vwap.
import { formatScaled } from '../../core/decimal.ts';
import { fieldScaled, numberFault, type Row } from './lines.ts';

export interface Ohlc {
  readonly open_e4: number;
  readonly high_e4: number;
  readonly low_e4: number;
  readonly close_e4: number;
}

/** The largest number that the database's integer columns hold: 214,748.3647 dollars, 2,147,483,647 contracts. */
export const MAX_INTEGER = 2_147_483_647;

/** Why a price (1/10,000 dollar) cannot be that of a trade, or null if it can. */
export function priceFault(px_e4: number): string | null {
  if (px_e4 < 0) return `price is negative: ${formatScaled(px_e4, 4, 2)}`;
  if (px_e4 === 0) return 'price is zero';
  return px_e4 > MAX_INTEGER ? `price is above ${formatScaled(MAX_INTEGER, 4)}` : null;
}

const PRICES = ['open', 'high', 'low', 'close'] as const;

/** Field numbers of the four prices. */
export type PriceColumns = Readonly<Record<(typeof PRICES)[number], number>>;

/** The four prices of a row, written in 10^-`scale` of 1/10,000 dollar (4 for dollars); the fault where one is no number. */
export function readOhlc(row: Row, columns: PriceColumns, scale: number): Ohlc | string {
  const open_e4 = fieldScaled(row, columns.open, scale);
  const high_e4 = fieldScaled(row, columns.high, scale);
  const low_e4 = fieldScaled(row, columns.low, scale);
  const close_e4 = fieldScaled(row, columns.close, scale);
  if (open_e4 === null || high_e4 === null || low_e4 === null || close_e4 === null) {
    const bad = PRICES.find((name) => fieldScaled(row, columns[name], scale) === null) ?? 'open';
    return numberFault(row, bad, columns[bad]);
  }
  return { open_e4, high_e4, low_e4, close_e4 };
}

/** Why the four prices (1/10,000 dollar) cannot be those of a bar, or null if they can. */
export function ohlcFault(bar: Ohlc): string | null {
  const { open_e4, high_e4, low_e4, close_e4 } = bar;
  const dollars = (px_e4: number): string => formatScaled(px_e4, 4, 2);
  const fault =
    priceFault(Math.min(open_e4, high_e4, low_e4, close_e4)) ??
    priceFault(Math.max(open_e4, high_e4, low_e4, close_e4));
  if (fault !== null) return fault;
  if (high_e4 < low_e4) return `high ${dollars(high_e4)} is below low ${dollars(low_e4)}`;
  if (open_e4 < low_e4 || open_e4 > high_e4) {
    return `open ${dollars(open_e4)} lies outside low ${dollars(low_e4)} to high ${dollars(high_e4)}`;
  }
  if (close_e4 < low_e4 || close_e4 > high_e4) {
    return `close ${dollars(close_e4)} lies outside low ${dollars(low_e4)} to high ${dollars(high_e4)}`;
  }
  return null;
}

/** (high + low + close) / 3 in 1/1,000,000 dollar, half up. */
export function typicalPriceE6(bar: Ohlc): number {
  return Math.round(((bar.high_e4 + bar.low_e4 + bar.close_e4) * 100) / 3);
}
