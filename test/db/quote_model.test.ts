// Modelled quotes: the figures of docs/quote-model.md, no look-ahead, any slicing, and what is refused.
import { beforeAll, describe, expect, test } from 'vitest';
import { useDatabase } from '../harness.ts';

const db = useDatabase();

interface Ids {
  readonly qqq: number;
  readonly vix: number;
  readonly bars: number;
  readonly daily: number;
  readonly recorded: number;
}
let ids: Ids;

async function one<T>(sql: string, values: readonly unknown[] = []): Promise<T> {
  const { rows } = await db.pool().query<{ value: T }>(sql, [...values]);
  if (rows[0] === undefined) throw new Error(`no row: ${sql}`);
  return rows[0].value;
}

function feed(name: string, kind: string, source: string): Promise<number> {
  return one('select ref.feed_id($1, $2, 60000, $3, 90000) as value', [name, kind, source]);
}

let feeds = 0;
/** A feed for modelled quotes that no other test writes to. */
function quoteFeed(): Promise<number> {
  feeds += 1;
  return feed(`modelled-${feeds}`, 'option', 'modelled');
}

async function addVix(date: string, close: number): Promise<void> {
  await db
    .pool()
    .query('insert into market.daily_bars values ($1, $2, $3::date, $4, $4, $4, $4, 0, $3::date)', [
      ids.vix,
      ids.daily,
      date,
      close * 10_000,
    ]);
}

/** Minute bars: start and close; the range is two cents around it. */
async function addBars(
  date: string,
  bars: readonly (readonly [start: string, close: number])[],
): Promise<void> {
  await db.pool().query(
    `insert into market.equity_ticks
     select $1, $2, $3::date + (b ->> 0)::time, 0, 0, 60000, px, px + 100, px - 100, px, px * 100, false, 0, 1, $3::date
     from jsonb_array_elements($4) as b cross join lateral (select round((b ->> 1)::numeric * 10000)::integer as px) as p`,
    [ids.qqq, ids.bars, date, JSON.stringify(bars)],
  );
}

interface Call {
  readonly from: string;
  readonly to: string;
  readonly feed: number;
  readonly model?: object;
}

async function model({ from, to, feed: quotes, model: overrides = {} }: Call): Promise<number> {
  const written = await one<string>('select market.model_option_quotes($1, $2, $3, $4, $5, $6) as value', [
    from,
    to,
    ids.qqq,
    ids.bars,
    quotes,
    overrides,
  ]);
  return Number(written);
}

interface Quote {
  readonly ts: string;
  readonly kind: string;
  readonly strike: number;
  readonly bid: number | null;
  readonly ask: number;
}

async function quotesOf(feedId: number): Promise<Quote[]> {
  const { rows } = await db.pool().query<Quote>(
    `select to_char(q.ts_event, 'MM-DD HH24:MI:SS') as ts, i.option_kind as kind, i.strike_e4 / 10000 as strike,
            q.bid_px_e4 as bid, q.ask_px_e4 as ask
     from market.option_quotes q join ref.instruments i using (instrument_id)
     where q.feed_id = $1 order by q.ts_event, i.strike_e4, i.option_kind`,
    [feedId],
  );
  return rows;
}

const DAY = { from: '2026-02-11 00:00', to: '2026-02-12 00:00' };

beforeAll(async () => {
  ids = {
    qqq: await one("select instrument_id as value from ref.instrument_ids('{QQQ}', 'equity')"),
    vix: await one("select instrument_id as value from ref.instrument_ids('{VIX}', 'index')"),
    bars: await feed('bars-60s', 'equity', 'recorded'),
    daily: await one("select ref.feed_id('cboe-daily', 'equity', 86400000, 'recorded', 90000) as value"),
    recorded: await feed('recorded-60s', 'option', 'recorded'),
  };
  await addVix('2026-02-10', 18);
  // 360 and 359 minutes before the close, the last minute, and a closing cross that belongs to no session minute.
  await addBars('2026-02-11', [
    ['09:59', 600],
    ['10:00', 601],
    ['15:59', 600.25],
    ['16:00', 700],
  ]);
});

