// The batches of one file into their tables: sorted, copied, counted.
import type pg from 'pg';
import type { ChainSnapshot, RejectedRow } from '../core/domain.ts';
import { type EasternUs, formatEastern } from '../core/eastern_time.ts';
import { bulkCopy } from '../db/bulk_copy.ts';
import type { CopyResult, CopyTable } from '../db/copy.ts';
import { batchSize, type ImportBatch, type ImportFile } from './files/index.ts';
import { instrumentCache } from './instruments.ts';
import {
  dailyBars,
  equityTicks,
  keyedBy,
  optionListings,
  optionQuotes,
  optionStatistics,
  optionTrades,
} from './tables.ts';

const DAY_MS = 86_400_000;
// They wait for the next COPY, which files of nothing but faulty rows do not have.
const MAX_LETTERS = 5_000;

export interface WrittenCounts {
  readonly inserted: number;
  /** Rows that were in the database, or in the file, already. */
  readonly duplicate: number;
  /** Rows in market.rejected_rows: faulty ones, and those that are no market data. */
  readonly rejected: number;
}

export interface BatchWriter {
  /** Resolves when there is room for the next batch. The connection is in use until `finish` or `abandon`. */
  write(batch: ImportBatch): Promise<void>;
  /** Resolves when every row is in its table. */
  finish(): Promise<WrittenCounts>;
  /** Resolves when the connection is free, for a rollback. */
  abandon(): Promise<void>;
  /** Rows taken so far, of every kind. */
  rows(): number;
  /** First and last instant that the rows tell about; both null before the first row. */
  range(): { readonly first: EasternUs | null; readonly last: EasternUs | null };
}

interface Target {
  readonly file: ImportFile;
  readonly feedId: number;
  readonly tsRecv: EasternUs;
}

type Timed = { readonly symbol: string; readonly ts_event: EasternUs; readonly seq: number };

/** Writes batches inside the caller's transaction, as `ingest_writer`. */
export function batchWriter(client: pg.Client, target: Target): BatchWriter {
  const { file, feedId } = target;
  // The ids of a file that is rolled back do not exist: no cache outlives its transaction.
  const instruments = instrumentCache();
  const ids = { feedId, find: instruments.find };
  const ticks = keyedBy(file.feed.span_ms === DAY_MS ? dailyBars : equityTicks, ids);
  const quotes = keyedBy(optionQuotes, ids);
  const trades = keyedBy(optionTrades, ids);
  const listings = keyedBy(optionListings, ids);
  const statistics = keyedBy(optionStatistics, ids);
  const letters: RejectedRow[] = [];
  const beside = { inserted: 0, duplicate: 0, rejected: 0 };
  let rows = 0;
  let first: EasternUs | null = null;
  let last: EasternUs | null = null;

  const bulk = bulkCopy(client, async (buffer) => {
    await instruments.resolve(client, buffer.unknown(), file.instrumentKind);
    buffer.fillIn(instruments.id);
    await writeRejected(client, letters.splice(0), target);
  });

  const saw = (from: EasternUs, to: EasternUs): void => {
    if (first === null || from < first) first = from;
    if (last === null || to > last) last = to;
  };

  async function copy<Row extends Timed>(table: CopyTable<Row>, batch: Row[]): Promise<void> {
    if (batch.length === 0) return;
    const { isSorted, from, to } = survey(batch);
    await bulk.write(table, isSorted ? batch : batch.sort(byKey));
    saw(from, to);
  }

  async function copyChain(chain: ChainSnapshot): Promise<void> {
    await bulk.settle();
    // The contracts first: they make their underlying as well.
    const symbols = chain.options.map((option) => option.symbol);
    await instruments.resolve(client, symbols, 'option');
    await instruments.resolve(client, [chain.underlying], 'equity');
    const { inserted, duplicate } = await writeChain(client, chain, { feedId, id: instruments.id });
    beside.inserted += inserted;
    beside.duplicate += duplicate;
    rows += chain.options.length;
    saw(chain.ts_event, chain.ts_event);
  }

  return {
    async write(batch) {
      await copy(ticks, batch.ticks);
      await copy(quotes, batch.quotes);
      await copy(trades, batch.trades);
      await copy(listings, batch.listings);
      await copy(statistics, batch.statistics);
      for (const chain of batch.chains) await copyChain(chain);
      for (const letter of [...batch.rejected, ...batch.setAside]) letters.push(letter);
      if (letters.length >= MAX_LETTERS) await bulk.settle();
      beside.rejected += batch.rejected.length + batch.setAside.length;
      beside.duplicate += batch.duplicates;
      rows += batchSize(batch) - batch.chains.length + batch.duplicates;
    },
    async finish() {
      const { inserted, duplicate } = await bulk.settle();
      return {
        inserted: inserted + beside.inserted,
        duplicate: duplicate + beside.duplicate,
        rejected: beside.rejected,
      };
    },
    abandon: bulk.abandon,
    rows: () => rows,
    range: () => ({ first, last }),
  };
}

