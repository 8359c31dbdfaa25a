// Seeded disorder between a broker run and its venue, and what must hold through all of it.
import fc from 'fast-check';
import type pg from 'pg';
import { type Desk, later } from './desk.ts';
import type { Answer, Work } from './desk_jobs.ts';
import type { QuoteSpec, ScenarioOptions } from './scenario.ts';
import { filledOf, type VenueOrder } from './venue.ts';

const ACTS = [
  'fill',
  'fill',
  'fill',
  'end',
  'settle',
  'settle',
  'torn',
  'restart',
  'lie',
  'new run',
  'halt',
  'nothing',
] as const;
const ANSWERS: readonly Answer[] = ['accepted', 'rejected', 'placed', 'lost', 'not sent', 'dead'];

/** Something that happens, and how long after it the run is advanced again. */
export interface Mishap {
  /** Null is a second after the next signal may come. */
  readonly ms: number | null;
  readonly act: (typeof ACTS)[number];
  readonly answer: Answer;
  /** The venue obeys cancels. */
  readonly obeys: boolean;
  readonly works: boolean;
  readonly reports: boolean;
  /** Contracts that fill, as far as the order goes. */
  readonly qty: number;
  /** Which of the venue's working orders. */
  readonly pick: number;
}

/** Sides that turn every minute or two; the walk has something to do in most of them. */
export const CHAOS_SIDES: ScenarioOptions['sides'] = {
  ...{ '10:05': 1, '10:06': -1, '10:08': 1, '10:09': -1, '10:10': 1, '10:12': -1, '10:13': 1 },
  ...{ '10:14': -1, '10:16': 1, '10:17': -1, '10:18': 1 },
};

/** Quotes every few seconds that reach stops and targets, now and then without a side. */
export function chaosQuotes(): QuoteSpec[] {
  const quotes: QuoteSpec[] = [];
  for (const [n, label] of ['P600', 'C600'].entries()) {
    for (let s = 0; s < 960; s += 4) {
      const wave = Math.sin(s / 60 + n) * 0.6 + Math.sin(s / 7) * 0.25;
      const bid = Math.round((1.15 + wave) * 100) / 100;
      const time = later('10:04:30', s * 1000);
      quotes.push([label, time, s % 52 === 0 ? null : Math.max(bid, 0.01), Math.max(bid, 0.01) + 0.02]);
    }
  }
  return quotes;
}

/** The time of the slice that follows a mishap. */
export function nextTime(time: string, { ms }: Mishap): string {
  return ms === null ? later(`${time.slice(0, 5)}:01`, 60_000) : later(time, 20 + ms);
}

export function mishaps(): fc.Arbitrary<Mishap[]> {
  const mostly = fc.integer({ min: 0, max: 3 }).map((n) => n > 0);
  const mishap = fc.record({
    ms: fc.oneof(
      { weight: 3, arbitrary: fc.integer({ min: 100, max: 2500 }) },
      { weight: 1, arbitrary: fc.integer({ min: 5000, max: 30_000 }) },
      { weight: 1, arbitrary: fc.constant(null) },
    ),
    act: fc.constantFrom(...ACTS),
    answer: fc.oneof({ weight: 3, arbitrary: fc.constant<Answer>('accepted') }, fc.constantFrom(...ANSWERS)),
    obeys: mostly,
    works: mostly,
    reports: mostly,
    qty: fc.oneof(fc.constant(25), fc.integer({ min: 1, max: 25 })),
    pick: fc.nat({ max: 5 }),
  });
  return fc.array(mishap, { minLength: 8, maxLength: 14 });
}

function working(d: Desk): VenueOrder[] {
  return [...d.venue.orders.values()].filter((order) => order.state === 'working');
}

function fillSome(d: Desk, order: VenueOrder | undefined, qty: number, time: string): void {
  const rest = order === undefined ? 0 : order.qty - filledOf(order);
  if (order !== undefined && rest > 0)
    d.venue.fill(order.id, Math.min(qty, rest), 10_000, d.at(time.slice(0, 8)));
}

// The broker says that an entry is canceled, and it has filled: its slot is given up, and the fill comes after.
async function lie(d: Desk, mishap: Mishap, time: string): Promise<void> {
  const { rows } = await d
    .run()
    .client.query<Work & { state: string }>('select * from trade.open_orders($1, $2)', [
      d.account,
      d.at(time),
    ]);
  const entry = rows.find(({ purpose, state }) => purpose === 'entry' && state === 'accepted');
  const order = entry === undefined ? undefined : d.venue.orders.get(entry.venue_order_id ?? '');
  if (entry === undefined || order?.state !== 'working') return;
  await d.event(entry.intent_id, 'canceled', time);
  await d.to(later(time, 1));
  fillSome(d, order, mishap.qty, time);
  d.venue.end(order.id, 'canceled');
  if (mishap.obeys) await d.work(later(time, 2));
  await d.report(later(time, 3));
}

