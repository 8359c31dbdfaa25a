// Days of CBBO-1m of a recorded chain: Schwab's SPXW contracts of one expiration with the volatilities and the widths that were recorded, moved along a
// path of the index, written as Databento's files are. Nobody quoted these prices; the contracts, the smile and the widths are a market's.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { black76 } from '../../../bench/own_vertical.ts';
import {
  type RecordedChain,
  type RecordedContract,
  readSchwabChain,
} from '../../../bench/recorded_chain_files.ts';
import {
  addMs,
  type EasternUs,
  epochMsFromEastern,
  formatEastern,
  parseEastern,
} from '../../../core/eastern_time.ts';
import { chars, head, quote, record, u } from '../../ingest/files/dbn_writer.ts';

export interface CbboDay {
  /** A session, YYYY-MM-DD. */
  readonly date: string;
  /** Points of the index at 09:30, then every 65 minutes, seven of them: straight in between. */
  readonly points: readonly number[];
}

export interface CbboQuote {
  readonly contract: RecordedContract;
  readonly ts: EasternUs;
  readonly bid_e4: number | null;
  readonly ask_e4: number;
}

export interface CbboFiles {
  /** A file of quotes and one of definitions for each day, as a download has them. */
  readonly paths: readonly string[];
  /** Minute bars of the index. */
  readonly bars: string;
  /** What the files of quotes hold, in their order. */
  readonly quotes: readonly CbboQuote[];
  readonly contracts: readonly RecordedContract[];
  spotAt(ts: EasternUs): number;
}

const OPEN_MINUTES = 390;
const CHANGE_MINUTES = 5;
const LEG_MINUTES = 65;
const MINUTE_MS = 60_000;
const STRIKES = { from: 50_000_000, to: 62_000_000 } as const;

const at = (text: string): EasternUs => parseEastern(text) as EasternUs;
const epochNs = (ts: EasternUs): bigint => BigInt(Math.round(epochMsFromEastern(ts))) * 1_000_000n;

function yearsTo(expiration: string, ts: EasternUs): number {
  return (epochMsFromEastern(at(`${expiration} 16:00`)) - epochMsFromEastern(ts)) / MINUTE_MS / 525_600;
}

/** The increment of SPXW: five cents below three dollars, else ten. */
const stepOf = (price_e4: number): number => (price_e4 < 30_000 ? 500 : 1000);

function priced(contract: RecordedContract, spot: number, ts: EasternUs): Omit<CbboQuote, 'ts'> {
  const { option_kind: kind, strike_e4, expiration, vendor, bid_e4, ask_e4 } = contract;
  const terms = { kind, forward: spot, strike: strike_e4 / 10_000, tYears: yearsTo(expiration, ts) };
  const mid = black76(terms, vendor?.iv ?? 0) * 10_000;
  const half = ((ask_e4 ?? 0) - (bid_e4 ?? 0)) / 2;
  const bid = Math.round(Math.max(mid - half, 0) / stepOf(mid)) * stepOf(mid);
  const ask = Math.max(Math.round((mid + half) / stepOf(mid)) * stepOf(mid), bid + 500);
  return { contract, bid_e4: bid === 0 ? null : bid, ask_e4: ask };
}

function spotOn(days: readonly CbboDay[]): (ts: EasternUs) => number {
  return (ts) => {
    const text = formatEastern(ts);
    const { date = '', points = [] } = days.find((day) => text.startsWith(day.date)) ?? {};
    const minute = (ts - at(`${date} 09:30`)) / 1000 / MINUTE_MS;
    const n = Math.min(Math.floor(minute / LEG_MINUTES), points.length - 2);
    const [from = 0, to = 0] = points.slice(n, n + 2);
    return from + ((to - from) * (minute - n * LEG_MINUTES)) / LEG_MINUTES;
  };
}

/** The quotes of a day: of a minute in which a contract's quote did not change there is none, as in the vendor's files. */
function quotesOf(
  date: string,
  contracts: readonly RecordedContract[],
  spotAt: (ts: EasternUs) => number,
): CbboQuote[] {
  const last = new Map<string, string>();
  const quotes: CbboQuote[] = [];
  for (let minute = CHANGE_MINUTES; minute < OPEN_MINUTES; minute += CHANGE_MINUTES) {
    const ts = addMs(at(`${date} 09:30`), minute * MINUTE_MS);
    for (const contract of contracts) {
      const now = { ...priced(contract, spotAt(ts), ts), ts };
      const key = `${now.bid_e4} ${now.ask_e4}`;
      if (last.get(contract.symbol) !== key) quotes.push(now);
      last.set(contract.symbol, key);
    }
  }
  return quotes;
}

