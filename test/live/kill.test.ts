// `strikebase start` as a tree of processes on both simulators, with a position open: whatever is killed, it is managed again.
import { existsSync } from 'node:fs';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  ACCOUNT,
  API_KEY,
  createLiveStage,
  killOne,
  type LiveStage,
  PROCESSES,
  pidsOf,
  type RunningTree,
  untilManaged,
  type Victim,
} from '../../bench/live_stage.ts';
import { systemClock } from '../../core/clock.ts';
import { projectPath } from '../../core/root.ts';
import { eventually } from '../harness.ts';

const PORT = 57_629;
const isBuilt = existsSync(projectPath('dist', 'cli', 'supervised.js'));
let stage: LiveStage;
let tree: RunningTree;

beforeAll(async () => {
  if (!isBuilt) return;
  stage = await createLiveStage({ port: PORT });
  tree = stage.start();
  const everything: readonly Victim[] = [...PROCESSES, 'supervisor', 'database'];
  await untilManaged(stage, tree, { since: systemClock().now(), by: everything });
}, 120_000);

afterAll(async () => {
  await stage?.close();
}, 30_000);

beforeEach(({ skip }) => {
  skip(!isBuilt, 'needs the compiled program: npm run build');
});

/** The broker's own books: opening orders, contracts held, closing orders that work. */
function books(): { readonly entries: number; readonly held: number; readonly resting: number } {
  const { ledger } = stage.schwab.simulator;
  const held = ledger.positions().reduce((sum, { qty }) => sum + qty, 0);
  const entries = ledger.entries().filter(({ filledQty }) => filledQty > 0).length;
  return { entries, held, resting: ledger.orders().filter((each) => each.isLive).length };
}

const MANAGED = { entries: 1, held: -1, resting: 1 };

describe('a live tree with an open position', () => {
  it('holds one contract at the broker, with one stop that rests there, and says that no real money is at stake', () => {
    expect(books()).toEqual(MANAGED);
    expect(tree.said()).toContain(
      'trading of vwap_ma9 at schwab: orders are sent, and the account holds no real money',
    );
    expect(tree.said()).toContain('account ...678 may open positions');
  });

  it.each([...PROCESSES, 'database'] as const)(
    'is managed again by itself after kill -9 of %s, and nothing is ordered twice',
    { timeout: 60_000 },
    async (victim) => {
      const recoveryMs = await killOne(stage, tree, victim);
      expect(recoveryMs).toBeGreaterThan(0);
      expect(books()).toEqual(MANAGED);
    },
  );

  it('has told the database of every process that was missing, and of its return', async () => {
    const checks = await stage.rows<{ ok: boolean; detail: string }>(
      "select ok, detail from ops.readiness_checks where name = 'processes' order by check_id",
    );
    expect(checks.at(-1)?.ok).toBe(true);
    expect(checks.at(-1)?.detail).toContain('6 processes run; restarted: ingest-equities 1 x');
    const [beat] = await stage.rows<{ detail: string }>(
      "select detail from ops.heartbeats where process = 'supervisor'",
    );
    for (const name of PROCESSES) expect(beat?.detail).toMatch(new RegExp(`${name} \\d+, restarted \\d+ x`));
  });

  it('ends its processes when it is killed itself, and the next start goes on', {
    timeout: 90_000,
  }, async () => {
    const pids = Object.values(await pidsOf(stage));
    expect(pids).toHaveLength(PROCESSES.length);
    tree.child.kill('SIGKILL');
    await eventually(
      () => {
        for (const pid of pids) expect(() => process.kill(pid, 0)).toThrow();
      },
      { timeoutMs: 10_000 },
    );
    const since = systemClock().now();
    tree = stage.start();
    await untilManaged(stage, tree, {
      since,
      by: ['advance', 'orders-submit', 'orders-reconcile', 'supervisor'],
    });
    expect(tree.said()).toMatch(/run \d+ of vwap_ma9 goes on/);
    expect(books()).toEqual(MANAGED);
  });

  it('is refused a second time on its account', { timeout: 60_000 }, async () => {
    const second = stage.start();
    expect(await second.ended).toEqual({ code: 1, signal: null });
    expect(second.said()).toContain(`account ${ACCOUNT} is traded by another process`);
  });

  it('ends at SIGTERM, the database too, and leaves the stop at the broker', async () => {
    tree.child.kill('SIGTERM');
    expect(await tree.ended).toEqual({ code: 0, signal: null });
    expect(existsSync(`${stage.dataDir}/postmaster.pid`)).toBe(false);
    expect(books()).toEqual(MANAGED);
    expect(tree.said()).toContain('still open     1');
    expect(tree.said()).not.toContain(API_KEY);
  });
});

describe('a start that cannot work', () => {
  it('says so at once: a key that is refused, live trading that is not allowed', {
    timeout: 60_000,
  }, async () => {
    const refused = stage.start({ MASSIVE_API_KEY: 'another-key', BROKER: 'paper' });
    expect((await refused.ended).code).toBe(1);
    expect(refused.said()).toMatch(/Massive (answered 401|refused)/);
    const barred = stage.start({ LIVE_TRADING: 'no', SCHWAB_BASE_URL: 'https://api.schwabapi.com' });
    expect((await barred.ended).code).toBe(2);
    expect(barred.said()).toContain('Set LIVE_TRADING=yes in .env when you mean it.');
    expect(barred.said()).not.toContain('LIVE trading');
  });
});
