// The pump of a stream: a batch that could not be stored keeps those behind it, so that no mark passes rows that are not there; in a
// flood it gathers.
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { addMs, type EasternUs, epochMsFromEastern } from '../../core/eastern_time.ts';
import { createFrameBuffer, type FrameBuffer } from '../../ingest/frame_buffer.ts';
import type { RawFrame } from '../../ingest/massive/feed_options.ts';
import { createHighWater } from '../../ingest/massive/high_water.ts';
import { mapFrame } from '../../ingest/massive/mapper.ts';
import { simulatedFeeds } from '../../ingest/stream_feed.ts';
import { createPump, type Pump } from '../../ingest/stream_pump.ts';
import { createStreamWriter, type StreamWriter } from '../../ingest/stream_writer.ts';
import { useDatabase } from '../harness.ts';
import { at } from '../sim/sessions.ts';

const database = useDatabase();
const OPEN = at('2026-06-17 09:30:00');
let writer: StreamWriter;

afterEach(async () => {
  await database.pool().query('drop table if exists refused; drop function if exists refuse cascade');
  await writer.close();
});

const second = (n: number): EasternUs => addMs(OPEN, n * 1000);

/** A second’s aggregate as the vendor sends it, or with so many bytes more. */
function frame(n: number, padding = 0): RawFrame {
  const s = epochMsFromEastern(second(n));
  const event = { ev: 'A', sym: 'QQQ', o: 610, h: 611, l: 609, c: 610, v: 100, vw: 610, s, e: s + 1000 };
  const text = JSON.stringify([event]) + ' '.repeat(padding);
  return { data: Buffer.from(text), ts_recv: second(n + 1) };
}

interface Fixture {
  readonly pump: Pump;
  readonly buffer: FrameBuffer;
  readonly feed: string;
  /** When each batch was begun, of performance.now(). */
  readonly batches: readonly number[];
}

let names = 0;

async function openPump(): Promise<Fixture> {
  names += 1;
  const feed = simulatedFeeds(`pump-${names}`).ticks;
  writer = await createStreamWriter({ url: database.url(), stream: 'pump', feed });
  const nothing = (): void => undefined;
  const buffer = createFrameBuffer({ maxBytes: 1 << 20, spool: null, pause: nothing, resume: nothing });
  const mark = createHighWater();
  const batches: number[] = [];
  const pump = createPump({
    buffer,
    writer,
    clock: { kind: 'simulated', now: () => second(60), sleep: async () => undefined },
    map: ({ data, ts_recv }) => {
      const mapped = mapFrame(data, ts_recv);
      mark.observe(mapped);
      return mapped;
    },
    highWater: mark.value,
    beforeWrite: async () => undefined,
    onBatch: () => batches.push(performance.now()),
  });
  return { pump, buffer, feed: feed.name, batches };
}

/** From now on the database refuses a row of this time, with an error that is neither the row’s fault nor known to pass. */
async function refuse(n: number): Promise<void> {
  await database.pool().query(`
    create table refused (ts timestamp);
    create or replace function refuse() returns trigger language plpgsql as $$
    begin
      if exists (select from public.refused r where r.ts = new.ts_event) then
        raise exception 'cannot execute COPY in a read-only transaction' using errcode = '25006';
      end if;
      return new;
    end $$;
    alter function refuse() security definer;
    create or replace trigger refuse before insert on market.equity_ticks for each row execute function refuse()`);
  await database
    .pool()
    .query("insert into refused values (timestamp '2026-06-17 09:30' + $1 * interval '1 second')", [n]);
}

