create or replace procedure trade.write_journal(p_journal trade.journal)
language plpgsql
as $$
begin
  -- Most slices of a live run have none of them, and a statement without a row still runs its triggers.
  if cardinality(p_journal.decisions) > 0 then
    insert into trade.decisions overriding system value select d.* from unnest(p_journal.decisions) d;
  end if;
  if cardinality(p_journal.intents) > 0 then
    insert into trade.order_intents overriding system value select i.* from unnest(p_journal.intents) i;
  end if;
  if cardinality(p_journal.legs) > 0 then
    insert into trade.order_intent_legs
    select
      l.intent_id, l.decision_id, l.attempt, x.leg_no, abs(x.leg),
      case when (x.leg < 0) = (l.side = 'sell') then 'sell' else 'buy' end, l.effect, l.qty
    from unnest(p_journal.legs) l
    left join ref.spreads s on s.instrument_id = l.instrument_id
    cross join lateral unnest(coalesce(s.legs, array[-l.instrument_id])) with ordinality as x (leg, leg_no);
  end if;
  if cardinality(p_journal.events) > 0 then
    insert into trade.order_events overriding system value select e.* from unnest(p_journal.events) e order by e.event_id;
  end if;
  if cardinality(p_journal.cancels) > 0 then
    insert into trade.cancel_requests overriding system value select c.* from unnest(p_journal.cancels) c;
  end if;
  if cardinality(p_journal.fills) > 0 then
    -- A position is its entry's run's, though a later run of the account closes it.
    insert into trade.fills (
      fill_id, run_id, intent_id, position_id, leg_no, account, execution_id, ts, instrument_id, side, effect, qty, px_e4, commission, fees,
      quote_ts, quote_seq
    ) overriding system value
    select
      f.fill_id, d.run_id, f.intent_id, f.position_id, f.leg_no, f.account, f.execution_id, f.ts, f.instrument_id, f.side, f.effect, f.qty,
      f.px_e4, f.commission, f.fees, f.quote_ts, f.quote_seq
    from unnest(p_journal.fills) f
    join trade.decisions d on d.decision_id = f.position_id;
  end if;
end
$$;
comment on procedure trade.write_journal(trade.journal) is 'Inserts what a slice has collected: decisions, intents, legs, order events, cancel requests, fills.';
grant execute on procedure trade.write_journal(trade.journal) to job_runner;
