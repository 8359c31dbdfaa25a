// Brings the rollups over a range up to date, after rows came in below their watermark.
import type pg from 'pg';
import { type EasternUs, formatEastern } from '../core/eastern_time.ts';
import { withClient } from '../db/pool.ts';

export interface RollupRange {
  /** Event time, inclusive. */
  readonly from: EasternUs;
  readonly to: EasternUs;
  /**
   * Up to where ticks are stored; default far beyond the range. A bucket that is not over is left alone: once refreshed, the
   * ticks that it still gets would be missing from it until the next refresh.
   */
  readonly reached?: EasternUs;
}

const ROLLUPS = [
  { name: 'market.bars_1m', bucketUs: 60_000_000 },
  { name: 'market.bars_5m', bucketUs: 300_000_000 },
] as const;

/** Refreshes every rollup of equity ticks. Only the owner of a continuous aggregate may, and only outside a transaction. */
export async function refreshRollups(
  client: pg.ClientBase,
  { from, to, reached }: RollupRange,
): Promise<void> {
  for (const { name, bucketUs } of ROLLUPS) {
    const first = Math.floor(from / bucketUs) * bucketUs;
    const over = reached === undefined ? Number.POSITIVE_INFINITY : Math.floor(reached / bucketUs);
    const end = Math.min(Math.floor(to / bucketUs) + 1, over) * bucketUs;
    if (first >= end) continue;
    const window = `'${formatEastern(first as EasternUs)}', '${formatEastern(end as EasternUs)}'`;
    // CALL takes no parameters of a type that it would have to guess; all three are our own texts.
    await client.query(`call engine.refresh('${name}', ${window})`);
  }
}

/** The same on a connection of its own, as the connecting user. */
export async function refreshRollupsAt(url: string, range: RollupRange): Promise<void> {
  await withClient({ url, role: 'owner', name: 'rollups' }, (client) => refreshRollups(client, range));
}
