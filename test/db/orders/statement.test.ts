// The daily reconciliation against the simulated Schwab's books: a day that agrees, and differences that were planted.
import { afterEach, describe, expect, it } from 'vitest';
import { addMs, type SessionDate } from '../../../core/eastern_time.ts';
import type { Broker, BrokerOrder } from '../../../jobs/brokers/broker.ts';
import { createPaperBroker } from '../../../jobs/brokers/paper/paper_broker.ts';
import { createQuoteBoard } from '../../../jobs/brokers/paper/quote_board.ts';
import { DEFAULT_TICKS, orderBody } from '../../../jobs/brokers/schwab/order_body.ts';
import { createSchwabBroker, type SchwabBroker } from '../../../jobs/brokers/schwab/schwab_broker.ts';
import { compareDue } from '../../../jobs/keep_statements.ts';
import { checkReadiness } from '../../../jobs/readiness.ts';
import { compareDay, type Statement } from '../../../jobs/statement.ts';
import { type SchwabSimulator, startSchwabSimulator } from '../../../sim/schwab/server.ts';
import { eventually } from '../../harness.ts';
import { useBench } from '../support/connections.ts';
import { logIn } from './schwab_login.ts';
import { createWorld, DATE, PUT, send, type World } from './world.ts';

const bench = useBench();
const DAY = DATE as SessionDate;
const cleanups: (() => unknown)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

interface Day {
  readonly world: World;
  readonly simulator: SchwabSimulator;
  readonly broker: SchwabBroker;
}

/** A day on which 25 puts are sold at 1.00 at the simulated Schwab; its fees are those of ref.fee_schedules. */
async function tradeADay(): Promise<Day> {
  const world = await createWorld(bench, {
    ...{ speed: 8, staleAfterMs: 900_000, settings: { entry_valid_ms: 600_000 } },
  });
  const { clock } = world;
  const simulator = await startSchwabSimulator({
    ...{ clock, hours: 'always', ordersPerMinute: null, rejectsWrongSideStops: false },
    accounts: [{ accountNumber: '12345678', cash_e4: 50_000_000_000 }],
    delays: { activateMs: 0, workMs: 0, fillMs: 0, cancelMs: 0, rejectMs: 0 },
    fees: { commission_e4: 6500, optRegFee_e4: 450, secFee_e4: 0, tafFee_e4: 33 },
  });
  cleanups.push(() => simulator.stop());
  simulator.setQuote(PUT, 10_000, 10_200, 100, 100);
  const { config, remove } = await logIn(simulator, world.now());
  cleanups.push(remove);
  const broker = createSchwabBroker({ ...config, clock });
  cleanups.push(() => broker.close());
  const submitter = await world.openSubmitter({ broker });
  const reconciler = await world.openReconciler({ broker });
  await reconciler.pass();
  world.moveTo('10:05:00.1');
  // At once: five seconds of the session later the decision would be too late.
  await world.slice();
  await eventually(
    async () => {
      await reconciler.pass();
      await world.slice();
      await send({ submitter });
      expect((await world.orders())[0]).toBe('entry#1 filled 25/25');
    },
    { timeoutMs: 30_000 },
  );
  return { world, simulator, broker };
}

function compare(
  { world, broker }: Day,
  more: { broker?: Broker; accept?: string } = {},
): Promise<Statement> {
  const { account } = world;
  return compareDay({
    ...{ client: bench.runner(), broker, account, sessionDate: DAY, now: world.now(), ...more },
  });
}

async function isReady({ world, broker }: Day): Promise<boolean | undefined> {
  const checks = await checkReadiness({
    ...{ client: bench.runner(), clock: world.clock, strategy: 'vwap_ma9', feedIds: [], broker },
  });
  return checks.find(({ name }) => name === 'statements')?.isOk;
}

async function alertsOf({ world }: Day): Promise<string[]> {
  const { rows } = await world.pool.query<{ text: string }>(
    "select text from ops.alert_outbox where key like 'statement ' || $1 || ' %' order by alert_id",
    [world.account],
  );
  return rows.map(({ text }) => text);
}

