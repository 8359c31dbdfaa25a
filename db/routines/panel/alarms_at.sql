-- What a person should be woken for, one row each, whether it is so or not. Reads views of this schema alone: a function runs with its reader's rights.
create or replace function panel.alarms_at(p_now timestamp)
returns table (alarm text, value double precision, threshold double precision, is_firing boolean, detail text)
language sql stable
as $$
  with open_session as (
    select s.session_date, s.ts_open, s.ts_close
    from panel.sessions s
    where s.session_date = p_now::date and s.ts_open <= p_now and p_now < s.ts_close
  ), live as (
    select r.run_id, r.account, r.broker, c.max_day_loss, c.tick_feed_id, c.quote_feed_id
    from panel.runs r
    join panel.run_choices c on c.run_id = r.run_id
    where r.mode = 'live' and r.outcome = 'open' and r.ts_from <= p_now and p_now < r.ts_to
  ), today as (
    -- The day's limits span all of an account's runs of the day.
    select r.run_id, r.account, r.broker, c.strategy, c.max_day_loss
    from panel.runs r
    join panel.run_choices c on c.run_id = r.run_id
    where r.mode = 'live' and r.ts_from < p_now::date + interval '1 day' and r.ts_to > p_now::date
  ), stale as (
    select max(extract(epoch from p_now - greatest(m.ts_recv, o.ts_open))) as value, string_agg(m.feed || ' ' || m.stream, ', ') as detail
    from live l
    cross join open_session o
    join panel.streams m on m.feed_id in (l.tick_feed_id, l.quote_feed_id)
  ), undecided as (
    select
      max(extract(epoch from p_now - greatest(d.ts, o.ts_open))) as value,
      string_agg('run ' || l.run_id, ', ') as detail
    from live l
    cross join open_session o
    cross join lateral (
      select max(x.ts) as ts from panel.decisions x
      where x.run_id = l.run_id and x.kind = 'entry' and x.ts >= o.ts_open and x.ts <= p_now
    ) d
  ), unknown as (
    select count(*) as value, string_agg(x.contract || ' ' || x.purpose, ', ') as detail
    from panel.orders x
    where x.run_id = any (array(select t.run_id from today t)) and x.state = 'unknown'
  ), mismatch as (
    select count(*) as value, string_agg(t.account || ': ' || r.detail, ', ') as detail
    from (select distinct y.account from today y where y.broker <> 'paper') t
    cross join lateral (
      select x.is_ok, x.detail from panel.reconciliations x
      where x.account = t.account and x.ts <= p_now order by x.ts desc, x.reconciliation_id desc limit 1
    ) r
    where not r.is_ok
  ), losses as (
    select t.account, t.strategy, sum(n.net) as net, min(t.max_day_loss) as max_day_loss
    from today t
    cross join lateral (
      select sum(x.net) as net from panel.round_trips x where x.run_id = t.run_id and x.ts_exit >= p_now::date and x.ts_exit <= p_now
    ) n
    group by t.account, t.strategy
  ), loss as (
    select
      max(greatest(-x.net, 0) / x.max_day_loss) as value,
      string_agg(format('%s %s: %s of %s', x.account, x.strategy, round(x.net, 2), -x.max_day_loss), ', ') as detail
    from losses x
  ), halted as (
    select count(*) as value, string_agg(x.account || ': ' || x.reason, ', ') as detail
    from panel.halts x
    where x.halted and (x.account = 'all accounts' or x.account in (select t.account from today t))
  ), token as (
    select count(*) as value, string_agg(x.detail, ', ') as detail
    from panel.readiness x
    where x.name = 'broker token' and not x.ok
  ), waiting as (
    select max(extract(epoch from p_now - p.ts_exit_decision)) as value, string_agg(p.contract || ' ' || p.exit_reason, ', ') as detail
    from panel.positions p
    where p.run_id = any (array(select t.run_id from today t)) and p.is_open and p.ts_exit_decision <= p_now
  ), judged as (
    select 1 as nr, 'stale_feed' as alarm, s.value, 30 as threshold, s.detail from stale s
    union all
    select 2, 'missing_decision', u.value, 150, u.detail from undecided u
    union all
    select 3, 'unknown_order', u.value, 1, u.detail from unknown u
    union all
    select 4, 'position_mismatch', m.value, 1, m.detail from mismatch m
    union all
    select 5, 'exit_not_filled', w.value, 30, w.detail from waiting w
    union all
    select 6, 'day_loss', l.value, 1, l.detail from loss l
    union all
    select 7, 'halt', h.value, 1, h.detail from halted h
    union all
    select 8, 'token_life', t.value, 1, t.detail from token t
  )
  select
    j.alarm,
    coalesce(j.value, 0)::double precision,
    j.threshold::double precision,
    coalesce(j.value >= j.threshold, false),
    coalesce(j.detail, '')
  from judged j
  order by j.nr
$$;
comment on function panel.alarms_at(timestamp) is
  'Every alarm at an Eastern time, firing or not: stale_feed (seconds without a row on a feed of an open live run, in market hours), missing_decision (seconds '
  'since its last entry decision), unknown_order, position_mismatch (numbers), exit_not_filled (seconds since the exit was decided), day_loss (share of the day''s '
  'limit that is lost), halt, token_life (broker login below 24 hours). It fires at its threshold.';
grant execute on function panel.alarms_at(timestamp) to grafana_reader, job_runner, backup;
