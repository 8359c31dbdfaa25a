create or replace view panel.option_quotes as
select
  q.instrument_id,
  q.feed_id,
  q.ts_event as ts,
  q.seq,
  (q.bid_px_e4 / 10000.0)::numeric(12, 4) as bid,
  (q.ask_px_e4 / 10000.0)::numeric(12, 4) as ask,
  q.bid_sz,
  q.ask_sz
from market.option_quotes q;
comment on view panel.option_quotes is
  'Option quotes in dollars. Filter on instrument_id (panel.contracts) and feed_id (panel.feeds), and on ts where speed matters.';
comment on column panel.option_quotes.instrument_id is 'panel.contracts.';
comment on column panel.option_quotes.feed_id is 'panel.feeds.';
comment on column panel.option_quotes.ts is 'Vendor''s time, Eastern.';
comment on column panel.option_quotes.seq is 'Order among quotes of one instant; the last one stands.';
comment on column panel.option_quotes.bid is 'Bid, dollars a share; null is none.';
comment on column panel.option_quotes.ask is 'Ask, dollars a share; null is none.';
comment on column panel.option_quotes.bid_sz is 'Contracts bid for.';
comment on column panel.option_quotes.ask_sz is 'Contracts offered.';
grant select on panel.option_quotes to grafana_reader, job_runner, backup;
