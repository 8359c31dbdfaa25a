// The two jobs of a broker, played by hand: what sends is told how the broker answers, what reconciles reads the venue.
import type pg from 'pg';
import { e4 } from './market.ts';
import { createVenue, filledOf, type Venue, type VenueOrder } from './venue.ts';

/** A row of trade.order_work. */
export interface Work {
  readonly intent_id: number;
  readonly position_id: number;
  readonly action: 'drop' | 'cancel' | 'send';
  readonly reason: string | null;
  readonly purpose: 'entry' | 'exit' | 'protect';
  readonly venue_order_id: string | null;
  readonly symbol: string;
  readonly side: 'buy' | 'sell';
  readonly effect: 'open' | 'close';
  readonly qty: number;
  readonly order_type: string;
}

/**
 * What becomes of an order that is sent. `placed` and `lost` answer nothing, and only the venue knows which it was; after
 * `dead` the process that sent it, or was about to, is gone.
 */
export type Answer = 'accepted' | 'rejected' | 'placed' | 'lost' | 'not sent' | 'dead';

export interface WorkOptions {
  readonly answer?: Answer | ((item: Work) => Answer);
  /** Cancels are obeyed unless this says otherwise. */
  readonly obeys?: (item: Work) => boolean;
}

export interface Jobs {
  readonly venue: Venue;
  /** Orders of ours that the venue refused: closing more than is open. */
  readonly refused: Work[];
  epoch(): number;
  look(time: string): Promise<Work[]>;
  /** Carries out what order_work lists until it lists nothing new; one line for each, e.g. `send exit 25`. */
  work(
    time: string,
    answer?: Answer | ((item: Work) => Answer),
    obeys?: (item: Work) => boolean,
  ): Promise<string[]>;
  /** Reads the venue's orders as trade.open_orders asks for them: fills first, then the state, unless it dies in between. */
  report(time: string, isTorn?: boolean): Promise<void>;
  /** Takes the fence again; what was sent and not answered is unknown. */
  restart(time: string): Promise<void>;
  /** Looks for what is unknown at the venue: found, or never placed. */
  settle(time: string): Promise<void>;
  event(
    intentId: number,
    state: string,
    time: string,
    venueId?: string | null,
    detail?: string,
  ): Promise<boolean>;
  purposeOf(order: VenueOrder): Work['purpose'] | undefined;
  /** The last order of a purpose that the venue has. */
  last(purpose: Work['purpose']): VenueOrder;
  /** Executes a part of the last order of a purpose, in a whole second. */
  fill(purpose: Work['purpose'], qty: number, px: number, time: string): void;
}

export interface JobParts {
  readonly account: string;
  readonly at: (time: string) => string;
  readonly client: () => pg.Client;
}

interface Open {
  readonly intent_id: number;
  readonly state: string;
  readonly venue_order_id: string | null;
}

interface State {
  epoch: number;
  /** The venue's order of each intent that reached it. */
  readonly placed: Map<number, string>;
  readonly purposes: Map<string, Work['purpose']>;
}

type Parts = JobParts & { readonly venue: Venue; readonly state: State; readonly refused: Work[] };

const ENDED = new Set(['filled', 'canceled', 'rejected', 'expired', 'denied']);

/** The jobs of an account, whose fence they hold. */
export function playJobs(of: JobParts, epoch: number): Jobs {
  const { account, at, client } = of;
  const parts: Parts = {
    ...of,
    venue: createVenue(account),
    state: { epoch, placed: new Map(), purposes: new Map() },
    refused: [],
  };
  const { venue, state, refused } = parts;
  const look = async (time: string): Promise<Work[]> =>
    (await client().query<Work>('select * from trade.order_work($1, $2)', [account, at(time)])).rows;
  const last = (purpose: Work['purpose']): VenueOrder => {
    const order = [...venue.orders.values()].filter(({ id }) => state.purposes.get(id) === purpose).at(-1);
    if (order === undefined) throw new Error(`the venue has no ${purpose}`);
    return order;
  };
  return {
    ...{ venue, refused, look, last },
    purposeOf: ({ id }) => state.purposes.get(id),
    epoch: () => state.epoch,
    work: async (time, answer = 'accepted', obeys = () => true) => {
      const done: string[] = [];
      const seen = new Set<string>();
      for (let items = await look(time); ; items = await look(time)) {
        const fresh = items.filter((item) => !seen.has(`${item.action} ${item.intent_id}`));
        if (fresh.length === 0) return done;
        for (const item of fresh) {
          seen.add(`${item.action} ${item.intent_id}`);
          done.push([item.action, item.purpose, item.action === 'send' ? item.qty : item.reason].join(' '));
          await carryOut(parts, item, {
            time,
            answer: typeof answer === 'function' ? answer(item) : answer,
            obeys,
          });
        }
      }
    },
    report: (time, isTorn = false) => report(parts, time, isTorn),
    restart: (time) => restart(parts, time),
    settle: (time) => settle(parts, time),
    event: (intentId, next, time, venueId = null, detail = 'test') =>
      record(parts, intentId, { state: next, time, venueId, detail }),
    fill: (purpose, qty, px, time) => venue.fill(last(purpose).id, qty, e4(px), at(time)),
  };
}

