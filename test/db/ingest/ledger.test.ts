// The ledger of gaps by itself: what a start finds missing, how gaps open, grow and close, and what bars entries when.
import { afterEach, describe, expect, it } from 'vitest';
import { addMs, type EasternUs, formatEastern } from '../../../core/eastern_time.ts';
import { createGapLedger, type GapLedger } from '../../../ingest/gap_ledger.ts';
import { simulatedFeeds } from '../../../ingest/stream_feed.ts';
import { createStreamWriter, type StreamWriter } from '../../../ingest/stream_writer.ts';
import { useDatabase } from '../../harness.ts';
import { at } from '../../sim/sessions.ts';

const database = useDatabase();
// A Wednesday and the Tuesday before.
const TODAY = { from: at('2026-06-17 09:00'), to: at('2026-06-17 16:30') };
const NOW = at('2026-06-17 10:15:20');
let writer: StreamWriter;
let names = 0;

afterEach(async () => {
  await writer.close();
});

async function ledgerOf(kind: 'equity' | 'option' = 'equity'): Promise<GapLedger> {
  names += 1;
  const { ticks, quotes } = simulatedFeeds(`ledger-${names}`);
  const feed = kind === 'equity' ? ticks : quotes;
  writer = await createStreamWriter({ url: database.url(), stream: 'test', feed });
  return createGapLedger(writer, kind);
}

async function markAt(time: string): Promise<void> {
  const [completeTo, receivedAt] = [at(time), at(time)];
  await writer.write({ ticks: [], quotes: [], trades: [], rejected: [], completeTo, receivedAt });
}

async function gaps(): Promise<string[]> {
  const { rows } = await database.pool().query(
    `select concat_ws(' ', cause, to_char(ts_from, 'DD HH24:MI:SS'), coalesce(to_char(ts_to, 'DD HH24:MI:SS'), 'lasts'),
       case when ts_filled is not null then 'filled' end) as words
     from ops.feed_gaps where feed_id = $1 order by ts_from, gap_id`,
    [writer.feedId],
  );
  return rows.map((row) => row.words);
}

const at_ = { now: NOW, needsHistory: true };

describe('a start', () => {
  it('in mid-session lacks what was since the last mark, or since the data began', async () => {
    const ledger = await ledgerOf();
    expect(await ledger.begin(TODAY, at_)).toBe(true);
    expect(await gaps()).toEqual(['start 17 09:00:00 lasts']);
    await ledger.close(NOW);
    await markAt('2026-06-17 10:20:00');
    expect(await ledger.begin(TODAY, { ...at_, now: at('2026-06-17 10:21:00') })).toBe(true);
    expect(await gaps()).toEqual(['start 17 09:00:00 17 10:15:20', 'restart 17 10:20:00 lasts']);
  });

  it('lacks nothing before the data begins, after it has ended, or where history is not needed', async () => {
    const ledger = await ledgerOf();
    expect(await ledger.begin(TODAY, { ...at_, now: TODAY.from })).toBe(false);
    expect(await ledger.begin(TODAY, { ...at_, now: TODAY.to })).toBe(false);
    expect(await ledger.begin(TODAY, { ...at_, needsHistory: false })).toBe(false);
    await markAt('2026-06-17 10:15:20');
    expect(await ledger.begin(TODAY, at_)).toBe(false);
    expect(await gaps()).toEqual([]);
  });

  it('goes on with a gap that its predecessor had no time to end', async () => {
    const ledger = await ledgerOf();
    await ledger.open({ cause: 'disconnect', from: addMs(NOW, -60_000), at: NOW, detail: null });
    await markAt('2026-06-17 10:15:10');
    expect(await ledger.begin(TODAY, at_)).toBe(true);
    expect(await gaps()).toEqual(['disconnect 17 10:14:20 lasts']);
  });

  it('goes on with such a gap from the last mark, where its predecessor had received more than it could store', async () => {
    const ledger = await ledgerOf();
    await markAt('2026-06-17 10:10:00');
    await ledger.open({ cause: 'disconnect', from: addMs(NOW, -60_000), at: NOW, detail: null });
    expect(await ledger.begin(TODAY, { ...at_, now: addMs(NOW, 5000) })).toBe(true);
    expect(await gaps()).toEqual(['disconnect 17 10:10:00 lasts']);
  });

  it.each([
    ['equity', '16 16:30:00'],
    ['option', '16 16:15:00'],
  ] as const)(
    'lacks the rest of an earlier session of %s once, to the end of its data',
    async (kind, end) => {
      const ledger = await ledgerOf(kind);
      await markAt('2026-06-16 15:00:00');
      for (let i = 0; i < 2; i += 1) await ledger.begin(TODAY, { now: TODAY.from, needsHistory: false });
      expect(await gaps()).toEqual([`restart 16 15:00:00 ${end}`]);
    },
  );

  it('ends a gap of an earlier session where its data ended', async () => {
    const ledger = await ledgerOf();
    await ledger.open({
      cause: 'disconnect',
      from: at('2026-06-16 16:15'),
      at: at('2026-06-16 16:15'),
      detail: null,
    });
    await ledger.begin(TODAY, { now: TODAY.from, needsHistory: true });
    expect(await gaps()).toEqual(['disconnect 16 16:15:00 16 16:30:00']);
  });

  it('finds an earlier session complete whose last minute was empty', async () => {
    const ledger = await ledgerOf();
    await markAt('2026-06-16 16:29:10');
    await ledger.begin(TODAY, { now: TODAY.from, needsHistory: true });
    expect(await gaps()).toEqual([]);
  });
});

