// Massive's flat files: one CSV of a day and a dataset, all tickers, nanosecond times (reference: massive_schwab.md, A3).
import { Failure } from '../../core/failure.ts';
import { csvBatches, DEFAULT_BATCH_ROWS } from './csv_batches.ts';
import { headerNames } from './header.ts';
import {
  addFinding,
  type FeedSpec,
  type Finding,
  type ImportBatch,
  type ImportFile,
  type ImportOptions,
} from './import_file.ts';
import { fieldText, type Row } from './lines.ts';
import { aggregateReader } from './massive_aggregates.ts';
import { optionQuoteReader } from './massive_quotes.ts';
import { type FlatContext, fieldTime, type TakeRow } from './massive_rows.ts';
import { readTickers } from './massive_tickers.ts';
import { optionTradeReader, stockTradeReader } from './massive_trades.ts';
import { readHeadRows, type SourceFile } from './source_file.ts';

const DAY_US = 86_400_000_000;
const SPAN_MS = { trades: 0, quotes: 0, minute: 60_000, day: 86_400_000 } as const;

interface FlatKind {
  readonly dataset: keyof typeof SPAN_MS;
  readonly areOptions: boolean;
}

/** Opens a flat file of stocks or options. Throws Failure on stock quotes (no table holds them) and unknown headers. */
export async function openMassive(source: SourceFile, options: ImportOptions): Promise<ImportFile> {
  const { header, first } = await readHeadRows(source);
  const kind = kindOf(source, { header, first });
  const feed = feedOf(kind, options.feed);
  const findings: Finding[] = kindFindings(kind);
  const symbol = options.symbol?.toUpperCase() ?? null;
  const context = (): FlatContext => ({
    header,
    tickers: readTickers({ areOptions: kind.areOptions, symbol }),
    spanMs: feed.span_ms,
    tsRecv: options.tsRecv,
    disorder: { rows: 0, firstLine: 0 },
  });
  readerOf(kind, context());
  return {
    path: source.path,
    format: 'massive',
    feed,
    instrumentKind: kind.areOptions ? 'option' : 'equity',
    symbol,
    clock: 'stated',
    totalBytes: source.totalBytes,
    findings,
    batches: () => readFlat(source, { kind, context: context(), symbol, findings, options }),
  };
}

function kindOf(source: SourceFile, rows: { header: Row; first: Row }): FlatKind {
  const names = headerNames(rows.header);
  const ticker = fieldText(rows.first, Math.max(names.indexOf('ticker'), 0));
  const areOptions = ticker.startsWith('O:');
  if (names.includes('window_start')) {
    // Both aggregates have one header; only a day's window opens at midnight.
    const start = fieldTime(rows.first, names.indexOf('window_start'));
    return { dataset: start !== null && start % DAY_US === 0 ? 'day' : 'minute', areOptions };
  }
  if (names.includes('ask_price') && !areOptions) {
    throw new Failure(`${source.path} holds quotes of stocks, which are not stored`, {
      hint: 'rules read quotes of options and prices of stocks: import trades_v1 or minute_aggs_v1 instead',
    });
  }
  if (names.includes('ask_price')) return { dataset: 'quotes', areOptions };
  if (names.includes('price') && names.includes('sip_timestamp')) return { dataset: 'trades', areOptions };
  throw new Failure(`${source.name}:${rows.header.line}: not the header of a Massive flat file`, {
    hint: 'known are trades_v1, quotes_v1, minute_aggs_v1 and day_aggs_v1 of us_stocks_sip and us_options_opra',
  });
}

const FEED_NAMES = {
  trades: ['massive-trades', 'massive-option-trades'],
  quotes: ['massive-quotes', 'massive-quotes'],
  minute: ['massive-minute', 'massive-option-minute'],
  day: ['massive-day', 'massive-option-day'],
} as const;

function feedOf(kind: FlatKind, name: string | undefined): FeedSpec {
  const [ofStocks, ofOptions] = FEED_NAMES[kind.dataset];
  return {
    name: name ?? (kind.areOptions ? ofOptions : ofStocks),
    kind: kind.areOptions ? 'option' : 'equity',
    span_ms: SPAN_MS[kind.dataset],
    source: 'recorded',
  };
}

function kindFindings(kind: FlatKind): Finding[] {
  const what = `${kind.dataset} of ${kind.areOptions ? 'options' : 'stocks'}`;
  const detected: Finding = { severity: 'info', text: `a Massive flat file: ${what}` };
  if (SPAN_MS[kind.dataset] === 0) return [detected];
  const text = kind.areOptions
    ? 'aggregates of options have no table: each becomes one print at the end of its span, with its close and volume'
    : 'the file has no vwap: the typical price (high + low + close) / 3 stands in, flagged in every row';
  return [detected, { severity: 'warning', text }];
}

function readerOf(kind: FlatKind, context: FlatContext): TakeRow {
  if (kind.dataset === 'quotes') return optionQuoteReader(context);
  if (kind.dataset !== 'trades') return aggregateReader(context, kind.areOptions);
  return kind.areOptions ? optionTradeReader(context) : stockTradeReader(context);
}

async function* readFlat(
  source: SourceFile,
  file: {
    kind: FlatKind;
    context: FlatContext;
    symbol: string | null;
    findings: Finding[];
    options: ImportOptions;
  },
): AsyncGenerator<ImportBatch> {
  const { context, symbol } = file;
  const batchRows = file.options.batchRows ?? DEFAULT_BATCH_ROWS;
  yield* csvBatches(source, { headerRows: 1, batchRows, take: readerOf(file.kind, context) });
  if (symbol !== null && !context.tickers.found()) {
    throw new Failure(`${source.path} holds no row of ${symbol}`, {
      hint: 'is --symbol right? For options it is the underlying',
    });
  }
  const { rows, firstLine } = context.disorder;
  if (rows > 0) {
    const text = `${rows} rows stand after a later one of their ticker (first: ${source.name}:${firstLine}); their sequence numbers keep them apart`;
    addFinding(file.findings, { severity: 'warning', text });
  }
}
