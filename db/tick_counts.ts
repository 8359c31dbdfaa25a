// How many rows of a COPY there are of every five minutes: market.tick_counts is kept in step with market.equity_ticks, in one transaction.
import { type EasternUs, formatEastern } from '../core/eastern_time.ts';

interface Count {
  /** The symbol, as long as only that is known. */
  instrument: number | string;
  readonly feedId: number;
  /** The start of the five minutes. */
  readonly from: number;
  rows: number;
}

const FIVE_MINUTES_US = 300_000_000;

export class TickCounts {
  private readonly counts: Count[] = [];
  // Rows come sorted, or nearly so: most are of the five minutes of the row before.
  private last: Count | null = null;

  reset(): void {
    this.counts.length = 0;
    this.last = null;
  }

  get isEmpty(): boolean {
    return this.counts.length === 0;
  }

  /** Counts a row. */
  add(instrument: number | string, feedId: number, ts: EasternUs): void {
    const from = Math.floor(ts / FIVE_MINUTES_US) * FIVE_MINUTES_US;
    const { last } = this;
    if (last?.from === from && last.instrument === instrument && last.feedId === feedId) {
      last.rows += 1;
      return;
    }
    this.last = { instrument, feedId, from, rows: 1 };
    this.counts.push(this.last);
  }

  /** Puts the ids in the places of the symbols. */
  fillIn(idOf: (symbol: string) => number): void {
    for (const each of this.counts) {
      if (typeof each.instrument === 'string') each.instrument = idOf(each.instrument);
    }
    this.last = null;
  }

  /** The statement that stores the counts. */
  statement(): string {
    const columns = [
      this.counts.map((each) => each.instrument),
      this.counts.map((each) => each.feedId),
      this.counts.map((each) => `"${formatEastern(each.from as EasternUs)}"`),
      this.counts.map((each) => each.rows),
    ];
    return `select market.count_ticks(${columns.map((values) => `'{${values.join(',')}}'`).join(', ')})`;
  }
}

/** An insert that counts the rows it has stored, not those that were there already; it returns their number as `inserted`. */
export function countingText(insert: string): string {
  return `
    with added as (
      ${insert} returning instrument_id, feed_id, ts_event
    ), counted as (
      select a.instrument_id, a.feed_id, date_bin('5 minutes', a.ts_event, '2000-01-01') as ts, count(*) as ticks from added a group by 1, 2, 3
    )
    select coalesce(sum(c.ticks), 0) as inserted,
      market.count_ticks(array_agg(c.instrument_id), array_agg(c.feed_id), array_agg(c.ts), array_agg(c.ticks))
    from counted c`;
}
