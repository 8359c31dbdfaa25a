// panel.last_quotes: the newest quote of every contract in a range, near the feed's mark or far behind it.
import { beforeAll, expect, test } from 'vitest';
import { addMs } from '../../../core/eastern_time.ts';
import { useBench } from '../support/connections.ts';
import { addQuotes, contract, createMarket, eastern, type Market } from '../support/market.ts';

const bench = useBench();
const EXPIRATION = '2026-03-20';
const AT = (time: string): string => `${EXPIRATION} ${time}`;
let market: Market;

/** A quote of `label` at `time` that bids `bid` dollars. */
function quote(label: string, time: string, bid: number, seq = 1) {
  const ts_event = eastern(AT(time));
  return {
    symbol: contract(label, EXPIRATION),
    ...{ ts_event, event_ns: 0, seq, bid_px_e4: bid * 10_000, ask_px_e4: bid * 10_000 + 500 },
    ...{ bid_sz: 10, ask_sz: 20, ts_recv: addMs(ts_event, 10) },
  };
}

/** `C600 12:00:00 1.5` of every contract found, as grafana_reader sees it. */
async function found(from: string, to: string, feed = market.quoteFeed): Promise<string[]> {
  const { rows } = await bench.owner().query<{ text: string }>(
    `select concat(case option_kind when 'call' then 'C' else 'P' end, strike::float8, ' ', to_char(ts, 'HH24:MI:SS'), ' ', bid::float8) as text
     from panel.last_quotes('QQQ', $1, $2, $3, $4)
     order by 1`,
    [feed, EXPIRATION, AT(from), AT(to)],
  );
  return rows.map(({ text }) => text);
}

beforeAll(async () => {
  market = await createMarket(bench.owner());
  await addQuotes(market, [
    quote('C600', '09:40:00', 1),
    quote('C600', '11:59:59.5', 1.5, 7),
    quote('C600', '11:59:59.5', 1.6, 8),
    quote('C601', '11:59:59', 2),
    quote('P600', '11:59:58.999999', 3),
    quote('P601', '09:35:00', 4),
    quote('P602', '09:29:00', 5),
  ]);
});

const ALL = ['C600 11:59:59 1.6', 'C601 11:59:59 2', 'P600 11:59:58 3', 'P601 09:35:00 4'];

test('of a feed that has no mark', async () => {
  expect(await found('09:30', '16:15')).toEqual(ALL);
});

test('and of one that has: those of the last second before the mark, and those behind it', async () => {
  await bench
    .owner()
    .query(
      `insert into ops.stream_marks (feed_id, stream, ts_high_water, ts_recv, rows_in) values ($1, 'options', $2, $2, 7)`,
      [market.quoteFeedId, AT('12:00:00')],
    );
  expect(await found('09:30', '16:15')).toEqual(ALL);
  // A range that ends before the mark, begins in its last second, or lies behind it.
  expect(await found('09:30', '11:59:59.4')).toEqual([
    'C600 09:40:00 1',
    'C601 11:59:59 2',
    'P600 11:59:58 3',
    'P601 09:35:00 4',
  ]);
  expect(await found('11:59:59.2', '16:15')).toEqual(['C600 11:59:59 1.6']);
  expect(await found('12:00:01', '16:15')).toEqual([]);
});

test('a feed that nobody knows has none', async () => {
  expect(await found('09:30', '16:15', 'nobody')).toEqual([]);
});
