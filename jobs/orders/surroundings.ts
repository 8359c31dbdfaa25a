// What the ceilings look at besides the order itself: what was sent before it, and where its contracts are quoted.
import { type EasternUs, formatEastern } from '../../core/eastern_time.ts';
import type { LastingConnection } from '../../db/lasting_connection.ts';
import type { Surroundings } from './ceilings.ts';

// The quote is looked for a little further back than the entry gates allow: the decision was a moment ago.
const SQL = `
  with orders as (
    select e.ts, e.epoch
    from trade.runs r
    -- Each look-up by its key, however much of other accounts and days there is.
    cross join lateral (
      select x.intent_id from trade.order_intents x
      where x.run_id = r.run_id and x.ts >= least($5::timestamp, $3::timestamp) - interval '1 day' offset 0
    ) i
    cross join lateral (
      select x.ts, x.epoch from trade.order_events x
      where x.intent_id = i.intent_id and x.state = 'submitted' and x.epoch is not null offset 0
    ) e
    where r.account = $2 and r.mode = 'live' and r.ts_to > least($5::timestamp, date_trunc('day', $3::timestamp))
  )
  select
    (select count(*) from orders o where o.ts > $3::timestamp - interval '1 minute')::integer as orders_minute,
    (select count(*) from orders o where o.ts >= date_trunc('day', $3::timestamp))::integer as orders_day,
    (select count(*) from orders o where o.epoch = $4)::integer as committed,
    min(l.multiplier) as multiplier,
    -- Of several legs what those like the first are worth, less the others; of the first somebody must want it.
    case when count(l.mid_e4) = count(*) then sum(case l.side when l.first_side then l.mid_e4 else -l.mid_e4 end) end::float8 as reference_e4
  from (
    select
      g.side, first_value(g.side) over (order by g.leg_no) as first_side, c.multiplier,
      case
        when (q.bid_px_e4 > 0 or g.leg_no > 1) and q.ask_px_e4 >= coalesce(q.bid_px_e4, 0) then (coalesce(q.bid_px_e4, 0) + q.ask_px_e4) / 2.0
      end as mid_e4
    from trade.order_intents i
    join trade.runs r using (run_id)
    join trade.order_intent_legs g on g.intent_id = i.intent_id
    join ref.instruments c on c.instrument_id = g.instrument_id
    left join lateral signal.quotes_as_of(
      array[g.instrument_id], array[$3::timestamp], r.quote_feed_id,
      $3::timestamp - make_interval(secs => r.stale_after_ms / 1000.0 + 10), $3::timestamp, 'infinity'
    ) q on true
    where i.intent_id = $1
  ) l
  having count(*) > 0`;

interface Row {
  readonly orders_minute: number;
  readonly orders_day: number;
  readonly committed: number;
  readonly multiplier: number;
  readonly reference_e4: number | null;
}

export interface Seen extends Surroundings {
  /** `submitted` events of this epoch. */
  readonly committed: number;
}

/** The surroundings of an intent of the account at an instant. */
export async function surroundingsOf(
  connection: LastingConnection,
  of: {
    readonly intentId: number;
    readonly account: string;
    readonly epoch: number | null;
    /** When that epoch began. */
    readonly since: EasternUs;
    readonly at: EasternUs;
  },
): Promise<Seen> {
  const values = [of.intentId, of.account, formatEastern(of.at), of.epoch, formatEastern(of.since)];
  const { rows } = await connection.run((client) =>
    client.query<Row>({ name: 'orders surroundings', text: SQL, values }),
  );
  const [row] = rows;
  if (row === undefined) throw new Error(`order ${of.intentId} has vanished`);
  return {
    ordersMinute: row.orders_minute,
    ordersDay: row.orders_day,
    committed: row.committed,
    multiplier: row.multiplier,
    reference_e4: row.reference_e4,
  };
}
