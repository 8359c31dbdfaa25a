-- Hundreds of runs of a grid are compared by what they made: such a run keeps its trades, and of its skips only how many there were.
alter table trade.runs
  add column keeps text not null default 'all' constraint runs_keeps_check check (keeps in ('all', 'trades')),
  add constraint runs_keeps_mode_check check (keeps = 'all' or mode = 'backtest');
comment on column trade.runs.keeps is
  'all: every decision; trades: decisions to trade alone, those to skip are counted in trade.skip_counts. Backtests of a grid keep trades.';

create table trade.skip_counts (
  run_id bigint not null constraint skip_counts_run_fk references trade.runs (run_id),
  ts timestamp not null,
  reason text not null,
  has_signal boolean not null,
  session_date date not null,
  periods integer not null constraint skip_counts_periods_check check (periods > 0),
  constraint skip_counts_pk primary key (run_id, ts, reason, has_signal)
);
comment on table trade.skip_counts is
  'What stands for the SKIP decisions of a run that keeps trades alone: how many there were, by session and reason. panel.skips shows them beside those of other '
  'runs. Facts, append-only. Written by trade.judge_periods.';
comment on column trade.skip_counts.run_id is 'trade.runs.';
comment on column trade.skip_counts.ts is 'Close of the first of these periods, Eastern.';
comment on column trade.skip_counts.reason is 'As in trade.decisions: no_signal, the rule''s own reason, or the first gate that failed.';
comment on column trade.skip_counts.has_signal is 'Whether the periods had a signal, which a gate then stopped.';
comment on column trade.skip_counts.session_date is 'ref.sessions.';
comment on column trade.skip_counts.periods is 'How many periods.';
select engine.make_append_only('trade.skip_counts'::regclass);
grant select, insert on trade.skip_counts to job_runner;
grant select on trade.skip_counts to backup;

-- Dropping a run asks of each of its entries whether an exit names it: the key of exits does not answer that, and every decision of every run was read.
create index decisions_position_idx on trade.decisions (position_id) where position_id is not null;
