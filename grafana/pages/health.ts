// Health: is everything alive, complete and quick.
import { coloredText, field, MILLISECONDS, SECONDS, TIME, unit } from '../fields.ts';
import { type Dashboard, dashboard, type Panel } from '../model.ts';
import { table, tiles, words } from '../panels.ts';
import { inRange, TO } from '../sql.ts';
import { AGES, FEED_PANELS, gapRegions } from './health_feeds.ts';

/** Panel that alert rules point at. */
export const ALARMS_PANEL_ID = 1;

const OK = { ok: 'green', failed: 'red' };

const alarms: Panel = table({
  id: ALARMS_PANEL_ID,
  title: 'Alarms',
  description:
    'Every alarm, firing or not: its value, the value at which it fires, what it is about. Seconds for stale_feed, missing_decision and exit_not_filled; a share of the limit for day_loss; else numbers. Grafana’s alert rules read the same rows. Source: panel.alarms.',
  at: [0, 0, 14, 9],
  sql: `select
  case when a.is_firing then 'FIRING' else 'quiet' end as "State", a.alarm as "Alarm", a.value as "Value", a.threshold as "Fires at", a.detail as "About"
from panel.alarms a`,
  noValue: 'unknown',
  overrides: [
    coloredText('State', { FIRING: 'red', quiet: 'green' }),
    unit('Value', 'none', 1),
    unit('Fires at', 'none', 0),
  ],
});

const token: Panel = words({
  id: 2,
  title: 'Broker login',
  description:
    'What the last readiness check found of the login’s life; it needs 24 hours for an entry. `strikebase schwab login` renews it. Source: panel.readiness.',
  at: [14, 0, 5, 4],
  sql: `select case when r.ok then 'ok: ' else 'failed: ' end || r.detail as token
from panel.readiness r
where r.name = 'broker token'`,
  noValue: 'paper only',
  defaults: { color: { mode: 'fixed', fixedColor: 'text' } },
  options: { colorMode: 'value' },
});

const server: Panel = words({
  id: 3,
  title: 'Engine',
  description: 'Engine and version of the database. Source: panel.server.',
  at: [19, 0, 5, 4],
  sql: 'select s.engine from panel.server s',
  noValue: 'unknown',
  defaults: { color: { mode: 'fixed', fixedColor: 'text' } },
  options: { colorMode: 'value' },
});

const size: Panel = tiles({
  id: 4,
  title: 'Database',
  description:
    'Size on disk and connections, by PostgreSQL’s own count. Last migration: see `strikebase status`. Source: panel.server.',
  at: [14, 4, 10, 5],
  sql: 'select s.bytes::double precision as "Size", s.connections as "Connections" from panel.server s',
  noValue: 'unknown',
  defaults: { unit: 'bytes', decimals: 1, color: { mode: 'fixed', fixedColor: 'text' } },
  overrides: [unit('Connections', 'none', 0)],
});

const processes: Panel = table({
  id: 6,
  title: 'Processes',
  description:
    'Last sign of life of every process, by the database’s clock, and what it was doing. Source: panel.processes.',
  at: [12, 9, 12, 8],
  sql: `select p.process as "Process", p.state as "State", p.age_s as "Age", p.detail as "Doing", p.pid as "Pid"
from panel.processes p
order by p.ts desc`,
  noValue: 'no process has run yet',
  overrides: [
    field('Age', {
      unit: SECONDS,
      decimals: 0,
      thresholds: AGES,
      'custom.cellOptions': { type: 'color-text' },
    }),
    unit('Pid', 'none', 0),
  ],
});

