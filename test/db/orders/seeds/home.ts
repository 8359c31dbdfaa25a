// The end of a play, and of a test that broke something: all that is there becomes known, covered, and at last flat.
import { formatEastern } from '../../../../core/eastern_time.ts';
import type { World } from '../world.ts';
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
import { NO_COUNTS, orCrash, type Play, run } from './steps.ts';

const MAX_ROUNDS = 24;

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
export async function bringHome(play: Play): Promise<void> {
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
