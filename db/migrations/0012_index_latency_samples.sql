-- Samples come every second of a live session, and dashboards read the newest.
create index latency_samples_time_idx on ops.latency_samples (ts);
comment on column ops.latency_samples.stage is
  'tick to slice (receipt of the newest row to the end of the slice that read it), slice (advance alone), slice to order (start of the slice that wrote an '
  'order to its sending), tick to exit (receipt of the quote that triggered an exit to its sending).';