const latency: Panel = table({
  id: 10,
  title: 'Latency by stage',
  description:
    'In the range. feed: receipt minus event time (worst minute’s percentile). decision: age of a live entry decision when it was taken. order: intent to sending, sending to acceptance, sending to first fill, of live runs. Others as processes measured them. Source: panel.feed_rates, panel.decisions, panel.order_steps, panel.latency_samples.',
  at: [0, 32, 12, 9],
  sql: `with live as (
  select array(select c.run_id from panel.run_choices c where c.mode = 'live') as run_ids
), samples as (
  select '2 decision' as stage, d.age_ms::double precision as ms
  from panel.decisions d, live l
  where d.run_id = any (l.run_ids) and d.kind = 'entry' and ${inRange('d.ts')}
  union all
  select x.stage, x.ms
  from panel.order_steps o, live l
  cross join lateral (
    values ('3 order: intent to sent', o.submitted_ms), ('4 order: sent to accepted', o.accepted_ms), ('5 order: sent to filled', o.filled_ms)
  ) as x (stage, ms)
  where o.run_id = any (l.run_ids) and ${inRange('o.ts')}
  union all
  select '6 ' || s.stage, s.ms from panel.latency_samples s where ${inRange('s.ts')}
)
select
  substr(s.stage, 3) as "Stage",
  count(s.ms) as "n",
  percentile_cont(0.5) within group (order by s.ms) as "p50",
  percentile_cont(0.99) within group (order by s.ms) as "p99",
  max(s.ms) as "Max"
from samples s
where s.ms is not null
group by s.stage
union all
select 'feed ' || r.feed || ' ' || r.stream, sum(r.events)::bigint, max(r.lag_p50_ms)::double precision, max(r.lag_p99_ms)::double precision, max(r.lag_max_ms)::double precision
from panel.feed_rates r
where ${inRange('r.ts')}
group by r.feed, r.stream
order by 1`,
  noValue: 'nothing was measured in the range',
  overrides: [
    unit('n', 'short', 0),
    unit('p50', MILLISECONDS, 1),
    unit('p99', MILLISECONDS, 1),
    unit('Max', MILLISECONDS, 1),
  ],
});

const readiness: Panel = table({
  id: 13,
  title: 'Readiness and reconciliation',
  description:
    'The last result of every readiness check, and the last pass over each account’s orders and positions at the broker. At a real broker a red one bars entries. Source: panel.readiness, panel.reconciliations.',
  at: [12, 41, 12, 8],
  sql: `select case when r.ok then 'ok' else 'failed' end as "Result", r.name as "Check", r.detail as "Found", ref.instant(r.ts) as "When"
from panel.readiness r
union all
select case when x.is_ok then 'ok' else 'failed' end, 'reconciliation of ' || x.account, x.detail, ref.instant(x.ts)
from (
  select distinct on (y.account) y.account, y.is_ok, y.detail, y.ts
  from panel.reconciliations y
  where y.ts >= ${TO} - interval '7 days'
  order by y.account, y.ts desc, y.reconciliation_id desc
) x
order by 2`,
  noValue: 'nothing was checked yet',
  overrides: [coloredText('Result', OK), unit('When', TIME)],
});

const runs: Panel = table({
  id: 14,
  title: 'Runs',
  description:
    'The newest 50 runs: mode, broker, data, how far they came, how they ended. Source: panel.runs.',
  at: [0, 49, 14, 8],
  sql: `select
  r.run_id as "Run", r.mode as "Mode", r.strategy || ' v' || r.version as "Strategy", r.account as "Account", r.broker as "Broker",
  r.quote_source || ' quotes' as "Quotes", ref.instant(r.ts_advanced) as "Advanced to", r.outcome as "Outcome", ref.instant(r.ts_created) as "Opened"
from panel.runs r
order by r.run_id desc
limit 50`,
  noValue: 'no run yet',
  overrides: [
    unit('Advanced to', TIME),
    unit('Opened', TIME),
    coloredText('Outcome', { open: 'blue', completed: 'green', stopped: 'orange', failed: 'red' }),
  ],
});

const imports: Panel = table({
  id: 15,
  title: 'Imports',
  description: 'The newest 50 files that were imported. Source: panel.imports.',
  at: [14, 49, 10, 8],
  sql: `select
  ref.instant(i.ts) as "When", i.file as "File", i.feed as "Feed", i.rows_in as "New", i.rows_duplicate as "Known", i.rows_rejected as "Rejected"
from panel.imports i
order by i.import_id desc
limit 50`,
  noValue: 'nothing was imported yet',
  overrides: [unit('When', TIME), ...['New', 'Known', 'Rejected'].map((name) => unit(name, 'short', 0))],
});

/** The Health page. */
export function healthPage(): Dashboard {
  return dashboard({
    uid: 'strikebase-health',
    title: 'Strikebase Health',
    description: 'Is everything alive, complete and quick.',
    from: 'now-6h',
    refresh: '30s',
    variables: [],
    annotations: [gapRegions],
    panels: [alarms, token, server, size, processes, ...FEED_PANELS, latency, readiness, runs, imports],
  });
}
