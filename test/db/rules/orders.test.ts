// Orders, slots and writers: what the tables refuse, and what many writers, a crash and a second try leave behind.
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { formatEastern } from '../../../core/eastern_time.ts';
import { connect } from '../../../db/pool.ts';
import { advance, lockAccount, unlockAccount } from '../../../jobs/advance.ts';
import { eventually } from '../../harness.ts';
import { useBench } from '../support/connections.ts';
import { attachRun, differences, dumpOf, HINDSIGHT, NO_DIFFERENCES } from '../support/runs.ts';
import { createScenario, type QuoteSpec, type Scenario, type ScenarioRun } from '../support/scenario.ts';

const bench = useBench();
const QUOTES: QuoteSpec[] = [
  ['P600', '10:05', 1.0, 1.02],
  ['P600', '10:07', 2.1, 2.2],
  ['C600', '10:10', 0.9, 0.92],
  ['C600', '10:15', 1.0, 1.02],
  ['P600', '10:15', 0.8, 0.82],
];
const SIDES = { '10:05': 1, '10:10': -1, '10:15': 1 } as const;
let scenario: Scenario;

beforeAll(async () => {
  scenario = await createScenario(bench.owner(), { sides: SIDES, quotes: QUOTES });
});

async function tradedRun(settings = {}): Promise<ScenarioRun> {
  const run = await scenario.open(bench.runner(), { settings });
  await run.to('10:20');
  return run;
}

const one = async <Row extends pg.QueryResultRow>(sql: string, values: readonly unknown[]): Promise<Row> => {
  const { rows } = await bench.owner().query<Row>(sql, [...values]);
  if (rows[0] === undefined) throw new Error(`no row: ${sql}`);
  return rows[0];
};

/** An intent of a run that has no event yet: its entry that waits for a close which never filled. */
async function freshIntent(): Promise<{ run_id: number; intent_id: number }> {
  const run = await tradedRun();
  return one(
    `insert into trade.order_intents (run_id, decision_id, position_id, attempt, purpose, ts, order_type, limit_px_e4, qty, slot)
     select run_id, decision_id, position_id, 99, purpose, ts, order_type, limit_px_e4, qty, slot
     from trade.order_intents where run_id = $1 order by intent_id limit 1 returning run_id, intent_id`,
    [run.id],
  );
}

describe('the states of an order', () => {
  async function walk(states: readonly string[]): Promise<void> {
    const { run_id, intent_id } = await freshIntent();
    for (const state of states) {
      await bench
        .runner()
        .query(
          "insert into trade.order_events (intent_id, run_id, ts, state) values ($1, $2, '2026-06-17 10:05', $3)",
          [intent_id, run_id, state],
        );
    }
  }

  test.each<[readonly string[]]>([
    [['denied']],
    [['submitted', 'accepted', 'partially_filled', 'partially_filled', 'filled']],
    [['submitted', 'unknown', 'accepted', 'canceled']],
    [['submitted', 'unknown', 'filled']],
    [['submitted', 'canceled', 'filled']],
    [['submitted', 'rejected']],
    [['submitted', 'accepted', 'expired']],
    [['submitted', 'accepted', 'expired', 'filled']],
  ])('may go %j', async (states) => {
    await walk(states);
  });

  test.each<[readonly string[]]>([
    [['filled']],
    [['accepted']],
    [['unknown']],
    [['submitted', 'submitted']],
    [['submitted', 'denied']],
    [['denied', 'submitted']],
    [['submitted', 'filled', 'canceled']],
    [['submitted', 'filled', 'filled']],
    [['submitted', 'rejected', 'accepted']],
    [['submitted', 'expired', 'accepted']],
    [['submitted', 'accepted', 'submitted']],
    [['submitted', 'partially_filled', 'rejected']],
  ])('may not go %j', async (states) => {
    await expect(walk(states)).rejects.toMatchObject({ code: 'SB005' });
  });

  test('are judged one after the other within one statement too', async () => {
    const { run_id, intent_id } = await freshIntent();
    const insert = (states: readonly string[]): Promise<unknown> =>
      bench
        .runner()
        .query(
          "insert into trade.order_events (intent_id, run_id, ts, state) select $1, $2, '2026-06-17 10:05', s from unnest($3::text[]) s",
          [intent_id, run_id, states],
        );
    await expect(insert(['submitted', 'filled', 'canceled'])).rejects.toMatchObject({ code: 'SB005' });
    await insert(['submitted', 'partially_filled', 'filled']);
  });
});

