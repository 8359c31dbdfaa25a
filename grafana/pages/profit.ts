// P/L, the home page. Its first screen answers: am I making money, is risk in bounds, is the data alive.
import { coloredText, DOLLARS, field, fieldsLike, MONEY, money, SHARE, unit } from '../fields.ts';
import { RUN_AND_FIELD, RUN_LABEL } from '../links.ts';
import { type Dashboard, dashboard, type Panel } from '../model.ts';
import { lines, table, timeBars } from '../panels.ts';
import {
  bucket,
  CHOSEN_CTE,
  CURVE_CTE,
  FROM,
  onDaysInRange,
  RANGE_TRIPS_CTE,
  RUNNING_CTE,
  TRIPS_CTE,
} from '../sql.ts';
import { RUN_VARIABLES } from '../variables.ts';
import { PROFIT_TILES } from './profit_tiles.ts';

const NO_TRADES = 'no trades yet';

const equity: Panel = lines({
  id: 10,
  title: 'Equity and high-water',
  description:
    'Running net of closed positions since the first one of the run (dashed: its highest value so far). A point stands at the exit of a position; of many in one point of the picture the last. Source: panel.trip_pl.',
  at: [0, 8, 16, 9],
  sql: `with ${CHOSEN_CTE}, ${TRIPS_CTE}, ${RUNNING_CTE}, points as (
  select r.choice_no, r.choice, max(r.ts_exit) as ts_exit, sum(r.net_e4) as net_e4, max(r.equity_e4) as highest_e4
  from running r
  group by r.choice_no, r.choice, ${bucket('r.ts_exit')}
), summed as (
  select
    p.choice, p.ts_exit, sum(p.net_e4) over so_far / 10000 as equity, greatest(max(p.highest_e4) over so_far, 0) / 10000 as high_water
  from points p
  window so_far as (partition by p.choice_no order by p.ts_exit rows unbounded preceding)
)
select ref.instant(s.ts_exit) as "time", s.choice as run, s.equity, s.high_water as "high-water"
from summed s
where s.ts_exit >= ${FROM}
order by 1, 2`,
  noValue: NO_TRADES,
  interval: '1m',
  defaults: {
    unit: DOLLARS,
    displayName: RUN_AND_FIELD,
    custom: {
      drawStyle: 'line',
      lineInterpolation: 'stepAfter',
      lineWidth: 2,
      fillOpacity: 0,
      showPoints: 'never',
      spanNulls: true,
    },
  },
  overrides: [
    fieldsLike('.*high-water.*', {
      'custom.lineStyle': { fill: 'dash', dash: [6, 6] },
      'custom.lineWidth': 1,
      'custom.fillOpacity': 0,
    }),
  ],
});

const drawdown: Panel = lines({
  id: 11,
  title: 'Drawdown',
  description:
    'Running net minus its highest value so far; the deepest of each point of the picture. Source: panel.trip_pl.',
  at: [0, 17, 16, 5],
  sql: `with ${CHOSEN_CTE}, ${TRIPS_CTE}, ${CURVE_CTE}
select ref.instant(max(c.ts_exit)) as "time", c.choice as run, min(c.equity_e4 - c.high_water_e4) / 10000 as drawdown
from curve c
where c.ts_exit >= ${FROM}
group by c.choice_no, c.choice, ${bucket('c.ts_exit')}
order by 1, 2`,
  noValue: NO_TRADES,
  interval: '1m',
  defaults: {
    unit: DOLLARS,
    displayName: RUN_LABEL,
    max: 0,
    custom: {
      drawStyle: 'line',
      lineInterpolation: 'stepAfter',
      lineWidth: 1,
      fillOpacity: 25,
      showPoints: 'never',
      spanNulls: true,
    },
  },
});

// Thousands of trips are added up once, by number and date; weekdays and weeks are those of a hundred sums.
const DAYS_CTE = `days as (
  select t.choice_no, t.choice, t.session_date, sum(t.net_e4) / 10000 as net
  from trips t
  where ${onDaysInRange('t.session_date')}
  group by t.choice_no, t.choice, t.session_date
)`;

const WEEKDAYS = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri'] as const;