describe('the mark of a batch', () => {
  it('says when the last of its rows was received, also where the clock was set back meanwhile', async () => {
    const { pump, buffer, feed } = await openPump();
    buffer.push(frame(0));
    // Whoever reads up to the mark takes no row that was received behind it.
    buffer.push({ ...frame(1), ts_recv: addMs(OPEN, 1500) });
    buffer.push({ ...frame(2), ts_recv: addMs(OPEN, 2500) });
    buffer.push({ ...frame(2), ts_recv: addMs(OPEN, 500) });
    await pump.settle();
    const { rows } = await database
      .pool()
      .query(
        'select m.ts_recv::text as received from ops.stream_marks m join ref.feeds f using (feed_id) where f.name = $1',
        [feed],
      );
    expect(rows).toEqual([{ received: '2026-06-17 09:30:02.5' }]);
  });
});

describe('a batch that the database refuses for good', () => {
  it('is followed by none, so that no mark passes it, and is left to be saved', async () => {
    const { pump, buffer, feed } = await openPump();
    buffer.push(frame(0));
    await pump.settle();
    await refuse(1);
    buffer.push(frame(1));
    await expect(pump.settle()).rejects.toThrow('read-only');
    await database.pool().query('truncate refused');
    // What a stream does that ends because of it: it stores what it has received since.
    buffer.push(frame(2));
    await expect(pump.settle()).rejects.toThrow('read-only');
    const { rows } = await database.pool().query(
      `select m.ts_high_water::text as mark, (select count(*)::integer from market.equity_ticks t where t.feed_id = f.feed_id) as rows
       from ref.feeds f join ops.stream_marks m using (feed_id) where f.name = $1`,
      [feed],
    );
    expect(rows).toEqual([{ mark: '2026-06-17 09:30:00', rows: 1 }]);
    expect(buffer.save()).toBe(false);
  });
});

async function rowsOf(feed: string): Promise<number> {
  const { rows } = await database
    .pool()
    .query<{ count: number }>(
      'select count(*)::integer as count from market.equity_ticks t join ref.feeds f using (feed_id) where f.name = $1',
      [feed],
    );
  return rows[0]?.count ?? 0;
}

// With a frame or more a millisecond, a flood.
const PADDING = 4096;

describe('a flow', () => {
  it('stores what comes as soon as what came before is stored', async () => {
    const { pump, buffer, feed, batches } = await openPump();
    const stop = new AbortController();
    const flowing = pump.flow(stop.signal);
    for (let n = 0; n < 10; n += 1) {
      buffer.push(frame(n));
      do await delay(1);
      while (!pump.isIdle());
    }
    stop.abort();
    await flowing;
    expect(batches).toHaveLength(10);
    expect(await rowsOf(feed)).toBe(10);
  });

  it('gathers in a flood', async () => {
    const { pump, buffer, feed, batches } = await openPump();
    const stop = new AbortController();
    const flowing = pump.flow(stop.signal);
    const began = performance.now();
    let pushed = 0;
    let sent = 0;
    // By the bytes that are due, so that a slow machine has its flood too.
    for (let elapsed = 0; elapsed < 600; elapsed = performance.now() - began) {
      for (; pushed < elapsed * 2 * PADDING; pushed += PADDING) {
        buffer.push(frame(sent, PADDING));
        sent += 1;
      }
      await delay(1);
    }
    const gathered = batches.filter((ms) => ms - began > 300);
    const [first = 0, last = 0] = [gathered[0], gathered.at(-1)];
    expect(gathered.length).toBeGreaterThan(1);
    // Timers are a millisecond early at times.
    expect(gathered.length - 1).toBeLessThanOrEqual((last - first) / 19);
    stop.abort();
    await flowing;
    await pump.settle();
    expect(await rowsOf(feed)).toBe(sent);
  });

  it('that is ended while it gathers leaves nothing behind', async () => {
    const { pump, buffer, feed } = await openPump();
    const stop = new AbortController();
    const flowing = pump.flow(stop.signal);
    let sent = 0;
    for (; sent < 100; sent += 1) {
      buffer.push(frame(sent, 4 * PADDING));
      await delay(2);
    }
    stop.abort();
    await flowing;
    await pump.settle();
    expect(await rowsOf(feed)).toBe(sent);
  });
});
