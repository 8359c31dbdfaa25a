// The contract between the file readers and the batch writer: what an opened file is, and the batches it yields.
import type {
  ChainSnapshot,
  EquityTick,
  OptionListing,
  OptionQuote,
  OptionStatistic,
  OptionTrade,
  RejectedRow,
} from '../../core/domain.ts';
import type { EasternUs } from '../../core/eastern_time.ts';
import type { InstrumentKind } from '../instruments.ts';

export const importFormats = ['bars', 'massive', 'lean', 'vix', 'yahoo-chain', 'databento', 'marks'] as const;
export type ImportFormat = (typeof importFormats)[number];

/** The feed that a file's rows belong to. `span_ms` is 0 for prints and quotes, else the length of an aggregate. */
export interface FeedSpec {
  readonly name: string;
  readonly kind: 'equity' | 'option' | 'chain';
  readonly span_ms: number;
  readonly source: 'recorded' | 'marks';
  /** A quote that is older bars entries; default one and a half spans, 2 s at least. */
  readonly stale_after_ms?: number;
}

/** Something to tell the user. An `error` means: do not take the file unless the user insists. */
export interface Finding {
  readonly severity: 'info' | 'warning' | 'error';
  readonly text: string;
}

/** About 5,000 rows of one file. A fresh object each time: the reader keeps no reference to it. */
export interface ImportBatch {
  readonly ticks: EquityTick[];
  readonly quotes: OptionQuote[];
  readonly trades: OptionTrade[];
  readonly chains: ChainSnapshot[];
  readonly listings: OptionListing[];
  readonly statistics: OptionStatistic[];
  /** Faulty rows: one is enough to refuse the file, unless the user chose to reject rows one by one. */
  readonly rejected: RejectedRow[];
  /**
   * Sound rows that are not market data, in the vendor's own words or by the nature of the format (suspicious prints,
   * cancelled trades, the crossed sides of quotes that are not simultaneous). They never refuse a file.
   */
  readonly setAside: RejectedRow[];
  /** Lines identical to one already read, dropped. */
  duplicates: number;
  /** Lines read so far, the header included. */
  lines: number;
  /** Bytes read so far, of `totalBytes`. */
  bytes: number;
}

export interface ImportFile {
  readonly path: string;
  readonly format: ImportFormat;
  readonly feed: FeedSpec;
  /** What the symbols of its rows are: the symbol of an EquityTick is an `equity` or an `index`. */
  readonly instrumentKind: InstrumentKind;
  /** The one equity, index or underlying of the file; null where there may be many. */
  readonly symbol: string | null;
  /** `assumed`: the timestamps are naive and were taken for Eastern time because nothing says otherwise. */
  readonly clock: 'assumed' | 'stated';
  readonly totalBytes: number;
  /** What was assumed on opening; warnings are added while the batches are read. */
  readonly findings: Finding[];
  /**
   * Reads the file from its start; may be called again. Throws Failure where the file is truncated, holds no row at all or
   * is not of its format: a caller that writes must then undo what it wrote.
   */
  batches(): AsyncGenerator<ImportBatch>;
}

export interface ImportOptions {
  /** Time of receipt given to every row. */
  readonly tsRecv: EasternUs;
  readonly format?: ImportFormat | undefined;
  /** The symbol of a bars or VIX file; for the other formats a filter (an underlying, where the rows are options). */
  readonly symbol?: string | undefined;
  /** IANA zone of naive timestamps (bars only); Eastern if not given. */
  readonly tz?: string | undefined;
  /** Replaces the feed's name. */
  readonly feed?: string | undefined;
  /** Instant of a Yahoo chain. */
  readonly at?: EasternUs | undefined;
  readonly batchRows?: number | undefined;
}

/** An empty batch. */
export function newBatch(): ImportBatch {
  return {
    ticks: [],
    quotes: [],
    trades: [],
    chains: [],
    listings: [],
    statistics: [],
    rejected: [],
    setAside: [],
    duplicates: 0,
    lines: 0,
    bytes: 0,
  };
}

/** Number of rows in a batch, chains counted as one row. */
export function batchSize(batch: ImportBatch): number {
  const { ticks, quotes, trades, chains, listings, statistics, rejected, setAside } = batch;
  const rows = [ticks, quotes, trades, chains, listings, statistics, rejected, setAside];
  return rows.reduce((sum, each) => sum + each.length, 0);
}

/** Adds a finding once: a file may be read twice. */
export function addFinding(findings: Finding[], finding: Finding): void {
  if (!findings.some(({ text }) => text === finding.text)) findings.push(finding);
}

/** `file:line: reason`, for messages. */
export function describeRejected(row: RejectedRow): string {
  return `${row.source}${row.line === null ? '' : `:${row.line}`}: ${row.reason}`;
}
