// The recorded minute bars and VIX of ../shared/data, or simulated ones of the same days where there are none, and their import.
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type pg from 'pg';
import { addMs, type EasternUs, easternFromEpochMs, formatEastern } from '../core/eastern_time.ts';
import { projectPath } from '../core/root.ts';
import { type ImportOptions, openImport } from '../ingest/files/index.ts';
import { type ImportResult, importFile, loadSessions } from '../ingest/import.ts';
import { modelledFeedId, modelSession, sessionsToModel } from '../jobs/model_quotes.ts';
import { type SessionTimes, sessionsIn } from '../jobs/run.ts';
import { type MarketSecond, marketSeconds } from '../sim/market.ts';
import { sessionHours } from '../sim/session.ts';
import type { Bench } from './support.ts';

const SHARED = projectPath('..', 'shared', 'data');
const RECORDED_BARS = join(SHARED, 'qqq_1m_sip_2025_2026', 'QQQ_1Min_2025-09-21_2026-03-21.csv');
const RECORDED_VIX = join(SHARED, 'vix_history_cboe', 'VIX_History.csv');
const QUICK_SESSIONS = 12;
const SEED = 1;
const MINUTE_SECONDS = 60;

export const BARS_FEED = 'bars-60s';
export const QUOTES_FEED = 'bench-modelled-60s';
export const SYMBOL = 'QQQ';

/** 125 sessions, to the day after the last. */
export const RANGE = { from: '2025-09-22', to: '2026-03-21' } as const;

export interface MarketFiles {
  readonly bars: string;
  readonly vix: string;
  /** `recorded` or `simulated`. */
  readonly source: string;
  readonly sessions: readonly SessionTimes[];
}

/** The files of all 125 sessions, or of the first twelve with --quick. */
export async function marketFiles(bench: Bench, client: pg.Client): Promise<MarketFiles> {
  const all = await sessionsIn(client, { from: at(RANGE.from), to: at(RANGE.to) });
  const sessions = bench.options.quick ? all.slice(0, QUICK_SESSIONS) : all;
  const [bars, vix] = [join(bench.folder, 'bars.csv'), join(bench.folder, 'VIX_History.csv')];
  if (existsSync(RECORDED_BARS) && existsSync(RECORDED_VIX)) {
    if (sessions.length < all.length) await cutBars(RECORDED_BARS, sessions, bars);
    const isWhole = sessions.length === all.length;
    return { bars: isWhole ? RECORDED_BARS : bars, vix: RECORDED_VIX, source: 'recorded', sessions };
  }
  if (!existsSync(bars)) {
    bench.note(`simulating the bars of ${sessions.length} sessions`);
    await writeFile(bars, simulatedBars(sessions));
    await writeFile(vix, flatVix(sessions));
  }
  return { bars, vix, source: 'simulated', sessions };
}

/** Copies the bars of some sessions alone. */
export async function cutBars(path: string, sessions: readonly SessionTimes[], to: string): Promise<void> {
  const dates = new Set(sessions.map(({ date }) => date));
  const [header = '', ...lines] = (await readFile(path, 'utf8')).split('\n');
  const kept = lines.filter((line) => dates.has(line.slice(0, 10)));
  await writeFile(to, `${[header, ...kept].join('\n')}\n`);
}

function at(date: string): EasternUs {
  return (Date.parse(`${date}T00:00:00Z`) * 1000) as EasternUs;
}

function* simulatedLines(sessions: readonly SessionTimes[]): Generator<string> {
  let price = 600;
  yield 'timestamp,open,high,low,close,volume,trade_count,vwap';
  for (const { date, ts_open, ts_option_close } of sessions) {
    const session = sessionHours({
      sessionDate: date as never,
      tsOpen: ts_open,
      tsClose: addMs(ts_option_close, -15 * 60_000),
    });
    let minute: MarketSecond[] = [];
    for (const second of marketSeconds({ seed: SEED, session, symbol: SYMBOL, price })) {
      if (second.ts < session.tsOpen || second.ts >= addMs(session.tsClose, 60_000)) continue;
      minute.push(second);
      if (minute.length < MINUTE_SECONDS) continue;
      yield barOf(minute);
      price = second.mid;
      minute = [];
    }
  }
}

function simulatedBars(sessions: readonly SessionTimes[]): string {
  return `${[...simulatedLines(sessions)].join('\n')}\n`;
}

function barOf(minute: readonly MarketSecond[]): string {
  const prints = minute.flatMap((second) => second.prints);
  const prices = prints.map((print) => print.price_e4 / 1e4);
  const volume = prints.reduce((sum, print) => sum + print.size_e6, 0) / 1e6;
  const notional = prints.reduce((sum, print) => sum + (print.price_e4 / 1e4) * (print.size_e6 / 1e6), 0);
  const [open = 0, close = 0] = [prices[0], prices.at(-1)];
  const figures = [open, Math.max(...prices), Math.min(...prices), close, volume.toFixed(0), prices.length];
  const [first] = minute;
  return `${formatEastern(first?.ts ?? (0 as EasternUs))},${figures.join(',')},${(notional / volume).toFixed(6)}`;
}

// Its level does not matter to the time that a run takes.
/** A VIX_History.csv of one value: the quote model asks for the VIX of the session before. */
export function flatVix(sessions: readonly SessionTimes[]): string {
  const first = sessions[0]?.ts_open ?? at(RANGE.from);
  const dates = [
    ...[3, 2, 1].map((days) => addMs(first, -days * 86_400_000)),
    ...sessions.map((s) => s.ts_open),
  ];
  const rows = dates.map((ts) => {
    const [year, month, day] = formatEastern(ts).slice(0, 10).split('-');
    return `${month}/${day}/${year},17,18,16,17`;
  });
  return `${['DATE,OPEN,HIGH,LOW,CLOSE', ...rows].join('\n')}\n`;
}

/** Imports a file as `strikebase import` does. */
export async function importPath(
  client: pg.Client,
  path: string,
  options: Omit<ImportOptions, 'tsRecv'> = {},
): Promise<ImportResult> {
  const tsRecv = easternFromEpochMs(Date.now());
  const file = await openImport(path, { ...options, tsRecv });
  return importFile(client, file, {
    tsRecv,
    sessions: await loadSessions(client),
    force: false,
    rejectRows: false,
    signal: new AbortController().signal,
  });
}

/** Models the quotes of every session that has bars and none yet, as `strikebase backtest --quotes modelled` does. */
export async function modelQuotes(
  client: pg.Client,
  range: { readonly from: string; readonly to: string } = RANGE,
): Promise<{ sessions: number; quotes: number }> {
  const { rows } = await client.query<{ instrument_id: number; tick_feed_id: number }>(
    `select i.instrument_id, f.feed_id as tick_feed_id
     from ref.instruments i cross join ref.feeds f where i.symbol = $1 and f.name = $2`,
    [SYMBOL, BARS_FEED],
  );
  const quoteFeedId = await modelledFeedId(client, QUOTES_FEED);
  const request = {
    instrumentId: rows[0]?.instrument_id ?? 0,
    tickFeedId: rows[0]?.tick_feed_id ?? 0,
    quoteFeed: QUOTES_FEED,
    ...range,
  };
  const dates = await sessionsToModel(client, request);
  let quotes = 0;
  for (const sessionDate of dates)
    quotes += await modelSession(client, { ...request, quoteFeedId, sessionDate });
  return { sessions: dates.length, quotes };
}
