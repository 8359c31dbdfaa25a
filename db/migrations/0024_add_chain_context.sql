-- Gamma exposure by strike is kept with its snapshot: a page that computed it anew would take longer than a reader waits.
create table market.chain_gamma (
  snapshot_id bigint not null constraint chain_gamma_snapshot_fk references market.chain_snapshots (snapshot_id),
  strike_e4 integer not null,
  call_gex double precision not null,
  put_gex double precision not null,
  constraint chain_gamma_pk primary key (snapshot_id, strike_e4)
);
comment on table market.chain_gamma is 'Gamma exposure of a chain snapshot by strike (signal.gamma_exposure). Facts, append-only. Written by market.store_context.';
comment on column market.chain_gamma.snapshot_id is 'market.chain_snapshots.';
comment on column market.chain_gamma.strike_e4 is 'Strike, 1/10,000 dollar.';
comment on column market.chain_gamma.call_gex is 'Of the calls, dollars of delta per 1 % move of the underlying.';
comment on column market.chain_gamma.put_gex is 'Of the puts, negative.';
select engine.make_append_only('market.chain_gamma'::regclass);
grant usage on schema signal to ingest_writer;
grant select, insert on market.chain_gamma to ingest_writer;
grant select on market.chain_gamma to job_runner, backup;
comment on table market.context_snapshots is
  'Context of a chain at an instant: vix, vix9d, term (VIX9D / VIX), net_gex, zero_gamma. Facts, append-only. Written by market.store_context.';