const calendar: Panel = table({
  id: 12,
  title: 'Calendar',
  description:
    'Net of each session, a row for every week; an empty cell had no trade. Source: panel.trip_pl.',
  at: [16, 8, 8, 14],
  sql: `with ${CHOSEN_CTE}, ${RANGE_TRIPS_CTE}, ${DAYS_CTE}
select
  to_char(date_trunc('week', d.session_date), 'YYYY-MM-DD') as "Week of",
${WEEKDAYS.map((day, index) => `  sum(d.net) filter (where extract(isodow from d.session_date) = ${index + 1}) as "${day}",`).join('\n')}
  sum(d.net) as "Week",
  d.choice as run
from days d
group by date_trunc('week', d.session_date), d.choice
order by 1 desc, d.choice`,
  noValue: NO_TRADES,
  overrides: [
    ...WEEKDAYS.map((day) =>
      field(day, {
        ...MONEY,
        decimals: 0,
        'custom.cellOptions': { type: 'color-background', mode: 'basic' },
      }),
    ),
    money('Week'),
  ],
});

const daily: Panel = timeBars({
  id: 13,
  title: 'Daily net',
  description:
    'Net of the round trips of each session; drawn at noon, Eastern. A session without a trade has no bar. The figures of `strikebase pl`. Source: panel.trip_pl.',
  at: [0, 22, 16, 8],
  sql: `with ${CHOSEN_CTE}, ${RANGE_TRIPS_CTE}, ${DAYS_CTE}
select ref.instant(d.session_date + time '12:00') as "time", d.choice as run, d.net
from days d
order by 1, 2`,
  noValue: NO_TRADES,
  interval: '1d',
  defaults: {
    ...MONEY,
    displayName: RUN_LABEL,
    custom: {
      drawStyle: 'bars',
      barAlignment: 0,
      barWidthFactor: 0.7,
      fillOpacity: 80,
      lineWidth: 0,
      gradientMode: 'none',
    },
  },
});

const exits: Panel = table({
  id: 14,
  title: 'Exits by reason',
  description:
    'Round trips of the range by why they ended: number, share that won, net in all and on average, mean minutes held. Source: panel.trip_pl, panel.decisions.',
  at: [16, 22, 8, 8],
  // Trips and exit decisions meet by grouping: a join would look thousands of decisions up one by one, for the planner expects a handful of trips.
  sql: `with ${CHOSEN_CTE}, ${RANGE_TRIPS_CTE}, ended as (
  select max(u.choice_no) as choice_no, max(u.net_e4) as net_e4, max(u.held) as held, max(u.reason) as reason
  from (
    select t.position_id, t.choice_no, t.net_e4, t.ts_exit - t.ts_entry as held, null as reason
    from trips t
    where ${onDaysInRange('t.session_date')}
    union all
    select d.position_id, null, null, null, d.reason
    from panel.decisions d
    where d.run_id = any (array(select run_id from chosen)) and d.verdict = 'TRADE' and d.kind = 'exit' and d.ts >= ${FROM}::date
  ) u
  group by u.position_id
)
select
  -- Without a decision of ours it was the stop that rests at the broker.
  coalesce(e.reason, 'protective_stop') as "Exit",
  count(*) as "n",
  avg((e.net_e4 > 0)::integer)::double precision as "Won",
  sum(e.net_e4) / 10000 as "Net",
  avg(e.net_e4) / 10000 as "Average",
  date_part('epoch', avg(e.held)) / 60 as "Minutes",
  (select min(c.choice) from chosen c where c.choice_no = e.choice_no) as run
from ended e
where e.choice_no is not null
group by coalesce(e.reason, 'protective_stop'), e.choice_no
order by sum(e.net_e4) desc`,
  noValue: NO_TRADES,
  overrides: [
    unit('Won', SHARE, 0),
    money('Net'),
    money('Average'),
    unit('Minutes', 'none', 1),
    coloredText('Exit', {
      take_profit: 'green',
      stop_loss: 'red',
      reverse: 'blue',
      forced_flat: 'orange',
    }),
  ],
});

/** The P/L page. */
export function profitPage(): Dashboard {
  return dashboard({
    uid: 'strikebase-pl',
    title: 'Strikebase P/L',
    description: 'Am I making money, is risk in bounds, is the data alive.',
    from: 'now-90d',
    refresh: '30s',
    variables: RUN_VARIABLES,
    panels: [...PROFIT_TILES, equity, drawdown, calendar, daily, exits],
  });
}
