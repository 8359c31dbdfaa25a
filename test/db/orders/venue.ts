// A broker in this process with a ledger of its own, which is the truth. Every way in which a real one goes wrong is a lever.
import type { Clock } from '../../../core/clock.ts';
import { addMs, type EasternUs } from '../../../core/eastern_time.ts';
import { Failure } from '../../../core/failure.ts';
import type {
  Broker,
  BrokerFill,
  BrokerOrder,
  CancelOutcome,
  OrderReport,
  SendOutcome,
  VenueState,
} from '../../../jobs/brokers/broker.ts';

/** What becomes of a submit: `silent` answers are lost; `held` ones wait for `release`. */
export type SubmitPlan =
  | 'accept'
  | 'reject'
  | 'silent_placed'
  | 'silent_lost'
  | 'not_sent'
  | 'held_placed'
  | 'held_lost';

/** What becomes of a cancel: a `stuck` one is taken, and the order works on. */
export type CancelPlan = 'cancel' | 'lose' | 'fill_first' | 'refuse' | 'stuck';

export interface VenueOrder {
  readonly id: string;
  readonly order: BrokerOrder;
  readonly enteredAt: EasternUs;
  readonly clientId: string | null;
  /** None of the order jobs has sent it. */
  readonly isManual: boolean;
  state: VenueState;
  filledQty: number;
  readonly fills: BrokerFill[];
}

export interface Venue {
  readonly broker: Broker;
  /** Every order that reached it. */
  readonly orders: readonly VenueOrder[];
  /** Requests by kind, e.g. `submit`. */
  readonly requests: Record<string, number>;
  /** Ids of ours, one for each request to submit. */
  readonly submitted: readonly string[];
  readonly levers: {
    submit: SubmitPlan;
    cancel: CancelPlan;
    /** Orders younger than that are missing from the list. */
    listLagMs: number;
    /** Reads fail. */
    isDown: boolean;
    /** Answers of that kind wait for `release`. */
    hangs: 'orders' | 'positions' | null;
    /** Executions are reported, and counted into positions, only from then on. */
    reportLagMs: number;
    /** Every message comes twice: an order in the list, an execution in its report. */
    isRepeating: boolean;
  };
  /** Executes contracts of a working order at a price; returns how many. */
  fill(id: string, qty: number, px_e4?: number): number;
  /** Executes contracts of an order that was canceled, as far as its position allows; returns how many. */
  fillLate(id: string, qty: number): number;
  /** Executes everything that works, stops excepted. */
  fillAll(): void;
  /** Executes what was sent at the market. */
  fillMarkets(): void;
  /** An order as by hand. */
  manual(order: BrokerOrder): VenueOrder;
  /** Ends the day: what works expires. */
  expire(): void;
  /** Lets held answers go. */
  release(): void;
  heldCount(): number;
  positionOf(symbol: string): number;
  working(): readonly VenueOrder[];
  hint(): void;
}

let venues = 0;

