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
  /** Contracts that are still open; 0 while the entry order works. */
  readonly qty: number;
  readonly entry_e4: number | null;
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

// A short position is closed at the ask.
const POSITIONS_SQL = `
  with held as (
    select s.position_id, i.instrument_id, i.symbol, i.multiplier, r.quote_feed_id,
      (r.params ->> 'stop_loss_ratio')::numeric as stop_ratio, (r.params ->> 'take_profit_ratio')::numeric as target_ratio
    from trade.runs r
    join trade.position_slots s on s.account = r.account and s.strategy = r.strategy and s.position_id is not null
    join trade.decisions d on d.decision_id = s.position_id
    join ref.instruments i on i.instrument_id = d.instrument_id
    where r.run_id = $1
  ), filled as (
    select h.position_id, coalesce(sum(f.qty) filter (where f.effect = 'open'), 0) as opened,
      sum(case f.effect when 'open' then f.qty else -f.qty end)::integer as qty,
      sum(f.qty * f.px_e4::bigint) filter (where f.effect = 'open') as notional,
      sum(case f.side when 'sell' then f.qty else -f.qty end * f.px_e4::bigint) as cash,
      sum(f.commission + f.fees) as cost
    from held h
    left join trade.fills f on f.position_id = h.position_id
    group by h.position_id
  )
  select h.symbol, coalesce(f.qty, 0) as qty, round(f.notional / nullif(f.opened, 0))::integer as entry_e4, q.ask_px_e4 as ask_e4,
    ceil(f.notional * h.stop_ratio / nullif(f.opened, 0))::integer as stop_e4,
    floor(f.notional * h.target_ratio / nullif(f.opened, 0))::integer as target_e4,
    ((f.cash - f.qty * q.ask_px_e4::bigint) * h.multiplier / 10000.0 - f.cost)::float8 as open_pl
  from held h
  join filled f on f.position_id = h.position_id
  left join lateral (
    select t.ask_px_e4 from market.option_quotes t
    where t.instrument_id = h.instrument_id and t.feed_id = h.quote_feed_id
      and t.ts_event <= $2 and t.ts_event > $2::timestamp - interval '1 hour'
    order by t.ts_event desc, t.seq desc limit 1
  ) q on true
  order by h.position_id`;

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
