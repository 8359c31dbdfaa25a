// Spreads through the order path at the simulated Tradier: one order for all legs, each execution once, never a half one unwatched.
import { describe, expect, it } from 'vitest';
import { type Clock, systemClock } from '../../../core/clock.ts';
import type { OsiSymbol } from '../../../core/osi_symbol.ts';
import type { Broker, OrderReport, VenueState } from '../../../jobs/brokers/broker.ts';
import { flatten } from '../../../jobs/flatten.ts';
import { checkReadiness } from '../../../jobs/readiness.ts';
import { useBench } from '../support/connections.ts';
import {
  BOUGHT,
  createSpreadWorld,
  DATE,
  enter,
  type LegQuotes,
  SOLD,
  type SpreadWorld,
} from './spread_world.ts';

const bench = useBench();
/** Worth about 1.05 to buy back: less than half of the credit of 2.30. */
const TARGET: LegQuotes = [
  [2.4, 2.6],
  [1.35, 1.55],
];
/** Worth about 5.00: more than twice the credit. */
const LOSS: LegQuotes = [
  [9.8, 10.0],
  [4.8, 5.0],
];
const CREDIT = [54_500, 31_500];
const DEBIT = [25_000, 14_500];

/** A world whose entry is filled at 2.30, a moment later. */
async function holding(options: Parameters<typeof createSpreadWorld>[1] = {}): Promise<SpreadWorld> {
  const world = await createSpreadWorld(bench, options);
  await enter(world);
  world.simulator.fill(world.lastId(), 10, CREDIT);
  await world.goOn(1500);
  return world;
}

function sentOrders({ simulator }: SpreadWorld) {
  return simulator.tickets().map(({ order }) => order.spec);
}

async function slot(world: SpreadWorld): Promise<boolean> {
  const [position] = await world.column('select position_id from trade.position_slots where account = $1', [
    world.account,
  ]);
  return position !== 'null';
}

async function halts(world: SpreadWorld): Promise<string[]> {
  return world.column('select reason from trade.controls where account = $1 and halted order by control_id', [
    world.account,
  ]);
}

describe('buying power', () => {
  async function powerOf(
    world: SpreadWorld,
  ): Promise<{ readonly isOk: boolean; readonly detail: string } | undefined> {
    const clock: Clock = { kind: 'simulated', now: () => world.now(), sleep: () => Promise.resolve() };
    const { broker } = world;
    const about = { strategy: 'spx_credit_vertical', feedIds: [], broker };
    const checks = await checkReadiness({ ...about, client: bench.runner(), clock });
    const found = checks.find(({ name }) => name === 'buying power');
    return found && { isOk: found.isOk, detail: found.detail };
  }

  it('is held against the width of the run that trades, and of the widest spread where its long leg is chosen by delta', async () => {
    const fixed = await createSpreadWorld(bench, { settings: { contracts: 10 } });
    expect(await powerOf(fixed)).toEqual({
      ...{ isOk: true, detail: '$100,000 of buying power; a position takes about $25,000' },
    });
    const byDelta = { spread_width: null, long_delta_distance: 0.06, contracts: 10 };
    const world = await createSpreadWorld(bench, { settings: byDelta });
    const unknown = await powerOf(world);
    expect(unknown?.isOk).toBe(false);
    expect(unknown?.detail).toContain('no chain of this run is quoted yet');
    world.moveTo('10:00:00.2');
    // 5875 has 0.114; 0.06 below it 5825 with 0.045 is nearer than 5850 with 0.073.
    expect(await powerOf(world)).toEqual({
      isOk: true,
      detail: '$100,000 of buying power; a position takes about $50,000',
    });
  });
});