describe('the tables refuse', () => {
  test('a second order of the same decision, leg, side and attempt', async () => {
    const run = await tradedRun();
    const leg = await one<{ intent_id: number }>(
      'select l.intent_id from trade.order_intent_legs l join trade.order_intents i using (intent_id) where i.run_id = $1 limit 1',
      [run.id],
    );
    const repeat = bench.runner().query(
      `insert into trade.order_intents (run_id, decision_id, position_id, attempt, purpose, ts, order_type, limit_px_e4, qty, slot)
       select run_id, decision_id, position_id, attempt, purpose, ts, order_type, limit_px_e4, qty, slot
       from trade.order_intents where intent_id = $1`,
      [leg.intent_id],
    );
    await expect(repeat).rejects.toMatchObject({ code: '23505', constraint: 'order_intents_key' });
    const { intent_id } = await freshIntent();
    const sameLeg = bench.runner().query(
      `insert into trade.order_intent_legs select $2, decision_id, attempt, 1, instrument_id, side, effect, qty
       from trade.order_intent_legs where intent_id = $1`,
      [leg.intent_id, intent_id],
    );
    await expect(sameLeg).rejects.toMatchObject({ code: '23505', constraint: 'order_intent_legs_key' });
  });

  test('a second entry decision of a period, and a second exit of a position', async () => {
    const run = await tradedRun();
    const again = (kind: string): Promise<unknown> =>
      bench.runner().query(
        `insert into trade.decisions (run_id, ts, kind, verdict, reason, session_date, position_id)
         select run_id, ts, kind, verdict, reason, session_date, position_id from trade.decisions where run_id = $1 and kind = $2 limit 1`,
        [run.id, kind],
      );
    await expect(again('entry')).rejects.toMatchObject({ code: '23505', constraint: 'decisions_entry_key' });
    await expect(again('exit')).rejects.toMatchObject({ code: '23505', constraint: 'decisions_exit_key' });
  });

  test('the same execution twice, one position in two slots, and a slot whose position is not flat', async () => {
    const run = await scenario.open(bench.runner(), {
      settings: { slots: 2, stop_loss_ratio: 9, exit_on_reverse: false },
    });
    await run.to('10:06');
    const execution = bench.runner().query(
      `insert into trade.fills (run_id, intent_id, position_id, leg_no, account, execution_id, ts, instrument_id, side, effect, qty, px_e4, commission, fees)
       select run_id, intent_id, position_id, leg_no, account, execution_id, ts, instrument_id, side, effect, qty, px_e4, commission, fees
       from trade.fills where run_id = $1 limit 1`,
      [run.id],
    );
    await expect(execution).rejects.toMatchObject({ code: '23505', constraint: 'fills_execution_key' });
    const claim = bench.runner().query(
      `update trade.position_slots s set (position_id, ts_claimed) = (
         select x.position_id, x.ts_claimed from trade.position_slots x where x.account = s.account and x.slot = 1
       ) where s.account = $1 and s.slot = 2`,
      [`backtest-${run.id}`],
    );
    await expect(claim).rejects.toMatchObject({ code: '23505', constraint: 'position_slots_position_key' });
    const taken = bench.runner().query(
      `update trade.position_slots s set position_id = (
         select max(d.decision_id) from trade.decisions d where d.run_id = $2 and d.kind = 'entry'
       ) where s.account = $1 and s.slot = 1`,
      [`backtest-${run.id}`, run.id],
    );
    await expect(taken).rejects.toMatchObject({ code: 'SB004' });
  });

  test.each([
    'signal.periods',
    'signal.signals',
    'trade.slices',
    'trade.decisions',
    'trade.order_intents',
    'trade.order_intent_legs',
    'trade.order_events',
    'trade.fills',
    'market.equity_ticks',
    'market.option_quotes',
  ])('any change of %s', async (table) => {
    await tradedRun();
    await expect(bench.owner().query(`delete from ${table}`)).rejects.toMatchObject({ code: 'SB001' });
    await expect(bench.owner().query(`truncate ${table} cascade`)).rejects.toMatchObject({ code: 'SB001' });
    await expect(bench.runner().query(`delete from ${table}`)).rejects.toMatchObject({ code: '42501' });
  });
});

