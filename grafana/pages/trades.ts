// Trades: round trips, how they are distributed, what they went through, what execution and fees cost.
import { coloredText, DOLLARS, field, hidden, linked, MONEY, money, SHARE, TIME, unit } from '../fields.ts';
import { TO_POSITION_IN_ITS_RANGE } from '../links.ts';
import { type Dashboard, dashboard, type Panel } from '../model.ts';
import { bars, histogram, points, table, timeBars } from '../panels.ts';
import { CHOSEN_CTE, FROM, inRange, onDaysInRange, RANGE_TRIPS_CTE, RUN_IDS, TO } from '../sql.ts';
import { RUN_VARIABLES } from '../variables.ts';

const NONE = 'no round trip in the range';
const EXITS = { take_profit: 'green', stop_loss: 'red', reverse: 'blue', forced_flat: 'orange' };

const trips: Panel = table({
  id: 1,
  title: 'Round trips',
  description:
    'Closed positions entered in the range, from entry to flat (at most the newest 1,000). Gross: sales minus purchases; net: less commission and fees. The link opens the position on its chart. Source: panel.round_trips.',
  at: [0, 0, 24, 12],
  sql: `with ${CHOSEN_CTE}
select
  ref.instant(t.ts_entry) as "Entry", ref.instant(t.ts_exit) as "Exit", t.contract as "Contract", t.direction as "Signal", t.qty as "Contracts",
  t.entry_px::double precision as "Sold at", t.exit_px::double precision as "Bought at", t.exit_reason as "Why out",
  t.gross::double precision as "Gross", t.fees::double precision as "Fees", t.net::double precision as "Net",
  t.minutes_held::double precision as "Minutes", c.choice as "Run", t.quote_source || ' quotes' as "Quotes", t.position_id::text as "Position",
  floor(extract(epoch from ref.instant(t.ts_entry - interval '30 minutes')) * 1000)::bigint as from_ms,
  floor(extract(epoch from ref.instant(t.ts_exit + interval '15 minutes')) * 1000)::bigint as to_ms
from (
  select x.* from panel.round_trips x
  where x.run_id = any (array(select run_id from chosen)) and x.session_date >= ${FROM}::date and ${inRange('x.ts_entry')}
  order by x.ts_entry desc, x.position_id desc
  limit 1000
) t
join chosen c on c.run_id = t.run_id
order by t.ts_entry desc, t.position_id desc`,
  noValue: NONE,
  overrides: [
    unit('Entry', TIME),
    unit('Exit', TIME),
    unit('Sold at', DOLLARS, 4),
    unit('Bought at', DOLLARS, 4),
    coloredText('Why out', EXITS),
    money('Gross'),
    unit('Fees', DOLLARS, 2),
    money('Net'),
    unit('Minutes', 'none', 1),
    linked('Position', 'On its chart', TO_POSITION_IN_ITS_RANGE),
    hidden('from_ms'),
    hidden('to_ms'),
  ],
});

const distribution: Panel = histogram({
  id: 2,
  title: 'Distribution of net',
  description: 'Net of each round trip of the range. Source: panel.trip_pl.',
  at: [0, 12, 8, 9],
  sql: `with ${CHOSEN_CTE}, ${RANGE_TRIPS_CTE}
select t.net as "Net" from trips t where ${onDaysInRange('t.session_date')} order by t.ts_exit, t.position_id`,
  noValue: NONE,
  defaults: { unit: DOLLARS, decimals: 0, color: { mode: 'fixed', fixedColor: 'blue' } },
});

const byHour: Panel = bars({
  id: 3,
  title: 'Net by half hour of the entry',
  description:
    'Net of the range’s round trips, added up by the half hour (Eastern) of their entry. Source: panel.round_trips.',
  at: [8, 12, 8, 9],
  sql: `select
  to_char(date_bin(interval '30 minutes', t.ts_entry, timestamp '2000-01-01'), 'HH24:MI') as "Entry",
  sum(t.net)::double precision as "Net"
from panel.round_trips t
where t.run_id = any (${RUN_IDS}) and ${onDaysInRange('t.session_date')}
group by 1
order by 1`,
  noValue: NONE,
  defaults: { ...MONEY, decimals: 0 },
});

