// Plays a plan against the real order jobs and a venue of the test's own, and says which invariant broke, if one did.
import type { FaultName } from '../../../../jobs/orders/fault.ts';
import { createWorld, type World } from '../world.ts';
import { planIn, type SeedEvent, type SeedPlan } from './events.ts';
import { bringHome } from './home.ts';
import { checkVenue, type Invariant, Violation } from './invariants.ts';
import type { Lane } from './lane.ts';
import { type Counts, faultOf, NO_COUNTS, orCrash, type Play, reopen, run, submit } from './steps.ts';

/** What happened in a play: a seed in which nothing happens proves nothing. */
export interface Played {
  readonly seed: number;
  readonly broken: { readonly invariant: Invariant | 'no error'; readonly message: string } | null;
  readonly counts: Counts;
}

const SETTINGS = { max_orders_per_minute: 1000, max_orders_per_day: 10_000 };

/** Plays a plan to its end; what breaks is returned, not thrown. */
export async function playPlan(lane: Lane, plan: SeedPlan): Promise<Played> {
  const play = await begin(lane, plan);
  const { seed } = plan;
  try {
    for (const event of plan.events) {
      await happen(play, event);
      checkVenue(play.world, play.lateQty);
    }
    await bringHome(play);
    return { seed, broken: null, counts: countOrders(play) };
  } catch (error) {
    const invariant = error instanceof Violation ? error.invariant : 'no error';
    const message = `${error instanceof Error ? error.stack : error}\n${await describePlay(play)}`;
    return { seed, broken: { invariant, message }, counts: play.counts };
  } finally {
    play.world.venue.release();
    await Promise.all([play.jobs.submitter.close(), play.jobs.reconciler.close()]);
  }
}

async function begin(lane: Lane, { start, keepsClientIds }: SeedPlan): Promise<Play> {
  const { bench, scenario, shared } = lane;
  const before = new Date(scenario.at(start) / 1000 - 2000).toISOString().slice(11, 19);
  const world = await createWorld(bench, {
    ...{ scenario, shared, keepsClientIds, settings: SETTINGS, start: before },
  });
  const play = { world, lane, counts: { ...NO_COUNTS }, armed: null, lateQty: 0 } as Omit<Play, 'jobs'>;
  const fault = faultOf(play);
  const [submitter, reconciler] = await Promise.all([
    world.openSubmitter({ fault }),
    world.openReconciler({ fault }),
  ]);
  return decideFirst(Object.assign(play, { jobs: { submitter, reconciler } }));
}

async function decideFirst(play: Play): Promise<Play> {
  const { world } = play;
  await play.jobs.reconciler.pass();
  world.moveTo(2100);
  await world.slice();
  await submit(play);
  return play;
}

async function happen(play: Play, event: SeedEvent): Promise<void> {
  const { world } = play;
  if (event.ms === null) world.moveTo(60_000 - ((world.now() / 1000) % 60_000) + 100);
  else world.moveTo(event.ms);
  await act(play, event);
  await run(play, event.run);
}

async function act(play: Play, { act: what, n }: SeedEvent): Promise<void> {
  const { world, jobs, counts } = play;
  const { venue } = world;
  const { levers } = venue;
  Object.assign(levers, planIn(what));
  const working = venue.working();
  const stops = working.filter(({ order }) => order.type === 'stop');
  const others = working.filter(({ order }) => order.type !== 'stop');
  const chosen = working[n % Math.max(working.length, 1)];
  if (what.startsWith('crash ')) play.armed = what.slice(6) as FaultName;
  switch (what) {
    case 'release':
      venue.release();
      return orCrash(play, 'submitter', () => jobs.submitter.settled());
    case 'fill':
      venue.fill(others[0]?.id ?? stops[0]?.id ?? '', 25);
      return;
    case 'partial':
      venue.fill(chosen?.id ?? '', n);
      return;
    case 'fill stop':
      venue.fill(stops[0]?.id ?? '', n);
      return;
    case 'late fill': {
      const canceled = venue.orders.filter(
        (each) => each.state === 'canceled' && isOfLate(each.enteredAt, world),
      );
      const qty = venue.fillLate(canceled.at(-1)?.id ?? '', n);
      play.lateQty += qty;
      counts.lateFills += qty > 0 ? 1 : 0;
      return;
    }
    case 'end':
      if (chosen !== undefined) chosen.state = n > 12 ? 'canceled' : 'expired';
      return;
    case 'duplicate on':
    case 'duplicate off':
      levers.isRepeating = what === 'duplicate on';
      return;
    case 'hint':
      return jobs.reconciler.hurry();
    case 'lag':
      Object.assign(levers, n < 12 ? { listLagMs: 1500 } : { reportLagMs: n < 25 ? 1500 : 8000 });
      return;
    case 'down':
      levers.isDown = true;
      return;
    case 'up':
      Object.assign(levers, { isDown: false, listLagMs: 0, reportLagMs: 0 });
      return;
    case 'restart':
      return reopen(play, n > 12 ? 'submitter' : 'reconciler');
    default:
  }
}

// Brokers tell of fills behind a cancel within seconds; those of a minute ago are looked at no more.
function isOfLate(enteredAt: number, world: World): boolean {
  return world.now() - enteredAt < 30_000_000;
}

function countOrders({ world, counts }: Play): Counts {
  for (const { order, filledQty, state } of world.venue.orders) {
    if (filledQty > 0) counts.fills += 1;
    if (order.type === 'stop') counts.stops += 1;
    else if (order.legs[0]?.effect === 'open') counts.entries += 1;
    else counts.exits += 1;
    if (state === 'canceled') counts.cancels += 1;
  }
  for (const { name } of world.told) {
    if (name === 'order unknown') counts.unknown += 1;
    if (name === 'order rejected') counts.rejected += 1;
  }
  return counts;
}

async function describePlay({ world }: Play): Promise<string> {
  const theirs = world.venue.orders.map(
    ({ id, order, state, filledQty }) =>
      `${id} ${order.legs[0]?.side} to ${order.legs[0]?.effect} ${order.type}: ${state} ${filledQty}/${order.qty}`,
  );
  const halts = await world.halts();
  return ['ours:', ...(await world.orders()), 'theirs:', ...theirs, 'halts:', ...halts].join('\n  ');
}
