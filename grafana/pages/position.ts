// Position: one trade, on its underlying and on its option or its spread.
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

/** The last quote of the position in the range: of a spread made of those of its legs. */
const LAST_MARK = `left join lateral panel.position_mark(p.instrument_id, p.quote_feed_id, p.fill_ratio, p.ts_entry, ${TO}) q on true`;

const summary: Panel = table({
  id: 1,
  title: 'Position',
  description:
    'The chosen position, however many legs it has: what it was sold at (of a spread the net credit), what closing it costs by the last quote in the range (of a spread each leg as far into its width as paper orders fill; once it is closed its exit price), and the middle of that quote. P/L: closed at that cost, at mid: closed in the middle, both less fees so far. Target and stop are compared with the ask or the middle, as the strategy has it. Max profit and loss: at expiry, before fees. Source: panel.positions, panel.position_mark().',
  at: [0, 0, 24, 4],
  sql: `with ${POSITION_CTE}, marked as (
  select p.*, case when p.is_open then q.ask else p.exit_px end as mark, case when p.is_open then q.mid end as mid
  from p
  ${LAST_MARK}
)
select
  case when m.is_open then 'open' else 'closed' end as "State",
  m.contract as "Contract",
  m.qty as "Contracts",
  m.direction as "Signal",
  ref.instant(m.ts_entry) as "Entry",
  m.entry_px::double precision as "Sold at",
  m.mark::double precision as "To close",
  m.mid::double precision as "Middle",
  m.target_px::double precision as "Target",
  m.stop_px::double precision as "Stop",
  case when m.is_open then m.cash - m.mark * m.held_qty * m.multiplier - m.fees else m.cash - m.fees end::double precision as "P/L",
  case when m.is_open then m.cash - m.mid * m.held_qty * m.multiplier - m.fees else m.cash - m.fees end::double precision as "P/L at mid",
  m.max_profit::double precision as "Max profit",
  m.max_loss::double precision as "Max loss",
  m.fees::double precision as "Fees",
  ref.instant(m.ts_exit) as "Exit",
  coalesce(m.exit_reason, '') as "Exit reason",
  m.quote_source || ' quotes' as "Quotes"
from marked m`,
  noValue: NONE,
  overrides: [
    coloredText('State', { open: 'orange', closed: 'text' }),
    ...['Sold at', 'To close', 'Middle', 'Target', 'Stop'].map((name) => unit(name, DOLLARS, 4)),
    ...['Entry', 'Exit'].map((name) => unit(name, TIME)),
    money('P/L'),
    money('P/L at mid'),
    ...['Max profit', 'Max loss', 'Fees'].map((name) => unit(name, DOLLARS, 2)),
  ],
});

const levels: Panel = tiles({
  id: 2,
  title: 'Distance and time',
  description:
    'To target and to stop: how far the last quote in the range is from them (its ask or its middle, whichever the strategy looks at), as a share of the entry price. To the end: from where the run stands to the time at which the strategy closes whatever is open, or to the close of the last day where it holds it until then. Empty once it is closed. Source: panel.positions, panel.position_mark(), panel.runs.',
  at: [0, 4, 9, 4],
  sql: `with ${POSITION_CTE}, marked as (
  select p.*, case p.mark_on when 'mid' then q.mid else q.ask end as mark
  from p
  ${LAST_MARK}
  where p.is_open
)
select
  ((m.mark - m.target_px) / m.entry_px)::double precision as "To target",
  ((m.stop_px - m.mark) / m.entry_px)::double precision as "To stop",
  extract(epoch from m.ts_flat - r.ts_advanced)::double precision as "To the end"
from marked m
join panel.runs r on r.run_id = m.run_id`,
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
    unit('To the end', SECONDS, 0),
  ],
});

