// LEAN's zips of one day: equity trade minutes, seconds and ticks, option quotes and trades, index minutes.

import type { Entry } from 'yauzl';
import { midnightOf } from '../../core/eastern_time.ts';
import { Failure } from '../../core/failure.ts';
import { closeBatch, DEFAULT_BATCH_ROWS, newReading, takeLines } from './csv_batches.ts';
import type { FeedSpec, Finding, ImportBatch, ImportFile, ImportOptions } from './import_file.ts';
import { type LeanName, parseLeanName } from './lean_name.ts';
import {
  type LeanEntry,
  NO_SIDE,
  type TakeLeanRow,
  takeOptionTradeBar,
  takeQuoteBar,
  takeTick,
  takeTradeBar,
} from './lean_rows.ts';
import { newRow, type Row } from './lines.ts';
import { newLastRow } from './order_watch.ts';
import { isIndexSymbol, underlyingOfRoot } from './roots.ts';
import { type LineBlock, type SourceFile, wholeLines } from './source_file.ts';
import { openZip } from './zip_file.ts';
import { easternFromZone } from './zone.ts';

const SPAN_MS = { tick: 0, second: 1_000, minute: 60_000 } as const;

/** What all entries of one archive have in common. */
interface LeanKind {
  readonly name: LeanName;
  readonly instrument: 'equity' | 'index' | 'option';
  /** The equity, the index, or the underlying of the options. */
  readonly symbol: string;
}

interface NamedEntry {
  readonly entry: Entry;
  readonly name: LeanName;
}

/**
 * Opens a LEAN zip. Throws Failure on open interest, equity quotes and daily files (none is stored), on names that
 * disagree, and on a truncated archive. Index files are on Chicago's clock, all others on New York's.
 */
export async function openLean(source: SourceFile, options: ImportOptions): Promise<ImportFile> {
  const entries = await namedEntries(source);
  const kind = kindOf(source, entries);
  checkSymbol(source, { kind, asked: options.symbol?.toUpperCase() });
  const feed = feedOf(kind, options.feed);
  const totalBytes = entries.reduce((sum, { entry }) => sum + entry.uncompressedSize, 0);
  return {
    path: source.path,
    format: 'lean',
    feed,
    instrumentKind: kind.instrument,
    symbol: kind.symbol,
    clock: 'stated',
    totalBytes,
    findings: kindFindings(kind, entries.length),
    batches: () => readArchive(source, { entries, kind, options }),
  };
}

async function namedEntries(source: SourceFile): Promise<NamedEntry[]> {
  const zip = await openZip(source.path);
  zip.close();
  const entries = zip.entries.map((entry) => ({ entry, name: parseLeanName(entry.fileName) }));
  if (entries.every(({ entry }) => entry.uncompressedSize === 0)) {
    throw new Failure(`${source.path} holds no rows`, { hint: 'was the download interrupted?' });
  }
  return entries;
}

function kindOf(source: SourceFile, entries: readonly NamedEntry[]): LeanKind {
  const [first] = entries;
  if (first === undefined) throw new Failure(`${source.path} holds no files`);
  const { name } = first;
  for (const { entry, name: other } of entries) {
    const alike =
      other.date === name.date && other.resolution === name.resolution && other.data === name.data;
    if (!alike || (other.option === null) !== (name.option === null)) {
      throw new Failure(
        `${source.path} mixes data of several kinds: ${first.entry.fileName}, ${entry.fileName}`,
      );
    }
  }
  const isIndex = /[\\/]index[\\/]/.test(source.path) || isIndexSymbol(name.symbol);
  const instrument = name.option !== null ? 'option' : isIndex ? 'index' : 'equity';
  refuseUnstored(source, { name, instrument });
  return { name, instrument, symbol: name.option === null ? name.symbol : underlyingOfRoot(name.symbol) };
}

function refuseUnstored(source: SourceFile, kind: Omit<LeanKind, 'symbol'>): void {
  const { data, resolution } = kind.name;
  if (data === 'openinterest') throw new Failure(`${source.path} holds open interest, which is not imported`);
  if (data === 'quote' && kind.instrument !== 'option') {
    throw new Failure(`${source.path} holds quotes of an equity, which are not stored`, {
      hint: 'rules read quotes of options and prices of equities: import the _trade.zip of the same day',
    });
  }
  if (kind.instrument === 'option' && resolution === 'tick') {
    throw new Failure(`${source.path} holds ticks of options, a LEAN format that is not known here`);
  }
}

