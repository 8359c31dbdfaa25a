// Recorded chains in a database: how far our implied volatilities and greeks lie from the vendor's, and which vertical is chosen.
import type pg from 'pg';
import { forwardOf, ownVerticals, type VerticalSettings } from './own_vertical.ts';
import type { RecordedChain } from './recorded_chain_files.ts';

export interface LoadedChain {
  readonly chain: RecordedChain;
  readonly underlyingId: number;
  readonly tickFeedId: number;
  readonly quoteFeedId: number;
  readonly snapshotId: string;
}

/** Continuous, a fraction a year; `days` in place of our time to expiration where the vendor counts it otherwise. */
export interface Terms {
  readonly rate: number;
  readonly dividend: number;
  readonly days?: (expiration: string, at: string) => number;
}

/** One contract beside the vendor's. */
export interface Compared {
  readonly symbol: string;
  readonly option_kind: 'call' | 'put';
  readonly strike: number;
  readonly vendor_iv: number;
  readonly vendor_delta: number;
  readonly vendor_gamma: number;
  readonly iv: number | null;
  readonly delta: number | null;
  readonly gamma: number | null;
  /** Of the vendor's own volatility, with our formulas and these terms. */
  readonly delta_of_vendor: number | null;
}

const TICK = `
  insert into market.equity_ticks (
    instrument_id, feed_id, ts_event, seq, event_ns, span_ms, open_e4, high_e4, low_e4, close_e4, vwap_e6, vwap_is_typical, volume_e6, ts_recv
  )
  select $1::integer, $2::smallint, $3::timestamp, 0, 0, 0, px, px, px, px, px * 100::bigint, false, 0, $3::timestamp
  from (values ($4::integer)) as p (px)`;

const QUOTES = `
  insert into market.option_quotes (instrument_id, feed_id, ts_event, seq, event_ns, bid_px_e4, ask_px_e4, bid_sz, ask_sz, ts_recv)
  select i.instrument_id, $2::smallint, $3::timestamp, 0, 0, c.bid_e4, c.ask_e4, 1, 1, $3::timestamp
  from jsonb_to_recordset($1) as c (symbol text, bid_e4 integer, ask_e4 integer)
  join ref.instruments i using (symbol)`;

const SNAPSHOT = `
  insert into market.chain_snapshots (underlying_id, feed_id, ts_event, underlying_px_e4, ts_recv, source)
  values ($1::integer, $2::smallint, $3::timestamp, $4::integer, $3::timestamp, 'recorded') returning snapshot_id`;

const CONTRACTS = `
  insert into market.option_snapshots (snapshot_id, instrument_id, bid_px_e4, ask_px_e4, implied_volatility, delta, gamma)
  select $2::bigint, i.instrument_id, c.bid_e4, c.ask_e4,
    (c.vendor ->> 'iv')::double precision, (c.vendor ->> 'delta')::double precision, (c.vendor ->> 'gamma')::double precision
  from jsonb_to_recordset($1) as c (symbol text, bid_e4 integer, ask_e4 integer, vendor jsonb)
  join ref.instruments i using (symbol)`;

/** Stores a chain as quotes, as a print of its underlying and as a snapshot with the vendor's greeks. The client writes as the owner. */
export async function loadChain(client: pg.Client, chain: RecordedChain): Promise<LoadedChain> {
  // GOOG has no row of its own among the series that the product knows.
  await client.query(
    `insert into ref.option_roots values ('GOOG', 'GOOG', 'equity', 100, 500, 1000, 30000, 'american', 'pm', false) on conflict do nothing`,
  );
  await client.query('select ref.instrument_ids($1, $2)', [[chain.underlying], chain.underlyingKind]);
  const symbols = chain.contracts.map((contract) => contract.symbol);
  await client.query("select ref.instrument_ids($1, 'option')", [symbols]);
  const { rows } = await client.query<Omit<LoadedChain, 'chain' | 'snapshotId'>>(
    `select i.instrument_id as "underlyingId", ref.feed_id($2 || ' spot', 'equity', 0, 'recorded', 90000) as "tickFeedId",
       ref.feed_id($2, 'option', 0, $3, 90000) as "quoteFeedId"
     from ref.instruments i where i.symbol = $1`,
    [chain.underlying, chain.name, chain.source],
  );
  const ids = rows[0] as Omit<LoadedChain, 'chain' | 'snapshotId'>;
  const spot = Math.round(chain.spot * 10_000);
  const contracts = JSON.stringify(chain.contracts);
  await client.query(TICK, [ids.underlyingId, ids.tickFeedId, chain.at, spot]);
  await client.query(QUOTES, [contracts, ids.quoteFeedId, chain.at]);
  const made = await client.query<{ snapshot_id: string }>(SNAPSHOT, [
    ...[ids.underlyingId, ids.quoteFeedId, chain.at, spot],
  ]);
  const snapshotId = made.rows[0]?.snapshot_id ?? '';
  await client.query(CONTRACTS, [contracts, snapshotId]);
  return { chain, ...ids, snapshotId };
}

