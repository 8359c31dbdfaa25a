// The advance loop of a live run: whenever the streams' marks allow it, the run is taken forward.
import type { Clock } from '../core/clock.ts';
import { addMs, type EasternUs, formatEastern, parseEastern } from '../core/eastern_time.ts';
import { Failure } from '../core/failure.ts';
import { writeHeartbeat } from '../db/heartbeat.ts';
import { type LastingConnection, lastingConnection } from '../db/lasting_connection.ts';
import { MARKS_CHANNEL } from '../db/marks_channel.ts';
import { schemaHash } from '../db/migrate.ts';
import { withClient } from '../db/pool.ts';
import { lockAccountWithin } from './account_lock.ts';
import { advance, type Slice } from './advance.ts';
import { type LatencySampler, latencySampler } from './latency.ts';
import { type LiveRunRequest, type OpenedRun, openLiveRun } from './live_run.ts';
import { type Mark, nextClose, type SliceEndOptions, sliceEnd } from './slice_end.ts';

export interface LiveOptions {
  readonly url: string;
  readonly clock: Clock;
  readonly strategy: string;
  /** Parameters for this run only, e.g. `account`. */
  readonly settings?: Readonly<Record<string, unknown>>;
  readonly tickFeed: string;
  readonly quoteFeed: string;
  /** Streams in ops.stream_marks that the run needs. Default `equities` and `options`. */
  readonly tickStream?: string;
  readonly quoteStream?: string;
  /** `paper` is filled by trade.paper_fill; the fills of any other are what its order jobs record. */
  readonly broker: string;
  /** Range of the run, and the close of its options, at which it is completed. */
  readonly session: { readonly from: EasternUs; readonly to: EasternUs; readonly optionClose: EasternUs };
  /** A stream that is silent for longer no longer holds the run back; default 5,000. */
  readonly muteAfterMs?: number;
  readonly onSlice?: (slice: Slice) => void;
}

export interface FollowOptions {
  readonly clock: Clock;
  /** Ends the run as stopped; positions stay, and the next start goes on with them. */
  readonly signal: AbortSignal;
  /** Clock time between two looks at the marks when no hint comes; default 100. */
  readonly pollMs?: number;
}

export interface LiveRun {
  readonly runId: number;
  readonly account: string;
  readonly isResumed: boolean;
  /** Where it stood when it was opened. */
  readonly beganAt: EasternUs;
  /** True when the run has reached the close of its options. */
  isOver(): boolean;
  /** Clock time at which the next period has waited for its late ticks: what comes then is what decides it. */
  ripeAt(): EasternUs;
  /** Takes the run as far as the marks allow at `now`; null if there was nothing to do. */
  step(now: EasternUs): Promise<Slice | null>;
  /** Calls `listener` when a stream's mark has moved, at once if one has since the last step. Only a hint: it may miss one. */
  onHint(listener: () => void): () => void;
  /** Closes the run as completed if it is over, else as `outcome`, and lets go of the account. */
  close(outcome: 'stopped' | 'failed'): Promise<LiveOutcome>;
}

export interface LiveOutcome {
  readonly runId: number;
  readonly outcome: 'completed' | 'stopped' | 'failed';
}

const MUTE_AFTER_MS = 5000;
const POLL_MS = 100;
// While nothing is held only a period's close can matter; with a position every quote can, but slices are rows too.
const HINT_GAP_MS = 20;
// A period that is ripe waits for one row more of each stream, and for nothing else; a feed that is further behind is a slow one.
const RIPE_MS = 2000;
const HEARTBEAT_MS = 1000;
// No slice takes as long; a server that does is lost.
const SLICE_MS = 300_000;
const LOCK_WAIT_MS = 2000;
// Our own lost connection may live on at the server until it notices.
const RELOCK_WAIT_MS = 60_000;
const CLOSE_MS = 3000;

type Waits = Pick<SliceEndOptions, 'graceMs' | 'mostLagMs'>;

