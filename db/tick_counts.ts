// How many ticks there are of every five minutes: market.tick_counts is kept in step with market.equity_ticks, in one transaction.
import { type EasternUs, formatEastern, parseEastern } from '../core/eastern_time.ts';

interface Count {
  /** The symbol, as long as only that is known. */
  instrument: number | string;
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

export class TickCounts {
  private counts: Count[] = [];
  // Rows come sorted, or nearly so: most are of the five minutes of the row before.
  private last: Count | null = null;

  reset(): void {
    this.counts = [];
    this.last = null;
  }

  get isEmpty(): boolean {
    return this.counts.length === 0;
  }

  /** Counts a row. */
  add(instrument: number | string, feedId: number, ts: EasternUs): void {
    const from = (Math.floor(ts / FIVE_MINUTES_US) * FIVE_MINUTES_US) as EasternUs;
    const { last } = this;
    if (last?.from === from && last.instrument === instrument && last.feedId === feedId) {
      last.ticks += 1;
      return;
    }
    this.last = { instrument, feedId, from, ticks: 1 };
    this.counts.push(this.last);
  }

  addAll(other: TickCounts): void {
    this.counts.push(...other.counts);
    this.last = null;
  }

  /** Puts the ids in the places of the symbols. */
  fillIn(idOf: (symbol: string) => number): void {
    for (const each of this.counts) {
      if (typeof each.instrument === 'string') each.instrument = idOf(each.instrument);
    }
    this.last = null;
  }

  /** Only these were stored. */
  replaceBy(rows: readonly CountRow[]): void {
    this.counts = rows.map(({ instrument_id, feed_id, ts, ticks }) => ({
      ...{ instrument: instrument_id, feedId: feed_id, from: parseEastern(ts) as EasternUs, ticks },
    }));
    this.last = null;
  }

  /**
   * The statement that stores the counts, for the end of the transaction: others that count the same five minutes wait for its
   * commit. Empty where there is nothing to count.
   */
  statement(): string {
    if (this.isEmpty) return '';
    const columns = [
      this.counts.map((each) => each.instrument),
      this.counts.map((each) => each.feedId),
      this.counts.map((each) => `"${formatEastern(each.from)}"`),
      this.counts.map((each) => each.ticks),
    ];
    return `select market.count_ticks(${columns.map((values) => `'{${values.join(',')}}'`).join(', ')}); `;
  }
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
