// The order jobs as processes in front of the simulated Schwab, killed at every point that matters: one entry, and flat at the end.
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { projectPath } from '../../../core/root.ts';
import type { FaultName } from '../../../jobs/orders/fault.ts';
import type { Purpose } from '../../../jobs/orders/records.ts';
import { type SchwabSimulator, startSchwabSimulator } from '../../../sim/schwab/server.ts';
import { noteFault } from '../../fault_notes.ts';
import { eventually } from '../../harness.ts';
import { useBench } from '../support/connections.ts';
import { logIn } from './schwab_login.ts';
import { createWorld, PUT, type World } from './world.ts';

const bench = useBench();
// Thirty seconds, after which an entry is given up, are four.
const SPEED = 8;
const cleanups: (() => unknown)[] = [];

beforeEach(({ skip }) => {
  skip(
    !existsSync(projectPath('dist', 'jobs', 'submit_orders.js')),
    'needs the compiled program: npm run build',
  );
});

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

interface Stage {
  readonly world: World;
  readonly simulator: SchwabSimulator;
  start(job: 'submit' | 'reconcile', fault?: string): Job;
}

interface Job {
  readonly child: ChildProcess;
  readonly ended: Promise<string | number | null>;
  err(): string;
}

/** A world whose broker is the simulated Schwab; the entry of 10:05 is decided, and the run goes on by itself. */
async function setStage(): Promise<Stage> {
  const world = await createWorld(bench, {
    speed: SPEED,
    // However long a process takes to start on a busy machine, the entry is in time, and its quote is no old one.
    staleAfterMs: 900_000,
    settings: { entry_valid_ms: 600_000, exit_reprice_ms: 20_000, exit_market_after_ms: 60_000 },
  });
  const simulator = await startSchwabSimulator({
    ...{ clock: world.clock, hours: 'always', ordersPerMinute: null, rejectsWrongSideStops: false },
    accounts: [{ accountNumber: '12345678', cash_e4: 50_000_000_000 }],
    delays: { activateMs: 0, workMs: 0, fillMs: 0, cancelMs: 100, rejectMs: 0 },
  });
  cleanups.push(() => simulator.stop());
  simulator.setQuote(PUT, 9800, 10_200, 100, 100);
  // For as long as processes may take to start: an entry that meets an old reconciliation is denied, not kept.
  await bench
    .runner()
    .query("select trade.note_reconciled($1, '2026-06-17 10:15', true, 'test')", [world.account]);
  world.moveTo('10:05:00.1');
  // At once: five seconds of the session later the decision would be too late.
  await world.slice();
  expect(await world.orders()).toEqual(['entry#1 created 0/25']);
  const { config, remove } = await logIn(simulator, world.now());
  cleanups.push(remove);
  const time = { us: world.now(), epochMs: Date.now(), speed: SPEED };
  keepSlicing(world);
  return {
    world,
    simulator,
    start: (job, fault = '') =>
      startJob({ job, url: world.url, account: world.account, config, time }, fault),
  };
}

