// A historical download from beginning to end: bars, then session by session the contracts and their quotes and trades.
import type pg from 'pg';
import type { Clock } from '../../core/clock.ts';
import { dateOf, formatEastern, type SessionDate } from '../../core/eastern_time.ts';
import { Failure } from '../../core/failure.ts';
import { barQuery, barReader } from './bar_pages.ts';
import { runInParallel } from './in_parallel.ts';
import { chooseAround, listContracts, type PriceRange } from './listing.ts';
import { followPages } from './pages.ts';
import {
  type BarChunk,
  type ChainPlan,
  type HistoryRequest,
  planDownload,
  type TickUnit,
  unitsOf,
} from './plan.ts';
import { loadProgress, type ProgressBook } from './progress.ts';
import type { RestClient } from './rest_client.ts';
import { rollUp } from './rollups.ts';
import type { HistorySession } from './sessions.ts';
import { createStore, type Store } from './store.ts';
import type { Tally } from './tally.ts';
import { tickQuery, tickReader } from './tick_pages.ts';
import { createTracker, type DownloadProgress, type Tracker } from './tracker.ts';

export interface DownloadOptions {
  readonly request: HistoryRequest;
  readonly rest: RestClient;
  /** A connection of ingest_writer, used by nobody else meanwhile. */
  readonly writer: pg.ClientBase;
  /** A connection of the owner of the rollups. */
  readonly owner: pg.ClientBase;
  /** Real time: it stamps what is received. */
  readonly clock: Clock;
  readonly tally: Tally;
  readonly signal: AbortSignal;
  readonly onProgress?: (progress: DownloadProgress) => void;
}

export interface DownloadResult {
  /** Sessions of which the vendor has no bars (yet), ascending; they are asked for again the next time. */
  readonly empty: readonly SessionDate[];
}

interface Run extends DownloadOptions {
  readonly store: Store;
  readonly book: ProgressBook;
  readonly tracker: Tracker;
}

// One answer is on its way while others are mapped and stored.
const WORKERS = 4;
const LOCK_TRIES = 8;
const LOCK_WAIT_MS = 250;

/**
 * Downloads what is left of a request. Every page is stored with its progress in one transaction, so that whatever ends it, the
 * next download goes on from there. Throws Failure on what the vendor refuses, or the signal's reason; the rollups are brought
 * up to date in any case.
 */
export async function download(options: DownloadOptions): Promise<DownloadResult> {
  const { request, writer, owner } = options;
  const unlock = await lock(options);
  try {
    const result = await downloadAll(options).catch(async (error: unknown) => {
      // The first error is the one to tell; the next download refreshes what this one could not.
      await rollUp({ writer, owner }, request).catch(() => undefined);
      throw error;
    });
    await rollUp({ writer, owner }, request);
    return result;
  } finally {
    await unlock();
  }
}

/** Two downloads of one thing would both count what only one of them stored. */
async function lock({ writer, request, clock, signal }: DownloadOptions): Promise<() => Promise<void>> {
  const name = `strikebase download ${request.feeds.prefix} ${request.symbol}`;
  for (let tries = 1; ; tries += 1) {
    const { rows } = await writer.query<{ is_ours: boolean }>(
      'select pg_try_advisory_lock(hashtextextended($1, 0)) as is_ours',
      [name],
    );
    if (rows[0]?.is_ours === true) break;
    if (tries === LOCK_TRIES) {
      throw new Failure(`another download of ${request.symbol} is under way`, {
        hint: 'Wait for it, or end it with Ctrl-C: this one would go on where it stopped.',
      });
    }
    // The server notices a moment late that a killed process has gone.
    await clock.sleep(LOCK_WAIT_MS, signal);
    signal.throwIfAborted();
  }
  return async () => {
    await writer.query('select pg_advisory_unlock(hashtextextended($1, 0))', [name]).catch(() => undefined);
  };
}

async function downloadAll(options: DownloadOptions): Promise<DownloadResult> {
  const { request, writer, clock } = options;
  const sessionDates = request.sessions.map((session) => session.sessionDate);
  const book = await loadProgress(writer, { feeds: request.feeds.prefix, sessionDates });
  const plan = planDownload(request, book);
  const store = createStore({
    client: writer,
    feeds: request.feeds.prefix,
    kind: request.isIndex ? 'index' : 'equity',
    now: clock.now,
  });
  const run: Run = { ...options, book, store, tracker: createTracker(plan, request, options.onProgress) };
  const empty: SessionDate[] = [];
  for (const chunk of plan.bars) empty.push(...(await downloadBars(run, chunk)));
  refuseUnknown(request, empty);
  for (const chain of plan.chains) {
    const { sessionDate } = chain.session;
    if (!empty.includes(sessionDate) && !(await downloadChain(run, chain))) empty.push(sessionDate);
  }
  return { empty: empty.sort() };
}

