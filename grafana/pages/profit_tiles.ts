// The tiles of the P/L page: mode, money, risk, halt state, age of the data.
import { field, MONEY, mappings, SECONDS, SHARE, thresholds, unit } from '../fields.ts';
import type { Panel } from '../model.ts';
import { tiles, words } from '../panels.ts';
import {
  CHOSEN_CTE,
  CURVE_CTE,
  FROM,
  onDaysInRange,
  RANGE_TRIPS_CTE,
  RUN_NAME,
  TO,
  TRIPS_CTE,
  tripsSinceCte,
} from '../sql.ts';

const BADGES = { LIVE: 'red', PAPER: 'blue', BACKTEST: 'purple', REPLAY: 'purple' };
const NO_TRADES = 'no trades yet';
const NO_RUN = 'no run chosen';

const mode: Panel = words({
  id: 1,
  title: 'Mode',
  description:
    'LIVE trades at a real broker, PAPER fills on the quotes, REPLAY and BACKTEST are recorded days. Below it: what the option quotes are. Modelled quotes say how a rule behaves, not what it would have earned. Source: panel.run_choices.',
  at: [0, 0, 4, 4],
  sql: `select
  string_agg(distinct c.badge, ' + ') as mode,
  string_agg(distinct c.quote_source, ' + ') || ' quotes' as quotes
from panel.run_choices c
where c.choice = any (array[$run]::text[])`,
  noValue: NO_RUN,
  defaults: { mappings: mappings(BADGES), color: { mode: 'fixed', fixedColor: 'text' } },
});

const moneyMade: Panel = tiles({
  id: 2,
  title: 'Profit and loss of closed positions',
  description:
    'Sales minus purchases (gross), less commission and fees (net), of round trips closed by now, in the session of their entry. Today is the last day of the range, week and month are those it lies in, up to it. The figures of `strikebase pl`. Source: panel.trip_pl.',
  at: [4, 0, 14, 4],
  sql: `with ${CHOSEN_CTE}, ${tripsSinceCte(`${TO}::date - 31`)}, last_day as (
  select ${TO}::date as d
)
select
  ${RUN_NAME},
  coalesce(sum(t.net) filter (where t.session_date = l.d), 0) as "Net today",
  coalesce(sum(t.gross) filter (where t.session_date = l.d), 0) as "Gross today",
  coalesce(sum(t.net) filter (where t.session_date >= date_trunc('week', l.d)), 0) as "Net this week",
  coalesce(sum(t.net) filter (where t.session_date >= date_trunc('month', l.d)), 0) as "Net this month"
from (select distinct x.choice from chosen x) c
cross join last_day l
left join trips t on t.choice = c.choice and t.session_date <= l.d
group by c.choice
order by c.choice`,
  noValue: NO_RUN,
  defaults: MONEY,
});

const openNow: Panel = tiles({
  id: 3,
  title: 'Open positions',
  description:
    'Open P/L: what closing at the last quote (short at the ask) would make, less fees so far. At risk: what the stops would lose from the entry, (stop − entry) × contracts × multiplier. Source: panel.open_positions.',
  at: [18, 0, 6, 4],
  sql: `with ${CHOSEN_CTE}, held as (
  select c.choice, o.gross_to_close - o.fees as net, (o.stop_px - o.entry_px) * abs(o.qty) * o.multiplier as at_risk
  from panel.open_positions o
  join chosen c on c.run_id = o.run_id
  where o.run_id = any (array(select run_id from chosen))
)
select
  ${RUN_NAME},
  coalesce(sum(h.net), 0)::double precision as "Open P/L",
  -coalesce(sum(h.at_risk), 0)::double precision as "At risk"
from (select distinct x.choice from chosen x) c
left join held h on h.choice = c.choice
group by c.choice
order by c.choice`,
  noValue: NO_RUN,
  defaults: MONEY,
});

const drawdownNow: Panel = tiles({
  id: 4,
  title: 'Drawdown from high-water',
  description:
    'Net of all closed positions minus its highest value so far (at least 0): as it stands at the end of the range, and at its worst in the range. Source: panel.trip_pl.',
  at: [0, 4, 6, 4],
  sql: `with ${CHOSEN_CTE}, ${TRIPS_CTE}, ${CURVE_CTE}
select
  ${RUN_NAME},
  (sum(c.net_e4) - max(c.high_water_e4)) / 10000 as "Now",
  min(c.equity_e4 - c.high_water_e4) filter (where c.ts_exit >= ${FROM}) / 10000 as "Worst"
from curve c
group by c.choice_no, c.choice
order by c.choice`,
  noValue: NO_TRADES,
  defaults: MONEY,
});

