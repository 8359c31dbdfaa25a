// The processes of live_load: the quote source, both ingesters and the rules, each as a user would start it.
import { type ChildProcess, fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type pg from 'pg';
import { systemClock } from '../core/clock.ts';
import { addMs, dateOf, type EasternUs, formatEastern } from '../core/eastern_time.ts';
import { projectPath } from '../core/root.ts';
import type { SchwabConfig } from '../jobs/brokers/schwab/schwab_broker.ts';
import type { SessionArguments } from '../sim/session.ts';
import { API_KEY, type SentQuotes, type SourceNews, type SourceOrder } from './live_source.ts';
import { SYMBOL } from './market_data.ts';
import { STRATEGY } from './runs.ts';
import { cpuSeconds } from './support.ts';

export const TREE = ['ingest-equities', 'ingest-options', 'advance'] as const;
export type Part = (typeof TREE)[number];

export interface LiveTree {
  readonly contracts: number;
  readonly pids: Readonly<Record<Part | 'source', number>>;
  send(rate: number, seconds: number): Promise<SentQuotes>;
  /** What the processes have said so far. */
  said(): string;
  /** False when a process has ended by itself. */
  isWhole(): boolean;
  end(): Promise<void>;
}

/** Of the strategy: many signals in little time. */
export const PERIOD_MS = 2000;
const MINUTE_US = 60_000_000;
const DAY_US = 1440 * MINUTE_US;
const OPENED_MS = 120_000;
const END_MS = 10_000;
// Whatever is listed.
const STRIKES = 1000;
// Of the contracts, before the load begins: those far out of the money are quoted seldom.
const QUOTED = 0.7;

// A signal at every close of a period, up and down in turns; in PL/pgSQL as the product's own rules, so that its plan is kept.
const RULE_SQL = `
  create or replace function signal.in_turns(p_from timestamp, p_to timestamp, p_context signal.context) returns setof signal.signal_values
  language plpgsql stable as $$
  begin
    return query
    select p.ts, p.session_date, (case when (extract(epoch from p.ts)::bigint / 2) % 2 = 0 then 1 else -1 end)::smallint,
      p.vwap_e6, p.ma_e6, p.session_vwap_e6, p.close_e4
    from signal.period_rows(p_from, p_to, p_context) p
    where p.vwap_e6 is not null and p.ts > p_from and p.ts <= p_to
    order by p.ts;
  end
  $$;
  grant execute on function signal.in_turns(timestamp, timestamp, signal.context) to job_runner`;

// Stops and targets close by, so that quotes trigger exits all the time, and no limit that would end it.
const SETTINGS = {
  signal_routine: 'signal.in_turns',
  ...{
    period_ms: PERIOD_MS,
    ma_minutes: 2,
    front_buffer_min: 0,
    back_buffer_min: 0,
    contracts: 1,
    cooldown_ms: 0,
  },
  ...{ exit_on_reverse: false, take_profit_ratio: 0.99, stop_loss_ratio: 1.01 },
  ...{ max_orders_per_day: 1_000_000, max_orders_per_minute: 10_000, max_day_loss: 100_000_000 },
};

// At a broker a fill is known a moment later than its quote: an exit that came before it would be measured as late.
const BROKER_SETTINGS = { take_profit_ratio: 0.96, stop_loss_ratio: 1.04 };

/** A session that opened some two minutes ago, on a whole minute as all do, and closes in three hours, or at the end of the day. */
function sessionNow(): SessionArguments {
  const now = systemClock().now();
  const minute = (now - (now % MINUTE_US)) as EasternUs;
  const midnight = (now - (now % DAY_US)) as EasternUs;
  const tsClose = Math.min(addMs(minute, 3 * 3_600_000), addMs(midnight, 86_340_000)) as EasternUs;
  return { sessionDate: dateOf(now), tsOpen: addMs(minute, -OPENED_MS), tsClose, tsOptionClose: tsClose };
}

async function prepare(owner: pg.Client, session: SessionArguments, settings: object): Promise<void> {
  const { sessionDate, tsOpen, tsClose } = session;
  await owner.query(
    `insert into ref.sessions (session_date, ts_open, ts_close, ts_option_close, is_early_close) values ($1, $2, $3, $3, false)
     on conflict (session_date) do update set
       ts_open = excluded.ts_open, ts_close = excluded.ts_close, ts_option_close = excluded.ts_option_close`,
    [sessionDate, formatEastern(tsOpen), formatEastern(tsClose)],
  );
  await owner.query(RULE_SQL);
  await owner.query('select trade.set_strategy($1, $2)', [STRATEGY, settings]);
}

/** Opens the market and starts the processes; resolves when quotes are stored and the run has begun. */
export async function startLiveTree(options: {
  readonly url: string;
  readonly owner: pg.Client;
  readonly folder: string;
  readonly strikesEachSide: number;
  /** With orders at a simulated Schwab instead of on paper. */
  readonly isAtBroker: boolean;
}): Promise<LiveTree> {
  const session = sessionNow();
  const dir = join(options.folder, 'live');
  await prepare(options.owner, session, options.isAtBroker ? { ...SETTINGS, ...BROKER_SETTINGS } : SETTINGS);
  const source = fork(fileURLToPath(new URL('./live_source.js', import.meta.url)));
  const opened = await ask(source, {
    ...{ kind: 'open', session, strikesEachSide: options.strikesEachSide },
    brokerFolder: options.isAtBroker ? dir : null,
  });
  if (opened.kind !== 'opened') throw new Error('the market has not opened');
  const env = {
    PATH: process.env.PATH ?? '',
    HOME: process.env.HOME ?? '',
    DATABASE_URL: options.url,
    STRIKEBASE_DIR: dir,
    MASSIVE_API_KEY: API_KEY,
    MASSIVE_WS_URL: opened.wsUrl,
    MASSIVE_REST_URL: opened.restUrl,
    ...brokerVariables(opened.broker),
  };
  let said = '';
  const start = (...args: string[]): ChildProcess => {
    const child = spawn(process.execPath, [projectPath('bin', 'strikebase.js'), ...args], {
      ...{ cwd: options.folder, env, stdio: ['ignore', 'pipe', 'pipe'] },
    });
    for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk) => (said += String(chunk)));
    return child;
  };
  // Prints tell at once that a second is over, its aggregate a second later: what an exit at a broker is worth.
  const ticks = options.isAtBroker ? ['--trades'] : [];
  const children: Record<Part, ChildProcess> = {
    'ingest-equities': start('ingest', 'equities', '--symbols', SYMBOL, ...ticks),
    'ingest-options': start(
      'ingest',
      'options',
      '--underlying',
      SYMBOL,
      '--strikes',
      String(STRIKES),
      ...ticks,
    ),
    advance: start('advance', '--strategy', STRATEGY, ...ticks),
  };
  const account = ['--account', 'schwab'];
  const others = options.isAtBroker
    ? [
        start('orders', 'submit', ...account),
        start('orders', 'reconcile', ...account),
        start('ready', '--watch'),
      ]
    : [];
  const pidOf = (child: ChildProcess): number => child.pid ?? 0;
  const tree: LiveTree = {
    contracts: opened.contracts,
    pids: {
      source: pidOf(source),
      'ingest-equities': pidOf(children['ingest-equities']),
      'ingest-options': pidOf(children['ingest-options']),
      advance: pidOf(children.advance),
    },
    send: async (rate, seconds) => {
      const sent = await ask(source, { kind: 'send', rate, seconds });
      if (sent.kind !== 'sent') throw new Error('nothing was sent');
      return sent;
    },
    said: () => said,
    isWhole: () =>
      Object.values(children).every(({ exitCode, signalCode }) => exitCode === null && signalCode === null),
    end: async () => {
      await Promise.all([...Object.values(children), ...others].map(end));
      await end(source);
    },
  };
  try {
    await untilRunning(options.owner, tree);
  } catch (error) {
    await tree.end();
    throw error;
  }
  return tree;
}

