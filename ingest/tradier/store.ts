// What the feed writes: quotes first, then the snapshot and its contracts in one statement, so that a snapshot is there whole or not.
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type { EquityTick, OptionQuote, RejectedRow } from '../../core/domain.ts';
import {
  addMs,
  type EasternUs,
  formatEastern,
  parseEastern,
  type SessionDate,
} from '../../core/eastern_time.ts';
import { lastingConnection } from '../../db/lasting_connection.ts';
import { createStreamWriter, type StreamWriter } from '../stream_writer.ts';
import type { RawChain } from './client.ts';
import type { TradierFeeds } from './feeds.ts';
import { type ChainRow, chainRows, quoteOf } from './rows.ts';

export interface Snapshot {
  readonly expiration: SessionDate;
  /** The instant for which it was due. */
  readonly at: EasternUs;
  readonly chain: RawChain;
}

export interface SnapshotCounts {
  readonly contracts: number;
  readonly rejected: number;
  /** False where it was there already. */
  readonly isNew: boolean;
  readonly delayMs: number | null;
}

/** An instant at which index values and held legs, and perhaps chains, were due. */
export interface Due {
  readonly at: EasternUs;
  readonly isSnapshot: boolean;
}

/** What is asked for by itself of an instant: the chain of an expiration; null is index values and held legs. */
export interface Part {
  readonly at: EasternUs;
  readonly expiration: SessionDate | null;
}

export interface TradierStore {
  readonly writer: StreamWriter;
  /** `underlying_px_e4` is its value of the same instant; null where it is not known. */
  writeSnapshot(snapshot: Snapshot, underlying_px_e4: number | null): Promise<SnapshotCounts>;
  /** Gamma exposure and volatility indexes of the snapshots of one instant; again, it changes nothing. */
  writeContext(at: EasternUs, now: EasternUs): Promise<void>;
  /** Instants from then on whose snapshots are stored without their context: whoever took them was interrupted. */
  withoutContext(from: EasternUs): Promise<readonly EasternUs[]>;
  /** Values of indexes and quotes of held legs, of one instant. */
  writeQuotes(rows: {
    readonly ticks: readonly EquityTick[];
    readonly quotes: readonly OptionQuote[];
    readonly rejected: readonly RejectedRow[];
    readonly receivedAt: EasternUs;
  }): Promise<void>;
  /** Says that whatever could be had up to this instant, and of it, is stored: a live run may then go by it. */
  complete(at: EasternUs, now: EasternUs): Promise<void>;
  /** Contracts of the underlying that positions and entry orders hold. */
  heldContracts(): Promise<readonly string[]>;
  /** Whether it is stored: a process before this one may have had it. */
  has(part: Part): Promise<boolean>;
  /** An instant at which what was due could not be had; it cannot be had later either. */
  noteMissed(missed: {
    readonly at: EasternUs;
    readonly now: EasternUs;
    readonly detail: string;
  }): Promise<void>;
  /** Of instants that are over, notes as missed what is neither stored nor noted; gives the ranges, from their first to their last instant. */
  noteLacking(due: {
    readonly late: readonly Due[];
    readonly expirations: readonly SessionDate[];
    readonly now: EasternUs;
    readonly detail: string;
  }): Promise<readonly { readonly from: EasternUs; readonly to: EasternUs }[]>;
  close(): Promise<void>;
}

const gzipped = promisify(gzip);

const SNAPSHOT_SQL = `
  with snapshot as (
    insert into market.chain_snapshots (
      underlying_id, feed_id, ts_event, expiration, underlying_px_e4, ts_recv, delay_ms, source, checksum, payload
    )
    select i.instrument_id, f.feed_id, $3, $4, $5, $6, $7, $8, $9, $10
    from ref.instruments i, ref.feeds f
    where i.symbol = $1 and i.kind <> 'option' and f.name = $2
    on conflict on constraint chain_snapshots_key do nothing
    returning snapshot_id
  ), contracts as (
    insert into market.option_snapshots (
      snapshot_id, instrument_id, bid_px_e4, ask_px_e4, last_px_e4, volume, open_interest, implied_volatility, bid_sz, ask_sz,
      ts_quote, bid_iv, ask_iv, smv_iv, delta, gamma, theta, vega, rho, ts_greeks
    )
    select
      s.snapshot_id, i.instrument_id, o.bid_px_e4, o.ask_px_e4, o.last_px_e4, o.volume, o.open_interest, o.implied_volatility,
      o.bid_sz, o.ask_sz, o.ts_quote, o.bid_iv, o.ask_iv, o.smv_iv, o.delta, o.gamma, o.theta, o.vega, o.rho, o.ts_greeks
    from snapshot s
    cross join jsonb_to_recordset($11) as o (
      symbol text, bid_px_e4 integer, ask_px_e4 integer, last_px_e4 integer, volume bigint, open_interest bigint,
      implied_volatility double precision, bid_sz integer, ask_sz integer, ts_quote timestamp, bid_iv double precision,
      ask_iv double precision, smv_iv double precision, delta double precision, gamma double precision, theta double precision,
      vega double precision, rho double precision, ts_greeks timestamp
    )
    join ref.instruments i on i.symbol = o.symbol
  )
  select count(*)::integer as written from snapshot`;

