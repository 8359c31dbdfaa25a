// After the close: our rows of the session against the vendor's own aggregates, for every symbol and minute that was streamed.
import { z } from 'zod';
import type { Clock } from '../core/clock.ts';
import { parseScaled } from '../core/decimal.ts';
import {
  type EasternUs,
  easternFromEpochMs,
  epochMsFromEastern,
  formatEastern,
} from '../core/eastern_time.ts';
import { type OsiSymbol, toMassive } from '../core/osi_symbol.ts';
import type { DataRange } from './gap_ledger.ts';
import { followPages } from './massive_history/pages.ts';
import type { RestClient } from './massive_history/rest_client.ts';
import type { StreamFeed } from './stream_feed.ts';
import type { StreamWriter } from './stream_writer.ts';

export interface CompletenessOptions {
  readonly rest: RestClient;
  readonly writer: StreamWriter;
  readonly feed: StreamFeed;
  readonly clock: Clock;
  /** The session's data, event time. */
  readonly range: DataRange;
  /** Equities that were streamed; ignored for options, whose contracts are those that we have quotes of. */
  readonly symbols: readonly string[];
  readonly signal: AbortSignal;
}

export interface CompletenessResult {
  /** Minutes compared, over all symbols. */
  readonly minutes: number;
  /** Of these, those in which we have fewer rows or less volume. */
  readonly short: number;
}

const bar = z.object({ t: z.number(), v: z.number(), n: z.number().default(0) });
const MINUTE_MS = 60_000;
const LIMIT = '50000';

/** What the vendor has of one minute. */
interface VendorMinute {
  rows: number;
  volume_e6: number;
}

/**
 * Compares and writes ops.feed_completeness; doing it again replaces what was written. Of a feed of seconds the seconds are
 * counted, of prints and option prints the trades. A contract's minutes count where it was quoted in them, before and after:
 * at the edges it was streamed for a part only. Throws a Failure where the vendor refuses.
 */
export async function checkCompleteness(options: CompletenessOptions): Promise<CompletenessResult> {
  const { feed, symbols } = options;
  const isOption = feed.kind === 'option';
  const names = isOption ? await quotedContracts(options) : symbols;
  let minutes = 0;
  let short = 0;
  for (const symbol of names) {
    const vendor = await vendorMinutes(options, isOption ? toMassive(symbol as OsiSymbol) : symbol);
    const counted = await compare(options, symbol, vendor);
    minutes += counted.minutes;
    short += counted.short;
  }
  return { minutes, short };
}

async function quotedContracts({ writer, range }: CompletenessOptions): Promise<readonly string[]> {
  const rows = await writer.query<{ symbol: string }>(QUOTED_SQL, [
    writer.feedId,
    formatEastern(range.from),
    formatEastern(range.to),
  ]);
  return rows.map((row) => row.symbol);
}

async function vendorMinutes(
  { rest, feed, range, signal }: CompletenessOptions,
  ticker: string,
): Promise<ReadonlyMap<EasternUs, VendorMinute>> {
  const isSeconds = feed.kind === 'equity' && feed.span_ms === 1000;
  const ends = `${epochMsFromEastern(range.from)}/${epochMsFromEastern(range.to) - 1}`;
  const path = `/v2/aggs/ticker/${ticker}/range/1/${isSeconds ? 'second' : 'minute'}/${ends}`;
  const search = { adjusted: 'false', sort: 'asc', limit: LIMIT };
  const found = new Map<EasternUs, VendorMinute>();
  const asked = { kind: isSeconds ? 'second' : 'minute', ticker } as const;
  for await (const { results } of followPages(rest, { path, search, asked }, signal)) {
    for (const result of results) {
      const parsed = bar.safeParse(result);
      if (!parsed.success) continue;
      const { t, v, n } = parsed.data;
      const ts = easternFromEpochMs(t - (t % MINUTE_MS));
      const minute = found.get(ts) ?? { rows: 0, volume_e6: 0 };
      minute.rows += isSeconds ? 1 : n;
      minute.volume_e6 += parseScaled(String(v), 6) ?? 0;
      found.set(ts, minute);
    }
  }
  return found;
}