describe('advance', () => {
  const call = (client: pg.ClientBase, run: ScenarioRun): Promise<unknown> =>
    client.query('select trade.advance($1, $2, $3)', [
      run.id,
      formatEastern(scenario.at('10:00')),
      formatEastern(HINDSIGHT),
    ]);

  test('outside a repeatable read transaction is refused', async () => {
    const run = await scenario.open(bench.runner());
    await expect(call(bench.runner(), run)).rejects.toMatchObject({ code: 'SB003' });
    await bench.runner().query('begin');
    await expect(call(bench.runner(), run)).rejects.toMatchObject({ code: 'SB003' });
    await bench.runner().query('rollback');
  });

  test('of a run that has ended, or never was, is refused', async () => {
    const run = await scenario.open(bench.runner());
    await bench.runner().query("select trade.close_run($1, 'completed', '2026-06-17 10:00')", [run.id]);
    await expect(run.to('10:00')).rejects.toMatchObject({ code: 'SB002' });
    const close = bench
      .runner()
      .query("select trade.close_run($1, 'completed', '2026-06-17 10:00')", [run.id]);
    await expect(close).rejects.toMatchObject({ code: 'SB002' });
    const nobody = attachRun(bench.runner(), 999_999_999);
    await expect(nobody.advance(scenario.at('10:00'))).rejects.toMatchObject({ code: 'SB002' });
  });

  test('that fails leaves the run where it stood, and the next one redoes it', async () => {
    const reference = await tradedRun();
    const run = await scenario.open(bench.runner());
    await run.to('10:06');
    const before = await dumpOf(run);
    await bench.runner().query('begin isolation level repeatable read');
    await bench
      .runner()
      .query('select trade.advance($1, $2, $3)', [run.id, '2026-06-17 10:12', formatEastern(HINDSIGHT)]);
    await bench.runner().query('rollback');
    expect(await dumpOf(run)).toEqual(before);
    await run.to('10:20');
    expect(differences(await dumpOf(reference), await dumpOf(run))).toEqual(NO_DIFFERENCES);
  });
});

test('a writer that began before the last slice was committed cannot begin where that one did', async () => {
  const run = await scenario.open(bench.runner());
  await run.to('10:00');
  await bench.owner().query('begin isolation level repeatable read');
  await bench.owner().query('select from trade.runs');
  await run.to('10:00:10');
  const late = bench
    .owner()
    .query('select trade.advance($1, $2, $3)', [run.id, '2026-06-17 10:00:20', formatEastern(HINDSIGHT)]);
  await expect(late).rejects.toMatchObject({ code: '23505' });
  await bench.owner().query('rollback');
});

describe('many writers of one run', () => {
  const WRITERS = 16;
  const clients: pg.Client[] = [];
  const EXPECTED = new Set(['SB003', '40001', '23505']);

  beforeAll(async () => {
    for (let n = 0; n < WRITERS; n += 1) {
      clients.push(await connect({ url: bench.database.url(), role: 'job_runner', name: `racer ${n}` }));
    }
  });
  afterAll(() => Promise.all(clients.map((client) => client.end())));

  const cuts = [
    '10:04:30',
    '10:05',
    '10:05:01',
    '10:07',
    '10:07:00.000001',
    '10:10',
    '10:10:02',
    '10:14:59',
    '10:15:01',
    '10:20',
  ];

  /** Runs through the cuts, trying each again until the run has passed it. */
  async function race(client: pg.Client, id: number, isLocked: boolean): Promise<string[]> {
    const codes: string[] = [];
    if (isLocked) await lockAccount(client, `backtest-${id}`);
    for (const cut of cuts) {
      await eventually(
        async () => {
          await advance(client, { runId: id, to: scenario.at(cut), asOf: HINDSIGHT });
        },
        {
          timeoutMs: 30_000,
          isRetried: (error) => {
            codes.push((error as { code?: string }).code ?? String(error));
            return EXPECTED.has(codes.at(-1) ?? '');
          },
        },
      );
    }
    if (isLocked) await unlockAccount(client, `backtest-${id}`);
    return codes;
  }

  test.each([
    ['without the account’s lock write what one writes; the others fail and find it done', false],
    ['with the account’s lock take turns, and none of them fails', true],
  ])('%s', async (_, isLocked) => {
    const reference = await tradedRun();
    const run = await scenario.open(bench.runner());
    const codes = (await Promise.all(clients.map((client) => race(client, run.id, isLocked)))).flat();
    expect(codes.filter((code) => !EXPECTED.has(code))).toEqual([]);
    if (isLocked) expect(codes).toEqual([]);
    expect(differences(await dumpOf(reference), await dumpOf(run))).toEqual(NO_DIFFERENCES);
  });

  test('a writer whose server process is killed in the middle leaves nothing, and the next one does it all', async () => {
    const reference = await tradedRun();
    const run = await scenario.open(bench.runner());
    await run.to('10:06');
    const before = await dumpOf(run);
    const victim = await connect({ url: bench.database.url(), role: 'job_runner', name: 'victim' });
    const { rows } = await victim.query<{ pid: number }>('select pg_backend_pid() as pid');
    const pid = rows[0]?.pid;
    // It hangs on the slot's row, having written periods and signals, until it is killed.
    await bench.owner().query('begin');
    await bench
      .owner()
      .query('select from trade.position_slots where account = $1 for update', [`backtest-${run.id}`]);
    const attempt = advance(victim, { runId: run.id, to: scenario.at('10:20'), asOf: HINDSIGHT }).then(
      () => 'done',
      (error: unknown) => (error as { code?: string }).code,
    );
    await eventually(async () => {
      const { rows: waiting } = await bench.database
        .pool()
        .query("select from pg_stat_activity where pid = $1 and wait_event_type = 'Lock'", [pid]);
      expect(waiting.length).toBe(1);
    });
    await bench.owner().query('select pg_terminate_backend($1)', [pid]);
    expect(await attempt).toBe('57P01');
    await bench.owner().query('rollback');
    await victim.end().catch(() => undefined);
    expect(await dumpOf(run)).toEqual(before);
    await eventually(() => run.to('10:20'), {
      isRetried: (error) => (error as { code?: string }).code === 'SB003',
    });
    expect(differences(await dumpOf(reference), await dumpOf(run))).toEqual(NO_DIFFERENCES);
  });
});

