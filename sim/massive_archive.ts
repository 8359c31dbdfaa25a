// What the simulated vendor has on record: the events of its tapes by pair, in order, as its REST gives them back.
import { parseScaled } from '../core/decimal.ts';
import { epochMsFromEastern } from '../core/eastern_time.ts';
import type { Tape, TapeSecond } from './tape.ts';
import type { WireEvent } from './wire.ts';

/** Numbers of one event; volumes and sizes with fractions (`dv`, `ds`) in millionths, `n` the prints of an aggregate. */
export type ArchivedEvent = Readonly<Record<string, number>>;

export interface ArchiveRange {
  /** Unix epoch milliseconds, inclusive. Of an aggregate its start counts. */
  readonly fromMs: number;
  /** Exclusive. */
  readonly toMs: number;
  /** What leaves the vendor later is not on record yet. */
  readonly untilMs: number;
}

export interface Archive {
  /** The events of a pair (`A.QQQ`, `Q.O:…`) in a range, oldest first. */
  read(pair: string, range: ArchiveRange): readonly ArchivedEvent[];
}

const QUOTE = ['t', 'q', 'bp', 'bs', 'ap', 'as'] as const;
const OPTION_TRADE = ['t', 'q', 'p', 's'] as const;
const PRINT = ['t', 'q', 'p', 's', 'ds'] as const;
const AGGREGATE = ['s', 'v', 'dv', 'o', 'c', 'h', 'l', 'vw', 'n'] as const;
const SECOND_MS = 1000;

function fieldsOf(pair: string): readonly string[] {
  if (pair.startsWith('Q.')) return QUOTE;
  if (pair.startsWith('A.')) return AGGREGATE;
  return pair.startsWith('T.O:') ? OPTION_TRADE : PRINT;
}

function numberOf({ event, trades }: WireEvent, field: string): number {
  if (field === 'n') return trades ?? 0;
  const value = event[field];
  return typeof value === 'string' ? (parseScaled(value, 6) ?? 0) : Number(value);
}

// A whole day as objects would take half a gigabyte: here an event is a few numbers in one long list per pair.
function createShelf(tape: Tape): (pair: string, range: ArchiveRange) => ArchivedEvent[] {
  const lists = new Map<string, number[]>();
  const seconds = tape.seconds();
  let readToMs = 0;

  const keep = (each: WireEvent): void => {
    const list = lists.get(each.pair) ?? [];
    lists.set(each.pair, list);
    for (const field of fieldsOf(each.pair)) list.push(numberOf(each, field));
  };
  const readOn = (untilMs: number): void => {
    while (readToMs < untilMs) {
      const next = seconds.next();
      if (next.done) return;
      const { events, startMs }: TapeSecond = next.value;
      events.stocks.forEach(keep);
      events.options.forEach(keep);
      readToMs = startMs + SECOND_MS;
    }
  };
  return (pair, { fromMs, toMs, untilMs }) => {
    // The pass of the tape is begun by the first who asks: most sessions are played without REST data.
    readOn(Math.min(toMs, untilMs));
    const list = lists.get(pair) ?? [];
    const fields = fieldsOf(pair);
    const lastsMs = pair.startsWith('A.') ? SECOND_MS : 0;
    const found: ArchivedEvent[] = [];
    for (let at = firstFrom(list, fields.length, fromMs); at < list.length; at += fields.length) {
      const timeMs = list[at] as number;
      if (timeMs >= toMs || timeMs + lastsMs > untilMs) break;
      found.push(Object.fromEntries(fields.map((field, i) => [field, list[at + i] as number])));
    }
    return found;
  };
}

/** Index of the first event of `width` numbers that is not before `fromMs`. */
function firstFrom(list: readonly number[], width: number, fromMs: number): number {
  let low = 0;
  let high = list.length / width;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((list[middle * width] as number) < fromMs) low = middle + 1;
    else high = middle;
  }
  return low * width;
}

/** The archive of tapes, which must be in order of their sessions. Each is read once, as far as it is asked for. */
export function createArchive(tapes: readonly Tape[]): Archive {
  const shelves = tapes.map((tape) => ({
    fromMs: epochMsFromEastern(tape.session.tsStart),
    toMs: epochMsFromEastern(tape.session.tsEnd),
    read: createShelf(tape),
  }));
  return {
    read: (pair, range) =>
      shelves
        .filter((shelf) => range.fromMs < shelf.toMs && shelf.fromMs < range.toMs)
        .flatMap((shelf) => shelf.read(pair, range)),
  };
}
