// The end of a fault session: the broker's ledger against our fills, its orders against our intents, what was sent against the rows.
import { checkLedger } from '../../cli/ledger_check.ts';
import { withClient } from '../../db/pool.ts';
import type { Stage } from './stage.ts';
import type { Stored } from './venue.ts';
import type { Watched } from './watch.ts';

export interface Verdict {
  readonly duplicateOrders: number;
  readonly lostExits: number;
  readonly lostRows: number;
  /** Orders of ours at the broker, and positions that were closed. */
  readonly orders: number;
  readonly roundTrips: number;
  /** Each in words; empty if all is well. */
  readonly problems: readonly string[];
  /** Figures for whoever reads it. */
  readonly figures: readonly string[];
}

const SUMMARY_SQL = `
  select
    (select count(*)::integer from trade.orders o join trade.runs r using (run_id) where r.account = $1 and o.state <> 'denied') as orders,
    (select coalesce(array_agg(distinct e.venue_order_id), '{}') from trade.order_events e where e.venue_order_id is not null) as venue_ids,
    (
      select count(*)::integer from (
        select e.intent_id from trade.order_events e where e.venue_order_id is not null
        group by e.intent_id having count(distinct e.venue_order_id) > 1
      ) x
    ) as doubled,
    (select coalesce(sum(abs(p.qty)), 0)::integer from trade.open_positions($1) p) as held,
    (
      select count(*)::integer from trade.order_intents i
      join lateral (select e.state from trade.order_events e where e.intent_id = i.intent_id order by e.event_id desc limit 1) e on true
      where e.state in ('submitted', 'unknown')
    ) as doubtful,
    (select count(*)::integer from trade.fills f where f.account = $1) as fills,
    (
      select string_agg(x.state || ' ' || x.n, ', ' order by x.n desc) from (
        select o.state, count(*) as n from trade.orders o join trade.runs r using (run_id) where r.account = $1 group by o.state
      ) x
    ) as states,
    (select count(*)::integer from panel.round_trips t) as round_trips,
    (select coalesce(sum(t.net), 0)::text from panel.round_trips t) as net_pl,
    (select count(*)::integer from ops.feed_gaps g) as gaps,
    (select count(*)::integer from ops.feed_gaps g where g.ts_filled is null) as unfilled,
    (select count(*)::integer from trade.slices) as slices,
    (select s.is_ok || ' ' || s.detail from trade.statements s order by s.statement_id desc limit 1) as statement,
    (select count(*)::integer from trade.decisions d where d.kind = 'entry' and d.verdict = 'TRADE') as decided,
    (
      select string_agg(x.reason || ' ' || x.n, ', ' order by x.n desc) from (
        select d.reason, count(*) as n from trade.decisions d
        join signal.signals g using (run_id, ts) where d.kind = 'entry' and d.verdict = 'SKIP' group by d.reason
      ) x
    ) as skipped`;

interface Summary {
  readonly orders: number;
  readonly venue_ids: readonly string[];
  readonly doubled: number;
  readonly held: number;
  readonly fills: number;
  /** How our orders ended. */
  readonly states: string | null;
  readonly doubtful: number;
  readonly round_trips: number;
  readonly net_pl: string;
  readonly gaps: number;
  readonly unfilled: number;
  readonly slices: number;
  /** What the processes have noted of the day's books, `true …` or `false …`. */
  readonly statement: string | null;
  readonly decided: number;
  /** Signals that were not traded, by reason. */
  readonly skipped: string | null;
}

