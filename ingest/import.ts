// From a file to the database: the whole file in one transaction, so nothing is ever half-imported.
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { basename } from 'node:path';
import type pg from 'pg';
import { type EasternUs, formatEastern, parseEastern, type SessionDate } from '../core/eastern_time.ts';
import { Failure } from '../core/failure.ts';
import { inTransaction } from '../db/pool.ts';
import {
  describeRejected,
  type FeedSpec,
  type Finding,
  type ImportBatch,
  type ImportFile,
  type SessionHours,
  type SessionLookup,
  startCalendarCheck,
} from './files/index.ts';
import { type BatchWriter, batchWriter, type WrittenCounts } from './import_batch.ts';
import { refreshRollups } from './rollups.ts';

export interface ImportFileOptions {
  readonly tsRecv: EasternUs;
  readonly sessions: SessionLookup;
  /** Takes a file whose clock does not fit the calendar. */
  readonly force: boolean;
  /** Puts faulty rows into market.rejected_rows instead of refusing the file. */
  readonly rejectRows: boolean;
  readonly signal: AbortSignal;
  readonly onProgress?: (progress: ImportProgress) => void;
  /** Called once, before the file is committed, with everything that was found out about it. */
  readonly onFindings?: (findings: readonly Finding[]) => void;
}

export interface ImportProgress {
  readonly bytes: number;
  readonly totalBytes: number;
  readonly rows: number;
}

export interface ImportResult extends WrittenCounts {
  readonly path: string;
  readonly feed: FeedSpec;
  readonly tsFirst: EasternUs | null;
  readonly tsLast: EasternUs | null;
}

const SHOWN_FAULTS = 5;
// Below it a quote is taken for a stream's, whose age is judged in seconds.
const MIN_STALE_MS = 2_000;

/**
 * Imports one opened file with a connection that may become `ingest_writer`, and brings the rollups up to date. Repeating it
 * changes nothing. Throws Failure, with nothing kept, on a faulty row (unless `rejectRows`), on a clock that does not fit the
 * calendar (unless `force`), and when `signal` is aborted.
 */
export async function importFile(
  client: pg.Client,
  file: ImportFile,
  options: ImportFileOptions,
): Promise<ImportResult> {
  await client.query('set role ingest_writer');
  try {
    const result = await inTransaction(client, () => takeFile(client, file, options));
    // Only the owner of a continuous aggregate may refresh it, and only outside a transaction.
    await client.query('reset role');
    const { feed, inserted, tsFirst: from, tsLast: to } = result;
    if (feed.kind === 'equity' && inserted > 0 && from !== null && to !== null)
      await refreshRollups(client, { from, to });
    return result;
  } finally {
    await client.query('reset role').catch(() => undefined);
  }
}

async function takeFile(
  client: pg.Client,
  file: ImportFile,
  options: ImportFileOptions,
): Promise<ImportResult> {
  const feedId = await feedIdOf(client, file.feed);
  const writer = batchWriter(client, { file, feedId, tsRecv: options.tsRecv });
  const hash = startHash(file.path);
  try {
    await writeBatches(writer, file, options);
    const counts = await writer.finish();
    const { first, last } = writer.range();
    const result = { path: file.path, feed: file.feed, ...counts, tsFirst: first, tsLast: last };
    await recordImport(client, { result, feedId, sha256: await hash.sha256, tsRecv: options.tsRecv });
    return result;
  } catch (error) {
    hash.stop();
    await writer.abandon();
    throw error;
  }
}

async function writeBatches(
  writer: BatchWriter,
  file: ImportFile,
  options: ImportFileOptions,
): Promise<void> {
  const check = startCalendarCheck(file, options.sessions);
  for await (const batch of file.batches()) {
    if (options.signal.aborted) throw new Failure(`${file.path}: interrupted, nothing of it was imported`);
    if (batch.rejected.length > 0 && !options.rejectRows) throw refuseRows(file, batch);
    check.add(batch);
    await writer.write(batch);
    options.onProgress?.({ bytes: batch.bytes, totalBytes: file.totalBytes, rows: writer.rows() });
  }
  const findings = [...file.findings, ...check.findings()];
  options.onFindings?.(findings);
  refuseMisfit(file, findings, options.force);
}

