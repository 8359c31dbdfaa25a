// Plays a plan against the real order jobs and a venue of the test's own, and says which invariant broke, if one did.
import { formatEastern } from '../../../../core/eastern_time.ts';
import type { FaultName } from '../../../../jobs/orders/fault.ts';
import { createWorld, type Jobs, type World } from '../world.ts';
import { planIn, type SeedEvent, type SeedPlan } from './events.ts';
import {
  checkBooks,
  checkRecords,
  checkVenue,
  differenceOfBooks,
  type Invariant,
  missingFills,
  SYMBOLS,
  uncovered,
  Violation,
} from './invariants.ts';
import type { Lane } from './lane.ts';

/** What happened in a play: a seed in which nothing happens proves nothing. */
export interface Played {
  readonly seed: number;
  readonly broken: { readonly invariant: Invariant | 'no error'; readonly message: string } | null;
  readonly counts: Counts;
}

export interface Counts {
  entries: number;
  exits: number;
  stops: number;
  fills: number;
  lateFills: number;
  unknown: number;
  rejected: number;
  cancels: number;
  duplicates: number;
  crashes: number;
}

export const NO_COUNTS: Readonly<Counts> = {
  ...{ entries: 0, exits: 0, stops: 0, fills: 0, lateFills: 0, unknown: 0 },
  ...{ rejected: 0, cancels: 0, duplicates: 0, crashes: 0 },
};

// As a lost connection, which nothing on the way takes for an answer of the database.
class Crash extends Error {
  readonly code = '57P01';
}

interface Play {
  readonly world: World;
  readonly lane: Lane;
  readonly counts: Counts;
  jobs: Jobs;
  armed: FaultName | null;
  lateQty: number;
}

const SETTINGS = { max_orders_per_minute: 1000, max_orders_per_day: 10_000 };
const MAX_ROUNDS = 24;

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

/** Kills whoever comes by the place that is armed. */
function faultOf(play: Omit<Play, 'jobs'>): (name: FaultName) => void {
  return (name) => {
    if (name !== play.armed) return;
    play.armed = null;
    play.counts.crashes += 1;
    throw new Crash(name);
  };
}

/** Ends a job, and opens the one that takes its place. */
async function reopen(play: Play, which: keyof Jobs): Promise<void> {
  const { world, jobs } = play;
  const fault = faultOf(play);
  if (which === 'submitter') {
    world.venue.release();
    await jobs.submitter.close();
    play.jobs = { ...jobs, submitter: await world.openSubmitter({ fault }) };
  } else {
    await jobs.reconciler.close();
    play.jobs = { ...jobs, reconciler: await world.openReconciler({ fault }) };
  }
}

async function orCrash(play: Play, which: keyof Jobs, work: () => Promise<unknown>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof Crash)) throw error;
    await reopen(play, which);
  }
}

/** Begins what there is to do, and waits for every answer that is not held back. */
function submit(play: Play): Promise<void> {
  return orCrash(play, 'submitter', async () => {
    const { venue } = play.world;
    await play.jobs.submitter.step();
    await play.lane.submitIdle();
    if (venue.heldCount() === 0) await play.jobs.submitter.settled();
  });
}

function reconcile(play: Play): Promise<void> {
  return orCrash(play, 'reconciler', () => play.jobs.reconciler.pass());
}

