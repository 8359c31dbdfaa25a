// How many ticks there are of every five minutes: market.tick_counts is kept in step with market.equity_ticks, in one transaction.
import { type EasternUs, formatEastern, parseEastern } from '../core/eastern_time.ts';

interface Count {
  /** The symbol, as long as only that is known. */
  readonly instrument: number | string;
  readonly feedId: number;
  /** The start of the five minutes. */
  readonly from: EasternUs;
  ticks: number;
}

/** A row of `countingText`. */
export interface CountRow {
  readonly instrument_id: number;
  readonly feed_id: number;
  readonly ts: string;
  readonly ticks: number;
}

const FIVE_MINUTES_US = 300_000_000;
// A file of the whole market has hundreds of thousands.
const MAX_COUNTS = 10_000;

export class TickCounts {
  private readonly counts = new Map<string, Count>();
  // Rows come sorted, or nearly so: most are of the five minutes of the row before.
  private last: Count | null = null;

  reset(): void {
    if (this.counts.size > 0) this.counts.clear();
    this.last = null;
  }

  get isEmpty(): boolean {
    return this.counts.size === 0;
  }

  /** Counts `ticks` of the five minutes that `ts` is in. */
  add(instrument: number | string, feedId: number, ts: EasternUs, ticks = 1): void {
    const from = (Math.floor(ts / FIVE_MINUTES_US) * FIVE_MINUTES_US) as EasternUs;
    const { last } = this;
    if (last?.from === from && last.instrument === instrument && last.feedId === feedId) {
      last.ticks += ticks;
      return;
    }
    const key = `${instrument} ${feedId} ${from}`;
    const known = this.counts.get(key);
    if (known === undefined) this.counts.set(key, { instrument, feedId, from, ticks });
    else known.ticks += ticks;
    this.last = this.counts.get(key) as Count;
  }

  addAll(other: TickCounts): void {
    for (const { instrument, feedId, from, ticks } of other.counts.values())
      this.add(instrument, feedId, from, ticks);
  }

  /** Puts the ids in the places of the symbols. */
  fillIn(idOf: (symbol: string) => number): void {
    const counts = [...this.counts.values()];
    this.reset();
    for (const { instrument, feedId, from, ticks } of counts) {
      this.add(typeof instrument === 'string' ? idOf(instrument) : instrument, feedId, from, ticks);
    }
  }

  /** Only these were stored. */
  replaceBy(rows: readonly CountRow[]): void {
    this.reset();
    for (const { instrument_id, feed_id, ts, ticks } of rows) {
      this.add(instrument_id, feed_id, parseEastern(ts) as EasternUs, ticks);
    }
  }

  /** The statements that store the counts, for the end of the transaction: others that count the same five minutes wait for it. */
  statements(): string[] {
    const counts = [...this.counts.values()];
    return Array.from({ length: Math.ceil(counts.length / MAX_COUNTS) }, (_, n) =>
      statementOf(counts.slice(n * MAX_COUNTS, (n + 1) * MAX_COUNTS)),
    );
  }
}

function statementOf(counts: readonly Count[]): string {
  const columns = [
    counts.map((each) => each.instrument),
    counts.map((each) => each.feedId),
    counts.map((each) => `"${formatEastern(each.from)}"`),
    counts.map((each) => each.ticks),
  ];
  return `select market.count_ticks(${columns.map((values) => `'{${values.join(',')}}'`).join(', ')}); `;
}

/** An insert that tells how many rows of every five minutes it has stored; those that were there already are not among them. */
export function countingText(insert: string): string {
  return `
    with added as (
      ${insert} returning instrument_id, feed_id, ts_event
    )
    select a.instrument_id, a.feed_id, date_bin('5 minutes', a.ts_event, '2000-01-01')::text as ts, count(*)::integer as ticks
    from added a
    group by 1, 2, 3`;
}
