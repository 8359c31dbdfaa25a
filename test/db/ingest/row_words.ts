// Rows in words: what the simulated vendor has on record, and what is in the database, in the same words.
import type pg from 'pg';
import { type EasternUs, formatEastern } from '../../../core/eastern_time.ts';
import { toMassive } from '../../../core/osi_symbol.ts';
import type { MassiveSimulator } from '../../../sim/massive_server.ts';
import { noteFault } from '../../fault_notes.ts';

export const UNDERLYING = 'QQQ';

/** A row in words: equal rows have equal words. */
export type RowWords = readonly string[];

const NULL_PX = 'none';

type Kind = 'seconds' | 'prints' | 'quotes' | 'optionPrints';
const looked: { recorded: Map<Kind, RowWords>; stored: Map<Kind, RowWords> } = {
  recorded: new Map(),
  stored: new Map(),
};

// A test looks at both books, in either order: when it has, the fault programme is told what is missing in ours.
function look(book: keyof typeof looked, kind: Kind, rows: RowWords): RowWords {
  looked[book].set(kind, rows);
  const recorded = looked.recorded.get(kind);
  const found = looked.stored.get(kind);
  if (recorded === undefined || found === undefined) return rows;
  looked.recorded.delete(kind);
  looked.stored.delete(kind);
  const ours = new Set(found);
  noteFault({ lostRows: recorded.filter((row) => !ours.has(row)).length });
  return rows;
}

/** Seconds of the underlying that the vendor has on record. */
export function recordedSeconds(simulator: MassiveSimulator, from: EasternUs, to: EasternUs): RowWords {
  const rows = simulator
    .recorded(`A.${UNDERLYING}`, from, to)
    .map(({ s, o, h, l, c, dv, vw = 0 }) => [s, ...[o, h, l, c].map(e4), dv, Math.round(vw * 1e6)].join(' '))
    .sort();
  return look('recorded', 'seconds', rows);
}

/** Prints of the underlying that the vendor has on record. */
export function recordedPrints(simulator: MassiveSimulator, from: EasternUs, to: EasternUs): RowWords {
  const rows = simulator
    .recorded(`T.${UNDERLYING}`, from, to)
    .map((event) => [event.t, event.q, e4(event.p), event.ds].join(' '))
    .sort();
  return look('recorded', 'prints', rows);
}

/** Quotes of all contracts that the vendor has on record. */
export function recordedQuotes(simulator: MassiveSimulator, from: EasternUs, to: EasternUs): RowWords {
  const rows = simulator.contracts
    .flatMap(({ symbol }) =>
      simulator.recorded(`Q.${toMassive(symbol)}`, from, to).map((event) => {
        const bid = event.bp === 0 ? NULL_PX : `${e4(event.bp)} ${event.bs}`;
        return `${symbol} ${event.t} ${event.q} ${bid} ${e4(event.ap)} ${event.as}`;
      }),
    )
    .sort();
  return look('recorded', 'quotes', rows);
}

/** Prints of all contracts that the vendor has on record; REST does not number them. */
export function recordedOptionPrints(simulator: MassiveSimulator, from: EasternUs, to: EasternUs): RowWords {
  const rows = simulator.contracts
    .flatMap(({ symbol }) =>
      simulator
        .recorded(`T.${toMassive(symbol)}`, from, to)
        .map((event) => `${symbol} ${event.t} ${e4(event.p)} ${event.s}`),
    )
    .sort();
  return look('recorded', 'optionPrints', rows);
}

function e4(price: number | undefined): number {
  return Math.round((price ?? 0) * 1e4);
}

const EPOCH_MS = '(extract(epoch from ref.instant(t.ts_event)) * 1000)::bigint';

const STORED = {
  seconds: {
    table: 'market.equity_ticks',
    words: `concat_ws(' ', ${EPOCH_MS}, t.open_e4, t.high_e4, t.low_e4, t.close_e4, t.volume_e6, t.vwap_e6)`,
  },
  prints: {
    table: 'market.equity_ticks',
    words: `concat_ws(' ', ${EPOCH_MS}, t.seq, t.close_e4, t.volume_e6)`,
  },
  quotes: {
    table: 'market.option_quotes',
    words: `concat_ws(' ', i.symbol, ${EPOCH_MS}, t.seq, coalesce(t.bid_px_e4 || ' ' || t.bid_sz, '${NULL_PX}'), t.ask_px_e4, t.ask_sz)`,
  },
  optionPrints: {
    table: 'market.option_trades',
    words: `concat_ws(' ', i.symbol, ${EPOCH_MS}, t.px_e4, t.sz)`,
  },
} as const;

/** Stored rows of a feed in [from, to), in the words of what is on record. */
export async function stored(
  pool: pg.Pool,
  kind: keyof typeof STORED,
  of: { readonly feed: string; readonly from: EasternUs; readonly to: EasternUs },
): Promise<RowWords> {
  const { table, words } = STORED[kind];
  const { rows } = await pool.query<{ words: string }>(
    `select ${words} as words
     from ${table} t
     join ref.feeds f on f.feed_id = t.feed_id
     join ref.instruments i on i.instrument_id = t.instrument_id
     where f.name = $1 and t.ts_event >= $2 and t.ts_event < $3`,
    [of.feed, formatEastern(of.from), formatEastern(of.to)],
  );
  return look('stored', kind, rows.map((row) => row.words).sort());
}

/** The gaps of a feed, oldest first. */
export async function gapsOf(
  pool: pg.Pool,
  feed: string,
): Promise<
  { cause: string; is_over: boolean; is_filled: boolean; rows_filled: number | null; detail: string | null }[]
> {
  const { rows } = await pool.query(
    `select g.cause, g.ts_to is not null as is_over, g.ts_filled is not null as is_filled, g.rows_filled::integer, g.detail
     from ops.feed_gaps g join ref.feeds f on f.feed_id = g.feed_id where f.name = $1 order by g.gap_id`,
    [feed],
  );
  return rows;
}
