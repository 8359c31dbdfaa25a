// Whole option chains of ../shared/data as one shape: Schwab's SPX chain, LEAN's universes, GOOG's quotes of a day.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type EasternUs, easternFromEpochMs, formatEastern, parseEastern } from '../core/eastern_time.ts';
import { formatOsi, type OptionContract, type OsiSymbol } from '../core/osi_symbol.ts';
import { openImport } from '../ingest/files/index.ts';

/** Folders of ../shared/data that are read. */
export const CHAIN_FOLDERS = ['schwab', 'lean_data'] as const;

const SCHWAB = ['schwab', 'schwab_rb', 'spec', 'fixtures', 'option_chains'] as const;
const UNIVERSES = ['lean_data', 'Data', 'indexoption', 'usa', 'universes'] as const;
const STOCK_UNIVERSES = ['lean_data', 'Data', 'option', 'usa', 'universes'] as const;
const GOOG_QUOTES = ['lean_data', 'Data', 'option', 'usa', 'minute', 'goog'] as const;

export interface VendorGreeks {
  /** A fraction: 0.20 is 20 %. */
  readonly iv: number;
  readonly delta: number;
  readonly gamma: number;
}

export interface RecordedContract extends OptionContract {
  readonly symbol: OsiSymbol;
  readonly bid_e4: number | null;
  readonly ask_e4: number | null;
  readonly vendor: VendorGreeks | null;
}

export interface RecordedChain {
  readonly name: string;
  /** Of all its contracts. */
  readonly root: string;
  readonly underlying: string;
  readonly underlyingKind: 'equity' | 'index';
  /** The instant of its quotes, Eastern: `YYYY-MM-DD HH:MM:SS`. */
  readonly at: string;
  readonly spot: number;
  /** marks: one price a contract, stored as both sides. */
  readonly source: 'recorded' | 'marks';
  readonly contracts: readonly RecordedContract[];
}

interface SchwabOption {
  readonly putCall: string;
  readonly bid: number;
  readonly ask: number;
  readonly strikePrice: number;
  readonly expirationDate: string;
  readonly optionRoot: string;
  readonly quoteTimeInLong: number;
  readonly volatility: number;
  readonly delta: number;
  readonly gamma: number;
}

type SchwabSide = Readonly<Record<string, Readonly<Record<string, readonly SchwabOption[]>>>>;

interface SchwabChain {
  readonly underlyingPrice: number;
  readonly callExpDateMap: SchwabSide;
  readonly putExpDateMap: SchwabSide;
}

const e4 = (dollars: number): number => Math.round(dollars * 10_000);

/** Out-of-the-money SPXW contracts of one expiration, just before 17:00 of 2025-05-09: no strike has both kinds. */
export function readSchwabChain(shared: string): RecordedChain {
  const path = join(shared, ...SCHWAB, 'SPX_05_20_2025_option_chain.json');
  const chain = JSON.parse(readFileSync(path, 'utf8')) as SchwabChain;
  const options = [chain.callExpDateMap, chain.putExpDateMap]
    .flatMap((side) => Object.values(side))
    .flatMap((strikes) => Object.values(strikes).flat());
  const newest = Math.max(...options.map((option) => option.quoteTimeInLong));
  return {
    ...{ name: 'Schwab SPXW 2025-05-09', root: 'SPXW', underlying: 'SPX', underlyingKind: 'index' },
    ...{ at: formatEastern(easternFromEpochMs(newest)), spot: chain.underlyingPrice, source: 'recorded' },
    contracts: options.map((option) => {
      const contract: OptionContract = {
        root: option.optionRoot,
        expiration: option.expirationDate.slice(0, 10),
        option_kind: option.putCall === 'CALL' ? 'call' : 'put',
        strike_e4: e4(option.strikePrice),
      };
      const vendor = { iv: option.volatility / 100, delta: option.delta, gamma: option.gamma };
      return {
        ...{ ...contract, symbol: formatOsi(contract), vendor },
        ...{ bid_e4: e4(option.bid), ask_e4: e4(option.ask) },
      };
    }),
  };
}

export interface UniverseFile {
  readonly folder: 'spx' | 'spxw' | 'goog';
  /** Of the session whose end it holds, which is the file's name. */
  readonly date: string;
  /** End of that session, HH:MM:SS. */
  readonly time: string;
  /** Close of the underlying where the file leaves it out. */
  readonly spot?: number;
}

