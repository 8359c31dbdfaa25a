// A fault session in its own time: run by run_session.ts as a process whose clock is quick, on a database that is prepared.
import { setMaxListeners } from 'node:events';
import { STRATEGY } from '../../bench/live_stage.ts';
import { addMs, type EasternUs, formatEastern } from '../../core/eastern_time.ts';
import { errorText } from '../../core/failure.ts';
import { stopServer } from '../../db/embedded/postmaster.ts';
import { startEmbedded } from '../../db/embedded.ts';
import type { InjectedFault } from '../../sim/schwab/faults.ts';
import type { SessionArguments } from '../../sim/session.ts';
import { judge, type Verdict } from './check.ts';
import { areAlive, perform } from './deeds.ts';
import { type Plan, type Planned, planOf, READ_FAULTS } from './plan.ts';
import { openStage, type Stage, type StageOptions } from './stage.ts';
import { watch } from './watch.ts';

export interface SessionOrder extends Omit<StageOptions, 'session'> {
  readonly session: SessionArguments;
  readonly dir: string;
}

/** What one fault came to. */
export interface Injected {
  readonly id: string;
  readonly what: string;
  readonly recoveryMs: number | null;
  readonly problem: string | null;
}

export type SessionNews =
  | { readonly kind: 'note'; readonly text: string }
  | { readonly kind: 'over'; readonly injected: readonly Injected[]; readonly verdict: Verdict };

const READ_RATE = 0.01;
const AT_ORDER_MS = 3000;
const AT_ORDER_LOOK_MS = 100;
// The processes compare the day's books half an hour after the options' close.
const AFTER_CLOSE_MS = 49 * 60_000;
const SETTLE_AFTER_MS = 60_000;
const BEGIN_PATIENCE_MS = 7 * 60_000;

function tell(news: SessionNews): void {
  process.send?.(news);
}

function say(stage: Stage, text: string): void {
  tell({ kind: 'note', text: `${formatEastern(stage.clock.now()).slice(11, 19)}  ${text}` });
}

async function play(order: SessionOrder): Promise<void> {
  const stage = await openStage(order);
  const over = new AbortController();
  setMaxListeners(0, over.signal);
  const watched = watch(stage, over.signal);
  // Told to end, nothing is left behind: the database would outlive us.
  const abandon = async (): Promise<void> => {
    await stage.close();
    await stopServer(order.dataDir);
    process.exit(130);
  };
  process.once('SIGTERM', () => void abandon());
  process.once('SIGINT', () => void abandon());
  try {
    const { tsStart, tsOptionClose, tsClose } = stage.market.session;
    await stage.clock.sleep((tsStart - stage.clock.now()) / 1000);
    stage.market.begin();
    await untilTrading(stage);
    const plan = planOf(order.session, order.seed);
    const scripted = scriptBroker(stage, plan, order.seed, over.signal);
    const injected = await doAll(stage, plan);
    stage.schwab.simulator.misbehave(null);
    await sleepUntil(stage, addMs(tsOptionClose, SETTLE_AFTER_MS));
    settle(stage, tsClose);
    await sleepUntil(stage, addMs(tsClose, AFTER_CLOSE_MS));
    const atEnd = await lookAtTree(stage);
    over.abort();
    await scripted;
    await stage.end();
    const server = await startEmbedded({ dir: order.dir, port: order.port });
    const verdict = await judge(stage, server.url, watched);
    tell({
      ...{ kind: 'over', verdict: { ...verdict, problems: [...verdict.problems, ...atEnd] } },
      injected: [...injected, ...brokerFaults(stage)],
    });
  } finally {
    over.abort();
    await stage.close();
    await stopServer(order.dataDir);
  }
}

/** Faults before everything works would only show how long a start takes. */
async function untilTrading(stage: Stage): Promise<void> {
  const names = [
    'ingest-equities',
    'ingest-options',
    'advance',
    'orders-submit',
    'orders-reconcile',
  ] as const;
  const began = stage.clock.now();
  while (!(await areAlive(stage, { since: addMs(stage.clock.now(), -60_000), names }).catch(() => false))) {
    if (stage.clock.now() > addMs(began, BEGIN_PATIENCE_MS))
      throw new Error(`the processes did not begin to work:\n${stage.tree().said().slice(-3000)}`);
    await stage.clock.sleep(1000);
  }
  say(stage, `${STRATEGY} runs: ${names.join(', ')}`);
}

async function sleepUntil({ clock }: Stage, at: EasternUs): Promise<void> {
  await clock.sleep(Math.max(0, (at - clock.now()) / 1000));
}

