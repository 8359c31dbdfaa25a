create or replace view panel.considered_entries as
select
  s.run_id,
  s.ts,
  s.session_date,
  r.strategy,
  r.version,
  r.quote_source,
  d.decision_id,
  d.verdict,
  d.reason,
  i.symbol as contract,
  s.score,
  s.features
from signal.signals s
join trade.runs r on r.run_id = s.run_id
left join trade.decisions d on d.run_id = s.run_id and d.ts = s.ts and d.kind = 'entry'
left join ref.instruments i on i.instrument_id = d.instrument_id
where s.features is not null;
comment on view panel.considered_entries is
  'Instants at which a rule that chooses among candidates looked for an entry: what it knew, what it chose, what the gates said.';
comment on column panel.considered_entries.run_id is 'panel.runs.';
comment on column panel.considered_entries.ts is 'When, Eastern.';
comment on column panel.considered_entries.session_date is 'Session.';
comment on column panel.considered_entries.strategy is 'Strategy.';
comment on column panel.considered_entries.version is 'Version of its parameters.';
comment on column panel.considered_entries.quote_source is 'recorded, modelled, simulated or marks: what the run''s option quotes are.';
comment on column panel.considered_entries.decision_id is 'panel.decisions; null where no decision of it is kept.';
comment on column panel.considered_entries.verdict is 'TRADE or SKIP.';
comment on column panel.considered_entries.reason is 'Why.';
comment on column panel.considered_entries.contract is 'The spread that was chosen; null where there was none.';
comment on column panel.considered_entries.score is 'Of the chosen candidate.';
comment on column panel.considered_entries.features is 'Figures of the chosen candidate, or of the one that came furthest, and of the market, as the rule stored them.';
grant select on panel.considered_entries to grafana_reader, job_runner, backup;
