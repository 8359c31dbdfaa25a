// Whatever order things happen in, and whatever the broker does with what it is sent: the invariants of the order path hold.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { OsiSymbol } from '../../../core/osi_symbol.ts';
import { eventually } from '../../harness.ts';
import { useBench } from '../support/connections.ts';
import type { QuoteSpec } from '../support/scenario.ts';
import type { CancelPlan, SubmitPlan } from './venue.ts';
import { CALL, createWorld, goOn, type Jobs, openJobs, PUT, type World } from './world.ts';

const bench = useBench();
const RUNS = Number(process.env.STRIKEBASE_ORDER_RUNS ?? 5);
// The same plays every time; STRIKEBASE_ORDER_PLAY=seed, or seed:path as a failure prints them, plays others.
const [SEED = '', ...PATH] = (process.env.STRIKEBASE_ORDER_PLAY ?? '').split(':');
const CHOICE = {
  seed: SEED === '' ? 7 : Number(SEED),
  ...(PATH.length === 0 ? {} : { path: PATH.join(':'), endOnFailure: true }),
};
const SYMBOLS = [PUT, CALL];
const MINUTES = ['10:05', '10:06', '10:07', '10:08', '10:09', '10:10', '10:11', '10:12', '10:13', '10:14'];

type Action =
  | { readonly kind: 'time'; readonly ms: number }
  /** A second in which everything is done in its usual order. */
  | { readonly kind: 'usual' }
  | { readonly kind: 'slice' | 'step' | 'pass' | 'hint' | 'release' | 'restartSubmit' | 'restartReconcile' }
  | { readonly kind: 'submit'; readonly plan: SubmitPlan }
  | { readonly kind: 'cancel'; readonly plan: CancelPlan }
  | { readonly kind: 'fill'; readonly nth: number; readonly qty: number; readonly stops: boolean }
  | { readonly kind: 'lag'; readonly listMs: number; readonly reportMs: number }
  | { readonly kind: 'down'; readonly isDown: boolean }
  | { readonly kind: 'quote'; readonly cents: number };

const plan = fc.constantFrom<SubmitPlan>(
  ...([
    'accept',
    'accept',
    'accept',
    'reject',
    'silent_placed',
    'silent_lost',
    'not_sent',
    'held_placed',
    'held_lost',
  ] as const),
);
const action: fc.Arbitrary<Action> = fc.oneof(
  { weight: 10, arbitrary: fc.constant({ kind: 'usual' as const }) },
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant('time' as const),
      ms: fc.constantFrom(50, 250, 1000, 2500, 7000),
    }),
  },
  {
    weight: 12,
    arbitrary: fc.record({ kind: fc.constantFrom('slice' as const, 'step' as const, 'pass' as const) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constantFrom(
        'hint' as const,
        'release' as const,
        'restartSubmit' as const,
        'restartReconcile' as const,
      ),
    }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('submit' as const), plan }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('cancel' as const),
      plan: fc.constantFrom<CancelPlan>('cancel', 'cancel', 'lose', 'fill_first', 'refuse'),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('fill' as const),
      nth: fc.integer({ min: 0, max: 3 }),
      qty: fc.constantFrom(1, 5, 24, 25),
      stops: fc.boolean(),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('lag' as const),
      listMs: fc.constantFrom(0, 0, 1500, 8000),
      reportMs: fc.constantFrom(0, 0, 1500, 8000),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('down' as const), isDown: fc.boolean() }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('quote' as const),
      cents: fc.constantFrom(45, 90, 100, 150, 210),
    }),
  },
);

interface Play {
  readonly world: World;
  jobs: Jobs;
}

async function begin(): Promise<Play> {
  // The price crosses its average every minute: entries, reversals and stops follow each other closely.
  const sides = Object.fromEntries(
    MINUTES.map((minute, index) => [minute, index % 2 === 0 ? 1 : -1] as const),
  );
  const quotes = MINUTES.flatMap((minute): QuoteSpec[] => [
    ['P600', minute, 1.0, 1.02],
    ['C600', minute, 1.0, 1.02],
  ]);
  const world = await createWorld(bench, {
    sides: sides as Record<string, 1 | -1>,
    quotes,
    start: '10:04:58',
  });
  return { world, jobs: await openJobs(world) };
}

