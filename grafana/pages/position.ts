// Position: one trade, on its underlying and on its option.
import {
  coloredText,
  DOLLARS,
  field,
  line,
  linked,
  MONEY,
  money,
  SECONDS,
  SHARE,
  TIME,
  thresholds,
  unit,
} from '../fields.ts';
import { TO_LINEAGE, TO_POSITION } from '../links.ts';
import { type Annotation, DATASOURCE, type Dashboard, dashboard, type Panel, target } from '../model.ts';
import { candles, lines, table, tiles } from '../panels.ts';
import { bucket, FROM, idOf, inRange, POSITION_CTE, RUN_IDS, TO } from '../sql.ts';
import { POSITION_VARIABLE, RUN_VARIABLES } from '../variables.ts';

const NONE = 'no position in the range';

const summary: Panel = table({
  id: 1,
  title: 'Position',
  description:
    'The chosen position: a short option, sold at the entry price. Target and stop are compared with the ask. Mark: the last ask in the range while it is open, else its exit price. P/L: what buying back at the mark makes, less fees so far. Source: panel.positions, panel.option_quotes.',
  at: [0, 0, 24, 4],
  sql: `with ${POSITION_CTE}, marked as (
  select p.*, case when p.is_open then q.ask else p.exit_px end as mark
  from p
  left join lateral panel.last_quote(p.instrument_id, p.quote_feed_id, p.ts_entry, ${TO}) q on true
)
select
  case when m.is_open then 'open' else 'closed' end as "State",
  m.contract as "Contract",
  m.qty as "Contracts",
  m.direction as "Signal",
  ref.instant(m.ts_entry) as "Entry",
  m.entry_px::double precision as "Sold at",
  m.mark::double precision as "Mark",
  m.target_px::double precision as "Target",
  m.stop_px::double precision as "Stop",
  case when m.is_open then m.cash - m.mark * m.held_qty * m.multiplier - m.fees else m.cash - m.fees end::double precision as "P/L",
  m.fees::double precision as "Fees",
  ref.instant(m.ts_exit) as "Exit",
  coalesce(m.exit_reason, '') as "Exit reason",
  m.quote_source || ' quotes' as "Quotes"
from marked m`,
  noValue: NONE,
  overrides: [
    coloredText('State', { open: 'orange', closed: 'text' }),
    ...['Sold at', 'Mark', 'Target', 'Stop'].map((name) => unit(name, DOLLARS, 4)),
    ...['Entry', 'Exit'].map((name) => unit(name, TIME)),
    money('P/L'),
    unit('Fees', DOLLARS, 2),
  ],
});

const levels: Panel = tiles({
  id: 2,
  title: 'Distance and time',
  description:
    'To target and to stop: how far the last ask in the range is from them, as a share of the entry price. To forced flat: from where the run stands to the time at which the strategy closes whatever is open. Empty once it is closed. Source: panel.positions, panel.option_quotes, panel.runs.',
  at: [0, 4, 9, 4],
  sql: `with ${POSITION_CTE}
select
  ((q.ask - p.target_px) / p.entry_px)::double precision as "To target",
  ((p.stop_px - q.ask) / p.entry_px)::double precision as "To stop",
  extract(epoch from p.ts_flat - r.ts_advanced)::double precision as "To forced flat"
from p
join panel.runs r on r.run_id = p.run_id
left join lateral panel.last_quote(p.instrument_id, p.quote_feed_id, p.ts_entry, ${TO}) q on true
where p.is_open`,
  noValue: 'nothing is open',
  defaults: { unit: SHARE, decimals: 0, color: { mode: 'fixed', fixedColor: 'text' } },
  overrides: [
    field('To stop', {
      color: { mode: 'thresholds' },
      thresholds: thresholds(
        { from: null, color: 'red' },
        { from: 0.25, color: 'orange' },
        { from: 0.5, color: 'green' },
      ),
    }),
    unit('To forced flat', SECONDS, 0),
  ],
});

