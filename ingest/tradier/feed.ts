// A session of Tradier's data: index values and held legs on every minute, chains when they are due.
import type { Clock } from '../../core/clock.ts';
import {
  addMs,
  type EasternUs,
  epochMsFromEastern,
  formatEastern,
  type SessionDate,
} from '../../core/eastern_time.ts';
import { errorText } from '../../core/failure.ts';
import { raiseAlert } from '../alerts.ts';
import type { TradierClient } from './client.ts';
import { readQuotes } from './rows.ts';
import { minuteTimes, snapshotTimes, targetExpirations } from './schedule.ts';
import type { Due, Part, SnapshotCounts, TradierStore } from './store.ts';

export interface TradierFeedOptions {
  readonly client: TradierClient;
  readonly store: TradierStore;
  readonly clock: Clock;
  readonly session: {
    readonly sessionDate: SessionDate;
    readonly tsOpen: EasternUs;
    readonly tsClose: EasternUs;
  };
  readonly underlying: string;
  /** Tradier's symbols of indexes besides the underlying. */
  readonly indexes: readonly string[];
  readonly days: readonly number[];
  /** Days that an expiration may be off a target. */
  readonly tolerance: number;
  readonly everyMs: number;
  /** `HH:MM` */
  readonly exactly: readonly string[];
  /** What was due and is later than this is not had any more: the quotes would be of another instant. */
  readonly graceMs: number;
  readonly signal: AbortSignal;
  /** Told when it changes: failed while Tradier cannot be asked at all. */
  readonly onState?: (state: 'live' | 'failed') => void;
  /** One line for what an operator should know. */
  readonly onNotice: (text: string) => void;
  readonly onSnapshot?: (
    of: { readonly at: EasternUs; readonly expiration: SessionDate } & SnapshotCounts,
  ) => void;
}

export const TRADIER_SCHEDULE = {
  indexes: ['VIX', 'VIX9D'],
  days: [3, 5, 7],
  tolerance: 1,
  everyMs: 300_000,
  exactly: ['10:00', '11:00', '12:00'],
  graceMs: 40_000,
} as const;

const MAX_SKEW_MS = 2000;
const START_RETRY_MS = 5000;

interface Day {
  readonly expirations: readonly SessionDate[];
  readonly contexts: Contexts;
  readonly isTold: { unmatched: boolean; delay: boolean };
}

/** Runs from now to the close, or until the signal. Ends without an error: what could not be had is noted and told. */
export async function runTradierFeed(options: TradierFeedOptions): Promise<void> {
  try {
    await takeDay(options);
  } catch (error) {
    // What the end has interrupted has not failed.
    if (!options.signal.aborted) throw error;
  }
}

async function takeDay(options: TradierFeedOptions): Promise<void> {
  const { clock, session, signal } = options;
  const day = await beginDay(options);
  const snapshots = new Set(snapshotTimes({ ...session, ...options }));
  // A snapshot at a time that is no full minute is an instant of its own.
  const instants = [...new Set([...minuteTimes(session), ...snapshots])].sort((a, b) => a - b);
  if (day === null) {
    // Which chains were due is not known.
    const due = instants.map((at) => ({ at, isSnapshot: false }));
    if (!signal.aborted) await tellLate(due, [], options);
    return;
  }
  for (const at of await options.store.withoutContext(session.tsOpen)) day.contexts.write(at);
  let late: Due[] = [];
  for (const at of instants) {
    const due = { at, isSnapshot: snapshots.has(at) };
    if (clock.now() > addMs(at, options.graceMs)) {
      late.push(due);
      continue;
    }
    await tellLate(late, day.expirations, options);
    late = [];
    await sleepUntil(at, options);
    if (signal.aborted) return;
    await takeInstant(due, day, options);
  }
  await tellLate(late, day.expirations, options);
  await day.contexts.written();
}

async function sleepUntil(at: EasternUs, { clock, signal }: TradierFeedOptions): Promise<void> {
  while (!signal.aborted && clock.now() < at) await clock.sleep((at - clock.now()) / 1000, signal);
}

