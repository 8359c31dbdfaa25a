// What the platform says of its own feed: rates and lags by minute, and how complete a session is by the vendor's own aggregates.
import { afterEach, describe, expect, it } from 'vitest';
import { type CompletenessResult, checkCompleteness } from '../../../ingest/completeness.ts';
import { createRestClient } from '../../../ingest/massive_history/rest_client.ts';
import type { StreamFeed } from '../../../ingest/stream_feed.ts';
import { createStreamWriter } from '../../../ingest/stream_writer.ts';
import { useDatabase } from '../../harness.ts';
import { UNDERLYING } from './row_words.ts';
import { API_KEY, on, type SteppedMarket, type SteppedOptions, startStepped } from './stepped_market.ts';

const database = useDatabase();
let market: SteppedMarket;
let names = 0;

afterEach(async () => {
  await market?.stop();
});

async function play(options: Omit<SteppedOptions, 'url' | 'name'>): Promise<void> {
  names += 1;
  market = await startStepped({ url: database.url(), name: `measured-${names}`, ...options });
  await market.play();
  await market.settle();
}

async function check(feed: StreamFeed): Promise<CompletenessResult> {
  const { restUrl, clock } = market.simulator;
  const writer = await createStreamWriter({ url: database.url(), stream: 'check', feed });
  try {
    return await checkCompleteness({
      rest: createRestClient({ restUrl, apiKey: API_KEY, perMinute: null, clock }),
      writer,
      feed,
      clock,
      range: { from: on('9:29:00'), to: on('9:33:00') },
      symbols: [UNDERLYING],
      signal: new AbortController().signal,
    });
  } finally {
    await writer.close();
  }
}

async function sessionOf(feed: StreamFeed): Promise<unknown> {
  const { rows } = await database.pool().query(
    `select minutes::integer, minutes_short::integer, rows_ours = rows_vendor as has_rows, volume_percent::float
     from ops.feed_sessions where feed = $1 and session_date = '2026-06-17'`,
    [feed.name],
  );
  return rows[0];
}

describe('a session that was streamed whole', () => {
  it('is complete to the last share, and its minutes are measured', async () => {
    await play({ streams: ['equities', 'options'] });
    const { ticks, quotes } = market.feeds;
    expect(await check(ticks)).toEqual({ minutes: 4, short: 0 });
    // Done again it replaces what it wrote.
    expect(await check(ticks)).toEqual({ minutes: 4, short: 0 });
    expect(await sessionOf(ticks)).toEqual({
      minutes: 4,
      minutes_short: 0,
      has_rows: true,
      volume_percent: 100,
    });
    const options = await check(quotes);
    expect(options.short).toBe(0);
    expect(options.minutes).toBeGreaterThan(3);
    const { rows } = await database.pool().query(
      `select r.ts::text, r.events = (
           select count(*) from market.equity_ticks t where t.feed_id = r.feed_id and t.ts_recv >= r.ts and t.ts_recv < r.ts + interval '1 minute'
         ) as is_counted, r.frames > 20 as has_frames, r.symbols, r.burst_100ms, r.lag_p50_ms, r.lag_p99_ms
       from ops.feed_rates r join ref.feeds f using (feed_id) where f.name = $1 and r.ts = '2026-06-17 09:31'`,
      [ticks.name],
    );
    // An aggregate is received exactly as its second ends.
    expect(rows).toEqual([
      {
        ts: '2026-06-17 09:31:00',
        is_counted: true,
        has_frames: true,
        symbols: 1,
        burst_100ms: 1,
        lag_p50_ms: 0,
        lag_p99_ms: 0,
      },
    ]);
  });

  it('of single prints is complete to the last fraction of a share', async () => {
    await play({ isPrints: true });
    expect(await check(market.feeds.ticks)).toEqual({ minutes: 4, short: 0 });
    expect(await sessionOf(market.feeds.ticks)).toMatchObject({ volume_percent: 100, has_rows: true });
  });
});

describe('a session with a gap that nobody filled', () => {
  it('is short by exactly the minutes of the gap', async () => {
    await play({
      simulator: {
        faults: [
          { at: on('9:31:10'), market: 'stocks', fault: { kind: 'mute' } },
          { at: on('9:31:40'), market: 'stocks', fault: { kind: 'unmute' } },
        ],
      },
      // It was told that nothing can be missed.
      recovery: {
        range: { from: on('9:29:00'), to: on('9:29:00') },
        busy: { from: on('9:29:00'), to: on('9:29:00') },
      },
    });
    expect(await check(market.feeds.ticks)).toEqual({ minutes: 4, short: 1 });
    const { rows } = await database.pool().query(
      `select c.ts::text, c.rows_vendor - c.rows_ours > 20 as is_short from ops.feed_completeness c join ref.feeds f using (feed_id)
       where f.name = $1 and c.rows_ours < c.rows_vendor`,
      [market.feeds.ticks.name],
    );
    expect(rows).toEqual([{ ts: '2026-06-17 09:31:00', is_short: true }]);
  });
});
