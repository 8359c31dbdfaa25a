// What live_load says of latencies: from the receipt of a tick to its signal, its order, and the bytes of that order.
import type pg from 'pg';
import { type EasternUs, formatEastern } from '../core/eastern_time.ts';
import { PERIOD_MS } from './live_tree.ts';
import { atMost, type Bench, type Figure, quantile } from './support.ts';

const SIGNAL_GOAL_MS = 10;
const ORDER_GOAL_MS = 15;
export const EXIT_GOALS_MS = { p99: 50, max: 250 };

interface Goals {
  readonly p99?: number;
  readonly max?: number;
}

// The receipt of the rows that moved both marks past an instant: from then on what waited for it could be decided.
const MARKED_SQL = `
  create or replace function pg_temp.marked(p_tick_feed smallint, p_quote_feed smallint, p_ts timestamp) returns timestamp
  language sql stable as $$
    select greatest(
      (
        select min(t.ts_recv) from market.equity_ticks t
        where t.feed_id = p_tick_feed and t.ts_event >= p_ts and t.ts_event < p_ts + interval '10 s'
      ),
      (
        select min(q.ts_recv)
        from ref.instruments i
        cross join lateral (
          select x.ts_recv from market.option_quotes x
          where x.instrument_id = i.instrument_id and x.feed_id = p_quote_feed and x.ts_event >= p_ts
            and x.ts_event < p_ts + interval '10 s'
          order by x.ts_event, x.seq
          limit 1
        ) q
        where i.kind = 'option'
      )
    )
  $$`;

const ENTRY_SQL = `
  select
    extract(epoch from ref.eastern(pg_xact_commit_timestamp(s.xmin)) - m.ts_marked)::float8 * 1000 as signal_ms,
    extract(epoch from ref.eastern(pg_xact_commit_timestamp(o.xmin)) - m.ts_marked)::float8 * 1000 as order_ms
  from signal.signals s
  left join trade.order_intents o on o.run_id = s.run_id and o.ts = s.ts and o.purpose = 'entry'
  join trade.runs r on r.run_id = s.run_id
  cross join lateral (
    select pg_temp.marked(r.tick_feed_id, r.quote_feed_id, s.ts + make_interval(secs => r.grace_ms / 1000.0)) as ts_marked
  ) m
  where s.ts >= $1 and s.ts < $2`;

const EXIT_SQL = `
  select
    extract(epoch from c.ts - q.ts_recv)::float8 * 1000 as came_ms,
    extract(epoch from c.ts - greatest(q.ts_recv, m.ts_marked))::float8 * 1000 as ripe_ms
  from trade.order_intents o
  join trade.decisions d on d.decision_id = o.decision_id
  join trade.runs r on r.run_id = o.run_id
  cross join lateral (
    select max(q.ts_recv) as ts_recv from market.option_quotes q
    where q.instrument_id = d.instrument_id and q.feed_id = r.quote_feed_id and q.ts_event = d.quote_ts
  ) q
  -- A quote is not looked at before the periods that end before it are decided. At a broker they do not wait for late ticks then, and for
  -- the first print behind their end no longer than trade.has_whole_ticks does.
  cross join lateral (select date_bin('${PERIOD_MS} ms', d.quote_ts, '2000-01-01') as ts_end) p
  cross join lateral (
    select case r.broker
      when 'paper' then pg_temp.marked(r.tick_feed_id, r.quote_feed_id, p.ts_end + make_interval(secs => r.grace_ms / 1000.0))
      else least(pg_temp.marked(r.tick_feed_id, r.quote_feed_id, p.ts_end), p.ts_end + interval '150 ms')
    end as ts_marked
  ) m
  cross join lateral (select ref.eastern(pg_xact_commit_timestamp(o.xmin)) as ts) c
  where o.purpose = 'exit' and o.attempt = 1 and d.reason in ('take_profit', 'stop_loss') and o.ts >= $1 and o.ts < $2
    -- What was not yet known to be held when its quote came is brought by the fill's becoming known.
    and not exists (
      select from trade.fills f
      where f.position_id = o.position_id and f.effect = 'open' and r.broker <> 'paper'
        and ref.eastern(pg_xact_commit_timestamp(f.xmin)) > q.ts_recv
    )`;

