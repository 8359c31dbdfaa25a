// What the jobs of a broker write: under one epoch at a time, each fact once, and nothing that cannot be.
import type pg from 'pg';
import { beforeAll, describe, expect, test } from 'vitest';
import { connect } from '../../../db/pool.ts';
import { brokerBench, PUT } from '../support/broker_bench.ts';
import { useBench } from '../support/connections.ts';
import { type Desk, openLive } from '../support/desk.ts';
import { createScenario, type QuoteSpec } from '../support/scenario.ts';

const bench = useBench();
const { desk, entering, holding, orders, slots, intentOf, one } = brokerBench(bench);
const STOP: QuoteSpec = ['P600', '10:07', 2.1, 2.2];
const NOW = '2026-06-17 10:05:02';
const query = (sql: string, values: readonly unknown[]): Promise<pg.QueryResult> =>
  bench.runner().query(sql, [...values]);

const fill = (d: Desk, intent: number, id: string, qty: number, epoch = d.epoch()): Promise<unknown> =>
  query('select trade.record_fill($1, $2, $3, $4, 1::smallint, $5, 10000) as is_new', [
    intent,
    epoch,
    id,
    NOW,
    qty,
  ]).then(({ rows }) => rows[0].is_new);
const record = (d: Desk, intent: number, state: string, epoch = d.epoch()): Promise<unknown> =>
  query("select trade.record_order_event($1, $2, $3, $4, 'v', null, null) as is_new", [
    intent,
    epoch,
    NOW,
    state,
  ]).then(({ rows }) => rows[0].is_new);

describe('the fence', () => {
  test('counts whoever takes the account over, and refuses all that went before', async () => {
    const d = await entering();
    const intent = await intentOf(d, 'entry');
    const next = await one<number>("select trade.take_fence($1, 'another', $2) as value", [d.account, NOW]);
    expect(next).toBe(d.epoch() + 1);
    for (const epoch of [d.epoch(), d.epoch() + 2, null]) {
      const lost = { code: 'SB010' };
      await expect(fill(d, intent, 'f', 1, epoch as number)).rejects.toMatchObject(lost);
      await expect(record(d, intent, 'canceled', epoch as number)).rejects.toMatchObject(lost);
      const drop = query("select trade.drop_order($1, $2, $3, 'canceled', 'test')", [intent, epoch, NOW]);
      await expect(drop).rejects.toMatchObject(lost);
    }
    expect(await fill(d, intent, 'f', 1, next as number)).toBe(true);
    const other = await desk();
    expect(await one('select epoch as value from trade.fences where account = $1', [other.account])).toBe(1);
  });

  test('is not taken while a write that has looked at it is not over, and no order is written by two at once', async () => {
    const d = await entering();
    const intent = await intentOf(d, 'entry');
    const [writer, taker] = await Promise.all(
      ['writer', 'taker'].map((name) => connect({ url: bench.database.url(), role: 'job_runner', name })),
    );
    await writer?.query('begin');
    await writer?.query("select trade.record_order_event($1, $2, $3, 'partially_filled', null, null, null)", [
      intent,
      d.epoch(),
      NOW,
    ]);
    for (const sql of [
      "select trade.take_fence($1, 'another', localtimestamp)",
      'select trade.record_fill($2, $3, $1, localtimestamp, 1::smallint, 1, 1)',
    ]) {
      await taker?.query("set statement_timeout = '200ms'");
      const values = sql.includes('$2') ? [d.account, intent, d.epoch()] : [d.account];
      await expect(taker?.query(sql, values)).rejects.toMatchObject({ code: '57014' });
    }
    await writer?.query('rollback');
    await Promise.all([writer?.end(), taker?.end()]);
  });

  test('is checked for orders that do not exist too', async () => {
    const d = await desk();
    await expect(fill(d, 999_999_999, 'f', 1)).rejects.toMatchObject({ code: 'SB010' });
  });
});

