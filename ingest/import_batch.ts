// The batches of one file into their tables: keyed, sorted, copied, counted.
import type pg from 'pg';
import type { ChainSnapshot, EquityTick, OptionQuote, OptionTrade, RejectedRow } from '../core/domain.ts';
import { type EasternUs, formatEastern } from '../core/eastern_time.ts';
import { CopyBuffer, type CopyResult, type CopyTable, copyIdempotent } from '../db/copy.ts';
import type { ImportBatch, ImportFile } from './files/index.ts';
import { type InstrumentKind, instrumentCache } from './instruments.ts';
import { dailyBars, equityTicks, type Keyed, optionQuotes, optionTrades } from './tables.ts';

const DAY_MS = 86_400_000;

export interface WrittenCounts {
  readonly inserted: number;
  /** Rows that were in the database, or in the file, already. */
  readonly duplicate: number;
  /** Rows in market.rejected_rows: faulty ones, and those that are no market data. */
  readonly rejected: number;
}

export interface BatchWriter {
  write(batch: ImportBatch): Promise<void>;
  counts(): WrittenCounts;
  /** Rows seen so far, of every kind. */
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
  // The ids of a file that is rolled back do not exist: no cache outlives its transaction.
  const instruments = instrumentCache();
  const states = new Map<string, { merging: boolean; readonly buffer: CopyBuffer }>();
  let inserted = 0;
  let duplicate = 0;
  let rejected = 0;
  let first: EasternUs | null = null;
  let last: EasternUs | null = null;

  const count = (result: CopyResult): void => {
    inserted += result.inserted;
    duplicate += result.duplicate;
  };
  const saw = (from: EasternUs, to: EasternUs): void => {
    if (first === null || from < first) first = from;
    if (last === null || to > last) last = to;
  };

  async function copy<Row extends Timed>(
    table: CopyTable<Keyed<Row>>,
    rows: readonly Row[],
    kind: InstrumentKind,
  ): Promise<void> {
    if (rows.length === 0) return;
    await instruments.resolve(
      client,
      rows.map((row) => row.symbol),
      kind,
    );
    const feed_id = target.feedId;
    const keyed = rows.map((row) => ({ instrument_id: instruments.id(row.symbol), feed_id, row }));
    for (const row of rows) saw(row.ts_event, row.ts_event);
    const state = states.get(table.name) ?? { merging: false, buffer: new CopyBuffer() };
    states.set(table.name, state);
    count(await copyIdempotent(client, table, keyed.sort(byKey), state));
  }

  return {
    async write(batch) {
      const tickKind = target.file.instrumentKind === 'index' ? 'index' : 'equity';
      const isDaily = target.file.feed.span_ms === DAY_MS;
      await copy<EquityTick>(isDaily ? dailyBars : equityTicks, batch.ticks, tickKind);
      await copy<OptionQuote>(optionQuotes, batch.quotes, 'option');
      await copy<OptionTrade>(optionTrades, batch.trades, 'option');
      for (const chain of batch.chains) {
        await resolveChain(chain);
        count(await writeChain(client, chain, { feedId: target.feedId, id: instruments.id }));
        saw(chain.ts_event, chain.ts_event);
      }
      const letters = [...batch.rejected, ...batch.setAside];
      await writeRejected(client, letters, target);
      rejected += letters.length;
      duplicate += batch.duplicates;
    },
    counts: () => ({ inserted, duplicate, rejected }),
    rows: () => inserted + duplicate + rejected,
    range: () => ({ first, last }),
  };

  async function resolveChain(chain: ChainSnapshot): Promise<void> {
    // The contracts first: they make their underlying as well.
    const symbols = chain.options.map((option) => option.symbol);
    await instruments.resolve(client, symbols, 'option');
    await instruments.resolve(client, [chain.underlying], 'equity');
  }
}

function byKey(a: Keyed<Timed>, b: Keyed<Timed>): number {
  return a.instrument_id - b.instrument_id || a.row.ts_event - b.row.ts_event || a.row.seq - b.row.seq;
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
