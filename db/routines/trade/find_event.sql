create or replace function trade.find_event(
  p_state trade.slot_state, p_tape trade.quote_tape, p_run trade.runs, p_day trade.session_state, p_strategy ref.strategies,
  p_from timestamp, p_before timestamp
) returns trade.slot_state
language plpgsql stable
as $$
declare
  s trade.slot_state := p_state;
  v_until timestamp;
  v_expiry timestamp;
  v_next_open timestamp;
  v_settle_px_e4 integer;
  v_clock_kind text;
  v_fill_from timestamp := 'infinity';
  v_used_until timestamp := s.fill_ts;
  v_target_e4 integer;
  v_stop_e4 integer;
  v_first integer := 1;
  v_works boolean;
  v_is_mid boolean := p_strategy.exit_mark = 'mid';
  v_end timestamp;
  v_ts timestamp;
  v_bid_e4 integer;
  v_ask_e4 integer;
  v_mark_e4 integer;
begin
  s.ev_kind := null;
  s.ev_ts := null;
  if s.phase = 'ended' then
    -- Its broker has said, since the last slice, that it is flat and that nothing of it works any more.
    s.ev_kind := 'vacate';
    s.ev_ts := p_from;
    return s;
  end if;
  if s.is_reversed and s.phase in ('entering', 'open') and s.qty > s.closed_qty then
    s.ev_kind := 'reverse';
    s.ev_ts := p_from;
    return s;
  end if;
  -- What happens to this slot by the clock alone, should no quote come first.
  if s.phase = 'entering' then
    v_clock_kind := 'expire';
    if s.ts_until < 'infinity' then
      -- An entry does not work beyond the forced flat.
      v_until := greatest(least(s.ts_until, p_day.ts_flat), s.ts_active);
    else
      -- Its broker has not answered the cancel: what has filled is not held any longer for that.
      v_clock_kind := 'flat';
      v_until := case when s.qty > s.closed_qty then p_day.ts_flat end;
      v_until := coalesce(v_until, 'infinity');
    end if;
  elsif s.phase = 'exiting' then
    v_clock_kind := 'reprice';
    v_until := coalesce(s.ts_until, 'infinity');
    if least(s.ts_rev_until, p_day.ts_flat) <= v_until and s.rev_position_id is not null then
      v_clock_kind := 'expire_reversal';
      v_until := least(s.ts_rev_until, p_day.ts_flat);
    end if;
    if p_run.broker = 'paper' and s.limit_px_e4 is null and v_until > coalesce(p_day.ts_option_close, p_from) then
      -- A market order that no quote has filled by the end of its contract's life is settled there.
      select case
        when i.expiration < p_day.session_date then p_from
        -- What is settled in cash ends with the session of its underlying.
        when r.exercise_style = 'european' then signal.ts_expiry(i.root, i.expiration)
        else p_day.ts_option_close
      end into v_expiry
      from ref.instruments i
      left join ref.option_roots r on r.root = i.root
      where i.instrument_id = s.instrument_id and i.expiration <= p_day.session_date;
      if v_expiry < least(v_until, p_before) then
        v_settle_px_e4 := trade.intrinsic_value(p_run, s.instrument_id, v_expiry);
      end if;
      if v_settle_px_e4 is not null then
        v_clock_kind := 'settle';
        v_until := v_expiry;
      end if;
    end if;
  else
    v_clock_kind := 'flat';
    v_until := coalesce(p_day.ts_flat, 'infinity');
    if s.fill_ts < p_day.session_date and exists (
      select from ref.instruments i where i.instrument_id = s.instrument_id and i.expiration < p_day.session_date
    ) then
      -- Carried over the end of its contract: there is nothing to wait for.
      v_until := p_from;
    elsif v_until = 'infinity' then
      select coalesce(signal.ts_expiry(i.root, i.expiration), i.expiration + time '16:00'), x.ts_open into v_expiry, v_next_open
      from ref.instruments i
      cross join (select min(n.ts_open) as ts_open from ref.sessions n where n.session_date > p_day.session_date) x
      where i.instrument_id = s.instrument_id and i.expiration <= x.ts_open::date;
      if p_run.broker <> 'paper' and v_expiry <= v_next_open then
        -- No fill tells of a settlement at a broker: what would expire before the next session is closed in this one.
        v_until := coalesce(p_day.ts_entry_to, 'infinity');
      elsif v_expiry::date = p_day.session_date then
        v_clock_kind := 'expired';
        v_until := v_expiry;
      end if;
    end if;
  end if;
  if p_run.broker <> 'paper' then
    -- What its broker has done between two slices can make the clock's time a past one.
    v_until := greatest(v_until, p_from);
    -- Its clock may be ahead of ours: what is known has happened.
    v_used_until := least(s.fill_ts, p_from);
  elsif s.phase in ('entering', 'exiting') then
    v_fill_from := s.ts_active;
  end if;
  if s.phase in ('entering', 'open') and s.qty > s.closed_qty then
    v_target_e4 := floor(s.notional_e4 * p_strategy.take_profit_ratio / s.qty);
    v_stop_e4 := ceil(s.notional_e4 * p_strategy.stop_loss_ratio / s.qty);
  end if;

  if p_run.broker = 'paper' then
    v_first := coalesce(width_bucket(greatest(least(v_fill_from, s.fill_ts), p_from) - interval '1 microsecond', p_tape.ts), 0) + 1;
  end if;
  v_works := v_fill_from < 'infinity';
  v_end := least(v_until, p_before);
  for i in v_first .. coalesce(cardinality(p_tape.ts), 0) loop
    v_ts := p_tape.ts[i];
    exit when v_ts >= v_end;
    -- A quote that has filled something has been used; of several at one instant only the last stands: nobody can trade on the others.
    continue when v_ts <= v_used_until or v_ts = p_tape.ts[i + 1];
    v_bid_e4 := coalesce(p_tape.bid_e4[i], 0);
    v_ask_e4 := coalesce(p_tape.ask_e4[i], 0);
    -- Nothing happens on a crossed quote, or on one without the side that it would happen at.
    continue when v_ask_e4 < v_bid_e4;
    if v_works and v_ts >= v_fill_from then
      if s.side = 'sell' and v_bid_e4 > 0 and (s.limit_px_e4 is null or v_bid_e4 >= s.limit_px_e4)
        and (not p_strategy.partial_fills or p_tape.bid_sz[i] > 0) then
        s.ev_kind := 'fill';
        s.ev_px_e4 := v_bid_e4;
        s.ev_sz := p_tape.bid_sz[i];
      elsif s.side = 'buy' and v_ask_e4 > 0 and (s.limit_px_e4 is null or v_ask_e4 <= s.limit_px_e4)
        and (not p_strategy.partial_fills or p_tape.ask_sz[i] > 0) then
        s.ev_kind := 'fill';
        s.ev_px_e4 := v_ask_e4;
        s.ev_sz := p_tape.ask_sz[i];
      end if;
    end if;
    if s.ev_kind is null and v_ask_e4 > 0 then
      v_mark_e4 := v_ask_e4;
      if v_is_mid then
        v_mark_e4 := (v_bid_e4 + v_ask_e4) / 2;
      end if;
      if v_mark_e4 <= v_target_e4 then
        s.ev_kind := 'take_profit';
        s.ev_px_e4 := v_ask_e4;
      elsif v_mark_e4 >= v_stop_e4 then
        s.ev_kind := 'stop_loss';
        s.ev_px_e4 := v_ask_e4;
      end if;
    end if;
    if s.ev_kind is not null then
      s.ev_seq := p_tape.seq[i];
      s.ev_quote_ts := v_ts;
      -- The quote in force when a broker's slice began triggers there: what it meets may have become known since.
      s.ev_ts := greatest(v_ts, p_from);
      return s;
    end if;
  end loop;
  s.ev_ts := null;
  if v_until < p_before then
    s.ev_kind := v_clock_kind;
    s.ev_ts := v_until;
    s.ev_px_e4 := v_settle_px_e4;
  end if;
  return s;
end
$$;
comment on function trade.find_event(
  trade.slot_state, trade.quote_tape, trade.runs, trade.session_state, ref.strategies, timestamp, timestamp
) is 'The next event of a slot in [p_from, p_before), in quote order: fill (sell at bid, buy at ask, never on a missing or crossed quote), take_profit, '
  'stop_loss, or what the clock brings: expire, reprice, expire_reversal, flat, expired, settle. At a broker also what has become known since the last slice: '
  'vacate, reverse. None leaves ev_kind null.';
grant execute on function trade.find_event(
  trade.slot_state, trade.quote_tape, trade.runs, trade.session_state, ref.strategies, timestamp, timestamp
) to job_runner;
