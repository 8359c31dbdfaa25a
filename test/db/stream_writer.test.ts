// The writer of a stream: rows, dead letters and marks together, once, whatever happens to the connection.
import { afterEach, describe, expect, it } from 'vitest';
import type { EquityTick, OptionQuote, OptionTrade } from '../../core/domain.ts';
import { addMs, type EasternUs } from '../../core/eastern_time.ts';
import type { OsiSymbol } from '../../core/osi_symbol.ts';
import { MARKS_CHANNEL } from '../../db/marks_channel.ts';
import { connect } from '../../db/pool.ts';
import { columnsOf } from '../../ingest/quote_columns.ts';
import { simulatedFeeds } from '../../ingest/stream_feed.ts';
import { createStreamWriter, type StreamBatch, type StreamWriter } from '../../ingest/stream_writer.ts';
import { eventually, useDatabase } from '../harness.ts';
import { at } from '../sim/sessions.ts';
import { expectTicksCounted } from './support/tick_counts.ts';

const database = useDatabase();
expectTicksCounted(database);
const OPEN = at('2026-06-17 09:30:00');
const CONTRACT = 'QQQ   260617C00610000' as OsiSymbol;
const OTHER = 'QQQ   260617P00610000' as OsiSymbol;
const LETTER = { source: 'massive:ws', line: null, raw: 'rubbish', reason: 'not JSON' };
const writers: StreamWriter[] = [];
let feedNumber = 0;

afterEach(async () => {
  await Promise.all(writers.splice(0).map((writer) => writer.close()));
});

interface Fixture {
  readonly writer: StreamWriter;
  readonly feed: string;
  readonly stream: string;
}

async function openWriter(kind: 'ticks' | 'quotes' = 'ticks'): Promise<Fixture> {
  feedNumber += 1;
  const feed = simulatedFeeds(`writer-${feedNumber}`)[kind];
  const stream = `stream-${feedNumber}`;
  const writer = await createStreamWriter({ url: database.url(), stream, feed });
  writers.push(writer);
  return { writer, feed: feed.name, stream };
}

function tick(second: number, change: Partial<EquityTick> = {}): EquityTick {
  const ts_event = addMs(OPEN, second * 1000);
  const prices = { open_e4: 6_100_000, high_e4: 6_100_500, low_e4: 6_099_900, close_e4: 6_100_100 };
  return {
    symbol: 'QQQ',
    ts_event,
    event_ns: 0,
    seq: 0,
    span_ms: 1000,
    ...prices,
    vwap_e6: 610_005_000,
    vwap_is_typical: false,
    volume_e6: 1_500_000_000,
    trade_count: null,
    ts_recv: addMs(ts_event, 1000),
    ...change,
  };
}

function quote(second: number, seq: number): OptionQuote {
  const ts_event = addMs(OPEN, second * 1000);
  const sides = { bid_px_e4: 12_300, ask_px_e4: null, bid_sz: 5, ask_sz: null };
  return { symbol: CONTRACT, ts_event, event_ns: 0, seq, ...sides, ts_recv: ts_event };
}

function batch(rows: Partial<StreamBatch>, completeTo: EasternUs | null = addMs(OPEN, 60_000)): StreamBatch {
  return {
    ticks: [],
    quotes: [],
    trades: [],
    rejected: [],
    receivedAt: addMs(OPEN, 61_000),
    completeTo,
    ...rows,
  };
}

function ticks(count: number, from = 0): EquityTick[] {
  return Array.from({ length: count }, (_, i) => tick(from + i));
}

async function storedTicks(feed: string): Promise<{ second: number; close_e4: number }[]> {
  const { rows } = await database.pool().query(
    `select extract(epoch from t.ts_event - timestamp '2026-06-17 09:30')::integer as second, t.close_e4
     from market.equity_ticks t join ref.feeds f using (feed_id) where f.name = $1 order by t.ts_event, t.seq`,
    [feed],
  );
  return rows;
}

/** Contract, second, sequence, nanoseconds, bid, ask and their sizes. */
async function storedQuotes(feed: string): Promise<string[]> {
  const { rows } = await database.pool().query<{ text: string }>(
    `select concat_ws(' ', i.symbol, extract(second from q.ts_event)::integer, q.seq, q.event_ns, coalesce(q.bid_px_e4::text, '-'),
       coalesce(q.ask_px_e4::text, '-'), coalesce(q.bid_sz::text, '-'), coalesce(q.ask_sz::text, '-')) as text
     from market.option_quotes q join ref.feeds f using (feed_id) join ref.instruments i using (instrument_id)
     where f.name = $1 order by i.symbol, q.ts_event, q.seq`,
    [feed],
  );
  return rows.map(({ text }) => text);
}

