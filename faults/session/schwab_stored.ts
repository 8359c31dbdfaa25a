// What the simulated vendor has sent, event by event, against the rows of it that are stored.
import {
  type EasternUs,
  easternFromEpochMs,
  epochMsFromEastern,
  formatEastern,
  parseEastern,
} from '../../core/eastern_time.ts';
import { toOsi } from '../../core/osi_symbol.ts';
import type { MassiveSimulator } from '../../sim/massive_server.ts';
import type { Market, WireEvent } from '../../sim/wire.ts';
import type { Stage } from './stage.ts';
import type { Stored } from './venue.ts';

export interface SentLog {
  readonly note: (market: Market, events: readonly WireEvent[]) => void;
  /** By pair: times (epoch ms), and in turn what tells events of one time apart. */
  readonly pairs: ReadonlyMap<string, readonly number[]>;
  /** Events, repeated ones too. */
  count(): number;
}

export function createSentLog(): SentLog {
  const pairs = new Map<string, number[]>();
  let count = 0;
  return {
    pairs,
    count: () => count,
    note: (_market, events) => {
      for (const { pair, event } of events) {
        const list = pairs.get(pair) ?? [];
        pairs.set(pair, list);
        list.push(Number(event.ev === 'A' ? event.s : event.t), tagOf(event));
        count += 1;
      }
    },
  };
}

/** Of a quote its sequence number; of a print, which REST gives back without one, its price. */
function tagOf({ ev, q, p }: WireEvent['event']): number {
  return ev === 'A' ? 0 : ev === 'Q' ? Number(q) : Math.round(Number(p) * 10_000);
}

interface Vendor {
  readonly market: MassiveSimulator;
  readonly sent: SentLog;
}

interface Gap {
  readonly stream: string;
  readonly from: EasternUs;
  readonly to: EasternUs;
  readonly isFilled: boolean;
}

const GAPS_SQL = `
  select g.stream, g.ts_from::text, coalesce(g.ts_to, 'infinity')::text as ts_to, g.ts_filled is not null as is_filled
  from ops.feed_gaps g order by g.gap_id`;

const ROWS_SQL = {
  Q: 'select (extract(epoch from t.ts_event) * 1000)::bigint::text as ms, t.seq::text as tag from market.option_quotes t',
  T: 'select (extract(epoch from t.ts_event) * 1000)::bigint::text as ms, t.px_e4::text as tag from market.option_trades t',
  A: "select (extract(epoch from t.ts_event) * 1000)::bigint::text as ms, '0' as tag from market.equity_ticks t",
} as const;

const END_OF_TIME = Number.MAX_SAFE_INTEGER as EasternUs;

/** Holds every event that was sent, and every second of the equity that a gap was filled with, against the tables. */
export async function checkSent(stage: Stage, vendor: Vendor): Promise<Stored> {
  const gaps = (
    await stage.rows<{ stream: string; ts_from: string; ts_to: string; is_filled: boolean }>(GAPS_SQL)
  ).map(
    ({ stream, ts_from, ts_to, is_filled }): Gap => ({
      ...{ stream, isFilled: is_filled, from: parseEastern(ts_from) as EasternUs },
      to: ts_to === 'infinity' ? END_OF_TIME : (parseEastern(ts_to) as EasternUs),
    }),
  );
  const total = { expected: 0, stored: 0, inGaps: 0, lost: [] as string[] };
  for (const pair of vendor.sent.pairs.keys()) {
    const kind = pair.slice(0, 1) as keyof typeof ROWS_SQL;
    const stream = kind === 'A' ? 'equities' : 'options';
    const mine = gaps.filter((gap) => gap.stream === stream);
    const rows = await rowsOf(stage, pair, kind);
    for (const key of expectedOf(vendor, pair, mine)) {
      total.expected += 1;
      if (rows.has(key)) {
        total.stored += 1;
        continue;
      }
      const at = easternFromEpochMs(Number(key.split(' ')[0]));
      if (mine.some((gap) => !gap.isFilled && at >= gap.from && at < gap.to)) total.inGaps += 1;
      else total.lost.push(`${pair} of ${formatEastern(at)} was sent and is not stored`);
    }
  }
  return { what: `${vendor.sent.count().toLocaleString('en-US')} events sent`, problems: [], ...total };
}

/** Keys, time and tag, of what must be stored. */
function expectedOf({ sent, market }: Vendor, pair: string, gaps: readonly Gap[]): Set<string> {
  const keys = new Set<string>();
  const list = sent.pairs.get(pair) ?? [];
  for (let i = 0; i < list.length; i += 2) keys.add(`${list[i]} ${list[i + 1]}`);
  if (!pair.startsWith('A.')) return keys;
  for (const { from, to } of gaps.filter(({ isFilled }) => isFilled))
    for (const event of market.recorded(pair, from, to)) keys.add(`${event.s} 0`);
  return keys;
}

async function rowsOf({ rows }: Stage, pair: string, kind: keyof typeof ROWS_SQL): Promise<Set<string>> {
  const ticker = pair.slice(2);
  const symbol = kind === 'A' ? ticker : toOsi(ticker);
  const found = await rows<{ ms: string; tag: string }>(
    `${ROWS_SQL[kind]} join ref.instruments i using (instrument_id) where i.symbol = $1`,
    [symbol],
  );
  return new Set(
    found.map(({ ms, tag }) => `${epochMsFromEastern((Number(ms) * 1000) as EasternUs)} ${tag}`),
  );
}