describe('an execution', () => {
  test('is stored once, whoever reports it', async () => {
    const d = await entering();
    const intent = await intentOf(d, 'entry');
    expect(await fill(d, intent, 'f1', 10)).toBe(true);
    expect(await fill(d, intent, 'f1', 10)).toBe(false);
    expect(await fill(d, intent, 'f2', 15)).toBe(true);
    expect(await one('select sum(qty)::int as value from trade.fills where intent_id = $1', [intent])).toBe(
      25,
    );
    // Commission 0.65 and fees 0.045 a contract, 0.0033 more where it sells.
    expect(
      await one(
        'select array_agg(commission || $2 || fees order by execution_id) as value from trade.fills where intent_id = $1',
        [intent, ' '],
      ),
    ).toEqual(['6.5000 0.4830', '9.7500 0.7245']);
  });

  test('is not another one of the same id', async () => {
    const d = await entering();
    const intent = await intentOf(d, 'entry');
    await fill(d, intent, 'f1', 10);
    await expect(fill(d, intent, 'f1', 11)).rejects.toMatchObject({ code: '23505' });
  });

  test('never makes more than was sent', async () => {
    const d = await entering();
    const intent = await intentOf(d, 'entry');
    await fill(d, intent, 'f1', 20);
    await expect(fill(d, intent, 'f2', 6)).rejects.toMatchObject({ code: 'SB011' });
    expect(await fill(d, intent, 'f3', 5)).toBe(true);
    await expect(fill(d, intent, 'f4', 1)).rejects.toMatchObject({ code: 'SB011' });
    const unsent = await desk();
    await unsent.to('10:05:01');
    await expect(fill(unsent, await intentOf(unsent, 'entry'), 'f1', 1)).rejects.toMatchObject({
      code: 'SB011',
    });
  });

  test('of an exit that was sent for less than it was written for counts against what was sent', async () => {
    const d = await holding({ quotes: [PUT, STOP] });
    await d.to('10:07:00.1');
    d.fill('protect', 15, 4, '10:07:00');
    await d.work('10:07:00.2');
    await d.report('10:07:01');
    expect(await d.work('10:07:01')).toEqual(['send exit 10']);
    const exit = await intentOf(d, 'exit');
    await expect(fill(d, exit, 'f1', 11)).rejects.toMatchObject({ code: 'SB011' });
  });

  test('that closes too far is stored, halts entries, and leaves the slot to people', async () => {
    const d = await holding({ quotes: [PUT, STOP] });
    await d.to('10:07:00.1');
    await d.work('10:07:00.2');
    await d.report('10:07:01');
    await d.work('10:07:01');
    await fill(d, await intentOf(d, 'exit'), 'f1', 25);
    // Canceled, and yet it filled: the broker has closed one contract twice.
    await fill(d, await intentOf(d, 'protect'), 'f2', 1);
    for (const time of ['10:07:02', '10:07:20', '15:31']) await d.to(time);
    expect(await slots(d)).toEqual(['10:05:00']);
    expect(await one('select reason as value from trade.controls where account = $1', [d.account])).toMatch(
      /^position \d+ is closed 1 contracts too far$/,
    );
  });
});

describe('a state', () => {
  test('that is told again changes nothing', async () => {
    const d = await entering();
    const intent = await intentOf(d, 'entry');
    await fill(d, intent, 'f1', 10);
    for (const isNew of [true, false, false]) expect(await record(d, intent, 'partially_filled')).toBe(isNew);
    await fill(d, intent, 'f2', 5);
    for (const isNew of [true, false]) expect(await record(d, intent, 'partially_filled')).toBe(isNew);
    for (const isNew of [true, false]) expect(await record(d, intent, 'canceled')).toBe(isNew);
  });

  test('of filled needs the fills: else what is open would be closed twice', async () => {
    const d = await entering();
    const intent = await intentOf(d, 'entry');
    await fill(d, intent, 'f1', 24);
    await expect(record(d, intent, 'filled')).rejects.toMatchObject({ code: 'SB005' });
    await fill(d, intent, 'f2', 1);
    expect(await record(d, intent, 'filled')).toBe(true);
  });

  test('of an order that was sent cannot be dropped, and a dropped one cannot be sent', async () => {
    const d = await entering();
    const intent = await intentOf(d, 'entry');
    const drop = query("select trade.drop_order($1, $2, $3, 'denied', 'test')", [intent, d.epoch(), NOW]);
    await expect(drop).rejects.toMatchObject({ code: 'SB005' });
    const other = await desk();
    await other.to('10:05:01');
    // It is on its way, and nobody knows yet what becomes of it: a look from before must not end it.
    const underWay = await desk();
    await underWay.to('10:05:01');
    const sent = await intentOf(underWay, 'entry');
    await underWay.event(sent, 'submitted', '10:05:02');
    await expect(
      query("select trade.drop_order($1, $2, $3, 'canceled', 'never sent')", [sent, underWay.epoch(), NOW]),
    ).rejects.toMatchObject({ code: 'SB005' });
    await query("select trade.drop_order($1, $2, $3, 'denied', 'test')", [
      await intentOf(other, 'entry'),
      other.epoch(),
      NOW,
    ]);
    await expect(other.event(await intentOf(other, 'entry'), 'submitted', '10:05:02')).rejects.toMatchObject({
      code: 'SB005',
    });
  });
});

