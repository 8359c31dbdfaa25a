// What is told of a live run, and that a backtest is told to nobody.
import { beforeEach, expect, it } from 'vitest';
import { useBench } from '../support/connections.ts';
import { createScenario, type ScenarioRun } from '../support/scenario.ts';

const bench = useBench();
let day = 0;

interface Told {
  readonly key: string;
  readonly kind: string;
  readonly severity: string;
  readonly text: string;
}

/** A day on which a put is sold at 1.00 at 10:05 and bought back at 0.50 at 10:07. */
async function playDay(mode: 'live' | 'backtest'): Promise<{ run: ScenarioRun; date: string }> {
  day += 1;
  // A week apart: no message of one test is young enough for the next.
  const date = new Date(Date.parse('2026-01-07') + day * 7 * 86_400_000).toISOString().slice(0, 10);
  const scenario = await createScenario(bench.owner(), {
    date,
    until: '10:20',
    sides: { '10:05': 1 },
    quotes: [
      ['P600', '10:05', 1.0, 1.02],
      ['P600', '10:07', 0.48, 0.5],
    ],
  });
  const settings = mode === 'live' ? { account: `account-${day}` } : {};
  const run = await scenario.open(bench.runner(), { mode, settings });
  // In time: a live run makes no entry that is a minute old.
  await run.to('10:05', '10:05:01');
  return { date, run };
}

async function compose(at: string): Promise<Told[]> {
  await bench.runner().query('select ops.compose_messages($1)', [at]);
  const { rows } = await bench
    .owner()
    .query<Told>(
      "select key, kind, severity, text from ops.alert_outbox where ts > $1::timestamp - interval '3 days' and kind <> 'alert' order by alert_id",
      [at],
    );
  return rows;
}

beforeEach(async () => {
  await bench
    .owner()
    .query('update trade.runs set ts_ended = ts_to, outcome = $1 where ts_ended is null', ['stopped']);
});

it('tells an entry, then its exit with the P/L, then the end of the day, each once', async () => {
  const { run, date } = await playDay('live');
  await run.to('10:06', '10:06');
  const entry = `PAPER vwap_ma9 (simulated quotes): sold 25 QQQ ${date} 600 put at 1.00 (cross_up), 10:05:00`;
  expect((await compose(`${date} 10:06`)).map(({ text }) => text)).toEqual([entry]);
  await run.to('10:08', '10:08');
  const exit =
    /: closed 25 QQQ .* 600 put at 0\.50 \(take_profit\), net 1,2\d\d\.\d\d, day 1,2\d\d\.\d\d, 10:07:00$/;
  expect((await compose(`${date} 10:08`)).map(({ text }) => text)).toEqual([
    entry,
    expect.stringMatching(exit),
  ]);
  await run.to('16:15', '16:15');
  const all = await compose(`${date} 16:20`);
  expect(all).toHaveLength(3);
  expect(all[2]).toMatchObject({
    kind: 'day',
    severity: 'info',
    text: expect.stringMatching(
      /end of .*, net 1,2\d\d\.\d\d \(gross 1,250\.00, fees .*\), 1 trades, 1 won$/,
    ),
  });
  expect(await compose(`${date} 18:00`)).toEqual(all);
});

it('tells the same when nobody composed all day long', async () => {
  const { run, date } = await playDay('live');
  await run.to('16:15', '16:15');
  const told = await compose(`${date} 20:00`);
  expect(told.map(({ kind }) => kind)).toEqual(['entry', 'exit', 'day']);
});

it('says so when the day ends with a position open', async () => {
  const { run, date } = await playDay('live');
  await run.to('10:06', '10:06');
  const [day] = (await compose(`${date} 20:00`)).filter(({ kind }) => kind === 'day');
  expect(day).toMatchObject({ severity: 'warning', text: expect.stringMatching(/STILL OPEN: 25 QQQ/) });
});

it('tells nobody of a backtest', async () => {
  const { run, date } = await playDay('backtest');
  await run.to('16:15');
  expect(await compose(`${date} 20:00`)).toEqual([]);
});

it('tells nothing of what lies more than three days back', async () => {
  const { run, date } = await playDay('live');
  await run.to('16:15', '16:15');
  const later = new Date(Date.parse(date) + 4 * 86_400_000).toISOString().slice(0, 10);
  expect(await compose(`${later} 16:20`)).toEqual([]);
});

it('tells of the kill switch, thrown by hand or by a rule, once each', async () => {
  const runner = bench.runner();
  await runner.query(
    "insert into trade.controls (ts, account, halted, reason) values ('2027-03-01 10:00', null, true, 'by hand'), ('2027-03-01 10:05', null, false, 'over')",
  );
  await runner.query("select trade.halt('a1', '2027-03-01 10:06', 'positions differ')");
  await runner.query(
    "insert into trade.controls (ts, account, halted, reason) values ('2027-03-01 10:07', 'backtest-7', true, 'no matter')",
  );
  for (const time of ['10:10', '10:11'])
    await runner.query('select ops.compose_messages($1)', [`2027-03-01 ${time}`]);
  const { rows } = await bench
    .owner()
    .query(
      "select severity || ': ' || text as line from ops.alert_outbox where ts >= '2027-03-01' order by ts",
    );
  expect(rows.map(({ line }) => line)).toEqual([
    'critical: entries are halted on all accounts: by hand',
    'info: entries may go on on all accounts: over',
    'critical: entries are halted on a1: positions differ',
  ]);
});

it('tells an alarm once an hour for as long as it fires', async () => {
  const { run, date } = await playDay('live');
  await run.to('10:06', '10:06');
  for (const time of ['11:10', '11:40', '12:01']) {
    await bench.runner().query('select ops.compose_alarms($1)', [`${date} ${time}`]);
  }
  const { rows } = await bench
    .owner()
    .query(
      "select key from ops.alert_outbox where key like 'alarm-missing_decision-' || $1 || '%' order by key",
      [date],
    );
  expect(rows.map(({ key }) => key)).toEqual([
    `alarm-missing_decision-${date} 11`,
    `alarm-missing_decision-${date} 12`,
  ]);
});