// Of an exit that is due: trade.is_exit_due sees for itself whether a period is whole.
const DUE_WAITS: Waits = { graceMs: 0, mostLagMs: 0 };

const LOOK_SQL = `
  select t.ts_high_water as tick_mark, t.ts_recv as tick_recv, q.ts_high_water as quote_mark, q.ts_recv as quote_recv,
    exists (select from trade.position_slots p
      where p.account = r.account and p.strategy = r.strategy and p.position_id is not null) as is_holding
  from trade.runs r
  left join ops.stream_marks t on t.feed_id = r.tick_feed_id and t.stream = $2
  left join ops.stream_marks q on q.feed_id = r.quote_feed_id and q.stream = $3
  where r.run_id = $1`;

const EXIT_DUE_SQL = 'select trade.is_exit_due($1, $2, $3) as is_due';

interface Look {
  readonly tick_mark: string | null;
  readonly tick_recv: string | null;
  readonly quote_mark: string | null;
  readonly quote_recv: string | null;
  readonly is_holding: boolean;
}

function markOf(highWater: string | null, receivedAt: string | null): Mark | null {
  if (highWater === null || receivedAt === null) return null;
  return {
    highWater: parseEastern(highWater) as EasternUs,
    receivedAt: parseEastern(receivedAt) as EasternUs,
  };
}

async function accountOf(options: LiveOptions): Promise<string> {
  const { account } = options.settings ?? {};
  if (typeof account === 'string') return account;
  const { url, strategy } = options;
  return withClient({ url, role: 'job_runner', name: 'live' }, async (client) => {
    const { rows } = await client.query<{ account: string }>(
      'select account from ref.current_strategies where strategy = $1',
      [strategy],
    );
    if (rows[0] !== undefined) return rows[0].account;
    throw new Failure(`unknown strategy ${strategy}`, { hint: 'strikebase strategies list shows them.' });
  });
}

/**
 * Takes the account and opens its run of the session, or goes on with it. Throws a Failure when another process trades the
 * account, or when the run cannot be opened.
 */
export async function openLive(options: LiveOptions): Promise<LiveRun> {
  const account = await accountOf(options);
  const giveUp = new AbortController();
  const hints = createHints();
  const connection = await lockedConnection(options, { account, hints, signal: giveUp.signal });
  try {
    const run = await connection.run(async (client) =>
      openLiveRun(client, await requestOf(options, account), options.clock.now()),
    );
    return liveRun({ options, account, run, connection, hints, giveUp });
  } catch (error) {
    await connection.end();
    throw error;
  }
}

interface Parts {
  readonly options: LiveOptions;
  readonly account: string;
  readonly run: OpenedRun;
  readonly connection: LastingConnection;
  readonly hints: Hints;
  readonly giveUp: AbortController;
}

