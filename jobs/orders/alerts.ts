// Messages to people, by way of ops.alert_outbox: the same event has the same key and is told once.
import type pg from 'pg';
import { type EasternUs, formatEastern } from '../../core/eastern_time.ts';

export interface Alert {
  readonly key: string;
  readonly severity: 'info' | 'warning' | 'critical';
  readonly text: string;
  readonly at: EasternUs;
}

const ALERT_SQL = `
  insert into ops.alert_outbox (ts, key, severity, text) values ($1, $2, $3, $4)
  on conflict on constraint alert_outbox_key do nothing`;

/** Appends the alert (job_runner). */
export async function raiseAlert(client: pg.ClientBase, { key, severity, text, at }: Alert): Promise<void> {
  await client.query(ALERT_SQL, [formatEastern(at), key, severity, text]);
}
