// Runs in tests: opened and advanced as the jobs do it, told as a story, dumped by natural keys.
import { createHash } from 'node:crypto';
import type pg from 'pg';
import { type EasternUs, formatEastern } from '../../../core/eastern_time.ts';
import { advance, type Slice } from '../../../jobs/advance.ts';
import { eastern, type Market } from './market.ts';

/** Later than anything that tests receive. */
export const HINDSIGHT: EasternUs = eastern('2035-01-01');

export interface RunOptions {
  /** Default vwap_ma9. */
  readonly strategy?: string;
  readonly mode?: 'live' | 'replay' | 'backtest';
  /** Range of the run. */
  readonly from: EasternUs;
  readonly to: EasternUs;
  /** Parameters that differ from the strategy's. */
  readonly settings?: Readonly<Record<string, unknown>>;
}

export interface TestRun {
  readonly id: number;
  readonly client: pg.Client;
  /** Advances to `to` with what was received by `asOf`; null if the run stands there already. */
  advance(to: EasternUs, asOf?: EasternUs): Promise<Slice | null>;
}

/** Opens a run on a market. */
export async function openRun(client: pg.Client, market: Market, options: RunOptions): Promise<TestRun> {
  const { mode = 'backtest', strategy = 'vwap_ma9', from, to, settings = {} } = options;
  const { rows } = await client.query<{ id: number }>(
    "select trade.open_run($1, $7, $2, $3, $4, $5, $6, 'paper', 'test', $2) as id",
    [mode, formatEastern(from), formatEastern(to), market.tickFeed, market.quoteFeed, settings, strategy],
  );
  return attachRun(client, rows[0]?.id as number);
}

/** A run that is open already, seen from another connection. */
export function attachRun(client: pg.Client, id: number): TestRun {
  return { id, client, advance: (to, asOf = HINDSIGHT) => advance(client, { runId: id, to, asOf }) };
}

/** Advances through every cut in turn. */
export async function advanceThrough(run: TestRun, cuts: Iterable<EasternUs>): Promise<void> {
  for (const cut of cuts) await run.advance(cut);
}

const LABEL = 'upper(left(c.option_kind, 1)) || trim_scale(c.strike_e4 / 10000.0)';
const CLOCK = "rtrim(rtrim(to_char(%, 'HH24:MI:SS.US'), '0'), '.')";
const px = (column: string): string => `coalesce(to_char(${column} / 10000.0, 'FM990.00'), 'none')`;

const STORY_SQL = `
  with lines as (
    select d.ts, 1 as rank, d.decision_id as id, d.kind || ' ' || d.reason || coalesce(' ' || ${LABEL}, '') || ' at ' || ${px('d.trigger_px_e4')} as line
    from trade.decisions d left join ref.instruments c using (instrument_id)
    where d.run_id = $1 and d.verdict = 'TRADE'
    union all
    select i.ts, 2, i.intent_id, i.purpose || '#' || i.attempt || ' ' || l.side || ' ' || i.qty || ' ' || ${LABEL} || ' '
      || case i.order_type when 'market' then 'market' else ${px('i.limit_px_e4')} end
    from trade.order_intents i join trade.order_intent_legs l using (intent_id) join ref.instruments c using (instrument_id)
    where i.run_id = $1
    union all
    select e.ts, 3, e.event_id, i.purpose || '#' || i.attempt || ' ' || e.state || coalesce(': ' || e.detail, '')
    from trade.order_events e join trade.order_intents i using (intent_id)
    where e.run_id = $1 and e.state not in ('submitted', 'filled', 'partially_filled')
    union all
    select f.ts, 3, e.event_id, case f.side when 'buy' then 'bought ' else 'sold ' end || f.qty || ' ' || ${LABEL} || ' at ' || ${px('f.px_e4')}
    from (select x.*, row_number() over (partition by x.intent_id order by x.fill_id) as nth from trade.fills x where x.intent_id in (select i.intent_id from trade.order_intents i where i.run_id = $1)) f
    join ref.instruments c using (instrument_id)
    join (
      select y.*, row_number() over (partition by y.intent_id order by y.event_id) as nth
      from trade.order_events y where y.run_id = $1 and y.state in ('filled', 'partially_filled')
    ) e on e.intent_id = f.intent_id and e.nth = f.nth
  )
  select ${CLOCK.replace('%', 'ts')} || ' ' || line as line from lines order by ts, rank, id`;

