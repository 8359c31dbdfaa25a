// COPY in binary from reusable buffers, straight into a table or, where rows may repeat, through a staging table.
import type pg from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import type { EasternUs } from '../core/eastern_time.ts';

/** Appends binary COPY fields to a growing buffer. A number that does not fit its column throws: none is ever cut. */
export class CopyBuffer {
  private bytes: Buffer;
  private view: DataView;
  private length = 0;
  private rowBytes = 0;

  constructor(capacity = 1 << 16) {
    this.bytes = Buffer.allocUnsafeSlow(capacity);
    this.view = viewOf(this.bytes);
  }

  /** Starts a new COPY with its 19-byte header. */
  reset(): void {
    this.length = HEADER.copy(this.bytes, 0);
  }

  /** Starts a row of `fields` fields of at most `maxBytes` in all, texts aside. */
  row(fields: number, maxBytes: number): void {
    this.rowBytes = maxBytes + 2 + fields * 4;
    this.reserve(this.rowBytes);
    this.view.setInt16(this.length, fields);
    this.length += 2;
  }

  int2(value: number): void {
    if ((value << 16) >> 16 !== value) throw unfit(value, 'int2');
    this.view.setInt32(this.length, 2);
    this.view.setInt16(this.length + 4, value);
    this.length += 6;
  }

  int4(value: number | null): void {
    if (value === null) {
      this.absent();
      return;
    }
    if ((value | 0) !== value) throw unfit(value, 'int4');
    this.view.setInt32(this.length, 4);
    this.view.setInt32(this.length + 4, value);
    this.length += 8;
  }

  /** A 64-bit integer within +-2^53. */
  int8(value: number | null): void {
    if (value === null) {
      this.absent();
      return;
    }
    if (!Number.isSafeInteger(value)) throw unfit(value, 'int8');
    const high = Math.floor(value / 4_294_967_296);
    this.view.setInt32(this.length, 8);
    this.view.setInt32(this.length + 4, high);
    this.view.setUint32(this.length + 8, value - high * 4_294_967_296);
    this.length += 12;
  }

  float8(value: number | null): void {
    if (value === null) {
      this.absent();
      return;
    }
    this.view.setInt32(this.length, 8);
    this.view.setFloat64(this.length + 4, value);
    this.length += 12;
  }

  bool(value: boolean): void {
    this.view.setInt32(this.length, 1);
    this.view.setUint8(this.length + 4, value ? 1 : 0);
    this.length += 5;
  }

  /** A `timestamp`: Eastern wall clock as it stands, counted from 2000-01-01. */
  timestamp(value: EasternUs): void {
    this.int8(value - MICROSECONDS_TO_2000);
  }

  /** A `date`: the day of an Eastern time. */
  date(value: EasternUs): void {
    this.int4(Math.floor((value - MICROSECONDS_TO_2000) / 86_400_000_000));
  }

  text(value: string | null): void {
    if (value === null) {
      this.absent();
      return;
    }
    const size = Buffer.byteLength(value);
    // What follows it in the row needs its room still.
    this.reserve(size + this.rowBytes);
    this.view.setInt32(this.length, size);
    this.length += 4 + this.bytes.write(value, this.length + 4);
  }

  /** The finished COPY data, with its trailer; valid until the next reset. */
  finish(): Buffer {
    this.reserve(2);
    this.view.setInt16(this.length, -1);
    this.length += 2;
    return this.bytes.subarray(0, this.length);
  }

  private absent(): void {
    this.view.setInt32(this.length, -1);
    this.length += 4;
  }

  private reserve(size: number): void {
    if (this.length + size <= this.bytes.length) return;
    const grown = Buffer.allocUnsafeSlow(Math.max(this.bytes.length * 2, this.length + size));
    this.bytes.copy(grown, 0, 0, this.length);
    this.bytes = grown;
    this.view = viewOf(grown);
  }
}

function viewOf(bytes: Buffer): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function unfit(value: number, type: string): Error {
  return new Error(`${value} does not fit ${type}`);
}

const HEADER = Buffer.from('PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0', 'latin1');
const MICROSECONDS_TO_2000 = 946_684_800_000_000;

/** How the rows of one table are encoded. */
export interface CopyTable<Row> {
  /** Schema-qualified; a constant of the code, never outside data. */
  readonly name: string;
  readonly columns: string;
  readonly write: (buffer: CopyBuffer, row: Row) => void;
}

export interface CopyResult {
  readonly inserted: number;
  readonly duplicate: number;
}

async function send(client: pg.ClientBase, target: string, data: Buffer): Promise<void> {
  const stream = client.query(copyFrom(`copy ${target} from stdin (format binary)`));
  await new Promise<void>((resolve, reject) => {
    stream.on('finish', resolve);
    stream.on('error', reject);
    stream.end(data);
  });
}

function encode<Row>(table: CopyTable<Row>, rows: readonly Row[], buffer: CopyBuffer): Buffer {
  buffer.reset();
  for (const row of rows) table.write(buffer, row);
  return buffer.finish();
}

/** COPY of rows none of which may be there yet: a repeated key fails with 23505 and takes the transaction with it. */
export async function copyNew<Row>(
  client: pg.ClientBase,
  table: CopyTable<Row>,
  rows: readonly Row[],
  buffer: CopyBuffer,
): Promise<CopyResult> {
  await send(client, `${table.name} (${table.columns})`, encode(table, rows, buffer));
  return { inserted: rows.length, duplicate: 0 };
}

/** COPY of rows that may be there already, inside a transaction: those are left as they are and counted. */
export async function copyMerging<Row>(
  client: pg.ClientBase,
  table: CopyTable<Row>,
  rows: readonly Row[],
  buffer: CopyBuffer,
): Promise<CopyResult> {
  const staging = `pg_temp.${table.name.replace('.', '_')}`;
  await client.query(
    `create temporary table if not exists ${staging.slice(8)} (like ${table.name}) on commit delete rows`,
  );
  await client.query(`truncate ${staging}`);
  await send(client, `${staging} (${table.columns})`, encode(table, rows, buffer));
  const result = await client.query(
    `insert into ${table.name} (${table.columns}) select ${table.columns} from ${staging} on conflict do nothing`,
  );
  const inserted = result.rowCount ?? 0;
  return { inserted, duplicate: rows.length - inserted };
}

/**
 * COPY that takes the straight way until a row repeats and stages from then on, inside a transaction. `state.merging` carries
 * that from batch to batch: a file that was imported before repeats all of its rows.
 */
export async function copyIdempotent<Row>(
  client: pg.ClientBase,
  table: CopyTable<Row>,
  rows: readonly Row[],
  state: { merging: boolean; readonly buffer: CopyBuffer },
): Promise<CopyResult> {
  if (rows.length === 0) return { inserted: 0, duplicate: 0 };
  if (state.merging) return copyMerging(client, table, rows, state.buffer);
  await client.query('savepoint straight_copy');
  try {
    const result = await copyNew(client, table, rows, state.buffer);
    await client.query('release savepoint straight_copy');
    return result;
  } catch (error) {
    if ((error as { code?: string }).code !== '23505') throw error;
    await client.query('rollback to savepoint straight_copy');
    state.merging = true;
    return copyMerging(client, table, rows, state.buffer);
  }
}
