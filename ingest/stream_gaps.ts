// When a stream misses events: it turns what happens to a connection and its frames into gaps of the ledger.
import type { Clock } from '../core/clock.ts';
import { addMs, type EasternUs } from '../core/eastern_time.ts';
import type { DataRange, GapCause, GapLedger } from './gap_ledger.ts';
import type { FeedStateChange } from './massive/feed_options.ts';

export interface StreamGapsOptions {
  readonly ledger: GapLedger;
  readonly clock: Clock;
  /** Outside it nothing is missed. */
  readonly range: DataRange;
  /** True where a stream that begins in mid-session lacks what was before. */
  readonly needsHistory: boolean;
  /** Up to where the stream's rows are complete; null before its first event. */
  readonly highWater: () => EasternUs | null;
  /** Called when a gap is over and can be filled. */
  readonly onOver: () => void;
  readonly onError: (error: unknown) => void;
}

export interface StreamGaps {
  /** Before the first frame is stored. */
  begin(): Promise<void>;
  onState(change: FeedStateChange): void;
  /** Frames received in [from, to] will never be stored. */
  onLoss(cause: 'spool_overflow' | 'unreadable', from: EasternUs, to: EasternUs): void;
  /** Puts losses into the ledger: before later frames are stored, so that no mark passes a gap that nobody knows of. */
  flush(): Promise<void>;
}

// Events are received after they happened; REST is asked for a little more than was lost.
const LOSS_MARGIN_MS = 10_000;
// A loss that goes on is written now and then, not frame by frame.
const MERGE_MS = 1000;

interface Loss {
  readonly from: EasternUs;
  to: EasternUs;
}

/** Watches one stream. Statements are queued on the writer's connection, in the order of what happened. */
export function createStreamGaps(options: StreamGapsOptions): StreamGaps {
  const { ledger, clock, range, highWater, onOver, onError } = options;
  const startedAt = clock.now();
  const losses = new Map<GapCause, Loss>();
  let lasts = false;
  // Not connected since before the data begins: nobody tells again what is missed from there on.
  let isAway = startedAt <= range.from;
  // What is before it is known or in the ledger.
  let coveredTo: EasternUs | null = null;

  const from = (): EasternUs => {
    const known = [highWater() ?? startedAt, coveredTo ?? range.from, range.from];
    return Math.max(...known) as EasternUs;
  };

  function open(cause: GapCause, change: FeedStateChange): void {
    const { at, reason } = change;
    isAway = at <= range.from && cause === 'disconnect';
    if (lasts || at <= range.from || at >= range.to) return;
    lasts = true;
    const start = Math.min(from(), at) as EasternUs;
    ledger.open({ cause, from: start, at, detail: reason }).catch(onError);
  }

  function close(at: EasternUs): void {
    if (!lasts) return;
    lasts = false;
    coveredTo = at;
    ledger.close(at).then(onOver, onError);
  }

  function arrive(change: FeedStateChange): void {
    if (isAway) open('disconnect', { ...change, reason: 'not connected when the data began' });
    isAway = false;
  }

  async function flush(): Promise<void> {
    if (losses.size === 0) return;
    const known = [...losses];
    losses.clear();
    for (const [cause, { from: first, to }] of known) {
      const start = Math.max(range.from, addMs(first, -LOSS_MARGIN_MS)) as EasternUs;
      if (to < range.from || start >= range.to) continue;
      const detail = cause === 'unreadable' ? 'a frame could not be read' : 'the disk spool was full';
      await ledger.add({ cause, from: start, to, at: clock.now(), detail });
    }
    onOver();
  }

  return {
    begin: async () => {
      lasts = await ledger.begin(range, { now: startedAt, needsHistory: options.needsHistory });
      onOver();
    },
    onState: (change) => {
      if (change.state === 'subscribed' || change.state === 'live') arrive(change);
      if (change.state === 'live') close(change.at);
      else if (change.state === 'mute') open('mute', change);
      else if (change.state === 'disconnected' || change.state === 'failed') open('disconnect', change);
    },
    onLoss: (cause, first, last) => {
      const loss = losses.get(cause);
      if (loss !== undefined && last <= addMs(loss.to, MERGE_MS)) loss.to = last;
      else if (loss === undefined) losses.set(cause, { from: first, to: last });
      else losses.set(cause, { from: loss.from, to: last });
    },
    flush,
  };
}
