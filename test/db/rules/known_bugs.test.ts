// Bugs while they are open: every test here fails.
import { expect, test } from 'vitest';
import { addMs, formatEastern } from '../../../core/eastern_time.ts';
import { useBench } from '../support/connections.ts';
import { addTicks, contract, eastern, listContracts, tick } from '../support/market.ts';
import { dumpOf, HINDSIGHT } from '../support/runs.ts';
import { createScenario } from '../support/scenario.ts';

const bench = useBench();

test('B1 an exit never fills at a quote that came before its trigger at the same instant', async () => {
  const s = await createScenario(bench.owner(), {
    sides: { '10:05': 1 }, until: '10:20',
    quotes: [
      ['P600', '10:04:59', 1.0, 1.02],
      ['P600', '10:05:01', 1.0, 1.02],
      ['P600', '10:07:00.5', 1.0, 1.02, { seq: 1 }],
      ['P600', '10:07:00.5', 2.1, 2.2, { seq: 2 }],
      ['P600', '10:07:01.5', 2.1, 2.2, { seq: 2 }],
    ],
  });
  const run = await s.open(bench.runner());
  await run.to('10:20');
  const story = await run.story();
  console.log(story);
  expect(story.at(-1)).toBe('10:07:00.5 bought 25 P600 at 2.20');
});

test('B1b an entry never fills at a quote that was replaced at the same instant before the decision', async () => {
  const s = await createScenario(bench.owner(), {
    sides: { '10:05': 1 }, until: '10:20',
    quotes: [
      ['P600', '10:05:00', 1.5, 1.52, { seq: 1 }],
      ['P600', '10:05:00', 1.0, 1.02, { seq: 2 }],
    ],
  });
  const run = await s.open(bench.runner());
  await run.to('10:20');
  const story = await run.story();
  console.log(story);
  expect(story.at(-1)).toBe('10:05:00 sold 25 P600 at 1.00');
});

test('B1c forced flat at a quote replaced at the same instant', async () => {
  const s = await createScenario(bench.owner(), {
    sides: { '10:05': 1 },
    quotes: [
      ['P600', '10:05:00', 1.0, 1.02],
      ['P600', '15:30:00', 0.6, 0.62, { seq: 1 }],
      ['P600', '15:30:00', 0.8, 0.82, { seq: 2 }],
    ],
  });
  const run = await s.open(bench.runner());
  await run.to('15:40');
  const story = await run.story();
  console.log(story);
  expect(story.at(-1)).toBe('15:30:00 bought 25 P600 at 0.82');
});

test('B2 an entry that is filled after the forced flat is not exited before it was filled', async () => {
  const s = await createScenario(bench.owner(), {
    sides: { '15:29': 1 },
    quotes: [
      ['P600', '15:29:00', 1.0, 1.02],
      ['P600', '15:30:30', 1.0, 1.02],
      ['P600', '15:31:00', 1.0, 1.02],
    ],
  });
  const run = await s.open(bench.runner(), { settings: { entry_valid_ms: 120_000, latency_ms: 1 } });
  await run.to('16:00');
  const story = await run.story();
  console.log(story);
  expect(story.map((l) => l.slice(0, 8))).toEqual(story.map((l) => l.slice(0, 8)).sort());
  expect(story).not.toContain('15:30:30 sold 25 P600 at 1.00');
});

test('B2b with one-second periods and the defaults', async () => {
  const s = await createScenario(bench.owner(), {
    sides: {}, spanMs: 1000,
    quotes: [
      ['P600', '15:29:50', 1.0, 1.02],
      ['P600', '15:30:01', 1.0, 1.02],
      ['P600', '15:30:02', 1.0, 1.02],
    ],
  });
  await addTicks(s.market, [tick({ ts_event: s.at('15:29:57'), seq: 1, span_ms: 1000, close_e4: 6_000_000, vwap_e6: 601_000_000, volume_e6: 1e12 })]);
  const run = await s.open(bench.runner(), { settings: { period_ms: 1000 } });
  await run.to('16:00');
  const story = await run.story();
  console.log(story, await run.entry('15:29:58'));
  expect(story).not.toContain('15:30:01 sold 25 P600 at 1.00');
});

test('B3 a run that starts in mid-session sees the same periods as one that starts before it', async () => {
  const s = await createScenario(bench.owner(), { sides: { '10:05': 1, '11:10': -1 }, until: '11:20' });
  const whole = await s.open(bench.runner());
  await whole.to('11:20');
  const part = await s.open(bench.runner(), { from: s.at('11:00') });
  await part.to('11:20');
  const range = { from: addMs(s.at('11:00'), 1), to: s.at('11:21') };
  expect((await dumpOf(part, range)).filter((l) => /^(period|signal)/.test(l))).toEqual((await dumpOf(whole, range)).filter((l) => /^(period|signal)/.test(l)));
});

