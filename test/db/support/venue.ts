// A broker in a test: a plain ledger that does what it is told and, like a real one, closes no more than is open.

export interface VenueTerms {
  readonly symbol: string;
  readonly side: 'buy' | 'sell';
  readonly effect: 'open' | 'close';
  readonly qty: number;
}

export interface VenueFill {
  readonly id: string;
  readonly qty: number;
  readonly px_e4: number;
  /** Whole seconds, as text: what brokers give. */
  readonly ts: string;
}

export type VenueState = 'working' | 'filled' | 'canceled' | 'rejected' | 'expired';

export interface VenueOrder extends VenueTerms {
  readonly id: string;
  state: VenueState;
  readonly fills: VenueFill[];
}

export interface Venue {
  readonly orders: ReadonlyMap<string, VenueOrder>;
  /** Takes the order; null where it closes more than is open and not on order already. */
  submit(terms: VenueTerms): VenueOrder | null;
  /** Executes part of a working order. */
  fill(id: string, qty: number, px_e4: number, ts: string): void;
  /** Ends a working order; of one that has ended nothing changes. */
  end(id: string, state: 'canceled' | 'rejected' | 'expired'): void;
  /** Contracts, negative when short. */
  position(symbol: string): number;
}

export function filledOf(order: VenueOrder): number {
  return order.fills.reduce((sum, fill) => sum + fill.qty, 0);
}

/** An empty ledger; its ids begin with the name. */
export function createVenue(name: string): Venue {
  const orders = new Map<string, VenueOrder>();
  const positions = new Map<string, number>();
  let executions = 0;
  const closing = (symbol: string): number =>
    [...orders.values()]
      .filter((order) => order.symbol === symbol && order.effect === 'close' && order.state === 'working')
      .reduce((sum, order) => sum + order.qty - filledOf(order), 0);
  const find = (id: string): VenueOrder => {
    const order = orders.get(id);
    if (order === undefined) throw new Error(`the venue has no order ${id}`);
    return order;
  };
  const position = (symbol: string): number => positions.get(symbol) ?? 0;
  return {
    orders,
    submit: (terms) => {
      const { symbol, effect, qty } = terms;
      if (effect === 'close' && qty > -position(symbol) - closing(symbol)) return null;
      const order: VenueOrder = { ...terms, id: `${name}-${orders.size + 1}`, state: 'working', fills: [] };
      orders.set(order.id, order);
      return order;
    },
    fill: (id, qty, px_e4, ts) => {
      const order = find(id);
      const filled = filledOf(order) + qty;
      if (order.state !== 'working' || filled > order.qty) throw new Error(`order ${id} cannot fill ${qty}`);
      executions += 1;
      order.fills.push({ id: `${name}-x${executions}`, qty, px_e4, ts });
      positions.set(order.symbol, position(order.symbol) + (order.side === 'buy' ? qty : -qty));
      if (filled === order.qty) order.state = 'filled';
    },
    end: (id, state) => {
      const order = find(id);
      if (order.state === 'working') order.state = state;
    },
    position,
  };
}