/** Begins what there is to do, and waits for every answer that is not held back. */
async function step({ world, jobs }: Play): Promise<void> {
  const isHeld = world.venue.levers.submit.startsWith('held');
  const before = world.venue.requests.submit ?? 0;
  await jobs.submitter.step();
  if (!isHeld && world.venue.heldCount() === 0) await jobs.submitter.settled();
  else await eventually(() => expect(world.venue.requests.submit ?? 0).toBeGreaterThanOrEqual(before));
}

async function act(play: Play, each: Action): Promise<void> {
  const { world, jobs } = play;
  const { venue } = world;
  switch (each.kind) {
    case 'time':
      return world.moveTo(each.ms);
    case 'usual':
      world.moveTo(1000);
      await jobs.reconciler.pass();
      await world.slice();
      return step(play);
    case 'slice':
      await world.slice();
      return;
    case 'step':
      return step(play);
    case 'pass':
      await jobs.reconciler.pass();
      return;
    case 'hint':
      return jobs.reconciler.hurry();
    case 'release':
      venue.release();
      return jobs.submitter.settled();
    case 'restartSubmit':
      venue.release();
      await jobs.submitter.close();
      play.jobs = { ...jobs, submitter: await world.openSubmitter() };
      return;
    case 'restartReconcile':
      await jobs.reconciler.close();
      play.jobs = { ...jobs, reconciler: await world.openReconciler() };
      return;
    case 'submit':
      venue.levers.submit = each.plan;
      return;
    case 'cancel':
      venue.levers.cancel = each.plan;
      return;
    case 'fill': {
      const working = venue.working().filter(({ order }) => (order.type === 'stop') === each.stops);
      venue.fill(working[each.nth % Math.max(working.length, 1)]?.id ?? '', each.qty);
      return;
    }
    case 'lag':
      venue.levers.listLagMs = each.listMs;
      venue.levers.reportLagMs = each.reportMs;
      return;
    case 'down':
      venue.levers.isDown = each.isDown;
      return;
    case 'quote':
      return world.scenario.quote(...quotesAt(world, each.cents / 100));
  }
}

function quotesAt(world: World, bid: number): QuoteSpec[] {
  const time = new Date(world.now() / 1000).toISOString().slice(11, 23);
  return ['P600', 'C600'].map((label) => [label, time, bid, bid + 0.02]);
}

/** What holds at every moment, seen at the broker. */
function checkVenue({ world }: Play): void {
  const { venue } = world;
  expect(new Set(venue.submitted).size, 'an intent was sent twice').toBe(venue.submitted.length);
  const entries = venue.working().filter(({ order }) => order.legs[0]?.effect === 'open');
  expect(entries.length, 'two entries work at once').toBeLessThanOrEqual(1);
  const held = SYMBOLS.map((symbol) => venue.positionOf(symbol));
  for (const qty of held) expect(qty, 'a position was turned round').toBeLessThanOrEqual(0);
  expect(
    held.reduce((sum, qty) => sum - qty, 0),
    'more is held than one position',
  ).toBeLessThanOrEqual(25);
}

/** The broker behaves from now on. */
async function heal(play: Play): Promise<void> {
  const { venue } = play.world;
  Object.assign(venue.levers, {
    submit: 'accept',
    cancel: 'cancel',
    listLagMs: 0,
    reportLagMs: 0,
    isDown: false,
  });
  venue.release();
  await play.jobs.submitter.settled();
  // No entry any more: what is there is to be brought home.
  await bench
    .runner()
    .query("select trade.halt($1, '2026-06-17 10:05', 'the test ends')", [play.world.account]);
  await goOn(play.world, play.jobs, 8000);
  for (let second = 0; second < 36; second += 4) {
    play.world.moveTo(3000);
    await goOn(play.world, play.jobs, 1000);
    checkVenue(play);
  }
}

