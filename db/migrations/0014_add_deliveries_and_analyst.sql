-- Messages to people: what was said stays as it was written; what each channel has delivered stands beside it.
alter table ops.alert_outbox drop column ts_sent;
alter table ops.alert_outbox
  add column kind text not null default 'alert'
    constraint alert_outbox_kind_check check (kind in ('entry', 'exit', 'day', 'alert'));
create index alert_outbox_ts_idx on ops.alert_outbox (ts);
comment on table ops.alert_outbox is
  'Messages to people, deduplicated by key; ops.message_deliveries says where they have gone. Facts, append-only. Written by all processes and by '
  'ops.compose_messages.';
comment on column ops.alert_outbox.kind is 'entry, exit, day (the end of one, with its P/L) or alert.';

create table ops.message_deliveries (
  alert_id bigint not null constraint message_deliveries_alert_fk references ops.alert_outbox (alert_id),
  channel text not null,
  attempts integer not null,
  ts_tried timestamp not null,
  ts_next timestamp,
  ts_sent timestamp,
  error text,
  constraint message_deliveries_pk primary key (alert_id, channel),
  constraint message_deliveries_next_check check (ts_sent is null or ts_next is null)
);
comment on table ops.message_deliveries is
  'Deliveries of messages by channel. No row: not tried yet. Sent is what was acknowledged, so a message may arrive twice and is never lost. Written by '
  'strikebase messages send.';
comment on column ops.message_deliveries.alert_id is 'ops.alert_outbox.';
comment on column ops.message_deliveries.channel is 'telegram or webhook.';
comment on column ops.message_deliveries.attempts is 'How often it was tried.';
comment on column ops.message_deliveries.ts_tried is 'When it was tried last, Eastern.';
comment on column ops.message_deliveries.ts_next is 'When it is tried again, Eastern; null: it was sent, or is given up because the channel refuses this very message.';
comment on column ops.message_deliveries.ts_sent is 'When it was acknowledged, Eastern; null before.';
comment on column ops.message_deliveries.error is 'Of the last attempt, without any secret; null after a success.';

select engine.make_append_only('ops.alert_outbox');
revoke update on ops.alert_outbox from ingest_writer, job_runner;
grant select, insert, update on ops.message_deliveries to job_runner;
grant select on ops.message_deliveries to backup;

-- Analysts read what Grafana reads. The role cannot log in before `strikebase migrate` has found ANALYST_PASSWORD.
do $$
begin
  if not exists (select from pg_catalog.pg_roles where rolname = 'analyst') then
    create role analyst nologin;
  end if;
exception
  when duplicate_object or unique_violation then null;
end
$$;
do $$
begin
  -- The role belongs to the whole server: another database of this product may have made it already.
  if not pg_has_role('analyst', 'grafana_reader', 'member') then
    grant grafana_reader to analyst;
  end if;
end
$$;
