// The part of Schwab's market data API that a trader of options needs (reference B3): quotes here, the rest next door.
import { epochMsFromEastern } from '../../core/eastern_time.ts';
import { type OptionContract, parseOsi } from '../../core/osi_symbol.ts';
import { type Answer, json } from '../venue/http.ts';
import type { BoardQuote } from '../venue/quote_board.ts';
import { isOptionSymbol, underlyingOf } from '../venue/symbols.ts';
import { apiError } from './answers.ts';
import { chains, expirations } from './chains.ts';
import type { Json } from './instruments.ts';
import { daysToExpiration, greeks, intrinsicValue, optionClose } from './option_facts.ts';
import { dollars } from './order_view.ts';
import type { SimulatorParts } from './parts.ts';
import type { TraderCall } from './trader.ts';

function optionReference(symbol: string, contract: OptionContract, parts: SimulatorParts): Json {
  const [year, month, day] = contract.expiration.split('-').map(Number);
  return {
    contractType: contract.option_kind === 'call' ? 'C' : 'P',
    daysToExpiration: daysToExpiration(contract, parts.settings.clock.now()),
    deliverables: `100 ${underlyingOf(contract.root)}`,
    description: parts.instruments.ofPosition(symbol).description,
    exchange: 'O',
    exchangeName: 'OPR',
    exerciseType: contract.root.startsWith('SPX') ? 'E' : 'A',
    expirationDay: day,
    expirationMonth: month,
    expirationYear: year,
    expirationType: 'W',
    isPennyPilot: true,
    lastTradingDay: optionClose(contract),
    multiplier: 100,
    settlementType: 'P',
    strikePrice: dollars(contract.strike_e4),
    underlying: underlyingOf(contract.root),
    underlyingAssetType: 'EQUITY',
  };
}

function optionQuote(quote: BoardQuote, contract: OptionContract, parts: SimulatorParts): Json {
  const mark = dollars(parts.board.markOf(quote.symbol) ?? 0);
  const underlying = parts.board.markOf(underlyingOf(contract.root)) ?? 0;
  const at = epochMsFromEastern(quote.at);
  return {
    assetMainType: 'OPTION',
    realtime: true,
    ssid: parts.instruments.idOf(quote.symbol),
    symbol: quote.symbol,
    quote: {
      askPrice: dollars(quote.ask_e4),
      askSize: quote.askSz,
      bidPrice: dollars(quote.bid_e4),
      bidSize: quote.bidSz,
      lastPrice: mark,
      mark,
      moneyIntrinsicValue: intrinsicValue(contract, underlying),
      openInterest: quote.fields[9] ?? 0,
      quoteTime: at,
      securityStatus: quote.fields[33] ?? 'Normal',
      totalVolume: quote.fields[8] ?? 0,
      tradeTime: at,
      underlyingPrice: dollars(underlying),
      ...greeks(quote),
    },
    reference: optionReference(quote.symbol, contract, parts),
  };
}

function shareQuote(quote: BoardQuote, parts: SimulatorParts): Json {
  const mark = dollars(parts.board.markOf(quote.symbol) ?? 0);
  const quoteTime = epochMsFromEastern(quote.at);
  return {
    assetMainType: 'EQUITY',
    assetSubType: 'ETF',
    quoteType: 'NBBO',
    realtime: true,
    ssid: parts.instruments.idOf(quote.symbol),
    symbol: quote.symbol,
    quote: {
      askPrice: dollars(quote.ask_e4),
      askSize: quote.askSz,
      askTime: quoteTime,
      bidPrice: dollars(quote.bid_e4),
      bidSize: quote.bidSz,
      bidTime: quoteTime,
      lastPrice: mark,
      mark,
      quoteTime,
      securityStatus: quote.fields[32] ?? 'Normal',
      totalVolume: quote.fields[8] ?? 0,
      tradeTime: quoteTime,
    },
    reference: { description: quote.symbol, exchange: 'Q', exchangeName: 'NASDAQ' },
  };
}

function quotes(symbols: readonly string[], parts: SimulatorParts): Answer {
  const found: Record<string, Json> = {};
  const invalidSymbols: string[] = [];
  for (const symbol of symbols) {
    const quote = parts.board.get(symbol);
    const contract = isOptionSymbol(symbol) ? parseOsi(symbol) : null;
    if (quote === null) invalidSymbols.push(symbol);
    else found[symbol] = contract === null ? shareQuote(quote, parts) : optionQuote(quote, contract, parts);
  }
  return json(200, invalidSymbols.length === 0 ? found : { ...found, errors: { invalidSymbols } });
}

/** Answers a market data request whose token has been checked; null for operations of other APIs. */
export function answerMarketData(call: TraderCall, parts: SimulatorParts): Answer | null {
  switch (call.operation) {
    case 'GET quotes': {
      const symbols = call.hash === '' ? (call.query.get('symbols') ?? '').split(',') : [call.hash];
      if (symbols[0] !== '') return quotes(symbols, parts);
      return apiError(400, parts.uuid(), { title: 'Bad Request', detail: 'Missing parameter: symbols' });
    }
    case 'GET chains':
      return chains(call, parts);
    case 'GET expirationchain':
      return expirations(call, parts);
    default:
      return null;
  }
}
