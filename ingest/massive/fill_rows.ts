// Results of Massive's REST to the rows that the live stream would have brought: through its mappers, in its milliseconds.
import type { EquityTick, OptionQuote, OptionTrade } from '../../core/domain.ts';
import type { EasternUs } from '../../core/eastern_time.ts';
import type { OsiSymbol } from '../../core/osi_symbol.ts';
import { equityAggregate, equityPrint } from './equity_rows.ts';
import type { VendorEvent } from './fields.ts';
import { optionQuote, optionTrade } from './option_rows.ts';
import type { Ordinals } from './ordinals.ts';
import type { SaleRules } from './sale_conditions.ts';

const SECOND_MS = 1000;
const NANOSECONDS = /^\d{19}$/;
// Others cancel a print or replace it; 1 carries its corrected values.
const STANDING = new Set<unknown>([undefined, null, 0, 1]);

function fieldsOf(result: unknown): VendorEvent | null {
  return typeof result === 'object' && result !== null && !Array.isArray(result)
    ? (result as VendorEvent)
    : null;
}

// The websocket cuts nanoseconds down to its millisecond. The text is exact: as a number it would be rounded first.
function msOf(value: unknown): number | undefined {
  return typeof value === 'string' && NANOSECONDS.test(value) ? Number(value.slice(0, -6)) : undefined;
}

function correctionOf(fields: VendorEvent): string | null {
  if (STANDING.has(fields.correction)) return null;
  return `the vendor cancelled or corrected this trade (correction ${String(fields.correction).slice(0, 20)})`;
}

/** An aggregate of a second. */
export function secondRow(result: unknown, symbol: string, tsRecv: EasternUs): EquityTick | string {
  const fields = fieldsOf(result);
  if (fields === null) return 'not an object';
  const { t, o, h, l, c, v, vw } = fields;
  const e = typeof t === 'number' ? t + SECOND_MS : undefined;
  return equityAggregate({ s: t, e, o, h, l, c, v, ...(vw === undefined ? {} : { vw }) }, symbol, tsRecv);
}

/** A print of a stock. */
export function printRow(
  result: unknown,
  symbol: string,
  at: { readonly tsRecv: EasternUs; readonly ordinals: Ordinals; readonly rules: SaleRules },
): EquityTick | string {
  const fields = fieldsOf(result);
  if (fields === null) return 'not an object';
  const { price: p, size: s, decimal_size: ds, conditions: c, sequence_number: q } = fields;
  const event = { ev: 'T', t: msOf(fields.sip_timestamp), p, s, c, ...defined({ ds, q }) };
  return correctionOf(fields) ?? equityPrint(event, symbol, at.tsRecv, at.ordinals, at.rules);
}

/** A quote of an option. */
export function quoteRow(
  result: unknown,
  symbol: OsiSymbol,
  at: { readonly tsRecv: EasternUs; readonly ordinals: Ordinals },
): OptionQuote | string {
  const fields = fieldsOf(result);
  if (fields === null) return 'not an object';
  const { bid_price: bp, bid_size: bs, ask_price: ap, ask_size: as, sequence_number: q } = fields;
  const event = { ev: 'Q', t: msOf(fields.sip_timestamp), bp, bs, ap, as, ...defined({ q }) };
  return optionQuote(event, symbol, at.tsRecv, at.ordinals);
}

/** A print of an option. REST gives no sequence number: the ordinal in its millisecond stands in. */
export function optionPrintRow(
  result: unknown,
  symbol: OsiSymbol,
  at: { readonly tsRecv: EasternUs; readonly ordinals: Ordinals },
): OptionTrade | string {
  const fields = fieldsOf(result);
  if (fields === null) return 'not an object';
  const { price: p, size: s, conditions: c, sequence_number: q } = fields;
  const event = { ev: 'T', t: msOf(fields.sip_timestamp), p, s, c, ...defined({ q }) };
  return correctionOf(fields) ?? optionTrade(event, symbol, at.tsRecv, at.ordinals);
}

// An absent field must stay absent: null would be rubbish.
function defined(fields: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(fields).filter(([, value]) => value !== undefined && value !== null),
  );
}
