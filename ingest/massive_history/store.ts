// Pages into the database: the rows by binary COPY, the dead letters and the progress in one transaction.
import type pg from 'pg';
import type { EquityTick, OptionQuote, OptionTrade, RejectedRow } from '../../core/domain.ts';
import { type EasternUs, formatEastern } from '../../core/eastern_time.ts';
import { CopyBuffer, type CopyResult, type CopyTable, copyMerging, copyNew } from '../../db/copy.ts';
import { inTransaction } from '../../db/pool.ts';
import { instrumentCache } from '../instruments.ts';
import { registerFeed, type StreamFeed } from '../stream_feed.ts';
import { equityTicks, type Keyed, optionQuotes, optionTrades } from '../tables.ts';
import { saveProgress, type UnitStep } from './progress.ts';

/** The rows that a page has of one unit. */
export interface Part {
  readonly step: Pick<UnitStep, 'symbol' | 'sessionDate' | 'kind' | 'isDone' | 'tsNext' | 'pages'>;
  readonly feed: StreamFeed;
  readonly ticks: readonly EquityTick[];
  readonly quotes: readonly OptionQuote[];
  readonly trades: readonly OptionTrade[];
  readonly rejected: readonly RejectedRow[];
}

export interface StoredCounts extends CopyResult {
  readonly rejected: number;
}

export interface Store {
  /** Stores the parts of one page, all or nothing; the sum of their counts. Pages of several workers wait for each other. */
  write(parts: readonly Part[]): Promise<StoredCounts>;
  /** Makes contracts known; the number of new ones. They count as the rows of `step`, which is stored with them. */
  list(
    symbols: readonly string[],
    step: Omit<UnitStep, 'inserted' | 'duplicate' | 'rejected'>,
    rejected: readonly RejectedRow[],
    feed: StreamFeed,
  ): Promise<StoredCounts>;
}

const UNIQUE_VIOLATION = '23505';

const REJECTED = `
  insert into market.rejected_rows (ts_recv, feed, source, line, raw, reason)
  select $1, $2, r.source, null, r.raw, r.reason
  from unnest($3::text[], $4::text[], $5::text[]) as r (source, raw, reason)
  on conflict do nothing`;

export interface StoreOptions {
  /** Of ingest_writer. */
  readonly client: pg.ClientBase;
  /** Beginning of the feeds' names, as in ops.downloads. */
  readonly feeds: string;
  /** Kind of the underlying. */
  readonly kind: 'equity' | 'index';
  readonly now: () => EasternUs;
}

/** The writer of one download. */
export function createStore({ client, feeds, kind, now }: StoreOptions): Store {
  const instruments = instrumentCache();
  const feedIds = new Map<string, number>();
  const buffer = new CopyBuffer();
  let tail: Promise<unknown> = Promise.resolve();
  // What was stored once repeats for a while.
  let repeats = false;

  /** One transaction after the other: they share the connection. */
  function alone<T>(work: () => Promise<T>): Promise<T> {
    const mine = tail.then(work);
    tail = mine.catch(() => undefined);
    return mine;
  }

  // Outside the rows' transaction: an id that a rollback took back would stay in the cache.
  async function register(parts: readonly Part[]): Promise<void> {
    for (const { feed, ticks, quotes, trades } of parts) {
      if (!feedIds.has(feed.name)) feedIds.set(feed.name, await registerFeed(client, feed));
      await instruments.resolve(client, new Set(ticks.map((row) => row.symbol)), kind);
      const contracts = new Set<string>();
      for (const row of quotes) contracts.add(row.symbol);
      for (const row of trades) contracts.add(row.symbol);
      await instruments.resolve(client, contracts, 'option');
    }
  }

  async function copyRows<Row extends { readonly symbol: string }>(
    table: CopyTable<Keyed<Row>>,
    rows: readonly Row[],
    at: { readonly feed: StreamFeed; readonly copy: typeof copyNew },
  ): Promise<CopyResult> {
    if (rows.length === 0) return { inserted: 0, duplicate: 0 };
    const feed_id = feedIds.get(at.feed.name) as number;
    const keyed = rows.map((row) => ({ instrument_id: instruments.id(row.symbol), feed_id, row }));
    return at.copy(client, table, keyed, buffer);
  }

  async function writePart(part: Part, copy: typeof copyNew): Promise<UnitStep> {
    const at = { feed: part.feed, copy };
    const results = [
      await copyRows(equityTicks, part.ticks, at),
      await copyRows(optionQuotes, part.quotes, at),
      await copyRows(optionTrades, part.trades, at),
    ];
    await insertRejected(part.feed, part.rejected);
    return {
      ...part.step,
      inserted: results.reduce((sum, each) => sum + each.inserted, 0),
      duplicate: results.reduce((sum, each) => sum + each.duplicate, 0),
      rejected: part.rejected.length,
    };
  }

  function writeAll(parts: readonly Part[], copy: typeof copyNew): Promise<StoredCounts> {
    return inTransaction(client, async () => {
      const steps: UnitStep[] = [];
      for (const part of parts) steps.push(await writePart(part, copy));
      await saveProgress(client, { feeds, now: now() }, steps);
      return sumOf(steps);
    });
  }

  async function insertRejected(feed: StreamFeed, rows: readonly RejectedRow[]): Promise<void> {
    if (rows.length === 0) return;
    const columns = [
      rows.map((row) => row.source),
      rows.map((row) => row.raw),
      rows.map((row) => row.reason),
    ];
    await client.query(REJECTED, [formatEastern(now()), feed.name, ...columns]);
  }

  return {
    write: (parts) =>
      alone(async () => {
        await register(parts);
        const straight = repeats ? null : await unlessRepeated(() => writeAll(parts, copyNew));
        const counts = straight ?? (await writeAll(parts, copyMerging));
        repeats = counts.duplicate > 0;
        return counts;
      }),
    list: (symbols, step, rejected, feed) =>
      alone(() =>
        inTransaction(client, async () => {
          const known = await client.query(
            'select count(*)::integer as n from ref.instruments i where i.symbol = any ($1)',
            [symbols],
          );
          await client.query("select count(*) from ref.instrument_ids($1, 'option')", [symbols]);
          await insertRejected(feed, rejected);
          const duplicate = known.rows[0].n as number;
          const counts = { inserted: symbols.length - duplicate, duplicate, rejected: rejected.length };
          await saveProgress(client, { feeds, now: now() }, [{ ...step, ...counts }]);
          return counts;
        }),
      ),
  };
}

function sumOf(steps: readonly UnitStep[]): StoredCounts {
  return steps.reduce(
    (sum, step) => ({
      inserted: sum.inserted + step.inserted,
      duplicate: sum.duplicate + step.duplicate,
      rejected: sum.rejected + step.rejected,
    }),
    { inserted: 0, duplicate: 0, rejected: 0 },
  );
}

/** Null where a row was there already: then nothing is stored, and the page goes the slower way. */
async function unlessRepeated(write: () => Promise<StoredCounts>): Promise<StoredCounts | null> {
  try {
    return await write();
  } catch (error) {
    if ((error as { code?: string }).code !== UNIQUE_VIOLATION) throw error;
    return null;
  }
}
