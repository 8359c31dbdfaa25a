// Market: bars with VWAP and MA9, crossings, the chain around the money. Needs no run.
import { DOLLARS, field, line, SECONDS, SHARE, TIME, thresholds, unit } from '../fields.ts';
import { type Annotation, DATASOURCE, type Dashboard, dashboard, type Panel, target } from '../model.ts';
import { candles, lines, points, table } from '../panels.ts';
import { FROM, inRange, minutesCte, TO } from '../sql.ts';
import { MARKET_VARIABLES } from '../variables.ts';

const NO_BARS = 'no bars of this feed in the range';
const NO_QUOTES = 'no quotes of this expiration before the end of the range';

const bars: Panel = candles({
  id: 1,
  title: 'Minutes with VWAP and MA9',
  description:
    'Session minutes timed by their end. VWAP of the minute; session VWAP since the open; MA9, the mean of the last nine one-minute closes (an empty minute carries its close). Equal to panel.equity_indicators. Lines across: crossings. Source: panel.bars_1m, panel.sessions.',
  at: [0, 0, 24, 13],
  sql: `with ${minutesCte()}
select
  ref.instant(m.ts) as "time", m.open, m.high, m.low, m.close, m.volume, m.vwap as "VWAP", m.ma9 as "MA9", m.session_vwap as "session VWAP"
from minutes m
where m.ts > ${FROM} and m.ts <= ${TO}
order by m.ts`,
  noValue: NO_BARS,
  interval: '1m',
  defaults: { unit: DOLLARS, decimals: 2 },
  overrides: [
    unit('volume', 'short', 0),
    line('VWAP', 'blue', { width: 2 }),
    line('MA9', 'orange', { width: 2 }),
    line('session VWAP', 'purple'),
  ],
});

const difference: Panel = lines({
  id: 2,
  title: 'VWAP minus MA9',
  description:
    'VWAP of the minute minus MA9: the strategy looks for its change of sign. Source: panel.bars_1m.',
  at: [0, 13, 24, 5],
  sql: `with ${minutesCte()}
select ref.instant(m.ts) as "time", m.vwap - m.ma9 as "VWAP − MA9"
from minutes m
where m.ts > ${FROM} and m.ts <= ${TO}
order by m.ts`,
  noValue: NO_BARS,
  interval: '1m',
  defaults: {
    unit: DOLLARS,
    decimals: 3,
    color: { mode: 'thresholds' },
    thresholds: thresholds({ from: null, color: 'red' }, { from: 0, color: 'green' }),
    custom: {
      drawStyle: 'line',
      lineWidth: 1,
      fillOpacity: 20,
      gradientMode: 'scheme',
      showPoints: 'never',
      spanNulls: false,
    },
  },
});

// The function is written out in the query when its arguments are plain: then only the range's chunks are opened.
const LAST_QUOTES = `panel.last_quotes('$symbol', '$quotes', nullif('$expiration', '')::date, ${TO} - interval '12 hours', ${TO})`;

const SPOT_CTE = `spot as (
  select b.close, b.ts_open + interval '1 minute' as ts
  from panel.bars_1m b
  where b.symbol = '$symbol' and b.feed = '$feed' and b.ts_open >= ${TO} - interval '12 hours' and b.ts_open < ${TO}
  order by b.ts_open desc
  limit 1
)`;

const chain: Panel = table({
  id: 3,
  title: 'Chain around the money',
  description:
    'Last quote of every contract of the expiration in the twelve hours before the end of the range, for the 21 strikes nearest to the underlying’s last close. Age: from the quote to the end of the range, or to now if that is earlier. Source: panel.last_quotes(), panel.bars_1m.',
  at: [0, 18, 14, 14],
  sql: `with ${SPOT_CTE}, quotes as (
  select q.* from ${LAST_QUOTES} q
), strikes as (
  select
    q.strike,
    max(q.bid) filter (where q.option_kind = 'call') as call_bid,
    max(q.ask) filter (where q.option_kind = 'call') as call_ask,
    max(q.ts) filter (where q.option_kind = 'call') as call_ts,
    max(q.bid) filter (where q.option_kind = 'put') as put_bid,
    max(q.ask) filter (where q.option_kind = 'put') as put_ask,
    max(q.ts) filter (where q.option_kind = 'put') as put_ts
  from quotes q
  group by q.strike
), nearest as (
  select s.*, s.strike - p.close as distance
  from strikes s
  left join spot p on true
  order by abs(s.strike - p.close), s.strike
  limit 21
)
select
  extract(epoch from least(${TO}, localtimestamp) - n.call_ts)::double precision as "Call age",
  n.call_bid::double precision as "Call bid", n.call_ask::double precision as "Call ask",
  n.strike::double precision as "Strike", n.distance::double precision as "From the money",
  n.put_bid::double precision as "Put bid", n.put_ask::double precision as "Put ask",
  extract(epoch from least(${TO}, localtimestamp) - n.put_ts)::double precision as "Put age"
from nearest n
order by n.strike`,
  noValue: NO_QUOTES,
  overrides: [
    ...['Call bid', 'Call ask', 'Put bid', 'Put ask'].map((name) => unit(name, DOLLARS, 2)),
    field('Strike', { unit: DOLLARS, decimals: 2, 'custom.cellOptions': { type: 'color-text' } }),
    unit('From the money', DOLLARS, 2),
    unit('Call age', SECONDS, 0),
    unit('Put age', SECONDS, 0),
  ],
});

