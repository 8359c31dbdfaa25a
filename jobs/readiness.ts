// Readiness: everything that must hold before an entry, checked, stored and shown. Any red check bars entries, and says why.
import type pg from 'pg';
import type { Clock } from '../core/clock.ts';
import { type EasternUs, formatEastern, parseEastern } from '../core/eastern_time.ts';
import { errorText } from '../core/failure.ts';
import { migrationPending } from '../db/migrate.ts';
import type { Broker } from './brokers/broker.ts';

export interface ReadinessOptions {
  /** Reads and writes as job_runner. */
  readonly client: pg.ClientBase;
  readonly clock: Clock;
  readonly strategy: string;
  /** Feeds of the run; empty where none is open yet. */
  readonly feedIds: readonly number[];
  /** Null on paper. */
  readonly broker: Broker | null;
}

export interface ReadinessCheck {
  readonly name: string;
  readonly isOk: boolean;
  readonly detail: string;
}

const MAX_SKEW_MS = 500;
const MAX_ROUND_TRIP_MS = 250;
const CALENDAR_DAYS = 10;
// What Schwab holds of a short option's notional, out of the money amount aside. Of a vertical it is all that it can lose.
const MARGIN_RATIO = 0.2;

type Check = (options: ReadinessOptions, now: EasternUs) => Promise<readonly ReadinessCheck[]>;

/** Runs every check and appends them to ops.readiness_checks. Never throws for what a check finds. */
export async function checkReadiness(options: ReadinessOptions): Promise<readonly ReadinessCheck[]> {
  const now = options.clock.now();
  const checks: Check[] = [checkDatabase, checkSchema, checkCalendar, checkSwitch, checkFeeds];
  if (options.broker !== null) checks.push(checkBroker, checkBuyingPower, checkStatements);
  const results: ReadinessCheck[] = [];
  for (const check of checks) {
    try {
      results.push(...(await check(options, now)));
    } catch (error) {
      results.push({ name: NAMES.get(check) ?? 'check', isOk: false, detail: errorText(error) });
    }
  }
  await store(options.client, results, now);
  return results;
}

const checkDatabase: Check = async ({ client, clock }, now) => {
  const began = performance.now();
  const { rows } = await client.query<{ version: string; ts: string }>(
    'select engine.version() as version, clock_timestamp()::timestamp as ts',
  );
  const tookMs = performance.now() - began;
  const database: ReadinessCheck = {
    name: 'database',
    // A simulated session stands still meanwhile, and must not depend on what else its machine does.
    isOk: clock.kind === 'simulated' || tookMs <= MAX_ROUND_TRIP_MS,
    detail: `${rows[0]?.version}, answers in ${tookMs.toFixed(1)} ms`,
  };
  // A simulated session has a time of its own.
  if (clock.kind === 'simulated') return [database];
  const theirs = parseEastern(rows[0]?.ts ?? '') ?? now;
  const skewMs = Math.round(Math.max(Math.abs(theirs - now) / 1000 - tookMs, 0));
  const detail = `this machine and the database are ${skewMs} ms apart`;
  return [database, { name: 'clock', isOk: skewMs <= MAX_SKEW_MS, detail }];
};

const checkSchema: Check = async ({ client }) => {
  const isPending = await migrationPending(client);
  const detail = isPending
    ? 'the database has another schema than this code: run strikebase migrate'
    : 'code and database are of one version';
  return [{ name: 'schema', isOk: !isPending, detail }];
};

const checkCalendar: Check = async ({ client }, now) => {
  const { rows } = await client.query<{ today: string | null; days: number }>(
    `select (select s.ts_open::text || ' to ' || s.ts_close::time::text from ref.sessions s where s.session_date = $1::timestamp::date) as today,
       (select max(s.session_date) from ref.sessions s) - $1::timestamp::date as days`,
    [formatEastern(now)],
  );
  const [row] = rows;
  const detail = `${row?.today ?? 'no session today'}; the calendar reaches ${row?.days ?? 0} days ahead`;
  return [{ name: 'calendar', isOk: (row?.days ?? 0) >= CALENDAR_DAYS, detail }];
};

const checkSwitch: Check = async ({ client }) => {
  const { rows } = await client.query<{ whose: string; reason: string }>(
    `select coalesce(latest.account, 'all accounts') as whose, latest.reason
     from (
       select distinct on (c.account) c.account, c.halted, c.reason from trade.controls c order by c.account, c.control_id desc
     ) latest
     where latest.halted and (latest.account is null or latest.account not like 'backtest-%' and latest.account not like 'replay-%')`,
  );
  const detail = rows.map(({ whose, reason }) => `${whose} halted: ${reason}`).join('; ');
  return [
    { name: 'kill switch', isOk: rows.length === 0, detail: detail === '' ? 'entries are allowed' : detail },
  ];
};