function brokerVariables(broker: SchwabConfig | null): Record<string, string> {
  if (broker === null) return {};
  return {
    BROKER: 'schwab',
    LIVE_TRADING: 'yes',
    SCHWAB_BASE_URL: broker.schwabBaseUrl,
    SCHWAB_API_KEY: broker.schwabApiKey ?? '',
    SCHWAB_API_SECRET: broker.schwabApiSecret ?? '',
    SCHWAB_CALLBACK_URL: broker.schwabCallbackUrl,
    STRIKEBASE_SECRET_KEY: broker.secretKey ?? '',
  };
}

function ask(source: ChildProcess, order: SourceOrder): Promise<SourceNews> {
  return new Promise((resolve, reject) => {
    const onExit = (code: number | null): void => reject(new Error(`the quote source ended with ${code}`));
    source.once('exit', onExit);
    source.once('message', (news: SourceNews) => {
      source.off('exit', onExit);
      resolve(news);
    });
    source.send(order);
  });
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  const late = setTimeout(() => child.kill('SIGKILL'), END_MS);
  await ended;
  clearTimeout(late);
}

const RUNNING_SQL = `
  select (select count(distinct q.instrument_id)::integer from market.option_quotes q) as quoted,
    exists (
      select from trade.slices s join trade.runs r using (run_id) where r.mode = 'live' and r.ts_ended is null
    ) as is_advancing`;

async function untilRunning(owner: pg.Client, tree: LiveTree): Promise<void> {
  const until = performance.now() + 60_000;
  while (performance.now() < until && tree.isWhole()) {
    const { rows } = await owner.query<{ quoted: number; is_advancing: boolean }>(RUNNING_SQL);
    if (rows[0]?.is_advancing && rows[0].quoted >= tree.contracts * QUOTED) return;
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
  throw new Error(`the processes have not begun to trade:\n${tree.said().slice(-3000)}`);
}

/** Resident memory of a process in megabytes: now, and the most so far. */
export function memoryOf(pid: number): { readonly now: number; readonly most: number } {
  const text = readFileSync(`/proc/${pid}/status`, 'utf8');
  const megabytes = (key: string): number =>
    Number(new RegExp(`${key}:\\s+(\\d+) kB`).exec(text)?.[1]) / 1024;
  return { now: megabytes('VmRSS'), most: megabytes('VmHWM') };
}

/** CPU seconds of a process of ours. */
export function nodeSeconds(pid: number): number {
  return cpuSeconds(pid, 'node') ?? cpuSeconds(pid, 'MainThread') ?? Number.NaN;
}
