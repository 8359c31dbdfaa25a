// Rows of many batches through two buffers: the server copies one while the client reads and encodes into the other.
import type pg from 'pg';
import {
  CopyBuffer,
  type CopyLoad,
  type CopyResult,
  type CopyTable,
  sendMerging,
  sendNew,
  storeCounts,
} from './copy.ts';
import { TickCounts } from './tick_counts.ts';

const MAX_BYTES = 4 << 20;
const UNIQUE_VIOLATION = '23505';

/**
 * COPY inside a transaction, of rows that may be there already: those are left as they are and counted. Every COPY takes what
 * has gathered while the one before ran, as `createBatcher` does; there is no waiting for a batch to fill.
 */
export interface BulkCopy {
  /** Resolves when the rows are encoded and there is room for more. The connection is in use until `settle` or `abandon`. */
  write<Row>(table: CopyTable<Row>, rows: readonly Row[]): Promise<void>;
  /** Resolves when everything written so far is in its table, with the counts of all of it. */
  settle(): Promise<CopyResult>;
  /** Resolves when the connection is free, whatever becomes of the rows: call it before a rollback. */
  abandon(): Promise<void>;
}

/** Called with the connection to itself before a buffer is sent: the place for statements in between, and for `fillIn`. */
export type BeforeCopy = (buffer: CopyBuffer) => Promise<void>;

/** What one COPY takes: rows of one table. */
interface Load {
  readonly buffer: CopyBuffer;
  table: CopyTable<never> | null;
  rows: number;
}

/** With a connection in a transaction. */
export function bulkCopy(client: pg.ClientBase, before: BeforeCopy): BulkCopy {
  let filling = newLoad();
  let spare = newLoad();
  let running: Promise<void> | null = null;
  // A file that was imported before repeats all of its rows: from its first repeated row on, all are staged.
  let isMerging = false;
  let isSaved = false;
  // Of all of it at once: whoever counts the same five minutes waits for the end of this transaction.
  const counts = new TickCounts();
  let inserted = 0;
  let duplicate = 0;

  /** False, with nothing done, where a row is there already. */
  async function copyStraight(load: CopyLoad): Promise<boolean> {
    if (isMerging) return false;
    const release = isSaved ? 'release savepoint bulk_copy; ' : '';
    isSaved = true;
    try {
      await sendNew(client, load, `${release}savepoint bulk_copy; `);
    } catch (error) {
      if ((error as { code?: string }).code !== UNIQUE_VIOLATION) throw error;
      await client.query('rollback to savepoint bulk_copy; release savepoint bulk_copy');
      isMerging = true;
    }
    return !isMerging;
  }

  async function copy({ table, buffer, rows }: Load): Promise<void> {
    if (table === null) return;
    buffer.finish();
    const load = { table, buffer };
    const fresh = (await copyStraight(load)) ? rows : await sendMerging(client, load);
    counts.addAll(buffer.counts);
    inserted += fresh;
    duplicate += rows - fresh;
  }

  /** Sends what has gathered, as soon as the COPY before is done. */
  async function launch(): Promise<void> {
    await running;
    const load = filling;
    [filling, spare] = [spare, load];
    filling.buffer.reset();
    filling.rows = 0;
    filling.table = null;
    // Not beside reading and encoding: every answer would wait its turn.
    await before(load.buffer);
    running = copy(load).then(() => {
      running = null;
    });
    // Whoever launches next is told.
    running.catch(() => undefined);
  }

  return {
    async write(table, rows) {
      if (filling.table !== null && filling.table.name !== table.name) await launch();
      filling.table = table;
      for (const row of rows) table.write(filling.buffer, row);
      filling.rows += rows.length;
      if (running === null || filling.buffer.size >= MAX_BYTES) await launch();
    },
    async settle() {
      await launch();
      await running;
      await storeCounts(client, counts);
      counts.reset();
      return { inserted, duplicate };
    },
    async abandon() {
      await running?.catch(() => undefined);
    },
  };
}

function newLoad(): Load {
  const buffer = new CopyBuffer();
  buffer.reset();
  return { buffer, table: null, rows: 0 };
}