/** The broker misbehaves by the dice, and order by order as planned. */
async function scriptBroker(stage: Stage, plan: Plan, seed: number, signal: AbortSignal): Promise<void> {
  const { simulator } = stage.schwab;
  simulator.misbehave({ seed, rate: READ_RATE, faults: READ_FAULTS });
  for (const { at, operation, fault } of plan.brokerFaults) {
    await stage.clock.sleep(Math.max(0, (at - stage.clock.now()) / 1000), signal);
    if (signal.aborted) return;
    simulator.script.next(operation, fault);
  }
}

async function doAll(stage: Stage, { deeds }: Plan): Promise<Injected[]> {
  const injected: Injected[] = [];
  for (const [n, planned] of deeds.entries()) {
    await sleepUntil(stage, planned.at);
    const until = deeds[n + 1]?.at ?? addMs(planned.at, AT_ORDER_MS);
    if (planned.isAtOrder) await nextOrder(stage, addMs(planned.at, (until - planned.at) / 2000));
    const what = describe(planned);
    const { recoveryMs, problem } = await perform(stage, planned.deed).catch((error: unknown) => ({
      recoveryMs: null,
      problem: errorText(error),
    }));
    injected.push({ id: planned.id, what, recoveryMs, problem });
    const took = recoveryMs === null ? '' : `, well again after ${(recoveryMs / 1000).toFixed(0)} s`;
    say(stage, `${planned.id} ${what}${took}${problem === null ? '' : `: PROBLEM, ${problem}`}`);
  }
  return injected;
}

/** Waits until an order has just been sent, but no longer than that. */
async function nextOrder({ clock, schwab }: Stage, latest: EasternUs): Promise<void> {
  const isFresh = (): boolean => {
    const last = schwab.simulator.ledger.orders().at(-1);
    return last !== undefined && last.enteredAt > addMs(clock.now(), -AT_ORDER_LOOK_MS * 2);
  };
  while (clock.now() < latest && !isFresh()) await clock.sleep(AT_ORDER_LOOK_MS);
}

function describe({ deed }: Planned): string {
  if (deed.kind === 'kill') return `kill -9 of ${deed.victim}`;
  if (deed.kind === 'freeze') return `${deed.victim} stands still for ${deed.ms / 1000} s`;
  if (deed.kind === 'wire') return `${deed.market} ${deed.fault.kind}`;
  if (deed.kind === 'rest') return `REST: ${deed.fault}`;
  return deed.kind.replaceAll('_', ' ');
}

/** At the close of the options what is left expires or is assigned. */
function settle(stage: Stage, tsClose: EasternUs): void {
  const last = stage.market.recorded('A.QQQ', addMs(tsClose, -60_000), tsClose).at(-1);
  if (last === undefined) return;
  const close_e4 = Math.round(Number(last.c) * 10_000);
  const settled = stage.schwab.simulator.settle(stage.market.session.sessionDate, close_e4);
  say(stage, `the options of the day end at ${close_e4 / 10_000}: ${settled.length} positions are settled`);
}

async function lookAtTree(stage: Stage): Promise<string[]> {
  const since = addMs(stage.clock.now(), -90_000);
  const names = ['supervisor', 'ready', 'orders-submit', 'orders-reconcile'] as const;
  const isWhole = await areAlive(stage, { since, names }).catch(() => false);
  return isWhole ? [] : ['not every process works at the end of the day'];
}

function brokerFaults({ schwab }: Stage): Injected[] {
  return schwab.simulator.script.injected().map((injected) => ({
    ...{ id: idOf(injected), what: `${injected.operation}: ${injected.fault.kind}` },
    ...{ recoveryMs: null, problem: null },
  }));
}

function idOf({ operation, fault }: InjectedFault): string {
  if (operation.startsWith('WS')) return 'F6';
  if (fault.kind.startsWith('fill_') || fault.kind === 'partial' || fault.kind === 'cancel_refused')
    return 'F11';
  if (fault.kind === 'reject') return 'F12';
  if (operation === 'POST token') return 'F13';
  const isLost =
    'accept' in fault ? fault.accept || fault.kind === 'hang' : /_location|_lag/.test(fault.kind);
  return isLost && operation === 'POST order' ? 'F9' : 'F10';
}

process.once('message', (order: SessionOrder) => {
  play(order)
    .catch((error: unknown) => {
      tell({ kind: 'note', text: errorText(error) });
      process.exitCode = 1;
    })
    .finally(() => process.disconnect());
});