describe('a vertical', () => {
  it('is previewed, sold as one order, watched by its legs, and bought back as one', async () => {
    const world = await holding();
    expect(await world.orders()).toEqual(['entry#1 limit 2.25 filled 1/1']);
    expect(sentOrders(world)).toMatchObject([
      { type: 'NET_CREDIT', price_e4: 22_500, legs: [{ symbol: SOLD }, { symbol: BOUGHT }] },
    ]);
    expect(await world.fills()).toEqual([`sell open 1 ${SOLD} 5.45`, `buy open 1 ${BOUGHT} 3.15`]);
    expect(await world.held()).toEqual({ [SOLD]: -1, [BOUGHT]: 1 });
    const [preview] = await world.column(
      `select p.preview -> 'order' ->> 'status' || ' ' || (p.ts <= e.ts) from trade.order_previews p
       join trade.order_intents i using (intent_id) join trade.order_events e using (intent_id)
       where i.run_id = $1 and e.state = 'accepted'`,
      [world.runId],
    );
    expect(preview).toBe('ok true');
    // The quotes of its legs are kept coming.
    const watched = await world.column('select symbol from ops.held_contracts order by symbol');
    expect(watched).toEqual(expect.arrayContaining([BOUGHT, SOLD]));

    await world.column('select ops.compose_messages($1)', [`${DATE} 10:00:30`]);
    expect(
      await world.column(`select text from ops.alert_outbox where kind = 'entry' and text like '%P5875%'`),
    ).toEqual([
      expect.stringMatching(/: sold 1 SPXW 260622 P5875\/P5850 at 2\.30 \(put_vertical\), 10:00:00$/),
    ]);

    world.moveTo('10:01:00');
    await world.quote(TARGET);
    await world.goOn(500);
    expect(await world.orders()).toEqual(['entry#1 limit 2.25 filled 1/1', 'exit#1 limit 1.20 accepted 0/1']);
    expect(sentOrders(world).at(-1)).toMatchObject({
      type: 'NET_DEBIT',
      legs: [
        { symbol: SOLD, instruction: 'BUY_TO_CLOSE' },
        { symbol: BOUGHT, instruction: 'SELL_TO_CLOSE' },
      ],
    });
    world.simulator.fill(world.lastId(), 1, DEBIT);
    await world.goOn(3000);
    expect((await world.orders()).at(-1)).toBe('exit#1 limit 1.20 filled 1/1');
    expect(await world.held()).toEqual({});
    expect(world.simulator.ledger.positionOf(SOLD)).toBe(0);
    expect(await slot(world)).toBe(false);
    // 2.30 sold, 1.05 paid, four contracts' costs.
    const [trip] = await world.column(
      `select concat_ws(' ', exit_reason, opened_notional_e4, closed_notional_e4, gross) from trade.round_trips where run_id = $1`,
      [world.runId],
    );
    expect(trip).toMatch(/^take_profit 23000 10500 125\.00/);
    expect(
      await world.column(
        `select concat_ws(' ', side, qty, contract, avg_px) from panel.orders where run_id = $1 order by intent_id`,
        [world.runId],
      ),
    ).toEqual(['sell 1 SPXW 260622 P5875/P5850 2.3000', 'buy 1 SPXW 260622 P5875/P5850 1.0500']);
    expect(sentOrders(world)).toHaveLength(2);
    expect(await halts(world)).toEqual([]);
  });

  it('is stopped out: re-priced while nobody sells, and at the market in the end', async () => {
    const world = await holding({
      settings: { exit_reprice_ms: 2000, exit_market_after_ms: 5000, exit_reprice_ticks: 1 },
    });
    world.moveTo('10:01:00');
    await world.quote(LOSS);
    world.moveTo(500);
    // Nobody sells below 5.70.
    world.simulator.setQuote(SOLD, 98_000, 105_000, 50, 50);
    await world.goOn(8000);
    const orders = await world.orders();
    expect(orders.slice(1, 3)).toEqual(['exit#1 limit 5.15 canceled 0/1', 'exit#2 limit 5.20 canceled 0/1']);
    expect(orders.at(-1)).toMatch(/^exit#\d market filled 1\/1$/);
    expect(sentOrders(world).at(-1)).toMatchObject({
      type: 'MARKET',
      legs: [{ symbol: SOLD }, { symbol: BOUGHT }],
    });
    expect(await world.held()).toEqual({});
    expect(await slot(world)).toBe(false);
    const [exit] = await world.column(
      `select reason from trade.decisions where run_id = $1 and kind = 'exit'`,
      [world.runId],
    );
    expect(exit).toBe('stop_loss');
  });

  it('whose entry finds no buyer is canceled, and its slot is free again', async () => {
    const world = await createSpreadWorld(bench, { settings: { entry_valid_ms: 3000 } });
    await enter(world);
    await world.goOn(5000);
    expect(await world.orders()).toEqual(['entry#1 limit 2.25 canceled 0/1']);
    expect(await slot(world)).toBe(false);
    expect(await world.held()).toEqual({});
  });

  it('whose answer is lost bars entries, is found by its tag, and is sold once', async () => {
    const world = await createSpreadWorld(bench);
    world.simulator.script.next('POST order', { kind: 'hang', accept: true });
    await enter(world);
    expect(await world.orders()).toEqual(['entry#1 limit 2.25 unknown 0/1']);
    const [bar] = await world.column('select trade.entry_bar(r, $2) from trade.runs r where r.run_id = $1', [
      world.runId,
      `${DATE} 10:00:01`,
    ]);
    expect(bar).toBe('unknown_order');
    world.simulator.fill(world.lastId(), 1, CREDIT);
    await world.goOn(2500);
    expect(await world.orders()).toEqual(['entry#1 limit 2.25 filled 1/1']);
    expect(await world.held()).toEqual({ [SOLD]: -1, [BOUGHT]: 1 });
    expect(sentOrders(world)).toHaveLength(1);
  });

  it('whose order never arrived is given up only when neither its orders nor any of its legs show it', async () => {
    const world = await createSpreadWorld(bench);
    world.simulator.script.next('POST order', { kind: 'hang', accept: false });
    await enter(world);
    await world.goOn(10_000);
    expect(await world.orders()).toEqual(['entry#1 limit 2.25 unknown 0/1']);
    await world.goOn(30_000);
    expect(await world.orders()).toEqual(['entry#1 limit 2.25 canceled 0/1']);
    expect(sentOrders(world)).toHaveLength(0);
    expect(await slot(world)).toBe(false);
  });

  it('whose legs are left out of reports is booked at the net price, and closed all the same', async () => {
    const world = await createSpreadWorld(bench);
    world.simulator.setOmitsLegs(true);
    await enter(world);
    world.simulator.fill(world.lastId(), 1, CREDIT);
    await world.goOn(1500);
    expect(await world.fills()).toEqual([`sell open 1 ${SOLD} 2.30`, `buy open 1 ${BOUGHT} 0.00`]);
    world.moveTo('10:01:00');
    await world.quote(TARGET);
    await world.goOn(500);
    // It has come to its senses: what is known already stays as it was.
    world.simulator.setOmitsLegs(false);
    world.simulator.fill(world.lastId(), 1, DEBIT);
    await world.goOn(3000);
    expect((await world.fills()).slice(2)).toEqual([
      `buy close 1 ${SOLD} 2.50`,
      `sell close 1 ${BOUGHT} 1.45`,
    ]);
    expect(await world.held()).toEqual({});
    expect(await slot(world)).toBe(false);
    expect(await halts(world)).toEqual([]);
  });

  it('that fills in part is held in part, and only that is bought back', async () => {
    const world = await createSpreadWorld(bench, { settings: { contracts: 3, entry_valid_ms: 3000 } });
    await enter(world);
    world.simulator.fill(world.lastId(), 2, CREDIT);
    await world.goOn(1000);
    expect(await world.orders()).toEqual(['entry#1 limit 2.25 partially_filled 2/3']);
    await world.goOn(4000);
    expect(await world.orders()).toEqual(['entry#1 limit 2.25 canceled 2/3']);
    expect(await world.held()).toEqual({ [SOLD]: -2, [BOUGHT]: 2 });
    world.moveTo('10:01:00');
    await world.quote(TARGET);
    await world.goOn(500);
    world.simulator.fill(world.lastId(), 1, DEBIT);
    await world.goOn(1000);
    expect((await world.orders()).at(-1)).toBe('exit#1 limit 1.20 partially_filled 1/2');
    world.simulator.fill(world.lastId(), 1, DEBIT);
    await world.goOn(3000);
    expect((await world.orders()).at(-1)).toBe('exit#1 limit 1.20 filled 2/2');
    expect(await world.held()).toEqual({});
    expect(await slot(world)).toBe(false);
    expect(await world.fills()).toHaveLength(6);
  });
});

/** A broker that tells the executions of the first leg only, while `isOn`, and the order in a state that nobody knows unless given. */
function tellingHalf(broker: Broker, of: { isOn: boolean; readonly state?: VenueState }): Broker {
  const half = (report: OrderReport): OrderReport =>
    of.isOn
      ? { ...report, state: of.state ?? 'unknown', fills: report.fills.filter(({ legNo }) => legNo === 1) }
      : report;
  return {
    ...broker,
    order: async (id) => {
      const report = await broker.order(id);
      return report === null ? null : half(report);
    },
    ordersSince: async (from) => (await broker.ordersSince(from)).map(half),
    positions: async () => (await broker.positions()).filter(({ symbol }) => !of.isOn || symbol !== BOUGHT),
  };
}

describe('a vertical of which one leg is told before the other', () => {
  it('is held from its first execution on, and trades no leg alone', async () => {
    const half = { isOn: true };
    const world = await createSpreadWorld(bench, { wrap: (broker) => tellingHalf(broker, half) });
    await enter(world);
    world.simulator.fill(world.lastId(), 1, CREDIT);
    await world.goOn(1000);
    expect(await world.orders()).toEqual(['entry#1 limit 2.25 partially_filled 0/1']);
    expect(await world.held()).toEqual({ [SOLD]: -1 });
    expect(await slot(world)).toBe(true);
    // The leg alone seems to have brought 5.45: no target is met for that.
    await world.goOn(2000);
    expect(await world.orders()).toHaveLength(1);
    half.isOn = false;
    await world.goOn(2000);
    expect(await world.orders()).toEqual(['entry#1 limit 2.25 filled 1/1']);
    expect(await world.held()).toEqual({ [SOLD]: -1, [BOUGHT]: 1 });
    expect(await halts(world)).toEqual([]);
  });

  it('is told to people when it stays so; its exit waits, and flatten closes what is held', async () => {
    const half = { isOn: true };
    const world = await createSpreadWorld(bench, { wrap: (broker) => tellingHalf(broker, half) });
    await enter(world);
    world.simulator.fill(world.lastId(), 1, CREDIT);
    await world.goOn(8000);
    const told = await halts(world);
    expect(told).toHaveLength(1);
    expect(told[0]).toMatch(
      /entry \d+ .* has not filled as one: 1 and 0 of 1 contracts of its legs are filled/,
    );
    world.moveTo('10:01:00');
    await world.quote(LOSS);
    await world.goOn(2000);
    // Decided, and neither sent nor dropped.
    expect((await world.orders()).at(-1)).toMatch(/^exit#1 limit \S+ created 0\/1$/);
    expect(sentOrders(world)).toHaveLength(1);
    expect(await slot(world)).toBe(true);
    const result = await flatten({
      ...{ broker: world.broker, clock: systemClock(), onStep: () => undefined, patienceMs: 3000 },
      symbols: [SOLD as OsiSymbol],
      signal: new AbortController().signal,
    });
    expect(result.open).toEqual([]);
    expect(world.simulator.ledger.positionOf(SOLD)).toBe(0);
  });

  it('is not closed as a spread, though its entry has ended', async () => {
    const half = { isOn: true, state: 'canceled' } as const;
    const world = await createSpreadWorld(bench, { wrap: (broker) => tellingHalf(broker, half) });
    await enter(world);
    world.simulator.fill(world.lastId(), 1, CREDIT);
    await world.goOn(8000);
    expect(await world.orders()).toEqual(['entry#1 limit 2.25 canceled 0/1']);
    expect(await halts(world)).toEqual([expect.stringMatching(/has not filled as one/)]);
    expect(await slot(world)).toBe(true);
    world.moveTo('10:01:00');
    await world.quote(LOSS);
    await world.goOn(2000);
    expect((await world.orders()).at(-1)).toMatch(/^exit#1 limit \S+ created 0\/1$/);
    expect(sentOrders(world)).toHaveLength(1);
  });

  it('is recorded whole after a crash between the two', async () => {
    const world = await createSpreadWorld(bench);
    await enter(world);
    world.simulator.fill(world.lastId(), 1, CREDIT);
    await world.reconciler.close();
    let recorded = 0;
    const dying = await world.openReconciler({
      fault: (point) => {
        if (point !== 'after_fill_recorded') return;
        recorded += 1;
        // A database that goes away in the middle ends a pass as a kill does.
        if (recorded === 1) throw Object.assign(new Error('killed'), { code: '57P01' });
      },
    });
    await dying.pass().catch(() => undefined);
    expect(await world.fills()).toEqual([`sell open 1 ${SOLD} 5.45`]);
    await dying.close();
    await world.slice();
    expect(await slot(world)).toBe(true);
    world.reconciler = await world.openReconciler();
    await world.goOn(2000);
    expect(await world.fills()).toEqual([`sell open 1 ${SOLD} 5.45`, `buy open 1 ${BOUGHT} 3.15`]);
    expect(await world.orders()).toEqual(['entry#1 limit 2.25 filled 1/1']);
    expect(await halts(world)).toEqual([]);
  });
});

it('flatten buys back what was sold before it sells what covers it', async () => {
  const world = await holding();
  await world.quote(TARGET);
  const steps: string[] = [];
  const result = await flatten({
    ...{ broker: world.broker, clock: systemClock(), symbols: null, patienceMs: 3000 },
    onStep: (text) => steps.push(text),
    signal: new AbortController().signal,
  });
  expect(result).toMatchObject({ closed: 2, open: [] });
  expect(steps.map((step) => step.slice(0, step.indexOf(' at the market')))).toEqual([
    `buy 1 ${SOLD}`,
    `sell 1 ${BOUGHT}`,
  ]);
});
