// A session written by hand: closes stand still, so that the minute VWAPs alone say where the price crosses its average.
import type pg from 'pg';
import type { EquityTick, OptionQuote } from '../../../core/domain.ts';
import { addMs, type EasternUs, formatEastern } from '../../../core/eastern_time.ts';
import type { Slice } from '../../../jobs/advance.ts';
import {
  addQuotes,
  addTicks,
  contract,
  createMarket,
  e4,
  eastern,
  listContracts,
  type Market,
  type MarketOptions,
  tick,
} from './market.ts';
import { type EntryDecision, entryAt, openRun, type RunOptions, storyOf, type TestRun } from './runs.ts';

/** Contract, time, bid, ask (null is none), and what else differs. */
export type QuoteSpec = readonly [
  label: string,
  time: string,
  bid: number | null,
  ask: number | null,
  more?: { readonly seq?: number; readonly bidSz?: number; readonly askSz?: number; readonly recv?: string },
];

export interface ScenarioOptions extends MarketOptions {
  /** Default 2026-06-17, a full session. */
  readonly date?: string;
  /** Side of VWAP minus MA9 from each minute's end on: -1 before the first, 0 is no difference, null an empty minute (only that one). */
  readonly sides: Readonly<Record<string, -1 | 0 | 1 | null>>;
  readonly quotes?: readonly QuoteSpec[];
  /** Price at which the closes stand; default 600. */
  readonly px?: number;
  /** End of the last bar; default the close. */
  readonly until?: string;
  readonly strikes?: readonly number[];
  /** Expiration of the contracts; default the date. */
  readonly expiration?: string;
  /** Feeds of another scenario that this one adds its day to. */
  readonly market?: Market;
  /** Symbol of the ticks and root of the options; default QQQ. */
  readonly symbol?: string;
  readonly root?: string;
}

export interface ScenarioRun extends TestRun {
  /** Advances to a time of the day. */
  to(time: string, asOf?: string): Promise<Slice | null>;
  story(): Promise<string[]>;
  entry(time: string): Promise<EntryDecision>;
}

export interface Scenario {
  readonly market: Market;
  at(time: string): EasternUs;
  quote(...quotes: QuoteSpec[]): Promise<void>;
  open(client: pg.Client, options?: Partial<RunOptions>): Promise<ScenarioRun>;
}

const DATE = '2026-06-17';
const STRIKES = [598, 599, 600, 601, 602];

function barOf(options: ScenarioOptions, ts: EasternUs, side: -1 | 0 | 1): EquityTick {
  const close_e4 = e4(options.px ?? 600);
  const symbol = options.symbol ?? 'QQQ';
  return tick({ symbol, ts_event: addMs(ts, -60_000), close_e4, vwap_e6: close_e4 * 100 + side * 100_000 });
}

/** The minute bars of a scenario. */
function barsOf(options: ScenarioOptions, at: (time: string) => EasternUs, close: EasternUs): EquityTick[] {
  const bars: EquityTick[] = [];
  let side: -1 | 0 | 1 = -1;
  const sides = new Map(Object.entries(options.sides).map(([time, each]) => [at(time), each]));
  const end = options.until === undefined ? close : at(options.until);
  for (let ts = at('09:31'); ts <= end; ts = addMs(ts, 60_000)) {
    const changed = sides.get(ts);
    if (changed === null) continue;
    side = changed ?? side;
    bars.push(barOf(options, ts, side));
  }
  return bars;
}

async function closeOf(client: pg.Client, date: string): Promise<EasternUs> {
  const { rows } = await client.query<{ ts_close: string }>(
    'select ts_close from ref.sessions where session_date = $1',
    [date],
  );
  if (rows[0] === undefined) throw new Error(`no session on ${date}`);
  return eastern(rows[0].ts_close);
}

/** Makes the market of a scenario. Contracts of one expiration are shared by all scenarios of a database. */
export async function createScenario(owner: pg.Client, options: ScenarioOptions): Promise<Scenario> {
  const { date = DATE, strikes = STRIKES, expiration = date, quotes = [], root = 'QQQ' } = options;
  const market = options.market ?? (await createMarket(owner, options));
  const at = (time: string): EasternUs => eastern(time.length > 15 ? time : `${date} ${time}`);
  const symbols = strikes.flatMap((strike) =>
    [`C${strike}`, `P${strike}`].map((label) => contract(label, expiration, root)),
  );
  await listContracts(owner, symbols);
  await addTicks(market, barsOf(options, at, await closeOf(owner, date)));
  const quoteRow = (spec: QuoteSpec): OptionQuote => {
    const [label, time, bid, ask, more = {}] = spec;
    return {
      symbol: contract(label, expiration, root),
      ts_event: at(time),
      event_ns: 0,
      seq: more.seq ?? 0,
      bid_px_e4: bid === null ? null : e4(bid),
      ask_px_e4: ask === null ? null : e4(ask),
      bid_sz: bid === null ? null : (more.bidSz ?? 50),
      ask_sz: ask === null ? null : (more.askSz ?? 50),
      ts_recv: at(more.recv ?? time),
    };
  };
  const quote = async (...specs: QuoteSpec[]): Promise<void> => {
    await addQuotes(market, specs.map(quoteRow));
  };
  await quote(...quotes);
  return { market, at, quote, open: (client, run = {}) => openScenario({ client, market, at, date }, run) };
}

async function openScenario(
  of: { client: pg.Client; market: Market; at: (time: string) => EasternUs; date: string },
  options: Partial<RunOptions>,
): Promise<ScenarioRun> {
  const { client, market, at, date } = of;
  const from = at('00:00');
  const run = await openRun(client, market, { from, to: addMs(from, 86_400_000), ...options });
  return {
    ...run,
    to: (time, asOf) => run.advance(at(time), asOf === undefined ? undefined : at(asOf)),
    story: () => storyOf(run),
    entry: (time) => entryAt(run, eastern(`${date} ${time}`)),
  };
}

/** `HH:MM:SS` of every whole minute from one time to another, both included. */
export function minutesBetween(from: string, to: string): string[] {
  const times: string[] = [];
  for (let ts = eastern(`${DATE} ${from}`); ts <= eastern(`${DATE} ${to}`); ts = addMs(ts, 60_000)) {
    times.push(formatEastern(ts).slice(11));
  }
  return times;
}