async function markOf(
  feed: string,
): Promise<{ ts_high_water: string; ts_recv: string; rows_in: string } | null> {
  const { rows } = await database.pool().query(
    `select m.ts_high_water::text, m.ts_recv::text, m.rows_in
     from ops.stream_marks m join ref.feeds f using (feed_id) where f.name = $1`,
    [feed],
  );
  return rows[0] ?? null;
}

async function endConnections(stream: string): Promise<number> {
  const { rowCount } = await database.pool().query(
    `select pg_terminate_backend(pid) from pg_stat_activity
     where datname = current_database() and application_name = $1`,
    [`strikebase ingest-${stream}`],
  );
  return rowCount ?? 0;
}

/** How many ticks a feed has of every five minutes, as they were counted when they were stored. */
async function countedTicks(feed: string): Promise<string[]> {
  const { rows } = await database.pool().query<{ text: string }>(
    `select to_char(c.ts, 'HH24:MI') || ' ' || c.ticks as text
     from market.tick_counts c join ref.feeds f using (feed_id) where f.name = $1 order by 1`,
    [feed],
  );
  return rows.map(({ text }) => text);
}

describe('what a stream stores', () => {
  it('commits rows and mark together, and tells who listens', async () => {
    const { writer, feed } = await openWriter();
    const listener = await connect({ url: database.url(), role: 'job_runner', name: 'test' });
    const heard = new Promise((resolve) => listener.once('notification', resolve));
    await listener.query(`listen ${MARKS_CHANNEL}`);
    expect(await writer.write(batch({ ticks: ticks(3) }))).toEqual({ inserted: 3, duplicate: 0 });
    await heard;
    await listener.end();
    expect(await storedTicks(feed)).toHaveLength(3);
    expect(await markOf(feed)).toEqual({
      ts_high_water: '2026-06-17 09:31:00',
      ts_recv: '2026-06-17 09:31:01',
      rows_in: '3',
    });
  });

  it.each([
    ['in one round trip', 1, { ticks: ticks(3, 10) }],
    // Where rows have come again, the staging table is taken at once.
    ['through the staging table', 2, { ticks: ticks(3) }],
    ['beside a dead letter', 1, { ticks: ticks(3, 10), rejected: [LETTER] }],
    ['beside a dead letter, through the staging table', 2, { ticks: ticks(3), rejected: [LETTER] }],
  ])('shows no mark before its rows: %s', async (_, times, rows) => {
    const { writer, feed } = await openWriter();
    for (let i = 0; i < times; i += 1) await writer.write(batch({ ticks: ticks(2) }, addMs(OPEN, 2000)));
    const before = await markOf(feed);
    const lock = await database.pool().connect();
    try {
      await lock.query('begin; lock table market.equity_ticks in share mode');
      const writing = writer.write(batch(rows));
      await eventually(async () => {
        const { rows: waiting } = await lock.query(
          `select from pg_locks where relation = 'market.equity_ticks'::regclass and not granted`,
        );
        expect(waiting).toHaveLength(1);
      });
      expect(await markOf(feed)).toEqual(before);
      expect(await storedTicks(feed)).toHaveLength(2);
      await lock.query('commit');
      await writing;
    } finally {
      lock.release(true);
    }
    expect(await markOf(feed)).toMatchObject({ ts_high_water: '2026-06-17 09:31:00' });
    expect((await storedTicks(feed)).length).toBeGreaterThan(2);
  });

  it('takes quotes with a side missing, and prints with their conditions', async () => {
    const { writer, feed } = await openWriter('quotes');
    const trade: OptionTrade = {
      symbol: CONTRACT,
      ts_event: OPEN,
      event_ns: 0,
      seq: 9,
      px_e4: 12_400,
      sz: 3,
      conditions: '233,1',
      ts_recv: OPEN,
    };
    expect(await writer.write(batch({ quotes: [quote(1, 7)], trades: [trade] }))).toEqual({
      inserted: 2,
      duplicate: 0,
    });
    const { rows } = await database.pool().query(
      `select q.bid_px_e4, q.ask_px_e4, t.conditions, i.strike_e4
       from ref.feeds f join market.option_quotes q using (feed_id) join market.option_trades t using (feed_id, instrument_id)
       join ref.instruments i using (instrument_id) where f.name = $1`,
      [feed],
    );
    expect(rows).toEqual([{ bid_px_e4: 12_300, ask_px_e4: null, conditions: '233,1', strike_e4: 6_100_000 }]);
  });

  it('takes quotes as columns, those of a part of them, beside quotes as rows', async () => {
    const { writer, feed } = await openWriter('quotes');
    const other = (second: number, seq: number): OptionQuote => ({ ...quote(second, seq), symbol: OTHER });
    const { columns } = columnsOf([quote(9, 9), other(2, 1), quote(1, 7), other(1, 2), quote(9, 10)]);
    const scanned = { columns, from: 1, to: 4 };
    const quotes = [{ ...quote(3, 4), event_ns: 123 }];
    expect(await writer.write(batch({ scanned, quotes }))).toEqual({ inserted: 4, duplicate: 0 });
    expect(await storedQuotes(feed)).toEqual([
      `${CONTRACT} 1 7 0 12300 - 5 -`,
      `${CONTRACT} 3 4 123 12300 - 5 -`,
      `${OTHER} 1 2 0 12300 - 5 -`,
      `${OTHER} 2 1 0 12300 - 5 -`,
    ]);
    // Once more, with others and a dead letter beside them.
    const rejected = [{ source: 'massive:ws', line: null, raw: 'rubbish', reason: 'not JSON' }];
    const again = { scanned: { columns, from: 0, to: 4 }, rejected };
    expect(await writer.write(batch(again))).toEqual({ inserted: 1, duplicate: 3 });
    const more = { scanned: { columns, from: 4, to: 5 }, rejected };
    expect(await writer.write(batch(more))).toEqual({ inserted: 1, duplicate: 0 });
    expect(await storedQuotes(feed)).toHaveLength(6);
    expect(await markOf(feed)).toMatchObject({ rows_in: '6' });
  });

  it('stores nothing and still moves the mark when time passes without rows', async () => {
    const { writer, feed } = await openWriter();
    await writer.write(batch({}, null));
    expect(await markOf(feed)).toBeNull();
    await writer.write(batch({}));
    expect(await markOf(feed)).toMatchObject({ ts_high_water: '2026-06-17 09:31:00', rows_in: '0' });
  });

  it('never moves the mark back', async () => {
    const { writer, feed } = await openWriter();
    await writer.write(batch({ ticks: ticks(1) }));
    await writer.write(batch({ ticks: ticks(1, 1), receivedAt: OPEN }, addMs(OPEN, 5000)));
    expect(await markOf(feed)).toEqual({
      ts_high_water: '2026-06-17 09:31:00',
      ts_recv: '2026-06-17 09:31:01',
      rows_in: '2',
    });
  });
});

