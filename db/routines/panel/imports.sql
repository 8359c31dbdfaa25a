create or replace view panel.imports as
select i.ts, f.name as feed, i.file, i.rows_in, i.rows_duplicate, i.rows_rejected, i.ts_first, i.ts_last, i.import_id
from ops.imports i
join ref.feeds f on f.feed_id = i.feed_id;
comment on view panel.imports is 'Files that were imported.';
comment on column panel.imports.ts is 'When, Eastern.';
comment on column panel.imports.feed is 'Feed.';
comment on column panel.imports.file is 'Name of the file.';
comment on column panel.imports.rows_in is 'New rows.';
comment on column panel.imports.rows_duplicate is 'Rows that were there already.';
comment on column panel.imports.rows_rejected is 'Rows that were not taken.';
comment on column panel.imports.ts_first is 'First event, Eastern.';
comment on column panel.imports.ts_last is 'Last event, Eastern.';
comment on column panel.imports.import_id is 'Key.';
grant select on panel.imports to grafana_reader, job_runner, backup;
