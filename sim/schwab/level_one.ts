// Quotes as the streamer's numbered fields (reference B4.4). Sent are only fields that have changed.
import { epochMsFromEastern } from '../../core/eastern_time.ts';
import { type OptionContract, parseOsi } from '../../core/osi_symbol.ts';
import type { BoardQuote } from '../venue/quote_board.ts';
import { isOptionSymbol, underlyingOf } from '../venue/symbols.ts';
import { daysToExpiration } from './option_facts.ts';
import { dollars } from './order_view.ts';
import type { SimulatorParts } from './parts.ts';

export type FieldValue = number | string | boolean;
export type Fields = ReadonlyMap<number, FieldValue>;

function contractFields(contract: OptionContract, parts: SimulatorParts): (readonly [number, FieldValue])[] {
  const [year = 0, month = 0, day = 0] = contract.expiration.split('-').map(Number);
  const letter = contract.option_kind === 'call' ? 'C' : 'P';
  const strike = dollars(contract.strike_e4);
  const { root } = contract;
  return [
    [1, `${root} ${contract.expiration.slice(5).replace('-', '/')}/${year} ${strike.toFixed(2)} ${letter}`],
    [12, year],
    [13, 100],
    [14, 2],
    [20, strike],
    [21, letter],
    [22, underlyingOf(root)],
    [23, month],
    [24, `100 ${underlyingOf(root)}`],
    [26, day],
    [27, daysToExpiration(contract, parts.settings.clock.now())],
    [36, 'W'],
    [40, 'O'],
    [41, 'OPR'],
    [43, 'P'],
    [48, true],
    [49, root],
    [55, root.startsWith('SPX') ? 'E' : 'A'],
  ];
}

function optionFields(quote: BoardQuote, contract: OptionContract, parts: SimulatorParts): Fields {
  const underlying = parts.board.markOf(underlyingOf(contract.root));
  return new Map<number, FieldValue>([
    ...contractFields(contract, parts),
    [2, dollars(quote.bid_e4)],
    [3, dollars(quote.ask_e4)],
    [16, quote.bidSz],
    [17, quote.askSz],
    [33, 'Normal'],
    ...(underlying === null ? [] : ([[35, dollars(underlying)]] as const)),
    [37, dollars(parts.board.markOf(quote.symbol) ?? 0)],
    [38, epochMsFromEastern(quote.at)],
    ...Object.entries(quote.fields).map(([number, value]) => [Number(number), value] as const),
  ]);
}

function shareFields(quote: BoardQuote, parts: SimulatorParts): Fields {
  const at = epochMsFromEastern(quote.at);
  return new Map<number, FieldValue>([
    [1, dollars(quote.bid_e4)],
    [2, dollars(quote.ask_e4)],
    [4, quote.bidSz],
    [5, quote.askSz],
    [32, 'Normal'],
    [33, dollars(parts.board.markOf(quote.symbol) ?? 0)],
    [34, at],
    [37, at],
    [38, at],
    ...Object.entries(quote.fields).map(([number, value]) => [Number(number), value] as const),
  ]);
}

/** The service that streams a symbol. */
export function serviceOf(symbol: string): 'LEVELONE_OPTIONS' | 'LEVELONE_EQUITIES' {
  return isOptionSymbol(symbol) ? 'LEVELONE_OPTIONS' : 'LEVELONE_EQUITIES';
}

/** Every field that is known of a symbol; null without a quote. */
export function levelOneFields(symbol: string, parts: SimulatorParts): Fields | null {
  const quote = parts.board.get(symbol);
  if (quote === null) return null;
  const contract = isOptionSymbol(symbol) ? parseOsi(symbol) : null;
  return contract === null ? shareFields(quote, parts) : optionFields(quote, contract, parts);
}

/** One content item: the first of a symbol says what it is, later ones carry nothing but changes. Null without any. */
export function levelOneItem(
  symbol: string,
  fields: Fields,
  options: { readonly wanted: ReadonlySet<number>; readonly sent: Map<number, FieldValue> },
): Record<string, unknown> | null {
  const isFirst = options.sent.size === 0;
  const changed = [...fields].filter(([n, value]) => options.wanted.has(n) && options.sent.get(n) !== value);
  if (changed.length === 0 && !isFirst) return null;
  for (const [number, value] of changed) options.sent.set(number, value);
  const assetMainType = isOptionSymbol(symbol) ? 'OPTION' : 'EQUITY';
  const head = isFirst ? { key: symbol, delayed: false, assetMainType, cusip: '' } : { key: symbol };
  return { ...head, ...Object.fromEntries(changed) };
}
