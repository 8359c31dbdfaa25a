// A live run at a broker of the test's own, moved by hand: slices, the two order jobs, the venue, and one clock for all.
import type pg from 'pg';
import { afterEach } from 'vitest';
import { acceleratedClock, type Clock } from '../../../core/clock.ts';
import { addMs, type EasternUs, formatEastern } from '../../../core/eastern_time.ts';
import type { Slice } from '../../../jobs/advance.ts';
import type { OpenConnection } from '../../../jobs/orders/account_connection.ts';
import type { OrderEventName } from '../../../jobs/orders/events.ts';
import { openReconciler, type ReconcileOptions, type Reconciler } from '../../../jobs/reconcile_orders.ts';
import { openSubmitter, type SubmitOptions, type Submitter } from '../../../jobs/submit_orders.ts';
import { steppingClock } from '../../../sim/stepping_clock.ts';
import { isNoted } from '../../fault_notes.ts';
import type { Bench } from '../support/connections.ts';
import { contract } from '../support/market.ts';
import { attachRun, type TestRun } from '../support/runs.ts';
import { createScenario, type QuoteSpec, type Scenario, type ScenarioOptions } from '../support/scenario.ts';
import { createVenue, type Venue } from './venue.ts';

export const DATE = '2026-06-17';
export const PUT = contract('P600', DATE);
export const CALL = contract('C600', DATE);
/** The quote at which the put is sold at 10:05. */
export const ENTRY: QuoteSpec = ['P600', '10:05', 1.0, 1.02];

export interface WorldOptions extends Partial<ScenarioOptions> {
  readonly settings?: Readonly<Record<string, unknown>>;
  /** Where clock and run begin; default 10:04:30. */
  readonly start?: string;
  readonly keepsClientIds?: boolean;
  /** The time runs by itself, so many times as fast as the machine's; it can be set all the same. Without it, it stands still. */
  readonly speed?: number;
  /** A market that is there already, with a readiness check for its day; its other options say nothing then. */
  readonly scenario?: Scenario;
  /** Connections that are shared with other worlds. */
  readonly shared?: SharedConnections;
}

/** Opening three connections for each of a thousand worlds takes longer than what happens in them. */
export interface SharedConnections {
  /** Of role job_runner, for slices. */
  readonly runner: pg.Client;
  readonly submit: OpenConnection;
  readonly reconcile: OpenConnection;
}

export interface Told {
  readonly name: OrderEventName;
  readonly data: Readonly<Record<string, unknown>>;
}

/** The two jobs of a world. */
export interface Jobs {
  readonly submitter: Submitter;
  readonly reconciler: Reconciler;
}

export interface World {
  readonly url: string;
  readonly pool: pg.Pool;
  readonly account: string;
  readonly clock: Clock;
  readonly venue: Venue;
  readonly run: TestRun;
  readonly scenario: Scenario;
  /** What the jobs told. */
  readonly told: Told[];
  /** Moves the clock to a time of the day, or on by milliseconds. */
  moveTo(time: string | number): void;
  now(): EasternUs;
  /** Takes the run to where the clock stands. */
  slice(): Promise<Slice | null>;
  openSubmitter(more?: Partial<SubmitOptions>): Promise<Submitter>;
  openReconciler(more?: Partial<ReconcileOptions>): Promise<Reconciler>;
  /** One `purpose#attempt state filled/qty` for every order, in the order of intents. */
  orders(): Promise<string[]>;
  /** The states that one order went through. */
  states(purpose: string, attempt?: number): Promise<string[]>;
  /** Keys of alerts, those about halts as `halt`. */
  alerts(): Promise<string[]>;
  /** Reasons of the halts of the account, in the order of time. */
  halts(): Promise<string[]>;
  /** Contracts by our fills. */
  held(): Promise<Record<string, number>>;
  /** Ids of intents by `purpose#attempt`. */
  intentId(purpose: string, attempt?: number): Promise<number>;
}

