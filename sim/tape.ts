// A whole simulated session as a tape of vendor events, second by second: what the servers push.
import { addMs, type EasternUs, epochMsFromEastern } from '../core/eastern_time.ts';
import { createChainEvents, listContracts, type SimulatedContract } from './chain.ts';
import { type MarketSecond, marketSeconds } from './market.ts';
import { type SessionArguments, type SessionHours, sessionHours } from './session.ts';
import { createStockEvents } from './stock_events.ts';
import type { Market, WireEvent } from './wire.ts';

export interface TapeOptions extends SessionArguments {
  readonly seed: number;
  /** Equities to simulate, each with a chain of its own. Default QQQ. */
  readonly symbols?: readonly string[];
  /** Dollars at the session's start; default 610 for QQQ, 680 for SPY, else 100. */
  readonly prices?: Readonly<Record<string, number>>;
  /** Also send a `T` event for every print. Default true. */
  readonly prints?: boolean;
  /** Listed $1 strikes on each side of the starting price. Default 20. */
  readonly strikesEachSide?: number;
}

/** The events of [ts, ts + 1 s) in sending order; an aggregate of this second is sent as it ends. */
export interface TapeSecond {
  readonly ts: EasternUs;
  /** `ts` in Unix epoch milliseconds. */
  readonly startMs: number;
  readonly events: Readonly<Record<Market, readonly WireEvent[]>>;
}

export interface Tape {
  readonly session: SessionHours;
  readonly contracts: readonly SimulatedContract[];
  /** Every second from the session's start to its end; a fresh pass, always the same. */
  seconds(): Generator<TapeSecond, void, void>;
}

const DEFAULT_PRICES: Readonly<Record<string, number>> = { QQQ: 610, SPY: 680 };

interface SymbolTape {
  readonly seconds: Generator<MarketSecond, void, void>;
  readonly stock: (second: MarketSecond, startMs: number) => WireEvent[];
  readonly chain: (second: MarketSecond, startMs: number) => WireEvent[];
}

function bySendTime(a: WireEvent, b: WireEvent): number {
  return a.sendMs - b.sendMs;
}

// Array.sort is stable: events of one instant keep the order of the symbols.
function eventsOfSecond(symbols: readonly SymbolTape[], startMs: number): Record<Market, WireEvent[]> {
  const stocks: WireEvent[] = [];
  const options: WireEvent[] = [];
  for (const symbol of symbols) {
    const next = symbol.seconds.next();
    if (next.done) throw new Error('a simulated symbol ended before its session');
    stocks.push(...symbol.stock(next.value, startMs));
    options.push(...symbol.chain(next.value, startMs));
  }
  return symbols.length === 1
    ? { stocks, options }
    : { stocks: stocks.sort(bySendTime), options: options.sort(bySendTime) };
}

/** The tape of a session. The same options give the same events, byte by byte. */
export function createTape(options: TapeOptions): Tape {
  const session = sessionHours(options);
  const { seed, prints = true, strikesEachSide = 20 } = options;
  const symbols = (options.symbols ?? ['QQQ']).map((symbol) => {
    const price = options.prices?.[symbol] ?? DEFAULT_PRICES[symbol] ?? 100;
    return { symbol, price, chain: { seed, session, underlying: symbol, price, strikesEachSide } };
  });
  const open = ({ symbol, price, chain }: (typeof symbols)[number]): SymbolTape => ({
    seconds: marketSeconds({ seed, session, symbol, price }),
    stock: createStockEvents({ symbol, session, prints }),
    chain: createChainEvents(chain),
  });
  const firstMs = epochMsFromEastern(session.tsStart);
  return {
    session,
    contracts: symbols.flatMap((each) => listContracts(each.chain)),
    *seconds() {
      const opened = symbols.map(open);
      const count = (session.tsEnd - session.tsStart) / 1_000_000;
      for (let i = 0; i < count; i += 1) {
        const startMs = firstMs + i * 1000;
        yield { ts: addMs(session.tsStart, i * 1000), startMs, events: eventsOfSecond(opened, startMs) };
      }
    },
  };
}