const greeks: Panel = tiles({
  id: 3,
  title: 'Greeks of the position',
  description:
    'At the last quote in the range (of a closed position: before its exit), from the middle of bid and ask and the underlying’s last close, by Black–Scholes without rate and dividend, with the time to the option close of the expiration. Delta in shares, gamma in shares a dollar, theta in dollars a day, vega in dollars a percentage point, of the whole short position; IV a year. Empty where no volatility explains the price. Source: panel.option_greeks().',
  at: [9, 4, 15, 4],
  sql: `with ${POSITION_CTE}, quoted as (
  select p.*, q.ts as ts_quote, (q.bid + q.ask) / 2 as mid, x.close as spot, e.ts_option_close as ts_expiry
  from p
  cross join lateral panel.last_quote(p.instrument_id, p.quote_feed_id, p.ts_entry, least(${TO}, p.ts_exit)) q
  cross join lateral (
    select y.close from panel.periods y
    where y.run_id = p.run_id and y.instrument_id = p.underlying_id and y.ts <= q.ts and y.ts > q.ts - interval '10 minutes'
    order by y.ts desc limit 1
  ) x
  join panel.sessions e on e.session_date = p.expiration
)
select
  g.iv as "IV",
  -g.delta * q.qty * q.multiplier as "Delta",
  -g.gamma * q.qty * q.multiplier as "Gamma",
  -g.theta * q.qty * q.multiplier as "Theta",
  -g.vega * q.qty * q.multiplier as "Vega"
from quoted q
cross join lateral panel.option_greeks(
  q.option_kind, q.spot::double precision, q.strike::double precision,
  extract(epoch from q.ts_expiry - q.ts_quote)::double precision / 31536000, q.mid::double precision
) g`,
  noValue: 'no quote to compute from',
  defaults: { decimals: 0, color: { mode: 'fixed', fixedColor: 'text' } },
  overrides: [
    unit('IV', SHARE, 1),
    unit('Delta', 'none', 0),
    unit('Gamma', 'none', 0),
    unit('Theta', DOLLARS, 0),
    unit('Vega', DOLLARS, 0),
  ],
});

const underlying: Panel = candles({
  id: 4,
  title: 'Underlying: candles, VWAP, MA9, strike, entry',
  description:
    'Minutes of the run as its rules saw them, timed by their end. VWAP of the minute and MA9 (mean of the last nine closes) make the signal; session VWAP since the open. While the position is open: its strike, the underlying’s price at the entry, and the break-even at expiry (strike ∓ premium). Stop and target are prices of the option: see below. The region is the time from entry to exit. Source: panel.periods, panel.positions.',
  at: [0, 8, 24, 11],
  sql: `with ${POSITION_CTE}
select
  ref.instant(x.ts) as "time", x.open, x.high, x.low, x.close, x.volume,
  x.vwap as "VWAP", x.ma9 as "MA9", x.session_vwap as "session VWAP",
  case when i.is_held then p.strike end as "strike",
  case when i.is_held then p.underlying_entry_px end as "entry",
  case when i.is_held then p.strike + case p.option_kind when 'call' then 1 else -1 end * p.entry_px end as "break-even"
from p
join panel.periods x on x.run_id = p.run_id and x.instrument_id = p.underlying_id
cross join lateral (select x.ts >= p.ts_decision and (p.is_open or x.ts <= p.ts_exit + interval '1 minute') as is_held) i
where x.run_id = (select p.run_id from p) and ${inRange('x.ts')}
order by x.ts`,
  noValue: NONE,
  interval: '1m',
  defaults: { unit: DOLLARS, decimals: 2 },
  overrides: [
    unit('volume', 'short', 0),
    line('VWAP', 'blue'),
    line('MA9', 'orange'),
    line('session VWAP', 'purple'),
    line('strike', 'text', { dash: true, width: 2 }),
    line('entry', 'yellow', { dash: true }),
    line('break-even', 'semi-dark-red', { dash: true }),
  ],
});

const option: Panel = lines({
  id: 5,
  title: 'Option: bid, ask, last, entry, stop, target',
  description:
    'Quotes and prints of the contract; the last of each point of the picture. The position is closed when the ask reaches stop or target. Source: panel.option_quotes, panel.option_trades, panel.positions.',
  at: [0, 19, 24, 10],
  sql: [
    `with ${POSITION_CTE}, quotes as (
  select distinct on (${bucket('q.ts')}) q.ts, q.bid, q.ask
  from p
  join panel.option_quotes q on q.instrument_id = p.instrument_id and q.feed_id = p.quote_feed_id
  where ${inRange('q.ts')}
  order by ${bucket('q.ts')}, q.ts desc, q.seq desc
)
select
  ref.instant(q.ts) as "time", q.bid, q.ask,
  case when i.is_held then p.entry_px end as "entry",
  case when i.is_held then p.stop_px end as "stop",
  case when i.is_held then p.target_px end as "target"
from p
cross join quotes q
cross join lateral (select q.ts >= p.ts_entry and (p.is_open or q.ts <= p.ts_exit) as is_held) i
order by q.ts`,
    `with ${POSITION_CTE}
select ref.instant(x.ts) as "time", x.last
from (
  select distinct on (${bucket('t.ts')}) t.ts, t.px as last
  from p
  join panel.option_trades t on t.instrument_id = p.instrument_id and t.feed_id = p.quote_feed_id
  where ${inRange('t.ts')}
  order by ${bucket('t.ts')}, t.ts desc, t.seq desc
) x
order by 1`,
  ],
  noValue: NONE,
  interval: '1s',
  defaults: { unit: DOLLARS, decimals: 2 },
  overrides: [
    line('bid', 'blue'),
    line('ask', 'light-blue', { width: 2 }),
    line('last', 'text'),
    line('entry', 'yellow', { dash: true }),
    line('stop', 'red', { dash: true, width: 2 }),
    line('target', 'green', { dash: true, width: 2 }),
  ],
});

