// Does to the stage what the plan says, and waits until all is as it should be again.
import { readdirSync, readFileSync } from 'node:fs';
import { pidsOf, serverPid } from '../../bench/live_stage.ts';
import { addMs, type EasternUs, formatEastern } from '../../core/eastern_time.ts';
import type { Deed } from './plan.ts';
import type { Stage } from './stage.ts';

export interface Done {
  /** Of the session's clock, from the fault to the time when all was well again; null where nothing has to return. */
  readonly recoveryMs: number | null;
  /** What was not as it should be; null if all was well. */
  readonly problem: string | null;
}

export const FINE: Done = { recoveryMs: null, problem: null };
// Of the session's clock: on a machine that plays it at fifteen times its pace a start alone takes a minute or two of it.
const PATIENCE_MS = 20 * 60_000;
const LOOK_MS = 500;
const SKEW_MS = 150_000;
const HALT_MS = 120_000;
const BY_HAND_MS = 120_000;

/** Does it. Returns when the stage has recovered, or has not for twenty minutes. */
export async function perform(stage: Stage, deed: Deed): Promise<Done> {
  switch (deed.kind) {
    case 'kill':
      return kill(stage, [deed.victim]);
    case 'kill_together':
      return kill(stage, deed.victims);
    case 'freeze':
      return freezeOne(stage, deed.victim, deed.ms);
    case 'second_tree':
      return startSecond(stage);
    case 'skew':
      return skew(stage);
    case 'by_hand':
      return tradeByHand(stage);
    case 'halt':
      return haltAndResume(stage);
    default:
      return stage.venue.perform(stage, deed);
  }
}

/** Waits for a condition, by the session's clock; the milliseconds, null if it never held. */
async function until(
  { clock }: Stage,
  holds: () => Promise<boolean>,
  patienceMs = PATIENCE_MS,
): Promise<number | null> {
  const began = clock.now();
  while (clock.now() < addMs(began, patienceMs)) {
    if (await holds().catch(() => false)) return (clock.now() - began) / 1000;
    await clock.sleep(LOOK_MS);
  }
  return null;
}

export async function recovered(stage: Stage, what: string, holds: () => Promise<boolean>): Promise<Done> {
  const recoveryMs = await until(stage, holds);
  return recoveryMs === null
    ? { recoveryMs, problem: `${what} did not recover` }
    : { recoveryMs, problem: null };
}

const BEATS_SQL = 'select h.process, h.pid from ops.heartbeats h where h.ts > $1';
/** The signs of life of a process, by the supervisor's name. */
function beatOf({ system: { account } }: Stage, name: string): string {
  if (name === 'advance') return `live-${account}`;
  return name.startsWith('orders-')
    ? `${name.replace('orders-submit', 'orders').replace('orders-reconcile', 'reconcile')}-${account}`
    : name;
}

/** True if all these have shown themselves since, none of them as the one that was killed. */
export async function areAlive(
  stage: Stage,
  of: { readonly since: EasternUs; readonly names: readonly string[]; readonly killed?: number },
): Promise<boolean> {
  const rows = await stage.rows<{ process: string; pid: number }>(BEATS_SQL, [formatEastern(of.since)]);
  const pids = new Map(rows.map(({ process, pid }) => [process, pid]));
  return of.names.every((name) => {
    if (name === 'database') return rows.length > 0;
    const pid = pids.get(beatOf(stage, name));
    return pid !== undefined && pid !== of.killed;
  });
}

const QUICK: readonly string[] = ['advance', 'orders-submit', 'orders-reconcile', 'supervisor'];

async function pidOf(stage: Stage, victim: string): Promise<number | null> {
  if (victim === 'database') return serverPid(stage);
  if (victim === 'supervisor') return stage.tree().child.pid ?? null;
  return (await pidsOf(stage).catch(() => ({}) as Record<string, number>))[victim] ?? null;
}