describe('a pass of the reconcile job', () => {
  test('finds what was sent and has not ended, and what ended within a minute', async () => {
    const d = await entering();
    const states = async (time: string): Promise<string[]> =>
      (await query('select purpose, state from trade.open_orders($1, $2)', [d.account, d.at(time)])).rows.map(
        (o) => `${o.purpose} ${o.state}`,
      );
    expect(await states('10:05:02')).toEqual(['entry accepted']);
    await d.to('10:05:06.1');
    await d.work('10:05:06.2');
    await d.report('10:05:07');
    expect(await states('10:06:06')).toEqual(['entry canceled']);
    expect(await states('10:06:07')).toEqual([]);
    expect(await orders(d)).toEqual(['entry#1 sell 25 P600 limit 1.00 canceled']);
  });

  test('knows the broker’s ids and what the account holds, its paper days left out', async () => {
    const d = await holding();
    const known = async (from: string): Promise<unknown[]> =>
      (
        await query('select venue_order_id as id from trade.known_orders($1, $2) order by 1', [
          d.account,
          d.at(from),
        ])
      ).rows.map((r) => r.id);
    expect(await known('10:00')).toEqual([...d.venue.orders.keys()]);
    expect(await known('10:05:02.1')).toEqual([d.last('protect').id]);
    const held = (account: string): Promise<unknown> =>
      one('select to_jsonb(p) as value from trade.open_positions($1) p', [account]);
    expect(await held(d.account)).toEqual({ symbol: d.last('entry').symbol, qty: -25 });
    await query('select trade.store_positions($1, $2, $3)', [
      d.account,
      NOW,
      JSON.stringify([
        { symbol: d.last('entry').symbol, qty: -25, avg_px_e4: 10_000, market_value: -2500 },
        { symbol: 'NOBODY', qty: 3, avg_px_e4: null, market_value: null },
      ]),
    ]);
    expect(
      await one('select count(*)::int as value from trade.broker_positions where account = $1', [d.account]),
    ).toBe(1);
  });
});

describe('an account', () => {
  let onPaper: string;
  beforeAll(async () => {
    const scenario = await createScenario(bench.owner(), {
      sides: { '10:05': 1 },
      quotes: [PUT],
      until: '10:10',
    });
    onPaper = 'was-on-paper';
    const run = await scenario.open(bench.runner(), { mode: 'live', settings: { account: onPaper } });
    for (const time of ['10:04', '10:05', '10:06']) await run.to(time, time);
    expect((await run.story()).at(-1)).toBe('10:05:00 sold 25 P600 at 1.00');
    await query("select trade.close_run($1, 'stopped', $2)", [run.id, NOW]);
  });

  test('that holds a position on paper is not traded at a broker: it would buy what was never sold', async () => {
    const scenario = await createScenario(bench.owner(), { sides: { '10:05': 1 }, until: '10:06' });
    const open = openLive(bench.runner(), {
      scenario,
      account: onPaper,
      settings: {},
      from: '10:04',
      to: null,
    });
    await expect(open).rejects.toMatchObject({ code: 'SB008' });
    expect(await one('select count(*)::int as value from trade.open_positions($1)', [onPaper])).toBe(0);
  });

  test('in which one strategy holds a position is not traded by another: nobody would close that', async () => {
    const d = await entering();
    await fill(d, await intentOf(d, 'entry'), 'held', 25);
    await d.to('10:05:10');
    await bench.owner().query(
      `insert into ref.strategies select (jsonb_populate_record(s, '{"strategy": "another"}')).* from ref.strategies s
       where s.strategy = 'vwap_ma9' order by s.version desc limit 1`,
    );
    const open = query(
      `select trade.open_run('live', 'another', r.ts_from, null, t.name, q.name, jsonb_build_object('account', r.account), r.broker, 'test', r.ts_from)
       from trade.runs r join ref.feeds t on t.feed_id = r.tick_feed_id join ref.feeds q on q.feed_id = r.quote_feed_id where r.account = $1`,
      [d.account],
    );
    await expect(open).rejects.toMatchObject({
      code: 'SB008',
      message: expect.stringContaining('only it would close that'),
    });
  });

  test('is halted once for one reason, and told once', async () => {
    const d = await desk();
    for (const reason of ['a', 'a', 'b', 'a'])
      await query('select trade.halt($1, $2, $3)', [d.account, NOW, reason]);
    expect(
      await one(
        'select array_agg(reason order by control_id) as value from trade.controls where account = $1',
        [d.account],
      ),
    ).toEqual(['a', 'b', 'a']);
  });
});
