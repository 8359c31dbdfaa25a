create or replace view panel.order_steps as
select
  o.ts,
  r.strategy,
  o.run_id,
  o.purpose,
  o.attempt,
  extract(epoch from e.ts_submitted - o.ts)::double precision * 1000 as submitted_ms,
  extract(epoch from e.ts_accepted - e.ts_submitted)::double precision * 1000 as accepted_ms,
  extract(epoch from e.ts_filled - e.ts_submitted)::double precision * 1000 as filled_ms,
  o.intent_id
from trade.order_intents o
join trade.runs r on r.run_id = o.run_id
left join lateral (
  select
    min(x.ts) filter (where x.state = 'submitted') as ts_submitted,
    min(x.ts) filter (where x.state = 'accepted') as ts_accepted,
    min(x.ts) filter (where x.state in ('partially_filled', 'filled')) as ts_filled
  from trade.order_events x
  where x.intent_id = o.intent_id
) e on true;
comment on view panel.order_steps is 'How long each order took from step to step. Paper orders are submitted at the instant of their decision.';
comment on column panel.order_steps.ts is 'When the order intent was written in event time, Eastern.';
comment on column panel.order_steps.strategy is 'Strategy.';
comment on column panel.order_steps.run_id is 'panel.runs.';
comment on column panel.order_steps.purpose is 'entry, exit or protect.';
comment on column panel.order_steps.attempt is '1, 2, …';
comment on column panel.order_steps.submitted_ms is 'From the intent to its sending, milliseconds; null if never sent.';
comment on column panel.order_steps.accepted_ms is 'From sending to the broker''s acceptance, milliseconds.';
comment on column panel.order_steps.filled_ms is 'From sending to the first fill, milliseconds.';
comment on column panel.order_steps.intent_id is 'The order intent.';
grant select on panel.order_steps to grafana_reader, job_runner, backup;
