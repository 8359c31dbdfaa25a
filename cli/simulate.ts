// `strikebase simulate`: a market of its own that is open now, for the processes of a live run that are tried without a vendor.
import { Command } from 'commander';
import type pg from 'pg';
import { systemClock } from '../core/clock.ts';
import { addMs, dateOf, type EasternUs, formatEastern, parseEastern } from '../core/eastern_time.ts';
import { errorText, Failure } from '../core/failure.ts';
import { writeHeartbeat } from '../db/heartbeat.ts';
import { type LastingConnection, lastingConnection } from '../db/lasting_connection.ts';
import { inTransaction } from '../db/pool.ts';
import { startMassiveSimulator } from '../sim/massive_server.ts';
import { withDatabase } from './database.ts';
import { parseSeed } from './demo.ts';
import { interrupt } from './interrupt.ts';
import { describeSession, type MarketSession, rangeOf } from './market_sessions.ts';
import { parseCount, withDb, withExamples } from './options.ts';
import { note } from './terminal.ts';

interface SimulateOptions {
  readonly port: number;
  readonly seed: number;
  readonly strategy: string;
  readonly periodSeconds: number;
  readonly db?: string;
}

// No secret: it opens nothing but this simulator.
const API_KEY = 'simulated';
const DEFAULT_PORT = 8100;
const DEFAULT_PERIOD_SECONDS = 15;
// Time before the front buffer of the strategy is over would show nothing.
const OPENED_BEFORE_MS = 40 * 60_000;
const EARLIEST_OPEN = '00:31:00';
const CLOSE = '23:25:00';
// Entries end half an hour before the close.
const LEAST_LEFT_MS = 45 * 60_000;
const STEP_MS = 100;
const SECOND_US = 1_000_000;
const DAY_MS = 86_400_000;
const MARGIN_MS = 30 * 60_000;
const BEAT_MS = 5000;
const WAIT_STEP_MS = 1000;
const EXIT_MS = 3000;

const clock = systemClock();

const SESSION_SQL = `
  insert into ref.sessions (session_date, ts_open, ts_close, ts_option_close, is_early_close) values ($1, $2, $3, $3, false)
  on conflict on constraint sessions_pk do update set
    ts_open = excluded.ts_open, ts_close = excluded.ts_close, ts_option_close = excluded.ts_option_close,
    is_early_close = excluded.is_early_close`;

/** The subcommand. */
export function simulateCommand(): Command {
  const command = new Command('simulate')
    .description(
      'Serves a simulated market that is open now, every day until 23:25 Eastern, at the pace of the clock: Massive’s websocket and ' +
        'REST on 127.0.0.1. `strikebase ingest` and `strikebase advance` run on it as on the real one, with MASSIVE_WS_URL and ' +
        `MASSIVE_REST_URL at its port and MASSIVE_API_KEY=${API_KEY}. Writes its hours into the calendar of the database, so it ` +
        'takes only one whose name has “sim” in it.',
    )
    .option('--port <n>', 'port of 127.0.0.1', parseCount, DEFAULT_PORT)
    .option('--seed <n>', 'another seed is another market', parseSeed, 1)
    .option('--strategy <name>', 'strategy that is to trade on it', 'vwap_ma9')
    .option(
      '--period-seconds <n>',
      'how often that strategy looks, so that something happens soon',
      parseCount,
      DEFAULT_PERIOD_SECONDS,
    );
  return withExamples(withDb(command), 'simulate --db postgres://owner@127.0.0.1/strikebase_sim').action(
    (options: SimulateOptions) => {
      // A socket to a server that does not answer must not keep a process that was told to end.
      interrupt().addEventListener('abort', () => setTimeout(() => process.exit(), EXIT_MS).unref(), {
        once: true,
      });
      return withDatabase(options, (database) => simulate(database.url, options));
    },
  );
}

