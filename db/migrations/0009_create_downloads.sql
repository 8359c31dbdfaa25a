-- What has been downloaded: where a broken-off download goes on, and that a finished one has nothing left to do.
create table ops.downloads (
  feeds text not null,
  symbol text not null,
  session_date date not null,
  kind text not null constraint downloads_kind_check check (kind in ('minute', 'second', 'contracts', 'quotes', 'trades')),
  ts_started timestamp not null,
  ts_updated timestamp not null,
  ts_done timestamp,
  ts_next timestamp,
  pages integer not null,
  rows_in bigint not null,
  rows_duplicate bigint not null,
  rows_rejected bigint not null,
  is_rolled_up boolean not null default false,
  strikes integer constraint downloads_strikes_check check (strikes > 0),
  contracts text[],
  constraint downloads_pk primary key (feeds, symbol, session_date, kind),
  constraint downloads_contracts_check check ((kind = 'contracts') = (strikes is not null and contracts is not null))
);
comment on table ops.downloads is
  'Progress of historical downloads, one row per symbol, session and kind, committed together with the rows of each page. '
  'Written by strikebase import massive.';
comment on column ops.downloads.feeds is 'Beginning of the names of the feeds that the rows go to: massive-rest of massive-rest-minute.';
comment on column ops.downloads.symbol is 'The underlying (kinds minute, second, contracts) or the OSI symbol of a contract (quotes, trades).';
comment on column ops.downloads.session_date is 'The exchange day.';
comment on column ops.downloads.kind is 'minute or second bars of the underlying, contracts chosen around the money, their quotes, their trades.';
comment on column ops.downloads.ts_started is 'When its first page came, Eastern.';
comment on column ops.downloads.ts_updated is 'When its last page came, Eastern.';
comment on column ops.downloads.ts_done is 'When it was complete, Eastern; null while more is to come.';
comment on column ops.downloads.ts_next is 'Event time, Eastern, from which the next page is asked for; null before the first row.';
comment on column ops.downloads.pages is 'Pages stored; a page of bars with several sessions counts for the last of them.';
comment on column ops.downloads.rows_in is 'New rows; of contracts: new instruments.';
comment on column ops.downloads.rows_duplicate is 'Rows that were there already.';
comment on column ops.downloads.rows_rejected is 'Rows in market.rejected_rows.';
comment on column ops.downloads.is_rolled_up is 'Of bars: the rollups have been refreshed since the last page.';
comment on column ops.downloads.strikes is 'Of contracts: how many strikes nearest to the money were chosen at every instant of the session.';
comment on column ops.downloads.contracts is 'Of contracts: OSI symbols of the contracts chosen, all of the session''s nearest expiry.';
grant select, insert, update on ops.downloads to ingest_writer;
grant select on ops.downloads to job_runner, backup;