async function downloadBars(run: Run, chunk: BarChunk): Promise<readonly SessionDate[]> {
  const { request, rest, store, tally, clock, signal, tracker } = run;
  const { span } = request;
  const reader = barReader(request, chunk);
  for await (const page of followPages(rest, barQuery(request, chunk), signal)) {
    const parts = reader.read(page, clock.now());
    if (parts.length > 0) tally.add(span, 1, await store.write(parts));
    for (const { step } of parts) tracker.stored(`${step.sessionDate} ${span} bars`, step.isDone);
  }
  return reader.empty();
}

// The vendor answers a ticker that it does not know with an empty list.
function refuseUnknown({ symbol, sessions, span }: HistoryRequest, empty: readonly SessionDate[]): void {
  if (empty.length < sessions.length) return;
  const [first, last] = [empty[0], empty.at(-1)];
  throw new Failure(`Massive has no ${span} bars of ${symbol} from ${first} to ${last}`, {
    hint: 'Is the symbol right, was it listed then, and does the plan reach back so far?',
  });
}

/** False where the session has no bars to choose contracts by. */
async function downloadChain(run: Run, { session, units }: ChainPlan): Promise<boolean> {
  const left = units ?? (await listChain(run, session));
  if (left === null) return false;
  await runInParallel(left, { workers: WORKERS, signal: run.signal }, (unit, signal) =>
    downloadTicks(run, unit, signal),
  );
  return true;
}

/** Lists and chooses the contracts of a session; the units that are left of them. */
async function listChain(run: Run, session: HistorySession): Promise<readonly TickUnit[] | null> {
  const { request, rest, store, tally, clock, signal, tracker, book } = run;
  const { symbol, strikes } = request;
  const { sessionDate } = session;
  const range = await priceRange(run, session);
  if (range === null) return null;
  const today = dateOf(clock.now());
  const listing = await listContracts(rest, { underlying: symbol, sessionDate, today }, signal);
  const known = book.of({ symbol, sessionDate, kind: 'contracts' })?.contracts ?? [];
  const around = chooseAround(listing.contracts, range, strikes).map((contract) => contract.symbol);
  const contracts = [...new Set([...known, ...around])];
  // All of them are made known: which strikes are listed must not depend on where the price has been.
  const counts = await store.list(
    listing.contracts.map((contract) => contract.symbol),
    {
      symbol,
      sessionDate,
      kind: 'contracts',
      isDone: true,
      tsNext: null,
      pages: listing.pages,
      strikes,
      contracts,
    },
    listing.skipped,
    request.feeds.options,
  );
  tally.add('contracts', listing.pages, counts);
  const units = unitsOf(contracts, session, request.kinds, book);
  tracker.listed(units.length);
  tracker.stored(`${sessionDate} contracts`, true);
  return units;
}

/** Where the closes of the session's bars went; null without bars. */
async function priceRange(run: Run, session: HistorySession): Promise<PriceRange | null> {
  const { request, writer } = run;
  const { rows } = await writer.query<{ low_e4: number | null; high_e4: number | null }>(
    `select min(t.close_e4) as low_e4, max(t.close_e4) as high_e4
     from market.equity_ticks t
     join ref.instruments i on i.instrument_id = t.instrument_id
     join ref.feeds f on f.feed_id = t.feed_id
     where i.symbol = $1 and f.name = $2 and t.ts_event >= $3 and t.ts_event < $4`,
    [
      request.symbol,
      request.feeds.bars[request.span].name,
      formatEastern(session.tsOpen),
      formatEastern(session.tsClose),
    ],
  );
  const { low_e4 = null, high_e4 = null } = rows[0] ?? {};
  return low_e4 === null || high_e4 === null ? null : { low_e4, high_e4 };
}

async function downloadTicks(run: Run, unit: TickUnit, signal: AbortSignal): Promise<void> {
  const { request, rest, store, tally, clock, tracker } = run;
  const read = tickReader(request, unit);
  for await (const page of followPages(rest, tickQuery(unit), signal)) {
    const part = read(page, clock.now());
    tally.add(unit.kind, 1, await store.write([part]));
    tracker.stored(`${unit.session.sessionDate} ${unit.kind}`, part.step.isDone);
  }
}