test('B4 a live account whose strategy is lowered to one slot holds one position', async () => {
  const s = await createScenario(bench.owner(), {
    sides: { '10:05': 1, '10:10': -1 }, until: '10:20',
    quotes: [['P600', '10:05', 1.0, 1.02], ['C600', '10:10', 1.0, 1.02]],
  });
  const settings = { account: 'lowered', exit_on_reverse: false };
  const three = await s.open(bench.runner(), { mode: 'live', settings: { ...settings, slots: 3 } });
  await bench.runner().query("select trade.close_run($1, 'stopped', localtimestamp)", [three.id]);
  const one = await s.open(bench.runner(), { mode: 'live', settings: { ...settings, slots: 1 } });
  for (const t of ['10:05', '10:06', '10:10', '10:11']) await one.to(t, t);
  console.log(await one.story());
  expect(await one.entry('10:10')).toMatchObject({ verdict: 'SKIP', reason: 'position_open', slots_ok: false });
});

test('B5 a new live run does not exit a position it took over on signals from before its entry', async () => {
  const s = await createScenario(bench.owner(), {
    sides: { '10:02': 1, '10:05': -1, '10:10': 1 }, until: '10:40',
    quotes: [
      ['C600', '10:05', 1.0, 1.02], ['P600', '10:10', 1.0, 1.02],
      ['P600', '10:11', 1.0, 1.02], ['P600', '10:12', 1.0, 1.02], ['P600', '10:19', 1.0, 1.02]],
  });
  const settings = { account: 'restarted' };
  const first = await s.open(bench.runner(), { mode: 'live', settings });
  for (const t of ['10:09', '10:10', '10:11', '10:12']) await first.to(t, t);
  console.log('first', await first.story());
  await bench.runner().query("select trade.close_run($1, 'failed', localtimestamp)", [first.id]);
  const second = await s.open(bench.runner(), { mode: 'live', settings });
  await second.to('10:20', '10:20');
  console.log('second', await second.story());
  expect(await second.story()).toEqual([]);
});

test('B6 a new live run knows what the account lost that day', async () => {
  const s = await createScenario(bench.owner(), {
    sides: { '10:05': 1, '10:15': -1 }, until: '10:40',
    quotes: [
      ['P600', '10:05', 1.0, 1.02], ['P600', '10:07', 5.0, 5.02], ['C600', '10:15', 1.0, 1.02], ['C600', '10:15:01', 1.0, 1.02]],
  });
  const settings = { account: 'loser', max_day_loss: 5000 };
  const first = await s.open(bench.runner(), { mode: 'live', settings });
  for (const t of ['10:04', '10:05', '10:08']) await first.to(t, t);
  console.log('first', await first.story());
  await bench.runner().query("select trade.close_run($1, 'failed', localtimestamp)", [first.id]);
  const second = await s.open(bench.runner(), { mode: 'live', settings });
  await second.to('10:15', '10:15:01');
  const e = await second.entry('10:15');
  console.log('second', await second.story(), e.day_pl, e.orders_day);
  expect(e).toMatchObject({ verdict: 'SKIP', reason: 'day_loss' });
});

test('B7 an exit that fills on the next day counts there however the range is cut', async () => {
  // Contracts expire in five days.
  const date = '2026-06-22';
  const s = await createScenario(bench.owner(), {
    date, expiration: '2026-06-26',
    sides: { '10:05': 1 },
    quotes: [['P600', '10:05', 1.0, 1.02], ['P600', '2026-06-23 09:31:00', 0.8, 0.82]],
  });
  await addTicks(s.market, [tick({ ts_event: eastern('2026-06-23 09:30'), close_e4: 6_000_000 })]);
  const options = { to: eastern('2026-06-24') };
  const whole = await s.open(bench.runner(), options);
  await whole.to('2026-06-24 00:00');
  console.log(await whole.story());
  const cut = await s.open(bench.runner(), options);
  for (const t of ['2026-06-23 00:00', '2026-06-23 09:31', '2026-06-23 09:40', '2026-06-24 00:00']) await cut.to(t);
  expect((await dumpOf(cut)).filter((l, i, a) => l && a)).toEqual(await dumpOf(whole));
});

