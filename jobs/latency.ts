// How long a live run takes from a tick to its slice, and from there to its orders and their bytes: measured beside the work.
import type pg from 'pg';
import type { Clock } from '../core/clock.ts';
import { addMs, type EasternUs, formatEastern } from '../core/eastern_time.ts';

export interface LatencySampler {
  /** A slice was committed that took `sliceMs`; `receivedAt` is when the newest row that it may have read was received. */
  note(slice: { readonly sliceMs: number; readonly receivedAt: EasternUs | null }): void;
  /** Stores what was noted since the last time, and measures the orders that were sent since. */
  store(client: pg.ClientBase): Promise<void>;
}

interface Sample {
  readonly stage: string;
  readonly micros: number;
}

const SAMPLES_SQL = `
  insert into ops.latency_samples (ts, stage, micros)
  select $1, x.stage, x.micros from unnest($2::text[], $3::bigint[]) as x (stage, micros)`;

// What an order `i` came from: the slice of its own transaction (one that only reaches its time may be another, where a fill
// became known late); a stop or target names its quote.
const CAUSE = `
  join trade.decisions d on d.decision_id = i.decision_id
  join trade.runs r on r.run_id = i.run_id
  cross join lateral (
    select s.ts_as_of from trade.slices s
    where s.run_id = i.run_id and s.ts_to >= i.ts and s.xmin = i.xmin
    order by s.ts_to
    limit 1
  ) s
  left join lateral (
    select q.ts_recv from market.option_quotes q
    where d.reason in ('stop_loss', 'take_profit') and i.attempt = 1
      and q.instrument_id = d.instrument_id and q.feed_id = r.quote_feed_id and q.ts_event = d.quote_ts
    order by q.seq desc
    limit 1
  ) q on true`;

const ORDERS_SQL = `
  insert into ops.latency_samples (ts, stage, micros)
  select e.ts, x.stage, (extract(epoch from e.ts - x.since) * 1e6)::bigint
  from trade.order_intents i
  join trade.order_events e on e.intent_id = i.intent_id and e.state = 'submitted' and e.ts >= $2 and e.ts < $3
  ${CAUSE}
  cross join lateral (values ('slice to order', s.ts_as_of), ('tick to exit', q.ts_recv)) as x (stage, since)
  where i.run_id = $1 and i.ts >= $2::timestamp - interval '1 minute' and i.purpose <> 'protect' and x.since <= e.ts`;

// Of an order that a signal caused, the tick is the first behind the period that gave it: nobody knew before it that the period
// was over. Re-priced orders are the clock's, not a tick's. An exit's bytes wait for its resting stop to be canceled.
const BYTES_SQL = `
  insert into ops.latency_samples (ts, stage, micros)
  select w.ts, x.stage, (extract(epoch from w.ts - x.since) * 1e6)::bigint
  from unnest($1::bigint[], $2::timestamp[]) as w (intent_id, ts)
  join trade.order_intents i on i.intent_id = w.intent_id and i.purpose <> 'protect'
  ${CAUSE}
  left join lateral (
    select t.ts_recv from market.equity_ticks t
    where d.reason not in ('stop_loss', 'take_profit') and i.attempt = 1
      and t.instrument_id = r.instrument_id and t.feed_id = r.tick_feed_id
      and t.ts_event >= i.ts + r.grace_ms * interval '1 ms' and t.ts_event < i.ts + r.grace_ms * interval '1 ms' + interval '10 s'
    order by t.ts_event, t.seq
    limit 1
  ) t on true
  cross join lateral (
    values ('slice to ' || i.purpose || ' bytes', s.ts_as_of), ('tick to ' || i.purpose || ' bytes', coalesce(q.ts_recv, t.ts_recv))
  ) as x (stage, since)
  where x.since <= w.ts`;

const MOST_KEPT = 1000;

export interface BytesSampler {
  /** The request of an order was handed to its connection. */
  note(intentId: number, at: EasternUs): void;
  /** Stores what was noted since the last time. */
  store(client: pg.ClientBase): Promise<void>;
}

/** The sampler of a process that sends orders. In a simulated time nothing is measured. */
export function bytesSampler(clock: Clock): BytesSampler {
  let noted: { readonly intentId: number; readonly at: EasternUs }[] = [];
  return {
    note: (intentId, at) => {
      if (clock.kind !== 'simulated' && noted.length < MOST_KEPT) noted.push({ intentId, at });
    },
    store: async (client) => {
      if (noted.length === 0) return;
      const values = [noted.map(({ intentId }) => intentId), noted.map(({ at }) => formatEastern(at))];
      noted = [];
      await client.query({ name: 'bytes_latency', text: BYTES_SQL, values });
    },
  };
}

const ORDERS_EVERY_MS = 10_000;

/** The sampler of a run. In a simulated time nothing is measured: it stands still while we work. */
export function latencySampler(
  runId: number,
  of: { readonly clock: Clock; readonly isPaper: boolean },
): LatencySampler {
  const { clock, isPaper } = of;
  let samples: readonly Sample[] = [];
  let measuredTo = clock.now();
  const isOff = clock.kind === 'simulated';
  return {
    note: ({ sliceMs, receivedAt }) => {
      // The first of a second, not the last or the worst: what is sampled must not depend on what it shows.
      if (isOff || samples.length > 0) return;
      const sinceTick =
        receivedAt === null ? [] : [{ stage: 'tick to slice', micros: clock.now() - receivedAt }];
      samples = [{ stage: 'slice', micros: Math.round(sliceMs * 1000) }, ...sinceTick];
    },
    store: async (client) => {
      const now = clock.now();
      const noted = samples;
      samples = [];
      if (noted.length > 0) {
        const values = [
          formatEastern(now),
          noted.map((each) => each.stage),
          noted.map((each) => each.micros),
        ];
        await client.query({ name: 'latency', text: SAMPLES_SQL, values });
      }
      // Paper orders are sent at the instant of their decision.
      if (isOff || isPaper || now < addMs(measuredTo, ORDERS_EVERY_MS)) return;
      const values = [runId, formatEastern(measuredTo), formatEastern(now)];
      measuredTo = now;
      await client.query({ name: 'order_latency', text: ORDERS_SQL, values });
    },
  };
}
