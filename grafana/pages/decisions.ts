// Decisions: why it did and did not trade, gate by gate, and from a fill back to its ticks.
import { coloredText, DOLLARS, field, linked, MILLISECONDS, mappings, SHARE, TIME, unit } from '../fields.ts';
import { TO_LINEAGE, TO_POSITION } from '../links.ts';
import { type Dashboard, dashboard, type Panel } from '../model.ts';
import { bars, states, table, tiles } from '../panels.ts';
import { CHOSEN_CTE, idOf, inRange, NEWEST_RUN_ID, RUN_IDS, RUN_NAME } from '../sql.ts';
import { FILL_VARIABLE, RUN_VARIABLES } from '../variables.ts';

const NONE = 'no decision in the range';
const NO_FILL = 'no fill in the range';

interface Gate {
  readonly name: string;
  readonly ok: string;
  /** What was judged against what, as text. */
  readonly value: string;
}

// As trade.judge_periods writes them, in the order in which they are asked.
const GATES: readonly Gate[] = [
  {
    name: 'window',
    ok: 'window_ok',
    value: "format('%s min in [%s, %s)', d.window_min, d.window_from_min, d.window_to_min)",
  },
  { name: 'late', ok: 'age_ok', value: "format('%s ms of %s', d.age_ms, d.age_max_ms)" },
  { name: 'halt', ok: 'halt_ok', value: "case when d.halt_ok then 'no' else 'yes' end" },
  { name: 'event', ok: 'event_ok', value: "coalesce(d.event, 'none')" },
  { name: 'stop today', ok: 'stop_ok', value: "case when d.stop_ok then 'no' else 'yes' end" },
  { name: 'entries today', ok: 'entries_ok', value: "format('%s of %s', d.entries_day, d.entries_day_max)" },
  { name: 'cooldown', ok: 'cooldown_ok', value: "format('%s ms of %s', d.cooldown_ms, d.cooldown_min_ms)" },
  { name: 'position', ok: 'slots_ok', value: "format('%s of %s', d.open_slots, d.max_slots)" },
  {
    name: 'quote',
    ok: 'quote_ok',
    value: "format('%s × %s, %s ms of %s', d.bid, d.ask, d.quote_age_ms, d.quote_age_max_ms)",
  },
  { name: 'capital', ok: 'capital_ok', value: "format('%s of %s', d.capital, d.capital_max)" },
  { name: 'day loss', ok: 'day_pl_ok', value: "format('%s above %s', d.day_pl, d.day_pl_min)" },
  {
    name: 'orders',
    ok: 'orders_ok',
    value:
      "format('%s of %s a day, %s of %s a minute', d.orders_day, d.orders_day_max, d.orders_minute, d.orders_minute_max)",
  },
];

const VERDICTS = { TRADE: 'green', SKIP: 'orange' };

const CHOSEN_ENTRIES = `d.run_id = any (${RUN_IDS}) and d.kind = 'entry' and ${inRange('d.ts')}`;

const funnel: Panel = tiles({
  id: 1,
  title: 'From periods to trades',
  description:
    'Entry decisions of the range: one for every period. Signals: those at which the average was crossed. Traded and skipped: what the gates made of the signals. Source: panel.decisions.',
  at: [0, 0, 12, 4],
  sql: `with ${CHOSEN_CTE}
select
  ${RUN_NAME},
  count(*) as "Periods",
  count(*) filter (where d.direction is not null) as "Signals",
  count(*) filter (where d.verdict = 'TRADE') as "Traded",
  count(*) filter (where d.direction is not null and d.verdict = 'SKIP') as "Skipped"
from panel.decisions d
join chosen c on c.run_id = d.run_id
where ${CHOSEN_ENTRIES}
group by c.choice
order by c.choice`,
  noValue: NONE,
  defaults: { unit: 'none', color: { mode: 'fixed', fixedColor: 'text' } },
});

const reasons: Panel = bars({
  id: 2,
  title: 'Why signals were skipped',
  description: 'Signals of the range by the first gate that stopped them. Source: panel.decisions.',
  at: [12, 0, 12, 8],
  sql: `select d.reason as "Reason", count(*) as "Signals"
from panel.decisions d
where ${CHOSEN_ENTRIES} and d.direction is not null and d.verdict = 'SKIP'
group by d.reason
order by count(*) desc, d.reason`,
  noValue: 'no signal was skipped',
  defaults: { unit: 'none', color: { mode: 'fixed', fixedColor: 'orange' } },
});

