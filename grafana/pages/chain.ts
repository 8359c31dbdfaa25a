// Chains: what surrounds an entry of a spread. Context over time, gamma exposure by strike, whole snapshots, what was considered.
import { coloredText, DOLLARS, field, linked, money, SHARE, TIME, unit } from '../fields.ts';
import { TO_POSITION } from '../links.ts';
import { type Dashboard, dashboard, type Panel } from '../model.ts';
import { bars, lines, table } from '../panels.ts';
import { CHOSEN_CTE, idOf, inRange, RUN_IDS, RUN_NAME } from '../sql.ts';
import { CHAIN_VARIABLES, RUN_VARIABLES } from '../variables.ts';

const NO_CONTEXT = 'no chain snapshot in the range';
const NO_SNAPSHOT = 'no snapshot is chosen';
const OF_CONTEXT = `c.underlying = '$underlying' and ${inRange('c.ts')}`;

const volatility: Panel = lines({
  id: 1,
  title: 'VIX and VIX9D',
  description:
    'Volatility indexes at the instants of the chain snapshots. VIX9D above VIX: the near term is feared more. Source: panel.context.',
  at: [0, 0, 12, 8],
  sql: `select ref.instant(c.ts) as "time", case c.name when 'vix' then 'VIX' else 'VIX9D' end as metric, max(c.value) as value
from panel.context c
where ${OF_CONTEXT} and c.name in ('vix', 'vix9d')
group by c.ts, c.name
order by c.ts`,
  noValue: NO_CONTEXT,
  defaults: { unit: 'none', decimals: 2 },
});

const exposure: Panel = lines({
  id: 2,
  title: 'Net gamma exposure',
  description:
    'Of the snapshots of an instant together: gamma × open interest × multiplier × spot² × 1 %, calls positive and puts negative, dollars of delta per 1 % move. Source: panel.context.',
  at: [12, 0, 12, 8],
  sql: `select ref.instant(c.ts) as "time", max(c.value) as "Net GEX"
from panel.context c
where ${OF_CONTEXT} and c.name = 'net_gex'
group by c.ts
order by c.ts`,
  noValue: NO_CONTEXT,
  defaults: { unit: DOLLARS, decimals: 0 },
});

const level: Panel = lines({
  id: 3,
  title: 'Underlying and zero-gamma level',
  description:
    'The level at which the net gamma exposure changes its sign (every contract’s gamma recomputed at other levels), and the underlying. Source: panel.context, panel.chains.',
  at: [0, 8, 12, 8],
  sql: `select x.ts as "time", x.metric, x.value
from (
  select ref.instant(c.ts) as ts, 'zero gamma' as metric, max(c.value) as value
  from panel.context c
  where ${OF_CONTEXT} and c.name = 'zero_gamma'
  group by c.ts
  union all
  select ref.instant(c.ts), 'underlying', max(c.underlying_px)::double precision
  from panel.chains c
  where ${OF_CONTEXT}
  group by c.ts
) x
where x.value is not null
order by x.ts`,
  noValue: NO_CONTEXT,
  defaults: { unit: 'none', decimals: 2 },
});

const byStrike: Panel = bars({
  id: 4,
  title: 'Gamma exposure by strike',
  description:
    'Of the chosen snapshot, the 40 strikes with the greatest exposure: calls positive, puts negative. Source: panel.chain_gamma.',
  at: [12, 8, 12, 8],
  sql: `select to_char(g.strike, 'FM999990') as "Strike", g.call_gex as "Calls", g.put_gex as "Puts"
from (
  select x.* from panel.chain_gamma x
  where x.snapshot_id = ${idOf('snapshot')}
  order by abs(x.call_gex) + abs(x.put_gex) desc
  limit 40
) g
order by g.strike`,
  noValue: NO_SNAPSHOT,
  defaults: { unit: DOLLARS, decimals: 0 },
});

