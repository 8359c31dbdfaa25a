// Seeded disorder: random orders, cancels, replacements, quotes and faults. Whatever happens, the ledger must add up, and when every
// lag has passed the broker must tell the truth.
import { expect, it } from 'vitest';
import { type RandomStream, randomStream } from '../../../sim/random.ts';
import type { Fault } from '../../../sim/schwab/faults.ts';
import type { LedgerOrder } from '../../../sim/venue/ledger.ts';
import { must } from '../sessions.ts';
import {
  type Bench,
  bench,
  bracket,
  CALL,
  FAR_PUT,
  PUT,
  quote,
  single,
  stopsSimulators,
  vertical,
} from './support.ts';

stopsSimulators();

const SEEDS = Number(process.env.SCHWAB_SOAK_SEEDS ?? 25);
const ACTIONS = 30;

const FAULTS: readonly Fault[] = [
  { kind: 'html', status: 502, accept: true },
  { kind: 'html', status: 503, accept: false },
  { kind: 'reset', accept: true },
  { kind: 'reset', accept: false },
  { kind: 'rate_limit', retryAfterS: 1, hasBody: true },
  { kind: 'no_location' },
  { kind: 'wrong_location' },
  { kind: 'reject' },
  { kind: 'list_lag', ms: 700, byId: true },
  { kind: 'positions_lag', ms: 900 },
  { kind: 'report_lag', ms: 900 },
  { kind: 'partial', qtys: [1, 0, 1] },
  { kind: 'fill_during_cancel' },
  { kind: 'fill_during_cancel', qty: 1 },
  { kind: 'fill_after_cancel', lagMs: 800 },
  { kind: 'fill_after_cancel', qty: 1, lagMs: 800 },
  { kind: 'fill_during_replace' },
  { kind: 'fill_during_replace', qty: 1 },
  { kind: 'cancel_refused' },
  { kind: 'stale', ms: 500 },
  { kind: 'half_body', isCut: true },
];

function randomBody(random: RandomStream): unknown {
  const qty = random.int(1, 3);
  const price = (random.int(40, 300) / 100).toFixed(2);
  const bodies = [
    () => single('SELL_TO_OPEN', qty, price),
    () => single('BUY_TO_CLOSE', qty, price),
    () => single('BUY_TO_CLOSE', qty, null),
    () => single('BUY_TO_CLOSE', qty, null, { orderType: 'STOP', stopPrice: price }),
    () => vertical('open', qty, '0.45'),
    () => vertical('close', qty, '0.60'),
    () => bracket(qty),
  ];
  return bodies[random.int(0, bodies.length - 1)]?.();
}

function randomQuotes(at: Bench, random: RandomStream): void {
  for (const symbol of [CALL, PUT, FAR_PUT]) {
    const bid = random.int(20, 260) / 100;
    quote(at.simulator, symbol, bid, bid + random.int(1, 15) / 100, random.int(0, 4));
  }
}

async function act(at: Bench, random: RandomStream): Promise<void> {
  const { ledger } = at.simulator;
  const choice = random.int(0, 9);
  const live = ledger.orders().filter((order) => order.isLive);
  const target = live[random.int(0, Math.max(0, live.length - 1))];
  const path = `/accounts/${at.hash}/orders`;
  // Lost answers are part of it.
  const send = (...args: Parameters<Bench['call']>): Promise<unknown> => at.call(...args).catch(() => null);
  if (choice < 4) await send('POST', path, randomBody(random));
  else if (choice === 4 && target !== undefined) await send('DELETE', `${path}/${target.id}`);
  else if (choice === 5 && target !== undefined)
    await send('PUT', `${path}/${target.id}`, randomBody(random));
  else if (choice === 6) await send('GET', `/accounts/${at.hash}?fields=positions`);
  else if (choice === 7) await at.advance(random.int(1, 400));
  else randomQuotes(at, random);
}