async function checkBooks({ world }: Play): Promise<void> {
  const { rows } = await world.pool.query<{ venue_order_id: string; qty: number; sent: number }>(
    `select o.venue_order_id, o.filled_qty as qty,
       (select count(*)::integer from trade.order_events e where e.intent_id = o.intent_id and e.state = 'submitted') as sent
     from trade.orders o where o.run_id = $1`,
    [world.run.id],
  );
  const ours = new Map(rows.filter((row) => row.qty > 0).map((row) => [row.venue_order_id, row.qty]));
  const theirs = new Map(
    world.venue.orders.filter((order) => order.filledQty > 0).map((order) => [order.id, order.filledQty]),
  );
  expect(ours, 'our fills are not the broker’s').toEqual(theirs);
  for (const row of rows) expect(row.sent, 'an intent was submitted twice').toBeLessThanOrEqual(1);
  const held = await world.held();
  for (const symbol of SYMBOLS) expect(held[symbol] ?? 0).toBe(world.venue.positionOf(symbol));
}

/** Contracts that no order at the broker would close. */
function uncovered({ world }: Play, symbol: OsiSymbol): number {
  const closing = world.venue
    .working()
    .filter(({ order }) => order.legs[0]?.symbol === symbol && order.legs[0]?.effect === 'close')
    .reduce((sum, { order, filledQty }) => sum + order.qty - filledQty, 0);
  return -world.venue.positionOf(symbol) - closing;
}

/** Every contract that is held is soon covered by an order that would close it: between a stop and an exit there is a moment. */
async function checkCover(play: Play): Promise<void> {
  const isCovered = (): boolean => SYMBOLS.every((symbol) => uncovered(play, symbol) === 0);
  for (let look = 0; look < 20 && !isCovered(); look += 1) {
    // What goes at the market does not rest.
    play.world.venue.fillMarkets();
    await goOn(play.world, play.jobs, 250);
  }
  expect(isCovered(), 'a position is not covered').toBe(true);
}

/** How much has happened in all plays: a test in which nothing happens proves nothing. */
const seen = { entries: 0, fills: 0, exits: 0, stops: 0, unknown: 0 };

function count({ world }: Play): void {
  for (const { order, filledQty } of world.venue.orders) {
    if (filledQty > 0) seen.fills += 1;
    if (order.type === 'stop') seen.stops += 1;
    else if (order.legs[0]?.effect === 'open') seen.entries += 1;
    else seen.exits += 1;
  }
  seen.unknown += world.told.filter(({ name }) => name === 'order unknown').length;
}

async function describePlay({ world }: Play): Promise<string> {
  const theirs = world.venue.orders.map(
    ({ id, order, state, filledQty }) =>
      `${id} ${order.legs[0]?.side} to ${order.legs[0]?.effect} ${order.type}: ${state} ${filledQty}/${order.qty}`,
  );
  return ['ours:', ...(await world.orders()), 'theirs:', ...theirs, 'halts:', ...(await world.halts())].join(
    '\n  ',
  );
}

describe('the order path', () => {
  it('holds its invariants whatever happens in whatever order', {
    timeout: 60_000 + RUNS * 20_000,
  }, async () => {
    await fc.assert(
      fc.asyncProperty(plan, fc.array(action, { minLength: 20, maxLength: 60 }), async (first, actions) => {
        const play = await begin();
        try {
          play.world.moveTo('10:05:00.1');
          await play.world.slice();
          for (const each of [{ kind: 'submit', plan: first }, { kind: 'step' }, ...actions] as const) {
            await act(play, each);
            checkVenue(play);
          }
          await heal(play);
          await checkBooks(play);
          await checkCover(play);
          count(play);
        } catch (error) {
          throw new Error(await describePlay(play), { cause: error });
        } finally {
          play.world.venue.release();
          await Promise.all([play.jobs.submitter.close(), play.jobs.reconciler.close()]);
        }
      }),
      { numRuns: RUNS, ...CHOICE },
    );
    for (const [what, times] of Object.entries(seen)) expect(times, `no ${what}`).toBeGreaterThan(0);
  });
});