const BY_PRODUCT = `
  select i.symbol, g.option_kind, g.strike, g.vendor_iv, g.vendor_delta, g.vendor_gamma, g.iv, g.delta, g.gamma,
    (signal.bs_greeks(g.option_kind, $4, g.strike, g.t_years, $2, $3, g.vendor_iv)).delta as delta_of_vendor
  from signal.chain_greeks($1, $2, $3) g
  join ref.instruments i using (instrument_id)
  where g.vendor_iv is not null and g.mid is not null
  order by i.symbol`;

const BY_TERMS = `
  select i.symbol, g.option_kind, g.strike, g.vendor_iv, g.vendor_delta, g.vendor_gamma, v.iv, own.delta, own.gamma,
    (signal.bs_greeks(g.option_kind, $4, g.strike, t.years, $2, $3, g.vendor_iv)).delta as delta_of_vendor
  from signal.chain_greeks($1) g
  join ref.instruments i using (instrument_id)
  join (select e.key::date as expiration, e.value::double precision / 365 as years from jsonb_each_text($5) e) t on t.expiration = g.expiration
  cross join lateral (select signal.implied_volatility(g.option_kind, g.mid, $4, g.strike, t.years, $2, $3) as iv offset 0) v
  left join lateral signal.bs_greeks(g.option_kind, $4, g.strike, t.years, $2, $3, v.iv) own on v.iv is not null
  where g.vendor_iv is not null and g.mid is not null
  order by i.symbol`;

/** Ours beside the vendor's, of every contract with a price: by signal.chain_greeks, or by its formulas with the vendor's time. */
export async function compareGreeks(
  client: pg.Client,
  { chain, snapshotId }: LoadedChain,
  { rate, dividend, days }: Terms,
): Promise<Compared[]> {
  const values = [snapshotId, rate, dividend, chain.spot];
  if (days === undefined) return (await client.query<Compared>(BY_PRODUCT, values)).rows;
  const expirations = new Set(chain.contracts.map(({ expiration }) => expiration));
  const times = [...expirations].map((expiration) => [expiration, days(expiration, chain.at)] as const);
  const living = Object.fromEntries(times.filter(([, left]) => left > 0));
  return (await client.query<Compared>(BY_TERMS, [...values, JSON.stringify(living)])).rows;
}

/** As LEAN counts: from the midnight after the session to the one in which the day of expiration begins. */
export function leanDays(expiration: string, at: string): number {
  return (Date.parse(expiration) - Date.parse(at.slice(0, 10))) / 86_400_000 - 1;
}

/** As Schwab's volatilities of 2025-05-09 want it: two hours more than to the close. */
export function schwabDays(expiration: string, at: string): number {
  return (Date.parse(`${expiration}T18:00:00Z`) - Date.parse(`${at.replace(' ', 'T')}Z`)) / 86_400_000;
}

/** A strike's call and put, whose volatilities must agree on one forward. */
export interface Pair {
  readonly expiration: string;
  readonly strike: number;
  readonly call_iv: number;
  readonly put_iv: number;
  /** One volatility lies within the bid and ask of both. */
  readonly overlap: boolean;
}

/** Every strike within a tenth of the forward that has two-sided quotes of both kinds, of expirations that are not over. */
export async function comparePairs(client: pg.Client, { chain, snapshotId }: LoadedChain): Promise<Pair[]> {
  const expirations = new Set(chain.contracts.map(({ expiration }) => expiration));
  const forwards = [...expirations].map((expiration) => {
    const contracts = chain.contracts.filter((each) => each.expiration === expiration);
    return [expiration, forwardOf(contracts, chain.spot)] as const;
  });
  const { rows } = await client.query<Pair>(PAIRS, [
    snapshotId,
    JSON.stringify(Object.fromEntries(forwards)),
  ]);
  return rows;
}

const PAIRS = `
  with quoted as (
    select g.expiration, g.option_kind, g.strike, v.iv,
      coalesce(signal.implied_volatility(g.option_kind, o.bid_px_e4 / 10000.0, f.forward, g.strike, g.t_years, 0, 0), 0) as bid_iv,
      coalesce(signal.implied_volatility(g.option_kind, o.ask_px_e4 / 10000.0, f.forward, g.strike, g.t_years, 0, 0), 10) as ask_iv
    from signal.chain_greeks($1) g
    join market.option_snapshots o on o.snapshot_id = $1 and o.instrument_id = g.instrument_id
    join (select e.key::date as expiration, e.value::double precision as forward from jsonb_each_text($2) e) f on f.expiration = g.expiration
    cross join lateral (select signal.implied_volatility(g.option_kind, g.mid, f.forward, g.strike, g.t_years, 0, 0) as iv offset 0) v
    where g.mid is not null and g.t_years > 0 and abs(g.strike - f.forward) <= 0.1 * f.forward
  )
  select c.expiration::text, c.strike, c.iv as call_iv, p.iv as put_iv, greatest(c.bid_iv, p.bid_iv) <= least(c.ask_iv, p.ask_iv) as overlap
  from quoted c
  join quoted p using (expiration, strike)
  where c.option_kind = 'call' and p.option_kind = 'put' and c.iv is not null and p.iv is not null
  order by 1, 2`;