test('B8 the time since when a slot is claimed does not depend on the slices', async () => {
  const s = await createScenario(bench.owner(), {
    sides: { '10:05': 1 }, until: '10:20',
    quotes: [['P600', '10:05', 1.0, 1.02], ['P600', '10:07:00', 2.1, 2.2], ['P600', '10:07:01', 3.1, 3.2]],
  });
  const claimed = async (cuts: string[]) => {
    const run = await s.open(bench.runner(), { settings: { latency_ms: 1, entry_valid_ms: 200000 } });
    for (const cut of cuts) await run.to(cut);
    const { rows } = await bench.owner().query('select ts_claimed from trade.position_slots where account = $1', [`backtest-${run.id}`]);
    console.log(await run.story());
    return rows;
  };
  expect(await claimed(['10:05', '10:06', '10:07:01', '10:07:01.0005'])).toEqual(await claimed(['10:07:01.0005']));
});

test('B9 fees of five decimals sum alike however the range is cut', async () => {
  await bench.owner().query("insert into ref.fee_schedules values ('schwab', '2026-07-01', 0.65, 0.04502, 0.00329, 'test')");
  const s = await createScenario(bench.owner(), {
    date: '2026-07-01',
    sides: { '10:05': 1, '10:10': -1, '10:15': 1 }, until: '10:20',
    quotes: [['P600', '10:05', 1.0, 1.02], ['C600', '10:10', 1.0, 1.02], ['P600', '10:10', 1.0, 1.02], ['C600', '10:15', 1.0, 1.02], ['P600', '10:15', 1.0, 1.02]],
  });
  for (const contracts of [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]) {
    const whole = await s.open(bench.runner(), { settings: { contracts } });
    await whole.to('10:20');
    const cut = await s.open(bench.runner(), { settings: { contracts } });
    for (const t of ['10:05', '10:10', '10:10:01', '10:15', '10:15:01', '10:20']) await cut.to(t);
    expect(await dumpOf(cut), String(contracts)).toEqual(await dumpOf(whole));
  }
});

test('B10 a position whose contract has expired leaves its slot', async () => {
  const s = await createScenario(bench.owner(), {
    sides: { '10:05': 1 },
    quotes: [['P600', '10:05', 1.0, 1.02]],
  });
  await listContracts(bench.owner(), ['C600', 'P600'].map((l) => contract(l, '2026-06-18')));
  const run = await s.open(bench.runner(), { to: eastern('2026-06-20') });
  await run.to('2026-06-20 00:00');
  console.log(await run.story());
  const { rows } = await bench.owner().query('select position_id from trade.position_slots where account = $1', [`backtest-${run.id}`]);
  expect(rows).toEqual([{ position_id: null }]);
});

test('B11 contracts that are first seen later change no decision', async () => {
  const s = await createScenario(bench.owner(), {
    date: '2026-07-06', strikes: [598, 602],
    sides: { '10:05': 1 }, until: '10:20',
    quotes: [['P598', '10:05', 1.0, 1.02], ['P602', '10:05', 2.0, 2.02]],
  });
  const before = await s.open(bench.runner());
  await before.to('10:20');
  await s.quote(['P600', '10:30', 1.5, 1.52], ['C600', '10:30', 1.5, 1.52]);
  const after = await s.open(bench.runner());
  await after.to('10:20');
  console.log(await before.story(), await after.story());
  expect(await dumpOf(after)).toEqual(await dumpOf(before));
});

test('B12 two writers never leave slices that overlap', async () => {
  const s = await createScenario(bench.owner(), { sides: {}, until: '10:20' });
  const run = await s.open(bench.runner());
  await run.to('10:00');
  const other = bench.owner();
  await other.query('begin isolation level repeatable read');
  await other.query('select 1 from trade.runs');
  await run.to('10:00:10');
  let code = '';
  try {
    await other.query('select trade.advance($1, $2, $3)', [run.id, formatEastern(s.at('10:00:20')), formatEastern(HINDSIGHT)]);
    await other.query('commit');
  } catch (error) {
    code = (error as { code: string }).code;
    await other.query('rollback');
  }
  const { rows } = await other.query('select ts_from::time, ts_to::time from trade.slices where run_id = $1 order by ts_to', [run.id]);
  console.log(code, rows);
  expect(rows.slice(1).map((r) => r.ts_from)).toEqual(rows.slice(0, -1).map((r) => r.ts_to));
});

test('B13 a late row that was received before, but committed after, a slice gets its revision', async () => {
  const s = await createScenario(bench.owner(), { sides: { '10:05': null }, until: '10:20' });
  const run = await s.open(bench.runner());
  await run.to('10:06', '10:06:01');
  // Received at 10:06:00.9, committed after the slice at 10:06:01.
  await addTicks(s.market, [tick({ ts_event: s.at('10:04'), close_e4: 6_000_000, ts_recv: s.at('10:06:00.9') })]);
  const slice = await run.to('10:07', '10:07:01');
  expect(slice).toMatchObject({ revisions: 2 });
});

