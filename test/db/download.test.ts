// History by REST into the database: every row exactly, and what is no row apart.
import { describe, expect, it } from 'vitest';
import { MARKET, useDownloads } from '../ingest/massive_history/bench.ts';
import { marketBars, marketContracts } from '../ingest/massive_history/market.ts';
import { expectTicksCounted } from './support/tick_counts.ts';

const bench = useDownloads();
expectTicksCounted(bench.db);
const ALL_BARS = marketBars(MARKET, 'QQQ', 60_000).length;

describe('bars', () => {
  it('are kept exactly, from every page, with their trade counts and unadjusted', async () => {
    const { counts, empty } = await bench.take(await bench.requestOf());
    expect(counts).toEqual({
      minute: { pages: Math.ceil(ALL_BARS / 100), inserted: ALL_BARS, duplicate: 0, rejected: 0 },
    });
    expect(empty).toEqual([]);
    expect(bench.vendor().requests[0]?.query.get('adjusted')).toBe('false');
    const { rows } = await bench.db.pool().query(
      `select t.ts_event::text, t.open_e4, t.high_e4, t.low_e4, t.close_e4, t.vwap_e6::text, t.vwap_is_typical, t.volume_e6::text,
         t.trade_count, t.span_ms
       from market.equity_ticks t join ref.feeds f using (feed_id) where f.name = $1 order by t.ts_event limit 1 offset 5`,
      [`${bench.feeds()}-minute`],
    );
    const bar = marketBars(MARKET, 'QQQ', 60_000)[5];
    expect(rows[0]).toEqual({
      ts_event: '2025-11-25 09:30:00',
      open_e4: Math.round((bar?.o ?? 0) * 1e4),
      high_e4: Math.round((bar?.h ?? 0) * 1e4),
      low_e4: Math.round((bar?.l ?? 0) * 1e4),
      close_e4: Math.round((bar?.c ?? 0) * 1e4),
      vwap_e6: String(Math.round((bar?.vw ?? 0) * 1e6)),
      vwap_is_typical: false,
      volume_e6: '1005250000',
      trade_count: 10,
      span_ms: 60_000,
    });
  });

  it('are in the rollups at the end, and the feed says that a server on this machine simulates', async () => {
    await bench.take(await bench.requestOf());
    const { rows } = await bench.db.pool().query(
      `select (select count(*)::integer from market.bars_5m b join ref.feeds f using (feed_id) where f.name = $1) as bars,
         (select source from ref.feeds where name = $1) as source,
         (select bool_and(is_rolled_up) from ops.downloads where feeds = $2) as rolled`,
      [`${bench.feeds()}-minute`, bench.feeds()],
    );
    expect(rows[0]).toEqual({ bars: ALL_BARS / 5, source: 'simulated', rolled: true });
  });

  it('of seconds come session by session', async () => {
    bench.vendor().pageRows = 20_000;
    const request = await bench.requestOf({ span: 'second', from: '2025-11-28' });
    const count = marketBars({ ...MARKET, sessions: MARKET.sessions.slice(2) }, 'QQQ', 1000).length;
    expect((await bench.take(request)).counts).toMatchObject({ second: { inserted: count, duplicate: 0 } });
    expect(bench.vendor().requests[0]?.path).toMatch(/range\/1\/second/);
  });

  it('that cannot be taken are dead letters, once, and the others are kept', async () => {
    const [good, ...others] = marketBars(MARKET, 'QQQ', 60_000);
    const bad = { ...good, h: -1 };
    const stray = { ...good, t: (good?.t ?? 0) + 2 * 86_400_000 };
    bench.vendor().fault(/\/v2\/aggs/, {
      status: 200,
      body: JSON.stringify({ results: [good, bad, 7, stray, ...others] }),
    });
    const { counts } = await bench.take(await bench.requestOf());
    expect(counts).toMatchObject({ minute: { inserted: ALL_BARS, rejected: 3 } });
    const reasons = await bench.texts(
      "select reason from market.rejected_rows where feed = $1 || '-minute' order by rejected_id",
    );
    expect(reasons).toEqual([
      'o, h, l or c is no price',
      'not an object',
      'a bar on a day that was not asked for',
    ]);
  });

  it('of an index have no volume', async () => {
    const bar = { t: marketBars(MARKET, 'QQQ', 60_000)[5]?.t, o: 6000.1, h: 6001, l: 6000, c: 6000.5 };
    bench
      .vendor()
      .fault(/\/v2\/aggs\/ticker\/I:SPX\//, { status: 200, body: JSON.stringify({ results: [bar] }) });
    await bench.take(await bench.requestOf({ symbol: 'SPX', isIndex: true, to: '2025-11-25' }));
    expect(
      await bench.texts(
        `select concat_ws(' ', i.kind, t.close_e4, t.volume_e6, t.vwap_is_typical)
         from market.equity_ticks t join ref.instruments i using (instrument_id) where i.symbol = 'SPX'`,
      ),
    ).toEqual(['index 60005000 0 t']);
  });

  it('of a session that the vendor lacks are asked for again, and nothing is said to be complete', async () => {
    const request = await bench.requestOf({ from: '2025-11-24' });
    expect((await bench.take(request)).empty).toEqual(['2025-11-24']);
    bench.vendor().requests.length = 0;
    await bench.take(request);
    expect(bench.vendor().requests).toHaveLength(1);
  });

  it('of a symbol that the vendor does not know are a failure', async () => {
    await expect(bench.take(await bench.requestOf({ symbol: 'QQQX' }))).rejects.toThrow(
      'Massive has no minute bars of QQQX from 2025-11-25 to 2025-11-28',
    );
    expect(await bench.stored()).toMatchObject({ bars: 0, begun: 0, done: 0 });
  });

  it('out of the order of time are refused, with nothing of their page kept', async () => {
    const bars = marketBars(MARKET, 'QQQ', 60_000).slice(0, 50).reverse();
    bench.vendor().fault(/\/v2\/aggs/, { status: 200, body: JSON.stringify({ results: bars }) });
    await expect(bench.take(await bench.requestOf())).rejects.toThrow('not in the order of time');
    expect(await bench.stored()).toMatchObject({ bars: 0, begun: 0 });
  });
});

describe('options', () => {
  it('are those around the money of each session’s own expiry, every tick of them to the nanosecond', async () => {
    const { counts } = await bench.take(await bench.requestOf({ kinds: ['trades', 'quotes'] }));
    const tickers = await bench.chosen();
    // Closes reach from 599.2 to 600.8: each of these strikes was among the three nearest at some minute.
    const strikes = [...new Set(tickers.map((ticker) => Number(ticker.slice(-8)) / 1000))];
    expect(strikes.sort()).toEqual([598, 599, 600, 601, 602]);
    expect(counts.quotes).toEqual({
      pages: 3 * tickers.length,
      inserted: tickers.length * MARKET.quotes,
      duplicate: 0,
      rejected: 0,
    });
    await bench.expectExactly(['trades', 'quotes']);
  });

  it('make every listed contract known, and keep adjusted ones apart', async () => {
    await bench.take(await bench.requestOf({ kinds: ['trades'], to: '2025-11-25' }));
    const listed = marketContracts(MARKET).filter(({ expiration_date }) => expiration_date === '2025-11-25');
    const known = await bench.texts(
      "select symbol from ref.instruments where kind = 'option' and expiration = '2025-11-25'",
    );
    expect(known).toHaveLength(listed.length - 1);
    const reasons = await bench.texts(
      "select reason from market.rejected_rows where feed = $1 || '-options'",
    );
    expect([...new Set(reasons)]).toEqual(['no standard contract: shares_per_contract']);
  });

  it('end with the option close, on a half day too', async () => {
    await bench.take(await bench.requestOf({ kinds: ['quotes'], from: '2025-11-28' }));
    const query = bench.vendor().requests.find(({ path }) => path.startsWith('/v3/quotes/'))?.query;
    // 09:30 and 13:15 Eastern.
    expect(query?.get('timestamp.gte')).toBe(`${Date.parse('2025-11-28T14:30:00Z')}000000`);
    expect(query?.get('timestamp.lt')).toBe(`${Date.parse('2025-11-28T18:15:00Z')}000000`);
  });

  it('take further strikes and kinds when they are asked for, and nothing twice', async () => {
    await bench.take(await bench.requestOf({ kinds: ['trades'], to: '2025-11-25' }));
    const first = await bench.chosen();
    const more = await bench.take(
      await bench.requestOf({ kinds: ['trades', 'quotes'], strikes: 7, to: '2025-11-25' }),
    );
    const second = await bench.chosen();
    expect(second.length).toBe(first.length + 8);
    expect(more.counts).toMatchObject({
      trades: { inserted: 8 * MARKET.trades, duplicate: 0 },
      quotes: { inserted: second.length * MARKET.quotes, duplicate: 0 },
    });
    expect(Object.keys(more.counts)).not.toContain('minute');
    // Fewer strikes than are there leave nothing to do.
    bench.vendor().requests.length = 0;
    await bench.take(await bench.requestOf({ kinds: ['trades'], strikes: 2, to: '2025-11-25' }));
    expect(bench.vendor().requests).toEqual([]);
  });

  it('keep cancelled, empty, odd and misplaced ticks as dead letters', async () => {
    await bench.take(await bench.requestOf({ to: '2025-11-25' }));
    const at = (ms: number): string => `${Date.parse('2025-11-25T15:00:00Z') + ms}000123`;
    const bad = [
      `{"price":1.5,"size":2,"sip_timestamp":${at(0)},"correction":8}`,
      `{"price":1.5,"size":0,"sip_timestamp":${at(1)}}`,
      `{"price":-1,"size":1,"sip_timestamp":${at(2)}}`,
      '{"price":1.5,"size":1,"sip_timestamp":1.7640828e18}',
      `{"price":1.5,"size":1,"sip_timestamp":${Date.parse('2025-11-25T12:00:00Z')}000000}`,
      '"__proto__"',
      `{"price":1.25,"size":3,"sip_timestamp":${at(3)},"correction":1}`,
    ];
    bench.vendor().fault(/\/v3\/trades/, { status: 200, body: `{"results":[${bad.join(',')}]}` });
    const request = await bench.requestOf({ kinds: ['trades'], strikes: 1, to: '2025-11-25' });
    const { counts } = await bench.take(request);
    const tickers = await bench.chosen();
    expect(counts.trades).toMatchObject({ inserted: (tickers.length - 1) * MARKET.trades + 1, rejected: 6 });
    const reasons = await bench.texts(
      "select reason from market.rejected_rows where feed = $1 || '-options' and source like 'massive:trades%' order by rejected_id",
    );
    expect(reasons).toEqual([
      'the vendor cancelled or corrected this trade (correction 8)',
      's is no size',
      'p is no price',
      'sip_timestamp is no time in nanoseconds',
      'outside the hours that were asked for',
      'not an object',
    ]);
  });
});
