create or replace function signal.period_rows(p_from timestamp, p_to timestamp, p_context signal.context)
returns setof signal.period_values
language sql stable
as $$
  -- In one statement with the rule's own: of the two halves, the one that is not meant is not begun.
  select b.* from signal.build_periods(p_from, p_to, p_context) b where (p_context).run_id is null
  union all
  select
    p.ts, p.session_date, p.open_e4, p.high_e4, p.low_e4, p.close_e4, p.volume_e6, p.notional_e12, p.tick_count,
    p.vwap_is_typical, p.vwap_e6, p.session_vwap_e6, p.ma_sum_e4, p.ma_e6
  from signal.periods p
  where p.run_id = (p_context).run_id
    and p.instrument_id = (p_context).instrument_id
    and p.ts > p_from
    and p.ts <= p_to
    and p.revision = 0
$$;
comment on function signal.period_rows(timestamp, timestamp, signal.context) is
  'The periods that a rule reads, closing in (p_from, p_to], in no certain order: those that the run has stored (revision 0, what the rules saw), or built anew '
  'where there is no run.';
grant execute on function signal.period_rows(timestamp, timestamp, signal.context) to job_runner;