/** Whether the rows are sorted by key, and their first and last instant. */
function survey(batch: readonly Timed[]): { isSorted: boolean; from: EasternUs; to: EasternUs } {
  let isSorted = true;
  let before = batch[0] as Timed;
  let [from, to] = [before.ts_event, before.ts_event];
  for (const row of batch) {
    if (isSorted && byKey(before, row) > 0) isSorted = false;
    if (row.ts_event < from) from = row.ts_event;
    if (row.ts_event > to) to = row.ts_event;
    before = row;
  }
  return { isSorted, from, to };
}

// As the index has them, but for the order of the contracts.
function byKey(a: Timed, b: Timed): number {
  if (a.symbol !== b.symbol) return a.symbol < b.symbol ? -1 : 1;
  return a.ts_event - b.ts_event || a.seq - b.seq;
}

async function writeChain(
  client: pg.Client,
  chain: ChainSnapshot,
  at: { readonly feedId: number; readonly id: (symbol: string) => number },
): Promise<CopyResult> {
  const { rows } = await client.query<{ snapshot_id: number }>(
    `insert into market.chain_snapshots (underlying_id, feed_id, ts_event, underlying_px_e4, ts_recv)
     values ($1, $2, $3, $4, $5)
     on conflict on constraint chain_snapshots_key do nothing
     returning snapshot_id`,
    [
      at.id(chain.underlying),
      at.feedId,
      formatEastern(chain.ts_event),
      chain.underlying_px_e4,
      formatEastern(chain.ts_recv),
    ],
  );
  // A snapshot is written whole, in one transaction: where it exists, so do its contracts.
  const snapshotId = rows[0]?.snapshot_id;
  if (snapshotId === undefined) return { inserted: 0, duplicate: chain.options.length };
  const options = chain.options.map(({ symbol, ...option }) => ({ ...option, instrument_id: at.id(symbol) }));
  await client.query(
    `insert into market.option_snapshots (
       snapshot_id, instrument_id, bid_px_e4, ask_px_e4, last_px_e4, volume, open_interest, implied_volatility
     )
     select $1, o.instrument_id, o.bid_px_e4, o.ask_px_e4, o.last_px_e4, o.volume, o.open_interest, o.implied_volatility
     from jsonb_populate_recordset(null::market.option_snapshots, $2) as o`,
    [snapshotId, JSON.stringify(options)],
  );
  return { inserted: options.length, duplicate: 0 };
}

async function writeRejected(
  client: pg.Client,
  letters: readonly RejectedRow[],
  target: Target,
): Promise<void> {
  if (letters.length === 0) return;
  await client.query(
    `insert into market.rejected_rows (ts_recv, feed, source, line, raw, reason)
     select $1, $2, l.source, l.line, l.raw, l.reason
     from jsonb_to_recordset($3) as l (source text, line bigint, raw text, reason text)
     on conflict do nothing`,
    // PostgreSQL's text holds no zero byte.
    [
      formatEastern(target.tsRecv),
      target.file.feed.name,
      JSON.stringify(letters).replaceAll('\\u0000', '\\ufffd'),
    ],
  );
}
