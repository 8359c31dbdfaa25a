// strikebase signals: what a run has stored, or a rule evaluated over a range without storing anything.
import { Command } from 'commander';
import type pg from 'pg';
import { type Database, withDatabase } from './database.ts';
import { chooseTickFeed } from './feed_choice.ts';
import {
  type OutputOptions,
  rangeText,
  withDb,
  withExamples,
  withFormat,
  withRange,
  withRun,
} from './options.ts';
import { printQuery } from './output.ts';
import { chooseRun } from './run_choice.ts';
import { noSuchStrategy } from './suggest.ts';
import { note } from './terminal.ts';

interface SignalOptions extends OutputOptions {
  readonly strategy?: string;
  readonly symbol?: string;
  readonly feed?: string;
}

interface Rule {
  readonly strategy: string;
  readonly routine: string;
  readonly underlying: string;
  readonly period_ms: number;
  readonly ma_minutes: number;
}

const COMMON = ['strategy', 'run_id', 'symbol', 'mode', 'quote_source', 'feed', 'source', 'vwap_is_typical'];

/** The `signals` subcommand. */
export function signalsCommand(): Command {
  const command = new Command('signals')
    .description(
      'Signals of a run; with --strategy and without --run the rule is evaluated over the range and nothing is stored.',
    )
    .option('--strategy <name>', 'evaluate this strategy’s rule (with --run: only its signals)')
    .option('--symbol <symbol>', 'evaluate it on this symbol (default: the strategy’s underlying)')
    .option('--feed <name>', 'evaluate it on this feed (default: the one that has the symbol)')
    .action(printSignals);
  return withExamples(
    withDb(withFormat(withRange(withRun(command)))),
    'signals --strategy vwap_ma9 --from 2025-10-06 --to 2025-10-10 --format csv',
    'signals --run 3',
  );
}

async function printSignals(options: SignalOptions): Promise<void> {
  await withDatabase(options, async (database) => {
    const isEvaluated = options.strategy !== undefined && options.run === undefined;
    const count = isEvaluated ? await evaluate(database, options) : await printStored(database, options);
    if (count === 0) note('no signals in this range');
  });
}

async function printStored(database: Database, options: SignalOptions): Promise<number> {
  const client = await database.connectReader('grafana_reader');
  const { runId, footer } = await chooseRun(client, options);
  const { from, to } = rangeText(options);
  const text = `
    select ts, strategy, direction, vwap, ma9, session_vwap, close, symbol, run_id, session_date, mode, quote_source, vwap_is_typical
    from panel.signals
    where ts >= $1 and ts < $2 and ($3::bigint is null or run_id = $3) and ($4::text is null or strategy = $4)
    order by ts, run_id`;
  const values = [from, to, runId, options.strategy ?? null];
  return printQuery(
    client,
    { text, values },
    { format: options.format, common: COMMON, footer: ['', ...footer] },
  );
}

async function evaluate(database: Database, options: SignalOptions): Promise<number> {
  const client = await database.connectReader('job_runner');
  const rule = await loadRule(client, options.strategy ?? '');
  const symbol = (options.symbol ?? rule.underlying).toUpperCase();
  const range = rangeText(options);
  const feed = await chooseTickFeed(client, { symbol, feed: options.feed, range });
  const extent = await ticksWithin(client, { ...feed, ...range });
  // A rule takes closes in (from, to], the command line [from, to): both limits move by a microsecond.
  const text = `
    with context as (
      select row(null, $3, $4, 'infinity', $5, $6, null, null)::signal.context as c
    )
    select
      s.ts, $7::text as strategy, case s.direction when 1 then 'up' else 'down' end as direction,
      (s.vwap_e6 / 1000000.0)::numeric(14, 6) as vwap, (s.ma_e6 / 1000000.0)::numeric(14, 6) as ma9,
      (s.session_vwap_e6 / 1000000.0)::numeric(14, 6) as session_vwap, (s.close_e4 / 10000.0)::numeric(12, 4) as close,
      $8::text as symbol, s.session_date, $9::text as feed, $10::text as source,
      -- Looked up once for all of them: the periods are counted from the session's open, as signal.build_periods does.
      s.ts in (
        select date_bin(make_interval(secs => $5 / 1000.0), t.ts_event, o.ts_open) + make_interval(secs => $5 / 1000.0)
        from market.equity_ticks t
        join ref.sessions o on o.session_date = t.ts_event::date
        where t.instrument_id = $3 and t.feed_id = $4 and t.ts_event >= $1 and t.ts_event < $2 and t.vwap_is_typical
      ) as vwap_is_typical
    from context
    cross join lateral ${rule.routine}($1::timestamp - interval '1 microsecond', $2::timestamp - interval '1 microsecond', c) s
    order by s.ts`;
  const values = [extent.from, extent.to, feed.instrument_id, feed.feed_id, rule.period_ms, rule.ma_minutes];
  const labels = [rule.strategy, symbol, feed.name, feed.source];
  const footer = [
    '',
    `${rule.strategy} evaluated on ${feed.source} ticks of ${symbol} (${feed.name}); nothing was stored`,
  ];
  return printQuery(
    client,
    { text, values: [...values, ...labels] },
    { format: options.format, common: COMMON, footer },
  );
}

async function loadRule(client: pg.ClientBase, strategy: string): Promise<Rule> {
  const { rows } = await client.query<Rule>(
    `select s.strategy, s.signal_routine::regproc::text as routine, s.underlying, s.period_ms, s.ma_minutes
     from ref.current_strategies s where s.strategy = $1`,
    [strategy],
  );
  const rule = rows[0];
  if (rule !== undefined) return rule;
  throw await noSuchStrategy(client, strategy);
}

/** The part of a range that has ticks, widened to whole days: an open end would make the rule walk sessions of other years. */
async function ticksWithin(
  client: pg.ClientBase,
  at: {
    readonly instrument_id: number;
    readonly feed_id: number;
    readonly from: string;
    readonly to: string;
  },
): Promise<{ from: string; to: string }> {
  const { rows } = await client.query<{ from: string; to: string }>(
    `select
       greatest($3::timestamp, min(t.ts_event)::date)::text as "from",
       least($4::timestamp, max(t.ts_event)::date + 1)::text as "to"
     from market.equity_ticks t
     where t.instrument_id = $1 and t.feed_id = $2 and t.ts_event >= $3 and t.ts_event < $4`,
    [at.instrument_id, at.feed_id, at.from, at.to],
  );
  return rows[0] ?? at;
}
