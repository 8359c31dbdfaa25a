// What orders and fills name is theirs: trade.check_references refuses, a statement at a time, what foreign keys refused row by row, and more.
import { beforeAll, describe, expect, test } from 'vitest';
import { useBench } from '../support/connections.ts';
import { createScenario, type Scenario } from '../support/scenario.ts';

const bench = useBench();
let scenario: Scenario;
let runId: number;

beforeAll(async () => {
  scenario = await createScenario(bench.owner(), {
    sides: { '10:05': 1, '10:10': -1, '10:15': 1 },
    quotes: [
      ['P600', '10:05', 1.0, 1.02],
      ['P600', '10:10', 1.0, 1.02],
      ['C600', '10:10', 0.9, 0.92],
      ['C600', '10:15', 1.0, 1.02],
      ['P600', '10:15', 0.8, 0.82],
    ],
  });
  const run = await scenario.open(bench.runner(), {});
  await run.to('10:20');
  runId = run.id;
});

const INTENT =
  'insert into trade.order_intents (run_id, decision_id, position_id, attempt, purpose, ts, order_type, limit_px_e4, qty, slot, depends_on_id)';
const LEG =
  'insert into trade.order_intent_legs (intent_id, decision_id, attempt, leg_no, instrument_id, side, effect, qty)';
const EVENT = 'insert into trade.order_events (intent_id, run_id, ts, state)';
const FILL =
  'insert into trade.fills (run_id, intent_id, position_id, leg_no, account, execution_id, ts, instrument_id, side, effect, qty, px_e4, commission, fees)';

// Copies of rows of the run as $1, each with one thing that is not its own.
const WRONG: readonly (readonly [what: string, sql: string])[] = [
  ['an intent of no decision', `${INTENT} ${intentWith({ decision_id: '-1' })}`],
  ['an intent of another decision’s position', `${INTENT} ${intentWith({ position_id: otherPosition() })}`],
  ['an intent of no position', `${INTENT} ${intentWith({ position_id: '-1' })}`],
  ['an intent that waits for no decision', `${INTENT} ${intentWith({ depends_on_id: '-1' })}`],
  ['an intent that waits for an entry', `${INTENT} ${intentWith({ depends_on_id: 'position_id' })}`],
  [
    'a leg of no intent',
    `${LEG} select -1, decision_id, 9, 1, instrument_id, side, effect, qty ${firstLeg()}`,
  ],
  [
    'a leg of another decision',
    `${LEG} select intent_id, -1, 9, 2, instrument_id, side, effect, qty ${firstLeg()}`,
  ],
  ['an event of no intent', `${EVENT} select -1, $1::bigint, '2026-06-17 10:05', 'submitted'`],
  ['a fill of no intent', `${FILL} ${fillWith({ intent_id: '-1' })}`],
  ['a fill of another intent’s position', `${FILL} ${fillWith({ position_id: otherPosition('f') })}`],
  ['a fill of no position', `${FILL} ${fillWith({ position_id: '-1' })}`],
];

function intentWith(changed: Readonly<Record<string, string>>): string {
  const own = {
    decision_id: 'decision_id',
    position_id: 'position_id',
    depends_on_id: 'null::bigint',
    ...changed,
  };
  return `select run_id, ${own.decision_id}, ${own.position_id}, 99, purpose, ts, order_type, limit_px_e4, qty, slot, ${own.depends_on_id}
    from trade.order_intents f where run_id = $1 and purpose = 'entry' order by intent_id limit 1`;
}

function otherPosition(of = 'f'): string {
  return `(select max(x.position_id) from trade.order_intents x where x.run_id = $1 and x.position_id <> ${of}.position_id)`;
}

function firstLeg(): string {
  return 'from trade.order_intent_legs where intent_id in (select i.intent_id from trade.order_intents i where i.run_id = $1) limit 1';
}

function fillWith(changed: Readonly<Record<string, string>>): string {
  const own = { intent_id: 'intent_id', position_id: 'position_id', ...changed };
  return `select run_id, ${own.intent_id}, ${own.position_id}, leg_no, account, 'copy', ts, instrument_id, side, effect, qty, px_e4, commission, fees
    from trade.fills f where run_id = $1 order by fill_id limit 1`;
}

describe('a row is refused that is', () => {
  test.each(WRONG)('%s', async (_, sql) => {
    await expect(bench.runner().query(sql, [runId])).rejects.toMatchObject({
      code: '23503',
      table: sql.match(/insert into trade\.(\w+)/)?.[1],
    });
  });
});

test('the rows that were copied are taken with what is their own, and one wrong row refuses all of its statement', async () => {
  const owner = bench.owner();
  const count = async (): Promise<unknown> =>
    (await owner.query('select count(*) as n from trade.order_intents where run_id = $1', [runId])).rows[0];
  await owner.query('begin');
  const right = intentWith({}).replace('99', '98');
  expect((await owner.query(`${INTENT} ${right}`, [runId])).rowCount).toBe(1);
  expect((await owner.query(`${FILL} ${fillWith({})}`, [runId])).rowCount).toBe(1);
  await owner.query('rollback');
  const before = await count();
  await expect(
    owner.query(`${INTENT} (${right}) union all (${intentWith({ position_id: '-1' })})`, [runId]),
  ).rejects.toThrow();
  expect(await count()).toEqual(before);
});
