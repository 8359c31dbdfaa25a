// `strikebase ingest` as processes in real time: whatever strikes them, the next start has everything that the vendor can give back.
import { afterEach, describe, expect, it } from 'vitest';
import { addMs, type EasternUs, parseEastern } from '../../../core/eastern_time.ts';
import type { MassiveSimulator } from '../../../sim/massive_server.ts';
import { noteFault } from '../../fault_notes.ts';
import { eventually, useDatabase } from '../../harness.ts';
import { expectTicksCounted } from '../support/tick_counts.ts';
import { useIngesters } from './ingesters.ts';
import { API_KEY, knowSession } from './market_now.ts';
import { gapsOf, recordedOptionPrints, recordedQuotes, recordedSeconds, stored } from './row_words.ts';

const database = useDatabase();
expectTicksCounted(database);
const ingesters = useIngesters(() => database.url());
const { ingest } = ingesters;
const SECONDS = 'sim-massive-second';
const QUOTES = 'sim-massive-quotes';
let market: MassiveSimulator;

afterEach(async () => {
  ingesters.killAll();
  await market?.stop();
});

/** Starts an ingester again and again, each killed at its point. */
async function killAtEach(args: readonly string[], points: readonly string[]): Promise<void> {
  for (const point of points) {
    const struck = ingest(args, point);
    expect(await struck.ended, `${point}\n${struck.err()}`).toEqual({ code: null, signal: 'SIGKILL' });
  }
}

async function allFilled(feed: string): Promise<void> {
  await eventually(
    async () => {
      const gaps = await gapsOf(database.pool(), feed);
      expect(gaps.filter((gap) => !gap.is_filled)).toEqual([]);
      // A gap that nobody had the time to end goes on in the next process.
      expect(gaps.length).toBeGreaterThan(2);
    },
    { timeoutMs: 30_000 },
  );
}

async function pastBy(time: EasternUs, ms: number): Promise<void> {
  await eventually(() => expect(market.clock.now()).toBeGreaterThan(addMs(time, ms)), { timeoutMs: 20_000 });
}

/** Since when the option stream has been complete: the start of its first gap, which its first mark was. */
async function firstMark(): Promise<EasternUs> {
  const { rows } = await database
    .pool()
    .query<{ first: string }>(
      'select min(g.ts_from)::text as first from ops.feed_gaps g join ref.feeds f using (feed_id) where f.name = $1',
      [QUOTES],
    );
  return parseEastern(rows[0]?.first ?? '') as EasternUs;
}

describe('ingesters that are killed', () => {
  const EQUITIES = ['before_write:4', 'before_commit:5', 'after_write:6', 'after_fill:1'];
  const OPTIONS = ['before_write:6', 'before_commit:9', 'after_write:12', 'before_fill:1', 'in_fill:2'];
  const OPTIONS_ARGS = ['options', '--strikes', '9'];

  it('have everything back after restarts, whatever they were doing', { timeout: 180_000 }, async () => {
    market = await ingesters.open();
    await knowSession(database.pool(), market.session);
    await Promise.all([killAtEach(['equities'], EQUITIES), killAtEach(OPTIONS_ARGS, OPTIONS)]);
    const last = [ingest(['equities']), ingest(OPTIONS_ARGS)];
    await Promise.all(last.map((each) => each.saying(/live/)));
    const to = addMs(market.clock.now(), 2000);
    await pastBy(to, 2000);
    await Promise.all([allFilled(SECONDS), allFilled(QUOTES)]);
    const seconds = { feed: SECONDS, from: market.session.tsStart, to };
    const quotes = { feed: QUOTES, from: await firstMark(), to };
    expect(await stored(database.pool(), 'seconds', seconds)).toEqual(
      recordedSeconds(market, seconds.from, to),
    );
    const recorded = recordedQuotes(market, quotes.from, to);
    expect(recorded.length).toBeGreaterThan(50);
    expect(await stored(database.pool(), 'quotes', quotes)).toEqual(recorded);
    expect(await stored(database.pool(), 'optionPrints', quotes)).toEqual(
      recordedOptionPrints(market, quotes.from, to),
    );
    for (const { child } of last) child.kill('SIGTERM');
    const ends = await Promise.all(last.map(({ ended }) => ended));
    expect(ends).toEqual([
      { code: 0, signal: null },
      { code: 0, signal: null },
    ]);
    for (const { err } of last) expect(err()).not.toContain(API_KEY);
    const kills = EQUITIES.length + OPTIONS.length;
    noteFault({ injected: kills, survived: kills });
  });
});

describe('an ingester', () => {
  it('that another process of the same stream finds running is left alone', async () => {
    market = await ingesters.open();
    await knowSession(database.pool(), market.session);
    const first = ingest(['equities']);
    await first.saying(/live/);
    const second = ingest(['equities']);
    expect(await second.ended).toEqual({ code: 1, signal: null });
    expect(second.err()).toContain(`the stream equities is written by another process (${first.child.pid})`);
    expect(first.child.exitCode).toBeNull();
  });

  it('whose key is refused ends and says so, without the key', async () => {
    market = await ingesters.open({ apiKey: 'another-key' });
    await knowSession(database.pool(), market.session);
    const refused = ingest(['equities']);
    expect(await refused.ended).toEqual({ code: 1, signal: null });
    expect(refused.err()).toContain('authentication failed');
    expect(refused.err()).toContain('MASSIVE_API_KEY');
    expect(refused.err()).not.toContain(API_KEY);
  });
});
