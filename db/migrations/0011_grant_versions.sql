-- The readiness check compares the schema with the code.
grant select on engine.migrations, engine.routine_sets to job_runner;
