// The quotes of contracts that we hold: a stream can be lively while one contract of it says nothing any more.
import { addMs, type EasternUs } from '../core/eastern_time.ts';
import type { OsiSymbol } from '../core/osi_symbol.ts';
import type { QuoteRange } from './quote_columns.ts';

/** A held contract whose quotes have stopped, or have come back. */
export interface HeldChange {
  readonly symbol: OsiSymbol;
  readonly state: 'mute' | 'live';
  readonly at: EasternUs;
  readonly reason: string | null;
}

export interface HeldWatchOptions {
  readonly muteAfterMs: number;
  /** True while quotes must come: only then is silence mute. */
  readonly isBusy: (now: EasternUs) => boolean;
  readonly onChange: (change: HeldChange) => void;
}

export interface HeldWatch {
  /** Every quote that was received, by its own time: old quotes said again are no news. */
  observe(
    quotes: readonly { readonly symbol: OsiSymbol; readonly ts_event: EasternUs }[],
    now: EasternUs,
  ): void;
  /** The same of quotes as columns. */
  observeColumns(quotes: QuoteRange, now: EasternUs): void;
  /** Looks at the contracts that are held now. */
  check(held: readonly OsiSymbol[], now: EasternUs): void;
}

interface Watched {
  /** Time of its latest quote; null before the first. */
  quoted: EasternUs | null;
  /** When that was news, or when it began to be watched. */
  since: EasternUs;
  isMute: boolean;
}

/** A watch over held contracts. */
export function createHeldWatch({ muteAfterMs, isBusy, onChange }: HeldWatchOptions): HeldWatch {
  const watched = new Map<OsiSymbol, Watched>();

  function judge(symbol: OsiSymbol, each: Watched, now: EasternUs): void {
    const isSilent = addMs(each.since, muteAfterMs) <= now;
    if (isSilent === each.isMute) return;
    each.isMute = isSilent;
    const reason = isSilent ? `no newer quote for ${Math.round((now - each.since) / 1000)} ms` : null;
    onChange({ symbol, state: isSilent ? 'mute' : 'live', at: now, reason });
  }

  function observeOne(symbol: OsiSymbol, ts_event: EasternUs, now: EasternUs): void {
    const each = watched.get(symbol);
    if (each === undefined || (each.quoted !== null && ts_event <= each.quoted)) return;
    each.quoted = ts_event;
    each.since = now;
    if (each.isMute) judge(symbol, each, now);
  }

  return {
    observe: (quotes, now) => {
      for (const { symbol, ts_event } of quotes) observeOne(symbol, ts_event, now);
    },
    observeColumns: ({ columns, from, to }, now) => {
      if (watched.size === 0) return;
      for (let n = from; n < to; n += 1) {
        const symbol = columns.contracts.symbols[columns.contract[n] as number] as OsiSymbol;
        observeOne(symbol, columns.ts_event[n] as EasternUs, now);
      }
    },
    check: (held, now) => {
      for (const symbol of watched.keys()) if (!held.includes(symbol)) watched.delete(symbol);
      for (const symbol of held) {
        const each = watched.get(symbol) ?? { quoted: null, since: now, isMute: false };
        watched.set(symbol, each);
        // A closed market is silent, and that is no reason to wake anybody.
        if (!isBusy(now)) each.since = now;
        judge(symbol, each, now);
      }
    },
  };
}
