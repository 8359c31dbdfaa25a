// What a stream misses is known, bars entries, and comes back by REST: rows are those that the vendor has on record, exactly.
import { afterEach, describe, expect, it } from 'vitest';
import { type EasternUs, formatEastern } from '../../../core/eastern_time.ts';
import type { MarketStream } from '../../../ingest/market_stream.ts';
import type { ScriptedFault } from '../../../sim/massive_faults.ts';
import { eventually, useDatabase } from '../../harness.ts';
import { startTcpProxy, type TcpProxy } from '../../tcp_proxy.ts';
import { expectTicksCounted } from '../support/tick_counts.ts';
import {
  gapsOf,
  recordedOptionPrints,
  recordedPrints,
  recordedQuotes,
  recordedSeconds,
  stored,
} from './row_words.ts';
import { on, type SteppedMarket, type SteppedOptions, startStepped } from './stepped_market.ts';

const database = useDatabase();
expectTicksCounted(database);
let market: SteppedMarket;
let names = 0;

afterEach(async () => {
  await market?.stop();
});

async function start(
  options: Omit<SteppedOptions, 'url' | 'name'> & { readonly url?: string },
): Promise<SteppedMarket> {
  names += 1;
  market = await startStepped({ url: database.url(), name: `gaps-${names}`, ...options });
  return market;
}

async function allFilled(feed: string, pool = database.pool()): Promise<void> {
  await eventually(
    async () => {
      const gaps = await gapsOf(pool, feed);
      expect(gaps.filter((gap) => !gap.is_filled)).toEqual([]);
      expect(gaps.length).toBeGreaterThan(0);
    },
    { timeoutMs: 20_000 },
  );
}

async function barAt(asOf: EasternUs): Promise<string | null> {
  const { ticks, quotes } = market.feeds;
  const { rows } = await database
    .pool()
    .query<{ bar: string | null }>(
      `select ops.feed_bar(array_agg(feed_id), $2) as bar from ref.feeds where name = any ($1)`,
      [[ticks.name, quotes.name], formatEastern(asOf)],
    );
  return rows[0]?.bar ?? null;
}

const WHOLE = { from: on('9:29:00'), to: on('9:33:00') };

async function expectSeconds(): Promise<void> {
  const { from, to } = WHOLE;
  const found = await stored(database.pool(), 'seconds', { feed: market.feeds.ticks.name, from, to });
  expect(found).toEqual(recordedSeconds(market.simulator, from, to));
  expect(found.length).toBeGreaterThan(150);
}

/** What happens between two instants is lost to the client, who is then dropped. */
function lost(from: string, to: string, on_: 'stocks' | 'options'): readonly ScriptedFault[] {
  return [
    { at: on(from), market: on_, fault: { kind: 'mute' } },
    { at: on(to), market: on_, fault: { kind: 'drop' } },
  ];
}

/** Waits until the stream has noticed and is connected again: the market, which is played without a pause, would be over before. */
async function connected(of: MarketStream | null): Promise<void> {
  await eventually(() => expect(of?.feed.state).toBe('subscribed'));
}