const gates: Panel = table({
  id: 3,
  title: 'Gates',
  description:
    'Of the signals of the range: how many each gate judged, how many it stopped, and how many it alone stopped. A gate with nothing to judge (no quote without a contract) counts in none. Source: panel.decisions.',
  at: [0, 4, 12, 9],
  sql: `select
  g.gate as "Gate",
  count(g.ok) as "Judged",
  count(*) filter (where not g.ok) as "Stopped",
  count(*) filter (where not g.ok and s.stops = 1) as "It alone",
  (count(*) filter (where not g.ok) / nullif(count(g.ok), 0)::double precision) as "Share"
from panel.decisions d
cross join lateral (
  values ${GATES.map(({ name, ok }, index) => `(${index + 1}, '${name}', d.${ok})`).join(', ')}
) as g (nr, gate, ok)
cross join lateral (
  select ${GATES.map(({ ok }) => `coalesce((not d.${ok})::integer, 0)`).join(' + ')} as stops
) s
where ${CHOSEN_ENTRIES} and d.direction is not null
group by g.nr, g.gate
order by g.nr`,
  noValue: NONE,
  overrides: [unit('Share', SHARE, 1)],
});

const timeline: Panel = states({
  id: 4,
  title: 'Gate by gate',
  description:
    'Verdict of every gate at every signal of the newest chosen run, at most the last 500 of the range: green let it pass, orange stopped it, nothing was not judged. Source: panel.decisions.',
  at: [12, 8, 12, 9],
  sql: `select *
from (
  select
    ref.instant(d.ts) as "time",
${GATES.map(({ name, ok }) => `    case when d.${ok} then 'pass' when not d.${ok} then 'stop' end as "${name}"`).join(',\n')}
  from panel.decisions d
  where d.run_id = ${NEWEST_RUN_ID} and d.kind = 'entry' and d.direction is not null and ${inRange('d.ts')}
  order by d.ts desc
  limit 500
) x
order by 1`,
  noValue: NONE,
  defaults: { mappings: mappings({ pass: 'green', stop: 'orange' }) },
});

const signals: Panel = table({
  id: 5,
  title: 'Signals and what became of them',
  description:
    'Every signal of the range with each gate’s value and threshold (at most the newest 500). A gate in words says what was judged; `failed` lists those that stopped it. Source: panel.decisions.',
  at: [0, 17, 24, 11],
  sql: `select
  ref.instant(d.ts) as "Time", d.verdict as "Verdict", d.reason as "Reason", d.failed_gates as "Failed", d.direction as "Signal",
  d.contract as "Contract", d.trigger_px::double precision as "Price",
${GATES.map(({ name, ok, value }) => `  case when d.${ok} is not null then ${value} end as "${name}"`).join(',\n')},
  d.run_id as "Run", case when d.verdict = 'TRADE' then d.decision_id::text end as "Position"
from panel.decisions d
where ${CHOSEN_ENTRIES} and d.direction is not null
order by d.ts desc, d.decision_id desc
limit 500`,
  noValue: NONE,
  overrides: [
    unit('Time', TIME),
    unit('Price', DOLLARS, 4),
    coloredText('Verdict', VERDICTS),
    linked('Position', 'The position', TO_POSITION),
  ],
});

const exits: Panel = table({
  id: 6,
  title: 'Exit decisions',
  description:
    'One for every position: why it was closed and the ask that it saw (at most the newest 500). Source: panel.decisions.',
  at: [0, 28, 10, 10],
  sql: `select
  ref.instant(d.ts) as "Time", d.reason as "Reason", d.contract as "Contract", d.trigger_px::double precision as "Ask", d.run_id as "Run",
  d.position_id::text as "Position"
from panel.decisions d
where d.run_id = any (${RUN_IDS}) and d.kind = 'exit' and d.verdict = 'TRADE' and ${inRange('d.ts')}
order by d.ts desc, d.decision_id desc
limit 500`,
  noValue: 'no exit in the range',
  overrides: [unit('Time', TIME), unit('Ask', DOLLARS, 4), linked('Position', 'The position', TO_POSITION)],
});

