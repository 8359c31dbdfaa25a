create or replace function trade.tape_of(p_tapes trade.quote_tape[], p_instrument_id integer) returns trade.quote_tape
language plpgsql immutable
as $$
declare
  v_tape trade.quote_tape;
begin
  foreach v_tape in array p_tapes loop
    if v_tape.instrument_id = p_instrument_id then
      return v_tape;
    end if;
  end loop;
  return null;
end
$$;
comment on function trade.tape_of(trade.quote_tape[], integer) is 'The tape of a contract; null where it has no quote in the slice.';
grant execute on function trade.tape_of(trade.quote_tape[], integer) to job_runner;
