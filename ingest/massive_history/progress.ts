// ops.downloads: what is stored of each (symbol, session, kind), and where to go on.
import type pg from 'pg';
import { type EasternUs, formatEastern, parseEastern, type SessionDate } from '../../core/eastern_time.ts';
import type { OsiSymbol } from '../../core/osi_symbol.ts';
import type { HistoryKind } from './history_feeds.ts';

/** Of what a row of ops.downloads tells. */
export interface UnitKey {
  /** The underlying, or the OSI symbol of a contract. */
  readonly symbol: string;
  readonly sessionDate: SessionDate;
  readonly kind: HistoryKind;
}

export interface UnitProgress extends UnitKey {
  readonly isDone: boolean;
  /** Event time to go on from; null before the first row. */
  readonly tsNext: EasternUs | null;
  readonly pages: number;
  readonly inserted: number;
  readonly isRolledUp: boolean;
  /** Of kind contracts only: what was chosen, and by which number of strikes. */
  readonly strikes: number | null;
  readonly contracts: readonly OsiSymbol[] | null;
}

/** What a page adds to a unit's progress. */
export interface UnitStep extends UnitKey {
  readonly isDone: boolean;
  /** Null leaves it where it is. */
  readonly tsNext: EasternUs | null;
  readonly pages: number;
  readonly inserted: number;
  readonly duplicate: number;
  readonly rejected: number;
  readonly strikes?: number;
  readonly contracts?: readonly OsiSymbol[];
}

/** The progress known of a download, by unit. */
export interface ProgressBook {
  of(key: UnitKey): UnitProgress | null;
}

const LOAD = `
  select d.symbol, d.session_date::text, d.kind, d.ts_done is not null as is_done, d.ts_next, d.pages, d.rows_in, d.is_rolled_up,
    d.strikes, d.contracts
  from ops.downloads d
  where d.feeds = $1 and d.session_date = any ($2::date[])`;

// Dates and times come as text: the rows' own types would read them again.
const SAVE = `
  insert into ops.downloads as d (
    feeds, symbol, session_date, kind, ts_started, ts_updated, ts_done, ts_next, pages, rows_in, rows_duplicate, rows_rejected,
    strikes, contracts
  )
  select $1, s.symbol, s.session_date, s.kind, $2, $2, case when s.is_done then $2::timestamp end, s.ts_next, s.pages, s.inserted,
    s.duplicate, s.rejected, s.strikes, s.contracts
  from jsonb_to_recordset($3) as s (
    symbol text, session_date date, kind text, is_done boolean, ts_next timestamp, pages integer, inserted bigint, duplicate bigint,
    rejected bigint, strikes integer, contracts text[]
  )
  on conflict on constraint downloads_pk do update set
    ts_updated = excluded.ts_updated,
    ts_done = coalesce(excluded.ts_done, d.ts_done),
    ts_next = coalesce(excluded.ts_next, d.ts_next),
    pages = d.pages + excluded.pages,
    rows_in = d.rows_in + excluded.rows_in,
    rows_duplicate = d.rows_duplicate + excluded.rows_duplicate,
    rows_rejected = d.rows_rejected + excluded.rows_rejected,
    is_rolled_up = d.is_rolled_up and excluded.rows_in = 0,
    strikes = excluded.strikes,
    contracts = excluded.contracts`;

interface StoredRow {
  readonly symbol: string;
  readonly session_date: SessionDate;
  readonly kind: HistoryKind;
  readonly is_done: boolean;
  readonly ts_next: string | null;
  readonly pages: number;
  readonly rows_in: number;
  readonly is_rolled_up: boolean;
  readonly strikes: number | null;
  readonly contracts: readonly OsiSymbol[] | null;
}

function keyText({ symbol, sessionDate, kind }: UnitKey): string {
  return `${symbol} ${sessionDate} ${kind}`;
}

/** Reads the progress of all units of the sessions. */
export async function loadProgress(
  client: pg.ClientBase,
  of: { readonly feeds: string; readonly sessionDates: readonly SessionDate[] },
): Promise<ProgressBook> {
  const { rows } = await client.query<StoredRow>(LOAD, [of.feeds, of.sessionDates]);
  const units = new Map<string, UnitProgress>();
  for (const row of rows) {
    const unit: UnitProgress = {
      symbol: row.symbol,
      sessionDate: row.session_date,
      kind: row.kind,
      isDone: row.is_done,
      tsNext: row.ts_next === null ? null : parseEastern(row.ts_next),
      pages: row.pages,
      inserted: row.rows_in,
      isRolledUp: row.is_rolled_up,
      strikes: row.strikes,
      contracts: row.contracts,
    };
    units.set(keyText(unit), unit);
  }
  return { of: (key) => units.get(keyText(key)) ?? null };
}

/** Adds steps to the progress, in the transaction that stores their rows. */
export async function saveProgress(
  client: pg.ClientBase,
  at: { readonly feeds: string; readonly now: EasternUs },
  steps: readonly UnitStep[],
): Promise<void> {
  if (steps.length === 0) return;
  const rows = steps.map((step) => ({
    symbol: step.symbol,
    session_date: step.sessionDate,
    kind: step.kind,
    is_done: step.isDone,
    ts_next: step.tsNext === null ? null : formatEastern(step.tsNext),
    pages: step.pages,
    inserted: step.inserted,
    duplicate: step.duplicate,
    rejected: step.rejected,
    strikes: step.strikes ?? null,
    contracts: step.contracts ?? null,
  }));
  await client.query({
    name: 'save_progress',
    text: SAVE,
    values: [at.feeds, formatEastern(at.now), JSON.stringify(rows)],
  });
}

/** Says that the rollups hold every bar of these units. */
export async function markRolledUp(
  client: pg.ClientBase,
  feeds: string,
  of: { readonly symbol: string; readonly kind: HistoryKind; readonly sessionDates: readonly SessionDate[] },
): Promise<void> {
  await client.query(
    `update ops.downloads d set is_rolled_up = true
     where d.feeds = $1 and d.symbol = $2 and d.kind = $3 and d.session_date = any ($4::date[])`,
    [feeds, of.symbol, of.kind, of.sessionDates],
  );
}
