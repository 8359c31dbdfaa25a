create or replace function trade.orders_since(p_orders timestamp[], p_ts timestamp) returns integer
language sql immutable
return coalesce(cardinality(p_orders) - width_bucket(p_ts, p_orders), 0);
comment on function trade.orders_since(timestamp[], timestamp) is 'How many of the times, which ascend, are after p_ts.';
grant execute on function trade.orders_since(timestamp[], timestamp) to job_runner;
