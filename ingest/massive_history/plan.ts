// What is left to download: pure, from the sessions asked for and the progress stored.
import type { EasternUs } from '../../core/eastern_time.ts';
import type { OsiSymbol } from '../../core/osi_symbol.ts';
import type { BarSpan, HistoryFeeds, TickKind } from './history_feeds.ts';
import type { ProgressBook } from './progress.ts';
import type { HistorySession } from './sessions.ts';

/** What the user wants. */
export interface HistoryRequest {
  /** The underlying. */
  readonly symbol: string;
  readonly isIndex: boolean;
  readonly sessions: readonly HistorySession[];
  readonly span: BarSpan;
  /** Of the options; empty without them. */
  readonly kinds: readonly TickKind[];
  /** Strikes nearest to the money at every instant. */
  readonly strikes: number;
  readonly feeds: HistoryFeeds;
}

/** Sessions in a row that one query covers. */
export interface BarChunk {
  readonly sessions: readonly HistorySession[];
  /** Where the first of them goes on; null is its beginning. */
  readonly from: EasternUs | null;
}

/** Quotes or trades of one contract in one session. */
export interface TickUnit {
  readonly symbol: OsiSymbol;
  readonly session: HistorySession;
  readonly kind: TickKind;
  /** Where it goes on; null is the beginning. */
  readonly from: EasternUs | null;
}

export interface ChainPlan {
  readonly session: HistorySession;
  /** Null while the contracts have to be listed and chosen. */
  readonly units: readonly TickUnit[] | null;
}

export interface Plan {
  readonly bars: readonly BarChunk[];
  readonly chains: readonly ChainPlan[];
}

// A page holds 50,000 bars: so many sessions of minutes, pre- and post-market included. Of seconds it holds about one.
const SESSIONS_A_CHUNK: Readonly<Record<BarSpan, number>> = { minute: 50, second: 1 };

/** What the progress does not say to be done. */
export function planDownload(request: HistoryRequest, book: ProgressBook): Plan {
  const chains = request.sessions.map((session) => planChain(request, book, session));
  return {
    bars: planBars(request, book),
    chains: chains.filter(({ units }) => units === null || units.length > 0),
  };
}

/** True where nothing is left. */
export function isComplete({ bars, chains }: Plan): boolean {
  return bars.length === 0 && chains.length === 0;
}

function planBars(request: HistoryRequest, book: ProgressBook): BarChunk[] {
  const { symbol, span, sessions } = request;
  const chunks: { sessions: HistorySession[]; from: EasternUs | null }[] = [];
  let isOpen = false;
  for (const session of sessions) {
    const progress = book.of({ symbol, sessionDate: session.sessionDate, kind: span });
    const last = chunks.at(-1);
    if (progress?.isDone === true) isOpen = false;
    // A session that was begun is the first of a query, which then starts where it stopped.
    else if (
      isOpen &&
      last !== undefined &&
      last.sessions.length < SESSIONS_A_CHUNK[span] &&
      !progress?.tsNext
    ) {
      last.sessions.push(session);
    } else {
      chunks.push({ sessions: [session], from: progress?.tsNext ?? null });
      isOpen = true;
    }
  }
  return chunks;
}

function planChain(request: HistoryRequest, book: ProgressBook, session: HistorySession): ChainPlan {
  if (request.kinds.length === 0) return { session, units: [] };
  const { symbol, strikes } = request;
  const listed = book.of({ symbol, sessionDate: session.sessionDate, kind: 'contracts' });
  const isEnough = listed?.isDone === true && (listed.strikes ?? 0) >= strikes;
  if (!isEnough) return { session, units: null };
  return { session, units: unitsOf(listed.contracts ?? [], session, request.kinds, book) };
}

/** The units of chosen contracts that are not done. */
export function unitsOf(
  contracts: readonly OsiSymbol[],
  session: HistorySession,
  kinds: readonly TickKind[],
  book: ProgressBook,
): TickUnit[] {
  return contracts.flatMap((symbol) =>
    kinds.flatMap((kind) => {
      const progress = book.of({ symbol, sessionDate: session.sessionDate, kind });
      return progress?.isDone === true ? [] : [{ symbol, session, kind, from: progress?.tsNext ?? null }];
    }),
  );
}
