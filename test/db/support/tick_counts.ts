// Whoever stores ticks counts them: a late tick that is in no count is not found.
import { afterEach, expect } from 'vitest';
import type { TestDatabase } from '../../harness.ts';

const MISCOUNTED_SQL = `
  select f.name as feed, ts::text, coalesce(c.ticks, 0)::integer as counted, coalesce(t.ticks, 0)::integer as stored
  from market.tick_counts c
  full join (
    select t.instrument_id, t.feed_id, date_bin('5 minutes', t.ts_event, '2000-01-01') as ts, count(*) as ticks
    from market.equity_ticks t group by 1, 2, 3
  ) t using (instrument_id, feed_id, ts)
  join ref.feeds f using (feed_id)
  where c.ticks is distinct from t.ticks
  order by 1, 2`;

/** After each test of the file, market.tick_counts has to be what is stored. */
export function expectTicksCounted(database: TestDatabase): void {
  afterEach(async () => {
    expect((await database.pool().query(MISCOUNTED_SQL)).rows).toEqual([]);
  });
}