const byWeekday: Panel = bars({
  id: 4,
  title: 'Net by weekday',
  description: 'Net of the range’s round trips, added up by weekday. Source: panel.trip_pl.',
  at: [16, 12, 8, 9],
  sql: `with ${CHOSEN_CTE}, ${RANGE_TRIPS_CTE}
select to_char(t.session_date, 'Dy') as "Weekday", sum(t.net) as "Net"
from trips t
where ${onDaysInRange('t.session_date')}
group by extract(isodow from t.session_date), to_char(t.session_date, 'Dy')
order by extract(isodow from t.session_date)`,
  noValue: NONE,
  defaults: { ...MONEY, decimals: 0 },
});

// All quotes of each trip are read, so there is a limit.
const EXCURSIONS = `with trips as materialized (
  select
    p.position_id, p.ts_entry, p.ts_exit, p.entry_px, p.exit_px, p.qty, p.multiplier, p.cash, p.fees, p.exit_reason, p.contract,
    p.instrument_id, p.quote_feed_id, p.fill_ratio
  from panel.positions p
  where not p.is_open and p.position_id = any (array(
    select t.position_id from panel.trip_pl t
    where t.run_id = any (${RUN_IDS}) and t.session_date >= ${FROM}::date and ${inRange('t.ts_entry')}
    order by t.ts_entry desc, t.position_id desc
    limit 300
  ))
)
select
  ((t.entry_px - greatest(q.highest_ask, t.exit_px)) * t.qty * t.multiplier)::double precision as "Worst",
  ((t.entry_px - least(q.lowest_ask, t.exit_px)) * t.qty * t.multiplier)::double precision as "Best",
  (t.cash - t.fees)::double precision as "Net",
  t.exit_reason as "Why out",
  t.contract as "Contract"
from trips t
join panel.ask_extremes(
  array(select position_id from trips), array(select instrument_id from trips), array(select quote_feed_id from trips),
  array(select fill_ratio from trips), array(select ts_entry from trips), array(select least(ts_exit, ${TO}) from trips)
) q on q.position_id = t.position_id
order by t.ts_entry`;

const adverse: Panel = points({
  id: 5,
  title: 'Net against the worst of it (MAE)',
  description:
    'Each point is a round trip, of the newest 300 of the range. Worst: (entry − highest ask while it was open, of a spread highest cost of closing it) × contracts × multiplier, before fees: what it would have lost, had it been closed then. Source: panel.positions, panel.ask_extremes.',
  at: [0, 21, 12, 10],
  sql: EXCURSIONS,
  xField: 'Worst',
  yField: 'Net',
  noValue: NONE,
  defaults: { unit: DOLLARS, decimals: 0 },
});

const favourable: Panel = points({
  id: 6,
  title: 'Net against the best of it (MFE)',
  description:
    'Each point is a round trip, of the newest 300 of the range. Best: (entry − lowest ask while it was open, of a spread lowest cost of closing it) × contracts × multiplier, before fees: what it would have made, had it been closed then. Source: panel.positions, panel.ask_extremes.',
  at: [12, 21, 12, 10],
  sql: EXCURSIONS,
  xField: 'Best',
  yField: 'Net',
  noValue: NONE,
  defaults: { unit: DOLLARS, decimals: 0 },
});