const open: { close(): Promise<void> }[] = [];
let made: World[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((job) => job.close()));
  const worlds = made;
  made = [];
  if (!isNoted()) return;
  const { noteWorld } = await import('./audit.ts');
  for (const world of worlds) await noteWorld(world);
}, 120_000);

let worlds = 0;

const ORDERS_SQL = `
  select o.purpose || '#' || o.attempt || ' ' || o.state || ' ' || o.filled_qty || '/' || o.qty as line
  from trade.orders o where o.run_id = $1 order by o.intent_id`;

const STATES_SQL = `
  select e.state from trade.order_events e join trade.order_intents i using (intent_id)
  where i.run_id = $1 and i.purpose = $2 and ($3::integer is null or i.attempt = $3) order by e.event_id`;

const HELD_SQL = `
  select n.symbol, sum(case f.side when 'buy' then f.qty else -f.qty end)::integer as qty
  from trade.fills f join ref.instruments n using (instrument_id) where f.account = $1 group by 1
  having sum(case f.side when 'buy' then f.qty else -f.qty end) <> 0`;

/** A world of its own on the file's database: an account, feeds, a live run of broker \`schwab\` and readiness for entries. */
export async function createWorld(bench: Bench, options: WorldOptions = {}): Promise<World> {
  worlds += 1;
  const { settings = {}, start = '10:04:30', keepsClientIds = false, speed } = options;
  const { sides = { '10:05': 1 }, ...rest } = options;
  const account = `orders-${worlds}`;
  const { scenario: given, shared: connections } = options;
  const runner = connections?.runner ?? bench.runner();
  const scenario =
    given ?? (await createScenario(bench.owner(), { until: '10:20', quotes: [ENTRY], ...rest, sides }));
  const clock =
    speed === undefined ? steppedClock(scenario.at(start)) : runningClock(scenario.at(start), speed);
  const venue = createVenue(clock, { keepsClientIds });
  const run = await openBrokerRun(runner, { scenario, account, settings, from: clock.now() });
  if (given === undefined) await makeReady(bench, scenario);
  const told: Told[] = [];
  const pool = bench.database.pool();
  const url = bench.database.url();
  const shared = { url, account, broker: venue.broker, clock } as const;
  const onEvent = (name: OrderEventName, data: Told['data']): void => void told.push({ name, data });
  const column = async (text: string, values: readonly unknown[]): Promise<string[]> => {
    const { rows } = await pool.query<Record<string, string>>(text, [...values]);
    return rows.map((row) => Object.values(row)[0] ?? '');
  };
  const world: World = {
    ...{ url, pool, account, clock, venue, run, scenario, told },
    moveTo: (time) => {
      clock.moveTo(typeof time === 'number' ? addMs(clock.now(), time) : scenario.at(time));
    },
    now: () => clock.now(),
    slice: () => run.advance(clock.now(), clock.now()),
    openSubmitter: (more = {}) =>
      keep(
        openSubmitter({
          ...shared,
          onEvent,
          ...(connections && { open: connections.submit }),
          ...more,
        }),
      ),
    openReconciler: (more = {}) =>
      keep(
        openReconciler({
          ...shared,
          onEvent,
          reads: { perMinute: 1e6, burst: 1e6 },
          ...(connections && { open: connections.reconcile }),
          ...more,
        }),
      ),
    orders: () => column(ORDERS_SQL, [run.id]),
    states: (purpose, attempt) => column(STATES_SQL, [run.id, purpose, attempt ?? null]),
    alerts: async () => {
      const keys = await column(
        `select key from ops.alert_outbox where key like '%' || $1 || '%' or text like '%' || $1 || '%'
           or split_part(key, ' ', 2) in (select intent_id::text from trade.order_intents where run_id = $2)
         order by alert_id`,
        [account, run.id],
      );
      return keys.map((key) => (key.startsWith('halt-') ? 'halt' : key.replace(/ \d+ /, ' ')));
    },
    halts: () =>
      column('select reason from trade.controls where account = $1 and halted order by control_id', [
        account,
      ]),
    held: async () => {
      const { rows } = await pool.query<{ symbol: string; qty: number }>(HELD_SQL, [account]);
      return Object.fromEntries(rows.map(({ symbol, qty }) => [symbol, qty]));
    },
    intentId: async (purpose, attempt = 1) => {
      const { rows } = await pool.query<{ id: string }>(
        'select intent_id as id from trade.order_intents where run_id = $1 and purpose = $2 and attempt = $3 order by 1 desc limit 1',
        [run.id, purpose, attempt],
      );
      return Number(rows[0]?.id);
    },
  };
  if (speed === undefined && connections === undefined) made.push(world);
  return world;
}