async function run(play: Play, who: string): Promise<void> {
  for (const letter of who) {
    if (letter === 'r') await reconcile(play);
    if (letter === 's') await play.world.slice();
    if (letter === 'w') await submit(play);
  }
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

/** Opens jobs for a world that others have left, and brings its positions under control: how long that took, and what is missing. */
export async function auditWorld(
  world: World,
): Promise<{ readonly recoveryMs: number; readonly lostExits: number; readonly lostRows: number }> {
  const [submitter, reconciler] = await Promise.all([world.openSubmitter(), world.openReconciler()]);
  const lane = { submitIdle: async () => undefined } as Pick<Lane, 'submitIdle'> as Lane;
  const play: Play = {
    ...{ world, lane, jobs: { submitter, reconciler }, counts: { ...NO_COUNTS }, armed: null, lateQty: 1e6 },
  };
  const began = world.now();
  try {
    await comeToRest(play).catch(() => undefined);
    const recoveryMs = (world.now() - began) / 1000;
    return { recoveryMs, lostExits: uncovered(world), lostRows: await missingFills(world) };
  } finally {
    await Promise.all([play.jobs.submitter.close(), play.jobs.reconciler.close()]);
  }
}

async function comeToRest(play: Play): Promise<void> {
  const { world } = play;
  const { venue } = world;
  Object.assign(venue.levers, {
    ...{ submit: 'accept', cancel: 'cancel', listLagMs: 0, reportLagMs: 0 },
    isDown: false,
  });
  play.armed = null;
  venue.release();
  await orCrash(play, 'submitter', () => play.jobs.submitter.settled());
  const at = formatEastern(world.now());
  await world.run.client.query("select trade.halt($1, $2, 'the test ends')", [world.account, at]);
  await rest(play, () => uncovered(world) === 0, 'every position has an armed exit');
}

/** The broker behaves from now on and nothing new is entered: what is there becomes known, covered, and at last flat. */
async function bringHome(play: Play): Promise<void> {
  const { world } = play;
  const { venue } = world;
  await comeToRest(play);
  await sameTwice(play);
  for (const order of venue.working()) venue.fill(order.id, order.order.qty);
  await rest(
    play,
    () => SYMBOLS.every((symbol) => venue.positionOf(symbol) === 0),
    'everything comes to rest',
  );
  await checkRecords(world);
  const held = await world.held();
  if (Object.keys(held).length > 0) throw new Violation('broker ledger = our fills', JSON.stringify(held));
}

const OPEN_SQL = `
  select o.intent_id, o.state, o.purpose, o.filled_qty from trade.open_orders($1, $2) o where not trade.is_over(o.state)`;

/** Rounds of everything until nothing of ours is in doubt and the goal is reached. */
async function rest(play: Play, isReached: () => boolean, invariant: Invariant): Promise<void> {
  const { world } = play;
  let doubts = '';
  for (let round = 0; round < MAX_ROUNDS; round += 1) {
    // An order of unknown fate needs half a minute.
    world.moveTo(round < 6 ? 1000 : 4000);
    await run(play, 'rsw');
    checkVenue(world, play.lateQty);
    for (const { id, order } of world.venue.working())
      if (order.type === 'market') world.venue.fill(id, order.qty);
    const query = { name: 'open', text: OPEN_SQL, values: [world.account, formatEastern(world.now())] };
    const { rows } = await world.run.client.query<{ state: string; purpose: string; filled_qty: number }>(
      query,
    );
    const known = world.venue.working().filter(({ isManual }) => !isManual);
    const doubtful = rows.filter(
      ({ state, purpose }) => purpose === 'entry' || !/accepted|partially/.test(state),
    );
    doubts = doubtful.map(({ purpose, state }) => `${purpose} ${state}`).join(', ');
    if (doubtful.length > 0 || rows.length !== known.length || !isReached()) continue;
    // A stop that rests is read every fifteen seconds.
    if ((await differenceOfBooks(world)) === null) return;
  }
  await checkBooks(world);
  throw new Violation(isReached() ? 'everything comes to rest' : invariant, doubts);
}

async function sameTwice(play: Play): Promise<void> {
  const { world } = play;
  world.venue.levers.isRepeating = true;
  for (let look = 0; look < 2; look += 1) {
    world.moveTo(2500);
    play.jobs.reconciler.hurry();
    const { changes, newFills } = await play.jobs.reconciler.pass();
    play.counts.duplicates += 1;
    if (look > 0 && changes + newFills > 0)
      throw new Violation('the same message twice changes nothing', `${changes} changes, ${newFills} fills`);
  }
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
