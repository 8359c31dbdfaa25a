// The parts of a running simulator, shared by the APIs that stand on them.
import type { SimOrder } from '../venue/order.ts';
import type { Venue } from '../venue/venue.ts';
import type { createScript } from './faults.ts';
import type { TradierMarket } from './market.ts';
import type { Ticket } from './order_view.ts';
import type { Settings } from './settings.ts';

export interface Tickets {
  /** Tickets that hang on no other, oldest first. */
  all(): readonly Ticket[];
  find(id: number): Ticket | null;
  /** The ticket of an order, which has one from now on. */
  of(order: SimOrder, tag?: string | null): Ticket;
}

export interface TradierParts {
  readonly settings: Settings;
  readonly venue: Venue;
  readonly tickets: Tickets;
  readonly market: TradierMarket;
  readonly script: ReturnType<typeof createScript>;
  /** Puts the market's quotes of these symbols on the board. */
  refresh(symbols: Iterable<string>): void;
}
