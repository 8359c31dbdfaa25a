-- One-off closures since 2015, re-applied on every deploy; then the calendar is brought in line with rules and overrides.
insert into ref.session_overrides (session_date, is_closed, ts_close, reason)
values
  ('2018-12-05', true, null, 'National day of mourning for George H. W. Bush'),
  ('2025-01-09', true, null, 'National day of mourning for Jimmy Carter')
on conflict (session_date) do nothing;

select ref.refresh_sessions();
