// Does to the stage what the plan says, and waits until all is as it should be again.
import { readdirSync, readFileSync } from 'node:fs';
import { pidsOf, serverPid, type Victim } from '../../bench/live_stage.ts';
import { addMs, type EasternUs, epochMsFromEastern, formatEastern } from '../../core/eastern_time.ts';
import { type OsiSymbol, toMassive, toOsi } from '../../core/osi_symbol.ts';
import { longFrame, rubbishFrames } from '../../sim/massive_rubbish.ts';
import type { Deed } from './plan.ts';
import type { Stage } from './stage.ts';

export interface Done {
  /** Of the session's clock, from the fault to the time when all was well again; null where nothing has to return. */
  readonly recoveryMs: number | null;
  /** What was not as it should be; null if all was well. */
  readonly problem: string | null;
}

const FINE: Done = { recoveryMs: null, problem: null };
// Of the session's clock: on a machine that plays it at fifteen times its pace a start alone takes a minute or two of it.
const PATIENCE_MS = 20 * 60_000;
const LOOK_MS = 500;
const MUTE_MS = 60_000;
const SKEW_MS = 150_000;
const HALT_MS = 120_000;
const BY_HAND_MS = 120_000;
const NO_LOGIN_MS = 90_000;
const LONG_FRAME_BYTES = 17 << 20;
const ODD_SEQUENCE = 900_000_000;

