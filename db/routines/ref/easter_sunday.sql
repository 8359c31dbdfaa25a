-- Gregorian computus, needed for Good Friday.
create or replace function ref.easter_sunday(calendar_year integer) returns date
language plpgsql immutable strict parallel safe
as $$
declare
  v_golden integer := calendar_year % 19;
  v_century integer := calendar_year / 100;
  v_of_century integer := calendar_year % 100;
  v_epact integer;
  v_weekday integer;
  v_correction integer;
  v_days integer;
begin
  v_epact := (
    19 * v_golden + v_century - v_century / 4 - (v_century - (v_century + 8) / 25 + 1) / 3 + 15
  ) % 30;
  v_weekday := (32 + 2 * (v_century % 4) + 2 * (v_of_century / 4) - v_epact - v_of_century % 4) % 7;
  v_correction := (v_golden + 11 * v_epact + 22 * v_weekday) / 451;
  -- Counted from 22 March, the earliest Easter.
  v_days := v_epact + v_weekday - 7 * v_correction;
  return make_date(calendar_year, 3, 22) + v_days;
end
$$;
comment on function ref.easter_sunday(integer) is
  'Easter Sunday of a year. Source: anonymous Gregorian computus (Nature, 20 April 1876; Meeus, Astronomical Algorithms, chapter 8).';
grant execute on function ref.easter_sunday(integer) to ingest_writer, job_runner;