const dayNumber = (date: string): number => Number(date.replaceAll('-', ''));
const UNSET = 9_223_372_036_854_775_807n;
const nano = (price_e4: number | null): bigint => (price_e4 === null ? UNSET : BigInt(price_e4) * 100_000n);

function writeDay(
  folder: string,
  date: string,
  quotes: readonly CbboQuote[],
  idOf: (symbol: string) => number,
): string[] {
  const symbols = [...new Set(quotes.map(({ contract }) => contract.symbol))];
  const mappings = symbols.map((symbol) => [symbol, String(idOf(symbol))] as const);
  const days = { from: dayNumber(date), to: dayNumber(date) + 1 };
  const start = epochNs(at(`${date} 06:30`));
  const name = (schema: string): string => join(folder, `opra-pillar-${dayNumber(date)}.${schema}.dbn`);
  const rows = quotes.map(({ contract, ts, bid_e4, ask_e4 }) =>
    quote(idOf(contract.symbol), epochNs(ts), nano(bid_e4), nano(ask_e4)),
  );
  const listed = symbols.map((symbol) =>
    record(19, idOf(symbol), [u(start, 8), Buffer.alloc(32), chars(symbol, 72)]),
  );
  writeFileSync(name('cbbo-1m'), Buffer.concat([head(3, 16, mappings, days), ...rows]));
  writeFileSync(name('definition'), Buffer.concat([head(3, 9, [], days), ...listed]));
  return [name('definition'), name('cbbo-1m')];
}

function writeBars(path: string, days: readonly CbboDay[], spotAt: (ts: EasternUs) => number): void {
  const lines = days.flatMap(({ date }) =>
    Array.from({ length: OPEN_MINUTES }, (_, minute) => {
      const ts = addMs(at(`${date} 09:30`), minute * MINUTE_MS);
      const [open, close] = [spotAt(ts), spotAt(addMs(ts, MINUTE_MS))].map((value) => value.toFixed(2));
      const [low, high] = Number(open) < Number(close) ? [open, close] : [close, open];
      return `${formatEastern(ts)},${open},${high},${low},${close},0`;
    }),
  );
  writeFileSync(path, `${['timestamp,open,high,low,close,volume', ...lines].join('\n')}\n`);
}

/** Writes the files into a folder; `shared` is ../shared/data. */
export function writeCbboFiles(shared: string, folder: string, days: readonly CbboDay[]): CbboFiles {
  const chain = readSchwabChain(shared);
  const contracts = chain.contracts.filter(
    ({ strike_e4 }) => strike_e4 >= STRIKES.from && strike_e4 <= STRIKES.to,
  );
  const ids = new Map(contracts.map(({ symbol }, n) => [symbol as string, 1000 + n]));
  const spotAt = spotOn(days);
  const quotes = days.map(({ date }) => ({ date, quotes: quotesOf(date, contracts, spotAt) }));
  const bars = join(folder, 'spx_1min.csv');
  writeBars(bars, days, spotAt);
  return {
    bars,
    paths: quotes.flatMap((day) => writeDay(folder, day.date, day.quotes, (symbol) => ids.get(symbol) ?? 0)),
    quotes: quotes.flatMap((day) => day.quotes),
    contracts,
    spotAt,
  };
}

/** The chain as its last quotes of the day stand at an instant, none older than `staleMs`. */
export function chainAt(files: CbboFiles, ts: EasternUs, staleMs: number): RecordedChain {
  const day = formatEastern(ts).slice(0, 10);
  const since = Math.max(addMs(ts, -staleMs), at(`${day} 00:00`));
  const standing = new Map<string, CbboQuote>();
  for (const each of files.quotes) {
    if (each.ts > since && each.ts <= ts) standing.set(each.contract.symbol, each);
  }
  return {
    ...{ name: 'CBBO', root: 'SPXW', underlying: 'SPX', underlyingKind: 'index', source: 'recorded' },
    ...{ at: formatEastern(ts), spot: files.spotAt(ts) },
    contracts: [...standing.values()].map(({ contract, bid_e4, ask_e4 }) => ({
      ...contract,
      bid_e4,
      ask_e4,
    })),
  };
}
