// What lets a stream survive: a disk spool, a ledger of gaps, a back-fill, a watch over silence, alerts. All of it for one session.
import type { Clock } from '../core/clock.ts';
import { dateOf, type EasternUs, formatEastern } from '../core/eastern_time.ts';
import { errorText } from '../core/failure.ts';
import { raiseAlert } from './alerts.ts';
import { type Backfill, startBackfill } from './backfill.ts';
import type { Fill, FillParts } from './fill.ts';
import { createGapLedger, type DataRange, type UnfilledGap } from './gap_ledger.ts';
import type { FeedStateChange, FeedTiming } from './massive/feed_options.ts';
import { createRestClient } from './massive_history/rest_client.ts';
import { refreshRollupsAt } from './rollups.ts';
import { openSpool, type Spool } from './spool.ts';
import { lockSpool } from './spool_lock.ts';
import type { StreamFeed } from './stream_feed.ts';
import { createStreamGaps, type StreamGaps } from './stream_gaps.ts';
import type { StreamWriter } from './stream_writer.ts';

/** What a stream is told about its session. */
export interface Recovery {
  /** `https://api.massive.com`, or a simulator's address. */
  readonly restUrl: string;
  /** Event time in which there is data of the stream's: outside it nothing is missed. */
  readonly range: DataRange;
  /** Event time in which data must flow: silence in it is `mute`. */
  readonly busy: DataRange;
  /** The disk spool; null keeps frames in memory only. */
  readonly spool: SpoolPlace | null;
  /** Default 10,000. */
  readonly muteAfterMs?: number;
  /** Default 30,000: for which a held contract may have no quote. */
  readonly contractMuteAfterMs?: number;
  /** Time that the vendor is given to have the last events of a gap on record, at least 2,000; default 4,000. */
  readonly settleMs?: number;
  /** Real time after which a database that does not answer is given up and connected to again; default 30,000. */
  readonly answerMs?: number;
}

export interface SpoolPlace {
  /** A folder for each stream. */
  readonly dir: string;
  /** Most bytes on disk: what comes beyond is a gap. */
  readonly maxBytes: number;
  /** Bytes of frames in memory from which on they go to disk; default 16 MB. */
  readonly memoryBytes?: number;
}

/** Makes what fills a gap of the stream. */
export type FillOf = (parts: FillParts) => Fill;

export interface RecoveryOptions {
  readonly recovery: Recovery;
  readonly writer: StreamWriter;
  readonly databaseUrl: string;
  readonly apiKey: string;
  readonly clock: Clock;
  readonly feed: StreamFeed;
  readonly fillOf: FillOf;
  /** True where a stream that begins in mid-session lacks what was before. */
  readonly needsHistory: boolean;
  readonly onNotice?: (text: string) => void;
}

export interface StreamRecovery {
  readonly spool: Spool | null;
  readonly gaps: StreamGaps;
  readonly timing: Partial<FeedTiming>;
  readonly isBusy: (now: EasternUs) => boolean;
  readonly onState: (change: FeedStateChange) => void;
  /** Starts the back-fill; rejects with an error that is neither the vendor's nor the database's. */
  start(stream: { isIdle: () => boolean; highWater: () => EasternUs | null }): Promise<void>;
  end(): Promise<void>;
}

const MUTE_AFTER_MS = 10_000;
const SETTLE_MS = 4000;
const IDLE_LOOK_MS = 100;
const IDLE_WAIT_MS = 60_000;
const ALERT_AFTER_ATTEMPTS = 3;

/** Opens the spool and the ledger. Throws a Failure when another process streams into the same spool. */
export async function openRecovery(options: RecoveryOptions): Promise<StreamRecovery> {
  const { recovery, writer, clock, onNotice = () => {} } = options;
  const unlock = recovery.spool === null ? () => {} : lockSpool(recovery.spool.dir, writer.stream);
  const stopping = new AbortController();
  const links: Links = { backfill: null, highWater: () => null, isIdle: () => true };
  const reject = (error: unknown): void => onNotice(`${writer.stream}: ${errorText(error)}`);
  const ledger = createGapLedger(writer, options.feed.kind);
  const gaps = createStreamGaps({
    ledger,
    clock,
    range: recovery.range,
    needsHistory: options.needsHistory,
    highWater: () => links.highWater(),
    onOver: () => links.backfill?.wake(),
    onError: reject,
  });
  const spool = openStreamSpool(options, gaps);
  try {
    await gaps.begin();
  } catch (error) {
    spool?.close();
    unlock();
    throw error;
  }
  return {
    spool,
    gaps,
    timing: { muteAfterMs: recovery.muteAfterMs ?? MUTE_AFTER_MS },
    isBusy: (now) => now >= recovery.busy.from && now < recovery.busy.to,
    onState: (change) => {
      gaps.onState(change);
      alertOf(change, writer.stream, (alert) => {
        onNotice(`${writer.stream}: ${alert.text}`);
        raiseAlert(writer, { ...alert, at: change.at }).catch(reject);
      });
    },
    start: (stream) => {
      links.isIdle = stream.isIdle;
      links.highWater = stream.highWater;
      links.backfill = startBackfill({ ...backfillOptions(options, links, stopping.signal), ledger });
      return links.backfill.done;
    },
    end: async () => {
      stopping.abort();
      await links.backfill?.done.catch(() => undefined);
      spool?.close();
      unlock();
    },
  };
}