function liveRun(parts: Parts): LiveRun {
  const { options, account, run, connection, hints, giveUp } = parts;
  const { optionClose } = options.session;
  const sampler = latencySampler(run.runId, { clock: options.clock, isPaper: options.broker === 'paper' });
  const beat = heartbeat(connection, account, sampler);
  let { advancedTo } = run;
  let askedAt = 0 as EasternUs;

  async function step(now: EasternUs): Promise<Slice | null> {
    hints.clear();
    const look = await lookAt(parts);
    const slice = await take(look, now);
    // Behind the slice: what is decided does not wait for it.
    await beat(now, advancedTo);
    return slice;
  }

  /** To where the marks allow a slice. An exit that is due at a broker does not wait for late ticks; nothing is entered on what has not. */
  async function endOf(look: Look, now: EasternUs, asOf: EasternUs): Promise<EasternUs> {
    const within = (waits: Waits) => Math.min(endAt(parts, look, now, waits), optionClose) as EasternUs;
    const mostLagMs = look.is_holding ? muteAfterMs(options) : Number.POSITIVE_INFINITY;
    const end = within({ graceMs: run.graceMs, mostLagMs });
    const mayHurry = look.is_holding && options.broker !== 'paper' && run.graceMs > 0;
    if (end > advancedTo || !mayHurry) return end;
    const known = within(DUE_WAITS);
    // Marks move far more often while a period waits.
    if (known <= advancedTo || Math.abs(now - askedAt) < HINT_GAP_MS * 1000) return end;
    askedAt = now;
    return (await isExitDue(parts, known, asOf)) ? known : end;
  }

  async function take(look: Look, now: EasternUs): Promise<Slice | null> {
    // A mark may have moved between the look at the clock and that at the marks: the rows that it speaks for are to be seen.
    const asOf = Math.max(now, ...receiptsOf(look)) as EasternUs;
    const end = await endOf(look, now, asOf);
    // While nothing is held, only the end of a period can bring anything: fewer slices, and the same rows.
    const isDue = look.is_holding || end === optionClose || nextClose(advancedTo, run) <= end;
    if (end <= advancedTo || !isDue) return null;
    const began = performance.now();
    const slice = await connection.run((client) => advance(client, { runId: run.runId, to: end, asOf }));
    sampler.note({
      sliceMs: performance.now() - began,
      receivedAt: newestOf(look, addMs(now, -muteAfterMs(options))),
    });
    advancedTo = end;
    if (slice !== null) options.onSlice?.(slice);
    return slice;
  }

  return {
    runId: run.runId,
    account,
    isResumed: run.isResumed,
    beganAt: run.advancedTo,
    isOver: () => advancedTo >= optionClose,
    ripeAt: () => addMs(nextClose(advancedTo, run), run.graceMs),
    step,
    onHint: hints.listen,
    close: async (ending) => {
      const outcome = advancedTo >= optionClose ? 'completed' : ending;
      const late = setTimeout(() => giveUp.abort(), CLOSE_MS);
      try {
        const values = [run.runId, outcome, formatEastern(options.clock.now())];
        await connection.run((client) => client.query('select trade.close_run($1, $2, $3)', values));
      } finally {
        await connection.end();
        clearTimeout(late);
      }
      return { runId: run.runId, outcome };
    },
  };
}

/** Steps whenever there is something new, until the run is over or the signal is aborted. */
export async function followLive(run: LiveRun, options: FollowOptions): Promise<void> {
  const { clock, signal } = options;
  while (!signal.aborted && !run.isOver()) {
    await run.step(clock.now());
    const gapMs = hintGapMs(run.ripeAt(), clock.now());
    if (gapMs > 0) await clock.sleep(gapMs, signal);
    await sleepUntilHint(run, options);
  }
}

/** How long hints are left alone: to the instant at which a period is ripe, and not at all from then on. */
function hintGapMs(ripeAt: EasternUs, now: EasternUs): number {
  const untilMs = (ripeAt - now) / 1000;
  return untilMs > 0 || untilMs < -RIPE_MS ? Math.min(HINT_GAP_MS, Math.abs(untilMs)) : 0;
}

/** Trades one session: opens the run, follows the streams' marks, closes the run at the option close or on abort. */
export async function runLive(options: LiveOptions & FollowOptions): Promise<LiveOutcome> {
  const run = await openLive(options);
  try {
    await followLive(run, options);
  } catch (error) {
    await run.close('failed').catch(() => undefined);
    throw error;
  }
  return run.close('stopped');
}

async function sleepUntilHint(run: LiveRun, options: FollowOptions): Promise<void> {
  const { clock, signal, pollMs = POLL_MS } = options;
  const woken = new AbortController();
  const wake = (): void => woken.abort();
  signal.addEventListener('abort', wake, { once: true });
  const forget = run.onHint(wake);
  if (!signal.aborted) await clock.sleep(pollMs - HINT_GAP_MS, woken.signal);
  forget();
  signal.removeEventListener('abort', wake);
}

async function requestOf(options: LiveOptions, account: string): Promise<LiveRunRequest> {
  const { strategy, tickFeed, quoteFeed, broker, session } = options;
  const settings = { ...options.settings, account };
  const codeHash = await schemaHash();
  return {
    strategy,
    account,
    settings,
    tickFeed,
    quoteFeed,
    broker,
    codeHash,
    from: session.from,
    to: session.to,
  };
}