async function kill(stage: Stage, victims: readonly string[]): Promise<Done> {
  const pids = new Map<string, number>();
  for (const victim of victims) {
    const pid = await pidOf(stage, victim);
    if (pid === null) return { recoveryMs: null, problem: `${victim} did not run` };
    pids.set(victim, pid);
  }
  for (const [victim, pid] of pids) {
    if (!signal([pid], 'SIGKILL')) return { recoveryMs: null, problem: `${victim} did not run` };
  }
  const since = stage.clock.now();
  const isBack = ([victim, killed]: readonly [string, number]): Promise<boolean> =>
    areAlive(stage, {
      since,
      killed,
      names: victim === 'database' || victim === 'supervisor' ? QUICK : [victim],
    });
  return recovered(stage, victims.join(', '), async () => {
    for (const each of pids) if (!(await isBack(each))) return false;
    return true;
  });
}

async function freezeOne(stage: Stage, victim: string, ms: number): Promise<Done> {
  const pid = await pidOf(stage, victim);
  if (pid === null) return { recoveryMs: null, problem: `${victim} did not run` };
  const pids = victim === 'database' ? [pid, ...childrenOf(pid)] : [pid];
  signal(pids, 'SIGSTOP');
  await stage.clock.sleep(ms);
  signal(pids, 'SIGCONT');
  const since = stage.clock.now();
  const names: readonly string[] = victim === 'database' ? QUICK : [victim];
  return recovered(stage, victim, () => areAlive(stage, { since, names }));
}

function signal(pids: readonly number[], name: NodeJS.Signals): boolean {
  let isSent = false;
  for (const pid of pids) {
    try {
      process.kill(pid, name);
      isSent = true;
    } catch {
      // It has ended by itself.
    }
  }
  return isSent;
}

function childrenOf(parent: number): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      try {
        return Number(/^PPid:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) === parent;
      } catch {
        return false;
      }
    });
}

async function startSecond(stage: Stage): Promise<Done> {
  const second = stage.start();
  const code = await second.ended;
  const isRefused = code === 1 && second.said().includes('is traded by another process');
  const problem = `a second tree ended with ${code}: ${second.said().trim().slice(-400)}`;
  return isRefused ? FINE : { recoveryMs: null, problem };
}

/** The database's clock goes three seconds ahead, and back. */
async function skew(stage: Stage): Promise<Done> {
  await stage.rows("select session_clock.skew(interval '3 seconds')");
  await stage.clock.sleep(SKEW_MS);
  const [seen] = await stage.rows(
    "select from ops.readiness_checks where name = 'clock' and not ok and ts > $1",
    [formatEastern(addMs(stage.clock.now(), -SKEW_MS))],
  );
  await stage.rows("select session_clock.skew(interval '0')");
  return seen === undefined ? { recoveryMs: null, problem: 'nobody saw that the clocks differ' } : FINE;
}

/** Buys an option in the broker's own page, which must be seen, and sells it again. */
async function tradeByHand(stage: Stage): Promise<Done> {
  const since = formatEastern(stage.clock.now());
  const bought = await stage.venue.buyByHand(stage);
  if (bought === null) return { recoveryMs: null, problem: 'no contract is quoted' };
  const seenMs = await until(
    stage,
    async () => {
      const rows = await stage.rows(
        "select from trade.reconciliations c where not c.is_ok and c.ts > $1 and c.detail like '%' || $2 || '%'",
        [since, bought.symbol],
      );
      return rows.length > 0;
    },
    BY_HAND_MS * 3,
  );
  bought.sell();
  return { recoveryMs: seenMs, problem: seenMs === null ? 'nobody saw a trade by hand' : null };
}

async function haltAndResume(stage: Stage): Promise<Done> {
  const { clock, venue } = stage;
  const code = await stage.command('halt', '--reason', 'a fault session');
  const from = addMs(clock.now(), 100);
  await clock.sleep(HALT_MS);
  const late = venue.ledger
    .orders()
    .filter((each) => each.isEntry && each.source === 'api' && each.enteredAt > from);
  const resumed = await stage.command('resume', '--reason', 'a fault session');
  if (code !== 0 || resumed !== 0)
    return { recoveryMs: null, problem: `halt ended with ${code}, resume with ${resumed}` };
  return late.length === 0 ? FINE : { recoveryMs: null, problem: `${late.length} entries while halted` };
}
