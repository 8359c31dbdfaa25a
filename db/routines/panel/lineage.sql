create or replace function panel.lineage(p_fill_id bigint) returns setof panel.fill_lineage
language sql stable
as $$
  select l.* from panel.fill_lineage l where l.fill_id = p_fill_id order by l.tick_ts_event, l.tick_seq
$$;
comment on function panel.lineage(bigint) is
  'From a fill back to its intent, decision, signal, period and the ticks under it, one row per tick; columns as in panel.fill_lineage.';
grant execute on function panel.lineage(bigint) to grafana_reader, job_runner, backup;