const checkFeeds: Check = async ({ client, feedIds }, now) => {
  if (feedIds.length === 0) return [];
  const { rows } = await client.query<{ bar: string | null; is_silent: boolean }>(
    `select ops.feed_bar($1, $2) as bar,
       not exists (
         select from ops.stream_marks m where m.feed_id = any($1) and m.ts_recv > $2::timestamp - interval '1 minute'
       ) as is_silent`,
    [feedIds, formatEastern(now)],
  );
  const { bar = null, is_silent = true } = rows[0] ?? {};
  const silence = is_silent ? '; nothing was received for a minute' : '';
  return [
    { name: 'feeds', isOk: bar === null, detail: bar ?? `no gap is open, no stream is mute${silence}` },
  ];
};

const checkBroker: Check = async ({ broker }) => (await broker?.checks()) ?? [];

// Of the run that trades, else of what the next one would. A vertical whose long leg is chosen by its delta has the width of the
// widest candidate in the last chain, whether it may be sold or not.
const NEEDED_SQL = `
  select p.spread_width is null and p.structure = 'credit_vertical' as is_by_delta,
    (p.contracts * 100 * case
      when p.structure <> 'credit_vertical' then $2::numeric * t.close_e4 / 10000
      when p.spread_width is null then w.width_e4 / 10000.0
      else p.spread_width
    end)::float8 as needed
  from ref.current_strategies s
  left join lateral (
    select x.* from trade.runs x where x.strategy = s.strategy and x.mode = 'live' order by x.ts_ended is null desc, x.run_id desc limit 1
  ) r on true
  cross join lateral jsonb_populate_record(
    null::ref.strategies, case when r.ts_ended is null and r.run_id is not null then r.params else to_jsonb(s) end
  ) p
  left join ref.instruments i on i.symbol = p.underlying
  left join lateral (
    select x.close_e4 from market.equity_ticks x where x.instrument_id = i.instrument_id order by x.ts_event desc limit 1
  ) t on true
  left join lateral (
    select max(c.width_e4) as width_e4
    from (
      select coalesce(max(h.ts_event), $3::timestamp) as ts
      from market.chain_snapshots h where h.underlying_id = i.instrument_id and h.ts_event <= $3::timestamp
    ) chain
    cross join lateral signal.vertical_candidates(chain.ts, row(
      null, i.instrument_id, r.tick_feed_id, 'infinity', p.period_ms, p.ma_minutes, r.quote_feed_id, to_jsonb(p)
    )::signal.context) c
    where p.structure = 'credit_vertical' and p.spread_width is null and r.run_id is not null
  ) w on true
  where s.strategy = $1`;

const checkBuyingPower: Check = async ({ broker, client, strategy }, now) => {
  const account = await broker?.account();
  const { rows } = await client.query<{ needed: number | null; is_by_delta: boolean }>(NEEDED_SQL, [
    ...[strategy, MARGIN_RATIO, formatEastern(now)],
  ]);
  const power = account?.buyingPower ?? 0;
  const { needed = null, is_by_delta = false } = rows[0] ?? {};
  if (needed === null && is_by_delta) {
    const why = 'long_delta_distance alone sets no width, and no chain of this run is quoted yet';
    return [
      {
        name: 'buying power',
        isOk: false,
        detail: `${dollars(power)}; what a position takes is not known: ${why}`,
      },
    ];
  }
  const detail = `${dollars(power)} of buying power; a position takes about ${dollars(needed ?? 0)}`;
  return [{ name: 'buying power', isOk: power > 0 && power >= (needed ?? 0), detail }];
};

// A difference that nobody has settled is an error in somebody's books: more trades would hide it.
const checkStatements: Check = async ({ client }, now) => {
  const { rows } = await client.query<{ account: string; session_date: string; detail: string }>(
    `select latest.account, latest.session_date::text, latest.detail
     from (
       select distinct on (s.account, s.session_date) s.* from trade.statements s
       where s.session_date > $1::timestamp::date - 30 order by s.account, s.session_date, s.statement_id desc
     ) latest
     where not latest.is_ok order by latest.session_date`,
    [formatEastern(now)],
  );
  const detail = rows.map((row) => `${row.account} on ${row.session_date}: ${row.detail}`).join('; ');
  return [
    { name: 'statements', isOk: rows.length === 0, detail: detail === '' ? 'no day’s books differ' : detail },
  ];
};

const NAMES = new Map<Check, string>([
  [checkDatabase, 'database'],
  [checkSchema, 'schema'],
  [checkCalendar, 'calendar'],
  [checkSwitch, 'kill switch'],
  [checkFeeds, 'feeds'],
  [checkBroker, 'broker'],
  [checkBuyingPower, 'buying power'],
  [checkStatements, 'statements'],
]);

function dollars(amount: number): string {
  return `$${Math.round(amount).toLocaleString('en-US')}`;
}

async function store(
  client: pg.ClientBase,
  checks: readonly ReadinessCheck[],
  now: EasternUs,
): Promise<void> {
  await client.query(
    `insert into ops.readiness_checks (ts, name, ok, detail)
     select $1, c.name, c.ok, c.detail from unnest($2::text[], $3::boolean[], $4::text[]) as c (name, ok, detail)`,
    [formatEastern(now), checks.map((c) => c.name), checks.map((c) => c.isOk), checks.map((c) => c.detail)],
  );
}