/** What a run did, in the order of time: TRADE decisions, orders, cancellations, fills. One line each, e.g. `10:05:00 sold 25 P600 at 1.00`. */
export async function storyOf(run: TestRun): Promise<string[]> {
  const { rows } = await run.client.query<{ line: string }>(STORY_SQL, [run.id]);
  return rows.map((row) => row.line);
}

export type EntryDecision = Readonly<Record<string, unknown>> & {
  readonly verdict: string;
  readonly reason: string;
};

/** The entry decision of a period, as JSON: numbers are numbers, times are text. */
export async function entryAt(run: TestRun, ts: EasternUs): Promise<EntryDecision> {
  const { rows } = await run.client.query<{ row: EntryDecision }>(
    "select to_jsonb(d) as row from trade.decisions d where d.run_id = $1 and d.ts = $2 and d.kind = 'entry'",
    [run.id, formatEastern(ts)],
  );
  if (rows.length !== 1 || rows[0] === undefined)
    throw new Error(`${rows.length} decisions at ${formatEastern(ts)}`);
  return rows[0].row;
}

/** A row of signal.periods as JSON: numbers are numbers, times are text. */
export interface PeriodRow {
  readonly ts: string;
  readonly revision: number;
  readonly open_e4: number | null;
  readonly high_e4: number | null;
  readonly low_e4: number | null;
  readonly close_e4: number | null;
  readonly volume_e6: number;
  readonly tick_count: number;
  readonly vwap_is_typical: boolean;
  readonly vwap_e6: number | null;
  readonly session_vwap_e6: number | null;
  readonly ma_sum_e4: number | null;
  readonly ma_e6: number | null;
  readonly strike_e4: number | null;
}

/** The periods of a run in the order of time and revision. */
export async function periodsOf(run: TestRun): Promise<PeriodRow[]> {
  const { rows } = await run.client.query<{ row: PeriodRow }>(
    'select to_jsonb(p) as row from signal.periods p where p.run_id = $1 order by p.ts, p.revision',
    [run.id],
  );
  return rows.map(({ row }) => row);
}

/** `HH:MM:SS up` or `down` of every signal of a run. */
export async function signalsOf(run: TestRun): Promise<string[]> {
  const { rows } = await run.client.query<{ line: string }>(
    `select to_char(s.ts, 'HH24:MI:SS') || case s.direction when 1 then ' up' else ' down' end as line
     from signal.signals s where s.run_id = $1 order by s.ts`,
    [run.id],
  );
  return rows.map(({ line }) => line);
}

