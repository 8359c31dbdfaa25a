-- Derived from facts and keyed by them: composing again writes nothing, and a backtest, which nobody is told of, pays nothing.
create or replace function ops.compose_messages(p_now timestamp) returns integer
language plpgsql volatile
as $$
declare
  -- Longer than a weekend: what happened while no sender ran is told still, and older history is not.
  v_since constant timestamp := p_now - interval '3 days';
  v_written integer;
begin
  with live as materialized (
    select r.run_id, r.account, r.strategy, r.ts_from, r.ts_to
    from trade.runs r
    where r.mode = 'live' and r.ts_to > v_since and r.ts_from <= p_now
  ), entries as (
    select
      p.ts_entry as ts,
      format('entry-%s-%s', p.position_id, p.instrument_id) as key,
      'info' as severity,
      'entry' as kind,
      format(
        '%s: sold %s %s at %s (%s), %s', ops.message_subject(l.run_id), p.opened_qty, ops.contract_label(p.instrument_id),
        round(p.opened_notional_e4 / p.opened_qty / 10000, 2), p.reason, to_char(p.ts_entry, 'HH24:MI:SS')
      ) as text
    from live l
    cross join lateral (
      -- A spread is told as one, at the price of the whole.
      select
        x.position_id, d.instrument_id, d.reason, min(x.ts_entry) as ts_entry, max(x.opened_qty) as opened_qty, max(abs(x.qty)) as qty,
        sum(case x.side when 'sell' then x.opened_notional_e4 else -x.opened_notional_e4 end) as opened_notional_e4
      from trade.positions x
      join trade.decisions d on d.decision_id = x.position_id
      where x.run_id = l.run_id and x.opened_qty > 0 and x.ts_entry > v_since
      group by x.position_id, d.instrument_id, d.reason
    ) p
    where p.ts_entry <= p_now
      -- Texts are made of what has not been told yet: this runs every other second.
      and not exists (
        select from ops.alert_outbox o where o.key = format('entry-%s-%s', p.position_id, p.instrument_id)
      )
      -- Its quantity is known when nothing of the order works any more; a minute is enough to wait for that.
      and (
        p.ts_entry <= p_now - interval '1 minute' or p.qty = 0
        or not exists (
          select from trade.orders o
          where o.position_id = p.position_id and o.purpose = 'entry' and not trade.is_over(o.state)
        )
      )
  ), trips as (
    select t.*, sum(t.net) over (partition by l.account, l.strategy, t.session_date order by t.ts_exit, t.position_id) as day_net
    from live l
    cross join lateral (
      select x.* from trade.round_trips x where x.run_id = l.run_id and x.ts_exit > v_since and x.ts_exit <= p_now
    ) t
  ), exits as (
    select
      t.ts_exit,
      format('exit-%s-%s', t.position_id, t.instrument_id),
      'info',
      'exit',
      format(
        '%s: closed %s %s at %s (%s), net %s, day %s, %s', ops.message_subject(t.run_id), t.qty, ops.contract_label(t.instrument_id),
        round(t.closed_notional_e4 / t.qty / 10000, 2), t.exit_reason, to_char(t.net, 'FM999,999,990.00'),
        to_char(t.day_net, 'FM999,999,990.00'), to_char(t.ts_exit, 'HH24:MI:SS')
      )
    from trips t
    where not exists (
      select from ops.alert_outbox o where o.key = format('exit-%s-%s', t.position_id, t.instrument_id)
    )
  ), sessions as (
    -- A run that is replaced in mid-session shares its day with the one after it.
    select l.account, l.strategy, s.session_date, s.ts_option_close, array_agg(l.run_id order by l.run_id) as run_ids
    from live l
    join ref.sessions s on s.ts_open < l.ts_to and s.ts_close > l.ts_from
    where s.ts_option_close > v_since and s.ts_option_close + interval '1 minute' <= p_now
      and not exists (
        select from ops.alert_outbox o where o.key = format('day-%s-%s-%s', l.account, l.strategy, s.session_date)
      )
    group by l.account, l.strategy, s.session_date, s.ts_option_close
  ), days as (
    select
      s.ts_option_close,
      format('day-%s-%s-%s', s.account, s.strategy, s.session_date),
      case when h.contracts is null then 'info' else 'warning' end,
      'day',
      format(
        '%s: end of %s, net %s (gross %s, fees %s), %s trades, %s won%s', ops.message_subject(s.run_ids[array_upper(s.run_ids, 1)]),
        s.session_date, to_char(coalesce(m.net, 0), 'FM999,999,990.00'), to_char(coalesce(m.gross, 0), 'FM999,999,990.00'),
        to_char(coalesce(m.fees, 0), 'FM999,999,990.00'), m.trades, m.wins, '; STILL OPEN: ' || h.contracts
      )
    from sessions s
    cross join lateral (
      select
        count(*) as trades, count(*) filter (where t.net > 0) as wins, sum(t.gross) as gross, sum(t.fees) as fees, sum(t.net) as net
      from trade.round_trips t
      where t.run_id = any (s.run_ids) and t.session_date = s.session_date
    ) m
    cross join lateral (
      select string_agg(abs(p.qty) || ' ' || ops.contract_label(p.instrument_id), ', ') as contracts
      from trade.positions p
      where p.run_id = any (s.run_ids) and p.qty <> 0
    ) h
  ), switches as (
    -- The key that trade.halt gives its own: what it has told is not told twice.
    select
      c.ts,
      format('%s-%s-%s', case when c.halted then 'halt' else 'resume' end, coalesce(c.account, 'all'), c.ts),
      case when c.halted then 'critical' else 'info' end,
      'alert',
      format(
        'entries %s on %s: %s', case when c.halted then 'are halted' else 'may go on' end, coalesce(c.account, 'all accounts'), c.reason
      )
    from trade.controls c
    where c.ts > v_since and c.ts <= p_now
      and (c.account is null or c.account not like 'backtest-%' and c.account not like 'replay-%')
  ), messages as (
    select * from entries
    union all
    select * from exits
    union all
    select * from days
    union all
    select * from switches
  )
  insert into ops.alert_outbox (ts, key, severity, kind, text)
  select m.ts, m.key, m.severity, m.kind, m.text
  from messages m
  where not exists (select from ops.alert_outbox o where o.key = m.key)
  order by m.ts, m.kind, m.key
  on conflict on constraint alert_outbox_key do nothing;
  get diagnostics v_written = row_count;
  return v_written;
end
$$;
comment on function ops.compose_messages(timestamp) is
  'Writes the messages that the facts up to p_now (Eastern) call for and that were not written yet, of the last three days: entries and exits of live runs '
  '(paper ones included), the end of each day with its P/L, halts. Returns their number. Alarms are ops.compose_alarms().';
grant execute on function ops.compose_messages(timestamp) to job_runner;
