import { describe, expect, it } from 'vitest';
import { playSimulatedSession } from '../../cli/simulated_session.ts';
import { simulatedFeeds } from '../../ingest/stream_feed.ts';
import { useDatabase } from '../harness.ts';
import { session } from '../sim/sessions.ts';

const database = useDatabase();
describe('x', () => {
  it('runs', async () => {
    const t = performance.now();
    const outcome = await playSimulatedSession({
      databaseUrl: database.url(),
      session: session('2026-06-17', '09:30', process.env.CLOSE ?? '10:10'),
      seed: 1,
      speed: 'max',
      feeds: simulatedFeeds('1'),
      underlying: 'QQQ',
      strategy: 'vwap_ma9',
      settings: { account: 'test', front_buffer_min: 5, back_buffer_min: 355 },
      strikes: 11,
      signal: new AbortController().signal,
    });
    console.log(outcome, performance.now() - t);
    for (const q of ['select * from trade.runs', 'select count(*), max(ts_as_of - ts_to) from trade.slices',
      'select count(*) from market.equity_ticks', 'select count(*), count(distinct instrument_id) from market.option_quotes',
      'select count(*) from market.option_trades', 'select * from ops.stream_marks', 'select * from ops.feed_states', 'select * from ops.heartbeats',
      'select kind, verdict, reason, count(*) from trade.decisions group by 1,2,3 order by 1,2,3',
      'select ts, instrument_id, side, qty, px_e4 from trade.fills order by ts'])
      console.log(q), console.table((await database.pool().query(q)).rows);
    expect(outcome.outcome).toBe('completed');
  });
});