const HELD_SQL = 'select symbol from ops.held_contracts where underlying = $1 order by symbol';

const MISSED_SQL = `
  insert into ops.feed_gaps (feed_id, stream, ts_opened, ts_from, ts_to, cause, rows_filled, ts_filled, detail)
  select $1, $2, $4::timestamp, $3::timestamp, $3::timestamp, 'missed', 0, $4::timestamp, $5
  where not exists (
    select from ops.feed_gaps g
    where g.feed_id = $1 and g.stream = $2 and g.cause = 'missed' and $3::timestamp between g.ts_from and g.ts_to
  )`;

// Of the underlying in $1, by the ids and names of the feeds in $2 and $3. Index values are stored behind the quotes of held legs: where they are, the
// minute is whole.
const VALUE_SQL = `
  select from market.equity_ticks t
  where t.instrument_id = (select i.instrument_id from ref.instruments i where i.symbol = $1) and t.feed_id = $2`;
const CHAIN_SQL = `
  select from market.chain_snapshots s
  where s.underlying_id = (select i.instrument_id from ref.instruments i where i.symbol = $1)
    and s.feed_id = (select f.feed_id from ref.feeds f where f.name = $3)`;

const HAS_SQL = `
  select case
    when $5::date is null then exists (${VALUE_SQL} and t.ts_event = $4)
    else exists (${CHAIN_SQL} and s.ts_event = $4 and s.expiration = $5)
  end as has`;

const LACKING_SQL = `
  with due as (
    select u.ts, u.is_snapshot, row_number() over (order by u.ts) as n from unnest($6::timestamp[], $7::boolean[]) as u (ts, is_snapshot)
  ), lacking as (
    select d.ts, d.n - row_number() over (order by d.ts) as island
    from due d
    where (
      not exists (${VALUE_SQL} and t.ts_event = d.ts)
      or d.is_snapshot and exists (
        select from unnest($8::date[]) as e (expiration)
        where not exists (${CHAIN_SQL} and s.ts_event = d.ts and s.expiration = e.expiration)
      )
    )
    and not exists (
      select from ops.feed_gaps g
      where g.feed_id = $4 and g.stream = $5 and g.cause = 'missed' and d.ts between g.ts_from and g.ts_to
    )
  )
  insert into ops.feed_gaps (feed_id, stream, ts_opened, ts_from, ts_to, cause, rows_filled, ts_filled, detail)
  select $4, $5, $9::timestamp, min(l.ts), max(l.ts), 'missed', 0, $9::timestamp, $10 from lacking l group by l.island
  returning ts_from::text as ts_from, ts_to::text as ts_to`;

const CONTEXT_SQL = `
  select distinct s.ts_event::text as ts from market.chain_snapshots s
  join ref.instruments i on i.instrument_id = s.underlying_id
  join ref.feeds f on f.feed_id = s.feed_id
  where i.symbol = $1 and f.name = $2 and s.ts_event >= $3
    and not exists (
      select from market.context_snapshots c
      where c.underlying_id = s.underlying_id and c.feed_id = s.feed_id and c.ts_event = s.ts_event
    )
  order by ts`;

const REGISTER_SQL = "select ref.feed_id($1, 'chain', $2, $3, $4)";

function timeOf({ ts }: { readonly ts: string }): EasternUs {
  return parseEastern(ts) as EasternUs;
}