// Every row that a run wrote, ids replaced by what they stand for. Order among the events and fills of one order is part of it.
const DUMP_SQL = `
  with symbols as (select i.instrument_id, i.symbol from ref.instruments i),
  positions as (select d.decision_id, d.ts from trade.decisions d where d.run_id = $1 and d.kind = 'entry'),
  orders as (
    select i.intent_id, d.kind || ' ' || d.ts || ' ' || p.ts || ' #' || i.attempt as key
    from trade.order_intents i
    join trade.decisions d on d.decision_id = i.decision_id
    join positions p on p.decision_id = i.position_id
    where i.run_id = $1
  ), lines as (
    select 'period' as kind, p.ts, (to_jsonb(p) - '{run_id,instrument_id,call_id,put_id}'::text[]
      || jsonb_build_object('call', c.symbol, 'put', u.symbol))::text as line
    from signal.periods p
    left join symbols c on c.instrument_id = p.call_id
    left join symbols u on u.instrument_id = p.put_id
    where p.run_id = $1
    union all
    select 'signal', s.ts, (to_jsonb(s) - '{run_id,instrument_id,skip,legs,score,features}'::text[])::text from signal.signals s where s.run_id = $1
    union all
    select 'spread', s.ts, jsonb_build_array(s.skip, s.legs, s.score, s.features)::text
    from signal.signals s where s.run_id = $1 and (s.skip is not null or s.legs is not null)
    union all
    select 'decision', d.ts, (to_jsonb(d) - '{decision_id,run_id,instrument_id,position_id,event,event_ok,entries_day,entries_day_max,entries_ok,stop_ok}'::text[]
      || jsonb_build_object('contract', c.symbol, 'position', p.ts))::text
    from trade.decisions d
    left join symbols c using (instrument_id)
    left join positions p on p.decision_id = d.position_id
    where d.run_id = $1
    union all
    select 'gates', d.ts, jsonb_build_array(d.event, d.event_ok, d.entries_day, d.entries_ok, d.stop_ok)::text
    from trade.decisions d where d.run_id = $1 and num_nonnulls(d.event, d.event_ok, d.entries_day, d.entries_ok, d.stop_ok) > 0
    union all
    select 'intent', i.ts, (to_jsonb(i) - '{intent_id,run_id,decision_id,position_id,depends_on_id,stop_px_e4}'::text[]
      || jsonb_build_object('order', o.key, 'depends_on', x.ts))::text
    from trade.order_intents i
    join orders o using (intent_id)
    left join trade.decisions x on x.decision_id = i.depends_on_id
    where i.run_id = $1
    union all
    select 'leg', null, (to_jsonb(l) - '{intent_id,decision_id,instrument_id}'::text[]
      || jsonb_build_object('order', o.key, 'contract', c.symbol))::text
    from trade.order_intent_legs l join orders o using (intent_id) join symbols c using (instrument_id)
    union all
    select 'event', e.ts, (to_jsonb(e) - '{event_id,intent_id,run_id,epoch,qty}'::text[] || jsonb_build_object(
      'order', o.key, 'nth', row_number() over (partition by e.intent_id order by e.event_id)))::text
    from trade.order_events e join orders o using (intent_id) where e.run_id = $1
    union all
    select 'fill', f.ts, (to_jsonb(f) - '{fill_id,run_id,intent_id,position_id,account,instrument_id,execution_id}'::text[]
      || jsonb_build_object('order', o.key, 'contract', c.symbol, 'position', p.ts,
        'nth', row_number() over (partition by f.intent_id order by f.fill_id)))::text
    from trade.fills f
    join orders o using (intent_id)
    join positions p on p.decision_id = f.position_id
    join symbols c using (instrument_id)
    where f.intent_id in (select o.intent_id from orders o)
    union all
    select 'slot', null, jsonb_build_object('slot', s.slot, 'position', p.ts)::text
    from trade.runs r
    join trade.position_slots s on s.account = r.account
    left join positions p on p.decision_id = s.position_id
    where r.run_id = $1
  )
  select kind || ' ' || line as line from lines
  where $2::timestamp is null or (ts >= $2 and ts < $3)
  order by (kind || ' ' || line) collate "C"`;

/** Every row of a run by natural keys, sorted: equal runs have equal dumps on every engine. A range leaves legs and slots out. */
export async function dumpOf(
  run: TestRun,
  range: { readonly from: EasternUs; readonly to: EasternUs } | null = null,
): Promise<string[]> {
  const times = range === null ? [null, null] : [formatEastern(range.from), formatEastern(range.to)];
  const { rows } = await run.client.query<{ line: string }>(DUMP_SQL, [run.id, ...times]);
  return rows.map((row) => row.line);
}

/** The rows that only one of two dumps has: both lists are empty when the runs agree. */
export function differences(
  a: readonly string[],
  b: readonly string[],
): { onlyFirst: string[]; onlySecond: string[] } {
  const balance = new Map<string, number>();
  for (const line of a) balance.set(line, (balance.get(line) ?? 0) + 1);
  for (const line of b) balance.set(line, (balance.get(line) ?? 0) - 1);
  const left = [...balance].filter(([, count]) => count !== 0);
  const pick = (sign: 1 | -1): string[] => left.filter(([, n]) => n * sign > 0).map(([line]) => line);
  return { onlyFirst: pick(1), onlySecond: pick(-1) };
}

/** What `differences` says of equal dumps. */
export const NO_DIFFERENCES = { onlyFirst: [], onlySecond: [] } as const;

/** How many rows of each kind a dump holds. */
export function countKinds(dump: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const line of dump) {
    const kind = line.slice(0, line.indexOf(' '));
    counts[kind] = (counts[kind] ?? 0) + 1;
  }
  return counts;
}

export function md5(lines: readonly string[]): string {
  return createHash('md5').update(lines.join('\n')).digest('hex');
}
