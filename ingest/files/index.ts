// Importers by format: the one place that the command line asks.
import { Failure } from '../../core/failure.ts';
import { openDatabento } from '../databento/open.ts';
import { openBars } from './bars.ts';
import { detectFormat } from './detect.ts';
import { addFinding, type ImportFile, type ImportFormat, type ImportOptions } from './import_file.ts';
import { openLean } from './lean.ts';
import { openMarks } from './marks.ts';
import { openMassive } from './massive_flat.ts';
import { openSource, type SourceFile } from './source_file.ts';
import { openVix } from './vix.ts';
import { openYahooChain } from './yahoo_chain.ts';

export {
  type CalendarCheck,
  checkCalendar,
  type SessionHours,
  type SessionLookup,
  startCalendarCheck,
} from './calendar_check.ts';
export {
  batchSize,
  describeRejected,
  type FeedSpec,
  type Finding,
  type ImportBatch,
  type ImportFile,
  type ImportFormat,
  type ImportOptions,
  importFormats,
} from './import_file.ts';
export { isIndexSymbol, underlyingOfRoot } from './roots.ts';

type OpenFile = (source: SourceFile, options: ImportOptions) => Promise<ImportFile>;

const openers: Readonly<Record<ImportFormat, OpenFile>> = {
  bars: openBars,
  massive: openMassive,
  lean: openLean,
  vix: openVix,
  'yahoo-chain': openYahooChain,
  databento: openDatabento,
  marks: openMarks,
};

/**
 * Opens a file for import; its rows are read by `batches()`. Without a format it is detected, and the findings say so.
 * Throws Failure if the file is missing, empty, truncated, not of its format, or if an option does not go with the format.
 */
export async function openImport(path: string, options: ImportOptions): Promise<ImportFile> {
  const source = await openSource(path);
  const format = options.format ?? (await detectFormat(source));
  checkOptions(source, { format, options });
  const file = await openers[format](source, options);
  if (options.format === undefined)
    addFinding(file.findings, { severity: 'info', text: `detected: ${format}` });
  if (!source.endsWithLine) {
    const text = 'the last line has no line feed at its end: it may be cut off';
    addFinding(file.findings, { severity: 'warning', text });
  }
  return file;
}

function checkOptions(source: SourceFile, at: { format: ImportFormat; options: ImportOptions }): void {
  const { format, options } = at;
  const wrong = (text: string): Failure => new Failure(`${source.path}: ${text}`, { exitCode: 2 });
  if (format === 'lean' && source.encoding !== 'zip')
    throw wrong('a LEAN file is a zip archive, and this is none');
  if (format !== 'lean' && source.encoding === 'zip')
    throw wrong(`a ${format} file is CSV, and this is a zip archive`);
  if (format !== 'bars' && options.tz !== undefined) {
    throw wrong(`--tz is for bars; the zone of ${format} files is known`);
  }
  if (format !== 'yahoo-chain' && options.at !== undefined) throw wrong('--at is for yahoo-chain');
}