describe('rows that come again', () => {
  it('change nothing and count as duplicates', async () => {
    const { writer, feed } = await openWriter();
    await writer.write(batch({ ticks: ticks(3) }));
    const again = ticks(4).map((row) => ({ ...row, close_e4: 6_100_400 }));
    expect(await writer.write(batch({ ticks: again }))).toEqual({ inserted: 1, duplicate: 3 });
    expect((await storedTicks(feed)).map((row) => row.close_e4)).toEqual([
      6_100_100, 6_100_100, 6_100_100, 6_100_400,
    ]);
    expect(await markOf(feed)).toMatchObject({ rows_in: '4' });
    // The straight way is taken again once nothing repeats.
    expect(await writer.write(batch({ ticks: ticks(2, 10) }))).toEqual({ inserted: 2, duplicate: 0 });
    expect(await writer.write(batch({ ticks: ticks(2, 12) }))).toEqual({ inserted: 2, duplicate: 0 });
  });

  it('are stored once when one batch holds them twice', async () => {
    const { writer, feed } = await openWriter();
    expect(await writer.write(batch({ ticks: [tick(1), tick(2), tick(1)] }))).toEqual({
      inserted: 2,
      duplicate: 1,
    });
    expect((await storedTicks(feed)).map((row) => row.second)).toEqual([1, 2]);
  });

  it('are rejected once', async () => {
    const { writer, feed } = await openWriter();
    const rejected = [
      { source: 'massive:ws', line: null, raw: '{"ev":"A"}', reason: 'sym is missing' },
      { source: 'massive:ws', line: null, raw: 'rubbish', reason: 'not JSON' },
    ];
    await writer.write(batch({ rejected }));
    await writer.write(batch({ rejected }));
    const { rows } = await database
      .pool()
      .query('select raw, reason from market.rejected_rows where feed = $1 order by raw desc', [feed]);
    expect(rows).toEqual([
      { raw: '{"ev":"A"}', reason: 'sym is missing' },
      { raw: 'rubbish', reason: 'not JSON' },
    ]);
  });
});