test('quotes stand at each minute’s end for every dollar strike of the range and two beyond', async () => {
  const feedId = await quoteFeed();
  // Strikes 597 to 604 around [599.99, 601.01].
  expect(await model({ ...DAY, feed: feedId })).toBe(3 * 8 * 2);
  const quotes = await quotesOf(feedId);
  expect([...new Set(quotes.map((quote) => quote.ts))]).toEqual([
    '02-11 10:00:00',
    '02-11 10:01:00',
    '02-11 16:00:00',
  ]);
  expect([...new Set(quotes.map((quote) => quote.strike))]).toEqual([597, 598, 599, 600, 601, 602, 603, 604]);
  const { rows } = await db.pool().query(
    `select distinct symbol, expiration::text, root, multiplier, seq::integer, event_ns, ask_sz, ts_recv = ts_event as at_once
     from market.option_quotes q join ref.instruments i using (instrument_id)
     where feed_id = $1 and strike_e4 = 6000000 and option_kind = 'call'`,
    [feedId],
  );
  expect(rows).toEqual([
    {
      symbol: 'QQQ   260211C00600000',
      expiration: '2026-02-11',
      root: 'QQQ',
      multiplier: 100,
      seq: 0,
      event_ns: 0,
      ask_sz: 50,
      at_once: true,
    },
  ]);
});

// Computed outside from the document, with mpmath: theoretical 2.05357 (call 600), 0.54118 (put 595), 0.40602 (call 605) and
// 5.38945 (put 605) at 10:00; 2.25 for the call 598 at the close.
test.each([
  ['10:00', 'call', 600, 20_400, 20_700],
  ['10:00', 'put', 595, 5_300, 5_500],
  ['10:00', 'call', 605, 4_000, 4_200],
  ['10:00', 'put', 605, 53_600, 54_200],
  ['16:00', 'call', 598, 22_300, 22_700],
  ['16:00', 'put', 598, null, 100],
])('at %s the %s %d is quoted as the document says', async (time, kind, strike, bid, ask) => {
  const feedId = await quoteFeed();
  await model({ ...DAY, feed: feedId, model: { strike_margin: 6 } });
  const quotes = await quotesOf(feedId);
  expect(quotes.find((q) => q.ts === `02-11 ${time}:00` && q.kind === kind && q.strike === strike)).toEqual({
    ts: `02-11 ${time}:00`,
    kind,
    strike,
    bid,
    ask,
  });
});

test('every quote has an ask above its bid, whole cents, and falls or rises with the strike as it must', async () => {
  const feedId = await quoteFeed();
  await model({ ...DAY, feed: feedId, model: { strike_margin: 40 } });
  const { rows } = await db.pool().query(
    `select * from (
       select i.symbol, q.ts_event, q.bid_px_e4, q.ask_px_e4, q.bid_sz, i.option_kind,
              lag(q.ask_px_e4) over chain as ask_before, coalesce(lag(q.bid_px_e4) over chain, 0) as bid_before
       from market.option_quotes q join ref.instruments i using (instrument_id)
       where q.feed_id = $1
       window chain as (partition by q.ts_event, i.option_kind order by i.strike_e4 * case option_kind when 'put' then 1 else -1 end)
     ) as chains
     where (
       ask_px_e4 > coalesce(bid_px_e4, 0) and ask_px_e4 % 100 = 0 and coalesce(bid_px_e4, 100) % 100 = 0
       and (bid_px_e4 is null) = (bid_sz is null) and coalesce(bid_px_e4, 1) > 0
       and coalesce(ask_px_e4 >= ask_before, true) and coalesce(bid_px_e4, 0) >= bid_before
     ) is not true`,
    [feedId],
  );
  expect(rows).toEqual([]);
});

test('a second call writes nothing', async () => {
  const feedId = await quoteFeed();
  await model({ ...DAY, feed: feedId });
  const before = await quotesOf(feedId);
  expect(await model({ ...DAY, feed: feedId })).toBe(0);
  expect(await quotesOf(feedId)).toEqual(before);
});

test('a session cut into minutes gives the same rows as in one call', async () => {
  const [whole, cut] = [await quoteFeed(), await quoteFeed()];
  await model({ ...DAY, feed: whole });
  for (const [from, to] of [
    ['09:30', '10:00'],
    ['10:00', '10:00:30'],
    ['10:00:30', '15:59:30'],
    ['15:59:30', '17:00'],
  ]) {
    await model({ from: `2026-02-11 ${from}`, to: `2026-02-11 ${to}`, feed: cut });
  }
  // The 15:59 bar starts before the last cut: it belongs to the slice in which it starts.
  expect(await quotesOf(cut)).toEqual(await quotesOf(whole));
});

