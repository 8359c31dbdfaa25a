// The same rule in other engines: minute VWAP against the mean of nine closes of the session, crossings of the sign counted.
import { writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import type { MinuteBar } from './year_data.ts';

/** A contender with its data loaded. */
export interface Peer {
  readonly name: string;
  /** Runs the rule once in this process and returns the number of crossings. */
  scan(): Promise<number> | number;
  close(): void;
}

// Not dependencies of ours: seldom installed.
const require = createRequire(import.meta.url);
const AVERAGED = 9;

/** The floor: a loop over typed arrays. */
export function plainLoop(bars: readonly MinuteBar[]): Peer {
  const day = Int32Array.from(bars, ({ date }) => Number(date.replaceAll('-', '')));
  const close = Float64Array.from(bars, (bar) => bar.close_e4);
  const vwap = Float64Array.from(bars, (bar) => bar.vwap_e6);
  return { name: 'plain loop over typed arrays', scan: () => crossings(day, close, vwap), close: () => {} };
}

function crossings(day: Int32Array, close: Float64Array, vwap: Float64Array): number {
  let [count, sum, nth, side] = [0, 0, 0, 0];
  for (let i = 0; i < day.length; i += 1) {
    if (i === 0 || day[i] !== day[i - 1]) [sum, nth, side] = [0, 0, 0];
    sum += close[i] as number;
    nth += 1;
    if (nth > AVERAGED) sum -= close[i - AVERAGED] as number;
    const now = nth < AVERAGED ? 0 : Math.sign((vwap[i] as number) * AVERAGED - sum * 100);
    if (now === 0) continue;
    if (side !== 0 && now !== side) count += 1;
    side = now;
  }
  return count;
}

const LOADED = 'day integer, ts bigint, close_e4 bigint, vwap_e6 bigint';

function ruleSql(lag: string): string {
  return `
    select ts, side from (
      select ts, side, ${lag} as previous from (
        select day, ts, sign(vwap_e6 * ${AVERAGED} - sum(close_e4) over nine * 100) as side, count(*) over nine as closes
        from bars
        window nine as (partition by day order by ts rows between ${AVERAGED - 1} preceding and current row)
      ) sided
      where closes = ${AVERAGED} and side <> 0
    ) compared
    where side <> previous and previous <> 0`;
}

async function writeTable(path: string, bars: readonly MinuteBar[]): Promise<void> {
  const rows = bars.map((bar) => [bar.date.replaceAll('-', ''), bar.ts, bar.close_e4, bar.vwap_e6].join(','));
  await writeFile(path, `day,ts,close_e4,vwap_e6\n${rows.join('\n')}\n`);
}

/** DuckDB on one thread, on a table in memory. */
export async function duckdb(bars: readonly MinuteBar[], folder: string): Promise<Peer> {
  const path = join(folder, 'duckdb.csv');
  await writeTable(path, bars);
  const instance = await DuckDBInstance.create(':memory:', { threads: '1' });
  const connection = await instance.connect();
  await connection.run(`create table bars (${LOADED})`);
  await connection.run(`insert into bars select * from read_csv('${path}', header = true)`);
  const { rows } = { rows: (await connection.runAndReadAll('select version()')).getRows() };
  const sql = ruleSql('lag(side) over (partition by day order by ts)');
  return {
    name: `DuckDB ${rows[0]?.[0]}, one thread`,
    scan: async () => (await connection.runAndReadAll(sql)).getRows().length,
    close: () => {
      connection.closeSync();
      instance.closeSync();
    },
  };
}

interface Chdb {
  readonly Session: new () => { query(text: string, format?: string): string; cleanup(): void };
}

/** ClickHouse in this process, on one thread, on a table in memory; null where it is not installed. */
export async function chdb(bars: readonly MinuteBar[], folder: string): Promise<Peer | null> {
  const loaded = load<Chdb>('chdb');
  if (loaded === null) return null;
  const path = join(folder, 'chdb.csv');
  await writeTable(path, bars);
  const session = new loaded.Session();
  session.query(`create table bars (day Int32, ts Int64, close_e4 Int64, vwap_e6 Int64) engine = Memory`);
  session.query(`insert into bars select * from file('${path}', 'CSVWithNames')`);
  const lag = 'lagInFrame(side) over (partition by day order by ts rows between 1 preceding and current row)';
  const sql = `${ruleSql(lag)} settings max_threads = 1`;
  return {
    name: `chDB ${session.query('select version()', 'TSV').trim()}, one thread`,
    scan: () => session.query(sql, 'TSV').trimEnd().split('\n').length,
    close: () => session.cleanup(),
  };
}

interface GrademarkBar {
  readonly time: Date;
  readonly open: number;
  readonly high: number;
  readonly low: number;
  readonly close: number;
  readonly volume: number;
  readonly crossing: number;
}

type Rule = (act: (options?: object) => void, args: { readonly bar: GrademarkBar }) => void;

interface Grademark {
  readonly backtest: (strategy: { entryRule: Rule; exitRule: Rule }, series: unknown) => readonly unknown[];
}

interface DataForge {
  readonly DataFrame: new (values: readonly GrademarkBar[]) => unknown;
}

/**
 * grademark: its backtest trades the crossings, which come to it as an indicator, for it has no sessions; while an order waits for
 * the next bar its rules are not asked, so that trades say nothing of their number. More than a scan. Null where it is not installed.
 */
export function grademark(bars: readonly MinuteBar[]): Peer | null {
  const [loaded, forge] = [load<Grademark>('grademark'), load<DataForge>('data-forge')];
  if (loaded === null || forge === null) return null;
  const scan = (): number => {
    const crossed = withCrossings(bars);
    const rule: Rule = (act, { bar }) => {
      if (bar.crossing !== 0) act();
    };
    loaded.backtest({ entryRule: rule, exitRule: rule }, new forge.DataFrame(crossed));
    return crossed.filter(({ crossing }) => crossing !== 0).length;
  };
  return { name: 'grademark, a backtest', scan, close: () => {} };
}

function withCrossings(bars: readonly MinuteBar[]): GrademarkBar[] {
  let [sum, nth, side] = [0, 0, 0];
  return bars.map((bar, i) => {
    if (bar.date !== bars[i - 1]?.date) [sum, nth, side] = [0, 0, 0];
    nth += 1;
    sum += bar.close_e4 - (nth > AVERAGED ? (bars[i - AVERAGED]?.close_e4 ?? 0) : 0);
    const now = nth < AVERAGED ? 0 : Math.sign(bar.vwap_e6 * AVERAGED - sum * 100);
    const crossing = now !== 0 && side !== 0 && now !== side ? now : 0;
    if (now !== 0) side = now;
    const { open_e4, high_e4, low_e4, close_e4, volume } = bar;
    const prices = { open: open_e4 / 1e4, high: high_e4 / 1e4, low: low_e4 / 1e4, close: close_e4 / 1e4 };
    return { time: new Date(bar.ts / 1000), ...prices, volume, crossing };
  });
}

function load<Module>(name: string): Module | null {
  try {
    return require(name) as Module;
  } catch {
    return null;
  }
}
