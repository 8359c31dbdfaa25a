// The simulated Massive's aggregates by REST (reference A2.3): bars of any span, built from the tape's seconds or prints.
import type { Archive, ArchivedEvent } from './massive_archive.ts';
import type { RestPage } from './massive_rest_page.ts';
import { dayStartMs, epochMsOf } from './massive_rest_ticks.ts';

export interface BarRequest {
  readonly ticker: string;
  readonly multiplier: number;
  readonly timespan: string;
  readonly from: string;
  readonly to: string;
  readonly query: URLSearchParams;
  readonly untilMs: number;
}

export interface Bar {
  readonly t: number;
  readonly o: number;
  readonly h: number;
  readonly l: number;
  readonly c: number;
  readonly v: number;
  readonly vw: number;
  readonly n: number;
}

const SPANS_MS: Readonly<Record<string, number>> = {
  second: 1000,
  minute: 60_000,
  hour: 3_600_000,
  day: 86_400_000,
};
// What a page's limit counts: bars of hours are made of minutes.
const BASES_MS: Readonly<Record<string, number>> = {
  second: 1000,
  minute: 60_000,
  hour: 60_000,
  day: 86_400_000,
};
const DEFAULT_LIMIT = 5000;
const MAX_LIMIT = 50_000;
const DAY_MS = 86_400_000;

/** One page of bars; null where the path is not one of this endpoint's. */
export function barPage(archive: Archive, request: BarRequest): RestPage | null {
  const { query, multiplier, timespan } = request;
  const spanMs = SPANS_MS[timespan];
  const fromMs = epochMsOf(request.from);
  const toMs = epochMsOf(request.to);
  if (spanMs === undefined || fromMs === null || toMs === null || !(multiplier > 0)) return null;
  // A date means its whole day, an instant itself.
  const endMs = toMs + (request.to.includes('-') ? DAY_MS : 1);
  const range = { fromMs: floorTo(fromMs, spanMs * multiplier), toMs: endMs, untilMs: request.untilMs };
  const bases = group(piecesOf(archive, request.ticker, range), BASES_MS[timespan] as number);
  const isDescending = query.get('sort') === 'desc';
  if (isDescending) bases.reverse();
  const limit = Math.min(
    MAX_LIMIT,
    Math.max(1, Number(query.get('limit') ?? DEFAULT_LIMIT) || DEFAULT_LIMIT),
  );
  const offset = Number(query.get('offset') ?? 0);
  const taken = bases.slice(offset, offset + limit);
  const results = group(isDescending ? taken.reverse() : taken, spanMs * multiplier);
  if (isDescending) results.reverse();
  return { results, next: offset + limit < bases.length ? { offset: String(offset + limit) } : null };
}

function floorTo(ms: number, spanMs: number): number {
  return spanMs >= DAY_MS ? dayStartMs(ms) : Math.floor(ms / spanMs) * spanMs;
}

function piecesOf(archive: Archive, ticker: string, range: Parameters<Archive['read']>[1]): Bar[] {
  if (ticker.startsWith('O:')) return archive.read(`T.${ticker}`, range).map(barOfTrade);
  return archive.read(`A.${ticker}`, range).map(barOfSecond);
}

function barOfTrade({ t = 0, p = 0, s = 0 }: ArchivedEvent): Bar {
  return { t, o: p, h: p, l: p, c: p, v: s, vw: p, n: 1 };
}

function barOfSecond({ s: t = 0, o = 0, h = 0, l = 0, c = 0, dv = 0, vw = 0, n = 0 }: ArchivedEvent): Bar {
  return { t, o, h, l, c, v: dv / 1e6, vw, n };
}

/** Bars of `spanMs` from shorter ones in order. */
function group(pieces: readonly Bar[], spanMs: number): Bar[] {
  const bars: Bar[] = [];
  for (const piece of pieces) {
    const t = floorTo(piece.t, spanMs);
    const last = bars.at(-1);
    if (last?.t === t) bars[bars.length - 1] = joined(last, piece);
    else bars.push({ ...piece, t });
  }
  return bars;
}

// In millionths: sums of fractional volumes must not depend on how the bars were cut.
function joined(a: Bar, b: Bar): Bar {
  const v = (Math.round(a.v * 1e6) + Math.round(b.v * 1e6)) / 1e6;
  const vw = v === 0 ? a.vw : Math.round(((a.vw * a.v + b.vw * b.v) / v) * 1e4) / 1e4;
  return { t: a.t, o: a.o, h: Math.max(a.h, b.h), l: Math.min(a.l, b.l), c: b.c, v, vw, n: a.n + b.n };
}
