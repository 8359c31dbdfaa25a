// The paper broker under the contract of all brokers.
import { acceleratedClock, type Clock } from '../../../../core/clock.ts';
import type { OsiSymbol } from '../../../../core/osi_symbol.ts';
import {
  createPaperBroker,
  PAPER_CANNOT,
  type PaperBroker,
} from '../../../../jobs/brokers/paper/paper_broker.ts';
import { createQuoteBoard, type QuoteBoard } from '../../../../jobs/brokers/paper/quote_board.ts';
import { type Ask, describeBroker, type UnderTest, type Venue } from '../contract.ts';
import { CALL, FURTHER_CALL, NOON } from '../schwab/support.ts';

function impossible(): never {
  throw new Error('the paper broker has nothing like it; its cases say what they need');
}

function venueOf(
  broker: PaperBroker,
  board: QuoteBoard,
  clock: Clock,
): { venue: Venue; count(ask: Ask): void } {
  const { ledger } = broker;
  const asked: Partial<Record<Ask, number>> = {};
  const count = (ask: Ask): void => {
    asked[ask] = (asked[ask] ?? 0) + 1;
  };
  const venue: Venue = {
    now: () => clock.now(),
    setQuote: (symbol, { bid_e4, ask_e4, sz = 1000 }) =>
      board.put(symbol, { ts: clock.now(), bid_px_e4: bid_e4, ask_px_e4: ask_e4, bid_sz: sz, ask_sz: sz }),
    orders: () =>
      ledger.reports().map(({ venueOrderId: id, state, order, filledQty }) => ({
        ...{ id, isLive: state === 'working', filledQty },
        isEntry: order.legs.some((leg) => leg.effect === 'open'),
      })),
    positionOf: (symbol) => ledger.positions().find((each) => each.symbol === symbol)?.qty ?? 0,
    requests: (ask) => asked[ask] ?? 0,
    fault: impossible,
    fill: (id, qty) => ledger.fill(id, qty),
    manualOrder: (order) => {
      const placed = ledger.place(order, null);
      return 'id' in placed ? placed.id : impossible();
    },
    ...{ loseLogin: impossible, restrictToClosing: impossible, assign: impossible },
    dropHints: () => undefined,
    hearsHints: () => true,
    stop: impossible,
  };
  return { venue, count };
}

async function make(): Promise<UnderTest> {
  const clock = acceleratedClock({ start: NOON, speed: 1 });
  const board = createQuoteBoard();
  const broker = createPaperBroker({ clock, quotes: board });
  const { venue, count } = venueOf(broker, board, clock);
  // Requests that reach it, counted as a server would.
  const counted: PaperBroker = {
    ...broker,
    submit: async (...args) => {
      const outcome = await broker.submit(...args);
      if (outcome.kind !== 'not_sent') count('submit');
      return outcome;
    },
    replace: async (...args) => {
      const outcome = await broker.replace(...args);
      if (outcome.kind !== 'not_sent') count('replace');
      return outcome;
    },
  };
  return { broker: counted, venue };
}

describeBroker('paper', {
  make,
  cannot: PAPER_CANNOT,
  contracts: { near: CALL, far: FURTHER_CALL, other: 'QQQ   261120P00605000' as OsiSymbol },
});
