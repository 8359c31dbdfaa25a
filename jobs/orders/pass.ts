// One pass over the broker: what is due of our orders, and every minute or when asked to all orders and the positions.
import type { Clock } from '../../core/clock.ts';
import { addMs, dateOf, type EasternUs, formatEastern, midnightOf } from '../../core/eastern_time.ts';
import type { Broker, OrderReport } from '../brokers/broker.ts';
import { describeOrder } from './broker_order.ts';
import { type BrokerReads, brokerReads, type ReadBudgets } from './broker_reads.ts';
import type { ForeignWatch } from './foreign_orders.ts';
import {
  BELIEVED_AFTER_MS,
  type Doubt,
  describeDifferences,
  differencesOf,
  judgePositions,
} from './held_positions.ts';
import { isOvertaken, type OpenOrder } from './records.ts';
import type { Schedule } from './schedule.ts';
import { hasEnded, type SettleParts, settle } from './settle.ts';
import { disownStuck, type UnknownOrders } from './unknown_orders.ts';

export interface PassParts extends SettleParts, ReadBudgets {
  readonly account: string;
  readonly broker: Broker;
  readonly clock: Clock;
  readonly schedule: Schedule;
  readonly unknown: UnknownOrders;
  readonly foreign: ForeignWatch;
  readonly memory: PassMemory;
}

export interface PassMemory {
  doubt: Doubt | null;
  /** Since when no full pass could read everything. */
  failingSince: EasternUs | null;
  /** Ids that the broker does not know, by intent: since when. */
  readonly missing: Map<number, EasternUs>;
  /** Orders of which some legs have filled further than others, by intent: since when, and what people are told of it. */
  readonly uneven: Map<number, { readonly since: EasternUs; readonly text: string; isTold: boolean }>;
}

export interface PassResult {
  /** Clock time after which the next pass is of use. */
  readonly nextMs: number;
  /** Orders and positions were all read. */
  readonly isFull: boolean;
  /** Of a full pass: whether all was as our records have it; null while that cannot be said. */
  readonly isOk: boolean | null;
  /** Orders that were recorded further. */
  readonly changes: number;
  readonly newFills: number;
}

interface Round {
  readonly now: EasternUs;
  readonly isFull: boolean;
  readonly open: readonly OpenOrder[];
  readonly reads: BrokerReads;
  /** The list, where it was read. */
  reports: readonly OrderReport[] | null;
  readonly problems: string[];
  /** Intents whose orders were asked for by name, and those that were found under their ids. */
  readonly asked: Set<number>;
  readonly found: Set<number>;
  changes: number;
  newFills: number;
}

const LIST_MARGIN_MS = 10_000;
// A read that takes longer does not hold up what exits wait for.
const LOOK_MS = 200;
// Of more a list tells with one request.
const MAX_NAMED = 2;
const AGAIN_MS = 2000;
const DIFFER_MS = 10_000;
const QUIET_MS = 5000;
const MISSING_MS = 5000;
const FAILING_MS = 30_000;
const MISSING_AGE_MS = 30_000;
const UNEVEN_MS = 5000;
// As long trade.open_orders lists an order that has ended.
const ENDED_MS = 60_000;

/** Does what is due. Throws when the database refuses, or when the account was taken over in the middle: then once more. */
export async function runPass(parts: PassParts): Promise<PassResult> {
  const { records, clock, schedule, unknown, budget, memory } = parts;
  const now = clock.now();
  const open = (await records.followFence()) ? await records.openOrders(now) : [];
  schedule.keep(open);
  for (const id of memory.uneven.keys()) {
    if (!open.some(({ intent_id }) => intent_id === id)) memory.uneven.delete(id);
  }
  await disownStuck(open, now, parts);
  const due = open.filter((order) => order.venue_order_id !== null && schedule.isDue(order, now));
  const budgetMs = budget.waitMs();
  if (budgetMs > 0) {
    // An exit does not wait for the reads of the next minute.
    const awaited = due.filter((order) => order.is_awaited);
    if (awaited.length === 0 || !canLook(parts)) return idle(Math.min(budgetMs, schedule.waitMs(now)));
    return readRound(parts, { now, isFull: false, open, due: awaited, lost: [] });
  }
  const isFull = schedule.isFullPassDue(now);
  const lost = unknown.due(open, now);
  if (isFull || due.length + lost.length > 0) return readRound(parts, { now, isFull, open, due, lost });
  return idle(Math.min(schedule.waitMs(now), unknown.waitMs(now)));
}