function filledBy(order: LedgerOrder): number {
  return order.executions.reduce((sum, execution) => sum + execution.qty, 0);
}

function checkOrder(order: LedgerOrder): void {
  const { filledQty, spec } = order;
  must(filledBy(order) === filledQty && filledQty <= spec.qty, 'executions and quantity', order);
  must(order.isLive === (order.closedAt === null), 'live without an end', order);
  if (spec.legs.length === 0) return;
  must((order.status === 'FILLED') === (filledQty === spec.qty), 'FILLED and its quantity', order);
}

function checkLedger({ simulator }: Bench): void {
  const { ledger } = simulator;
  const positions = new Map<string, number>();
  const orders = ledger.orders();
  orders.forEach(checkOrder);
  const executions = orders
    .flatMap((order) => order.executions.flatMap((each) => each.legs.map((leg) => ({ order, leg }))))
    .sort((a, b) => a.leg.activityId - b.leg.activityId);
  for (const { order, leg } of executions) {
    const { side, effect } = order.spec.legs[leg.legId - 1] ?? {};
    const before = positions.get(leg.symbol) ?? 0;
    const after = before + (side === 'buy' ? leg.qty : -leg.qty);
    must(effect === 'open' || Math.abs(after) < Math.abs(before), 'what closes never opens', order);
    positions.set(leg.symbol, after);
  }
  const held = [...positions].filter(([, qty]) => qty !== 0).sort();
  const told = ledger.positions().map(({ symbol, qty }) => [symbol, qty]);
  must(JSON.stringify(told) === JSON.stringify(held), 'positions are the executions', { told, held });
  const ids = new Set(executions.map((each) => each.leg.activityId));
  must(ids.size === executions.length, 'activity ids are unique', executions);
}

async function checkReports(at: Bench): Promise<void> {
  at.simulator.misbehave(null);
  await at.advance(5000);
  for (const order of at.simulator.ledger.orders()) {
    const told = await at.order(order.id);
    expect(told.status, String(order.id)).toBe(order.status);
    if (order.spec.legs.length > 0) expect(told.filledQuantity).toBe(order.filledQty);
  }
  const { json } = await at.call('GET', `/accounts/${at.hash}?fields=positions`);
  const told = (json.securitiesAccount.positions ?? []).map(
    (each: { longQuantity: number; shortQuantity: number; instrument: { symbol: string } }) => [
      each.instrument.symbol,
      each.longQuantity - each.shortQuantity,
    ],
  );
  expect(told.sort()).toEqual(at.simulator.ledger.positions().map(({ symbol, qty }) => [symbol, qty]));
  expect(json.securitiesAccount.currentBalances.cashBalance).toBeCloseTo(
    at.simulator.ledger.cash_e4() / 1e4,
    2,
  );
}

it(
  `adds up after ${ACTIONS} random actions, for ${SEEDS} seeds`,
  async () => {
    let executions = 0;
    for (let seed = 1; seed <= SEEDS; seed += 1) {
      const random = randomStream(seed, 'soak');
      const delays = {
        activateMs: random.int(0, 60),
        workMs: 0,
        fillMs: 0,
        cancelMs: random.int(0, 300),
        rejectMs: 0,
      };
      const at = await bench({ delays, ordersPerMinute: null });
      at.simulator.misbehave({ seed, rate: 0.3, faults: FAULTS });
      try {
        for (let i = 0; i < ACTIONS; i += 1) {
          await act(at, random);
          checkLedger(at);
        }
        await checkReports(at);
      } catch (error) {
        throw new Error(`seed ${seed}`, { cause: error });
      }
      executions += at.simulator.ledger.orders().filter((order) => order.filledQty > 0).length;
      await at.simulator.stop();
    }
    // A soak in which nothing trades proves nothing.
    expect(executions).toBeGreaterThan(SEEDS);
  },
  30_000 + SEEDS * 1000,
);