/** Does it. Returns when the stage has recovered, or has not for twenty minutes. */
export async function perform(stage: Stage, deed: Deed): Promise<Done> {
  switch (deed.kind) {
    case 'kill':
      return killOne(stage, deed.victim);
    case 'freeze':
      return freezeOne(stage, deed.victim, deed.ms);
    case 'wire':
      return disturb(stage, deed);
    case 'rest':
      stage.market.failRest({ kind: deed.fault, times: 2, retryAfterS: 1 });
      // A gap is what makes it ask REST.
      return disturb(stage, { kind: 'wire', market: 'options', fault: { kind: 'drop' } });
    case 'second_tree':
      return startSecond(stage);
    case 'skew':
      return skew(stage);
    case 'access_dies':
      stage.schwab.simulator.oauth.killAccessTokens();
      return FINE;
    case 'login_dies':
      return loseLogin(stage);
    case 'rubbish':
      return sendRubbish(stage);
    case 'odd_quotes':
      return sendOddQuotes(stage);
    case 'by_hand':
      return tradeByHand(stage);
    case 'halt':
      return haltAndResume(stage);
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

async function recovered(stage: Stage, what: string, holds: () => Promise<boolean>): Promise<Done> {
  const recoveryMs = await until(stage, holds);
  return recoveryMs === null
    ? { recoveryMs, problem: `${what} did not recover` }
    : { recoveryMs, problem: null };
}

const BEATS_SQL = 'select h.process, h.pid from ops.heartbeats h where h.ts > $1';
const BEAT_OF: Readonly<Record<Exclude<Victim, 'database'>, string>> = {
  'ingest-equities': 'ingest-equities',
  'ingest-options': 'ingest-options',
  advance: 'live-schwab',
  ready: 'ready',
  'orders-submit': 'orders-schwab',
  'orders-reconcile': 'reconcile-schwab',
  supervisor: 'supervisor',
};

/** True if all these have shown themselves since, none of them as the one that was killed. */
export async function areAlive(
  stage: Stage,
  of: { readonly since: EasternUs; readonly names: readonly Victim[]; readonly killed?: number },
): Promise<boolean> {
  const rows = await stage.rows<{ process: string; pid: number }>(BEATS_SQL, [formatEastern(of.since)]);
  const pids = new Map(rows.map(({ process, pid }) => [process, pid]));
  return of.names.every((name) => {
    if (name === 'database') return rows.length > 0;
    const pid = pids.get(BEAT_OF[name]);
    return pid !== undefined && pid !== of.killed;
  });
}

const QUICK: readonly Victim[] = ['advance', 'orders-submit', 'orders-reconcile', 'supervisor'];

async function pidOf(stage: Stage, victim: Victim): Promise<number | null> {
  if (victim === 'database') return serverPid(stage);
  if (victim === 'supervisor') return stage.tree().child.pid ?? null;
  return (await pidsOf(stage).catch(() => ({}) as Record<string, number>))[victim] ?? null;
}

async function killOne(stage: Stage, victim: Victim): Promise<Done> {
  const pid = await pidOf(stage, victim);
  if (pid === null || !signal([pid], 'SIGKILL'))
    return { recoveryMs: null, problem: `${victim} did not run` };
  const since = stage.clock.now();
  const names: readonly Victim[] = victim === 'database' || victim === 'supervisor' ? QUICK : [victim];
  return recovered(stage, victim, () => areAlive(stage, { since, names, killed: pid }));
}

async function freezeOne(stage: Stage, victim: Victim, ms: number): Promise<Done> {
  const pid = await pidOf(stage, victim);
  if (pid === null) return { recoveryMs: null, problem: `${victim} did not run` };
  const pids = victim === 'database' ? [pid, ...childrenOf(pid)] : [pid];
  signal(pids, 'SIGSTOP');
  await stage.clock.sleep(ms);
  signal(pids, 'SIGCONT');
  const since = stage.clock.now();
  const names: readonly Victim[] = victim === 'database' ? QUICK : [victim];
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

const STREAM = { stocks: 'equities', options: 'options' } as const;
const LIVE_SQL = `
  select latest.state from (
    select s.state, s.ts from ops.feed_states s where s.stream = $1 and s.symbol is null order by s.ts desc, s.feed_state_id desc limit 1
  ) latest
  where latest.state = 'live' and not exists (select from ops.feed_gaps g where g.stream = $1 and g.ts_to is null)`;

async function disturb(
  stage: Stage,
  { market, fault, after }: Extract<Deed, { kind: 'wire' }>,
): Promise<Done> {
  stage.market.inflict(market, fault);
  if (after !== undefined) {
    await stage.clock.sleep(MUTE_MS);
    stage.market.inflict(market, after);
  }
  const isLive = async (): Promise<boolean> => (await stage.rows(LIVE_SQL, [STREAM[market]])).length > 0;
  // The state of before the fault must have been left, which takes a mute stream its time.
  await stage.clock.sleep(2000);
  return recovered(stage, `the ${STREAM[market]} stream`, isLive);
}

async function startSecond(stage: Stage): Promise<Done> {
  const second = stage.start();
  const code = await second.ended;
  const isRefused = code === 1 && second.said().includes('is traded by another process');
  return isRefused ? FINE : { recoveryMs: null, problem: `a second tree ended with ${code}` };
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

async function loseLogin(stage: Stage): Promise<Done> {
  const { oauth } = stage.schwab.simulator;
  oauth.killAccessTokens();
  oauth.killRefreshToken();
  await stage.clock.sleep(NO_LOGIN_MS);
  await stage.schwab.logIn();
  const since = formatEastern(stage.clock.now());
  return recovered(stage, 'reconciliation', async () => {
    const rows = await stage.rows('select from trade.reconciliations c where c.is_ok and c.ts > $1', [since]);
    return rows.length > 0;
  });
}

/** A contract that is streamed and bid for: that of the position, or one far from the money. */
async function tickerOf(stage: Stage, which: 'held' | 'far'): Promise<string | null> {
  const [held] = await stage.rows<{ symbol: OsiSymbol }>("select symbol from trade.open_positions('schwab')");
  if (which === 'held' && held !== undefined) return toMassive(held.symbol);
  const [quoted] = await stage.rows<{ symbol: OsiSymbol }>(
    `select i.symbol from ref.instruments i
     where i.option_kind = 'call' and exists (
       select from market.option_quotes q
       where q.instrument_id = i.instrument_id and q.ts_event > $1 and q.bid_px_e4 >= 500)
     order by i.strike_e4 desc limit 1`,
    [formatEastern(addMs(stage.clock.now(), -60_000))],
  );
  return quoted === undefined ? null : toMassive(quoted.symbol);
}

async function sendRubbish(stage: Stage): Promise<Done> {
  const ticker = await tickerOf(stage, 'far');
  if (ticker === null) return { recoveryMs: null, problem: 'no contract is streamed' };
  const nowMs = epochMsFromEastern(stage.clock.now());
  for (const { data } of rubbishFrames({ ticker, nowMs, firstSequence: ODD_SEQUENCE }))
    stage.market.inflict('options', { kind: 'say', data });
  // Longer than any frame may be: it ends the connection.
  return disturb(stage, {
    ...{ kind: 'wire', market: 'options' },
    fault: { kind: 'say', data: longFrame(LONG_FRAME_BYTES) },
  });
}

/** Crossed, locked, one-sided and empty quotes of the contract that is held: no decision may come of them. */
async function sendOddQuotes(stage: Stage): Promise<Done> {
  const sym = await tickerOf(stage, 'held');
  if (sym === null) return { recoveryMs: null, problem: 'no contract is streamed' };
  const sides = [
    { bp: 90, bs: 5, ap: 0.05, as: 5 },
    { bp: 0.01, bs: 5, ap: 0, as: 0 },
    { bp: 0, bs: 0, ap: 99, as: 5 },
    { bp: 0, bs: 0, ap: 0, as: 0 },
  ];
  const nowMs = epochMsFromEastern(stage.clock.now());
  const frame = sides.map((side, n) => ({
    ...{ ev: 'Q', sym, bx: 302, ax: 308, ...side },
    ...{ t: nowMs + n, q: ODD_SEQUENCE + (nowMs % 10_000_000) + n },
  }));
  stage.market.inflict('options', { kind: 'say', data: JSON.stringify(frame) });
  return FINE;
}

/** Buys an option in the broker's own page, which must be seen, and sells it again. */
async function tradeByHand(stage: Stage): Promise<Done> {
  const { simulator } = stage.schwab;
  const ticker = await tickerOf(stage, 'far');
  if (ticker === null) return { recoveryMs: null, problem: 'no contract is streamed' };
  const symbol = toOsi(ticker) as OsiSymbol;
  const order = (instruction: string): unknown => ({
    ...{ orderType: 'MARKET', session: 'NORMAL', duration: 'DAY', orderStrategyType: 'SINGLE' },
    orderLegCollection: [{ instruction, quantity: 1, instrument: { symbol, assetType: 'OPTION' } }],
  });
  const since = formatEastern(stage.clock.now());
  simulator.manualOrder(order('BUY_TO_OPEN'));
  const seenMs = await until(
    stage,
    async () => {
      const rows = await stage.rows(
        "select from trade.reconciliations c where not c.is_ok and c.ts > $1 and c.detail like '%' || $2 || '%'",
        [since, symbol],
      );
      return rows.length > 0;
    },
    BY_HAND_MS * 3,
  );
  simulator.manualOrder(order('SELL_TO_CLOSE'));
  return { recoveryMs: seenMs, problem: seenMs === null ? 'nobody saw a trade by hand' : null };
}

async function haltAndResume(stage: Stage): Promise<Done> {
  const { clock, schwab } = stage;
  const code = await stage.command('halt', '--reason', 'a fault session');
  const from = addMs(clock.now(), 100);
  await clock.sleep(HALT_MS);
  const late = schwab.simulator.ledger
    .orders()
    .filter((each) => each.isEntry && each.source === 'api' && each.enteredAt > from);
  const resumed = await stage.command('resume', '--reason', 'a fault session');
  if (code !== 0 || resumed !== 0)
    return { recoveryMs: null, problem: `halt ended with ${code}, resume with ${resumed}` };
  return late.length === 0 ? FINE : { recoveryMs: null, problem: `${late.length} entries while halted` };
}
