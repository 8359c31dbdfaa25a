// Quotes as columns of numbers: a busy second has a hundred thousand of them, and an object for each costs more than storing it.
import type { OptionQuote } from '../core/domain.ts';
import type { EasternUs } from '../core/eastern_time.ts';
import type { OsiSymbol } from '../core/osi_symbol.ts';
import type { CopyBuffer } from '../db/copy.ts';

/** The contracts of a stream, by number. */
export interface ContractTable {
  /** OSI symbols by number. */
  readonly symbols: readonly OsiSymbol[];
  /** The number of a symbol; made where it is new. */
  of(symbol: OsiSymbol): number;
}

/** An absent price or size. */
export const ABSENT = -1;

const FIRST_CAPACITY = 1024;

/** Rows of market.option_quotes, a column each; the first `length` places count. Units as in OptionQuote, ABSENT for null. */
export class QuoteColumns {
  readonly contracts: ContractTable;
  length = 0;
  contract = new Int32Array(FIRST_CAPACITY);
  ts_event = new Float64Array(FIRST_CAPACITY);
  event_ns = new Int16Array(FIRST_CAPACITY);
  seq = new Float64Array(FIRST_CAPACITY);
  bid_px_e4 = new Int32Array(FIRST_CAPACITY);
  ask_px_e4 = new Int32Array(FIRST_CAPACITY);
  bid_sz = new Int32Array(FIRST_CAPACITY);
  ask_sz = new Int32Array(FIRST_CAPACITY);
  ts_recv = new Float64Array(FIRST_CAPACITY);

  constructor(contracts: ContractTable) {
    this.contracts = contracts;
  }

  /** The place of one row more, all of whose columns are the caller's to set. */
  add(): number {
    if (this.length === this.contract.length) this.grow();
    this.length += 1;
    return this.length - 1;
  }

  private grow(): void {
    const capacity = this.length * 2;
    this.contract = grown(new Int32Array(capacity), this.contract);
    this.ts_event = grown(new Float64Array(capacity), this.ts_event);
    this.event_ns = grown(new Int16Array(capacity), this.event_ns);
    this.seq = grown(new Float64Array(capacity), this.seq);
    this.bid_px_e4 = grown(new Int32Array(capacity), this.bid_px_e4);
    this.ask_px_e4 = grown(new Int32Array(capacity), this.ask_px_e4);
    this.bid_sz = grown(new Int32Array(capacity), this.bid_sz);
    this.ask_sz = grown(new Int32Array(capacity), this.ask_sz);
    this.ts_recv = grown(new Float64Array(capacity), this.ts_recv);
  }

  push(quote: OptionQuote): void {
    const n = this.add();
    this.contract[n] = this.contracts.of(quote.symbol);
    this.ts_event[n] = quote.ts_event;
    this.event_ns[n] = quote.event_ns;
    this.seq[n] = quote.seq;
    this.bid_px_e4[n] = quote.bid_px_e4 ?? ABSENT;
    this.ask_px_e4[n] = quote.ask_px_e4 ?? ABSENT;
    this.bid_sz[n] = quote.bid_sz ?? ABSENT;
    this.ask_sz[n] = quote.ask_sz ?? ABSENT;
    this.ts_recv[n] = quote.ts_recv;
  }
}

function grown<T extends Int16Array | Int32Array | Float64Array>(to: T, from: T): T {
  to.set(from);
  return to;
}

/** Some of the rows, those in [from, to). */
export interface QuoteRange {
  readonly columns: QuoteColumns;
  readonly from: number;
  readonly to: number;
}

/** An empty table of contracts, by their symbols alone. */
export function contractTable(): ContractTable {
  const symbols: OsiSymbol[] = [];
  const numbers = new Map<string, number>();
  return {
    symbols,
    of: (symbol) => {
      const known = numbers.get(symbol);
      if (known !== undefined) return known;
      numbers.set(symbol, symbols.length);
      return symbols.push(symbol) - 1;
    },
  };
}

/** Quotes as columns of their own. */
export function columnsOf(quotes: readonly OptionQuote[]): QuoteRange {
  const columns = new QuoteColumns(contractTable());
  for (const quote of quotes) columns.push(quote);
  return { columns, from: 0, to: columns.length };
}

/** Rows by contract, those of a contract in the order in which they came. */
export interface GroupedQuotes {
  readonly columns: QuoteColumns;
  /** Numbers of rows. */
  readonly order: Int32Array;
  /** The contracts that have rows, and where in `order` their rows end. */
  readonly groups: readonly { readonly contract: number; readonly end: number }[];
}

/**
 * Groups rows by contract: in the index every contract has a place of its own, and rows that go there one after the other cost a
 * third less than rows that jump about.
 */
export function groupByContract({ columns, from, to }: QuoteRange): GroupedQuotes {
  const { contract } = columns;
  const places = new Int32Array(columns.contracts.symbols.length);
  for (let n = from; n < to; n += 1) {
    const at = contract[n] as number;
    places[at] = (places[at] as number) + 1;
  }
  const groups: { contract: number; end: number }[] = [];
  let end = 0;
  for (let each = 0; each < places.length; each += 1) {
    const count = places[each] as number;
    if (count === 0) continue;
    places[each] = end;
    end += count;
    groups.push({ contract: each, end });
  }
  const order = new Int32Array(to - from);
  for (let n = from; n < to; n += 1) {
    const at = contract[n] as number;
    const place = places[at] as number;
    order[place] = n;
    places[at] = place + 1;
  }
  return { columns, order, groups };
}

const FIELDS = 10;
const ROW_BYTES = 4 + 2 + 8 + 8 + 2 + 4 * 4 + 8;

/** Encodes the rows for a COPY into market.option_quotes (tables.ts has its columns). */
export function encodeQuotes(
  buffer: CopyBuffer,
  { columns, order, groups }: GroupedQuotes,
  ids: { readonly feedId: number; readonly id: (symbol: string) => number },
): void {
  let at = 0;
  for (const { contract, end } of groups) {
    const instrumentId = ids.id(columns.contracts.symbols[contract] as OsiSymbol);
    for (; at < end; at += 1) {
      const n = order[at] as number;
      buffer.row(FIELDS, ROW_BYTES);
      buffer.int4(instrumentId);
      buffer.int2(ids.feedId);
      buffer.timestamp(columns.ts_event[n] as EasternUs);
      buffer.int8(columns.seq[n] as number);
      buffer.int2(columns.event_ns[n] as number);
      buffer.int4(orNull(columns.bid_px_e4[n] as number));
      buffer.int4(orNull(columns.ask_px_e4[n] as number));
      buffer.int4(orNull(columns.bid_sz[n] as number));
      buffer.int4(orNull(columns.ask_sz[n] as number));
      buffer.timestamp(columns.ts_recv[n] as EasternUs);
    }
  }
}

function orNull(value: number): number | null {
  return value === ABSENT ? null : value;
}