const fills: Panel = table({
  id: 7,
  title: 'Fills',
  description:
    'Executions of the range (at most the newest 500). The link traces a fill back to its ticks, below. Source: panel.fills.',
  at: [10, 28, 14, 10],
  sql: `select
  ref.instant(f.ts) as "Time", f.purpose as "Purpose", f.side as "Side", f.qty as "Contracts", f.contract as "Contract", f.px::double precision as "Price",
  f.reason as "Reason", f.run_id as "Run", f.fill_id::text as "Fill"
from panel.fills f
where f.run_id = any (${RUN_IDS}) and ${inRange('f.ts')}
order by f.ts desc, f.fill_id desc
limit 500`,
  noValue: NO_FILL,
  overrides: [unit('Time', TIME), unit('Price', DOLLARS, 4), linked('Fill', 'Back to its ticks', TO_LINEAGE)],
});

const chain: Panel = table({
  id: 8,
  title: 'Lineage of the fill',
  description:
    'The chosen fill, the order that it fills, the decision that the order carries out, the signal and the period that it rests on. An exit without a signal of its own shows that of its entry. Source: panel.lineage().',
  at: [0, 38, 24, 5],
  sql: `select distinct
  ref.instant(l.ts_fill) as "Filled", l.side as "Side", l.qty as "Contracts", l.contract as "Contract", l.px::double precision as "Price",
  l.intent_id::text as "Order", l.purpose || ' #' || l.attempt as "Purpose", l.decision_id::text as "Decision", l.decision_reason as "Why",
  ref.instant(l.ts_decision) as "Decided", ref.instant(l.ts_decision_quote) as "On the quote of", l.signal_direction as "Signal",
  ref.instant(l.ts_period) as "Period", l.vwap::double precision as "VWAP", l.ma9::double precision as "MA9"
from panel.lineage(${idOf('fill')}) l`,
  noValue: NO_FILL,
  overrides: [
    ...['Filled', 'Decided', 'On the quote of', 'Period'].map((name) => unit(name, TIME)),
    unit('Price', DOLLARS, 4),
    unit('VWAP', DOLLARS, 4),
    unit('MA9', DOLLARS, 4),
  ],
});

// The coalesce keeps the ticks' join an outer one: as an inner one it would be planned without its range.
const ticks: Panel = table({
  id: 9,
  title: 'Ticks under that period',
  description:
    'The rows of market.equity_ticks that the period was built from, as received before the slice that decided. Span 0 is a print, else an aggregate that starts at its time. Source: panel.lineage().',
  at: [0, 43, 24, 9],
  sql: `select
  ref.instant(l.tick_ts_event) as "Time", l.tick_seq as "Sequence", l.tick_span_ms as "Span", l.tick_close::double precision as "Close",
  l.tick_vwap::double precision as "VWAP", l.tick_volume::double precision as "Volume", ref.instant(l.tick_ts_recv) as "Received",
  l.tick_instrument_id as "Instrument", l.tick_feed_id as "Feed"
from panel.lineage(${idOf('fill')}) l
where coalesce(l.tick_seq, -1) >= 0
order by l.tick_ts_event, l.tick_seq
limit 2000`,
  noValue: NO_FILL,
  overrides: [
    field('Time', { unit: 'time:YYYY-MM-DD HH:mm:ss.SSS' }),
    field('Received', { unit: 'time:YYYY-MM-DD HH:mm:ss.SSS' }),
    unit('Span', MILLISECONDS, 0),
    unit('Close', DOLLARS, 4),
    unit('VWAP', DOLLARS, 4),
    unit('Volume', 'short', 0),
  ],
});

/** The Decisions page. */
export function decisionsPage(): Dashboard {
  return dashboard({
    uid: 'strikebase-decisions',
    title: 'Strikebase Decisions',
    description: 'Why it did and did not trade, gate by gate; from a fill back to its ticks.',
    from: 'now/d',
    refresh: '30s',
    variables: [...RUN_VARIABLES, FILL_VARIABLE],
    panels: [funnel, reasons, gates, timeline, signals, exits, fills, chain, ticks],
  });
}
