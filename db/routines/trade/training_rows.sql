create or replace function trade.training_rows(p_run_id bigint)
returns table (
  run_id bigint, strategy text, version integer, symbol text, quote_source text, session_date date, ts timestamp, minute integer,
  direction text, close numeric, vwap numeric, ma9 numeric, session_vwap numeric, score double precision,
  features jsonb, verdict text, reason text, bid numeric, ask numeric, quote_age_ms bigint, open_slots smallint,
  entries_day integer, orders_day integer, day_pl numeric, event text, contract text, outcome text, ts_entry timestamp,
  ts_exit timestamp, qty integer, entry_px numeric, exit_px numeric, exit_reason text, minutes_held numeric,
  gross numeric, fees numeric, net numeric, notional numeric, max_adverse numeric,
  max_favourable numeric
)
language sql stable
as $$
  select
    r.run_id, r.strategy, r.version, u.symbol, r.quote_source, s.session_date, s.ts,
    (extract(epoch from s.ts - x.ts_open) / 60)::integer,
    case s.direction when 1 then 'up' when -1 then 'down' end,
    s.close_e4 / 10000.0, s.vwap_e6 / 1000000.0, s.ma_e6 / 1000000.0, s.session_vwap_e6 / 1000000.0, s.score, s.features,
    d.verdict, d.reason, d.bid_e4 / 10000.0, d.ask_e4 / 10000.0, d.quote_age_ms, d.open_slots, d.entries_day, d.orders_day, d.day_pl, d.event,
    i.symbol,
    case
      when d.verdict <> 'TRADE' then null
      when t.position_id is not null then 'closed'
      when exists (select from trade.fills f where f.position_id = d.decision_id) then 'open'
      else 'unfilled'
    end,
    t.ts_entry, t.ts_exit, t.qty, t.opened_notional_e4 / t.qty / 10000, t.closed_notional_e4 / t.qty / 10000, t.exit_reason,
    extract(epoch from t.ts_exit - t.ts_entry) / 60, t.gross, t.fees, t.net, t.bound_e4 / 10000.0,
    greatest(m.highest_e4 - t.opened_notional_e4 / t.qty, 0) * t.qty * i.multiplier / 10000,
    greatest(t.opened_notional_e4 / t.qty - m.lowest_e4, 0) * t.qty * i.multiplier / 10000
  from trade.runs r
  join ref.instruments u on u.instrument_id = r.instrument_id
  join signal.signals s on s.run_id = r.run_id and s.instrument_id = r.instrument_id
  join ref.sessions x on x.session_date = s.session_date
  join trade.decisions d on d.run_id = r.run_id and d.ts = s.ts and d.kind = 'entry'
  left join ref.instruments i on i.instrument_id = d.instrument_id
  left join trade.round_trips t on t.position_id = d.decision_id
  left join lateral trade.cost_extremes(
    t.instrument_id, r, jsonb_populate_record(null::ref.strategies, r.params), t.ts_entry + interval '1 microsecond', t.ts_exit
  ) m on t.position_id is not null
  where r.run_id = p_run_id
  order by s.ts
$$;
comment on function trade.training_rows(bigint) is
  'One row for every entry that a run considered, a row of signal.signals with what the rule knew, its decision and what became of it. Dollars; prices a share, of a '
  'spread the net credit. outcome: closed, open (at the end of the run) or unfilled, null of a SKIP. max_adverse and max_favourable: how far the cost of closing '
  'rose above and fell below the credit while it was held. Only of runs that keep all decisions.';
grant execute on function trade.training_rows(bigint) to job_runner;
