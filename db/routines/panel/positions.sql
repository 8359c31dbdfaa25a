-- Open and closed positions alike, one row each however many legs they have, with the levels that a chart draws and the keys under which their quotes lie.
create or replace view panel.positions as
select
  p.position_id,
  p.run_id,
  d.session_date,
  r.strategy,
  p.account,
  i.symbol as contract,
  u.symbol as underlying,
  i.option_kind,
  (coalesce(i.strike_e4, l.sold_e4) / 10000.0)::numeric(12, 2) as strike,
  (l.bought_e4 / 10000.0)::numeric(12, 2) as long_strike,
  i.expiration,
  coalesce(l.legs, 1)::integer as legs,
  p.opened_qty::integer as qty,
  p.held_qty::integer as held_qty,
  p.held_qty <> 0 as is_open,
  case when p.is_short then 'short' else 'long' end as side,
  case when d.direction = 1 then 'up' when d.direction = -1 then 'down' end as direction,
  d.reason as entry_reason,
  x.reason as exit_reason,
  d.ts as ts_decision,
  p.ts_entry,
  case when p.held_qty = 0 then p.ts_last_fill end as ts_exit,
  x.ts as ts_exit_decision,
  case
    when (r.params ->> 'flat_at_close')::boolean is not false then s.ts_close - b.back_buffer
    -- At a broker nothing is left to be settled.
    when r.broker <> 'paper' then e.ts_close - b.back_buffer
    else e.ts_close
  end as ts_flat,
  s.ts_option_close,
  c.entry_px::numeric(12, 4) as entry_px,
  (c.sign * p.debit_e4 / nullif(p.closed_qty, 0) / 10000)::numeric(12, 4) as exit_px,
  (c.entry_px * (r.params ->> 'take_profit_ratio')::numeric)::numeric(12, 4) as target_px,
  (c.entry_px * (r.params ->> 'stop_loss_ratio')::numeric)::numeric(12, 4) as stop_px,
  coalesce(r.params ->> 'exit_mark', 'ask') as mark_on,
  (c.entry_px * p.opened_qty * i.multiplier * case when p.is_short then 1 end)::numeric(16, 2) as max_profit,
  (
    case
      when l.width_e4 is not null then l.width_e4 / 10000.0 - c.entry_px
      when not p.is_short then c.entry_px
      when i.option_kind = 'put' then i.strike_e4 / 10000.0 - c.entry_px
    end * p.opened_qty * i.multiplier
  )::numeric(16, 2) as max_loss,
  (coalesce(l.width_e4, i.strike_e4)::bigint * i.multiplier * p.held_qty / 10000.0)::numeric(16, 2) as notional,
  (y.close_e4 / 10000.0)::numeric(12, 4) as underlying_entry_px,
  (p.cash_e4 * i.multiplier / 10000.0)::numeric(16, 2) as cash,
  p.fees::numeric(16, 4) as fees,
  i.multiplier,
  r.mode,
  r.quote_source,
  i.instrument_id,
  r.instrument_id as underlying_id,
  r.tick_feed_id,
  r.quote_feed_id,
  coalesce((r.params ->> 'fill_ratio')::numeric, 0.5) as fill_ratio
from (
  select
    g.run_id, g.position_id, g.account, min(g.instrument_id) as first_id, count(*) as held_legs,
    max(g.opened_qty) as opened_qty, max(g.closed_qty) as closed_qty, max(abs(g.qty)) as held_qty,
    -- Of a spread what selling it brought; its first leg is the one that is sold.
    (array_agg(g.side order by g.leg_no))[1] = 'sell' as is_short,
    sum(case g.side when 'sell' then g.opened_notional_e4 else -g.opened_notional_e4 end) as credit_e4,
    sum(case g.side when 'sell' then g.closed_notional_e4 else -g.closed_notional_e4 end) as debit_e4,
    sum(g.cash_e4) as cash_e4, sum(g.commission + g.fees) as fees, min(g.ts_entry) as ts_entry, max(g.ts_last_fill) as ts_last_fill
  from trade.positions g
  where g.opened_qty is not null
  group by g.run_id, g.position_id, g.account
) p
join trade.runs r on r.run_id = p.run_id
join trade.decisions d on d.decision_id = p.position_id
left join ref.spreads w on w.instrument_id = d.instrument_id
left join lateral (
  select
    count(*) as legs,
    max(o.strike_e4) filter (where n.n = 1) as sold_e4,
    max(o.strike_e4) filter (where n.n = 2 and cardinality(w.legs) = 2) as bought_e4,
    greatest(
      max(o.strike_e4) filter (where o.option_kind = 'put') - min(o.strike_e4) filter (where o.option_kind = 'put'),
      max(o.strike_e4) filter (where o.option_kind = 'call') - min(o.strike_e4) filter (where o.option_kind = 'call')
    ) as width_e4
  from unnest(w.legs) with ordinality as n (leg, n)
  join ref.instruments o on o.instrument_id = abs(n.leg)
  where w.instrument_id is not null
  having count(*) > 0
) l on true
join ref.instruments i
  on i.instrument_id = coalesce(w.instrument_id, case when p.held_legs > 1 then d.instrument_id end, p.first_id)
