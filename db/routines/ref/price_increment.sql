create or replace function ref.price_increment(p_root text, p_px_e4 integer) returns integer
language sql stable parallel safe
as $$
  select coalesce(
    (select case when p_px_e4 < r.tick_threshold_e4 then r.tick_below_e4 else r.tick_above_e4 end
       from ref.option_roots r where r.root = p_root),
    case when p_px_e4 < 30000 then 100 else 500 end
  )
$$;
comment on function ref.price_increment(text, integer) is
  'Price increment of an option series at a premium, both in 1/10,000 dollar; 0.01 below 3.00 and 0.05 above where the root is unknown.';
grant execute on function ref.price_increment(text, integer) to ingest_writer, job_runner;