async function simulate(url: string, options: SimulateOptions): Promise<void> {
  const signal = interrupt();
  const connection = await lastingConnection({ url, role: 'owner', name: 'simulate', signal });
  try {
    await connection.run(async (client) => {
      await refuseRealData(client);
      await lookEvery(client, options);
    });
    while (!signal.aborted) {
      const session = await connection.run((client) => openSession(client, clock.now()));
      await playSession(connection, session, options);
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    await connection.end();
  }
}

/** Its calendar is not the exchange's: nothing real may ever be judged by it. */
async function refuseRealData(client: pg.ClientBase): Promise<void> {
  const { rows } = await client.query<{ name: string; is_real: boolean }>(
    `select current_database() as name, exists (select from ref.feeds f where f.source <> 'simulated') as is_real`,
  );
  const [{ name, is_real }] = rows as [{ name: string; is_real: boolean }];
  if (name.includes('sim') && !is_real) return;
  const what = is_real ? 'holds data that is not simulated' : 'has no “sim” in its name';
  throw new Failure(`the database ${name} ${what}, and a simulated market changes the calendar`, {
    hint: 'Make a database for it: createdb strikebase_sim, then strikebase migrate and simulate with --db.',
    exitCode: 2,
  });
}

async function lookEvery(client: pg.ClientBase, { strategy, periodSeconds }: SimulateOptions): Promise<void> {
  const periodMs = periodSeconds * 1000;
  const { rows } = await client.query<{ period_ms: number }>(
    'select period_ms from ref.current_strategies where strategy = $1',
    [strategy],
  );
  if (rows[0]?.period_ms === periodMs) return;
  await client.query('select trade.set_strategy($1, $2)', [strategy, { period_ms: periodMs }]);
}

function at(date: string, time: string): EasternUs {
  return parseEastern(`${date} ${time}`) as EasternUs;
}

/** The hours of the market that is open now, or tomorrow's; what an earlier start has written stands. */
async function openSession(client: pg.ClientBase, now: EasternUs): Promise<MarketSession> {
  const today = dateOf(now);
  const close = at(today, CLOSE);
  // The calendar is made again with every new version of the routines: the sign of life keeps what was opened.
  const { rows } = await client.query<{ ts_open: string }>(
    `select substring(h.detail from '^opened (.{19})') as ts_open from ops.heartbeats h
     where h.process = 'simulate' and h.detail like 'opened ' || $1 || '%'`,
    [today],
  );
  const known = parseEastern(rows[0]?.ts_open ?? '');
  const lastStart = known === null ? addMs(close, -LEAST_LEFT_MS) : addMs(close, MARGIN_MS);
  const next = sessionFrom(at(dateOf(addMs(at(today, '00:00:00'), DAY_MS)), EARLIEST_OPEN));
  const sessions = now < lastStart ? [sessionFrom(known ?? openBefore(now)), next] : [next];
  await inTransaction(client, async () => {
    // Whoever waits for the next day looks it up before it comes.
    for (const { sessionDate, tsOpen, tsClose } of sessions) {
      await client.query(SESSION_SQL, [sessionDate, formatEastern(tsOpen), formatEastern(tsClose)]);
    }
  });
  return sessions[0] as MarketSession;
}

function openBefore(now: EasternUs): EasternUs {
  const began = Math.max(addMs(now, -OPENED_BEFORE_MS), at(dateOf(now), EARLIEST_OPEN));
  return (began - (began % (60 * SECOND_US))) as EasternUs;
}

function sessionFrom(tsOpen: EasternUs): MarketSession {
  const tsClose = at(dateOf(tsOpen), CLOSE);
  return { sessionDate: dateOf(tsOpen), tsOpen, tsClose, tsOptionClose: tsClose };
}

async function playSession(
  connection: LastingConnection,
  session: MarketSession,
  { port, seed }: SimulateOptions,
): Promise<void> {
  const signal = interrupt();
  const { from } = rangeOf(session);
  note(`simulated market, seed ${seed}: ${describeSession(session)}`);
  while (!signal.aborted && clock.now() < from) {
    await clock.sleep(WAIT_STEP_MS, signal);
    await beat(connection, 'waits for the next session');
  }
  if (signal.aborted) return;
  const now = clock.now();
  const simulator = await startMassiveSimulator({
    ...session,
    ...{ seed, port, apiKey: API_KEY, speed: 1, stepMs: STEP_MS, pacing: 'free', prints: false },
    from: (now - (now % SECOND_US)) as EasternUs,
  });
  note(`MASSIVE_WS_URL=${simulator.wsUrl} MASSIVE_REST_URL=${simulator.restUrl} MASSIVE_API_KEY=${API_KEY}`);
  const ending = new AbortController();
  const stop = (): void => ending.abort();
  signal.addEventListener('abort', stop, { once: true });
  const opened = `opened ${formatEastern(session.tsOpen).slice(0, 19)}`;
  const beating = beatUntil(connection, opened, ending.signal);
  simulator.begin();
  const aborted = new Promise<void>((resolve) =>
    ending.signal.addEventListener('abort', () => resolve(), { once: true }),
  );
  try {
    await Promise.race([simulator.done, aborted]);
  } finally {
    signal.removeEventListener('abort', stop);
    stop();
    await simulator.stop();
    await beating;
  }
}

async function beatUntil(connection: LastingConnection, detail: string, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await beat(connection, detail).catch((error: unknown) => {
      // The market goes on without the database.
      if (!signal.aborted) note(`no sign of life could be written: ${errorText(error)}`);
    });
    await clock.sleep(BEAT_MS, signal);
  }
}

async function beat(connection: LastingConnection, detail: string): Promise<void> {
  const beat = { process: 'simulate', at: clock.now(), state: 'playing', detail };
  await connection.run((client) => writeHeartbeat(client, beat));
}