describe('drop_run', () => {
  const ROWS = `
    select (select count(*) from signal.periods where run_id = $1) + (select count(*) from signal.signals where run_id = $1)
      + (select count(*) from trade.slices where run_id = $1) + (select count(*) from trade.decisions where run_id = $1)
      + (select count(*) from trade.order_intents where run_id = $1) + (select count(*) from trade.order_events where run_id = $1)
      + (select count(*) from trade.fills where run_id = $1) + (select count(*) from trade.runs where run_id = $1)
      + (select count(*) from trade.position_slots where account = 'backtest-' || $1) as rows`;

  test('removes a backtest with everything it wrote, and no other', async () => {
    const [kept, dropped] = [await tradedRun({ slots: 2 }), await tradedRun({ slots: 2 })];
    const before = await dumpOf(kept);
    const legs = 'select count(*)::int as legs from trade.order_intent_legs';
    const { legs: legsBefore } = await one<{ legs: number }>(legs, []);
    await bench.owner().query('select trade.drop_run($1)', [dropped.id]);
    expect(await one(ROWS, [dropped.id])).toEqual({ rows: 0 });
    expect(await dumpOf(kept)).toEqual(before);
    expect((await one<{ legs: number }>(legs, [])).legs).toBeLessThan(legsBefore);
    await expect(bench.owner().query('select trade.drop_run($1)', [dropped.id])).rejects.toMatchObject({
      code: 'SB002',
    });
    // The facts of others are as safe afterwards as before.
    await expect(bench.owner().query('delete from trade.fills')).rejects.toMatchObject({ code: 'SB001' });
  });

  test('refuses a live run, and everybody but the owner', async () => {
    const live = await scenario.open(bench.runner(), { mode: 'live', settings: { account: 'kept' } });
    await live.to('10:05', '10:05:01');
    await expect(bench.owner().query('select trade.drop_run($1)', [live.id])).rejects.toMatchObject({
      code: 'SB009',
    });
    const end = (source: string, broker: string): Promise<unknown> =>
      bench
        .owner()
        .query(
          "update trade.runs set ts_ended = ts_to, outcome = 'stopped', quote_source = $2, broker = $3 where run_id = $1",
          [live.id, source, broker],
        );
    for (const [source, broker] of [
      ['recorded', 'paper'],
      ['simulated', 'schwab'],
    ] as const) {
      await end(source, broker);
      await expect(bench.owner().query('select trade.drop_run($1)', [live.id])).rejects.toMatchObject({
        code: 'SB009',
      });
    }
    // A simulated market on paper: nobody's money.
    await end('simulated', 'paper');
    await bench.owner().query('select trade.drop_run($1)', [live.id]);
    expect(await one(ROWS, [live.id])).toEqual({ rows: 0 });
    const replay = await scenario.open(bench.runner(), { mode: 'replay' });
    await expect(bench.runner().query('select trade.drop_run($1)', [replay.id])).rejects.toMatchObject({
      code: '42501',
    });
    await bench.owner().query('select trade.drop_run($1)', [replay.id]);
  });
});
