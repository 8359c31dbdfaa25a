create or replace view ref.current_strategies as
select distinct on (s.strategy) s.*
from ref.strategies s
order by s.strategy, s.version desc;
comment on view ref.current_strategies is 'The current version of every strategy; columns as in ref.strategies.';
grant select on ref.current_strategies to job_runner, backup;