async function compare(
  { writer, feed, range, clock }: CompletenessOptions,
  symbol: string,
  vendor: ReadonlyMap<EasternUs, VendorMinute>,
): Promise<CompletenessResult> {
  const minutes = [...vendor];
  const [row] = await writer.query<{ minutes: number; short: number }>(
    feed.kind === 'option' ? COMPARE_CONTRACT_SQL : COMPARE_EQUITY_SQL,
    [
      writer.feedId,
      symbol,
      formatEastern(range.from),
      formatEastern(range.to),
      minutes.map(([ts]) => formatEastern(ts)),
      minutes.map(([, { rows }]) => rows),
      minutes.map(([, { volume_e6 }]) => volume_e6),
      formatEastern(clock.now()),
    ],
  );
  return { minutes: row?.minutes ?? 0, short: row?.short ?? 0 };
}

const QUOTED_SQL = `
  select i.symbol
  from ref.instruments i
  where i.kind = 'option'
    and i.expiration >= $2::timestamp::date
    and i.expiration <= $2::timestamp::date + 10
    and exists (
      select from market.option_quotes q
      where q.instrument_id = i.instrument_id and q.feed_id = $1 and q.ts_event >= $2 and q.ts_event < $3
    )
  order by i.symbol`;

/** The comparison of one symbol, given the CTEs `ours (ts, rows, volume_e6)` and `checked (ts)`, the minutes that count. */
function compareSql(ours: string): string {
  return `
  with instrument as (
    select i.instrument_id from ref.instruments i where i.symbol = $2
  ), vendor as (
    select v.ts, v.rows, v.volume_e6
    from unnest($5::timestamp[], $6::bigint[], $7::bigint[]) as v (ts, rows, volume_e6)
  ), ${ours}, written as (
    insert into ops.feed_completeness as c (
      feed_id, instrument_id, ts, session_date, rows_ours, rows_vendor, volume_ours_e6, volume_vendor_e6, ts_checked
    )
    select
      $1::smallint, i.instrument_id, c.ts, c.ts::date, coalesce(o.rows, 0), coalesce(v.rows, 0), coalesce(o.volume_e6, 0),
      coalesce(v.volume_e6, 0), $8::timestamp
    from checked c
    cross join instrument i
    left join ours o on o.ts = c.ts
    left join vendor v on v.ts = c.ts
    on conflict on constraint feed_completeness_pk do update set
      rows_ours = excluded.rows_ours,
      rows_vendor = excluded.rows_vendor,
      volume_ours_e6 = excluded.volume_ours_e6,
      volume_vendor_e6 = excluded.volume_vendor_e6,
      ts_checked = excluded.ts_checked
    returning c.rows_ours, c.rows_vendor, c.volume_ours_e6, c.volume_vendor_e6
  )
  select
    count(*)::integer as minutes,
    count(*) filter (where w.rows_ours < w.rows_vendor or w.volume_ours_e6 < w.volume_vendor_e6)::integer as short
  from written w`;
}

const COMPARE_EQUITY_SQL = compareSql(`ours as (
    select date_trunc('minute', t.ts_event) as ts, count(*) as rows, sum(t.volume_e6)::bigint as volume_e6
    from market.equity_ticks t
    where t.instrument_id = (select instrument_id from instrument) and t.feed_id = $1 and t.ts_event >= $3 and t.ts_event < $4
    group by 1
  ), checked as (
    select o.ts from ours o union select v.ts from vendor v
  )`);

const COMPARE_CONTRACT_SQL = compareSql(`ours as (
    select date_trunc('minute', t.ts_event) as ts, count(*) as rows, sum(t.sz)::bigint * 1000000 as volume_e6
    from market.option_trades t
    where t.instrument_id = (select instrument_id from instrument) and t.feed_id = $1 and t.ts_event >= $3 and t.ts_event < $4
    group by 1
  ), quoted as (
    select distinct date_trunc('minute', q.ts_event) as ts
    from market.option_quotes q
    where q.instrument_id = (select instrument_id from instrument) and q.feed_id = $1 and q.ts_event >= $3 and q.ts_event < $4
  ), checked as (
    select q.ts
    from quoted q
    where exists (select from quoted b where b.ts = q.ts - interval '1 minute')
      and exists (select from quoted a where a.ts = q.ts + interval '1 minute')
      and (exists (select from ours o where o.ts = q.ts) or exists (select from vendor v where v.ts = q.ts))
  )`);
