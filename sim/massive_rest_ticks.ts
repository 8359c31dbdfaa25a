// The simulated Massive's trades and quotes by REST (reference A2.4): nanosecond times, newest first unless asked, pages by cursor.
import { formatScaled } from '../core/decimal.ts';
import { easternFromEpochMs, epochMsFromEastern, parseEastern } from '../core/eastern_time.ts';
import type { Archive, ArchivedEvent } from './massive_archive.ts';
import type { RestPage } from './massive_rest_page.ts';

export interface TickRequest {
  readonly kind: 'trades' | 'quotes';
  readonly ticker: string;
  readonly query: URLSearchParams;
  /** Epoch milliseconds: what leaves the vendor later is not on record yet. */
  readonly untilMs: number;
}

const DEFAULT_LIMIT = 1000;
const MAX_LIMIT = 50_000;
const DAY_MS = 86_400_000;
const NS_A_MS = 1_000_000n;

/** One page of ticks. A nanosecond time is text here; `writeJson` makes the number of it. */
export function tickPage(archive: Archive, request: TickRequest): RestPage {
  const { query } = request;
  const limit = Math.min(
    MAX_LIMIT,
    Math.max(1, Number(query.get('limit') ?? DEFAULT_LIMIT) || DEFAULT_LIMIT),
  );
  const offset = Number(query.get('offset') ?? 0);
  const found = ticksIn(archive, request);
  const ordered = query.get('order') === 'asc' ? found : found.reverse();
  const results = ordered.slice(offset, offset + limit).map((tick) => tick.result);
  return { results, next: offset + limit < ordered.length ? { offset: String(offset + limit) } : null };
}

interface Tick {
  readonly ns: bigint;
  readonly result: Record<string, unknown>;
}

function ticksIn(archive: Archive, { kind, ticker, query, untilMs }: TickRequest): Tick[] {
  const range = rangeOf(query);
  const fromMs = Number(range.from / NS_A_MS);
  const toMs = Number(range.to / NS_A_MS) + 1;
  const pair = `${kind === 'quotes' ? 'Q' : 'T'}.${ticker}`;
  const isOption = ticker.startsWith('O:');
  return archive
    .read(pair, { fromMs, toMs, untilMs })
    .map((event) => {
      const ns = nanosecondsOf(event);
      const result =
        kind === 'quotes' ? quote(event, ns) : isOption ? optionTrade(event, ns) : print(event, ns);
      return { ns, result };
    })
    .filter(({ ns }) => ns >= range.from && ns < range.to);
}

// The websocket cuts a time down to its millisecond; what is below is made up, and the same for everybody who asks.
function nanosecondsOf(event: ArchivedEvent): bigint {
  const { t = 0, q = 0 } = event;
  return BigInt(t) * NS_A_MS + BigInt((q * 7919) % 1_000_000);
}

/** [from, to) in nanoseconds of `timestamp`, `timestamp.gte` and so on: a number of nanoseconds, or an Eastern date. */
function rangeOf(query: URLSearchParams): { from: bigint; to: bigint } {
  let from = 0n;
  let to = 4_102_444_800_000n * NS_A_MS;
  const bound = (name: string, isUpper: boolean, isOutside: boolean): void => {
    const text = query.get(`timestamp${name}`);
    if (text === null) return;
    const date = /^\d{4}-/.test(text) ? parseEastern(text) : null;
    const start = date === null ? BigInt(text) : BigInt(epochMsFromEastern(date)) * NS_A_MS;
    const length = date === null ? 1n : BigInt(DAY_MS) * NS_A_MS;
    // An instant and a day are both ranges: `gt` and `lte` reach over their end.
    const at = isOutside ? start + length : start;
    if (isUpper) to = at < to ? at : to;
    else from = at > from ? at : from;
  };
  bound('', false, false);
  bound('', true, true);
  bound('.gte', false, false);
  bound('.gt', false, true);
  bound('.lt', true, false);
  bound('.lte', true, true);
  return { from, to };
}

function quote(event: ArchivedEvent, ns: bigint): Record<string, unknown> {
  const { q, bp, bs, ap, as } = event;
  // Nobody bids: the vendor leaves the side at 0.
  const sides = {
    ask_exchange: 308,
    ask_price: ap,
    ask_size: as,
    bid_exchange: 302,
    bid_price: bp,
    bid_size: bs,
  };
  return { ...sides, sequence_number: q, sip_timestamp: String(ns) };
}

// Options' trades carry no sequence number.
function optionTrade(event: ArchivedEvent, ns: bigint): Record<string, unknown> {
  const { p, s } = event;
  return { conditions: [233], exchange: 312, price: p, sip_timestamp: String(ns), size: s };
}

function print(event: ArchivedEvent, ns: bigint): Record<string, unknown> {
  const { p, q, s = 0, ds = 0 } = event;
  return {
    ...(s < 100 ? { conditions: [37] } : {}),
    exchange: 12,
    id: String(q),
    participant_timestamp: String(ns - 350_000n),
    price: p,
    sequence_number: q,
    sip_timestamp: String(ns),
    size: s,
    decimal_size: formatScaled(ds, 6, 1),
    tape: 3,
  };
}

/** Epoch milliseconds of the start of an Eastern date, or the number itself. Null for rubbish. */
export function epochMsOf(text: string): number | null {
  if (/^\d{9,16}$/.test(text)) return Number(text);
  const date = /^\d{4}-\d{2}-\d{2}$/.test(text) ? parseEastern(text) : null;
  return date === null ? null : epochMsFromEastern(date);
}

/** Start of the Eastern day of an instant, in epoch milliseconds. */
export function dayStartMs(epochMs: number): number {
  const eastern = easternFromEpochMs(epochMs);
  const midnight = (Math.floor(eastern / (DAY_MS * 1000)) * DAY_MS * 1000) as typeof eastern;
  return epochMsFromEastern(midnight);
}