// Expirations are listed once a day, and nothing can be done without them.
async function beginDay(options: TradierFeedOptions): Promise<Day | null> {
  const { client, underlying, session, clock, signal, onNotice, store } = options;
  for (let tries = 1; ; tries += 1) {
    if (signal.aborted || (tries > 1 && clock.now() > session.tsClose)) return null;
    try {
      await compareClock(options);
      await compareCalendar(options);
      const listed = await client.expirations(underlying);
      const targets = { days: options.days, tolerance: options.tolerance };
      const expirations = targetExpirations(listed, session.sessionDate, targets);
      options.onState?.('live');
      await store.writer.noteState({ state: 'live', at: clock.now(), reason: null });
      onNotice(
        `${underlying}: ${listed.length} expirations, snapshots of ${expirations.join(', ') || 'none'}`,
      );
      const contexts = createContexts(options);
      return { expirations, contexts, isTold: { unmatched: false, delay: false } };
    } catch (error) {
      const reason = errorText(error);
      // Once, not every few seconds of an outage.
      if (tries === 1) {
        options.onState?.('failed');
        onNotice(`Tradier cannot be asked yet: ${reason}`);
        await store.writer.noteState({ state: 'failed', at: clock.now(), reason });
      }
      await clock.sleep(START_RETRY_MS, signal);
    }
  }
}

async function compareClock({ client, clock, onNotice }: TradierFeedOptions): Promise<void> {
  const asked = clock.now();
  const { timestamp } = await client.clock();
  const skewMs = Math.abs(timestamp * 1000 + 500 - epochMsFromEastern(asked));
  if (skewMs > MAX_SKEW_MS) onNotice(`the clock here and Tradier's differ by ${Math.round(skewMs)} ms`);
}

// The rules go by ref.sessions: where the vendor knows of another day, people must know before the open.
async function compareCalendar(options: TradierFeedOptions): Promise<void> {
  const { client, session, onNotice, store, clock } = options;
  const { sessionDate } = session;
  const days = await client.calendar(Number(sessionDate.slice(5, 7)), Number(sessionDate.slice(0, 4)));
  const theirs = days.find((day) => day.date === sessionDate);
  if (theirs === undefined) return;
  const ours = `${hhmm(session.tsOpen)}-${hhmm(session.tsClose)}`;
  const told = theirs.open === undefined ? theirs.status : `${theirs.open.start}-${theirs.open.end}`;
  if (told === ours) return;
  const text = `Tradier's calendar has ${sessionDate} as ${told}, ref.sessions as ${ours}: add it to ref.session_overrides if Tradier is right`;
  onNotice(text);
  await raiseAlert(store.writer, {
    key: `tradier calendar ${sessionDate}`,
    severity: 'warning',
    text,
    at: clock.now(),
  });
}

function hhmm(at: EasternUs): string {
  return formatEastern(at).slice(11, 16);
}

/** Another process may have taken some of it before: only what is lacking is missed. */
async function tellLate(
  late: readonly Due[],
  expirations: readonly SessionDate[],
  options: TradierFeedOptions,
): Promise<void> {
  const { store, clock, onNotice } = options;
  if (late.length === 0) return;
  const detail = 'not running, or still busy with an earlier one';
  const due = { late, expirations, now: clock.now(), detail };
  for (const { from, to } of await store.noteLacking(due)) {
    onNotice(`${hhmm(from)}${to > from ? ` to ${hhmm(to)}` : ''} was missed: ${detail}`);
  }
}

interface Contexts {
  readonly write: (at: EasternUs) => void;
  readonly written: () => Promise<void>;
}

/** Aside, one after the other: the rules go by quotes, and what is due next must not wait for seconds of sums. */
function createContexts({ store, clock, signal, onNotice }: TradierFeedOptions): Contexts {
  let tail = Promise.resolve();
  const writeOne = (at: EasternUs): Promise<void> =>
    store.writeContext(at, clock.now()).catch((error: unknown) => {
      if (!signal.aborted) onNotice(`${hhmm(at)} has no context: ${errorText(error)}`);
    });
  return {
    write: (at) => {
      tail = tail.then(() => (signal.aborted ? undefined : writeOne(at)));
    },
    written: () => tail,
  };
}

