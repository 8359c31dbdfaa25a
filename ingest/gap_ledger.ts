// The ledger of a stream's gaps, ops.feed_gaps: opened when events are missed, closed when they flow again, filled by REST.
import { type EasternUs, formatEastern, parseEastern } from '../core/eastern_time.ts';
import type { StreamWriter } from './stream_writer.ts';

export type GapCause = 'start' | 'restart' | 'disconnect' | 'mute' | 'spool_overflow' | 'unreadable';

/** A gap whose end is known and that has not been filled. Event times, `to` exclusive. */
export interface UnfilledGap {
  readonly gapId: number;
  readonly from: EasternUs;
  readonly to: EasternUs;
  readonly cause: GapCause;
  readonly attempts: number;
}

/** Event time in which a stream has data; [from, to). */
export interface DataRange {
  readonly from: EasternUs;
  readonly to: EasternUs;
}

export interface GapLedger {
  /**
   * Finds out what an earlier process has left undone and opens the gap from its last committed event, or from the beginning of
   * today's data if there is none yet and `needsHistory`, until now; `close` ends it. False if nothing can be missing.
   */
  begin(range: DataRange, at: { readonly now: EasternUs; readonly needsHistory: boolean }): Promise<boolean>;
  /** Opens a gap that lasts. One of this cause that lasts already stays as it is. */
  open(gap: { cause: GapCause; from: EasternUs; at: EasternUs; detail: string | null }): Promise<void>;
  /** Ends every gap of the stream that lasts. */
  close(to: EasternUs): Promise<void>;
  /** Adds a gap that is over; one of the same cause just before it grows instead. */
  add(gap: { cause: GapCause; from: EasternUs; to: EasternUs; at: EasternUs; detail: string }): Promise<void>;
  /** The latest first. */
  unfilled(): Promise<readonly UnfilledGap[]>;
  noteFailure(gap: UnfilledGap, detail: string): Promise<void>;
  noteFilled(gap: UnfilledGap, rows: number, at: EasternUs): Promise<void>;
}

const MARK_SQL = `
  select
    (select m.ts_high_water from ops.stream_marks m where m.feed_id = $1 and m.stream = $2) as mark,
    (select min(g.ts_from) from ops.feed_gaps g where g.feed_id = $1 and g.stream = $2 and g.ts_to is null) as lasting`;

// When the data of a session `s` ends: what an earlier one lacks reaches no further.
const DATA_ENDS = { equity: "s.ts_close + interval '30 minutes'", option: 's.ts_option_close' } as const;

// A gap begins where the process that opened it had read to; what it had read and not stored is missing as well.
const REACH_BACK_SQL = `
  update ops.feed_gaps set ts_from = $3 where feed_id = $1 and stream = $2 and ts_to is null and ts_from > $3::timestamp`;

const endEarlierSql = (ends: string): string => `
  update ops.feed_gaps g
  set ts_to = greatest(g.ts_from, least($3::timestamp, coalesce(
    (select ${ends} from ref.sessions s where s.session_date = g.ts_from::date), $3::timestamp)))
  where g.feed_id = $1 and g.stream = $2 and g.ts_to is null and g.ts_from < $3::timestamp`;

// The last minute of a session may well be empty.
const addEarlierSql = (ends: string): string => `
  insert into ops.feed_gaps (feed_id, stream, ts_opened, ts_from, ts_to, cause)
  select $1, $2, $4, $3::timestamp, ${ends}, 'restart'
  from ref.sessions s
  where s.session_date = $3::timestamp::date
    and ${ends} > $3::timestamp + interval '1 minute'
    and not exists (
      select from ops.feed_gaps g
      where g.feed_id = $1 and g.stream = $2 and g.ts_to >= ${ends} and g.ts_from <= $3::timestamp
    )`;

const OPEN_SQL = `
  insert into ops.feed_gaps (feed_id, stream, ts_opened, ts_from, cause, detail) values ($1, $2, $3, $4, $5, $6)
  on conflict (feed_id, stream, cause) where ts_to is null do nothing`;