/** A LEAN universe: one price a contract, at the end of the session that the file is named after. */
export function readUniverse(shared: string, file: UniverseFile): RecordedChain {
  const folder = file.folder === 'goog' ? STOCK_UNIVERSES : UNIVERSES;
  const path = join(shared, ...folder, file.folder, `${file.date.replaceAll('-', '')}.csv`);
  const [, ...lines] = readFileSync(path, 'utf8').trimEnd().split(/\r?\n/);
  const rows = lines.map((line) => line.split(','));
  const root = file.folder.toUpperCase();
  const own = rows.find(([expiry]) => expiry === '')?.[6];
  const isIndex = file.folder !== 'goog';
  return {
    ...{ name: `LEAN ${root} ${file.date}`, root, underlying: isIndex ? 'SPX' : root },
    ...{ underlyingKind: isIndex ? 'index' : 'equity', at: `${file.date} ${file.time}` },
    ...{ spot: file.spot ?? Number(own), source: 'marks' },
    contracts: rows.filter(([expiry]) => expiry !== '').map((row) => universeContract(root, row)),
  };
}

function universeContract(root: string, row: readonly string[]): RecordedContract {
  const [expiry = '', strike = '', right, , , , close = '', , , iv = '', delta = '', gamma = ''] = row;
  const contract: OptionContract = {
    root,
    expiration: `${expiry.slice(0, 4)}-${expiry.slice(4, 6)}-${expiry.slice(6)}`,
    option_kind: right === 'C' ? 'call' : 'put',
    strike_e4: e4(Number(strike)),
  };
  const mark_e4 = e4(Number(close));
  return {
    ...{ ...contract, symbol: formatOsi(contract), bid_e4: mark_e4, ask_e4: mark_e4 },
    vendor: { iv: Number(iv), delta: Number(delta), gamma: Number(gamma) },
  };
}

/** Every GOOG contract of 2015-12-24 as it stood at 12:59, a minute before that day's early close. */
export async function readGoogChain(shared: string): Promise<RecordedChain> {
  const at = '2015-12-24 12:59:00';
  const until = parseEastern(at) as EasternUs;
  const path = join(shared, ...GOOG_QUOTES, '20151224_quote_american.zip');
  const file = await openImport(path, { tsRecv: until, format: 'lean' });
  const sides = new Map<OsiSymbol, { bid_e4: number | null; ask_e4: number | null }>();
  for await (const { quotes } of file.batches()) {
    for (const { symbol, ts_event, bid_px_e4, ask_px_e4 } of quotes) {
      if (ts_event <= until) sides.set(symbol, { bid_e4: bid_px_e4, ask_e4: ask_px_e4 });
      else if (!sides.has(symbol)) sides.set(symbol, { bid_e4: null, ask_e4: null });
    }
  }
  const { spot } = readUniverse(shared, { folder: 'goog', date: '2015-12-24', time: '13:00:00' });
  return {
    ...{ name: 'LEAN GOOG quotes 2015-12-24', root: 'GOOG', underlying: 'GOOG', underlyingKind: 'equity' },
    ...{ at, spot, source: 'recorded' },
    contracts: [...sides].map(([symbol, quote]) => ({
      ...contractOf(symbol),
      symbol,
      ...quote,
      vendor: null,
    })),
  };
}

function contractOf(symbol: OsiSymbol): OptionContract {
  const expiration = `20${symbol.slice(6, 8)}-${symbol.slice(8, 10)}-${symbol.slice(10, 12)}`;
  return {
    ...{ root: symbol.slice(0, 6).trimEnd(), expiration },
    option_kind: symbol[12] === 'C' ? 'call' : 'put',
    strike_e4: Number(symbol.slice(13)) * 10,
  };
}

/** All chains, in the order of their report. */
export async function readChains(shared: string): Promise<RecordedChain[]> {
  const time = '16:00:00';
  return [
    readSchwabChain(shared),
    // The S&P 500's official closes: these two files lack the underlying's row.
    readUniverse(shared, { folder: 'spx', date: '2015-12-22', time, spot: 2038.97 }),
    readUniverse(shared, { folder: 'spx', date: '2015-12-23', time, spot: 2064.29 }),
    readUniverse(shared, { folder: 'spxw', date: '2023-06-23', time }),
    readUniverse(shared, { folder: 'goog', date: '2015-12-24', time: '12:59:00' }),
    await readGoogChain(shared),
  ];
}