describe('a day’s books', () => {
  it('agree order by order, with fees, and are noted', { timeout: 60_000 }, async () => {
    const day = await tradeADay();
    const statement = await compare(day);
    expect(statement.detail).toBe('1 orders as the broker has booked them');
    expect(statement).toMatchObject({
      isOk: true,
      ours: { qty: 25, amount: 2500 },
      brokers: { qty: 25, amount: 2500 },
    });
    expect(statement.ours.fees).toBeCloseTo(25 * (0.65 + 0.045 + 0.0033), 3);
    expect(await isReady(day)).toBe(true);
    expect(await alertsOf(day)).toEqual([]);
    const { rows } = await day.world.pool.query(
      'select orders, our_qty, broker_amount::float8, is_ok from trade.statements where account = $1',
      [day.world.account],
    );
    expect(rows).toEqual([{ orders: 1, our_qty: 25, broker_amount: 2500, is_ok: true }]);
  });

  it('differ by a trade that is none of ours: an alert, and no entry until it is accepted', {
    timeout: 60_000,
  }, async () => {
    const day = await tradeADay();
    const sale = {
      legs: [{ symbol: PUT, side: 'sell', effect: 'open', ratio: 1 }],
      qty: 2,
      type: 'limit',
      isCredit: true,
      limit_px_e4: 10_000,
      stop_px_e4: null,
    } as const satisfies BrokerOrder;
    const id = day.simulator.manualOrder(orderBody(sale, DEFAULT_TICKS));
    await eventually(async () => expect((await compare(day)).isOk).toBe(false));
    const statement = await compare(day);
    expect(statement.detail).toContain(`order ${id} (${PUT}): -2 contracts at the broker and 0 by our fills`);
    expect(await isReady(day)).toBe(false);
    expect((await alertsOf(day)).at(-1)).toContain(`the books of ${day.world.account} for ${DATE} differ`);
    const accepted = await compare(day, { accept: 'sold by hand' });
    expect(accepted).toMatchObject({ isOk: true });
    expect(accepted.detail).toMatch(/^accepted \(sold by hand\): order /);
    expect(await isReady(day)).toBe(true);
  });

  it.each([
    ['a fill that the broker has not booked', 'quantity', /0 contracts at the broker and -25 by our fills/],
    ['a price that is another', 'price', /\$2475\.00 at the broker and \$2500\.00 by our fills/],
    ['fees that are others', 'fees', /\$42\.46 of fees at the broker and \$17\.46 by our fills/],
  ] as const)('differ by %s', { timeout: 60_000 }, async (_, what, text) => {
    const day = await tradeADay();
    const wrong: Broker = {
      ...day.broker,
      transactions: async (range) => {
        const rows = await day.broker.transactions(range);
        if (what === 'quantity') return [];
        return rows.map((row) => ({
          ...row,
          items: row.items.map((item) => ({
            ...item,
            amount_e4: what === 'price' ? item.amount_e4 - 250_000 : item.amount_e4,
          })),
          fees: what === 'fees' ? [...row.fees, { type: 'UNKNOWN', amount_e4: 250_000 }] : row.fees,
        }));
      },
    };
    const statement = await compare(day, { broker: wrong });
    expect(statement.isOk).toBe(false);
    expect(statement.detail).toMatch(text);
    expect(await isReady(day)).toBe(false);
    // The books were wrong, not ours: the next comparison finds them mended.
    expect((await compare(day)).isOk).toBe(true);
    expect(await isReady(day)).toBe(true);
  });

  it('are compared by themselves in the evening, and of a day that was missed', {
    timeout: 60_000,
  }, async () => {
    const day = await tradeADay();
    const { world, broker } = day;
    const look = (time: string, of: Broker = broker): Promise<number> => {
      const now = world.scenario.at(time);
      const clock = { ...world.clock, now: () => now };
      return compareDue({ url: bench.database.url(), account: world.account, broker: of, clock });
    };
    const empty: Broker = { ...broker, transactions: async () => [] };
    const close = await bench
      .runner()
      .query<{ ts: string }>(
        "select to_char(ts_option_close, 'HH24:MI') as ts from ref.sessions where session_date = $1",
        [DATE],
      );
    const [hour = 0, minute = 0] = (close.rows[0]?.ts ?? '').split(':').map(Number);
    const closePlus = (minutes: number): string => {
      const all = hour * 60 + minute + minutes;
      return `${Math.floor(all / 60)}:${String(all % 60).padStart(2, '0')}`;
    };
    expect(await look(closePlus(29))).toBe(0);
    // The broker has not booked it yet: that is told, and looked at again an hour later.
    expect(await look(closePlus(30), empty)).toBe(1);
    expect(await alertsOf(day)).toHaveLength(1);
    expect(await look(closePlus(89))).toBe(0);
    expect(await look(closePlus(90))).toBe(1);
    expect(await isReady(day)).toBe(true);
    expect(await look(closePlus(240))).toBe(0);
    expect(await alertsOf(day)).toHaveLength(1);
    const missed = await tradeADay();
    const late = {
      ...missed.world.clock,
      now: () => addMs(missed.world.scenario.at('09:00'), 3 * 86_400_000),
    };
    const next = {
      url: bench.database.url(),
      account: missed.world.account,
      broker: missed.broker,
      clock: late,
    };
    expect(await compareDue(next)).toBe(1);
    expect(await compareDue(next)).toBe(0);
  });

  it('are not compared where the broker keeps none', async () => {
    const world = await createWorld(bench);
    const broker = createPaperBroker({ clock: world.clock, quotes: createQuoteBoard() });
    const { account } = world;
    const options = { client: bench.runner(), broker, account, sessionDate: DAY, now: world.now() };
    await expect(compareDay(options)).rejects.toThrow(/keeps no books/);
  });
});
