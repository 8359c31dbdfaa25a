// What a download will take, before it begins: from what was downloaded of the symbol before, else from stated averages.
import type pg from 'pg';
import type { HistoryKind, TickKind } from './history_feeds.ts';
import type { HistoryRequest, Plan } from './plan.ts';

export interface Estimate {
  readonly requests: number;
  readonly rows: number;
  readonly bytes: number;
  readonly seconds: number;
  /** Sessions downloaded before that every part of it rests on; 0: some rest on stated averages. */
  readonly sampleSessions: number;
}

/** Mean of one unit: rows of a session's bars, of a contract's quotes or trades; contracts of a session. */
export interface Sample {
  readonly mean: number;
  readonly sessions: number;
}

/** What is known from earlier downloads. */
export type Samples = Readonly<Partial<Record<HistoryKind, Sample>>>;

/**
 * For QQQ and its same-day options, pre- and post-market bars included; a quiet underlying has far less. `contracts` does not
 * stand here: it follows from the number of strikes.
 */
const STATED: Readonly<Record<Exclude<HistoryKind, 'contracts'>, number>> = {
  minute: 900,
  second: 35_000,
  quotes: 100_000,
  trades: 4_000,
};
// Strikes that the money passes in a session besides those nearest to it, as stated for QQQ.
const STRIKES_PASSED = 8;
const PAGE_ROWS = 50_000;
// Measured with index, before TimescaleDB compresses them (about a tenth of it for quotes).
const ROW_BYTES = { bars: 190, quotes: 150, trades: 140 } as const;
// A page of 50,000 from the vendor, and what this program stores in a second.
const SECONDS_A_REQUEST = 0.4;
const ROWS_A_SECOND = 75_000;

/** Reads the means of what was downloaded before; kinds without any are left out. */
export async function loadSamples(
  client: pg.ClientBase,
  { symbol, feeds }: Pick<HistoryRequest, 'symbol' | 'feeds'>,
): Promise<Samples> {
  const { rows } = await client.query<Sample & { readonly kind: HistoryKind }>(
    `select d.kind, avg(coalesce(cardinality(d.contracts), d.rows_in + d.rows_duplicate))::double precision as mean,
       count(distinct d.session_date)::integer as sessions
     from ops.downloads d
     where d.feeds = $1 and (d.symbol = $2 or (length(d.symbol) = 21 and rtrim(left(d.symbol, 6)) = $2)) and d.ts_done is not null
     group by d.kind`,
    [feeds.prefix, symbol],
  );
  return Object.fromEntries(rows.map(({ kind, mean, sessions }) => [kind, { mean, sessions }]));
}

/** The estimate of what is left. */
export function estimate(
  request: HistoryRequest,
  plan: Plan,
  known: { readonly samples: Samples; readonly perMinute: number | null },
): Estimate {
  const { span, kinds } = request;
  const { samples, perMinute } = known;
  const stated = { contracts: expectedContracts(request), ...STATED };
  const mean = (kind: HistoryKind): number => samples[kind]?.mean ?? stated[kind];
  const bars = plan.bars.reduce((sum, chunk) => sum + chunk.sessions.length, 0) * mean(span);
  const units = (kind: TickKind): number =>
    kinds.includes(kind) ? unitsLeft(plan, kind, mean('contracts')) : 0;
  const [quotes, trades] = [units('quotes') * mean('quotes'), units('trades') * mean('trades')];
  const requests =
    plan.bars.reduce((sum, chunk) => sum + pagesOf(chunk.sessions.length * mean(span)), 0) +
    plan.chains.filter((chain) => chain.units === null).length +
    units('quotes') * pagesOf(mean('quotes')) +
    units('trades') * pagesOf(mean('trades'));
  const rows = bars + quotes + trades;
  const bytes = bars * ROW_BYTES.bars + quotes * ROW_BYTES.quotes + trades * ROW_BYTES.trades;
  const paced = perMinute === null ? 0 : (requests / perMinute) * 60;
  const needed: HistoryKind[] = [...(bars > 0 ? [span] : []), ...(plan.chains.length > 0 ? kinds : [])];
  return {
    requests: Math.round(requests),
    rows: Math.round(rows),
    bytes: Math.round(bytes),
    seconds: Math.max(paced, requests * SECONDS_A_REQUEST + rows / ROWS_A_SECOND),
    sampleSessions: Math.min(...needed.map((kind) => samples[kind]?.sessions ?? 0)),
  };
}

function expectedContracts({ strikes }: Pick<HistoryRequest, 'strikes'>): number {
  return 2 * (strikes + STRIKES_PASSED);
}

/** Units of a session whose contracts are not listed yet. */
export function expectedUnits(request: Pick<HistoryRequest, 'strikes' | 'kinds'>): number {
  return expectedContracts(request) * request.kinds.length;
}

function pagesOf(rows: number): number {
  return Math.max(1, Math.ceil(rows / PAGE_ROWS));
}

/** Contracts whose quotes or trades are left; of sessions that are not listed yet so many as usual. */
function unitsLeft({ chains }: Plan, kind: TickKind, usual: number): number {
  return chains.reduce(
    (sum, { units }) => sum + (units === null ? usual : units.filter((unit) => unit.kind === kind).length),
    0,
  );
}