/** Looks at everything, with the tree ended and the database up. */
export async function judge(stage: Stage, url: string, watched: Watched): Promise<Verdict> {
  const { account, keepsBooks } = stage.system;
  const [summary] = (await stage.rows<Summary>(SUMMARY_SQL, [account])) as [Summary];
  const { ledger } = stage.venue;
  const orders = ledger.orders();
  const ours = orders.filter(({ source }) => source === 'api');
  const byHand = new Set(orders.filter(({ source }) => source === 'manual').map(({ id }) => id));
  const ofOurs = {
    ...ledger,
    postings: () =>
      ledger
        .postings()
        .filter(({ orderId, type }) => type === 'TRADE' && (orderId === null || !byHand.has(orderId))),
  };
  const { differences, contracts } = await withClient({ url, role: 'job_runner', name: 'check' }, (client) =>
    checkLedger(client, account, ofOurs),
  );
  const stored = await stage.venue.checkStored(stage);
  const known = new Set(summary.venue_ids);
  // An order that nobody here knows of was sent for an intent that had another, or was given up.
  const strange = ours.filter(({ id, status }) => !known.has(String(id)) && status !== 'REJECTED');
  const heldThere = ledger.positions().reduce((sum, { qty }) => sum + Math.abs(qty), 0);
  const unknown = strange.map(
    ({ id, status, filledQty }) => `order ${id} (${status}, ${filledQty} filled) is known to nobody`,
  );
  // Trades by hand are in the broker's books and not in ours: that must have been told.
  const isStated =
    !keepsBooks ||
    summary.statement?.startsWith(
      String(!orders.some((each) => byHand.has(each.id) && each.filledQty > 0)),
    ) === true;
  const problems = [
    ...[...watched.violations, ...differences, ...unknown],
    ...(summary.doubled > 0 ? [`${summary.doubled} intents have two orders at the broker`] : []),
    ...(heldThere > 0 ? [`${heldThere} contracts are held at the broker at the end`] : []),
    ...(summary.held > 0 ? [`${summary.held} contracts are open by our fills at the end`] : []),
    ...(summary.doubtful > 0 ? [`the fate of ${summary.doubtful} orders is not known`] : []),
    ...(isStated ? [] : [`the books of the day: ${summary.statement ?? 'nobody has compared them'}`]),
    ...[...stored.lost, ...stored.problems].slice(0, 20),
  ];
  return {
    duplicateOrders:
      strange.filter(({ filledQty }) => filledQty > 0).length + summary.doubled + watched.violations.size,
    lostExits: Math.max(heldThere, summary.held),
    lostRows: stored.lost.length + differences.length,
    orders: ours.length,
    roundTrips: summary.round_trips,
    problems,
    figures: figuresOf(stage, summary, {
      ours: ours.length,
      byHand: byHand.size,
      contracts,
      differing: differences.length,
      stored,
      watched,
    }),
  };
}

function figuresOf(
  stage: Stage,
  {
    orders,
    decided,
    skipped,
    fills,
    states,
    doubled,
    round_trips,
    net_pl,
    gaps,
    unfilled,
    slices,
    statement,
  }: Summary,
  of: {
    readonly ours: number;
    readonly byHand: number;
    readonly contracts: number;
    readonly differing: number;
    readonly stored: Stored;
    readonly watched: Watched;
  },
): readonly string[] {
  const { stored, watched } = of;
  const figure = (count: number): string => count.toLocaleString('en-US');
  return [
    `${figure(decided)} decisions to trade, ${figure(orders)} orders, ${figure(of.ours)} at the broker (${of.byHand} more by hand), ${figure(of.contracts)} contracts, ${figure(round_trips)} round trips, net P/L $${Number(net_pl).toFixed(2)}`,
    `contracts that differ from the broker's books: ${figure(of.differing)} of ${figure(of.contracts)}, orders taken twice: ${doubled}; ${figure(fills)} fills; orders: ${states ?? 'none'}`,
    `signals not traded: ${skipped ?? 'none'}`,
    `${stored.what}, ${figure(stored.expected)} to be stored, ${figure(stored.stored)} stored, ${figure(stored.inGaps)} in gaps that are told, ${figure(stored.lost.length)} lost; ${gaps} gaps, ${unfilled} not filled; ${figure(slices)} slices`,
    ...(stage.system.keepsBooks ? [`the day's books as the processes compared them: ${statement}`] : []),
    ...(stage.system.hasSpreads
      ? []
      : [
          `contracts held with nothing at work to close them: ${(watched.uncoveredMs() / 1000).toFixed(0)} s of the session's time at most`,
        ]),
    `entries allowed again by a person ${watched.resumed()} x`,
  ];
}