/** A venue without orders. It refuses to close more than is open, as brokers do. */
export function createVenue(clock: Clock, options: { readonly keepsClientIds?: boolean } = {}): Venue {
  const { keepsClientIds = false } = options;
  venues += 1;
  const prefix = venues;
  const orders: VenueOrder[] = [];
  const requests: Record<string, number> = {};
  const submitted: string[] = [];
  const held: (() => void)[] = [];
  const listeners = new Set<() => void>();
  const levers: Venue['levers'] = {
    submit: 'accept',
    cancel: 'cancel',
    listLagMs: 0,
    isDown: false,
    hangs: null,
    reportLagMs: 0,
    isRepeating: false,
  };
  const count = (name: string): void => {
    requests[name] = (requests[name] ?? 0) + 1;
  };
  const isWorking = (order: VenueOrder): boolean => order.state === 'working';
  const signed = (order: VenueOrder, qty: number): number =>
    order.order.legs[0]?.side === 'buy' ? qty : -qty;
  const positionOf = (symbol: string): number =>
    orders
      .filter((order) => order.order.legs[0]?.symbol === symbol)
      .reduce((sum, order) => sum + signed(order, order.filledQty), 0);

  const openFor = (order: BrokerOrder): number => {
    const [leg] = order.legs;
    const reserved = orders
      .filter((each) => isWorking(each) && each.order.legs[0]?.symbol === leg?.symbol)
      .filter((each) => each.order.legs[0]?.effect === 'close')
      .reduce((sum, each) => sum + each.order.qty - each.filledQty, 0);
    return Math.abs(positionOf(leg?.symbol ?? '')) - reserved;
  };

  const place = (order: BrokerOrder, clientId: string | null, isManual = false): VenueOrder => {
    const isTooMuch = order.legs[0]?.effect === 'close' && order.qty > openFor(order);
    const placed: VenueOrder = {
      ...{ id: `${prefix}${String(orders.length + 1).padStart(6, '0')}`, order, isManual },
      clientId: keepsClientIds ? clientId : null,
      // The broker's times have whole seconds.
      enteredAt: (Math.floor(clock.now() / 1e6) * 1e6) as EasternUs,
      state: isTooMuch ? 'rejected' : 'working',
      filledQty: 0,
      fills: [],
    };
    orders.push(placed);
    return placed;
  };

  const fill = (id: string, qty: number, px_e4 = 10_000): number => {
    const order = orders.find((each) => each.id === id);
    if (order === undefined || !isWorking(order)) return 0;
    const executed = Math.min(qty, order.order.qty - order.filledQty);
    if (executed <= 0) return 0;
    order.filledQty += executed;
    order.fills.push({
      executionId: `${id}-${order.fills.length + 1}`,
      ...{ ts: clock.now(), legNo: 1, qty: executed, px_e4 },
    });
    if (order.filledQty === order.order.qty) order.state = 'filled';
    return executed;
  };

  const fillLate = (id: string, qty: number): number => {
    const order = orders.find((each) => each.id === id);
    if (order?.state !== 'canceled') return 0;
    const isClosing = order.order.legs[0]?.effect === 'close';
    const room = isClosing ? openFor(order.order) : order.order.qty - order.filledQty;
    order.state = 'working';
    const executed = fill(id, Math.min(qty, room));
    if (isWorking(order)) order.state = 'canceled';
    return executed;
  };

  const reported = (order: VenueOrder): BrokerFill[] =>
    order.fills.filter((each) => addMs(each.ts, levers.reportLagMs) <= clock.now());

  const reportOf = (order: VenueOrder): OrderReport => {
    const fills = reported(order);
    const filledQty = fills.reduce((sum, each) => sum + each.qty, 0);
    // As an adapter has it: an end whose executions are not all told yet is no end.
    const isWhole = filledQty === order.filledQty;
    const told = levers.isRepeating ? fills.flatMap((each) => [each, each]) : fills;
    return {
      venueOrderId: order.id,
      state: isWhole || isWorking(order) ? order.state : 'unknown',
      order: order.order,
      filledQty,
      enteredAt: order.enteredAt,
      detail: order.state === 'rejected' ? 'more than is open' : null,
      clientId: order.clientId,
      fills: told,
    };
  };

  const read = async <T>(name: string, answer: () => T): Promise<T> => {
    count(name);
    if (levers.hangs === name) await new Promise<void>((go) => held.push(go));
    if (levers.isDown) throw new Failure('the broker does not answer');
    return answer();
  };

  const outcomeOf = (plan: SubmitPlan, order: BrokerOrder, clientId: string): SendOutcome => {
    const isLost = plan === 'silent_lost' || plan === 'held_lost';
    if (plan === 'not_sent') return { kind: 'not_sent', reason: 'no token' };
    if (plan === 'reject') return { kind: 'rejected', reason: 'buying power' };
    if (isLost) return { kind: 'unknown', reason: 'time-out' };
    const placed = place(order, clientId, !clientId.startsWith('strikebase-'));
    return plan === 'silent_placed'
      ? { kind: 'unknown', reason: 'time-out' }
      : { kind: 'submitted', venueOrderId: placed.id };
  };

  const broker: Broker = {
    name: 'schwab',
    keepsClientIds,
    submit: async (order, { clientId }) => {
      count('submit');
      submitted.push(clientId);
      const plan = levers.submit;
      const outcome = outcomeOf(plan, order, clientId);
      if (plan === 'held_placed' || plan === 'held_lost') await new Promise<void>((go) => held.push(go));
      return outcome;
    },
    cancel: async (id): Promise<CancelOutcome> => {
      count('cancel');
      const order = orders.find((each) => each.id === id);
      if (order === undefined || !isWorking(order)) return { kind: 'refused', reason: 'it has ended' };
      if (levers.cancel === 'refuse') return { kind: 'refused', reason: 'try again' };
      if (levers.cancel === 'lose') return { kind: 'unknown', reason: 'time-out' };
      if (levers.cancel === 'fill_first') fill(id, order.order.qty);
      if (isWorking(order) && levers.cancel !== 'stuck') order.state = 'canceled';
      return { kind: 'requested' };
    },
    replace: async () => ({ kind: 'rejected', reason: 'not here' }),
    order: (id) =>
      read('order', () => {
        const order = orders.find((each) => each.id === id);
        return order === undefined ? null : reportOf(order);
      }),
    ordersSince: (from) =>
      read('orders', () =>
        orders
          .filter((each) => each.enteredAt >= from && addMs(each.enteredAt, levers.listLagMs) <= clock.now())
          .flatMap((each) => (levers.isRepeating ? [reportOf(each), reportOf(each)] : [reportOf(each)])),
      ),
    positions: () =>
      read('positions', () => {
        const symbols = new Set(orders.map((each) => each.order.legs[0]?.symbol ?? ''));
        return [...symbols].flatMap((symbol) => {
          const qty = orders
            .filter((each) => each.order.legs[0]?.symbol === symbol)
            .reduce(
              (sum, each) =>
                sum +
                signed(
                  each,
                  reported(each).reduce((n, x) => n + x.qty, 0),
                ),
              0,
            );
          return qty === 0 ? [] : [{ symbol, qty, avg_px_e4: 10_000, market_value: null }];
        });
      }),
    account: async () => ({ buyingPower: 1e7, equity: 1e7, isClosingOnly: false }),
    checks: async () => [{ name: 'broker token', isOk: true, detail: 'ok' }],
    onHint: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    close: async () => undefined,
  };

  return {
    ...{ broker, orders, requests, submitted, levers, fill, fillLate, positionOf },
    fillAll: () => {
      for (const order of orders) if (order.order.type !== 'stop') fill(order.id, order.order.qty);
    },
    fillMarkets: () => {
      for (const order of orders) if (order.order.type === 'market') fill(order.id, order.order.qty);
    },
    manual: (order) => place(order, null, true),
    expire: () => {
      for (const order of orders) if (isWorking(order)) order.state = 'expired';
    },
    release: () => {
      for (const go of held.splice(0)) go();
    },
    heldCount: () => held.length,
    working: () => orders.filter(isWorking),
    hint: () => {
      for (const listener of listeners) listener();
    },
  };
}
