// Instrument ids to option symbols, day by day: an id may mean another contract tomorrow (reference C1, C6).
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { dateOf, type EasternUs } from '../../core/eastern_time.ts';
import { type OsiSymbol, toOsi } from '../../core/osi_symbol.ts';
import type { DbnMetadata } from './dbn.ts';

export interface SymbolTable {
  /** Null where the id has no symbol on that day. */
  find(instrumentId: number, at: EasternUs): OsiSymbol | null;
  add(instrumentId: number, symbol: OsiSymbol, days?: { readonly from: number; readonly to: number }): void;
}

interface Entry {
  readonly symbol: OsiSymbol;
  /** YYYYMMDD; `to` is exclusive. */
  readonly from: number;
  readonly to: number;
}

const ALWAYS = { from: 0, to: 99_999_999 };

export function createSymbolTable(): SymbolTable {
  const entries = new Map<number, Entry[]>();
  // Rows of an id come in runs of the same day.
  let last: { id: number; day: number; symbol: OsiSymbol | null } | null = null;
  const dayOf = createDayOf();
  return {
    add: (id, symbol, days = ALWAYS) => {
      last = null;
      const known = entries.get(id) ?? [];
      if (!known.some((each) => each.symbol === symbol && each.from === days.from))
        known.push({ symbol, ...days });
      entries.set(id, known);
    },
    find: (id, at) => {
      const day = dayOf(at);
      if (last?.id === id && last.day === day) return last.symbol;
      const found = entries.get(id)?.find((each) => each.from <= day && day < each.to)?.symbol ?? null;
      last = { id, day, symbol: found };
      return found;
    },
  };
}

const DAY_US = 86_400_000_000;

// Days are UTC there; a session of options lies within one either way.
function createDayOf(): (at: EasternUs) => number {
  let midnight = Number.NaN;
  let day = 0;
  return (at) => {
    const start = Math.floor(at / DAY_US);
    if (start !== midnight) {
      midnight = start;
      day = Number(dateOf(at).replaceAll('-', ''));
    }
    return day;
  };
}

/** What the head of a DBN file says, in whichever direction it was asked for. */
export function addMappings(table: SymbolTable, { mappings }: DbnMetadata): void {
  for (const { name, intervals } of mappings) {
    for (const { symbol, ...days } of intervals) addEither(table, name, symbol, days);
  }
}

function addEither(
  table: SymbolTable,
  name: string,
  value: string,
  days: { readonly from: number; readonly to: number },
): void {
  for (const [text, id] of [
    [name, value],
    [value, name],
  ] as const) {
    const osi = toOsi(text);
    if (osi !== null && /^\d+$/.test(id)) table.add(Number(id), osi, days);
  }
}

const symbology = z.object({
  result: z.record(z.string(), z.array(z.object({ d0: z.string(), d1: z.string(), s: z.string() }))),
});

const MAX_SYMBOLOGY = 512 * 1024 * 1024;

/** Adds the symbology.json of a download's folder, where there is one that can be read. */
export function addSymbology(table: SymbolTable, path: string): boolean {
  const folder = dirname(path);
  const name = readdirSync(folder).find((each) => each === 'symbology.json');
  if (name === undefined) return false;
  const text = readFileSync(join(folder, name), 'utf8');
  if (text.length > MAX_SYMBOLOGY) return false;
  const parsed = symbology.safeParse(JSON.parse(text));
  if (!parsed.success) return false;
  const day = (date: string): number => Number(date.replaceAll('-', ''));
  for (const [name, intervals] of Object.entries(parsed.data.result)) {
    for (const { d0, d1, s } of intervals) addEither(table, name, s, { from: day(d0), to: day(d1) });
  }
  return true;
}
