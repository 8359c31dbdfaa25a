// What a page lets one choose: queries of texts and values, each filtered by those before it.
import { DATASOURCE, type Variable } from './model.ts';
import { FROM, inRange, POSITION_IDS, RUN_IDS, TO } from './sql.ts';

interface VariableSpec {
  readonly name: string;
  readonly label: string;
  readonly description: string;
  readonly sql: string;
  /** Several at once; with `all` also every one of them, which is then what it starts with. */
  readonly choose?: 'one' | 'several' | 'all';
  readonly dependsOnRange?: boolean;
}

function variable(spec: VariableSpec): Variable {
  const { name, label, description, sql, choose = 'one', dependsOnRange = false } = spec;
  return {
    name,
    label,
    description,
    type: 'query',
    datasource: DATASOURCE,
    query: sql,
    refresh: dependsOnRange ? 2 : 1,
    multi: choose !== 'one',
    includeAll: choose === 'all',
    sort: 0,
    hide: 0,
    regex: '',
    options: [],
    ...(choose === 'all' ? { current: { text: ['All'], value: ['$__all'] } } : {}),
  };
}

/** Account, strategy, run: on every page that shows what runs did. The newest live run comes first and is what a page starts with. */
export const RUN_VARIABLES: readonly Variable[] = [
  variable({
    name: 'account',
    label: 'Account',
    description: 'Account of live runs; simulated is that of every replay and backtest.',
    sql: 'select distinct c.account as __text, c.account as __value from panel.run_choices c order by 1',
    choose: 'all',
  }),
  variable({
    name: 'strategy',
    label: 'Strategy',
    description: 'Strategies of the accounts.',
    sql: `select distinct c.strategy as __text, c.strategy as __value
from panel.run_choices c
where c.account = any (array[$account]::text[])
order by 1`,
    choose: 'all',
  }),
  variable({
    name: 'run',
    label: 'Run',
    description:
      'The live runs of an account and strategy together, or a replay or backtest; several stand side by side.',
    sql: `select c.choice as __text, c.choice as __value
from panel.run_choices c
where c.account = any (array[$account]::text[]) and c.strategy = any (array[$strategy]::text[])
group by c.choice
order by bool_or(c.mode = 'live') desc, max(c.run_id) desc
limit 500`,
    choose: 'several',
  }),
];

export const POSITION_VARIABLE: Variable = variable({
  name: 'position',
  label: 'Position',
  description: 'Positions entered in the range, open ones first, then the newest.',
  sql: `select
  format('%s %s %s × %s%s', to_char(p.ts_entry, 'MM-DD HH24:MI:SS'), coalesce(p.option_kind, 'spread'), concat_ws('/', trim_scale(p.strike), trim_scale(p.long_strike)), p.qty, case when p.is_open then ' open' end) as __text,
  p.position_id::text as __value
from panel.positions p
where p.run_id = any (${RUN_IDS}) and p.position_id = any (${POSITION_IDS}) and ${inRange('p.ts_entry')}
order by p.is_open desc, p.ts_entry desc, p.position_id desc
limit 500`,
  dependsOnRange: true,
});

export const FILL_VARIABLE: Variable = variable({
  name: 'fill',
  label: 'Fill',
  description: 'Executions in the range, the newest first: the one that is traced back to its ticks.',
  sql: `select
  format('%s %s %s %s', to_char(f.ts, 'MM-DD HH24:MI:SS'), f.side, f.qty, f.contract) as __text,
  f.fill_id::text as __value
from panel.fills f
where f.run_id = any (${RUN_IDS}) and ${inRange('f.ts')}
order by f.ts desc, f.fill_id desc
limit 500`,
  dependsOnRange: true,
});

/** Symbol, tick feed, quote feed, expiration: what the newest run used comes first. */
export const MARKET_VARIABLES: readonly Variable[] = [
  variable({
    name: 'symbol',
    label: 'Underlying',
    description: 'Underlyings of runs and of contracts.',
    sql: `select s.symbol as __text, s.symbol as __value
from (
  select c.symbol, max(c.run_id) as run_id from panel.run_choices c group by c.symbol
  union all
  select o.underlying, 0 from panel.contracts o group by o.underlying
) s
group by s.symbol
order by max(s.run_id) desc, s.symbol`,
  }),
  feedVariable('feed', 'Ticks', 'Feed of the bars.', 'equity', 'tick_feed_id'),
  feedVariable('quotes', 'Quotes', 'Feed of the option quotes.', 'option', 'quote_feed_id'),
  variable({
    name: 'expiration',
    label: 'Expiration',
    description: 'Expirations of contracts from the start of the range to a week after its end.',
    sql: `select distinct to_char(o.expiration, 'YYYY-MM-DD') as __text, to_char(o.expiration, 'YYYY-MM-DD') as __value
from panel.contracts o
where o.underlying = '$symbol' and o.expiration >= ${FROM}::date and o.expiration <= ${TO}::date + 7
order by 1`,
    dependsOnRange: true,
  }),
];

/** Underlying and snapshot: the newest in the range comes first. */
export const CHAIN_VARIABLES: readonly Variable[] = [
  variable({
    name: 'underlying',
    label: 'Underlying',
    description: 'Underlyings of chain snapshots.',
    sql: `select distinct c.underlying as __text, c.underlying as __value
from panel.chains c
order by 1`,
  }),
  variable({
    name: 'snapshot',
    label: 'Snapshot',
    description: 'Chain snapshots of the range, the newest first.',
    sql: `select
  format('%s %s, %s days (%s)', to_char(c.ts, 'MM-DD HH24:MI'), coalesce(to_char(c.expiration, 'YYYY-MM-DD'), 'all'), coalesce(c.dte::text, '-'), c.source) as __text,
  c.snapshot_id::text as __value
from panel.chains c
where c.underlying = '$underlying' and ${inRange('c.ts')}
order by c.ts desc, c.expiration, c.snapshot_id desc
limit 500`,
    dependsOnRange: true,
  }),
];

function feedVariable(
  name: string,
  label: string,
  description: string,
  kind: 'equity' | 'option',
  column: 'tick_feed_id' | 'quote_feed_id',
): Variable {
  const sql = `select f.feed as __text, f.feed as __value
from panel.feeds f
left join panel.run_choices c on c.${column} = f.feed_id
where f.kind = '${kind}' and f.span_ms <= 60000
group by f.feed
order by max(c.run_id) desc nulls last, f.feed`;
  return variable({ name, label, description, sql });
}
