-- Tradier: chain snapshots with what the vendor sent, its greeks beside ours, order previews, fees.
alter table market.chain_snapshots
  add column expiration date,
  add column delay_ms integer,
  add column source text,
  add column checksum text,
  add column payload bytea,
  drop constraint chain_snapshots_key,
  add constraint chain_snapshots_key unique nulls not distinct (underlying_id, feed_id, ts_event, expiration),
  add constraint chain_snapshots_payload_check check ((checksum is null) = (payload is null));
comment on table market.chain_snapshots is
  'A whole option chain at one instant: of all expirations, or of one where the vendor is asked by expiration. Facts, append-only. Written by ingest_writer.';
comment on column market.chain_snapshots.ts_event is
  'Instant of the snapshot, Eastern; of a scheduled one the instant for which it was due, and ts_recv says when it came.';
comment on column market.chain_snapshots.expiration is 'The expiration that it holds; null: all of them.';
comment on column market.chain_snapshots.delay_ms is
  'Receipt minus the newest quote''s own time, in milliseconds: 15 minutes in Tradier''s sandbox, seconds on a live account. Null where quotes have no time.';
comment on column market.chain_snapshots.source is 'Host and path that it was asked of, without keys; null for files.';
comment on column market.chain_snapshots.checksum is 'SHA-256 of the body as it was received, in hexadecimal.';
comment on column market.chain_snapshots.payload is 'The body as it was received, gzipped.';
create index chain_snapshots_time_idx on market.chain_snapshots (underlying_id, ts_event);

alter table market.option_snapshots
  add column bid_sz integer,
  add column ask_sz integer,
  add column ts_quote timestamp,
  add column bid_iv double precision,
  add column ask_iv double precision,
  add column smv_iv double precision,
  add column delta double precision,
  add column gamma double precision,
  add column theta double precision,
  add column vega double precision,
  add column rho double precision,
  add column ts_greeks timestamp;
comment on column market.option_snapshots.bid_sz is 'Contracts bid for.';
comment on column market.option_snapshots.ask_sz is 'Contracts offered.';
comment on column market.option_snapshots.ts_quote is 'The quote''s own time by the vendor, Eastern: the later of bid and ask.';
comment on column market.option_snapshots.implied_volatility is
  'As the source gives it, of the middle of the quote; 0.20 is 20 %. Null where the vendor cannot tell it (Tradier: 0).';
comment on column market.option_snapshots.bid_iv is 'Vendor''s, of the bid.';
comment on column market.option_snapshots.ask_iv is 'Vendor''s, of the ask.';
comment on column market.option_snapshots.smv_iv is 'Vendor''s, of its fitted surface (ORATS); there where the others are not.';
comment on column market.option_snapshots.delta is 'Vendor''s, per share; Tradier''s greeks are up to an hour old, ours are in signal.bs_greeks.';
comment on column market.option_snapshots.gamma is 'Vendor''s, per dollar.';
comment on column market.option_snapshots.theta is 'Vendor''s, dollars a day.';
comment on column market.option_snapshots.vega is 'Vendor''s, dollars per point of volatility.';
comment on column market.option_snapshots.rho is 'Vendor''s.';
comment on column market.option_snapshots.ts_greeks is 'When the vendor made them, Eastern.';

create table trade.order_previews (
  intent_id bigint constraint order_previews_pk primary key
    constraint order_previews_intent_fk references trade.order_intents (intent_id),
  ts timestamp not null,
  preview jsonb not null
);
comment on table trade.order_previews is
  'What the broker said of an order before it was sent: cost, margin, fees, or why it would not take it. Facts, append-only. Written by orders submit.';
comment on column trade.order_previews.intent_id is 'trade.order_intents.';
comment on column trade.order_previews.ts is 'When its outcome was recorded, Eastern.';
comment on column trade.order_previews.preview is 'The answer as it came.';
select engine.make_append_only('trade.order_previews'::regclass);
grant select on trade.order_previews to job_runner, backup;
grant insert on trade.order_previews to job_runner;

insert into ref.fee_schedules values
  ('tradier', '2015-01-01', 0.35, 0.6450, 0.0033,
   'option commission 0.35; ORF about 0.02, OCC 0.025, exchange fee of SPX about 0.60, FINRA TAF 0.00329 on sales: check against the preview of an order');
