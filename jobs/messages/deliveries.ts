// What is to be delivered, and what became of it: rows of ops.alert_outbox and ops.message_deliveries.
import type pg from 'pg';
import { type EasternUs, formatEastern } from '../../core/eastern_time.ts';
import type { Message } from './channels.ts';

export interface DueMessage extends Message {
  readonly attempts: number;
}

export interface Tried {
  readonly channel: string;
  readonly at: EasternUs;
  /** Null: sent, or given up when there is an error. */
  readonly next: EasternUs | null;
  readonly error: string | null;
}

// Old messages are history: who comes back from a month's holiday does not want a thousand of them.
const DUE_SQL = `
  select o.alert_id, o.key, o.kind, o.severity, o.ts, o.text, coalesce(d.attempts, 0) as attempts
  from ops.alert_outbox o
  left join ops.message_deliveries d on d.alert_id = o.alert_id and d.channel = $1
  where o.ts > $2::timestamp - interval '3 days' and (d.alert_id is null or d.ts_next <= $2)
  order by o.severity = 'critical' desc, o.ts, o.alert_id
  limit $3`;

const TRIED_SQL = `
  insert into ops.message_deliveries (alert_id, channel, attempts, ts_tried, ts_next, ts_sent, error)
  select id, $2, 1, $3, $4, case when $5::text is null then $3::timestamp end, $5
  from unnest($1::bigint[]) as id
  on conflict on constraint message_deliveries_pk do update set
    attempts = message_deliveries.attempts + 1, ts_tried = excluded.ts_tried, ts_next = excluded.ts_next, ts_sent = excluded.ts_sent,
    error = excluded.error`;

const WAITING_SQL = `
  select count(*)::integer as waiting
  from ops.alert_outbox o
  left join ops.message_deliveries d on d.alert_id = o.alert_id and d.channel = $1
  where o.ts > $2::timestamp - interval '3 days' and (d.alert_id is null or d.ts_next is not null)`;

/** Messages that the channel has not taken and that may be tried now, critical ones first. */
export async function dueMessages(
  client: pg.ClientBase,
  options: { readonly channel: string; readonly now: EasternUs; readonly limit: number },
): Promise<readonly DueMessage[]> {
  const values = [options.channel, formatEastern(options.now), options.limit];
  return (await client.query<DueMessage>(DUE_SQL, values)).rows;
}

/** Messages that the channel has not taken yet. */
export async function waitingCount(client: pg.ClientBase, channel: string, now: EasternUs): Promise<number> {
  const { rows } = await client.query<{ waiting: number }>(WAITING_SQL, [channel, formatEastern(now)]);
  return rows[0]?.waiting ?? 0;
}

/** Records one attempt at each of the messages. */
export async function recordTried(
  client: pg.ClientBase,
  messages: readonly Message[],
  { channel, at, next, error }: Tried,
): Promise<void> {
  const ids = messages.map(({ alert_id }) => alert_id);
  const texts = [formatEastern(at), next === null ? null : formatEastern(next), error];
  await client.query(TRIED_SQL, [ids, channel, ...texts]);
}

/** Writes the messages that the facts call for, or those of the alarms that fire. Returns their number. */
export async function composeMessages(
  client: pg.ClientBase,
  now: EasternUs,
  routine: 'ops.compose_messages' | 'ops.compose_alarms' = 'ops.compose_messages',
): Promise<number> {
  const text = `select ${routine}($1) as written`;
  const { rows } = await client.query<{ written: number }>(text, [formatEastern(now)]);
  return rows[0]?.written ?? 0;
}
