// Quotes of a chain at a steady pace, as rows: for benchmarks of what reads and writes them, not of how they are parsed.
import type { OptionQuote } from '../core/domain.ts';
import { addMs, type EasternUs, parseEastern } from '../core/eastern_time.ts';
import { formatOsi, type OsiSymbol } from '../core/osi_symbol.ts';
import type { StreamBatch } from '../ingest/stream_writer.ts';
import { randomStream } from '../sim/random.ts';

const SOCKET_DELAY_MS = 20;
const FIRST_STRIKE = 500;

/** Symbols of a chain of one expiration, calls and puts. */
export function chainOf(contracts: number, expiration: string): OsiSymbol[] {
  return Array.from({ length: contracts }, (_, n) =>
    formatOsi({
      root: 'QQQ',
      expiration,
      option_kind: n % 2 === 0 ? 'call' : 'put',
      strike_e4: (FIRST_STRIKE + Math.floor(n / 2)) * 1e4,
    }),
  );
}

/** The instant of a session's day, e.g. `10:00`. */
export function timeOn(date: string, time: string): EasternUs {
  const us = parseEastern(`${date} ${time}`);
  if (us === null) throw new Error(`not a time: ${date} ${time}`);
  return us;
}

/** Endless batches of quotes in time order, of contracts drawn at random; `perSecond` is the pace of event time. */
export function* quoteBatches(options: {
  readonly symbols: readonly OsiSymbol[];
  readonly from: EasternUs;
  readonly perSecond: number;
  readonly rows: number;
}): Generator<StreamBatch, never, void> {
  const { symbols, from, perSecond, rows } = options;
  const random = randomStream(1, String(from), 'quotes');
  for (let n = 0; ; n += rows) {
    const quotes = Array.from({ length: rows }, (_, i): OptionQuote => {
      const ts_event = addMs(from, Math.floor(((n + i) * 1000) / perSecond));
      const bid_px_e4 = random.int(50, 400) * 100;
      const sizes = { bid_sz: random.int(1, 300), ask_sz: random.int(1, 300) };
      const symbol = symbols[random.int(0, symbols.length - 1)] as OsiSymbol;
      const ask_px_e4 = bid_px_e4 + random.int(1, 4) * 100;
      const times = { ts_event, event_ns: 0, ts_recv: addMs(ts_event, SOCKET_DELAY_MS) };
      return { symbol, seq: n + i + 1, bid_px_e4, ask_px_e4, ...sizes, ...times };
    });
    const completeTo = quotes.at(-1)?.ts_event ?? from;
    const receivedAt = addMs(completeTo, SOCKET_DELAY_MS);
    yield { ticks: [], quotes, trades: [], rejected: [], completeTo, receivedAt };
  }
}
