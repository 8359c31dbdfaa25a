// What the live view shows of a run, read from what the run has written.
import type pg from 'pg';
import { type EasternUs, formatEastern } from '../core/eastern_time.ts';

export interface ShownPeriod {
  readonly close_e4: number | null;
  readonly vwap_e6: number | null;
  readonly ma_e6: number | null;
}

export interface ShownPosition {
  readonly symbol: string;
  /** Contracts, or spreads, that are still open; 0 while the entry order works. */
  readonly qty: number;
  /** Of a spread its net credit. */
  readonly entry_e4: number | null;
  /** What closing costs. */
  readonly ask_e4: number | null;
  readonly stop_e4: number | null;
  readonly target_e4: number | null;
  /** Dollars, fees so far included. */
  readonly open_pl: number | null;
}

export interface ShownDecision {
  readonly time: string;
  readonly kind: string;
  readonly verdict: string;
  readonly reason: string;
  readonly symbol: string | null;
  readonly px_e4: number | null;
}

export interface ShownDay {
  /** Dollars, realised, after fees. */
  readonly net: number;
  readonly trades: number;
  readonly wins: number;
}

export interface LiveState {
  readonly period: ShownPeriod | null;
  readonly positions: readonly ShownPosition[];
  readonly decisions: readonly ShownDecision[];
  readonly day: ShownDay;
}

const PERIOD_SQL = `
  select p.close_e4, p.vwap_e6, p.ma_e6
  from signal.periods p
  join trade.runs r on r.run_id = p.run_id and r.instrument_id = p.instrument_id
  where p.run_id = $1 and p.ts <= $2 and p.session_date = $2::timestamp::date
  order by p.ts desc, p.revision desc limit 1`;

// A short position is closed at the ask, a spread at what its legs cost together.
const POSITIONS_SQL = `
  select i.symbol, coalesce(p.held_qty, 0) as qty, (p.entry_px * 10000)::integer as entry_e4, (q.ask * 10000)::integer as ask_e4,
    (p.stop_px * 10000)::integer as stop_e4, (p.target_px * 10000)::integer as target_e4,
    (p.cash - q.ask * p.held_qty * p.multiplier - p.fees)::float8 as open_pl
  from trade.runs r
  join trade.position_slots s on s.account = r.account and s.strategy = r.strategy and s.position_id is not null
  join trade.decisions d on d.decision_id = s.position_id
  join ref.instruments i on i.instrument_id = d.instrument_id
  left join lateral (select x.* from panel.positions x where x.position_id = s.position_id offset 0) p on true
  left join lateral panel.position_mark(
    p.instrument_id, r.quote_feed_id, p.fill_ratio, $2::timestamp - interval '1 hour', $2::timestamp + interval '1 microsecond'
  ) q on true
  where r.run_id = $1
  order by s.position_id`;

const DECISIONS_SQL = `
  select to_char(d.ts, 'HH24:MI:SS') as time, d.kind, d.verdict, d.reason, i.symbol, d.trigger_px_e4 as px_e4
  from trade.decisions d
  left join ref.instruments i on i.instrument_id = d.instrument_id
  where d.run_id = $1 and d.ts > $2::timestamp - interval '12 hours' and (d.direction is not null or d.kind = 'exit')
  order by d.ts desc, d.decision_id desc limit 5`;

const DAY_SQL = `
  select coalesce(sum(t.net), 0)::float8 as net, count(*)::integer as trades, count(*) filter (where t.net > 0)::integer as wins
  from (
    select sum(case f.side when 'sell' then f.qty else -f.qty end * f.px_e4::bigint) * min(i.multiplier) / 10000.0
      - sum(f.commission + f.fees) as net
    from trade.fills f
    join ref.instruments i on i.instrument_id = f.instrument_id
    where f.position_id in (select x.position_id from trade.fills x where x.run_id = $1 and x.effect = 'close')
    group by f.position_id
    having sum(case f.effect when 'open' then f.qty else -f.qty end) = 0
  ) t`;

/** The state of a run as of `now`. The client reads as job_runner. */
export async function readLiveState(
  client: pg.ClientBase,
  runId: number,
  now: EasternUs,
): Promise<LiveState> {
  const values = [runId, formatEastern(now)];
  const periods = await client.query<ShownPeriod>({ name: 'shown_period', text: PERIOD_SQL, values });
  const positions = await client.query<ShownPosition>({
    name: 'shown_positions',
    text: POSITIONS_SQL,
    values,
  });
  const decisions = await client.query<ShownDecision>({
    name: 'shown_decisions',
    text: DECISIONS_SQL,
    values,
  });
  const day = await client.query<ShownDay>({ name: 'shown_day', text: DAY_SQL, values: [runId] });
  return {
    period: periods.rows[0] ?? null,
    positions: positions.rows,
    decisions: decisions.rows,
    day: day.rows[0] ?? { net: 0, trades: 0, wins: 0 },
  };
}