describe('gaps', () => {
  it('are opened once, however often it is said', async () => {
    const ledger = await ledgerOf();
    for (let i = 0; i < 3; i += 1)
      await ledger.open({ cause: 'mute', from: addMs(NOW, i), at: NOW, detail: null });
    expect(await gaps()).toHaveLength(1);
  });

  it('that follow each other are one, until it was tried to fill it', async () => {
    const ledger = await ledgerOf();
    const add = (fromS: number, toS: number): Promise<void> =>
      ledger.add({
        cause: 'spool_overflow',
        from: addMs(NOW, fromS * 1000),
        to: addMs(NOW, toS * 1000),
        at: NOW,
        detail: 'full',
      });
    await add(0, 10);
    await add(12, 20);
    expect(await gaps()).toEqual(['spool_overflow 17 10:15:20 17 10:15:40']);
    const [gap] = await ledger.unfilled();
    if (gap === undefined) throw new Error('it is not filled');
    // It grew while it was being filled: then it is not filled yet.
    await add(21, 25);
    await ledger.noteFilled(gap, 5, NOW);
    expect(await gaps()).toEqual(['spool_overflow 17 10:15:20 17 10:15:45']);
    await ledger.noteFailure(gap, 'the vendor is away');
    await add(26, 30);
    expect(await gaps()).toHaveLength(2);
  });

  it('are asked for latest first', async () => {
    const ledger = await ledgerOf();
    for (const minute of [1, 3, 2]) {
      const from = addMs(NOW, minute * 600_000);
      await ledger.add({ cause: 'unreadable', from, to: addMs(from, 1000), at: NOW, detail: 'x' });
    }
    const froms = (await ledger.unfilled()).map((gap) => (gap.from - NOW) / 600_000_000);
    expect(froms).toEqual([3, 2, 1]);
  });
});

describe('entries', () => {
  async function bar(asOf: EasternUs): Promise<string | null> {
    const { rows } = await database
      .pool()
      .query('select ops.feed_bar(array[$1]::smallint[], $2) as bar', [writer.feedId, formatEastern(asOf)]);
    return rows[0].bar;
  }

  it('are barred from when a gap is known until it is filled, also as it is read later', async () => {
    const ledger = await ledgerOf();
    await ledger.open({ cause: 'disconnect', from: addMs(NOW, -5000), at: NOW, detail: null });
    expect(await bar(addMs(NOW, 1))).toBe('feed_gap');
    await ledger.close(addMs(NOW, 2000));
    expect(await bar(addMs(NOW, 3000))).toBe('feed_gap');
    const [gap] = await ledger.unfilled();
    if (gap !== undefined) await ledger.noteFilled(gap, 3, addMs(NOW, 8000));
    const asOf = [-1, 0, 7999, 8000].map((ms) => bar(addMs(NOW, ms)));
    expect(await Promise.all(asOf)).toEqual([null, 'feed_gap', 'feed_gap', null]);
  });

  it('are barred by a gap of an earlier day only while that lasts', async () => {
    const ledger = await ledgerOf();
    await ledger.open({
      cause: 'mute',
      from: at('2026-06-16 15:00'),
      at: at('2026-06-16 15:00'),
      detail: null,
    });
    expect(await bar(NOW)).toBe('feed_gap');
    await ledger.close(at('2026-06-16 16:00'));
    expect(await bar(NOW)).toBeNull();
  });

  it('are barred while the stream is mute, not by a mute contract', async () => {
    await ledgerOf();
    const note = (state: 'mute' | 'live', ms: number, symbol?: string): Promise<void> =>
      writer.noteState({
        state,
        at: addMs(NOW, ms),
        reason: null,
        ...(symbol === undefined ? {} : { symbol }),
      });
    await note('live', 0);
    await note('mute', 1000);
    await note('live', 2000);
    await note('mute', 3000, 'QQQ   260617C00610000');
    const asOf = [500, 1500, 2500, 3500].map((ms) => bar(addMs(NOW, ms)));
    expect(await Promise.all(asOf)).toEqual([null, 'feed_mute', null, null]);
  });

  it('can be let in by an operator who accepts a gap that cannot be filled', async () => {
    const ledger = await ledgerOf();
    await ledger.open({ cause: 'disconnect', from: addMs(NOW, -5000), at: NOW, detail: null });
    await ledger.close(NOW);
    await database
      .pool()
      .query('update ops.feed_gaps set ts_filled = $2 where feed_id = $1', [
        writer.feedId,
        formatEastern(NOW),
      ]);
    expect(await bar(addMs(NOW, 1))).toBeNull();
    expect(await ledger.unfilled()).toEqual([]);
  });
});
