// Spreads through a Tradier that misbehaves by seed: no order twice, no refusal that was none, and fills that add up to its books.
// CHAOS_SEEDS=20 plays more of them.
import { describe, expect, it } from 'vitest';
import { systemClock } from '../../../../core/clock.ts';
import { addMs } from '../../../../core/eastern_time.ts';
import type { BrokerOrder, OrderReport, SendOutcome } from '../../../../jobs/brokers/broker.ts';
import { randomStream } from '../../../../sim/random.ts';
import type { Fault } from '../../../../sim/tradier/faults.ts';
import type { TradierSimulator } from '../../../../sim/tradier/server.ts';
import { type SimulatedTradier, simulatedTradier } from './simulated.ts';

const SEEDS = Number(process.env.CHAOS_SEEDS ?? 1);
const ROUNDS = 9;
const SHORT = 'SPXW  261123P05900000';
const LONG = 'SPXW  261123P05875000';
const FAULTS: readonly Fault[] = [
  { kind: 'gateway', what: 'datastore' },
  { kind: 'html', status: 503, accept: false },
  { kind: 'html', status: 502, accept: true },
  { kind: 'hang', accept: true },
  { kind: 'hang', accept: false },
  { kind: 'reset', accept: true },
  { kind: 'reset', accept: false },
  { kind: 'half_body', isCut: true },
  { kind: 'half_body', isCut: false },
  { kind: 'rate_limit', status: 429 },
  { kind: 'rate_limit', status: 400 },
  { kind: 'unauthorized' },
  { kind: 'errors', texts: ['OmsUnavailable'] },
  { kind: 'plain_400', text: 'Invalid parameter, duration: x.' },
  ...([{ kind: 'no_id' }, { kind: 'wrong_id' }, { kind: 'reject' }, { kind: 'no_legs' }] as const),
  { kind: 'list_lag', ms: 300, byId: true },
  { kind: 'report_lag', ms: 300 },
  { kind: 'stale', ms: 200 },
  { kind: 'partial', qtys: [1, 1] },
  { kind: 'fill_during_cancel' },
  { kind: 'fill_after_cancel', lagMs: 300 },
  { kind: 'cancel_refused' },
];
const pause = (ms: number): Promise<void> => systemClock().sleep(ms);

function order(effect: 'open' | 'close', qty: number): BrokerOrder {
  const isOpen = effect === 'open';
  return {
    legs: [
      { symbol: SHORT, side: isOpen ? 'sell' : 'buy', effect, ratio: 1 },
      { symbol: LONG, side: isOpen ? 'buy' : 'sell', effect, ratio: 1 },
    ],
    ...{ qty, isCredit: isOpen, stop_px_e4: null },
    ...(isOpen ? { type: 'limit', limit_px_e4: 10_000 } : { type: 'market', limit_px_e4: null }),
  };
}

async function patient<T>(read: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await read();
    } catch {
      await pause(20);
    }
  }
}

function ticketsOf(simulator: TradierSimulator, clientId: string) {
  return simulator.tickets().filter((ticket) => ticket.tag?.split('--')[0] === clientId);
}

/** What an outcome claims is what the simulator knows. */
function expectTrue(outcome: SendOutcome, clientId: string, simulator: TradierSimulator): void {
  const ids = ticketsOf(simulator, clientId).map((ticket) => String(ticket.id));
  expect(ids.length, `${clientId} is one order at most`).toBeLessThanOrEqual(1);
  if (outcome.kind === 'submitted') expect(ids).toEqual([outcome.venueOrderId]);
  if (outcome.kind === 'rejected' || outcome.kind === 'not_sent') expect(ids).toEqual([]);
}

/** Waits for the end of an order, with cancels for what does not fill. */
async function ended({ broker }: SimulatedTradier, id: string): Promise<void> {
  for (let looks = 1; looks < 300; looks += 1) {
    await pause(15);
    const report = await patient(() => broker.order(id));
    if (report !== null && !['working', 'unknown'].includes(report.state)) return;
    if (looks % 5 === 0) await broker.cancel(id);
  }
  throw new Error(`order ${id} has no end`);
}

async function play(world: SimulatedTradier, seed: number): Promise<void> {
  const { broker, simulator } = world;
  const random = randomStream(seed, 'rounds');
  for (let round = 1; round <= ROUNDS; round += 1) {
    const px = 60_000 + 1000 * random.int(0, 4);
    simulator.setQuote(SHORT, px, px + 1000, 5, 5);
    simulator.setQuote(LONG, 43_000, 44_000, 5, 5);
    const held = -simulator.ledger.positionOf(SHORT);
    const sent = held > 0 && random.chance(0.5) ? order('close', held) : order('open', 3);
    const clientId = `chaos-${seed}-${round}`;
    const outcome = await broker.submit(sent, { clientId, priority: sent.isCredit ? 'entry' : 'exit' });
    expectTrue(outcome, clientId, simulator);
    const [ticket] = ticketsOf(simulator, clientId);
    if (ticket !== undefined) await ended(world, String(ticket.id));
    // Longer than the pause that follows a limit.
    await pause(25);
  }
}

/** Contracts (positive when bought) and dollars in 1/10,000 a share that the reports' fills come to. */
function sumOf(reports: readonly OrderReport[]): {
  readonly contracts: Record<string, number>;
  readonly credit: number;
} {
  const contracts: Record<string, number> = { [SHORT]: 0, [LONG]: 0 };
  let credit = 0;
  for (const report of reports) {
    for (const { legNo, qty, px_e4 } of report.fills) {
      const leg = report.order.legs[legNo - 1];
      const signed = leg?.side === 'buy' ? qty : -qty;
      if (leg !== undefined) contracts[leg.symbol] = (contracts[leg.symbol] ?? 0) + signed;
      credit -= signed * px_e4;
    }
  }
  return { contracts, credit };
}

describe('a Tradier that misbehaves', () => {
  it.each(Array.from({ length: SEEDS }, (_, i) => i + 1))(
    'is understood all the same (seed %s)',
    async (seed) => {
      const timing = { orderTimeoutMs: 200, readTimeoutMs: 200, backoffFirstMs: 5, backoffMaxMs: 20 };
      const world = await simulatedTradier({ broker: { timing }, simulator: { seed } });
      const { broker, simulator } = world;
      simulator.misbehave({ seed, rate: 0.35, faults: FAULTS });
      await play(world, seed);
      simulator.misbehave(null);
      // Whatever lags has been told by then.
      await pause(700);
      const reports = await broker.ordersSince(addMs(world.clock.now(), -600_000));
      expect(reports).toHaveLength(simulator.tickets().length);
      const { contracts, credit } = sumOf(reports);
      for (const symbol of [SHORT, LONG]) expect(contracts[symbol]).toBe(simulator.ledger.positionOf(symbol));
      const truth = simulator.ledger
        .postings()
        .reduce((sum, posting) => sum - posting.qty * posting.px_e4, 0);
      // Averages of parts are rounded to 1/10,000 dollar.
      expect(Math.abs(credit - truth)).toBeLessThan(100);
      const ids = reports.flatMap((report) => report.fills.map((fill) => fill.executionId));
      expect(new Set(ids).size).toBe(ids.length);
      expect(simulator.script.injected().length).toBeGreaterThan(5);
    },
  );
});