const slippage: Panel = table({
  id: 7,
  title: 'Slippage: modelled against filled',
  description:
    'Fills of the range by side and reason of the decision. Modelled: the price that the decision counted on (bid to sell, ask to buy; empty of the legs of spreads, whose decision counts on the price of the whole). Slippage: what it cost that the fill differed; below 0 it was better. Source: panel.fills.',
  at: [0, 31, 12, 9],
  sql: `with ${CHOSEN_CTE}
select
  f.purpose as "Purpose",
  f.reason as "Reason",
  f.side as "Side",
  count(*) as "Fills",
  sum(f.qty) as "Contracts",
  (sum(f.modelled_px * f.qty) / sum(f.qty) filter (where f.modelled_px is not null))::double precision as "Modelled",
  (sum(f.px * f.qty) / sum(f.qty))::double precision as "Filled",
  (sum(f.slippage) / sum(f.qty) filter (where f.slippage is not null))::double precision as "A contract",
  sum(f.slippage)::double precision as "Slippage",
  c.choice as "Run"
from panel.fills f
join chosen c on c.run_id = f.run_id
where ${inRange('f.ts')}
group by f.purpose, f.reason, f.side, c.choice
order by f.purpose, f.reason, f.side, c.choice`,
  noValue: 'no fill in the range',
  overrides: [
    unit('Modelled', DOLLARS, 4),
    unit('Filled', DOLLARS, 4),
    unit('A contract', DOLLARS, 2),
    unit('Slippage', DOLLARS, 2),
  ],
});

const fees: Panel = timeBars({
  id: 8,
  title: 'Gross, fees, net',
  description:
    'Round trips of the range by week (drawn at its Monday noon): sales minus purchases, commission and fees, and what is left. Source: panel.trip_pl.',
  at: [12, 31, 12, 9],
  sql: `with ${CHOSEN_CTE}, ${RANGE_TRIPS_CTE}
select
  ref.instant(date_trunc('week', t.session_date::timestamp) + interval '12 hours') as "time",
  sum(t.gross) as gross, -sum(t.fees) as fees, sum(t.net) as net
from trips t
where ${onDaysInRange('t.session_date')}
group by 1
order by 1`,
  noValue: NONE,
  interval: '7d',
  defaults: { unit: DOLLARS, decimals: 0 },
  overrides: [
    field('gross', { color: { mode: 'fixed', fixedColor: 'blue' } }),
    field('fees', { color: { mode: 'fixed', fixedColor: 'orange' } }),
    field('net', { color: { mode: 'fixed', fixedColor: 'text' } }),
  ],
});

const sides: Panel = table({
  id: 9,
  title: 'Calls and puts, signal by signal',
  description:
    'Round trips of the range by what was sold (calls or puts, alone or in spreads) and the signal it was sold on. Source: panel.round_trips.',
  at: [0, 40, 24, 6],
  sql: `with ${CHOSEN_CTE}
select
  t.option_kind as "Sold", t.direction as "Signal", t.entry_reason as "Why in", count(*) as "n",
  avg((t.net > 0)::integer)::double precision as "Won", avg(t.net)::double precision as "Average", sum(t.net)::double precision as "Net",
  (sum(t.net) filter (where t.net > 0) / nullif(-sum(t.net) filter (where t.net < 0), 0))::double precision as "Profit factor", c.choice as "Run"
from panel.round_trips t
join chosen c on c.run_id = t.run_id
where t.run_id = any (array(select run_id from chosen)) and ${onDaysInRange('t.session_date')}
group by t.option_kind, t.direction, t.entry_reason, c.choice
order by t.option_kind, t.direction, t.entry_reason, c.choice`,
  noValue: NONE,
  overrides: [unit('Won', SHARE, 1), money('Average'), money('Net'), unit('Profit factor', 'none', 2)],
});

/** The Trades page. */
export function tradesPage(): Dashboard {
  return dashboard({
    uid: 'strikebase-trades',
    title: 'Strikebase Trades',
    description: 'Round trips, their distribution, excursions, slippage and fees.',
    from: 'now-30d',
    refresh: '',
    variables: RUN_VARIABLES,
    panels: [trips, distribution, byHour, byWeekday, adverse, favourable, slippage, fees, sides],
  });
}
