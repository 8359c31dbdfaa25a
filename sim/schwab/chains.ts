// Option chains and expirations as Schwab's market data API gives them (reference B3), of the contracts that have a quote.
import { epochMsFromEastern } from '../../core/eastern_time.ts';
import { type OptionContract, parseOsi } from '../../core/osi_symbol.ts';
import { type Answer, json } from '../venue/http.ts';
import type { BoardQuote } from '../venue/quote_board.ts';
import { isOptionSymbol, underlyingOf } from '../venue/symbols.ts';
import type { Json } from './instruments.ts';
import { daysToExpiration, greeks, intrinsicValue, NOT_AVAILABLE, optionClose } from './option_facts.ts';
import { dollars } from './order_view.ts';
import type { SimulatorParts } from './parts.ts';
import type { TraderCall } from './trader.ts';

interface Listed {
  readonly contract: OptionContract;
  readonly quote: BoardQuote;
}

function listed(symbol: string, parts: SimulatorParts): readonly Listed[] {
  return parts.board
    .symbols()
    .filter(isOptionSymbol)
    .map((each) => ({ contract: parseOsi(each), quote: parts.board.get(each) }))
    .filter((each): each is Listed => each.contract !== null && each.quote !== null)
    .filter(({ contract }) => underlyingOf(contract.root) === symbol)
    .sort((a, b) => a.contract.strike_e4 - b.contract.strike_e4);
}

function priceFields(quote: BoardQuote, own: number, parts: SimulatorParts): Json {
  const mark = dollars(parts.board.markOf(quote.symbol) ?? 0);
  const at = epochMsFromEastern(quote.at);
  const extrinsic = Math.round((mark - own) * 1e4) / 1e4;
  return {
    bid: dollars(quote.bid_e4),
    ask: dollars(quote.ask_e4),
    last: mark,
    mark,
    bidSize: quote.bidSz,
    askSize: quote.askSz,
    bidAskSize: `${quote.bidSz}X${quote.askSz}`,
    lastSize: 0,
    // Of the day's trading the simulator knows nothing.
    ...{ highPrice: 0, lowPrice: 0, openPrice: 0, closePrice: 0, netChange: 0 },
    ...{ percentChange: 0, markChange: 0, markPercentChange: 0 },
    totalVolume: quote.fields[8] ?? 0,
    openInterest: quote.fields[9] ?? 0,
    tradeTimeInLong: at,
    quoteTimeInLong: at,
    timeValue: Math.max(0, own > 0 ? extrinsic : mark),
    intrinsicValue: own,
    extrinsicValue: extrinsic,
    inTheMoney: own > 0,
  };
}

// The keys that Schwab sends, which are not those of its specification (bidPrice, isInTheMoney, ...).
function chainContract({ contract, quote }: Listed, parts: SimulatorParts): Json {
  const underlying = parts.board.markOf(underlyingOf(contract.root)) ?? 0;
  return {
    putCall: contract.option_kind === 'call' ? 'CALL' : 'PUT',
    symbol: quote.symbol,
    description: parts.instruments.ofPosition(quote.symbol).description,
    exchangeName: 'OPR',
    ...priceFields(quote, intrinsicValue(contract, underlying), parts),
    ...greeks(quote),
    theoreticalOptionValue: NOT_AVAILABLE,
    theoreticalVolatility: 29,
    strikePrice: dollars(contract.strike_e4),
    expirationDate: `${new Date(optionClose(contract)).toISOString().slice(0, 23)}+00:00`,
    daysToExpiration: daysToExpiration(contract, parts.settings.clock.now()),
    expirationType: 'W',
    lastTradingDay: optionClose(contract),
    multiplier: 100,
    settlementType: 'P',
    deliverableNote: `100 ${underlyingOf(contract.root)}`,
    optionRoot: contract.root,
    exerciseType: contract.root.startsWith('SPX') ? 'E' : 'A',
    nonStandard: false,
    pennyPilot: true,
    mini: false,
  };
}

function isWanted({ contract }: Listed, query: URLSearchParams): boolean {
  const type = query.get('contractType') ?? 'ALL';
  const strike = query.get('strike');
  return (
    (type === 'ALL' || type === contract.option_kind.toUpperCase()) &&
    contract.expiration >= (query.get('fromDate') ?? '') &&
    contract.expiration <= (query.get('toDate') ?? '9999') &&
    (strike === null || Number(strike) === dollars(contract.strike_e4))
  );
}

// The strikes nearest to the money of each expiration.
function nearest(all: readonly Listed[], count: number, underlying_e4: number): readonly Listed[] {
  const strikesOf = (expiration: string): readonly number[] =>
    [
      ...new Set(
        all.filter((each) => each.contract.expiration === expiration).map((e) => e.contract.strike_e4),
      ),
    ]
      .sort((a, b) => Math.abs(a - underlying_e4) - Math.abs(b - underlying_e4))
      .slice(0, count);
  return all.filter(({ contract }) => strikesOf(contract.expiration).includes(contract.strike_e4));
}

function strikeText(strike_e4: number): string {
  const strike = dollars(strike_e4);
  return Number.isInteger(strike) ? `${strike}.0` : String(strike);
}

function dateMap(all: readonly Listed[], kind: 'call' | 'put', parts: SimulatorParts): Json {
  const map: Record<string, Record<string, Json[]>> = {};
  for (const each of all.filter(({ contract }) => contract.option_kind === kind)) {
    const { expiration, strike_e4 } = each.contract;
    const key = `${expiration}:${daysToExpiration(each.contract, parts.settings.clock.now())}`;
    const ofDate = map[key] ?? {};
    ofDate[strikeText(strike_e4)] = [chainContract(each, parts)];
    map[key] = ofDate;
  }
  return map;
}

/** GET /chains: by type, dates, strike and strikeCount; other strategies than SINGLE are not simulated. */
export function chains(call: TraderCall, parts: SimulatorParts): Answer {
  const symbol = call.query.get('symbol') ?? '';
  const underlying = parts.board.markOf(symbol) ?? 0;
  const wanted = listed(symbol, parts).filter((each) => isWanted(each, call.query));
  const count = Number(call.query.get('strikeCount') ?? 0);
  const shown = count > 0 ? nearest(wanted, count, underlying) : wanted;
  return json(200, {
    symbol,
    status: shown.length === 0 ? 'FAILED' : 'SUCCESS',
    strategy: 'SINGLE',
    interval: 0,
    isDelayed: false,
    isIndex: symbol.startsWith('$'),
    interestRate: 4.738,
    underlyingPrice: dollars(underlying),
    volatility: 29,
    daysToExpiration: 0,
    numberOfContracts: shown.length,
    isChainTruncated: false,
    callExpDateMap: dateMap(shown, 'call', parts),
    putExpDateMap: dateMap(shown, 'put', parts),
  });
}

/** GET /expirationchain. */
export function expirations(call: TraderCall, parts: SimulatorParts): Answer {
  const contracts = listed(call.query.get('symbol') ?? '', parts).map((each) => each.contract);
  const byDate = new Map(contracts.map((contract) => [contract.expiration, contract]));
  const expirationList = [...byDate.keys()].sort().map((expirationDate) => {
    const contract = byDate.get(expirationDate) as OptionContract;
    return {
      expirationDate,
      daysToExpiration: daysToExpiration(contract, parts.settings.clock.now()),
      expirationType: 'W',
      settlementType: 'P',
      optionRoots: contract.root,
      standard: true,
    };
  });
  return json(200, { expirationList });
}