function idle(nextMs: number): PassResult {
  return { nextMs, isFull: false, isOk: null, changes: 0, newFills: 0 };
}

async function readRound(
  parts: PassParts,
  plan: Pick<Round, 'now' | 'isFull' | 'open'> & {
    readonly due: readonly OpenOrder[];
    readonly lost: readonly OpenOrder[];
  },
): Promise<PassResult> {
  const { now, isFull, open, due, lost } = plan;
  const { broker, schedule, unknown } = parts;
  const round: Round = {
    ...{ now, isFull, open, reads: brokerReads(broker, parts), reports: null, problems: [] },
    ...{ asked: new Set(), found: new Set(), changes: 0, newFills: 0 },
  };
  const awaited = due.filter((order) => order.is_awaited);
  const isFew = awaited.length <= MAX_NAMED || parts.budget.waitMs() > 0;
  if (isFew) await settleAwaited(awaited, round, parts);
  if (isFull || lost.length > 0 || due.length - (isFew ? awaited.length : 0) > 1) {
    const from = listedFrom([...open, ...lost], now, isFull);
    round.reports = await answered(round.reads.ordersSince(from), round, parts);
  }
  for (const order of due) await settleKnown(order, round, parts);
  if (isFull || lost.length > 0) await settleUnknown(round, parts);
  const isOk = isFull ? await finish(round, parts) : null;
  if (round.newFills > 0) schedule.wantPositions(0, now);
  const { changes, newFills } = round;
  const nextMs = Math.min(schedule.waitMs(now), unknown.waitMs(now));
  return { nextMs, isFull, isOk, changes, newFills };
}

/** Since midnight, or from before the first of these orders was sent. */
function listedFrom(orders: readonly OpenOrder[], now: EasternUs, isFull: boolean): EasternUs {
  const first = orders.reduce((least, order) => Math.min(least, order.ts_submitted), now as number);
  const from = addMs(first as EasternUs, -LIST_MARGIN_MS);
  return isFull ? (Math.min(from, midnightOf(dateOf(now))) as EasternUs) : from;
}

function canLook({ budget, exitBudget }: ReadBudgets): boolean {
  return Math.min(budget.waitMs(), exitBudget.waitMs()) === 0;
}

/** What a read brings. However long it takes, what exits wait for is looked at meanwhile: their positions have no stop any more. */
async function answered<T>(read: Promise<T>, round: Round, parts: PassParts): Promise<T> {
  const { clock, records } = parts;
  const over = new AbortController();
  const answer = read.finally(() => over.abort());
  for (;;) {
    await clock.sleep(LOOK_MS, over.signal);
    if (over.signal.aborted) return answer;
    if (canLook(parts)) await settleAwaited(await records.openOrders(clock.now()), round, parts);
  }
}

/** Those of the orders that exits wait for, asked for by name, as far as they are due and the budgets go. */
async function settleAwaited(orders: readonly OpenOrder[], round: Round, parts: PassParts): Promise<void> {
  const now = parts.clock.now();
  const due = orders.filter(
    (order) => order.is_awaited && order.venue_order_id !== null && parts.schedule.isDue(order, now),
  );
  // Side by side, and each settled when its answer comes: none waits for an answer about another.
  const answers = new Map<number, Promise<{ order: OpenOrder; report: OrderReport | 'missing' | null }>>();
  for (const order of due) {
    if (!canLook(parts)) break;
    round.asked.add(order.intent_id);
    const answer = round.reads.order(order.venue_order_id as string, 'exit');
    answers.set(
      order.intent_id,
      answer.then((report) => ({ order, report })),
    );
  }
  while (answers.size > 0) {
    const { order, report } = await Promise.race(answers.values());
    answers.delete(order.intent_id);
    await settleRead(order, report, { ...parts, round, now });
  }
}

async function settleKnown(order: OpenOrder, round: Round, parts: PassParts): Promise<void> {
  const { reads, reports, asked, found, now } = round;
  const { intent_id, is_awaited } = order;
  const id = order.venue_order_id as string;
  const listed = reports?.find((each) => each.venueOrderId === id);
  if (listed === undefined && (asked.has(intent_id) || (is_awaited && !canLook(parts)))) return;
  // A list may lag behind: what it lacks is asked for by name.
  const report = listed ?? (await answered(reads.order(id, is_awaited ? 'exit' : 'entry'), round, parts));
  // An exit may have come to wait for it meanwhile: what was read of it then is newer.
  if (!found.has(intent_id)) await settleRead(order, report, { ...parts, round, now });
}