// As the process that sends them has measured it: to the last byte handed to the connection.
const BYTES_SQL = `
  select l.stage, l.micros / 1000.0::float8 as ms from ops.latency_samples l
  where l.stage like '% bytes' and l.ts >= $1 and l.ts < $2`;

export interface Latencies {
  readonly signal: readonly number[];
  readonly order: readonly number[];
  /** From the receipt of the quote that triggered it. */
  readonly exit: readonly number[];
  /** Without the wait for the period before that quote. */
  readonly ripeExit: readonly number[];
  /** By stage of ops.latency_samples. */
  readonly bytes: ReadonlyMap<string, readonly number[]>;
}

/** Of a case; null where the server does not keep the times of commits. */
export async function latenciesOf(
  owner: pg.Client,
  { from, to }: { readonly from: EasternUs; readonly to: EasternUs },
): Promise<Latencies | null> {
  const { rows: setting } = await owner.query<{ is_on: boolean }>(
    "select current_setting('track_commit_timestamp') = 'on' as is_on",
  );
  if (!setting[0]?.is_on) return null;
  const values = [formatEastern(from), formatEastern(to)];
  await owner.query(MARKED_SQL);
  const entries = await owner.query<{ signal_ms: number | null; order_ms: number | null }>(ENTRY_SQL, values);
  const exits = await owner.query<{ came_ms: number | null; ripe_ms: number | null }>(EXIT_SQL, values);
  const bytes = await owner.query<{ stage: string; ms: number }>(BYTES_SQL, values);
  const stages = [...new Set(bytes.rows.map(({ stage }) => stage))].sort();
  const bytesOf = (of: string): number[] =>
    bytes.rows.filter(({ stage }) => stage === of).map(({ ms }) => ms);
  const known = (values: readonly (number | null)[]): number[] => values.filter((each) => each !== null);
  return {
    signal: known(entries.rows.map((row) => row.signal_ms)),
    order: known(entries.rows.map((row) => row.order_ms)),
    exit: known(exits.rows.map((row) => row.came_ms)),
    ripeExit: known(exits.rows.map((row) => row.ripe_ms)),
    bytes: new Map(stages.map((stage) => [stage, bytesOf(stage)])),
  };
}

/** Adds them; `isGoal` holds those of signals against their goals, `exitGoals` those of exits. */
export function reportLatencies(
  bench: Bench,
  latencies: Latencies,
  {
    engine,
    name: title,
    isGoal,
    exitGoals,
  }: {
    readonly engine: string;
    readonly name: string;
    readonly isGoal: boolean;
    readonly exitGoals: { readonly all?: Goals; readonly ripe?: Goals };
  },
): void {
  const of = (name: string, times: readonly number[], goals: Goals | null): Figure[] => {
    const figure = (what: string, value: number, limit: number | undefined): Figure => ({
      ...{ engine, figure: `${title}, ${name}, ${what}`, unit: 'ms' },
      value: times.length === 0 ? 'none' : value,
      goal: limit === undefined || times.length === 0 ? undefined : atMost(value, limit, 'ms'),
    });
    return [
      figure('p50', quantile(times, 0.5), undefined),
      figure('p99', quantile(times, 0.99), goals?.p99),
      figure('max', Math.max(...times), goals?.max),
      { engine, figure: `${title}, ${name}, number`, value: times.length, unit: '' },
    ];
  };
  bench.add(
    ...of('tick to signal', latencies.signal, isGoal ? { p99: SIGNAL_GOAL_MS } : null),
    ...of('tick to entry order', latencies.order, isGoal ? { p99: ORDER_GOAL_MS } : null),
    ...of('exit trigger to order, all of it', latencies.exit, exitGoals.all ?? null),
    ...of('exit trigger to order, without the wait for periods', latencies.ripeExit, exitGoals.ripe ?? null),
  );
  for (const [stage, times] of latencies.bytes) bench.add(...of(stage, times, null));
}