const greeks: Panel = tiles({
  id: 3,
  title: 'Greeks of the position',
  description:
    'At the last quotes in the range (of a closed position: before its exit), from the middle of bid and ask and the underlying’s last price, by Black–Scholes without rate and dividend, with the time to the option close of the expiration. Delta in shares, gamma in shares a dollar, theta in dollars a day, vega in dollars a percentage point, of the whole position, all its legs added up; IV a year, of a spread that of the leg that was sold. Empty where no volatility explains the price of a leg. Source: panel.position_legs, panel.last_quote(), panel.last_price(), panel.option_greeks().',
  at: [9, 4, 15, 4],
  sql: `with ${POSITION_CTE}, quoted as (
  select
    l.leg_no, l.option_kind, l.strike, case l.side when 'short' then -l.qty else l.qty end * l.multiplier as shares,
    q.ts as ts_quote, (q.bid + q.ask) / 2 as mid, x.close as spot, e.ts_option_close as ts_expiry
  from p
  join panel.position_legs l on l.position_id = ${idOf('position')}
  cross join lateral panel.last_quote(l.instrument_id, p.quote_feed_id, p.ts_entry, least(${TO}, p.ts_exit)) q
  cross join lateral (select panel.last_price(p.underlying_id, p.tick_feed_id, q.ts) as close) x
  join panel.sessions e on e.session_date = l.expiration
)
select
  min(g.iv) filter (where q.leg_no = 1) as "IV",
  sum(g.delta * q.shares) as "Delta",
  sum(g.gamma * q.shares) as "Gamma",
  sum(g.theta * q.shares) as "Theta",
  sum(g.vega * q.shares) as "Vega"
from quoted q
cross join lateral panel.option_greeks(
  q.option_kind, q.spot::double precision, q.strike::double precision,
  extract(epoch from q.ts_expiry - q.ts_quote)::double precision / 31536000, q.mid::double precision
) g
having count(*) = (select p.legs from p)`,
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
    'Minutes of the run as its rules saw them, timed by their end. VWAP of the minute and MA9 (mean of the last nine closes) make the signal; session VWAP since the open. While the position is open: its strike (of a vertical the one sold, and beside it the one bought), the underlying’s price at the entry, and the break-even at expiry (strike ∓ premium). Stop and target are prices of the option or the spread: see below. The region is the time from entry to exit. Source: panel.periods, panel.positions.',
  at: [0, 8, 24, 11],
  sql: `with ${POSITION_CTE}
select
  ref.instant(x.ts) as "time", x.open, x.high, x.low, x.close, x.volume,
  x.vwap as "VWAP", x.ma9 as "MA9", x.session_vwap as "session VWAP",
  case when i.is_held then p.strike end as "strike",
  case when i.is_held then p.long_strike end as "strike bought",
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
    line('strike bought', 'semi-dark-blue', { dash: true }),
    line('entry', 'yellow', { dash: true }),
    line('break-even', 'semi-dark-red', { dash: true }),
  ],
});

const option: Panel = lines({
  id: 5,
  title: 'Option or spread: bid, ask, last, entry, stop, target',
  description:
    'Quotes and prints of the contract; of a spread what selling it brings and what buying it back costs, each leg as far into its width as paper orders fill. The last of each point of the picture. The position is closed when the ask reaches stop or target, or the middle where the strategy looks at that. Source: panel.position_quotes(), panel.option_trades, panel.positions.',
  at: [0, 19, 24, 10],
  sql: [
    `with ${POSITION_CTE}
select
  ref.instant(q.ts) as "time", q.bid, q.ask, case p.mark_on when 'mid' then q.mid end as mid,
  case when i.is_held then p.entry_px end as "entry",
  case when i.is_held then p.stop_px end as "stop",
  case when i.is_held then p.target_px end as "target"
from p
cross join lateral panel.position_quotes(
  p.instrument_id, p.quote_feed_id, p.fill_ratio, ${FROM}, ${TO}, interval '$__interval_ms milliseconds'
) q
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
    line('mid', 'purple', { width: 2 }),
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

const legs: Panel = table({
  id: 9,
  title: 'Legs',
  description:
    'The contracts of the position one by one; their P/L at mid adds up to that of the whole. At: the last quote in the range while a leg is held, else its exit price. Source: panel.position_legs, panel.last_quote().',
  at: [0, 36, 24, 5],
  sql: `with ${POSITION_CTE}
select
  l.leg_no as "Leg", l.contract as "Contract", l.side as "Side", l.qty as "Contracts", l.entry_px::double precision as "In at",
  q.bid::double precision as "Bid", q.ask::double precision as "Ask", l.exit_px::double precision as "Out at",
  (l.cash + case when l.held <> 0 then l.held * (coalesce(q.bid, 0) + q.ask) / 2 * l.multiplier else 0 end - l.fees)::double precision as "P/L at mid",
  l.fees::double precision as "Fees"
from p
join panel.position_legs l on l.position_id = ${idOf('position')}
left join lateral panel.last_quote(l.instrument_id, p.quote_feed_id, p.ts_entry, ${TO}) q on l.held <> 0
order by l.leg_no`,
  noValue: NONE,
  overrides: [
    ...['In at', 'Bid', 'Ask', 'Out at'].map((name) => unit(name, DOLLARS, 4)),
    money('P/L at mid'),
    unit('Fees', DOLLARS, 2),
  ],
});

const openPositions: Panel = table({
  id: 8,
  title: 'All open positions of the runs',
  description:
    'Positions that are not flat, a row each however many legs they have, with their last quote. Open P/L: closing at that quote (what was sold at the ask), less fees so far. Source: panel.open_positions.',
  at: [0, 41, 24, 6],
  sql: `select
  o.contract as "Contract", o.qty as "Contracts", ref.instant(o.ts_entry) as "Entry", o.entry_px::double precision as "Sold at",
  o.bid::double precision as "Bid", o.ask::double precision as "Ask", o.target_px::double precision as "Target", o.stop_px::double precision as "Stop",
  (o.gross_to_close - o.fees)::double precision as "Open P/L", (o.gross_at_mid - o.fees)::double precision as "At mid",
  o.max_profit::double precision as "Max profit", o.max_loss::double precision as "Max loss", o.notional::double precision as "Capital",
  o.account as "Account", o.position_id::text as "Position"
from panel.open_positions o
where o.run_id = any (${RUN_IDS})
order by o.ts_entry`,
  noValue: 'nothing is open',
  overrides: [
    unit('Entry', TIME),
    ...['Sold at', 'Bid', 'Ask', 'Target', 'Stop'].map((name) => unit(name, DOLLARS, 4)),
    ...['Open P/L', 'At mid'].map((name) =>
      field(name, { ...MONEY, 'custom.cellOptions': { type: 'color-text' } }),
    ),
    ...['Max profit', 'Max loss', 'Capital'].map((name) => unit(name, DOLLARS, 0)),
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
  coalesce(p.option_kind, 'spread') as tags
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
    description: 'One trade on its underlying and its option or spread, with orders, fills and legs.',
    from: 'now/d',
    refresh: '10s',
    variables: [...RUN_VARIABLES, POSITION_VARIABLE],
    annotations: [held],
    panels: [summary, levels, greeks, underlying, option, orders, fills, legs, openPositions],
  });
}