const smile: Panel = points({
  id: 4,
  title: 'Implied volatility by strike',
  description:
    'From the middle of the last bid and ask of each contract out of the money within 3 % of the underlying’s last close, by Black–Scholes without rate and dividend, to the option close of the expiration. Source: panel.last_quotes(), panel.option_greeks().',
  at: [14, 18, 10, 14],
  sql: `with ${SPOT_CTE}, quotes as (
  select q.*, p.close as spot, e.ts_option_close
  from ${LAST_QUOTES} q
  cross join spot p
  join panel.sessions e on e.session_date = nullif('$expiration', '')::date
  where abs(q.strike / p.close - 1) <= 0.03 and (q.option_kind = 'call') = (q.strike >= p.close)
)
select q.strike::double precision as "Strike", g.iv as "IV", q.option_kind as "Kind"
from quotes q
cross join lateral panel.option_greeks(
  q.option_kind, q.spot::double precision, q.strike::double precision,
  extract(epoch from q.ts_option_close - q.ts)::double precision / 31536000, ((q.bid + q.ask) / 2)::double precision
) g
order by q.strike`,
  xField: 'Strike',
  yField: 'IV',
  noValue: NO_QUOTES,
  overrides: [unit('Strike', DOLLARS, 0), unit('IV', SHARE, 1)],
});

const runSignals: Panel = table({
  id: 5,
  title: 'Signals of runs on these ticks',
  description:
    'What runs on this feed have signalled in the range (at most the newest 300). Source: panel.signals.',
  at: [0, 32, 24, 8],
  sql: `select
  ref.instant(s.ts) as "Time", s.direction as "Signal", s.vwap::double precision as "VWAP", s.ma9::double precision as "MA9",
  s.close::double precision as "Close", c.choice as "Run"
from panel.signals s
join panel.run_choices c on c.run_id = s.run_id
where s.run_id = any (array(
    select x.run_id from panel.run_choices x join panel.feeds f on f.feed_id = x.tick_feed_id where f.feed = '$feed' and x.symbol = '$symbol'
  ))
  and ${inRange('s.ts')}
order by s.ts desc, s.run_id desc
limit 300`,
  noValue: 'no run has signalled in the range',
  overrides: [
    unit('Time', TIME),
    unit('VWAP', DOLLARS, 4),
    unit('MA9', DOLLARS, 4),
    unit('Close', DOLLARS, 4),
  ],
});

const crossings: Annotation = {
  name: 'Crossings',
  enable: true,
  hide: false,
  iconColor: 'yellow',
  datasource: DATASOURCE,
  // As the rule has it: a zero difference keeps the sign before it, and nothing is carried over sessions.
  target: target(
    `with ${minutesCte()}, sides as (
  select m.session_date, m.ts, m.vwap, m.ma9, sign(m.vwap - m.ma9) as side
  from minutes m
  where m.vwap <> m.ma9
), changes as (
  select s.*, lag(s.side) over (partition by s.session_date order by s.ts) as side_before
  from sides s
)
select
  ref.instant(c.ts) as "time",
  format('%s: VWAP %s, MA9 %s', case when c.side > 0 then 'up' else 'down' end, round(c.vwap, 4), round(c.ma9, 4)) as text,
  case when c.side > 0 then 'up' else 'down' end as tags
from changes c
where c.side <> c.side_before and c.ts > ${FROM} and c.ts <= ${TO}
order by c.ts`,
    'table',
  ),
  filter: { exclude: false, ids: [1, 2] },
};

/** The Market page. */
export function marketPage(): Dashboard {
  return dashboard({
    uid: 'strikebase-market',
    title: 'Strikebase Market',
    description: 'Bars with VWAP, MA9 and crossings; the chain around the money.',
    from: 'now/d',
    refresh: '10s',
    variables: MARKET_VARIABLES,
    annotations: [crossings],
    panels: [bars, difference, chain, smile, runSignals],
  });
}