async function record(
  { client, at, state }: Parts,
  intentId: number,
  of: { state: string; time: string; venueId?: string | null; detail?: string; qty?: number },
): Promise<boolean> {
  const values = [
    intentId,
    state.epoch,
    at(of.time),
    of.state,
    of.venueId ?? null,
    of.qty ?? null,
    of.detail ?? null,
  ];
  const sql = 'select trade.record_order_event($1, $2, $3, $4, $5, $6, $7) as is_new';
  return (await client().query<{ is_new: boolean }>(sql, values)).rows[0]?.is_new === true;
}

async function carryOut(
  parts: Parts,
  item: Work,
  of: { time: string; answer: Answer; obeys: (item: Work) => boolean },
): Promise<void> {
  const { venue, client, at, state } = parts;
  if (item.action === 'send') return send(parts, item, of);
  if (item.action === 'cancel') {
    if (of.obeys(item)) venue.end(item.venue_order_id ?? '', 'canceled');
    return;
  }
  const [, next, reason] = /^(\w+): (.*)$/.exec(item.reason ?? '') ?? [];
  const values = [item.intent_id, state.epoch, at(of.time), next, reason];
  await client().query('select trade.drop_order($1, $2, $3, $4, $5)', values);
}

async function send(
  parts: Parts,
  item: Work,
  { time, answer }: { time: string; answer: Answer },
): Promise<void> {
  const { venue, state, refused } = parts;
  const tell = (next: string, venueId: string | null = null, detail = 'test'): Promise<boolean> =>
    record(parts, item.intent_id, { state: next, time, venueId, detail });
  await record(parts, item.intent_id, { state: 'submitted', time, qty: item.qty });
  if (answer === 'dead') return;
  if (answer === 'not sent') return void (await tell('canceled', null, 'not sent: test'));
  if (answer === 'rejected') return void (await tell('rejected'));
  if (answer === 'lost') return void (await tell('unknown'));
  const order = venue.submit(item);
  if (order === null) {
    refused.push(item);
    return void (await tell('rejected', null, 'more than is open'));
  }
  state.purposes.set(order.id, item.purpose);
  state.placed.set(item.intent_id, order.id);
  if (answer === 'placed') await tell('unknown');
  else await tell('accepted', order.id);
}

async function openOrders({ account, at, client }: Parts, time: string): Promise<Open[]> {
  return (await client().query<Open>('select * from trade.open_orders($1, $2)', [account, at(time)])).rows;
}

async function report(parts: Parts, time: string, isTorn: boolean): Promise<void> {
  const { client, venue, state } = parts;
  for (const { intent_id, state: before, venue_order_id } of await openOrders(parts, time)) {
    const order = venue_order_id === null ? undefined : venue.orders.get(venue_order_id);
    if (order === undefined) continue;
    let isNew = false;
    for (const { id, ts, qty, px_e4 } of order.fills) {
      const { rows } = await client().query<{ is_new: boolean }>(
        'select trade.record_fill($1, $2, $3, $4, 1::smallint, $5, $6) as is_new',
        [intent_id, state.epoch, id, ts, qty, px_e4],
      );
      isNew ||= rows[0]?.is_new === true;
    }
    for (const next of isTorn ? [] : statesOf(order, before, isNew)) {
      await record(parts, intent_id, { state: next, time, venueId: venue_order_id });
    }
  }
}

function statesOf(order: VenueOrder, before: string, isNew: boolean): string[] {
  if (order.state === 'filled') return before === 'filled' ? [] : ['filled'];
  const hasEnded = ENDED.has(before);
  const isPartial = filledOf(order) > 0 && (isNew || (!hasEnded && before !== 'partially_filled'));
  const partly = isPartial ? ['partially_filled'] : [];
  return order.state !== 'working' && (isPartial || !hasEnded) ? [...partly, order.state] : partly;
}

async function restart(parts: Parts, time: string): Promise<void> {
  const { client, account, at, state } = parts;
  const sql = "select trade.take_fence($1, 'test', $2) as epoch";
  state.epoch = (await client().query<{ epoch: number }>(sql, [account, at(time)])).rows[0]?.epoch as number;
  for (const order of await openOrders(parts, time)) {
    if (order.state === 'submitted') await record(parts, order.intent_id, { state: 'unknown', time });
  }
}

async function settle(parts: Parts, time: string): Promise<void> {
  for (const { intent_id, state } of await openOrders(parts, time)) {
    if (state !== 'unknown') continue;
    const venueId = parts.state.placed.get(intent_id) ?? null;
    if (venueId === null)
      await record(parts, intent_id, { state: 'canceled', time, detail: 'not found at the broker' });
    else await record(parts, intent_id, { state: 'accepted', time, venueId });
  }
}