test('B14 a quote that shows no size fills nothing when fills are partial', async () => {
  const s = await createScenario(bench.owner(), {
    sides: { '10:05': 1 }, until: '10:20',
    quotes: [['P600', '10:05', 1.0, 1.02], ['P600', '10:05:01', 1.0, 1.02, { bidSz: 0 }]],
  });
  const run = await s.open(bench.runner(), { settings: { partial_fills: true, latency_ms: 1 } });
  await run.to('10:20');
  console.log(await run.story());
  expect(await run.story()).not.toContain('10:05:01 sold 1 P600 at 1.00');
});

test('B15 a slot that is taken cannot be claimed for another position', async () => {
  const s = await createScenario(bench.owner(), {
    sides: { '10:05': 1, '10:10': -1 }, until: '10:20',
    quotes: [['P600', '10:05', 1.0, 1.02], ['C600', '10:10', 1.0, 1.02]],
  });
  const run = await s.open(bench.runner(), { settings: { slots: 2, exit_on_reverse: false } });
  await run.to('10:20');
  const account = `backtest-${run.id}`;
  await bench.owner().query('update trade.position_slots set position_id = null, ts_claimed = null where account = $1 and slot = 2', [account]);
  const { rows } = await bench.owner().query("select decision_id from trade.decisions where run_id = $1 and kind = 'entry' and ts::time = '10:10'  ", [run.id]);
  const claim = bench.runner().query('update trade.position_slots set position_id = $1 where account = $2 and slot = 1', [rows[0].decision_id, account]);
  await expect(claim).rejects.toMatchObject({ code: 'SB004' });
});

test('B17 rows that come after midnight revise the session they belong to', async () => {
  const s = await createScenario(bench.owner(), { sides: { '15:55': null } });
  const run = await s.open(bench.runner(), { to: eastern('2026-06-20') });
  await run.to('2026-06-18 00:00', '2026-06-18 00:00');
  await addTicks(s.market, [tick({ ts_event: s.at('15:54'), close_e4: 6_000_000, ts_recv: eastern('2026-06-18 00:30') })]);
  const slice = await run.to('2026-06-18 09:31', '2026-06-18 09:31');
  expect(slice).toMatchObject({ revisions: 6 });
});

test('B34 a late row after the close is revised once', async () => {
  const s = await createScenario(bench.owner(), { sides: { '15:55': null } });
  const run = await s.open(bench.runner());
  await run.to('16:00', '16:00:01');
  await addTicks(s.market, [tick({ ts_event: s.at('15:54'), close_e4: 6_000_000, ts_recv: s.at('16:00:30') })]);
  expect(await run.to('16:01', '16:01:01')).toMatchObject({ revisions: 6 });
  expect(await run.to('16:02', '16:02:01')).toMatchObject({ revisions: 0 });
});

test('B16 quotes on a day without a session do the same however the range is cut', async () => {
  const s = await createScenario(bench.owner(), {
    date: '2026-06-26', expiration: '2026-06-30',
    sides: { '10:05': 1 },
    quotes: [['P600', '10:05', 1.0, 1.02], ['P600', '2026-06-27 11:00:00', 0.8, 0.82]],
  });
  const options = { to: eastern('2026-06-30') };
  const whole = await s.open(bench.runner(), options);
  await whole.to('2026-06-30 00:00');
  const cut = await s.open(bench.runner(), options);
  for (const t of ['2026-06-27 00:00', '2026-06-28 00:00', '2026-06-30 00:00']) await cut.to(t);
  expect(await cut.story()).toEqual(await whole.story());
});

test('B2c sliced', async () => {
  const s = await createScenario(bench.owner(), {
    sides: { '15:29': 1 },
    quotes: [
      ['P600', '15:29:00', 1.0, 1.02],
      ['P600', '15:30:30', 1.0, 1.02],
      ['P600', '15:31:00', 1.0, 1.02],
    ],
  });
  const whole = await s.open(bench.runner(), { settings: { entry_valid_ms: 120_000, latency_ms: 1 } });
  await whole.to('16:00');
  const run = await s.open(bench.runner(), { settings: { entry_valid_ms: 120_000, latency_ms: 1 } });
  for (const t of ['15:29', '15:30', '15:30:30', '15:30:31', '15:30:32', '15:30:40', '16:00']) await run.to(t);
  expect(await run.story()).toEqual(await whole.story());
});
