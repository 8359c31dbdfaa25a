-- Table 1 of the specification, with market.equity_ticks: the indicators of every session minute, for analysts, without any run.
create or replace view signal.equity_indicators as
with days as (
  select b.instrument_id, b.feed_id, s.session_date, s.ts_open, s.ts_close, max(b.ts_open) as ts_last
  from market.bars_1m b
  join ref.sessions s on s.session_date = b.ts_open::date and b.ts_open >= s.ts_open and b.ts_open < s.ts_close
  group by b.instrument_id, b.feed_id, s.session_date, s.ts_open, s.ts_close
), minutes as (
  -- Empty minutes too, up to the last bar: the average counts minutes, not bars.
  select d.instrument_id, d.feed_id, d.session_date, g.ts_open
  from days d
  cross join lateral generate_series(d.ts_open, d.ts_last, interval '1 minute') as g (ts_open)
), filled as (
  select
    m.*,
    b.close_e4,
    coalesce(b.volume_e6, 0) as volume_e6,
    coalesce(b.notional_e12, 0) as notional_e12,
    coalesce(b.vwap_is_typical, false) as vwap_is_typical,
    count(b.close_e4) over (partition by m.instrument_id, m.feed_id, m.session_date order by m.ts_open) as closes_so_far
  from minutes m
  left join market.bars_1m b
    on b.instrument_id = m.instrument_id and b.feed_id = m.feed_id and b.ts_open = m.ts_open
), carried as (
  select
    f.*,
    max(f.close_e4) over (partition by f.instrument_id, f.feed_id, f.session_date, f.closes_so_far) as last_close_e4
  from filled f
)
select
  c.instrument_id,
  c.feed_id,
  c.session_date,
  c.ts_open + interval '1 minute' as ts,
  c.last_close_e4 as close_e4,
  c.volume_e6,
  case when c.volume_e6 > 0 then div(2 * c.notional_e12 + c.volume_e6, 2 * c.volume_e6)::bigint end as vwap_e6,
  case
    when sum(c.volume_e6) over session > 0
    then div(2 * sum(c.notional_e12) over session + sum(c.volume_e6) over session, 2 * sum(c.volume_e6) over session)::bigint
  end as session_vwap_e6,
  case
    when count(c.last_close_e4) over nine = 9 then div(200 * sum(c.last_close_e4) over nine + 9, 18)::bigint
  end as ma9_e6,
  c.vwap_is_typical
from carried c
window
  session as (partition by c.instrument_id, c.feed_id, c.session_date order by c.ts_open),
  nine as (partition by c.instrument_id, c.feed_id, c.session_date order by c.ts_open rows 8 preceding);
comment on view signal.equity_indicators is
  'Session VWAP and MA9 of every session minute of every feed (table 1 of the specification, with market.equity_ticks), from market.bars_1m: equal to the '
  'latest revisions of a run''s one-minute periods. For analysts and panels; rules read ticks.';
comment on column signal.equity_indicators.instrument_id is 'ref.instruments.';
comment on column signal.equity_indicators.feed_id is 'ref.feeds.';
comment on column signal.equity_indicators.session_date is 'The session.';
comment on column signal.equity_indicators.ts is 'End of the minute, Eastern.';
comment on column signal.equity_indicators.close_e4 is 'Last price at the minute''s end, carried over empty minutes, 1/10,000 dollar.';
comment on column signal.equity_indicators.volume_e6 is 'Volume of the minute, 1/1,000,000 share.';
comment on column signal.equity_indicators.vwap_e6 is 'VWAP of the minute, 1/1,000,000 dollar; null without volume.';
comment on column signal.equity_indicators.session_vwap_e6 is 'VWAP since the open, 1/1,000,000 dollar.';
comment on column signal.equity_indicators.ma9_e6 is 'Simple mean of the last nine one-minute closes of the session, 1/1,000,000 dollar; null before the ninth.';
comment on column signal.equity_indicators.vwap_is_typical is 'True where a row without a VWAP, for which its typical price stands in, is under the minute.';
grant select on signal.equity_indicators to job_runner, backup;