function keepSlicing(world: World): void {
  let isOver = false;
  const slicing = (async () => {
    while (!isOver) {
      await world.slice();
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  })();
  cleanups.push(() => {
    isOver = true;
    return slicing;
  });
}

function startJob(order: Record<string, unknown>, fault: string): Job {
  const child = spawn(process.execPath, [projectPath('test', 'db', 'orders', 'orders_child.mjs')], {
    env: {
      PATH: process.env.PATH ?? '',
      HOME: process.env.HOME ?? '',
      ORDERS_JOB: JSON.stringify(order),
      STRIKEBASE_FAULT: fault,
    },
  });
  let err = '';
  child.stderr.on('data', (chunk) => {
    err += String(chunk);
  });
  const ended = new Promise<string | number | null>((resolve) => {
    child.on('close', (code, signal) => resolve(signal ?? code));
  });
  cleanups.push(() => {
    child.kill('SIGKILL');
    return ended;
  });
  return { child, ended, err: () => err };
}

/** Ends when the order of that purpose, or the last of its attempts, is in the state. */
async function reaches(world: World, text: RegExp): Promise<void> {
  await eventually(async () => expect((await world.orders()).join('\n')).toMatch(text), {
    timeoutMs: 30_000,
  });
}

const POINTS: readonly (readonly [FaultName, Purpose])[] = [
  ['before_submit_event', 'entry'],
  ['after_submit_event', 'entry'],
  ['after_send', 'entry'],
  ['after_accept_recorded', 'entry'],
  ['before_fill_recorded', 'entry'],
  ['after_fill_recorded', 'entry'],
  ['before_submit_event', 'exit'],
  ['after_submit_event', 'exit'],
  ['after_send', 'exit'],
  ['after_accept_recorded', 'exit'],
  ['before_fill_recorded', 'exit'],
  ['after_fill_recorded', 'exit'],
];

/** Since a kill, until every contract that is open at the broker has an order there that closes it. */
async function noteRecovery({ simulator }: Stage, since: number): Promise<void> {
  await eventually(() => expect(bareContracts(simulator)).toBe(0), { timeoutMs: 30_000 }).catch(
    () => undefined,
  );
  noteFault({ recoveryMs: performance.now() - since });
}

/** Contracts that are open at the broker, and that no order there closes. */
function bareContracts({ ledger }: SchwabSimulator): number {
  const closing = ledger
    .orders()
    .filter((order) => order.isLive && !order.isEntry)
    .reduce((sum, order) => sum + order.spec.qty - order.filledQty, 0);
  return Math.max(0, -ledger.positionOf(PUT) - closing);
}

/** What the broker's ledger has that our tables have not, and what it has twice. */
async function noteLedger({ world, simulator }: Stage): Promise<void> {
  const { rows } = await world.pool.query<{ sent: number; filled: number }>(
    `select
       (select count(*) from trade.order_events e join trade.runs r using (run_id)
        where r.account = $1 and e.state = 'submitted')::integer as sent,
       (select coalesce(sum(f.qty), 0) from trade.fills f where f.account = $1)::integer as filled`,
    [world.account],
  );
  const orders = simulator.ledger.orders();
  const filled = orders.reduce((sum, order) => sum + order.filledQty, 0);
  noteFault({
    duplicateOrders: Math.max(0, orders.length - (rows[0]?.sent ?? 0), simulator.ledger.entries().length - 1),
    lostExits: bareContracts(simulator),
    lostRows: Math.abs(filled - (rows[0]?.filled ?? 0)),
  });
}

/** Plays the trade to its end; the job that comes by the point is killed there, and started again. */
async function playKilled(stage: Stage, point: FaultName, purpose: Purpose): Promise<void> {
  const { world, simulator, start } = stage;
  const fault = `${point}:${purpose}`;
  const victim = point.includes('fill') ? 'reconcile' : 'submit';
  const survivor = start(victim === 'submit' ? 'reconcile' : 'submit');
  const struck = start(victim, fault);
  const revived = struck.ended.then((how) => {
    expect(how, struck.err()).toBe('SIGKILL');
    void noteRecovery(stage, performance.now());
    return start(victim);
  });
  const isPlaced = point !== 'after_submit_event' || purpose === 'exit';
  if (purpose === 'entry') {
    if (victim === 'reconcile') {
      await reaches(world, /entry#1 accepted/);
      simulator.setQuote(PUT, 10_000, 10_200, 100, 100);
    }
    await revived;
  }
  if (isPlaced) {
    simulator.setQuote(PUT, 10_000, 10_200, 100, 100);
    await reaches(world, /entry#1 filled 25\/25/);
    await reaches(world, /protect#\d accepted/);
    const time = new Date((world.now() + 1_000_000) / 1000).toISOString().slice(11, 23);
    await world.scenario.quote(['P600', time, 2.0, 2.05]);
    simulator.setQuote(PUT, 20_000, 20_500, 100, 100);
    if (purpose === 'exit') await revived;
    await reaches(world, /exit#\d filled/);
  } else {
    await reaches(world, /entry#1 canceled 0\/25/);
  }
  for (const job of [survivor, await revived]) {
    await eventually(() => expect(job.err()).toContain('started'), { timeoutMs: 20_000 });
    job.child.kill('SIGTERM');
    expect(await job.ended, job.err()).toBe(0);
  }
}

describe('a job that is killed', () => {
  it.each(POINTS)(
    '%s of the %s: there is one entry, and every contract is accounted for',
    {
      timeout: 120_000,
    },
    async (point, purpose) => {
      const stage = await setStage();
      const { world, simulator } = stage;
      await playKilled(stage, point, purpose);
      await noteLedger(stage);
      const { ledger } = simulator;
      expect(ledger.entries().length).toBe(point === 'after_submit_event' && purpose === 'entry' ? 0 : 1);
      expect(ledger.positionOf(PUT)).toBe(0);
      expect(await world.held()).toEqual({});
      const { rows } = await world.pool.query<{ execution_id: string; qty: number }>(
        'select sum(qty)::integer as qty, effect from trade.fills where account = $1 group by effect order by effect',
        [world.account],
      );
      const filled = ledger.orders().filter((order) => order.filledQty > 0);
      const sum = (isEntry: boolean): number =>
        filled.reduce((total, order) => total + (order.isEntry === isEntry ? order.filledQty : 0), 0);
      const expected = [
        { qty: sum(false), effect: 'close' },
        { qty: sum(true), effect: 'open' },
      ];
      expect(rows).toEqual(expected.filter(({ qty }) => qty > 0));
      expect(ledger.orders().filter((order) => order.isLive)).toEqual([]);
    },
  );
});
