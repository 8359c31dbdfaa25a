// Which format a file is in, from its header alone.
import { Failure } from '../../core/failure.ts';
import { isDatabentoHeader, isDbn } from '../databento/open.ts';
import { headerNames } from './header.ts';
import { type ImportFormat, importFormats } from './import_file.ts';
import { readHeadRows, type SourceFile } from './source_file.ts';

/** The format whose header the file has. Throws Failure if none fits. */
export async function detectFormat(source: SourceFile): Promise<ImportFormat> {
  if (source.encoding === 'zip') return 'lean';
  if (await isDbn(source)) return 'databento';
  const { header } = await readHeadRows(source);
  const names = headerNames(header);
  const format = formatOfHeader(names);
  if (format !== null) return format;
  throw new Failure(
    `${source.name}:${header.line}: the header is that of no known format: ${names.join(',').slice(0, 120)}`,
    {
      hint: `name the format with --format ${importFormats.join('|')}; for bars the header is timestamp,open,high,low,close,volume[,trade_count][,vwap]`,
    },
  );
}

function formatOfHeader(names: readonly string[]): ImportFormat | null {
  const has = (...wanted: readonly string[]): boolean => wanted.every((name) => names.includes(name));
  if (has('contractsymbol')) return 'yahoo-chain';
  if (isDatabentoHeader(names)) return 'databento';
  if (has('ticker', 'sip_timestamp') || has('ticker', 'window_start')) return 'massive';
  if (has('timestamp', 'open')) return 'bars';
  if (has('timestamp', 'symbol', 'mark')) return 'marks';
  if (has('date', 'open', 'high', 'low', 'close') && names.length === 5) return 'vix';
  return names.length === 2 && names[0] === 'date' ? 'vix' : null;
}
