// How far modelled 0DTE quotes lie from the two recorded QQQ chains.
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type pg from 'pg';
import { addMs, dateOf, type EasternUs, easternFromEpochMs, formatEastern } from '../core/eastern_time.ts';
import { Failure } from '../core/failure.ts';
import { projectPath } from '../core/root.ts';
import { withClient } from '../db/pool.ts';
import { onBuiltIn } from './databases.ts';
import { type Bench, type Figure, quantile, runBenchmark } from './support.ts';

const DATA = projectPath('..', 'shared', 'data');
const BARS = join(DATA, 'qqq_1m_sip_2025_2026', 'QQQ_1Min_2025-09-21_2026-03-21.csv');
const VIX = join(DATA, 'vix_history_cboe', 'VIX_History.csv');
const CHAINS = ['QQQ_options.csv', 'QQQ_options_3.csv'].map((name) =>
  join(DATA, 'chains_yahoo_qqq_2026_02', name),
);
// Contracts within this many dollars of the spot are compared.
const REACH = 5;
const DAILY_FEED = 'quote-model-error-daily';

type Row = Readonly<Record<string, string>>;

interface Chain {
  /** Of the newest trade in the file: the quotes are of that moment. */
  readonly instant: EasternUs;
  /** Contracts of that day, by OSI symbol without padding. */
  readonly contracts: readonly Row[];
}

interface Compared {
  readonly kind: string;
  readonly strike: number;
  readonly bid: number;
  readonly ask: number;
  readonly modelBid: number;
  readonly modelAsk: number;
}

async function readCsv(path: string): Promise<Row[]> {
  const [head = '', ...lines] = (await readFile(path, 'utf8')).trimEnd().split(/\r?\n/);
  const names = head.split(',');
  return lines.map((line) => {
    const fields = line.split(',');
    return Object.fromEntries(names.map((name, n) => [name, fields[n] ?? '']));
  });
}

async function readChain(path: string): Promise<Chain> {
  const rows = await readCsv(path);
  const newest = Math.max(...rows.map((row) => Date.parse(row.lastTradeDate?.replace(' ', 'T') ?? '')));
  const instant = easternFromEpochMs(newest);
  return { instant, contracts: rows.filter((row) => row.expirationDate === dateOf(instant)) };
}

async function value<T>(client: pg.Client, sql: string, values: readonly unknown[]): Promise<T> {
  const { rows } = await client.query<{ value: T }>(`select ${sql} as value`, [...values]);
  return (rows[0] as { value: T }).value;
}

/** Imports the bars of the chains' days and the VIX, models the quotes, and returns the id of their feed. */
async function modelQuotes(client: pg.Client, days: readonly string[]): Promise<number> {
  const qqq = await value<number>(
    client,
    "(select instrument_id from ref.instrument_ids('{QQQ}', 'equity'))",
    [],
  );
  const vix = await value<number>(
    client,
    "(select instrument_id from ref.instrument_ids('{VIX}', 'index'))",
    [],
  );
  const feedId = 'ref.feed_id($1, $2, $3, $4, 90000)';
  const bars = await value<number>(client, feedId, ['quote-model-error-bars', 'equity', 60_000, 'recorded']);
  const daily = await value<number>(client, feedId, [DAILY_FEED, 'equity', 86_400_000, 'recorded']);
  const quotes = await value<number>(client, feedId, ['quote-model-error', 'option', 60_000, 'modelled']);
  const minutes = (await readCsv(BARS)).filter((row) => days.includes(row.timestamp?.slice(0, 10) ?? ''));
  await client.query(
    `insert into market.equity_ticks
     select $1, $2, (b ->> 'timestamp')::timestamp, 0, 0, 60000,
       round((b ->> 'Open')::numeric * 10000), round((b ->> 'High')::numeric * 10000),
       round((b ->> 'Low')::numeric * 10000), round((b ->> 'Close')::numeric * 10000),
       round((b ->> 'vwap')::numeric * 1000000), false, round((b ->> 'Volume')::numeric * 1000000),
       (b ->> 'trade_count')::numeric::integer, (b ->> 'timestamp')::timestamp
     from jsonb_array_elements($3) as b`,
    [qqq, bars, JSON.stringify(minutes)],
  );
  await client.query(
    `insert into market.daily_bars
     select $1, $2, to_date(b ->> 'DATE', 'MM/DD/YYYY'), px, px, px, px, 0, to_date(b ->> 'DATE', 'MM/DD/YYYY')
     from jsonb_array_elements($3) as b
     cross join lateral (select round((b ->> 'CLOSE')::numeric * 10000)::integer as px) as p`,
    [vix, daily, JSON.stringify((await readCsv(VIX)).slice(-400))],
  );
  for (const day of days) {
    await client.query('select market.model_option_quotes($1::date, $1::date + 1, $2, $3, $4, $5)', [
      day,
      qqq,
      bars,
      quotes,
      { volatility_feed: DAILY_FEED, strike_margin: 10 },
    ]);
  }
  return quotes;
}

/** The minute's end nearest to an instant: the modelled quotes of that time are compared. */
function nearestMinute(instant: EasternUs): EasternUs {
  return (Math.round(instant / 60e6) * 60e6) as EasternUs;
}