/** Carries out a mishap at a time; the run has been advanced to it. */
export async function happen(d: Desk, mishap: Mishap, time: string): Promise<void> {
  const { act, answer, obeys, works, reports, qty, pick } = mishap;
  if (works) await d.work(time, answer, () => obeys);
  const orders = working(d);
  const order = orders[pick % Math.max(orders.length, 1)];
  if (act === 'fill' || act === 'torn') fillSome(d, order, qty, time);
  if (act === 'end' && order !== undefined) d.venue.end(order.id, qty < 13 ? 'expired' : 'canceled');
  if (act === 'settle') await d.settle(time);
  if (act === 'restart') await d.restart(time);
  if (act === 'lie') await lie(d, mishap, time);
  if (act === 'new run') await d.replaceRun(time);
  if (act === 'halt') {
    const sql = 'insert into trade.controls (account, halted, reason) values ($1, $2, $3)';
    await d.run().client.query(sql, [d.account, pick === 0, 'chaos']);
  }
  if (reports) await d.report(later(time, 4), act === 'torn');
}

/** Everything works again: what is unknown is found out, exits fill, until nothing is left or `rounds` are over. */
export async function calm(d: Desk, start: string, rounds: number): Promise<string> {
  let time = start;
  await d.restart(time);
  for (let round = 0; round < rounds; round += 1) {
    await d.settle(time);
    await d.report(time);
    await d.to(time);
    const done = await d.work(later(time, 1));
    for (const order of working(d)) if (d.purposeOf(order) === 'exit') fillSome(d, order, 25, time);
    await d.report(later(time, 2));
    if (done.length === 0 && working(d).length === 0 && time >= '10:20:01') break;
    time = later(time, 5000);
  }
  await d.to(later(time, 3));
  return time;
}

// One row for each rule that does not hold.
const WRONG_SQL = `
  with o as (
    select o.*, coalesce((
      select e.qty from trade.order_events e where e.intent_id = o.intent_id and e.state = 'submitted'
    ), o.qty) as sent_qty
    from trade.orders o join trade.runs r using (run_id) where r.account = $1
  ), working as (
    select * from o where state in ('submitted', 'unknown', 'accepted', 'partially_filled')
  ), held as (
    select f.position_id, sum(case f.effect when 'open' then f.qty else -f.qty end) as qty
    from trade.fills f where f.account = $1 group by f.position_id
  ), folded as (
    select t.position_id, t.run_id, t.qty, t.ts_entry, t.ts_exit, t.gross_e4, t.net_e4
    from trade.folded_trips t
    where t.is_flat and t.position_id = any (array(select distinct f.position_id from trade.fills f where f.account = $1))
  ), stored as (
    select t.position_id, t.run_id, t.qty, t.ts_entry, t.ts_exit, t.gross_e4, t.net_e4
    from trade.round_trips t join trade.runs r using (run_id) where r.account = $1
  )
  select 'two entries work in slot ' || slot as wrong from working where purpose = 'entry' group by slot having count(*) > 1
  union all
  select 'two orders work for position ' || position_id from working group by position_id having count(*) > 1
  union all
  select 'position ' || w.position_id || ' is being closed too far' from working w join held h using (position_id)
  where w.effect = 'close' group by w.position_id, h.qty having sum(w.sent_qty - w.filled_qty) > h.qty
  union all
  select 'order ' || intent_id || ' fills more than was sent' from o where filled_qty > sent_qty
  union all
  select 'position ' || position_id || ' is long' from held where qty < 0
  union all
  select 'position ' || position_id || ' has no slot' from held
  where qty > 0 and not exists (select from trade.position_slots p where p.position_id = held.position_id)
  union all
  select 'order ' || intent_id || ' works without a slot' from working w
  where not exists (select from trade.position_slots p where p.position_id = w.position_id)
  union all
  select 'position ' || h.position_id || ' is being left, and nothing is on its way'
  from held h join trade.decisions d on d.position_id = h.position_id and d.kind = 'exit'
  where h.qty > 0 and not exists (
    select from o where o.decision_id = d.decision_id and (not trade.is_over(o.state) or o.ts > $2::timestamp - interval '61 seconds')
  )
  union all
  select 'trip ' || coalesce(a.position_id, b.position_id) || ' is not what its fills make it'
  from folded a full join stored b using (position_id) where a is distinct from b`;

/** The rules that do not hold for an account just after a slice that ended at a time. */
export async function brokenRules(client: pg.Client, account: string, ts: string): Promise<string[]> {
  const { rows } = await client.query<{ wrong: string }>({
    ...{ name: 'wrongs', text: WRONG_SQL, values: [account, ts] },
  });
  return rows.map(({ wrong }) => wrong);
}

/** What is wrong with an account just after a slice that ended at a time. */
export async function wrongs(client: pg.Client, d: Desk, time: string): Promise<string[]> {
  return [
    ...(await brokenRules(client, d.account, d.at(time))),
    ...d.refused.map(({ purpose }) => `the venue refused an order: ${purpose}`),
  ];
}
