// The sign of life of a process: one row each in ops.heartbeats, the last one.
import type pg from 'pg';
import { type EasternUs, formatEastern } from '../core/eastern_time.ts';

export interface Heartbeat {
  /** Name of the process, e.g. `ingest-equities`. */
  readonly process: string;
  readonly at: EasternUs;
  /** What it is doing, in a word. */
  readonly state: string;
  readonly detail: string | null;
}

const SQL = `
  insert into ops.heartbeats (process, pid, ts, state, detail) values ($1, $2, $3, $4, $5)
  on conflict on constraint heartbeats_pk do update set
    pid = excluded.pid, ts = excluded.ts, state = excluded.state, detail = excluded.detail`;

/** Writes the sign of life of this process. */
export async function writeHeartbeat(
  client: pg.ClientBase,
  { process: name, at, state, detail }: Heartbeat,
): Promise<void> {
  const values = [name, process.pid, formatEastern(at), state, detail];
  await client.query({ name: 'heartbeat', text: SQL, values });
}
