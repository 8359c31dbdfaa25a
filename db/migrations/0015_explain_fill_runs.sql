comment on column trade.fills.run_id is 'trade.runs: the run of the position''s entry, though a later run of the account may have closed it.';