interface Links {
  backfill: Backfill | null;
  highWater: () => EasternUs | null;
  isIdle: () => boolean;
}

function openStreamSpool({ recovery, feed, onNotice }: RecoveryOptions, gaps: StreamGaps): Spool | null {
  if (recovery.spool === null) return null;
  const { dir, maxBytes } = recovery.spool;
  const spool = openSpool({
    dir,
    maxBytes,
    owner: feed.name,
    onLoss: (from, to) => gaps.onLoss('spool_overflow', from, to),
    ...(onNotice === undefined ? {} : { onNotice }),
  });
  if (!spool.isRead()) onNotice?.(`${spool.bytes()} bytes in ${dir} wait to be stored`);
  return spool;
}

type BackfillParts = Omit<Parameters<typeof startBackfill>[0], 'ledger'>;

function backfillOptions(options: RecoveryOptions, links: Links, signal: AbortSignal): BackfillParts {
  const { recovery, writer, databaseUrl, apiKey, clock, feed, fillOf, onNotice } = options;
  const rest = createRestClient({
    restUrl: recovery.restUrl,
    apiKey,
    perMinute: null,
    clock,
    timing: REST_TIMING,
  });
  const fill = fillOf({ rest, writer, clock });
  const name = writer.stream;
  return {
    clock,
    settleMs: recovery.settleMs ?? SETTLE_MS,
    signal,
    fill: async (range, stop) => {
      const received = links.highWater() ?? range.to;
      // What has been received should be stored first: prints without a number are told by what is there. Under a load that never
      // ends the gap must be filled all the same.
      for (let waitedMs = 0; waitedMs < IDLE_WAIT_MS && !links.isIdle() && !stop.aborted; ) {
        await pause(IDLE_LOOK_MS);
        waitedMs += IDLE_LOOK_MS;
      }
      const rows = await fill(range, stop);
      if (rows > 0 && feed.kind === 'equity')
        await refreshRollupsAt(databaseUrl, {
          ...range,
          reached: received > range.to ? received : range.to,
        }).catch((error: unknown) =>
          onNotice?.(`${name}: the rollups are refreshed later: ${errorText(error)}`),
        );
      return rows;
    },
    onFilled: (gap, rows) => onNotice?.(`${name}: ${describe(gap)} is filled, ${rows} rows`),
    onFailure: (gap, reason) => {
      onNotice?.(`${name}: ${describe(gap)} is not filled yet: ${reason}`);
      if (gap.attempts + 1 !== ALERT_AFTER_ATTEMPTS) return;
      const text = `${describe(gap)} of ${name} cannot be filled, and bars entries: ${reason}`;
      const alert = { key: `feed-gap-${gap.gapId}`, severity: 'critical', text, at: clock.now() } as const;
      raiseAlert(writer, alert).catch(() => undefined);
    },
  };
}

// The back-fill has a patience of its own, and a gap should not wait for one slow answer.
const REST_TIMING = {
  timeoutMs: 30_000,
  attempts: 3,
  maxWaitMs: 5000,
  limitWaitMs: 5000,
  maxRetryAfterMs: 120_000,
};

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function describe({ cause, from, to }: UnfilledGap): string {
  return `the gap ${formatEastern(from)} to ${formatEastern(to).slice(11)} (${cause})`;
}

interface Told {
  readonly key: string;
  readonly severity: 'warning' | 'critical';
  readonly text: string;
}

// Once a day for each: a person is to look, not to be flooded.
function alertOf(change: FeedStateChange, stream: string, raise: (alert: Told) => void): void {
  const { state, reason, at } = change;
  const key = (what: string): string => `feed-${stream}-${what}-${dateOf(at)}`;
  if (state === 'failed') {
    raise({ key: key('refused'), severity: 'critical', text: `Massive refuses ${stream}: ${reason}` });
  } else if (state === 'disconnected' && reason?.startsWith('max_connections')) {
    const text = `another process uses the Massive key; ${stream} waits: ${reason}`;
    raise({ key: key('max-connections'), severity: 'critical', text });
  } else if (state === 'mute') {
    raise({ key: key('mute'), severity: 'warning', text: `${stream} is connected and mute: ${reason}` });
  }
}
