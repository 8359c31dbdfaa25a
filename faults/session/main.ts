// A fault session in its own time: run by run_session.ts as a process whose clock is quick, on a database that is prepared.
import { setMaxListeners } from 'node:events';
import { addMs, type EasternUs, formatEastern } from '../../core/eastern_time.ts';
import { errorText } from '../../core/failure.ts';
import { stopServer } from '../../db/embedded/postmaster.ts';
import { startEmbedded } from '../../db/embedded.ts';
import { judge, type Verdict } from './check.ts';
import { areAlive, perform } from './deeds.ts';
import type { Moment, Plan, Planned } from './plan.ts';
import { openStage, type Stage, type StageOptions } from './stage.ts';
import { systemOf } from './systems.ts';
import { watch } from './watch.ts';

export interface SessionOrder extends Omit<StageOptions, 'system'> {
  readonly strategy: string;
  /** After the close of the market. */
  readonly afterMs: number;
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

const AT_ORDER_MS = 3000;
const MOMENT_LOOK_MS = 100;
const MARGIN_MS = 30 * 60_000;
const OPTION_CLOSE_MS = 15 * 60_000;
const SETTLE_AFTER_MS = 60_000;
const BEGIN_PATIENCE_MS = 7 * 60_000;

function tell(news: SessionNews): void {
  process.send?.(news);
}

function say(stage: Stage, text: string): void {
  tell({ kind: 'note', text: `${formatEastern(stage.clock.now()).slice(11, 19)}  ${text}` });
}

async function play(order: SessionOrder): Promise<void> {
  const system = systemOf(order.strategy);
  if (system === null) throw new Error(`no session of ${order.strategy} can be played`);
  const stage = await openStage({ ...order, system });
  const { venue } = stage;
  const { session, seed } = order;
  const { tsOpen, tsClose } = session;
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
    await sleepUntil(stage, addMs(tsOpen, -MARGIN_MS));
    venue.begin();
    await untilTrading(stage);
    const plan = system.plan(session, seed);
    venue.misbehave(true);
    const scripted = scriptBroker(stage, plan, over.signal);
    const injected = await doAll(stage, plan);
    venue.misbehave(false);
    const optionClose = session.tsOptionClose ?? addMs(tsClose, OPTION_CLOSE_MS);
    const settleAt = Math.min(
      addMs(optionClose, SETTLE_AFTER_MS),
      addMs(tsClose, order.afterMs),
    ) as EasternUs;
    await sleepUntil(stage, settleAt);
    const ended = venue.expire();
    if (ended !== null) say(stage, ended);
    await sleepUntil(stage, addMs(tsClose, order.afterMs));
    const atEnd = await lookAtTree(stage);
    over.abort();
    await scripted;
    await stage.end();
    const server = await startEmbedded({ dir: order.dir, port: order.port });
    const verdict = await judge(stage, server.url, watched);
    const byRequest = venue.injected().map((each) => ({ ...each, recoveryMs: null, problem: null }));
    tell({
      ...{ kind: 'over', verdict: { ...verdict, problems: [...verdict.problems, ...atEnd] } },
      injected: [...injected, ...byRequest],
    });
  } finally {
    over.abort();
    await stage.close();
    await stopServer(order.dataDir);
  }
}

/** Faults before everything works would only show how long a start takes. */
async function untilTrading(stage: Stage): Promise<void> {
  const { strategy, processes: names } = stage.system;
  const began = stage.clock.now();
  while (!(await areAlive(stage, { since: addMs(stage.clock.now(), -60_000), names }).catch(() => false))) {
    if (stage.clock.now() > addMs(began, BEGIN_PATIENCE_MS))
      throw new Error(`the processes did not begin to work:\n${stage.tree().said().slice(-3000)}`);
    await stage.clock.sleep(1000);
  }
  say(stage, `${strategy} runs: ${names.join(', ')}`);
}

async function sleepUntil({ clock }: Stage, at: EasternUs): Promise<void> {
  await clock.sleep(Math.max(0, (at - clock.now()) / 1000));
}

/** Order by order the broker misbehaves as planned. */
async function scriptBroker(stage: Stage, plan: Plan, signal: AbortSignal): Promise<void> {
  for (const fault of plan.brokerFaults) {
    await stage.clock.sleep(Math.max(0, (fault.at - stage.clock.now()) / 1000), signal);
    if (signal.aborted) return;
    stage.venue.script(fault);
  }
}

async function doAll(stage: Stage, { deeds }: Plan): Promise<Injected[]> {
  const injected: Injected[] = [];
  for (const [n, planned] of deeds.entries()) {
    await sleepUntil(stage, planned.at);
    const until = deeds[n + 1]?.at ?? addMs(planned.at, AT_ORDER_MS);
    if (planned.moment !== null)
      await waitFor(stage, planned.moment, addMs(planned.at, (0.8 * (until - planned.at)) / 1000));
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

/** Waits for the moment, but no longer than that. */
async function waitFor({ clock, venue }: Stage, moment: Moment, latest: EasternUs): Promise<void> {
  while (clock.now() < latest && !venue.isJust(moment, clock.now())) await clock.sleep(MOMENT_LOOK_MS);
}

function describe({ deed }: Planned): string {
  if (deed.kind === 'kill') return `kill -9 of ${deed.victim}`;
  if (deed.kind === 'kill_together') return `kill -9 of ${deed.victims.join(', ')}`;
  if (deed.kind === 'freeze') return `${deed.victim} stands still for ${deed.ms / 1000} s`;
  if (deed.kind === 'wire') return `${deed.market} ${deed.fault.kind}`;
  if (deed.kind === 'outage') return `market data ${deed.fault.kind} for ${deed.ms / 1000} s`;
  if (deed.kind === 'rest') return `REST: ${deed.fault}`;
  return deed.kind.replaceAll('_', ' ');
}

async function lookAtTree(stage: Stage): Promise<string[]> {
  const since = addMs(stage.clock.now(), -90_000);
  const names = ['supervisor', 'ready', 'orders-submit', 'orders-reconcile'] as const;
  const isWhole = await areAlive(stage, { since, names }).catch(() => false);
  return isWhole ? [] : ['not every process works at the end of the day'];
}

process.once('message', (order: SessionOrder) => {
  play(order)
    .catch((error: unknown) => {
      tell({ kind: 'note', text: errorText(error) });
      process.exitCode = 1;
    })
    .finally(() => process.disconnect());
});
