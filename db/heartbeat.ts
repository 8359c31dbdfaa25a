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

const END_SQL = `
  update ops.heartbeats set state = 'ended' where process = any ($1) and pid = $2`;

// Names under which this process has shown itself.
const shown = new Set<string>();

/** Writes the sign of life of this process. */
export async function writeHeartbeat(
  client: pg.ClientBase,
  { process: name, at, state, detail }: Heartbeat,
): Promise<void> {
  shown.add(name);
  const values = [name, process.pid, formatEastern(at), state, detail];
  await client.query({ name: 'heartbeat', text: SQL, values });
}

/** Says that this process has ended, under every name under which it has shown itself. The client may write ops.heartbeats. */
export async function endHeartbeats(client: pg.ClientBase): Promise<void> {
  if (shown.size === 0) return;
  await client.query(END_SQL, [[...shown], process.pid]);
  shown.clear();
}