type ReadParts = PassParts & { readonly round: Round; readonly now: EasternUs };

async function settleRead(
  order: OpenOrder,
  report: OrderReport | 'missing' | null,
  parts: ReadParts,
): Promise<void> {
  const { round, now } = parts;
  if (report === null) return parts.schedule.wasNotRead(order, now);
  parts.schedule.wasRead(order, now);
  if (report === 'missing') return noteMissing(order, parts);
  round.found.add(order.intent_id);
  parts.memory.missing.delete(order.intent_id);
  const { newFills, isChanged, problem, uneven } = await settle(order, report, parts);
  round.newFills += newFills;
  round.changes += isChanged ? 1 : 0;
  if (problem !== null) round.problems.push(problem);
  await noteUneven(order, uneven, parts);
}

/** A spread that stays filled in some legs only is more risk than was taken, and cannot be closed as one: people must see to it. */
async function noteUneven(
  order: OpenOrder,
  how: string | null,
  { memory, records, onEvent, now }: ReadParts,
): Promise<void> {
  if (how === null) {
    memory.uneven.delete(order.intent_id);
    return;
  }
  const { since = now, isTold = false } = memory.uneven.get(order.intent_id) ?? {};
  const text = `${describeOrder(order)} has not filled as one: ${how}; close what is held with \`strikebase flatten\``;
  const isSure = now >= addMs(since, UNEVEN_MS);
  memory.uneven.set(order.intent_id, { since, text, isTold: isTold || isSure });
  if (!isSure || isTold) return;
  onEvent('order uneven', { intent_id: order.intent_id, order: describeOrder(order), filled: how });
  await records.halt(now, text);
}

/** An id that the broker does not know for long leads nowhere: the order is looked for by its terms. */
async function noteMissing(order: OpenOrder, parts: ReadParts): Promise<void> {
  const { memory, records, onEvent, round, now } = parts;
  const since = memory.missing.get(order.intent_id) ?? now;
  memory.missing.set(order.intent_id, since);
  const isSure = now >= addMs(since, MISSING_MS) && now >= addMs(order.ts_submitted, MISSING_AGE_MS);
  if (!isSure || hasEnded(order.state) || order.state === 'unknown') return;
  const detail = `the broker does not know order ${order.venue_order_id}`;
  onEvent('order unknown', { intent_id: order.intent_id, order: describeOrder(order), reason: detail });
  await records.event({ order, at: now, state: 'unknown', detail }).catch((error: unknown) => {
    if (!isOvertaken(error)) throw error;
  });
  round.changes += 1;
}

async function settleUnknown(round: Round, parts: PassParts): Promise<void> {
  const { records, unknown } = parts;
  const { now, reads, reports } = round;
  const open = round.open.filter((order) => !round.found.has(order.intent_id));
  if (unknown.sought(open).length === 0) return;
  // Both endpoints in one look: neither alone proves that an order is not there.
  const positions = await answered(reads.positions(), round, parts);
  const held = await records.openPositions();
  const known = await records.knownOrders(listedFrom(round.open, now, true));
  const result = await unknown.look(open, { reports, positions, held, known, now });
  round.newFills += result.newFills;
  round.changes += result.changes;
  round.problems.push(...result.problems);
}

/** The second half of a full pass: positions, other people's orders, the verdict. */
async function finish(round: Round, parts: PassParts): Promise<boolean | null> {
  const { records, schedule, onEvent } = parts;
  const { now, reads, problems } = round;
  schedule.fullPassDone(now);
  await tellForeign(round, parts);
  const differing = await comparePositions(round, parts);
  const uneven = [...parts.memory.uneven.values()].filter(({ isTold }) => isTold).map(({ text }) => text);
  const wrong = [...reads.problems, ...problems, ...uneven];
  await watchFailing(wrong, now, parts);
  if (differing === 'moving' && wrong.length === 0) return null;
  const isOk = wrong.length === 0 && differing === null;
  const detail = isOk
    ? `${round.open.length} orders and the positions are as ours`
    : [...wrong, ...(differing === null || differing === 'moving' ? [] : [differing])].join('; ');
  await records.noteReconciled(now, isOk, detail);
  onEvent('reconciled', { is_ok: isOk, detail });
  return isOk;
}