async function spotAt(client: pg.Client, minuteEnd: EasternUs): Promise<number> {
  const sql = `(select close_e4 / 1e4::double precision from market.equity_ticks t join ref.feeds f using (feed_id)
     where f.name = 'quote-model-error-bars' and ts_event = $1)`;
  return value<number>(client, sql, [formatEastern(addMs(minuteEnd, -60_000))]);
}

async function compare(client: pg.Client, feedId: number, chain: Chain): Promise<Compared[]> {
  const at = nearestMinute(chain.instant);
  const spot = await spotAt(client, at);
  const { rows } = await client.query<{ symbol: string; bid: number; ask: number }>(
    `select replace(i.symbol, ' ', '') as symbol, coalesce(q.bid_px_e4, 0) / 1e4::double precision as bid,
            q.ask_px_e4 / 1e4::double precision as ask
     from market.option_quotes q join ref.instruments i using (instrument_id)
     where q.feed_id = $1 and q.ts_event = $2`,
    [feedId, formatEastern(at)],
  );
  const modelled = new Map(rows.map((row) => [row.symbol, row]));
  return chain.contracts.flatMap((row) => {
    const quote = modelled.get(row.contractSymbol ?? '');
    const strike = Number(row.strike);
    const bid = Number(row.bid);
    const ask = Number(row.ask);
    if (quote === undefined || Math.abs(strike - spot) > REACH || ask <= 0) return [];
    return [{ kind: row.optionType ?? '', strike, bid, ask, modelBid: quote.bid, modelAsk: quote.ask }];
  });
}

const mean = (values: readonly number[]): number =>
  values.reduce((sum, each) => sum + each, 0) / values.length;

function describe(engine: string, what: string, rows: readonly Compared[]): Figure[] {
  const errors = rows.map((row) => (row.modelBid + row.modelAsk - row.bid - row.ask) / 2);
  const sizes = errors.map(Math.abs);
  const shares = rows.map((row, n) => (100 * (sizes[n] ?? 0)) / ((row.bid + row.ask) / 2));
  const recorded = rows.map((row) => row.ask - row.bid);
  const modelled = rows.map((row) => row.modelAsk - row.modelBid);
  const spread = (rows: readonly number[]): string =>
    `${mean(rows).toFixed(3)} / ${quantile(rows, 0.5).toFixed(3)}`;
  const three = (of: readonly number[], digits: number): string =>
    [mean(of), quantile(of, 0.5), quantile(of, 0.9)].map((each) => each.toFixed(digits)).join(' / ');
  const figure = (name: string, value: string | number, unit: string): Figure => {
    return { engine, figure: `${what}, ${rows.length} contracts: ${name}`, value, unit };
  };
  return [
    figure('bias of the mid', mean(errors).toFixed(3), '$'),
    figure('error of the mid, mean / median / p90', three(sizes, 3), '$'),
    figure('error of the mid, mean / median / p90', three(shares, 1), '% of the recorded mid'),
    figure('recorded spread, mean / median', spread(recorded), '$'),
    figure('modelled spread, mean / median', spread(modelled), '$'),
  ];
}

function printQuotes(rows: readonly Compared[]): void {
  const ordered = [...rows].sort((a, b) => a.kind.localeCompare(b.kind) || a.strike - b.strike);
  console.table(
    ordered.map((row) => ({
      contract: `${row.kind} ${row.strike}`,
      recorded: `${row.bid.toFixed(2)} / ${row.ask.toFixed(2)}`,
      modelled: `${row.modelBid.toFixed(2)} / ${row.modelAsk.toFixed(2)}`,
      'mid error': ((row.modelBid + row.modelAsk - row.bid - row.ask) / 2).toFixed(3),
    })),
  );
}

/** Of contracts with |strike - spot| <= REACH; an error is modelled minus recorded. */
async function report(bench: Bench, client: pg.Client, engine: string): Promise<void> {
  const chains = await Promise.all(CHAINS.map(readChain));
  const feedId = await modelQuotes(
    client,
    chains.map((chain) => dateOf(chain.instant)),
  );
  const all: Compared[] = [];
  for (const chain of chains) {
    const at = nearestMinute(chain.instant);
    const spot = await spotAt(client, at);
    const rows = await compare(client, feedId, chain);
    bench.note(`chain of ${formatEastern(chain.instant)}, quotes of ${formatEastern(at)}, spot ${spot}`);
    if (!bench.options.json) printQuotes(rows);
    const isOut = (row: Compared): boolean => (row.kind === 'call' ? row.strike >= spot : row.strike <= spot);
    const day = dateOf(chain.instant);
    bench.add(...describe(engine, day, rows));
    bench.add(...describe(engine, `${day} out of the money`, rows.filter(isOut)));
    all.push(...rows);
  }
  bench.add(...describe(engine, 'both days', all));
}

await runBenchmark('quote_model_error', async (bench) => {
  const missing = [BARS, VIX, ...CHAINS].find((path) => !existsSync(path));
  if (missing !== undefined) throw new Failure(`the recorded data is not here: ${missing}`);
  await onBuiltIn(bench, ({ url, version }) =>
    withClient({ url, role: 'owner', name: 'quote_model_error' }, (client) => report(bench, client, version)),
  );
});