describe('a connection that is lost', () => {
  it('is opened again between two batches', async () => {
    const { writer, feed, stream } = await openWriter();
    await writer.write(batch({ ticks: ticks(2) }));
    expect(await endConnections(stream)).toBe(1);
    await writer.write(batch({ ticks: ticks(2, 2) }));
    expect((await storedTicks(feed)).map((row) => row.second)).toEqual([0, 1, 2, 3]);
  });

  it('in the middle of batches loses no row and stores none twice', async () => {
    const { writer, feed, stream } = await openWriter();
    const kills: Promise<number>[] = [];
    for (let second = 0; second < 2000; second += 50) {
      // It strikes while the batch is on its way, somewhere between connecting and commit.
      if (second % 150 === 0) kills.push(endConnections(stream));
      await writer.write(batch({ ticks: ticks(50, second) }));
    }
    const ended = (await Promise.all(kills)).reduce((sum, count) => sum + count, 0);
    expect(ended).toBeGreaterThan(3);
    expect((await storedTicks(feed)).map((row) => row.second)).toEqual(
      Array.from({ length: 2000 }, (_, i) => i),
    );
    // Counted once, also where a batch was committed and its answer lost.
    expect(await markOf(feed)).toMatchObject({ rows_in: '2000' });
  });

  it('does not spoil the ids of symbols that were new in the interrupted batch', async () => {
    const { writer, feed, stream } = await openWriter();
    const pending = writer.write(
      batch({ ticks: [tick(0, { symbol: 'NEWONE' }), tick(1, { symbol: 'NEWTWO' })] }),
    );
    await endConnections(stream);
    await pending;
    const { rows } = await database.pool().query(
      `select i.symbol from market.equity_ticks t join ref.feeds f using (feed_id) join ref.instruments i using (instrument_id)
       where f.name = $1 order by 1`,
      [feed],
    );
    expect(rows.map((row) => row.symbol)).toEqual(['NEWONE', 'NEWTWO']);
  });
});

describe('signs of life', () => {
  it('are the states of the connection, as they changed, and a heartbeat', async () => {
    const { writer, feed, stream } = await openWriter();
    await writer.noteState({ state: 'connecting', at: OPEN, reason: null });
    await writer.noteState({ state: 'disconnected', at: addMs(OPEN, 5), reason: 'lost' });
    await writer.heartbeat(OPEN, 'connecting');
    await writer.heartbeat(addMs(OPEN, 1000), 'live');
    const states = await database
      .pool()
      .query(
        'select state, detail from ops.feed_states join ref.feeds f using (feed_id) where f.name = $1 order by feed_state_id',
        [feed],
      );
    expect(states.rows).toEqual([
      { state: 'connecting', detail: null },
      { state: 'disconnected', detail: 'lost' },
    ]);
    const beats = await database
      .pool()
      .query('select ts::text, state, pid from ops.heartbeats where process = $1', [`ingest-${stream}`]);
    expect(beats.rows).toEqual([{ ts: '2026-06-17 09:30:01', state: 'live', pid: process.pid }]);
  });

  it('cannot be written by way of a feed that is something else', async () => {
    const { feed } = await openWriter();
    const other = { ...simulatedFeeds('x').quotes, name: feed };
    await expect(createStreamWriter({ url: database.url(), stream: 'x', feed: other })).rejects.toThrow(feed);
    await eventually(async () => {
      const { rows } = await database
        .pool()
        .query("select 1 from pg_stat_activity where application_name = 'strikebase ingest-x'");
      expect(rows).toEqual([]);
    });
  });
});

describe('the ticks of five minutes', () => {
  it('are counted with the rows, each once, whichever way they are stored', async () => {
    const { writer, feed } = await openWriter();
    await writer.write(batch({ ticks: ticks(50, 280) }));
    expect(await countedTicks(feed)).toEqual(['09:30 20', '09:35 30']);
    // Rows that are there already: the COPY fails, and what is new goes through the staging table.
    expect(await writer.write(batch({ ticks: ticks(50, 320) }))).toEqual({ inserted: 40, duplicate: 10 });
    expect(await countedTicks(feed)).toEqual(['09:30 20', '09:35 70']);
    expect(await writer.write(batch({ ticks: ticks(50, 320) }))).toEqual({ inserted: 0, duplicate: 50 });
    expect(await countedTicks(feed)).toEqual(['09:30 20', '09:35 70']);
    expect(await storedTicks(feed)).toHaveLength(90);
  });
});
