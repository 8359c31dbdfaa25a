import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { systemClock } from '../../../../core/clock.ts';
import { easternFromEpochMs, epochMsFromEastern } from '../../../../core/eastern_time.ts';
import { createHints } from '../../../../jobs/brokers/schwab/stream_hints.ts';
import { createQuoteMerge } from '../../../../jobs/brokers/schwab/stream_quotes.ts';
import { parseFrame, type StreamData } from '../../../../jobs/brokers/schwab/stream_wire.ts';
import { eventually, needsSharedData, sharedData } from '../../../harness.ts';
import { CALL, FURTHER_CALL, NOON } from './support.ts';

const RECORDED = ['schwab', 'schwab-py_streaming', 'streaming_messages.jsonl'] as const;
const T0 = epochMsFromEastern(NOON);

function message(...content: Record<string, unknown>[]): StreamData {
  return { service: 'LEVELONE_OPTIONS', timestamp: T0, content };
}

describe('quotes made of changes', () => {
  it('carry over what has not changed', () => {
    const merge = createQuoteMerge();
    const first = merge.merge(message({ key: CALL, 2: 1.21, 3: 1.23, 16: 57, 17: 120, 38: T0 }), NOON);
    expect(first).toEqual([
      {
        symbol: CALL,
        ts_event: NOON,
        event_ns: 0,
        seq: 0,
        bid_px_e4: 12_100,
        ask_px_e4: 12_300,
        bid_sz: 57,
        ask_sz: 120,
        ts_recv: NOON,
      },
    ]);
    const [second] = merge.merge(message({ key: CALL, 3: 1.24, 38: T0 + 250 }), NOON);
    expect(second).toMatchObject({
      bid_px_e4: 12_100,
      ask_px_e4: 12_400,
      ask_sz: 120,
      ts_event: easternFromEpochMs(T0 + 250),
    });
  });

  it('wait for both sides, and for the symbol that is theirs', () => {
    const merge = createQuoteMerge();
    expect(merge.merge(message({ key: CALL, 2: 1.2 }), NOON)).toEqual([]);
    expect(merge.merge(message({ key: FURTHER_CALL, 3: 0.5 }), NOON)).toEqual([]);
    expect(merge.merge(message({ key: CALL, 3: 1.3 }), NOON)).toMatchObject([
      { symbol: CALL, bid_px_e4: 12_000, ask_px_e4: 13_000, bid_sz: null },
    ]);
  });

  it('are not made of what does not belong to a quote', () => {
    const merge = createQuoteMerge();
    merge.merge(message({ key: CALL, 2: 1.2, 3: 1.3 }), NOON);
    expect(merge.merge(message({ key: CALL, 28: 0.51, 8: 100 }), NOON)).toEqual([]);
    expect(merge.merge(message({ key: 'QQQ', 2: 600, 3: 601 }), NOON)).toEqual([]);
    expect(merge.merge(message({ 2: 1.2, 3: 1.3 }), NOON)).toEqual([]);
  });

  it('have no side where the price is 0, missing or no price', () => {
    const merge = createQuoteMerge();
    const sides = [0, -1, Number.NaN, '1.20', null, 1e9].map((bid) => {
      const [quote] = merge.merge(message({ key: CALL, 2: bid, 3: 1.3, 16: 5, 17: 5 }), NOON);
      return [quote?.bid_px_e4, quote?.bid_sz, quote?.ask_px_e4];
    });
    expect(sides).toEqual(Array.from({ length: 6 }, () => [null, null, 13_000]));
  });

  it('of one instant are numbered, over reconnects too', () => {
    const merge = createQuoteMerge();
    const seqs = [1.2, 1.21, 1.22].map((bid) =>
      merge.merge(message({ key: CALL, 2: bid, 3: 1.3, 38: T0 }), NOON),
    );
    merge.drop();
    seqs.push(merge.merge(message({ key: CALL, 2: 1.2, 3: 1.3, 38: T0 }), NOON));
    seqs.push(merge.merge(message({ key: CALL, 2: 1.2, 38: T0 + 1 }), NOON));
    expect(seqs.map(([quote]) => quote?.seq)).toEqual([0, 1, 2, 3, 0]);
  });

  it('do not join halves of before and after a reconnect', () => {
    const merge = createQuoteMerge();
    merge.merge(message({ key: CALL, 2: 1.2, 3: 1.3 }), NOON);
    merge.drop();
    expect(merge.merge(message({ key: CALL, 2: 0.8 }), NOON)).toEqual([]);
    expect(merge.merge(message({ key: CALL, 3: 0.9 }), NOON)).toMatchObject([
      { bid_px_e4: 8000, ask_px_e4: 9000 },
    ]);
  });

  it('are not made of delayed ones', () => {
    const merge = createQuoteMerge();
    expect(merge.merge(message({ key: CALL, delayed: true, 2: 1.2, 3: 1.3 }), NOON)).toEqual([]);
    expect(merge.delayedCount()).toBe(1);
  });
});

describe('recorded messages', () => {
  needsSharedData(...RECORDED);
  it('are frames, and make quotes where they are not delayed', () => {
    const lines = readFileSync(sharedData(...RECORDED) ?? '', 'utf8')
      .trim()
      .split('\n');
    const frames = lines.map((line) =>
      parseFrame(JSON.stringify((JSON.parse(line) as { message: unknown }).message)),
    );
    expect(frames.length).toBeGreaterThan(20);
    expect(frames).not.toContain(null);
    const options = frames
      .flatMap((frame) => frame?.data ?? [])
      .filter((data) => data.service === 'LEVELONE_OPTIONS');
    expect(options.length).toBeGreaterThan(0);
    const merge = createQuoteMerge();
    expect(options.flatMap((data) => merge.merge(data, NOON))).toEqual([]);
    expect(merge.delayedCount()).toBeGreaterThan(0);
    const live = options.map((data) => ({
      ...data,
      content: data.content.map((each) => ({ ...each, delayed: false })),
    }));
    const [quote] = live.flatMap((data) => merge.merge(data, NOON));
    expect(quote).toMatchObject({
      symbol: 'GOOG  240517C00070000',
      bid_px_e4: 1_021_500,
      ask_px_e4: 1_037_500,
      bid_sz: 20,
      ask_sz: 20,
      ts_event: easternFromEpochMs(1_715_786_878_997),
    });
  });
});

describe('hints', () => {
  const activity = (seq: number, type = 'OrderFillCompleted'): StreamData => ({
    service: 'ACCT_ACTIVITY',
    content: [{ seq, key: 'Account Activity', 1: '12345678', 2: type, 3: `{"n":${seq}}` }],
  });

  it('come once for a burst, and not for a repeat', async () => {
    const hints = createHints(systemClock());
    let count = 0;
    hints.listen(() => {
      count += 1;
    });
    for (let seq = 0; seq < 30; seq += 1) hints.observe(activity(seq));
    await eventually(() => expect(count).toBe(1));
    for (let seq = 0; seq < 30; seq += 1) hints.observe(activity(seq));
    await systemClock().sleep(150);
    expect(count).toBe(1);
    // The numbers begin again after a reconnect: another message under the same number is news.
    hints.observe(activity(3, 'OrderCreated'));
    await eventually(() => expect(count).toBe(2));
    hints.close();
  });

  it('are not put off by a stream of news', async () => {
    const hints = createHints(systemClock());
    let count = 0;
    hints.listen(() => {
      count += 1;
    });
    // Where they are put off for ever, the test's time ends it.
    for (let seq = 0; count <= 2; seq += 1) {
      hints.observe(activity(seq));
      await systemClock().sleep(5);
    }
    hints.close();
  });
});