test('later bars and later volatility change no quote that stands', async () => {
  await addVix('2026-03-02', 20);
  await addBars('2026-03-03', [
    ['09:30', 600],
    ['09:31', 600.5],
  ]);
  const [early, late] = [await quoteFeed(), await quoteFeed()];
  const range = { from: '2026-03-03 09:30', to: '2026-03-03 09:32' };
  await model({ ...range, feed: early });
  await addVix('2026-03-03', 60);
  await addBars('2026-03-03', [['12:00', 580]]);
  await model({ ...range, feed: late });
  const before = await quotesOf(early);
  const strikes = new Set(before.map((quote) => quote.strike));
  // The wider range adds strikes; those that were there keep their quotes.
  const after = await quotesOf(late);
  expect(after.length).toBeGreaterThan(before.length);
  expect(after.filter((quote) => strikes.has(quote.strike))).toEqual(before);
});

test('a range without bars or without a session gives no rows', async () => {
  const feedId = await quoteFeed();
  expect(await model({ from: '2026-02-12', to: '2026-02-13', feed: feedId })).toBe(0);
  expect(await model({ from: '2026-02-14', to: '2026-02-16', feed: feedId })).toBe(0);
  expect(await model({ from: '2026-02-11', to: '2026-02-11', feed: feedId })).toBe(0);
});

test('on a half day time runs to 13:00, and nothing is quoted after it', async () => {
  await addVix('2025-11-26', 18);
  // An index print on Thanksgiving is passed over.
  await addVix('2025-11-27', 90);
  await addBars('2025-11-28', [
    ['12:59', 600.25],
    ['13:00', 600.25],
  ]);
  const feedId = await quoteFeed();
  await model({ from: '2025-11-28', to: '2025-11-29', feed: feedId });
  const quotes = await quotesOf(feedId);
  expect([...new Set(quotes.map((quote) => quote.ts))]).toEqual(['11-28 13:00:00']);
  expect(quotes.find((q) => q.kind === 'call' && q.strike === 598)).toMatchObject({
    bid: 22_300,
    ask: 22_700,
  });
});

test('job_runner may model quotes', async () => {
  const feedId = await quoteFeed();
  const client = await db.pool().connect();
  try {
    await client.query('begin');
    await client.query('set local role job_runner');
    const { rows } = await client.query('select market.model_option_quotes($1, $2, $3, $4, $5) as n', [
      DAY.from,
      DAY.to,
      ids.qqq,
      ids.bars,
      feedId,
    ]);
    expect(Number(rows[0].n)).toBe(48);
  } finally {
    await client.query('rollback');
    client.release();
  }
});

describe('refused are', () => {
  test('a session without the volatility index of the session before', async () => {
    await addBars('2026-02-18', [['10:00', 600]]);
    await addVix('2026-02-13', 18);
    const call = model({ from: '2026-02-18', to: '2026-02-19', feed: await quoteFeed() });
    await expect(call).rejects.toMatchObject({ code: 'SB006' });
  });

  test('a feed of recorded quotes', async () => {
    await expect(model({ ...DAY, feed: ids.recorded })).rejects.toMatchObject({ code: 'SB007' });
  });

  test('a constant that the model does not have, or one without a value', async () => {
    const feedId = await quoteFeed();
    await expect(model({ ...DAY, feed: feedId, model: { skewness: 1 } })).rejects.toMatchObject({
      code: 'SB008',
    });
    await expect(model({ ...DAY, feed: feedId, model: { skew: null } })).rejects.toMatchObject({
      code: 'SB008',
    });
  });

  test('an underlying without an option series', async () => {
    const sql = 'select market.model_option_quotes($1, $2, $3, $4, $5, $6)';
    const values = [DAY.from, DAY.to, ids.vix, ids.bars, await quoteFeed(), { index_ratio: 1 }];
    await expect(db.pool().query(sql, values)).rejects.toMatchObject({ code: 'SB007' });
  });
});