function refuseRows(file: ImportFile, batch: ImportBatch): Failure {
  const shown = batch.rejected.slice(0, SHOWN_FAULTS).map((row) => `\n  ${describeRejected(row)}`);
  const rest = batch.rejected.length - shown.length;
  const more = rest > 0 ? `\n  and ${rest} more in the same ${batch.rejected.length} faulty rows` : '';
  return new Failure(
    `${file.path} has rows that cannot be taken; nothing of it was imported:${shown.join('')}${more}`,
    {
      hint: 'Correct the file, or take the sound rows alone with --reject-rows: the others go to market.rejected_rows.',
    },
  );
}

function refuseMisfit(file: ImportFile, findings: readonly Finding[], force: boolean): void {
  if (force || !findings.some(({ severity }) => severity === 'error')) return;
  throw new Failure(`${file.path} does not fit the exchange calendar; nothing of it was imported`, {
    hint: 'See the errors above: most often the zone is wrong (--tz). --force takes the file as it is.',
  });
}

async function feedIdOf(client: pg.Client, feed: FeedSpec): Promise<number> {
  // A minute quote stands until the next and half a minute more.
  const staleAfterMs = feed.stale_after_ms ?? Math.max(MIN_STALE_MS, feed.span_ms * 1.5);
  const { rows } = await client.query<{ feed_id: number }>(
    'select ref.feed_id($1, $2, $3, $4, $5) as feed_id',
    [feed.name, feed.kind, feed.span_ms, feed.source, staleAfterMs],
  );
  return rows[0]?.feed_id ?? 0;
}

async function recordImport(
  client: pg.Client,
  of: {
    readonly result: ImportResult;
    readonly feedId: number;
    readonly sha256: string;
    readonly tsRecv: EasternUs;
  },
): Promise<void> {
  const { path, inserted, duplicate, rejected, tsFirst, tsLast } = of.result;
  await client.query(
    `insert into ops.imports (ts, file, sha256, feed_id, rows_in, rows_duplicate, rows_rejected, ts_first, ts_last)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
    [
      formatEastern(of.tsRecv),
      basename(path),
      of.sha256,
      of.feedId,
      inserted,
      duplicate,
      rejected,
      tsFirst === null ? null : formatEastern(tsFirst),
      tsLast === null ? null : formatEastern(tsLast),
    ],
  );
}

/** The checksum of a file, made while the file is read for its rows as well. */
function startHash(path: string): { readonly sha256: Promise<string>; readonly stop: () => void } {
  const file = createReadStream(path);
  const sha256 = hashOf(file);
  // Who stops it has an error to tell already.
  sha256.catch(() => undefined);
  return { sha256, stop: () => void file.destroy() };
}

async function hashOf(chunks: AsyncIterable<Buffer>): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of chunks) hash.update(chunk);
  return hash.digest('hex');
}

/** The exchange calendar as the calendar check asks for it. */
export async function loadSessions(client: pg.Client): Promise<SessionLookup> {
  const { rows } = await client.query<{ session_date: SessionDate; ts_open: string; ts_close: string }>(
    'select session_date::text, ts_open::text, ts_close::text from ref.sessions order by session_date',
  );
  const hours = new Map<SessionDate, SessionHours>();
  for (const row of rows) {
    const ts_open = parseEastern(row.ts_open);
    const ts_close = parseEastern(row.ts_close);
    if (ts_open !== null && ts_close !== null) hours.set(row.session_date, { ts_open, ts_close });
  }
  const firstYear = rows[0]?.session_date.slice(0, 4) ?? '9999';
  const lastYear = rows.at(-1)?.session_date.slice(0, 4) ?? '0000';
  return (date) => {
    const year = date.slice(0, 4);
    return year < firstYear || year > lastYear ? undefined : (hours.get(date) ?? null);
  };
}
