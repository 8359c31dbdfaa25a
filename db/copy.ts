// COPY in binary from reusable buffers, straight into a table or, where rows may repeat, through a staging table.
import type { Socket } from 'node:net';
import type pg from 'pg';
import type { EasternUs } from '../core/eastern_time.ts';
import { type CountRow, countingText, TickCounts } from './tick_counts.ts';

/** Appends binary COPY fields to a growing buffer. A number that does not fit its column throws: none is ever cut. */
export class CopyBuffer {
  private bytes: Buffer;
  private view: DataView;
  private length = 0;
  private rowBytes = 0;
  private readonly unknownAt: number[] = [];
  private readonly unknownKeys: string[] = [];
  /**
   * The rows since the reset, of a table whose rows are counted: its `write` adds each. Behind `sendMerging` those that were new.
   * Whoever ends the transaction stores them.
   */
  readonly counts = new TickCounts();

  constructor(capacity = 1 << 16) {
    this.bytes = Buffer.allocUnsafeSlow(capacity);
    this.view = viewOf(this.bytes);
  }

  /** Starts a new COPY with its 19-byte header. */
  reset(): void {
    this.length = HEADER.copy(this.bytes, 0);
    this.unknownAt.length = 0;
    this.unknownKeys.length = 0;
    this.counts.reset();
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

  /** An int4 that is known by its key alone as yet: `fillIn` has to come before `finish`. */
  int4Of(key: string): void {
    this.unknownAt.push(this.length + 4);
    this.unknownKeys.push(key);
    this.int4(0);
  }

  /** The keys without a number. */
  unknown(): ReadonlySet<string> {
    return new Set(this.unknownKeys);
  }

  /** Puts the numbers of all keys in their places. */
  fillIn(numberOf: (key: string) => number): void {
    for (const [n, key] of this.unknownKeys.entries()) {
      this.view.setInt32(this.unknownAt[n] as number, numberOf(key));
    }
    this.unknownAt.length = 0;
    this.unknownKeys.length = 0;
    this.counts.fillIn(numberOf);
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

  /** Bytes so far. */
  get size(): number {
    return this.length;
  }

  /** The finished COPY data, with its trailer; valid until the next reset. */
  finish(): Buffer {
    this.reserve(2);
    this.view.setInt16(this.length, -1);
    this.length += 2;
    return this.data();
  }

  /** What `finish` returned. */
  data(): Buffer {
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

// The server begins on a message when it has all of it.
const PIECE_BYTES = 65_536;
const HEADER = Buffer.from('PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0', 'latin1');
const MICROSECONDS_TO_2000 = 946_684_800_000_000;

/** How the rows of one table are encoded. */
export interface CopyTable<Row> {
  /** Schema-qualified; a constant of the code, never outside data. */
  readonly name: string;
  readonly columns: string;
  readonly write: (buffer: CopyBuffer, row: Row) => void;
}

/** The encoded rows of one COPY. */
export interface CopyLoad {
  readonly table: CopyTable<never>;
  readonly buffer: CopyBuffer;
}

export interface CopyResult {
  readonly inserted: number;
  readonly duplicate: number;
}

/**
 * Runs statements, each COPY among them with its data, in one round trip: the data does not wait for the server to ask for it, since
 * one that met an error before drops it. Rejects with the first error; the statements behind it were not run.
 */
function send(client: pg.ClientBase, statements: string, loads: readonly Buffer[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const nothing = (): void => {};
    const query = {
      submit: (connection: Wire) => {
        connection.stream.cork();
        connection.query(statements);
        for (const data of loads) writeCopy(connection.stream, data);
        connection.stream.uncork();
      },
      // pg looks for it.
      callback: nothing,
      handleError: reject,
      handleReadyForQuery: () => resolve(),
      handleCopyInResponse: nothing,
      handleCommandComplete: nothing,
      handleRowDescription: nothing,
      handleDataRow: nothing,
      handleEmptyQuery: nothing,
    };
    client.query(query as unknown as pg.Submittable);
  });
}

/** The parts of pg's connection that a query of one's own uses. */
interface Wire {
  readonly stream: Socket;
  query(text: string): void;
}

const COPY_DATA = 0x64;
const COPY_DONE = Buffer.from([0x63, 0, 0, 0, 4]);

function writeCopy(stream: Socket, data: Buffer): void {
  for (let from = 0; from < data.length; from += PIECE_BYTES) {
    const piece = data.subarray(from, from + PIECE_BYTES);
    const head = Buffer.from([COPY_DATA, 0, 0, 0, 0]);
    head.writeUInt32BE(piece.length + 4, 1);
    stream.write(head);
    stream.write(piece);
  }
  stream.write(COPY_DONE);
}

function encode<Row>(table: CopyTable<Row>, rows: readonly Row[], buffer: CopyBuffer): void {
  buffer.reset();
  for (const row of rows) table.write(buffer, row);
  buffer.finish();
}

/**
 * COPY of encoded rows none of which may be there yet: a repeated key fails with 23505 and takes the transaction with it.
 * `first` are statements to run in the same round trip.
 */
export async function sendNew(client: pg.ClientBase, load: CopyLoad, first = ''): Promise<void> {
  await sendLoads(client, `${first}${copyText(load)}`, [load]);
}

/** The COPY of encoded rows. */
export function copyText({ table: { name, columns } }: CopyLoad): string {
  return `copy ${name} (${columns}) from stdin (format binary)`;
}

/** Runs statements with a COPY for each of the encoded loads, in their order, in one round trip. */
export async function sendLoads(
  client: pg.ClientBase,
  statements: string,
  loads: readonly CopyLoad[],
): Promise<void> {
  await send(
    client,
    statements,
    loads.map(({ buffer }) => buffer.data()),
  );
}

/** COPY of encoded rows that may be there already, inside a transaction: those are left as they are. The number of the others. */
export async function sendMerging(client: pg.ClientBase, { table, buffer }: CopyLoad): Promise<number> {
  const { name, columns } = table;
  const staging = `pg_temp.${name.replace('.', '_')}`;
  // One round trip for all three.
  await send(
    client,
    `create temporary table if not exists ${staging.slice(8)} (like ${name}) on commit delete rows;
     truncate ${staging};
     copy ${staging} (${columns}) from stdin (format binary)`,
    [buffer.data()],
  );
  const insert = `insert into ${name} (${columns}) select ${columns} from ${staging} on conflict do nothing`;
  if (buffer.counts.isEmpty) return (await client.query(insert)).rowCount ?? 0;
  const { rows } = await client.query<CountRow>(countingText(insert));
  buffer.counts.replaceBy(rows);
  return rows.reduce((sum, { ticks }) => sum + ticks, 0);
}

export async function storeCounts(client: pg.ClientBase, counts: TickCounts): Promise<void> {
  for (const text of counts.statements()) await client.query(text);
}

/** `sendNew` of rows, and their counts. */
export async function copyNew<Row>(
  client: pg.ClientBase,
  table: CopyTable<Row>,
  rows: readonly Row[],
  buffer: CopyBuffer,
): Promise<CopyResult> {
  encode(table, rows, buffer);
  await sendNew(client, { table, buffer });
  await storeCounts(client, buffer.counts);
  return { inserted: rows.length, duplicate: 0 };
}

/** `sendMerging` of rows, and their counts. */
export async function copyMerging<Row>(
  client: pg.ClientBase,
  table: CopyTable<Row>,
  rows: readonly Row[],
  buffer: CopyBuffer,
): Promise<CopyResult> {
  encode(table, rows, buffer);
  const inserted = await sendMerging(client, { table, buffer });
  await storeCounts(client, buffer.counts);
  return { inserted, duplicate: rows.length - inserted };
}