function checkSymbol(source: SourceFile, at: { kind: LeanKind; asked: string | undefined }): void {
  const { symbol, name } = at.kind;
  if (at.asked === undefined || at.asked === symbol || at.asked === name.symbol) return;
  throw new Failure(`${source.path} holds ${symbol}, not ${at.asked}`, { exitCode: 2 });
}

function feedOf(kind: LeanKind, name: string | undefined): FeedSpec {
  const { resolution, data } = kind.name;
  const ofOptions = data === 'quote' ? `lean-quote-${resolution}` : `lean-option-${resolution}`;
  return {
    name: name ?? (kind.instrument === 'option' ? ofOptions : `lean-${resolution}`),
    kind: kind.instrument === 'option' ? 'option' : 'equity',
    span_ms: SPAN_MS[resolution],
    source: 'recorded',
  };
}

function kindFindings(kind: LeanKind, count: number): Finding[] {
  const { name, instrument, symbol } = kind;
  const of =
    instrument === 'option' ? `options of ${symbol} (${count} contracts)` : `${instrument} ${symbol}`;
  const findings: Finding[] = [
    { severity: 'info', text: `LEAN ${name.resolution} ${name.data} data of ${name.date}: ${of}` },
  ];
  if (instrument === 'index') {
    findings.push({ severity: 'info', text: 'LEAN keeps index files in Chicago time: converted to Eastern' });
  }
  if (name.data === 'trade' && name.resolution !== 'tick') {
    findings.push({ severity: 'warning', text: tradeBarText(instrument) });
  }
  return findings;
}

function tradeBarText(instrument: LeanKind['instrument']): string {
  return instrument === 'option'
    ? 'aggregates of options have no table: each becomes one print at the end of its span, with its close and volume'
    : 'the file has no vwap: the typical price (high + low + close) / 3 stands in, flagged in every row';
}

function rowTaker(kind: LeanKind): TakeLeanRow {
  if (kind.name.data === 'quote') return takeQuoteBar;
  if (kind.instrument === 'option') return takeOptionTradeBar;
  return kind.name.resolution === 'tick' ? takeTick : takeTradeBar;
}

async function* readArchive(
  source: SourceFile,
  file: { entries: readonly NamedEntry[]; kind: LeanKind; options: ImportOptions },
): AsyncGenerator<ImportBatch> {
  const { kind, options } = file;
  const batchRows = options.batchRows ?? DEFAULT_BATCH_ROWS;
  const takeRow = rowTaker(kind);
  const reading = newReading();
  const zip = await openZip(source.path);
  try {
    for (const { entry, name } of file.entries) {
      const leanEntry = entryOf(name, { kind, options });
      const take = (row: Row, batch: ImportBatch): void => takeRow(row, batch, leanEntry);
      const row = newRow(`${source.name}/${entry.fileName}`);
      const lines = countedLines(zip.read(entry), row.source);
      yield* takeLines(lines, { row, reader: { headerRows: 0, batchRows, take }, reading });
    }
    yield closeBatch(reading, source.name);
  } finally {
    zip.close();
  }
}

function entryOf(name: LeanName, at: { kind: LeanKind; options: ImportOptions }): LeanEntry {
  const isIndex = at.kind.instrument === 'index';
  return {
    symbol: name.option ?? name.symbol,
    midnightUs: midnightOf(name.date),
    toEastern: easternFromZone(isIndex ? 'America/Chicago' : 'America/New_York'),
    spanMs: SPAN_MS[name.resolution],
    priceScale: isIndex ? 4 : 0,
    tsRecv: at.options.tsRecv,
    last: newLastRow(),
    bid: NO_SIDE,
    ask: NO_SIDE,
  };
}

async function* countedLines(chunks: AsyncIterable<Buffer>, name: string): AsyncGenerator<LineBlock> {
  let bytes = 0;
  for await (const buffer of wholeLines(chunks, name)) {
    bytes += buffer.length;
    yield { buffer, bytes };
  }
}