const CLOSE_SQL = `
  update ops.feed_gaps set ts_to = greatest(ts_from, $3::timestamp) where feed_id = $1 and stream = $2 and ts_to is null`;

const GROW_SQL = `
  with grown as (
    update ops.feed_gaps set ts_to = greatest(ts_to, $5::timestamp)
    where feed_id = $1 and stream = $2 and cause = $6 and ts_filled is null and attempts = 0
      and ts_from <= $4::timestamp and ts_to >= $4::timestamp - interval '1 minute'
    returning gap_id
  )
  insert into ops.feed_gaps (feed_id, stream, ts_opened, ts_from, ts_to, cause, detail)
  select $1, $2, $3, $4, $5, $6, $7 where not exists (select from grown)`;

const UNFILLED_SQL = `
  select gap_id, ts_from, ts_to, cause, attempts from ops.feed_gaps
  where feed_id = $1 and stream = $2 and ts_to is not null and ts_filled is null
  order by ts_from desc, gap_id`;

const FAILED_SQL = 'update ops.feed_gaps set attempts = attempts + 1, detail = $2 where gap_id = $1';

const FILLED_SQL = `
  update ops.feed_gaps set attempts = attempts + 1, rows_filled = coalesce(rows_filled, 0) + $2, ts_filled = $3
  where gap_id = $1 and ts_to = $4`;

/** The ledger of the writer's stream, of equities or options. */
export function createGapLedger(writer: StreamWriter, kind: 'equity' | 'option'): GapLedger {
  const of = [writer.feedId, writer.stream];
  const ends = DATA_ENDS[kind];

  const begin: GapLedger['begin'] = async (range, { now, needsHistory }) => {
    const from = formatEastern(range.from);
    await writer.query(endEarlierSql(ends), [...of, from]);
    const [row] = await writer.query<{ mark: string | null; lasting: string | null }>(MARK_SQL, of);
    const mark = row?.mark == null ? null : parseEastern(row.mark);
    if (mark !== null && mark < range.from)
      await writer.query(addEarlierSql(ends), [...of, formatEastern(mark), formatEastern(now)]);
    const isKnown = mark !== null && mark >= range.from;
    if (row?.lasting != null) {
      if (isKnown) await writer.query(REACH_BACK_SQL, [...of, formatEastern(mark)]);
      return true;
    }
    if (now <= range.from || now >= range.to) return false;
    if (isKnown ? mark >= now : !needsHistory) return false;
    const gap = { from: isKnown ? mark : range.from, cause: isKnown ? 'restart' : 'start' } as const;
    await open({ ...gap, at: now, detail: null });
    return true;
  };

  const open: GapLedger['open'] = async ({ cause, from, at, detail }) => {
    await writer.query(OPEN_SQL, [...of, formatEastern(at), formatEastern(from), cause, detail]);
  };

  return {
    begin,
    open,
    close: async (to) => {
      await writer.query(CLOSE_SQL, [...of, formatEastern(to)]);
    },
    add: async ({ cause, from, to, at, detail }) => {
      const times = [formatEastern(at), formatEastern(from), formatEastern(to)];
      await writer.query(GROW_SQL, [...of, ...times, cause, detail]);
    },
    unfilled: async () => {
      const rows = await writer.query<GapRow>(UNFILLED_SQL, of);
      return rows.map(toGap);
    },
    noteFailure: async (gap, detail) => {
      await writer.query(FAILED_SQL, [gap.gapId, detail.slice(0, 500)]);
    },
    noteFilled: async (gap, rows, at) => {
      // Had it grown meanwhile, it is filled again.
      await writer.query(FILLED_SQL, [gap.gapId, rows, formatEastern(at), formatEastern(gap.to)]);
    },
  };
}

interface GapRow {
  readonly gap_id: number;
  readonly ts_from: string;
  readonly ts_to: string;
  readonly cause: GapCause;
  readonly attempts: number;
}

function toGap({ gap_id, ts_from, ts_to, cause, attempts }: GapRow): UnfilledGap {
  const [from, to] = [parseEastern(ts_from) as EasternUs, parseEastern(ts_to) as EasternUs];
  return { gapId: gap_id, from, to, cause, attempts };
}
