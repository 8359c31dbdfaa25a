// What must hold between us and a broker whatever happens, by name; seen in the broker's ledger and in our tables.
import { formatEastern } from '../../../../core/eastern_time.ts';
import type { OsiSymbol } from '../../../../core/osi_symbol.ts';
import { brokenRules } from '../../support/broker_chaos.ts';
import type { VenueOrder } from '../venue.ts';
import { CALL, PUT, type World } from '../world.ts';

export const INVARIANTS = [
  'one entry at a time',
  'no order sent twice',
  'no exit above what is open',
  'one position at a time',
  'broker ledger = our fills',
  'our records agree with themselves',
  'every position has an armed exit',
  'the same message twice changes nothing',
  'everything comes to rest',
] as const;
export type Invariant = (typeof INVARIANTS)[number];

/** An invariant that does not hold. */
export class Violation extends Error {
  readonly invariant: Invariant;

  constructor(invariant: Invariant, message: string) {
    super(`${invariant}: ${message}`);
    this.name = 'Violation';
    this.invariant = invariant;
  }
}

export const SYMBOLS: readonly OsiSymbol[] = [PUT, CALL];

function check(holds: boolean, invariant: Invariant, message: string): void {
  if (!holds) throw new Violation(invariant, message);
}

function legOf({ order }: VenueOrder): { effect?: string; symbol?: string } {
  return order.legs[0] ?? {};
}

/** Contracts that working orders at the broker would close. */
export function closingOf({ venue }: World, symbol: OsiSymbol): number {
  return venue
    .working()
    .filter((each) => !each.isManual && legOf(each).symbol === symbol && legOf(each).effect === 'close')
    .reduce((sum, { order, filledQty }) => sum + order.qty - filledQty, 0);
}

/** What the broker's ledger says at every moment; `lateQty` are contracts that filled behind a cancel. */
export function checkVenue(world: World, lateQty: number): void {
  const { venue } = world;
  const intents = venue.submitted.map((id) => id.split('-')[1]);
  check(new Set(intents).size === intents.length, 'no order sent twice', venue.submitted.join(' '));
  const entries = venue.working().filter((each) => legOf(each).effect === 'open');
  check(entries.length <= 1, 'one entry at a time', entries.map(({ id }) => id).join(' '));
  let held = 0;
  for (const symbol of SYMBOLS) {
    const open = -venue.positionOf(symbol);
    check(open >= 0, 'no exit above what is open', `${symbol} is ${-open}`);
    const closing = closingOf(world, symbol);
    check(closing <= open, 'no exit above what is open', `${closing} of ${open} ${symbol}`);
    held += open;
  }
  // Behind a late fill, of which nobody could know, the broker may have to refuse.
  const refused = venue.orders.filter((each) => each.state === 'rejected' && !each.isManual);
  const ids = refused.map(({ id }) => id).join(' ');
  check(lateQty > 0 || refused.length === 0, 'no exit above what is open', `the broker refused ${ids}`);
  check(held <= 25 + lateQty, 'one position at a time', `${held} contracts`);
}

/** What our tables say just after a slice. */
export async function checkRecords(world: World): Promise<void> {
  const broken = await brokenRules(world.run.client, world.account, formatEastern(world.now()));
  check(broken.length === 0, 'our records agree with themselves', broken.join('; '));
}

const FILLS_SQL = `
  select f.execution_id as id, f.qty, f.px_e4, o.venue_order_id
  from trade.fills f
  join lateral (
    select e.venue_order_id from trade.order_events e
    where e.intent_id = f.intent_id and e.venue_order_id is not null order by e.event_id desc limit 1
  ) o on true
  where f.account = $1 order by 1`;

/** How many executions at the broker are not in our tables. */
export async function missingFills(world: World): Promise<number> {
  const query = { name: 'books', text: FILLS_SQL, values: [world.account] };
  const { rows } = await world.run.client.query<{ id: string }>(query);
  const ours = new Set(rows.map(({ id }) => id));
  const theirs = world.venue.orders.filter(({ isManual }) => !isManual).flatMap(({ fills }) => fills);
  return theirs.filter(({ executionId }) => !ours.has(executionId)).length;
}

/** Null where every execution is in both books, once, with quantity and price, under the same order. */
export async function differenceOfBooks(world: World): Promise<string | null> {
  const query = { name: 'books', text: FILLS_SQL, values: [world.account] };
  const { rows } = await world.run.client.query<Record<string, unknown>>(query);
  const ours = rows.map((row) => [row.id, row.qty, row.px_e4, row.venue_order_id].join(' '));
  const theirs = world.venue.orders
    .filter(({ isManual }) => !isManual)
    .flatMap(({ id, fills }) => fills.map((fill) => [fill.executionId, fill.qty, fill.px_e4, id].join(' ')))
    .sort();
  if (ours.sort().join() === theirs.join()) return null;
  return `ours ${ours.join(', ')}; theirs ${theirs.join(', ')}`;
}

export async function checkBooks(world: World): Promise<void> {
  const difference = await differenceOfBooks(world);
  check(difference === null, 'broker ledger = our fills', difference ?? '');
}

/** Contracts of ours at the broker that no order there would close. */
export function uncovered(world: World): number {
  return SYMBOLS.reduce((sum, symbol) => {
    const open = world.venue.orders
      .filter((each) => !each.isManual && legOf(each).symbol === symbol)
      .reduce(
        (qty, { order, filledQty }) => qty + (order.legs[0]?.side === 'sell' ? filledQty : -filledQty),
        0,
      );
    // Whoever closed it: what is not there any more needs no exit.
    const there = Math.min(open, -world.venue.positionOf(symbol));
    return sum + Math.max(0, there - closingOf(world, symbol));
  }, 0);
}