describe('a connection that is dropped', () => {
  it('leaves a gap that bars entries until REST has filled it, and no other time', async () => {
    await start({
      simulator: { faults: lost('9:31:00', '9:31:05', 'stocks') },
      onStep: async (now, { equities, feeds }) => {
        if (now === on('9:31:05')) await connected(equities);
        if (now === on('9:32:30')) await allFilled(feeds.ticks.name);
      },
    });
    await market.play();
    const bars = ['9:31:04', '9:31:06', '9:32:58'].map((time) => barAt(on(time)));
    expect(await Promise.all(bars)).toEqual([null, 'feed_gap', null]);
    expect(await gapsOf(database.pool(), market.feeds.ticks.name)).toEqual([
      {
        cause: 'disconnect',
        is_over: true,
        is_filled: true,
        rows_filled: 5,
        detail: expect.stringContaining('1006'),
      },
    ]);
    await expectSeconds();
  });

  it('gets back what was late when it was dropped, though the mark had passed it', async () => {
    await start({
      simulator: {
        faults: lost('9:31:30', '9:31:50', 'stocks'),
        // Those of the twenty seconds before come while nobody listens.
        disorder: { seed: 3, late: 0.3, lateMs: 20_000 },
        to: on('9:33:40'),
      },
      onStep: async (now, { equities, feeds }) => {
        if (now === on('9:31:50')) await connected(equities);
        if (now === on('9:32:30')) await allFilled(feeds.ticks.name);
      },
    });
    await market.play();
    await expectSeconds();
  });

  it('gets its quotes and prints of every contract back, each once', async () => {
    await start({
      streams: ['options'],
      simulator: { faults: lost('9:31:00', '9:31:20', 'options') },
      recovery: { range: { from: on('9:30:00'), to: on('9:34:00') } },
      onStep: async (now, { options, feeds }) => {
        if (now === on('9:31:20')) await connected(options);
        if (now === on('9:32:30')) await allFilled(feeds.quotes.name);
      },
    });
    await market.play();
    const { simulator, feeds } = market;
    const of = { feed: feeds.quotes.name, ...WHOLE };
    const quotes = recordedQuotes(simulator, of.from, of.to);
    const prints = recordedOptionPrints(simulator, of.from, of.to);
    expect(quotes.length).toBeGreaterThan(500);
    expect(prints.length).toBeGreaterThan(30);
    expect(await stored(database.pool(), 'quotes', of)).toEqual(quotes);
    expect(await stored(database.pool(), 'optionPrints', of)).toEqual(prints);
  });

  it('gets single prints back with their fractions where these are streamed', async () => {
    await start({
      isPrints: true,
      simulator: { faults: lost('9:31:00', '9:31:05', 'stocks') },
      onStep: async (now, { equities, feeds }) => {
        if (now === on('9:31:05')) await connected(equities);
        if (now === on('9:32:30')) await allFilled(feeds.ticks.name);
      },
    });
    await market.play();
    const { from, to } = WHOLE;
    const prints = recordedPrints(market.simulator, from, to);
    expect(await stored(database.pool(), 'prints', { feed: market.feeds.ticks.name, from, to })).toEqual(
      prints,
    );
    expect(prints.some((words) => !words.endsWith('000000'))).toBe(true);
  });
});

// The watermark of a rollup is that of the whole table, and a gap of another test may have moved it: a database of its own.
describe('the rollups after a connection was dropped', () => {
  const database = useDatabase();

  it('are right: those that are over are refreshed, the one that goes on gets its ticks', async () => {
    await start({
      url: database.url(),
      simulator: { faults: lost('9:30:50', '9:31:05', 'stocks') },
      onStep: async (now, { equities, feeds }) => {
        if (now === on('9:31:05')) await connected(equities);
        // The watermark is where a policy would have it.
        if (now === on('9:31:02'))
          await database
            .pool()
            .query("call engine.refresh('market.bars_1m', '2026-06-17 09:29', '2026-06-17 09:31')");
        if (now === on('9:32:30')) await allFilled(feeds.ticks.name, database.pool());
      },
    });
    await market.play();
    const { rows } = await database.pool().query(
      `select b.ts_open::text, b.volume_e6 = sum(t.volume_e6) as is_right
       from market.bars_1m b join ref.feeds f using (feed_id)
       join market.equity_ticks t on t.feed_id = b.feed_id and t.ts_event >= b.ts_open and t.ts_event < b.ts_open + interval '1 minute'
       where f.name = $1 and b.ts_open between '2026-06-17 09:30' and '2026-06-17 09:32' group by 1, b.volume_e6 order by 1`,
      [market.feeds.ticks.name],
    );
    expect(rows).toEqual([
      { ts_open: '2026-06-17 09:30:00', is_right: true },
      { ts_open: '2026-06-17 09:31:00', is_right: true },
      { ts_open: '2026-06-17 09:32:00', is_right: true },
    ]);
  });
});

describe('a network that hangs', () => {
  it('is noticed by pings that nobody answers, and what was missed is filled', async () => {
    let proxy: TcpProxy | null = null;
    await start({
      // The vendor gives up a client that does not read.
      simulator: { slowConsumerMs: 200 },
      timing: { pingIntervalMs: 100, handshakeTimeoutMs: 500 },
      // The market goes on much faster than the pings.
      recovery: { muteAfterMs: 3_600_000 },
      wsUrl: async ({ wsUrl }) => {
        proxy = await startTcpProxy(wsUrl);
        proxy.slice(100);
        return proxy.through(wsUrl);
      },
      onStep: async (now, { equities, feeds }) => {
        if (now === on('9:31:00')) proxy?.hang(true);
        if (now === on('9:31:10')) {
          await eventually(() => expect(equities?.feed.state).not.toBe('live'));
          proxy?.hang(false);
          proxy?.slice(0);
          await connected(equities);
        }
        if (now === on('9:32:30')) await allFilled(feeds.ticks.name);
      },
    });
    await market.play();
    const [gap] = await gapsOf(database.pool(), market.feeds.ticks.name);
    expect(gap).toMatchObject({
      cause: 'disconnect',
      detail: expect.stringContaining('no answer to 2 pings'),
    });
    await expectSeconds();
    await market.stop();
    await (proxy as TcpProxy | null)?.stop();
  });
});

