// Seeded misbehaviour: whatever Schwab does to a request, the outcome never claims what is not so, and nothing is sent twice.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { BrokerOrder, SendOutcome } from '../../../../jobs/brokers/broker.ts';
import { isSame } from '../../../../jobs/brokers/schwab/orders.ts';
import type { Fault } from '../../../../sim/schwab/faults.ts';
import { noteFault } from '../../../fault_notes.ts';
import { eventually } from '../../../harness.ts';
import { type SimulatedSchwab, simulatedSchwab } from './simulated.ts';
import { CALL, FURTHER_CALL, shortCall } from './support.ts';

const SEEDS = 100;

const ORDER_FAULTS: readonly Fault[] = [
  { kind: 'hang', accept: true },
  { kind: 'hang', accept: false },
  { kind: 'reset', accept: true },
  { kind: 'reset', accept: false },
  { kind: 'html', status: 502, accept: true },
  { kind: 'html', status: 500, accept: false },
  { kind: 'fault_json' },
  { kind: 'no_route' },
  { kind: 'rate_limit', retryAfterS: 0, hasBody: true },
  { kind: 'rate_limit', retryAfterS: null, hasBody: false },
  { kind: 'unauthorized' },
  { kind: 'slow', ms: 5 },
  { kind: 'slow', ms: 150 },
  { kind: 'no_location' },
  { kind: 'relative_location' },
  { kind: 'wrong_location' },
  { kind: 'reject' },
  { kind: 'list_lag', ms: 50, byId: true },
  { kind: 'partial', qtys: [1] },
];
const READ_FAULTS: readonly (Fault | null)[] = [
  null,
  null,
  { kind: 'reset', accept: false },
  { kind: 'html', status: 503, accept: false },
  { kind: 'half_body', isCut: true },
  { kind: 'no_route' },
  { kind: 'rate_limit', retryAfterS: 0, hasBody: false },
];

/** Told apart by its price: no two orders of a test have the same. */
function orderOf(qty: number, cents: number, symbol: typeof CALL): BrokerOrder {
  const legs = [{ symbol, side: 'sell', effect: 'open', ratio: 1 }] as const;
  return shortCall({ legs, qty, limit_px_e4: cents * 100 });
}

interface Sent {
  readonly order: BrokerOrder;
  readonly outcome: SendOutcome;
}

/** What the ledger says of one request, however late it arrived. */
function judge(world: SimulatedSchwab, { order, outcome }: Sent): void {
  const made = world.simulator.ledger.orders().filter((each) => each.spec.price_e4 === order.limit_px_e4);
  // Never two orders for one request, whatever happened to it.
  expect(made.length, JSON.stringify({ order, outcome })).toBeLessThanOrEqual(1);
  if (outcome.kind === 'rejected' || outcome.kind === 'not_sent') expect(made).toEqual([]);
  if (outcome.kind !== 'submitted') return;
  expect(made.map((each) => String(each.id))).toEqual([outcome.venueOrderId]);
  expect(made[0]?.spec.qty).toBe(order.qty);
  expect(made[0]?.spec.legs.map((leg) => leg.symbol)).toEqual(order.legs.map((leg) => leg.symbol));
}

describe('a Schwab that misbehaves', () => {
  it(`keeps every outcome true over ${SEEDS} orders`, async () => {
    const world = await simulatedSchwab({
      broker: { timing: { orderTimeoutMs: 100, readTimeoutMs: 100, backoffFirstMs: 1, backoffMaxMs: 5 } },
    });
    world.venue.setQuote(CALL, { bid_e4: 12_500, ask_e4: 13_000, sz: 1e6 });
    world.venue.setQuote(FURTHER_CALL, { bid_e4: 8000, ask_e4: 8500, sz: 1e6 });
    const all: Sent[] = [];
    let met = 0;
    const one = fc.record({
      qty: fc.integer({ min: 1, max: 5 }),
      symbol: fc.constantFrom(CALL, FURTHER_CALL),
      fault: fc.option(fc.constantFrom(...ORDER_FAULTS), { freq: 6 }),
      readFault: fc.constantFrom(...READ_FAULTS),
    });
    await fc.assert(
      fc.asyncProperty(one, async ({ qty, symbol, fault, readFault }) => {
        world.simulator.script.clear();
        met += Number(fault !== null) + Number(readFault !== null);
        if (fault !== null) world.simulator.script.next('POST order', fault);
        if (readFault !== null) world.simulator.script.next('GET order', readFault);
        const order = orderOf(qty, 50 + all.length, symbol);
        const outcome = await world.broker.submit(order, { clientId: 'chaos', priority: 'exit' });
        all.push({ order, outcome });
      }),
      { numRuns: SEEDS, endOnFailure: true },
    );
    // A request that we gave up may arrive late: counted at the end, when all have.
    const sent = all.filter(({ outcome }) => outcome.kind !== 'not_sent');
    await eventually(() => expect(world.venue.requests('submit')).toBe(sent.length));
    const made = world.simulator.ledger.orders().map((each) => each.spec.price_e4);
    noteFault({ injected: met, survived: met, duplicateOrders: made.length - new Set(made).size });
    for (const each of all) judge(world, each);
    // Faults were met, and good orders went through.
    const kinds = new Set(all.map(({ outcome }) => outcome.kind));
    expect([...kinds]).toEqual(expect.arrayContaining(['submitted', 'rejected', 'unknown']));
  });

  it('finds every unknown order again, or finds that there is none', async () => {
    const world = await simulatedSchwab({
      broker: { timing: { orderTimeoutMs: 100, readTimeoutMs: 500, backoffFirstMs: 1, backoffMaxMs: 5 } },
    });
    world.venue.setQuote(CALL, { bid_e4: 12_500, ask_e4: 13_000, sz: 1e6 });
    const from = world.venue.now();
    let cents = 200;
    for (const fault of ORDER_FAULTS) {
      cents += 1;
      const order = orderOf(1, cents, CALL);
      world.simulator.script.next('POST order', fault);
      const outcome = await world.broker.submit(order, { clientId: 'chaos', priority: 'exit' });
      if (outcome.kind !== 'unknown') continue;
      const seen = (await world.broker.ordersSince(from)).filter((report) => isSame(report.order, order));
      const real = world.simulator.ledger.orders().filter((each) => each.spec.price_e4 === cents * 100);
      expect(seen.map((report) => report.venueOrderId)).toEqual(real.map((each) => String(each.id)));
    }
  });
});
