// The paper broker under the contract of all brokers.
import { acceleratedClock, type Clock } from '../../../../core/clock.ts';
import type { OsiSymbol } from '../../../../core/osi_symbol.ts';
import type { BrokerOrder } from '../../../../jobs/brokers/broker.ts';
import {
  createPaperBroker,
  PAPER_CANNOT,
  type PaperBroker,
} from '../../../../jobs/brokers/paper/paper_broker.ts';
import { createQuoteBoard, type QuoteBoard } from '../../../../jobs/brokers/paper/quote_board.ts';
import { type Ask, describeBroker, type Fault, type UnderTest, type Venue } from '../contract.ts';
import { CALL, FURTHER_CALL, NOON } from '../schwab/support.ts';

// Time for an order to fill before its cancel is there.
const LATENCY_MS = 20;

function impossible(): never {
  throw new Error('the paper broker has nothing like it; its cases say what they need');
}

function venueOf(
  broker: PaperBroker,
  board: QuoteBoard,
  clock: Clock,
): { venue: Venue; count(ask: Ask): void; take(ask: Ask): Fault | null } {
  const { ledger } = broker;
  const faults: { readonly ask: Ask; readonly fault: Fault }[] = [];
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
    fault: (ask, fault) => faults.push({ ask, fault }),
    fill: (id, qty) => ledger.fill(id, qty),
    manualOrder: (order) => {
      const placed = ledger.place(order, null);
      return 'id' in placed ? placed.id : impossible();
    },
    loseLogin: impossible,
    restrictToClosing: () => ledger.restrictToClosing(true),
    assign: (symbol, contracts) => ledger.assign(symbol, contracts),
    dropHints: () => undefined,
    hearsHints: () => true,
    stop: impossible,
  };
  const take = (ask: Ask): Fault | null => {
    const at = faults.findIndex((each) => each.ask === ask);
    return at < 0 ? null : (faults.splice(at, 1)[0]?.fault ?? null);
  };
  return { venue, count, take };
}

/** What a halt does to a request: `refused` before it is made, `reject_later` while the order is on its way. */
async function underHalt<T>(
  { ledger }: PaperBroker,
  { order, fault }: { readonly order: BrokerOrder; readonly fault: Fault | null },
  request: () => Promise<T>,
): Promise<T> {
  const [leg] = order.legs;
  const halt = (isHalted: boolean): void => {
    if (leg !== undefined) ledger.halt(leg.symbol, isHalted);
  };
  if (fault === 'refused') halt(true);
  const outcome = await request();
  if (fault === 'refused') halt(false);
  if (fault !== 'reject_later') return outcome;
  halt(true);
  const forget = ledger.onChange(() => {
    halt(false);
    forget();
  });
  return outcome;
}

async function make(): Promise<UnderTest> {
  const clock = acceleratedClock({ start: NOON, speed: 1 });
  const board = createQuoteBoard();
  let latencyMs = 0;
  const broker = createPaperBroker({ clock, quotes: board, latencyMs: () => latencyMs });
  const { venue, count, take } = venueOf(broker, board, clock);
  /** A request that something happens to is on its way for a while. */
  const onTheWay = async <T>(ask: Ask, request: (fault: Fault | null) => Promise<T>): Promise<T> => {
    const fault = take(ask);
    latencyMs = fault === null ? 0 : LATENCY_MS;
    return request(fault);
  };
  const fillOnTheWay = (id: string, fault: Fault | null): void => {
    if (fault === 'fill_first') broker.ledger.fill(id, 1_000_000);
  };
  // Requests that reach it, counted as a server would.
  const counted: PaperBroker = {
    ...broker,
    submit: (order, about) =>
      onTheWay('submit', async (fault) => {
        const outcome = await underHalt(broker, { order, fault }, () => broker.submit(order, about));
        if (outcome.kind !== 'not_sent') count('submit');
        return outcome;
      }),
    cancel: (id) =>
      onTheWay('cancel', async (fault) => {
        const outcome = await broker.cancel(id);
        fillOnTheWay(id, fault);
        return outcome;
      }),
    replace: (id, order) =>
      onTheWay('replace', async (fault) => {
        const outcome = await underHalt(broker, { order, fault }, () => broker.replace(id, order));
        if (outcome.kind !== 'not_sent') count('replace');
        fillOnTheWay(id, fault);
        return outcome;
      }),
  };
  return { broker: counted, venue };
}

describeBroker('paper', {
  make,
  cannot: PAPER_CANNOT,
  contracts: { near: CALL, far: FURTHER_CALL, other: 'QQQ   261120P00605000' as OsiSymbol },
});