join ref.instruments u on u.instrument_id = r.instrument_id
cross join lateral (
  select case when p.is_short or l.legs is not null then 1 else -1 end as sign
) f
cross join lateral (
  select f.sign, f.sign * p.credit_e4 / p.opened_qty / 10000 as entry_px
) c
cross join lateral (select make_interval(mins => (r.params ->> 'back_buffer_min')::integer) as back_buffer) b
left join ref.sessions s on s.session_date = d.session_date
left join ref.sessions e on e.session_date = i.expiration
left join trade.decisions x on x.position_id = p.position_id and x.kind = 'exit'
left join signal.periods y
  on y.run_id = p.run_id and y.instrument_id = r.instrument_id and y.ts = d.ts and y.revision = 0;
comment on view panel.positions is
  'Positions, open and closed, a row each however many legs they have, in dollars, with the levels and keys that charts need. What is open now with its last '
  'quote: panel.open_positions; closed ones with their P/L: panel.round_trips; by leg: panel.position_legs. Filter on position_id or run_id.';
comment on column panel.positions.position_id is 'The entry decision.';
comment on column panel.positions.run_id is 'panel.runs.';
comment on column panel.positions.session_date is 'Session of the entry.';
comment on column panel.positions.strategy is 'Strategy.';
comment on column panel.positions.account is 'Account.';
comment on column panel.positions.contract is 'OSI symbol of the option, or name of the spread: panel.position_legs has its contracts.';
comment on column panel.positions.underlying is 'Symbol of the underlying.';
comment on column panel.positions.option_kind is 'call or put; null of a spread of both.';
comment on column panel.positions.strike is 'Strike, dollars; of a spread that of the contract that was sold.';
comment on column panel.positions.long_strike is 
  'Strike of the contract bought against it, dollars; null where there is none, or more than one.';
comment on column panel.positions.expiration is 'Expiration date.';
comment on column panel.positions.legs is 'Number of its contracts: 1, or those of the spread.';
comment on column panel.positions.qty is 'Contracts, or spreads, that were opened.';
comment on column panel.positions.held_qty is 'How many of them are held still: 0 when closed. A spread is held while any of its legs is.';
comment on column panel.positions.is_open is 'True while contracts are held.';
comment on column panel.positions.side is 'short or long; a spread that was sold is short.';
comment on column panel.positions.direction is 'Direction of the entry''s signal: up or down.';
comment on column panel.positions.entry_reason is 'cross_up, cross_down or reversal.';
comment on column panel.positions.exit_reason is 'Why it was closed, or is being closed; null while neither.';
comment on column panel.positions.ts_decision is 'When the entry was decided, Eastern.';
comment on column panel.positions.ts_entry is 'First opening fill, Eastern.';
comment on column panel.positions.ts_exit is 'Last closing fill, Eastern; null while open.';
comment on column panel.positions.ts_exit_decision is 'When the exit was decided, Eastern; null before.';
comment on column panel.positions.ts_flat is 
  'When it is closed at the latest, Eastern: the forced flat of its session, or the end of its last day where it is held over the close.';
comment on column panel.positions.ts_option_close is 'Close of the options in its session, Eastern.';
comment on column panel.positions.entry_px is 
  'Average price of the opening fills, dollars a share; of a spread the net credit, below 0 a debit.';
comment on column panel.positions.exit_px is 
  'Average price of the closing fills so far, dollars a share, of a spread what closing cost, net; null without any.';
comment on column panel.positions.target_px is 'Take profit: at or below this price (mark_on), dollars; null where the strategy has none.';
comment on column panel.positions.stop_px is 'Stop loss: at or above this price (mark_on), dollars; null where the strategy has none.';
comment on column panel.positions.mark_on is 
  'What target and stop are compared with: ask, what closing costs, or mid, the middle of the quote.';
comment on column panel.positions.max_profit is 'What it makes at best, before fees, dollars: the whole credit; null of what was bought.';
comment on column panel.positions.max_loss is 
  'What it can lose at worst, before fees, dollars: of a spread its width less the credit; null of a call that was sold.';
comment on column panel.positions.notional is 
  'The capital that the rest of it binds, dollars: strike x multiplier x contracts; of a spread the distance of its strikes.';
comment on column panel.positions.underlying_entry_px is 'Price of the underlying at the entry''s decision, dollars.';
comment on column panel.positions.cash is 'Sales minus purchases so far, dollars: the gross once it is flat.';
comment on column panel.positions.fees is 'Commission and fees so far, dollars.';
comment on column panel.positions.multiplier is 'Shares per contract.';
comment on column panel.positions.mode is 'live, replay or backtest.';
comment on column panel.positions.quote_source is 'recorded, modelled or simulated: what the option quotes are.';
comment on column panel.positions.instrument_id is 
  'Id of the contract or the spread: panel.position_quotes takes both, panel.option_quotes and panel.option_trades have contracts alone.';
comment on column panel.positions.underlying_id is 'Id of the underlying, for panel.periods.';
comment on column panel.positions.tick_feed_id is 'panel.feeds: of the ticks.';
comment on column panel.positions.quote_feed_id is 'panel.feeds: of the option quotes.';
comment on column panel.positions.fill_ratio is 'How far into its width a leg of a spread is priced: 0.5 is the bid or the ask itself.';
grant select on panel.positions to grafana_reader, job_runner, backup;
