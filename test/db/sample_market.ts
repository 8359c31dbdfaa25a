// A made-up market for tests of whole runs: minute bars of QQQ that cross their average often, and modelled option quotes.
import type pg from 'pg';
import type { EasternUs } from '../../core/eastern_time.ts';
import { parseEastern } from '../../core/eastern_time.ts';

export const SAMPLE_DATES = ['2025-10-06', '2025-10-07'] as const;
export const SAMPLE_FEED = 'sample-60s';
export const SAMPLE_QUOTES = 'modelled-60s';

/** Eastern time of a text; throws on one that is none. */
export function at(text: string): EasternUs {
  const us = parseEastern(text);
  if (us === null) throw new Error(`not a time: ${text}`);
  return us;
}

/** Fills an empty database with two sessions. */
export async function addSampleMarket(pool: pg.Pool): Promise<void> {
  await pool.query(`
    select ref.instrument_ids(array['QQQ'], 'equity'), ref.instrument_ids(array['VIX'], 'index');
    select ref.feed_id('${SAMPLE_FEED}', 'equity', 60000, 'recorded', 90000),
      ref.feed_id('cboe-daily', 'equity', 86400000, 'recorded', 90000),
      ref.feed_id('${SAMPLE_QUOTES}', 'option', 60000, 'modelled', 90000);
    insert into market.daily_bars (
      instrument_id, feed_id, bar_date, open_e4, high_e4, low_e4, close_e4, volume_e6, ts_recv
    )
    select i.instrument_id, f.feed_id, s.session_date, 160000, 170000, 150000, 165000, 0, s.ts_close
    from ref.sessions s, ref.instruments i, ref.feeds f
    where i.symbol = 'VIX' and f.name = 'cboe-daily' and s.session_date >= '2025-10-01' and s.session_date < '2025-10-08';
    insert into market.equity_ticks (
      instrument_id, feed_id, ts_event, seq, event_ns, span_ms, open_e4, high_e4, low_e4, close_e4, vwap_e6, vwap_is_typical,
      volume_e6, trade_count, ts_recv
    )
    select i.instrument_id, f.feed_id, m.ts, 0, 0, 60000, p.px, p.px + 900, p.px - 900, p.px + (n % 7 - 3) * 100,
      p.px * 100 + (n % 5 - 2) * 1000, false, (1000 + n % 13) * 1000000, 10, m.ts + interval '1 minute'
    from ref.sessions s
    cross join lateral generate_series(s.ts_open, s.ts_close - interval '1 minute', interval '1 minute') with ordinality as m (ts, n)
    cross join lateral (select (6000000 + 30000 * sin(n / 9.0) + 4000 * sin(n * 1.7))::integer as px) as p
    cross join ref.instruments i
    cross join ref.feeds f
    where i.symbol = 'QQQ' and f.name = '${SAMPLE_FEED}' and s.session_date = any ('{${SAMPLE_DATES.join(',')}}'::date[]);
    select market.model_option_quotes('2025-10-06', '2025-10-08', i.instrument_id, t.feed_id, q.feed_id)
    from ref.instruments i, ref.feeds t, ref.feeds q
    where i.symbol = 'QQQ' and t.name = '${SAMPLE_FEED}' and q.name = '${SAMPLE_QUOTES}';
  `);
}
