// What the cases share: orders to send, and waiting for a report.
import { expect, it } from 'vitest';
import { addMs } from '../../../../core/eastern_time.ts';
import type {
  BrokerOrder,
  OrderReport,
  Priority,
  SendOutcome,
  VenueState,
} from '../../../../jobs/brokers/broker.ts';
import { eventually } from '../../../harness.ts';
import type { Capability, Subject, UnderTest } from '../contract.ts';

/** A case; one that needs what the broker cannot do is shown as skipped, with the reason. */
export function caseOf(
  subject: Subject,
  title: string,
  run: (world: UnderTest) => Promise<void>,
  options: { readonly needs?: Capability | readonly Capability[]; readonly limits?: 'ample' | 'tiny' } = {},
): void {
  const { needs = [], limits = 'ample' } = options;
  const lacking = [needs].flat().find((each) => subject.cannot[each] !== undefined);
  if (lacking !== undefined) it.skip(`${title} (${lacking}: ${subject.cannot[lacking]})`, () => {});
  else it(title, async () => run(await subject.make({ limits })));
}

export interface Orders {
  /** To sell to open at 1.25. */
  sell(more?: Partial<BrokerOrder>): BrokerOrder;
  /** To buy to close at 1.30. */
  buy(more?: Partial<BrokerOrder>): BrokerOrder;
  market(order: BrokerOrder): BrokerOrder;
  /** To buy to close when it trades at 2.50. */
  stop(more?: Partial<BrokerOrder>): BrokerOrder;
  /** To sell the near and buy the far contract for 0.45. */
  openVertical(more?: Partial<BrokerOrder>): BrokerOrder;
  /** To undo it for 0.55. */
  closeVertical(more?: Partial<BrokerOrder>): BrokerOrder;
}

/** Orders in the subject's contracts. */
export function ordersOf(subject: Subject): Orders {
  const { near, far } = subject.contracts;
  const base = { qty: 1, type: 'limit', stop_px_e4: null } as const;
  const leg = (symbol: typeof near, side: 'buy' | 'sell', effect: 'open' | 'close') => ({
    ...{ symbol, side, effect },
    ratio: 1,
  });
  return {
    sell: (more) => ({
      ...base,
      legs: [leg(near, 'sell', 'open')],
      isCredit: true,
      limit_px_e4: 12_500,
      ...more,
    }),
    buy: (more) => ({
      ...base,
      legs: [leg(near, 'buy', 'close')],
      isCredit: false,
      limit_px_e4: 13_000,
      ...more,
    }),
    market: (order) => ({ ...order, type: 'market', limit_px_e4: null }),
    stop: (more) => ({
      ...base,
      legs: [leg(near, 'buy', 'close')],
      isCredit: false,
      type: 'stop',
      limit_px_e4: null,
      stop_px_e4: 25_000,
      ...more,
    }),
    openVertical: (more) => ({
      ...base,
      legs: [leg(near, 'sell', 'open'), leg(far, 'buy', 'open')],
      isCredit: true,
      limit_px_e4: 4500,
      ...more,
    }),
    closeVertical: (more) => ({
      ...base,
      legs: [leg(near, 'buy', 'close'), leg(far, 'sell', 'close')],
      isCredit: false,
      limit_px_e4: 5500,
      ...more,
    }),
  };
}

let clientIds = 0;

/** Sends an order under a client id of its own. */
export function send(
  world: UnderTest,
  order: BrokerOrder,
  priority: Priority = order.legs[0]?.effect === 'close' ? 'exit' : 'entry',
): Promise<SendOutcome> {
  clientIds += 1;
  return world.broker.submit(order, { clientId: `contract-${clientIds}`, priority });
}

/** Sends an order that must be taken; its id. */
export async function submitted(world: UnderTest, order: BrokerOrder): Promise<string> {
  const outcome = await send(world, order);
  if (outcome.kind !== 'submitted') throw new Error(`not submitted: ${JSON.stringify(outcome)}`);
  return outcome.venueOrderId;
}

/** The report once it shows a state. */
export function reported(world: UnderTest, id: string, state: VenueState): Promise<OrderReport> {
  return eventually(async () => {
    const report = await world.broker.order(id);
    expect(report?.state).toBe(state);
    return report as OrderReport;
  });
}

/** Opens a short position of so many contracts at 1.25. */
export async function shortPosition(world: UnderTest, subject: Subject, qty = 1): Promise<string> {
  world.venue.setQuote(subject.contracts.near, { bid_e4: 12_500, ask_e4: 13_000 });
  const id = await submitted(world, ordersOf(subject).sell({ qty }));
  await reported(world, id, 'filled');
  expect(world.venue.positionOf(subject.contracts.near)).toBe(-qty);
  return id;
}

/** A sale that waits in the market: its limit is far above the bid. */
export async function waitingOrder(world: UnderTest, subject: Subject, qty = 1): Promise<string> {
  world.venue.setQuote(subject.contracts.near, { bid_e4: 12_500, ask_e4: 13_000 });
  const id = await submitted(world, ordersOf(subject).sell({ qty, limit_px_e4: 20_000 }));
  await reported(world, id, 'working');
  return id;
}

/** Reports since a moment before now whose order is this one: how an order without an id is found again. */
export async function found(world: UnderTest, order: BrokerOrder): Promise<readonly OrderReport[]> {
  const all = await world.broker.ordersSince(addMs(world.venue.now(), -60_000));
  const key = (each: BrokerOrder): string =>
    JSON.stringify([
      each.legs.map((leg) => [leg.symbol, leg.side, leg.effect, leg.ratio]).sort(),
      ...[each.qty, each.type, each.limit_px_e4, each.stop_px_e4],
    ]);
  return all.filter((report) => key(report.order) === key(order));
}