/** Lets entries of a scenario's day pass. */
export async function makeReady(bench: Bench, scenario: Scenario): Promise<void> {
  // Every minute of the day, as `ready --watch` would.
  const sql = `
    insert into ops.readiness_checks (ts, name, ok, detail)
    select ts, 'test', true, 'ok' from generate_series($1::timestamp, $1::timestamp + interval '8 hours', interval '1 minute') as ts`;
  await bench.runner().query(sql, [formatEastern(scenario.at('09:00'))]);
}

type WorldClock = Clock & { moveTo(us: EasternUs): void };

function steppedClock(start: EasternUs): WorldClock {
  const clock = steppingClock(start);
  return {
    ...clock,
    moveTo: (us) => {
      clock.moveTo(us);
      clock.wake();
    },
  };
}

function runningClock(start: EasternUs, speed: number): WorldClock {
  let inner = acceleratedClock({ start, speed });
  return {
    kind: 'simulated',
    now: () => inner.now(),
    sleep: (ms, signal) => inner.sleep(ms, signal),
    moveTo: (us) => {
      inner = acceleratedClock({ start: us, speed });
    },
  };
}

async function keep<T extends { close(): Promise<void> }>(opening: Promise<T>): Promise<T> {
  const job = await opening;
  open.push(job);
  return job;
}

async function openBrokerRun(
  client: pg.Client,
  of: { scenario: Scenario; account: string; settings: Readonly<Record<string, unknown>>; from: EasternUs },
): Promise<TestRun> {
  const { scenario, account, settings, from } = of;
  const { tickFeed, quoteFeed } = scenario.market;
  const { rows } = await client.query<{ id: number }>(
    "select trade.open_run('live', 'vwap_ma9', $1, $2, $3, $4, $5, 'schwab', 'test', $1) as id",
    [formatEastern(from), `${DATE} 16:30:00`, tickFeed, quoteFeed, { account, ...settings }],
  );
  return attachRun(client, rows[0]?.id as number);
}

/** Opens both jobs; the first pass is done, so that entries are allowed. */
export async function openJobs(world: World): Promise<Jobs> {
  const submitter = await world.openSubmitter();
  const reconciler = await world.openReconciler();
  await reconciler.pass();
  return { submitter, reconciler };
}

/** Sends what there is to send, and waits for the answers. */
export async function send({ submitter }: Pick<Jobs, 'submitter'>): Promise<void> {
  await submitter.step();
  await submitter.settled();
}

/** The put is sold, 25 at 1.00 at 10:05, and its stop rests at the broker; the clock stands at 10:05:02. */
export async function openPosition(world: World): Promise<Jobs> {
  const jobs = await openJobs(world);
  world.moveTo('10:05:00.2');
  await world.slice();
  await send(jobs);
  world.venue.fillAll();
  world.moveTo('10:05:01.5');
  await jobs.reconciler.pass();
  await world.slice();
  await send(jobs);
  world.moveTo('10:05:02');
  return jobs;
}

/** Two seconds of passes, slices and sends: what has to happen at the broker can happen. */
export async function goOn(world: World, jobs: Jobs, ms = 2000): Promise<void> {
  for (let passed = 0; passed < ms; passed += 250) {
    world.moveTo(250);
    await jobs.reconciler.pass();
    await world.slice();
    await send(jobs);
  }
}