describe('a stream that is not connected when its data begins', () => {
  const OPENS = on('9:30:00');

  /** The vendor’s door hangs over the open: nobody is told of a second loss. */
  async function startHanging(from: EasternUs): Promise<TcpProxy> {
    const doors: TcpProxy[] = [];
    await start({
      streams: ['options'],
      simulator: { from: on('9:29:50') },
      recovery: { range: { from: OPENS, to: on('9:34:00') } },
      wsUrl: async ({ wsUrl }) => {
        const proxy = await startTcpProxy(wsUrl);
        doors.push(proxy);
        return proxy.through(wsUrl);
      },
      onStep: async (now, { options, feeds }) => {
        const [door] = doors;
        if (now === from) {
          door?.hang(true);
          door?.reset();
          await eventually(() => expect(options?.feed.state).toBe('connecting'));
        }
        if (now === on('9:30:20')) {
          door?.hang(false);
          await connected(options);
        }
        if (now === on('9:32:30')) await allFilled(feeds.quotes.name);
      },
    });
    return doors[0] as TcpProxy;
  }

  it('has a gap from then on, which REST fills', async () => {
    const door = await startHanging(on('9:29:55'));
    await market.play();
    const { simulator, feeds } = market;
    expect(await gapsOf(database.pool(), feeds.quotes.name)).toMatchObject([{ cause: 'disconnect' }]);
    const { rows } = await database
      .pool()
      .query('select ts_from::text from ops.feed_gaps join ref.feeds f using (feed_id) where f.name = $1', [
        feeds.quotes.name,
      ]);
    expect(rows).toEqual([{ ts_from: formatEastern(OPENS) }]);
    const of = { feed: feeds.quotes.name, from: OPENS, to: WHOLE.to };
    expect(await stored(database.pool(), 'quotes', of)).toEqual(recordedQuotes(simulator, of.from, of.to));
    await market.stop();
    await door.stop();
  });

  it('has none where it is connected and has only had nothing to say', async () => {
    await start({
      streams: ['options'],
      simulator: { from: on('9:29:50') },
      recovery: { range: { from: OPENS, to: on('9:34:00') } },
    });
    await market.play();
    expect(await gapsOf(database.pool(), market.feeds.quotes.name)).toEqual([]);
  });
});

describe('a stream that begins in the middle of a session', () => {
  it('has the seconds since the beginning of the data', async () => {
    await start({
      simulator: { from: on('9:31:30') },
      onStep: async (now, { feeds }) => {
        if (now === on('9:32:30')) await allFilled(feeds.ticks.name);
      },
    });
    await market.play();
    expect(await gapsOf(database.pool(), market.feeds.ticks.name)).toMatchObject([{ cause: 'start' }]);
    await expectSeconds();
  });
});

describe('a connection that stands and says nothing', () => {
  it('is mute after ten seconds of an open market, bars entries, and is left and filled', async () => {
    await start({
      simulator: { faults: [{ at: on('9:31:00'), market: 'stocks', fault: { kind: 'mute' } }] },
      recovery: { muteAfterMs: 10_000 },
      onStep: async (now, { equities, feeds }) => {
        // It is left after another thirty seconds: the fault ends with the connection.
        if (now === on('9:31:45'))
          await eventually(() => expect(equities?.feed.state).toMatch(/subscribed|live/));
        if (now === on('9:32:30')) await allFilled(feeds.ticks.name);
      },
    });
    await market.play();
    const bars = ['9:31:05', '9:31:15', '9:32:58'].map((time) => barAt(on(time)));
    expect(await Promise.all(bars)).toEqual([null, 'feed_mute', null]);
    expect(await gapsOf(database.pool(), market.feeds.ticks.name)).toMatchObject([
      { cause: 'mute', is_filled: true },
    ]);
    const { rows } = await database
      .pool()
      .query(`select severity, text from ops.alert_outbox where key = 'feed-equities-mute-2026-06-17'`);
    expect(rows).toMatchObject([{ severity: 'warning', text: expect.stringContaining('mute') }]);
    await expectSeconds();
  });

  it('is left to itself while the market is closed', async () => {
    await start({
      simulator: { faults: [{ at: on('9:29:10'), market: 'stocks', fault: { kind: 'mute' } }] },
      recovery: { busy: { from: on('9:33:00'), to: on('9:33:00') } },
      onStep: (now) => {
        if (now === on('9:32:59')) expect(market.equities?.feed.state).not.toBe('mute');
      },
    });
    await market.play();
    expect(await gapsOf(database.pool(), market.feeds.ticks.name)).toEqual([]);
  });
});