async function takeInstant({ at, isSnapshot }: Due, day: Day, options: TradierFeedOptions): Promise<void> {
  const { expirations, contexts } = day;
  // Side by side: every chain of an instant should be of that instant.
  const value = takeQuotes(at, day, options);
  const chains = isSnapshot
    ? expirations.map((expiration) => takeChain(at, expiration, value, day, options))
    : [];
  await Promise.all([value, ...chains]);
  const { store, clock, signal } = options;
  if (signal.aborted) return;
  await store.complete(at, clock.now());
  if (isSnapshot) contexts.write(at);
}

/** The underlying's value of the instant, 1/10,000; null where it could not be had. */
async function takeQuotes(at: EasternUs, day: Day, options: TradierFeedOptions): Promise<number | null> {
  const { client, store, underlying, indexes } = options;
  return attempt({ at, expiration: null }, 'index values and held legs', options, async () => {
    const held = await store.heldContracts();
    const symbols = [underlying, ...indexes, ...held.map((symbol) => symbol.replaceAll(' ', ''))];
    const { rows, unmatched, receivedAt } = await client.quotes(symbols);
    refuseLate(receivedAt, at, options);
    const read = readQuotes(rows, { ts_event: at, ts_recv: receivedAt });
    await store.writeQuotes({ ...read, receivedAt });
    if (unmatched.length > 0 && !day.isTold.unmatched) {
      day.isTold.unmatched = true;
      options.onNotice(`Tradier does not know ${unmatched.join(', ')}`);
    }
    return read.ticks.find((tick) => tick.symbol === underlying)?.close_e4 ?? null;
  });
}

async function takeChain(
  at: EasternUs,
  expiration: SessionDate,
  value: Promise<number | null>,
  day: Day,
  options: TradierFeedOptions,
): Promise<void> {
  const { client, store, underlying } = options;
  await attempt({ at, expiration }, `the chain of ${expiration}`, options, async () => {
    const chain = await client.chain(underlying, expiration);
    if (chain.rows.length === 0) throw new Error('Tradier lists no contract');
    refuseLate(chain.receivedAt, at, options);
    const counts = await store.writeSnapshot({ expiration, at, chain }, await value);
    options.onSnapshot?.({ at, expiration, ...counts });
    if (!day.isTold.delay && counts.delayMs !== null) {
      day.isTold.delay = true;
      options.onNotice(`quotes are ${Math.round(counts.delayMs / 1000)} s behind`);
    }
    return null;
  });
}

/** Asked in time, or so it seemed to a process that stood still, and answered with quotes of another instant. */
function refuseLate(
  receivedAt: EasternUs,
  at: EasternUs,
  { graceMs }: Pick<TradierFeedOptions, 'graceMs'>,
): void {
  if (receivedAt > addMs(at, graceMs)) throw new Error('the answer came too late');
}

/** Tries until the grace of the instant is over; then it is missed. Never throws. */
async function attempt<T>(
  part: Part,
  what: string,
  options: TradierFeedOptions,
  work: () => Promise<T>,
): Promise<T | null> {
  const { clock, signal, graceMs } = options;
  const { at } = part;
  for (let waitMs = 1000; ; waitMs *= 2) {
    try {
      return await work();
    } catch (error) {
      if (signal.aborted) return null;
      if (clock.now() >= addMs(at, graceMs - waitMs)) {
        await missed(options, part, `${what}: ${errorText(error)}`);
        return null;
      }
      await clock.sleep(waitMs, signal);
    }
  }
}

async function missed(options: TradierFeedOptions, part: Part, detail: string): Promise<void> {
  const { store, clock, onNotice, signal } = options;
  const { at } = part;
  // A process that was killed in the middle of a minute may have had it.
  if (signal.aborted || (await store.has(part).catch(() => false))) return;
  onNotice(`${hhmm(at)} was missed: ${detail}`);
  await store.noteMissed({ at, now: clock.now(), detail }).catch(() => undefined);
}