const quality: Panel = tiles({
  id: 5,
  title: 'Closed positions in the range',
  description:
    'Win rate: share of n positions whose net is above 0. Profit factor: sum of the wins by sum of the losses, both net. Expectancy: mean net of a position. The win rate alone misleads: read it with the others, and with n. Source: panel.trip_pl.',
  at: [6, 4, 9, 4],
  sql: `with ${CHOSEN_CTE}, ${RANGE_TRIPS_CTE}
select
  ${RUN_NAME},
  avg((c.net > 0)::integer)::double precision as "Win rate",
  count(*) as "n",
  sum(c.net) filter (where c.net > 0) / nullif(-sum(c.net) filter (where c.net < 0), 0) as "Profit factor",
  avg(c.net) as "Expectancy"
from trips c
where ${onDaysInRange('c.session_date')}
group by c.choice
order by c.choice`,
  noValue: NO_TRADES,
  defaults: { color: { mode: 'fixed', fixedColor: 'text' } },
  overrides: [
    unit('Win rate', SHARE, 1),
    unit('n', 'none', 0),
    unit('Profit factor', 'none', 2),
    field('Expectancy', MONEY),
  ],
});

const dayLimit: Panel = tiles({
  id: 6,
  title: 'Day limit used',
  description:
    'Loss of the last day of the range (closed positions, net) as a share of max_day_loss, at which entries end. Source: panel.trip_pl, panel.run_choices.',
  at: [15, 4, 3, 4],
  sql: `with ${CHOSEN_CTE}, ${tripsSinceCte(`${TO}::date`)}
select
  ${RUN_NAME},
  greatest(-coalesce(sum(t.net), 0), 0) / min(c.max_day_loss)::double precision as used
from (select x.choice, min(x.max_day_loss) as max_day_loss from chosen x group by x.choice) c
left join trips t on t.choice = c.choice and t.session_date = ${TO}::date
group by c.choice
order by c.choice`,
  noValue: NO_RUN,
  defaults: {
    unit: SHARE,
    decimals: 0,
    color: { mode: 'thresholds' },
    thresholds: thresholds(
      { from: null, color: 'green' },
      { from: 0.5, color: 'orange' },
      { from: 1, color: 'red' },
    ),
  },
  options: { textMode: 'auto' },
});

const entries: Panel = words({
  id: 7,
  title: 'Entries',
  description:
    'HALTED while the kill switch of the account, or of all accounts, is set. Exits are never halted. `strikebase resume` allows entries again. Source: panel.halts.',
  at: [18, 4, 2, 4],
  sql: `select case when count(*) > 0 then 'HALTED' else 'allowed' end as entries
from panel.halts h
where h.halted and (
  h.account = 'all accounts'
  or h.account in (select c.account from panel.run_choices c where c.choice = any (array[$run]::text[]))
)`,
  noValue: 'unknown',
  defaults: { mappings: mappings({ HALTED: 'red', allowed: 'green' }) },
});

const age: Panel = tiles({
  id: 8,
  title: 'Data age',
  description:
    'Seconds since the slowest stream of the chosen live runs that are open received a row, by the database’s clock. Empty when none of them is open. Source: panel.streams.',
  at: [20, 4, 2, 4],
  sql: `select max(s.age_s) as age
from panel.streams s
where s.feed_id in (
  select f.feed_id
  from panel.run_choices c
  cross join lateral (values (c.tick_feed_id), (c.quote_feed_id)) as f (feed_id)
  where c.choice = any (array[$run]::text[]) and c.mode = 'live' and c.is_open
)`,
  noValue: 'not live',
  defaults: {
    unit: SECONDS,
    decimals: 0,
    color: { mode: 'thresholds' },
    thresholds: thresholds(
      { from: null, color: 'green' },
      { from: 10, color: 'orange' },
      { from: 30, color: 'red' },
    ),
  },
  options: { textMode: 'value' },
});

const alarms: Panel = tiles({
  id: 9,
  title: 'Alarms',
  description: 'Alarms that fire now; page Health lists them. Source: panel.alarms.',
  at: [22, 4, 2, 4],
  sql: 'select count(*) filter (where a.is_firing) as firing from panel.alarms a',
  noValue: 'unknown',
  defaults: {
    unit: 'none',
    color: { mode: 'thresholds' },
    thresholds: thresholds({ from: null, color: 'green' }, { from: 1, color: 'red' }),
    links: [{ title: 'Health', url: '/d/strikebase-health', targetBlank: false }],
  },
  options: { textMode: 'value' },
});

/** Two rows of tiles, eight units high. */
export const PROFIT_TILES: readonly Panel[] = [
  mode,
  moneyMade,
  openNow,
  drawdownNow,
  quality,
  dayLimit,
  entries,
  age,
  alarms,
];