const considered: Panel = table({
  id: 5,
  title: 'Entries considered, slot by slot',
  description:
    'At each entry time what the rule found and what became of it: the chosen spread, or the candidate that came furthest, its score and figures, VIX9D ÷ VIX. At most the newest 300. Source: panel.considered_entries.',
  at: [0, 16, 24, 10],
  sql: `with ${CHOSEN_CTE}
select
  ref.instant(e.ts) as "Time", ${RUN_NAME}, e.verdict as "Verdict", e.reason as "Reason", e.contract as "Spread",
  (e.features ->> 'dte')::integer as "DTE", (e.features ->> 'option_kind') as "Kind",
  (e.features ->> 'short_strike')::double precision as "Short", (e.features ->> 'long_strike')::double precision as "Long",
  (e.features ->> 'short_delta')::double precision as "Delta", (e.features ->> 'credit')::double precision as "Credit",
  e.score as "Score", (e.features ->> 'distance')::double precision as "Deviations away",
  (e.features ->> 'cost')::double precision as "Cost", (e.features ->> 'term')::double precision as "VIX9D ÷ VIX"
from panel.considered_entries e
join chosen c on c.run_id = e.run_id
where e.run_id = any (${RUN_IDS}) and ${inRange('e.ts')}
order by e.ts desc, e.run_id desc
limit 300`,
  noValue: 'nothing was considered in the range',
  overrides: [
    unit('Time', TIME),
    coloredText('Verdict', { TRADE: 'green', SKIP: 'orange' }),
    unit('Credit', DOLLARS, 2),
    unit('Cost', SHARE, 1),
    ...['Delta', 'Score', 'Deviations away', 'VIX9D ÷ VIX'].map((name) => field(name, { decimals: 3 })),
  ],
});

const equity: Panel = lines({
  id: 6,
  title: 'Equity by strategy',
  description:
    'Net of the closed trades of the range, added up for each strategy of the chosen runs. Source: panel.trip_pl().',
  at: [0, 26, 12, 9],
  sql: `with ${CHOSEN_CTE}
select
  ref.instant(t.ts_exit) as "time", c.strategy as metric,
  sum(t.net) over (partition by c.strategy order by t.ts_exit, t.position_id)::double precision as value
from panel.trip_pl t
join chosen c on c.run_id = t.run_id
where t.run_id = any (array(select run_id from chosen)) and ${inRange('t.ts_exit')}
order by t.ts_exit`,
  noValue: 'no trade was closed in the range',
  defaults: { unit: DOLLARS, decimals: 2 },
});

const spreads: Panel = table({
  id: 7,
  title: 'Spreads traded',
  description: 'Round trips of several legs in the range, at most the newest 200. Source: panel.round_trips.',
  at: [12, 26, 12, 9],
  sql: `with ${CHOSEN_CTE}
select
  ref.instant(t.ts_entry) as "Entry", ref.instant(t.ts_exit) as "Exit", t.contract as "Spread", t.exit_reason as "Reason",
  t.net::double precision as "Net", t.position_id as "Position"
from panel.round_trips t
join chosen c on c.run_id = t.run_id
where t.run_id = any (${RUN_IDS}) and t.strike is null and ${inRange('t.ts_exit')}
order by t.ts_exit desc
limit 200`,
  noValue: 'no spread was closed in the range',
  overrides: [
    unit('Entry', TIME),
    unit('Exit', TIME),
    money('Net'),
    linked('Position', 'Show the position', TO_POSITION),
  ],
});

const contracts: Panel = table({
  id: 8,
  title: 'Snapshot',
  description:
    'The contracts of the chosen snapshot within 10 % of the underlying, as the vendor sent them. Source: panel.chain_contracts, panel.chains.',
  at: [0, 35, 24, 14],
  sql: `select
  o.expiration::text as "Expiration", o.strike::double precision as "Strike", o.option_kind as "Kind", o.bid::double precision as "Bid",
  o.ask::double precision as "Ask", o.bid_sz as "Bid size", o.ask_sz as "Ask size", o.iv as "IV", o.delta as "Delta", o.gamma as "Gamma",
  o.open_interest as "Open interest", o.volume as "Volume", ref.instant(o.ts_quote) as "Quoted"
from panel.chain_contracts o
join panel.chains s on s.snapshot_id = o.snapshot_id
where o.snapshot_id = ${idOf('snapshot')} and (s.underlying_px is null or abs(o.strike / s.underlying_px - 1) <= 0.1)
order by o.expiration, o.strike, o.option_kind`,
  noValue: NO_SNAPSHOT,
  overrides: [
    ...['Strike', 'Bid', 'Ask'].map((name) => unit(name, DOLLARS, 2)),
    unit('IV', SHARE, 1),
    field('Delta', { decimals: 3 }),
    field('Gamma', { decimals: 5 }),
    unit('Quoted', TIME),
  ],
});

/** The Chains page. */
export function chainPage(): Dashboard {
  return dashboard({
    uid: 'strikebase-chains',
    title: 'Strikebase Chains',
    description:
      'Volatility, gamma exposure, chain snapshots; what was considered for an entry, and spreads traded.',
    from: 'now/d',
    refresh: '1m',
    variables: [...RUN_VARIABLES, ...CHAIN_VARIABLES],
    panels: [volatility, exposure, level, byStrike, considered, equity, spreads, contracts],
  });
}