function lockedConnection(
  options: LiveOptions,
  parts: { readonly account: string; readonly hints: Hints; readonly signal: AbortSignal },
): Promise<LastingConnection> {
  const { account, hints, signal } = parts;
  let waitMs = LOCK_WAIT_MS;
  return lastingConnection({
    url: options.url,
    role: 'job_runner',
    name: `live ${account} process ${process.pid}`,
    queryMs: SLICE_MS,
    signal,
    prepare: async (client) => {
      await lockAccountWithin(client, { account, waitMs });
      waitMs = RELOCK_WAIT_MS;
      client.on('notification', hints.announce);
      await client.query(`listen ${MARKS_CHANNEL}`);
    },
  });
}

async function lookAt({ options, run, connection }: Parts): Promise<Look> {
  const { tickStream = 'equities', quoteStream = 'options' } = options;
  const values = [run.runId, tickStream, quoteStream];
  const { rows } = await connection.run((client) =>
    client.query<Look>({ name: 'look', text: LOOK_SQL, values }),
  );
  if (rows[0] === undefined) throw new Error(`run ${run.runId} has vanished`);
  return rows[0];
}

/** When the newest row was received that a slice of this look can have read; null where the clock moved it, not a row. */
function newestOf(look: Look, notBefore: EasternUs): EasternUs | null {
  const newest = Math.max(0, ...receiptsOf(look)) as EasternUs;
  return newest >= notBefore ? newest : null;
}

/** When the last row of each stream was received, of those that have one. */
function receiptsOf({ tick_recv, quote_recv }: Look): EasternUs[] {
  return [tick_recv, quote_recv].flatMap((text) => (text === null ? [] : [parseEastern(text) as EasternUs]));
}

function muteAfterMs(options: LiveOptions): number {
  return options.muteAfterMs ?? MUTE_AFTER_MS;
}

async function isExitDue({ run, connection }: Parts, before: EasternUs, asOf: EasternUs): Promise<boolean> {
  const values = [run.runId, formatEastern(before), formatEastern(asOf)];
  const { rows } = await connection.run((client) =>
    client.query<{ is_due: boolean }>({ name: 'exit_due', text: EXIT_DUE_SQL, values }),
  );
  return rows[0]?.is_due === true;
}

function endAt({ options, run }: Parts, look: Look, now: EasternUs, waits: Waits): EasternUs {
  return sliceEnd({
    ticks: markOf(look.tick_mark, look.tick_recv),
    quotes: markOf(look.quote_mark, look.quote_recv),
    now,
    muteAfterMs: muteAfterMs(options),
    periodMs: run.periodMs,
    opensAt: run.opensAt,
    ...waits,
  });
}

// In real time: a simulated clock may run hundreds of times as fast.
function heartbeat(
  connection: LastingConnection,
  account: string,
  sampler: LatencySampler,
): (now: EasternUs, advancedTo: EasternUs) => Promise<void> {
  let last = Number.NEGATIVE_INFINITY;
  return async (now, advancedTo) => {
    if (performance.now() - last < HEARTBEAT_MS) return;
    last = performance.now();
    const detail = `advanced to ${formatEastern(advancedTo)}`;
    await connection.run(async (client) => {
      await writeHeartbeat(client, { process: `live-${account}`, at: now, state: 'trading', detail });
      await sampler.store(client);
    });
  };
}

interface Hints {
  readonly announce: () => void;
  readonly clear: () => void;
  readonly listen: (listener: () => void) => () => void;
}

function createHints(): Hints {
  const listeners = new Set<() => void>();
  let isPending = false;
  return {
    announce: () => {
      isPending = true;
      for (const listener of listeners) listener();
    },
    clear: () => {
      isPending = false;
    },
    listen: (listener) => {
      if (isPending) listener();
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}