const orders: Panel = table({
  id: 6,
  title: 'Orders',
  description: 'Orders of the position in their current state. Source: panel.orders.',
  at: [0, 29, 12, 7],
  sql: `select
  ref.instant(o.ts) as "Time", o.purpose as "Purpose", o.attempt as "Attempt", o.side as "Side", o.qty as "Contracts", o.order_type as "Type",
  o.limit_px::double precision as "Limit", o.state as "State", o.filled_qty as "Filled", o.avg_px::double precision as "Average", o.detail as "Detail"
from panel.orders o
where o.position_id = ${idOf('position')}
order by o.ts, o.intent_id`,
  noValue: NONE,
  overrides: [
    unit('Time', TIME),
    unit('Limit', DOLLARS, 4),
    unit('Average', DOLLARS, 4),
    coloredText('State', { unknown: 'red', rejected: 'red', denied: 'orange', filled: 'green' }),
  ],
});

const fills: Panel = table({
  id: 7,
  title: 'Fills',
  description:
    'Executions of the position. Modelled: the price that the decision counted on. Slippage: what the difference cost. The link leads from a fill back to its ticks. Source: panel.fills.',
  at: [12, 29, 12, 7],
  sql: `select
  ref.instant(f.ts) as "Time", f.purpose as "Purpose", f.side as "Side", f.qty as "Contracts", f.px::double precision as "Price",
  f.modelled_px::double precision as "Modelled", f.slippage::double precision as "Slippage", (f.commission + f.fees)::double precision as "Fees",
  f.fill_id::text as "Fill"
from panel.fills f
where f.position_id = ${idOf('position')}
order by f.ts, f.fill_id`,
  noValue: NONE,
  overrides: [
    unit('Time', TIME),
    unit('Price', DOLLARS, 4),
    unit('Modelled', DOLLARS, 4),
    unit('Slippage', DOLLARS, 2),
    unit('Fees', DOLLARS, 2),
    linked('Fill', 'Back to its ticks', TO_LINEAGE),
  ],
});

const openPositions: Panel = table({
  id: 8,
  title: 'All open positions of the runs',
  description:
    'Positions that are not flat, with their last quote. Open P/L: closing at that quote (short at the ask), less fees so far. Source: panel.open_positions.',
  at: [0, 36, 24, 6],
  sql: `select
  o.contract as "Contract", o.qty as "Contracts", ref.instant(o.ts_entry) as "Entry", o.entry_px::double precision as "Sold at",
  o.bid::double precision as "Bid", o.ask::double precision as "Ask", o.target_px::double precision as "Target", o.stop_px::double precision as "Stop",
  (o.gross_to_close - o.fees)::double precision as "Open P/L", o.notional::double precision as "Capital", o.account as "Account", o.position_id::text as "Position"
from panel.open_positions o
where o.run_id = any (${RUN_IDS})
order by o.ts_entry`,
  noValue: 'nothing is open',
  overrides: [
    unit('Entry', TIME),
    ...['Sold at', 'Bid', 'Ask', 'Target', 'Stop'].map((name) => unit(name, DOLLARS, 4)),
    field('Open P/L', { ...MONEY, 'custom.cellOptions': { type: 'color-text' } }),
    unit('Capital', DOLLARS, 0),
    linked('Position', 'This position', TO_POSITION),
  ],
});

const held: Annotation = {
  name: 'Position',
  enable: true,
  hide: false,
  iconColor: 'blue',
  datasource: DATASOURCE,
  target: target(
    `with ${POSITION_CTE}
select
  ref.instant(p.ts_entry) as "time",
  ref.instant(coalesce(p.ts_exit, least(${TO}, localtimestamp))) as timeend,
  format('%s %s × %s, %s%s', p.contract, p.qty, p.entry_px, p.entry_reason, case when p.is_open then ', open' else ', ' || p.exit_reason end) as text,
  p.option_kind as tags
from p
where p.ts_entry <= ${TO} and coalesce(p.ts_exit, ${TO}) >= ${FROM}`,
    'table',
  ),
  filter: { exclude: false, ids: [4, 5] },
};

/** The Position page. */
export function positionPage(): Dashboard {
  return dashboard({
    uid: 'strikebase-position',
    title: 'Strikebase Position',
    description: 'One trade on its underlying and its option, with orders and fills.',
    from: 'now/d',
    refresh: '10s',
    variables: [...RUN_VARIABLES, POSITION_VARIABLE],
    annotations: [held],
    panels: [summary, levels, greeks, underlying, option, orders, fills, openPositions],
  });
}