/** Whoever cannot read the broker for long manages positions blindly: people must know. */
async function watchFailing(wrong: readonly string[], now: EasternUs, parts: PassParts): Promise<void> {
  const { records, schedule, memory, onEvent } = parts;
  if (wrong.length === 0) {
    memory.failingSince = null;
    return;
  }
  schedule.wantPositions(AGAIN_MS, now);
  onEvent('pass failed', { problems: wrong });
  memory.failingSince ??= now;
  if (now < addMs(memory.failingSince, FAILING_MS)) return;
  const since = formatEastern(memory.failingSince);
  const text = `orders and positions could not be read or recorded since ${since}: ${wrong.join('; ')}`;
  await records.alert({
    key: `not reconciled ${parts.account} ${since}`,
    severity: 'critical',
    text,
    at: now,
  });
}

/** Null where they are the same, `moving` while that cannot be said, else what differs. */
async function comparePositions(round: Round, parts: PassParts): Promise<string | null> {
  const { records, schedule, memory, onEvent } = parts;
  const { now, reads } = round;
  const theirs = await answered(reads.positions(), round, parts);
  if (theirs === null) return null;
  await records.storePositions(now, theirs);
  const differences = differencesOf(theirs, await records.openPositions(), await records.scope());
  // What was found is in the positions of the next look.
  if (differences.length > 0) await settleForgotten(round, parts);
  const verdict = judgePositions(differences, memory.doubt, { isQuiet: isQuiet(round), now });
  memory.doubt = verdict.doubt;
  if (verdict.kind === 'same') return null;
  const text = describeDifferences(differences);
  onEvent('positions differ', { verdict: verdict.kind, text });
  if (verdict.kind === 'moving') {
    schedule.wantPositions(AGAIN_MS, now);
    return 'moving';
  }
  const doubtedMs = (now - (verdict.doubt?.since ?? now)) / 1000;
  schedule.wantPositions(verdict.kind === 'differ' ? DIFFER_MS : BELIEVED_AFTER_MS - doubtedMs, now);
  if (verdict.kind === 'differ') await records.halt(now, text);
  return text;
}

/** Fills that came behind an end long ago: nobody reads those orders any more, until a position tells. */
async function settleForgotten(round: Round, parts: PassParts): Promise<void> {
  const { now, reports, open } = round;
  if (reports === null) return;
  const read = new Set(open.map((order) => order.intent_id));
  // As of the day's first minute, every end of the day is still to come.
  const all = await parts.records.openOrders(addMs(midnightOf(dateOf(now)), ENDED_MS));
  for (const order of all) {
    const report = reports.find((each) => each.venueOrderId === order.venue_order_id);
    if (read.has(order.intent_id) || report === undefined) continue;
    if (report.fills.reduce((sum, { qty }) => sum + qty, 0) <= order.filled_qty) continue;
    const { newFills, problem } = await settle(order, report, parts);
    round.newFills += newFills;
    round.changes += newFills > 0 ? 1 : 0;
    if (problem !== null) round.problems.push(problem);
  }
}

function isQuiet({ now, open, changes, newFills }: Round): boolean {
  if (changes + newFills > 0) return false;
  return open.every(
    ({ state, ts_state }) => state !== 'submitted' && state !== 'unknown' && now >= addMs(ts_state, QUIET_MS),
  );
}

async function tellForeign(round: Round, parts: PassParts): Promise<void> {
  const { records, schedule, foreign, unknown, onEvent } = parts;
  const { now, reports, open } = round;
  if (reports === null) return;
  const known = new Set([...(await records.knownOrders(listedFrom(open, now, true))), ...unknown.lateIds()]);
  const scope = await records.scope();
  const { carried } = parts.broker;
  const context = { known, sought: unknown.sought(open), scope, now, carried };
  const found = foreign.observe(reports, context);
  const held = new Set<string>(
    found.length === 0 ? [] : (await records.openPositions()).map(({ symbol }) => symbol),
  );
  for (const { venueOrderId: id, order, state } of found) {
    const isInTheWay =
      state === 'working' && order.legs.some(({ effect, symbol }) => effect === 'close' && held.has(symbol));
    const legs = order.legs.map(
      (leg) => `${leg.side} to ${leg.effect} ${leg.ratio * order.qty} ${leg.symbol}`,
    );
    const harm = isInTheWay ? '; while it works the broker may refuse our exits' : '';
    const text = `order ${id} at the broker is none of ours: ${legs.join(', ')}, ${state}${harm}`;
    onEvent('foreign order', { venue_order_id: id, text });
    const severity = isInTheWay ? 'critical' : 'warning';
    await records.alert({ key: `foreign order ${id}`, severity, text, at: now });
  }
  if (foreign.hasSuspects()) schedule.wantPositions(AGAIN_MS, now);
}