/** Connects as ingest_writer, and makes feeds and symbols known. Throws a Failure where the database cannot be reached. */
export async function createTradierStore(options: {
  readonly url: string;
  readonly feeds: TradierFeeds;
  readonly underlying: string;
  readonly indexes: readonly string[];
  readonly signal: AbortSignal;
}): Promise<TradierStore> {
  const { url, feeds, underlying, indexes, signal } = options;
  const shared = { url, signal, isPatient: true };
  const values = await createStreamWriter({ ...shared, stream: 'tradier-indexes', feed: feeds.indexes });
  const writer = await createStreamWriter({ ...shared, stream: 'tradier', feed: feeds.quotes });
  const { name, span_ms, source, stale_after_ms } = feeds.chains;
  await writer.query(REGISTER_SQL, [name, span_ms, source, stale_after_ms]);
  await values.register([underlying, ...indexes], 'index');
  const whose = [underlying, values.feedId, name];
  // A connection of its own: the sums of a context take seconds, for which no quote is to wait.
  const aside = await lastingConnection({
    url,
    role: 'ingest_writer',
    name: 'ingest-tradier context',
    signal,
  });

  const writeSnapshot: TradierStore['writeSnapshot'] = async (snapshot, underlying_px_e4) => {
    const { at, chain, expiration } = snapshot;
    const { rows, rejected, newest } = chainRows(chain.rows, `chain ${expiration}`);
    const delayMs = newest === null ? null : Math.max(0, Math.round((chain.receivedAt - newest) / 1000));
    const times = { ts_event: at, ts_recv: chain.receivedAt };
    await writer.write({
      ticks: [],
      quotes: rows.map((row) => quoteOf(row, times)),
      trades: [],
      rejected,
      completeTo: null,
      receivedAt: chain.receivedAt,
    });
    const found = await writer.query<{ written: number }>(SNAPSHOT_SQL, [
      ...[underlying, name, formatEastern(at), expiration, underlying_px_e4],
      ...[formatEastern(chain.receivedAt), delayMs, chain.source, chain.checksum],
      await gzipped(chain.body),
      JSON.stringify(rows satisfies readonly ChainRow[]),
    ]);
    const isNew = found[0]?.written === 1;
    return { contracts: rows.length, rejected: rejected.length, isNew, delayMs };
  };

  return {
    writer,
    writeSnapshot,
    writeQuotes: async ({ ticks, quotes, rejected, receivedAt }) => {
      const batch = { trades: [], rejected: [], completeTo: null, receivedAt };
      await writer.write({ ...batch, ticks: [], quotes, rejected });
      await values.write({ ...batch, ticks, quotes: [] });
    },
    writeContext: async (at, now) => {
      const about = [underlying, name, feeds.indexes.name, formatEastern(at), formatEastern(now)];
      await aside.run((client) => client.query('select market.store_context($1, $2, $3, $4, $5)', about));
    },
    withoutContext: async (from) =>
      (await writer.query<{ ts: string }>(CONTEXT_SQL, [underlying, name, formatEastern(from)])).map(timeOf),
    complete: async (at, now) => {
      // Rows of the instant itself are there: the mark stands just behind it.
      const nothing = { ticks: [], quotes: [], trades: [], rejected: [] };
      const mark = { ...nothing, completeTo: addMs(at, 1), receivedAt: now };
      await writer.write(mark);
      await values.write(mark);
    },
    heldContracts: async () =>
      (await writer.query<{ symbol: string }>(HELD_SQL, [underlying])).map((row) => row.symbol),
    has: async ({ at, expiration }) => {
      const found = await writer.query<{ has: boolean }>(HAS_SQL, [...whose, formatEastern(at), expiration]);
      return found[0]?.has === true;
    },
    noteMissed: async ({ at, now, detail }) => {
      const times = [formatEastern(at), formatEastern(now)];
      await writer.query(MISSED_SQL, [writer.feedId, writer.stream, ...times, detail]);
    },
    noteLacking: async ({ late, expirations, now, detail }) => {
      const times = late.map(({ at }) => formatEastern(at));
      const areSnapshots = late.map(({ isSnapshot }) => isSnapshot);
      const found = await writer.query<{ ts_from: string; ts_to: string }>(LACKING_SQL, [
        ...[...whose, writer.feedId, writer.stream, times, areSnapshots],
        ...[expirations, formatEastern(now), detail],
      ]);
      return found
        .map(({ ts_from, ts_to }) => ({ from: timeOf({ ts: ts_from }), to: timeOf({ ts: ts_to }) }))
        .sort((a, b) => a.from - b.from);
    },
    close: async () => {
      await Promise.allSettled([writer.close(), values.close(), aside.end()]);
    },
  };
}
