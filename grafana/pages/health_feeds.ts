// The feeds' part of the Health page: streams, their states, rates and lag, gaps, completeness.
import { coloredText, field, MILLISECONDS, mappings, SECONDS, TIME, thresholds, unit } from '../fields.ts';
import { STREAM_AND_FIELD, STREAM_LABEL } from '../links.ts';
import { type Annotation, DATASOURCE, type Panel, target } from '../model.ts';
import { lines, states, table } from '../panels.ts';
import { FROM, inRange, onDaysInRange, TO } from '../sql.ts';

const STATES = {
  live: 'green',
  subscribed: 'blue',
  authenticated: 'blue',
  connecting: 'yellow',
  mute: 'orange',
  disconnected: 'red',
  failed: 'dark-red',
};

/** Ages of what should be alive. */
export const AGES = thresholds(
  { from: null, color: 'green' },
  { from: 10, color: 'orange' },
  { from: 30, color: 'red' },
);

const streams: Panel = table({
  id: 5,
  title: 'Streams',
  description:
    'Every stream of market data: state of its connection, age of its last row by the database’s clock, event time before which everything is stored. Source: panel.streams.',
  at: [0, 9, 12, 8],
  sql: `select
  s.feed as "Feed", s.stream as "Stream", s.state as "State", s.age_s as "Age", ref.instant(s.ts_high_water) as "Stored up to",
  s.rows_in as "Rows", s.source as "Source"
from panel.streams s
order by s.ts_recv desc`,
  noValue: 'no stream yet',
  overrides: [
    coloredText('State', STATES),
    field('Age', {
      unit: SECONDS,
      decimals: 0,
      thresholds: AGES,
      'custom.cellOptions': { type: 'color-text' },
    }),
    unit('Stored up to', TIME),
    unit('Rows', 'short', 0),
  ],
});

const feedStates: Panel = states({
  id: 7,
  title: 'Feed states',
  description:
    'State of every stream’s connection over the range, beginning with the one in which it entered it: green is live, orange connected but mute, red gone. Source: panel.feed_states.',
  at: [0, 17, 24, 7],
  sql: `with named as (
  select s.feed || ' ' || s.stream as name, s.ts, s.state, s.feed_state_id
  from panel.feed_states s
  where s.symbol is null and s.ts >= ${FROM} - interval '7 days' and s.ts <= ${TO}
), entered as (
  select distinct on (n.name) n.name, ${FROM} as ts, n.state, n.feed_state_id
  from named n
  where n.ts < ${FROM}
  order by n.name, n.ts desc, n.feed_state_id desc
)
select ref.instant(x.ts) as "time", x.name as stream, x.state
from (
  select * from entered
  union all
  select * from named n where n.ts >= ${FROM}
) x
order by x.ts, x.feed_state_id`,
  noValue: 'no state was noted in the range',
  defaults: { mappings: mappings(STATES) },
  transformations: [{ id: 'partitionByValues', options: { fields: ['stream'], keepFields: false } }],
});

const rates: Panel = lines({
  id: 8,
  title: 'Rows a second',
  description: 'Rows received by each stream, by minute of receipt, divided by 60. Source: panel.feed_rates.',
  at: [0, 24, 12, 8],
  sql: `select ref.instant(r.ts) as "time", r.feed || ' ' || r.stream as stream, r.events / 60.0 as rows
from panel.feed_rates r
where ${inRange('r.ts')}
order by 1, 2`,
  noValue: 'nothing was received in the range',
  interval: '1m',
  defaults: { unit: 'cps', displayName: STREAM_LABEL },
});

const lag: Panel = lines({
  id: 9,
  title: 'Lag of the feeds, 50th and 99th percentile',
  description:
    'Receipt minus the event’s time (of an aggregate: its end), by minute of receipt. Source: panel.feed_rates.',
  at: [12, 24, 12, 8],
  sql: `select ref.instant(r.ts) as "time", r.feed || ' ' || r.stream as stream, r.lag_p50_ms as p50, r.lag_p99_ms as p99
from panel.feed_rates r
where ${inRange('r.ts')}
order by 1, 2`,
  noValue: 'nothing was received in the range',
  interval: '1m',
  defaults: { unit: MILLISECONDS, displayName: STREAM_AND_FIELD },
});

const gaps: Panel = table({
  id: 11,
  title: 'Gaps',
  description:
    'Gaps of the feeds that touch the range, and those of any time that last. Entries are barred while one of today’s is not filled. Source: panel.feed_gaps.',
  at: [12, 32, 12, 9],
  sql: `select
  case when g.is_filled then 'filled' when g.ts_to is null then 'lasts' else 'open' end as "State",
  g.feed as "Feed", g.stream as "Stream", ref.instant(g.ts_from) as "From", g.length_s as "Length", g.cause as "Cause", g.rows_filled as "Rows filled",
  g.attempts as "Attempts", g.detail as "Detail"
from panel.feed_gaps g
where (g.ts_from <= ${TO} and coalesce(g.ts_to, g.ts_from) >= ${FROM}) or g.ts_to is null
order by g.ts_from desc
limit 500`,
  noValue: 'no gap in the range',
  overrides: [
    coloredText('State', { filled: 'green', open: 'orange', lasts: 'red' }),
    unit('From', TIME),
    unit('Length', SECONDS, 0),
    unit('Rows filled', 'short', 0),
  ],
});

const completeness: Panel = table({
  id: 12,
  title: 'Completeness',
  description:
    'Our rows and volume of each session against the vendor’s aggregates by REST, checked after the close: minutes checked, minutes in which we are short, our volume as a share of theirs. Source: panel.feed_sessions.',
  at: [0, 41, 12, 8],
  sql: `select
  to_char(s.session_date, 'YYYY-MM-DD') as "Session", s.feed as "Feed", s.minutes as "Minutes", s.minutes_short as "Short",
  s.volume_percent::double precision as "Volume", s.rows_ours as "Our rows", s.rows_vendor as "Their rows", ref.instant(s.ts_checked) as "Checked"
from panel.feed_sessions s
where ${onDaysInRange('s.session_date')}
order by s.session_date desc, s.feed`,
  noValue: 'no session was checked in the range',
  overrides: [
    field('Volume', {
      unit: 'percent',
      decimals: 2,
      thresholds: thresholds(
        { from: null, color: 'red' },
        { from: 99, color: 'orange' },
        { from: 99.9, color: 'green' },
      ),
      'custom.cellOptions': { type: 'color-text' },
    }),
    unit('Our rows', 'short', 0),
    unit('Their rows', 'short', 0),
    unit('Checked', TIME),
  ],
});

export const gapRegions: Annotation = {
  name: 'Gaps',
  enable: true,
  hide: false,
  iconColor: 'red',
  datasource: DATASOURCE,
  target: target(
    `select
  ref.instant(g.ts_from) as "time", ref.instant(coalesce(g.ts_to, least(${TO}, localtimestamp))) as timeend,
  format('%s %s: %s', g.feed, g.stream, g.cause) as text, g.cause as tags
from panel.feed_gaps g
where g.ts_from <= ${TO} and coalesce(g.ts_to, ${TO}) >= ${FROM}
order by g.ts_from
limit 500`,
    'table',
  ),
  filter: { exclude: false, ids: [7, 8, 9] },
};

/** The panels, from the row of streams on. */
export const FEED_PANELS: readonly Panel[] = [streams, feedStates, rates, lag, gaps, completeness];
