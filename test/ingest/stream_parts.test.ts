// The small parts of a stream: the watch over held contracts, the meter of a feed, and which rows are the feed's.
import { describe, expect, it } from 'vitest';
import { addMs, type EasternUs } from '../../core/eastern_time.ts';
import type { OsiSymbol } from '../../core/osi_symbol.ts';
import { createRateMeter } from '../../ingest/feed_rates.ts';
import { createHeldWatch, type HeldChange } from '../../ingest/held_watch.ts';
import { mapFrame } from '../../ingest/massive/mapper.ts';
import { massiveFeeds, simulatedFeeds } from '../../ingest/stream_feed.ts';
import { onlyRowsOf } from '../../ingest/stream_rows.ts';
import { at } from '../sim/sessions.ts';

const OPEN = at('2026-11-20 09:30:00');
const EPOCH_MS = 1795185000000;
const HELD = 'QQQ   261120C00610000' as OsiSymbol;
const later = (seconds: number): EasternUs => addMs(OPEN, seconds * 1000);

describe('the watch over held contracts', () => {
  function watch(isBusy: (now: EasternUs) => boolean = () => true) {
    const changes: HeldChange[] = [];
    const held = createHeldWatch({ muteAfterMs: 30_000, isBusy, onChange: (change) => changes.push(change) });
    return { held, changes };
  }

  it('goes by the quotes’ own time: an old quote said again is no news', () => {
    const { held, changes } = watch();
    held.check([HELD], OPEN);
    held.observe([{ symbol: HELD, ts_event: OPEN }], OPEN);
    for (let second = 1; second <= 40; second += 1) {
      held.observe([{ symbol: HELD, ts_event: OPEN }], later(second));
      held.check([HELD], later(second));
    }
    expect(changes).toEqual([
      { symbol: HELD, state: 'mute', at: later(30), reason: 'no newer quote for 30000 ms' },
    ]);
    held.observe([{ symbol: HELD, ts_event: later(41) }], later(41));
    expect(changes.at(-1)).toEqual({ symbol: HELD, state: 'live', at: later(41), reason: null });
  });

  it('minds neither contracts that are not held, nor a closed market', () => {
    const { held, changes } = watch((now) => now < later(60));
    held.check([HELD], OPEN);
    held.check([], later(20));
    held.check([HELD], later(50));
    held.check([HELD], later(100));
    held.check([HELD], later(1000));
    expect(changes).toEqual([]);
  });
});

describe('the meter of a feed', () => {
  const frame = (ts_recv: EasternUs, times: readonly number[]) => {
    const events = times.map((t, q) => ({
      ev: 'Q',
      sym: `O:QQQ261120C0061${q % 3}000`,
      bp: 1,
      bs: 1,
      ap: 2,
      as: 1,
      t,
      q,
    }));
    return { data: Buffer.from(JSON.stringify(events)), ts_recv };
  };

  it('gives each minute its counts, its worst 100 ms and its lags', () => {
    const meter = createRateMeter();
    const note = (each: ReturnType<typeof frame>) => meter.note(each, mapFrame(each.data, each.ts_recv));
    // A hundred quotes that are 5 ms old, five that are two seconds old.
    for (let i = 0; i < 100; i += 1)
      expect(note(frame(addMs(later(1), i * 200), [EPOCH_MS + 995 + i * 200]))).toBeNull();
    note(frame(later(30), Array(5).fill(EPOCH_MS + 28_000)));
    const minute = note(frame(later(61), [EPOCH_MS + 61_000]));
    expect(minute).toMatchObject({
      ts: OPEN,
      frames: 101,
      events: 105,
      symbols: 3,
      burst_100ms: 5,
      lag_p50_ms: 5,
      lag_p99_ms: 2000,
      lag_max_ms: 2000,
    });
    expect(meter.end()).toMatchObject({ ts: later(60), frames: 1, lag_p50_ms: 0 });
    expect(meter.end()).toBeNull();
  });
});

describe('the rows of a feed', () => {
  const quotes = (change: Readonly<Record<string, unknown>>) => {
    const quote = {
      ev: 'Q',
      sym: 'O:QQQ261120C00610000',
      bp: 1,
      bs: 1,
      ap: 2,
      as: 1,
      t: EPOCH_MS,
      q: 1,
      ...change,
    };
    const mapped = mapFrame(JSON.stringify([quote]), OPEN);
    const { quotes: feed } = simulatedFeeds('x');
    const rows = onlyRowsOf(mapped, { feed, isAsked: (symbol) => symbol.startsWith('QQQ') });
    return { count: rows.quotes.length, reasons: rows.rejected.map((row) => row.reason) };
  };

  it('are of symbols that were asked for, of this day, and not of the future', () => {
    expect(quotes({})).toEqual({ count: 1, reasons: [] });
    expect(quotes({ sym: 'O:SPY261120C00610000' })).toEqual({
      count: 0,
      reasons: ['nobody asked for this symbol'],
    });
    expect(quotes({ t: EPOCH_MS - 86_400_000 })).toEqual({
      count: 0,
      reasons: ['its time is of another day'],
    });
    expect(quotes({ t: EPOCH_MS + 61_000 })).toEqual({ count: 0, reasons: ['its time lies in the future'] });
    expect(quotes({ t: EPOCH_MS - 30_000 })).toEqual({ count: 1, reasons: [] });
  });

  it('are of one span: prints and seconds of one feed would add up twice', () => {
    const print = { ev: 'T', sym: 'QQQ', p: 610, s: 1, t: EPOCH_MS, q: 1 };
    const second = { ev: 'A', sym: 'QQQ', o: 1, h: 1, l: 1, c: 1, v: 1, s: EPOCH_MS, e: EPOCH_MS + 1000 };
    const mapped = mapFrame(JSON.stringify([print, second]), OPEN);
    const spans = (ticks: 'seconds' | 'prints'): unknown[] => {
      const { ticks: feed } = massiveFeeds('wss://socket.massive.com', ticks);
      return onlyRowsOf(mapped, { feed, isAsked: () => true }).ticks.map((tick) => tick.span_ms);
    };
    expect([spans('seconds'), spans('prints')]).toEqual([[1000], [0]]);
  });

  it('of a server on this machine are simulated, by their feed’s own words', () => {
    const name = (url: string): unknown[] => {
      const { ticks, quotes: options } = massiveFeeds(url, 'prints');
      return [ticks.name, ticks.span_ms, options.name, options.source];
    };
    expect(name('wss://socket.massive.com')).toEqual(['massive-prints', 0, 'massive-quotes', 'recorded']);
    expect(name('ws://127.0.0.1:9')).toEqual(['sim-massive-prints', 0, 'sim-massive-quotes', 'simulated']);
  });
});