export interface Candidate {
  readonly option_kind: 'call' | 'put';
  readonly expiration: string;
  readonly dte: number;
  readonly short_strike_e4: number;
  readonly long_strike_e4: number;
  readonly short_delta: number;
  readonly long_delta: number | null;
  readonly short_iv: number;
  readonly forward: number;
  readonly bid_e4: number;
  readonly ask_e4: number;
  readonly credit_e4: number;
  readonly score: number;
  readonly reject: string | null;
}

/** What signal.vertical_candidates says of a chain, the best first. */
export async function candidatesOf(
  client: pg.Client,
  loaded: LoadedChain,
  settings: VerticalSettings,
): Promise<Candidate[]> {
  const { chain, underlyingId, tickFeedId, quoteFeedId } = loaded;
  const params = { ...settings, option_root: chain.root, underlying: chain.underlying, trade_marks: true };
  const { rows } = await client.query<{ c: Candidate }>(
    `select to_jsonb(c) as c
     from ref.strategies s,
       lateral signal.vertical_candidates($1, row(
         null, $2, $3, 'infinity', s.period_ms, s.ma_minutes, $4, to_jsonb(s) || $5
       )::signal.context) c
     where s.strategy = 'spx_credit_vertical'`,
    [chain.at, underlyingId, tickFeedId, quoteFeedId, params],
  );
  return rows.map(({ c }) => c);
}

/** What fits a chain: its expirations, the distance of its strikes, the width of its quotes. */
export const SETTINGS: Readonly<Record<string, VerticalSettings>> = {
  'Schwab SPXW 2025-05-09': settings([11], 25, 1, 0.6),
  'LEAN SPX 2015-12-22': settings([24, 59, 87], null, 1),
  'LEAN SPX 2015-12-23': settings([23, 58, 86], null, 1),
  'LEAN GOOG 2015-12-24': settings([7, 15, 22], 10, 1),
  'LEAN GOOG quotes 2015-12-24': settings([7, 15, 22], 10, 2),
};

function settings(
  dte: readonly number[],
  width: number | null,
  maxLeg: number,
  maxCost = 0.4,
): VerticalSettings {
  return {
    ...{ dte_targets: dte, dte_tolerance: 1, delta_targets: [0.1, 0.2], delta_tolerance: 0.05 },
    ...{ spread_width: width, long_delta_distance: width === null ? 0.05 : null },
    ...{ max_leg_spread: maxLeg, max_spread_cost: maxCost, min_credit: 0.3 },
    ...{ fill_ratio: 0.3, score_weights: [1, 0.05, 0.25] },
  };
}

/** Differences between the verticals that may be sold by signal.vertical_candidates and by the computation of our own; none is right. */
export function candidateDifferences(
  chain: RecordedChain,
  settings: VerticalSettings,
  found: readonly Candidate[],
): string[] {
  const own = ownVerticals(chain, settings);
  const good = found.filter(({ reject }) => reject === null);
  const counts = own.length === good.length ? [] : [`${good.length} verticals, ${own.length} by hand`];
  const pairs = good.slice(0, own.length).map((theirs, n) => ({ theirs, ours: own[n] }));
  return counts.concat(
    pairs.flatMap(({ theirs, ours }, n) => {
      if (ours === undefined) return [];
      const faults: string[] = [];
      for (const key of ['option_kind', 'expiration', 'short_strike_e4', 'long_strike_e4'] as const)
        if (theirs[key] !== ours[key]) faults.push(`${key} ${theirs[key]}, ${ours[key]} by hand`);
      for (const key of ['short_delta', 'long_delta', 'short_iv', 'forward', 'score'] as const) {
        const [a, b] = [theirs[key], ours[key]];
        if ((a === null) !== (b === null) || Math.abs(Number(a) - Number(b)) > 1e-6)
          faults.push(`${key} ${a}, ${b} by hand`);
      }
      if (Math.abs(theirs.credit_e4 - ours.credit_e4) >= 100)
        faults.push(`credit ${theirs.credit_e4}, ${ours.credit_e4} by hand`);
      return faults.map((fault) => `vertical ${n + 1}: ${fault}`);
    }),
  );
}
