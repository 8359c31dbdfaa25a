// The contract that an entry sells: the strike nearest to the VWAP of the nearest expiry, a tie out of the money.
import { describe, expect, test } from 'vitest';
import { useBench } from '../support/connections.ts';
import { contract, listContracts } from '../support/market.ts';
import { createScenario } from '../support/scenario.ts';

const bench = useBench();

interface Asked {
  /** Of the crossing minute, in dollars. */
  readonly vwap: number;
  readonly direction: 'up' | 'down';
  readonly date?: string;
  readonly strikes?: readonly number[];
  readonly expiration?: string;
  readonly settings?: Readonly<Record<string, unknown>>;
}

/** Label (`P600`) and expiration of the contract that a crossing chooses; null if none. */
async function chosen(asked: Asked): Promise<{ label: string; expiration: string } | null> {
  const { vwap, direction, settings = {}, ...rest } = asked;
  const side = direction === 'up' ? 1 : -1;
  const scenario = await createScenario(bench.owner(), {
    ...rest,
    // The crossing minute's VWAP is ten cents from where the closes stand.
    px: vwap - side * 0.1,
    sides: { '09:40': -side as 1 | -1, '10:05': side },
    until: '10:05',
  });
  const run = await scenario.open(bench.runner(), { settings });
  await run.to('10:05');
  const { instrument_id } = await run.entry('10:05');
  const { rows } = await bench.owner().query(
    `select upper(left(option_kind, 1)) || trim_scale(strike_e4 / 10000.0) as label, expiration::text
     from ref.instruments where instrument_id = $1`,
    [instrument_id],
  );
  return rows[0] ?? null;
}

describe('the strike', () => {
  test.each<[number, 'up' | 'down', string]>([
    [600.49, 'up', 'P600'],
    [600.51, 'up', 'P601'],
    [600.49, 'down', 'C600'],
    [600.51, 'down', 'C601'],
    [600.0, 'up', 'P600'],
    [600.0, 'down', 'C600'],
    // Half-way: out of the money is below for a put, above for a call.
    [600.5, 'up', 'P600'],
    [600.5, 'down', 'C601'],
    // Beyond what is listed.
    [590.0, 'up', 'P598'],
    [590.0, 'down', 'C598'],
    [610.0, 'up', 'P602'],
    [610.0, 'down', 'C602'],
  ])('nearest to a VWAP of %d, crossing %s, is %s', async (vwap, direction, label) => {
    expect(await chosen({ vwap, direction })).toEqual({ label, expiration: '2026-06-17' });
  });

  test('is nearest among whatever is listed, half dollars and gaps too', async () => {
    const listed = { date: '2026-06-24', strikes: [595, 599.5, 600, 607] };
    expect(await chosen({ ...listed, vwap: 599.74, direction: 'up' })).toMatchObject({ label: 'P599.5' });
    expect(await chosen({ ...listed, vwap: 599.75, direction: 'up' })).toMatchObject({ label: 'P599.5' });
    expect(await chosen({ ...listed, vwap: 599.75, direction: 'down' })).toMatchObject({ label: 'C600' });
    expect(await chosen({ ...listed, vwap: 603.5, direction: 'down' })).toMatchObject({ label: 'C607' });
    expect(await chosen({ ...listed, vwap: 597.2, direction: 'up' })).toMatchObject({ label: 'P595' });
  });

  test('needs a call and a put', async () => {
    await listContracts(bench.owner(), [contract('P600', '2026-06-25')]);
    const listed = { date: '2026-06-25', strikes: [598, 602] };
    expect(await chosen({ ...listed, vwap: 600.1, direction: 'up' })).toMatchObject({ label: 'P602' });
  });
});

describe('the expiry', () => {
  test('is the same day where that is listed, whatever else is', async () => {
    await listContracts(
      bench.owner(),
      ['C600', 'P600'].map((label) => contract(label, '2026-06-18')),
    );
    expect(await chosen({ vwap: 600, direction: 'up' })).toEqual({ label: 'P600', expiration: '2026-06-17' });
  });

  test('is the nearest one later where it is not', async () => {
    await listContracts(
      bench.owner(),
      ['C600', 'P600'].map((label) => contract(label, '2027-02-12')),
    );
    const nearest = await chosen({
      vwap: 600,
      direction: 'up',
      date: '2027-02-02',
      expiration: '2027-02-05',
    });
    expect(nearest).toEqual({ label: 'P600', expiration: '2027-02-05' });
  });

  test('has never passed', async () => {
    await listContracts(
      bench.owner(),
      ['C600', 'P600'].map((label) => contract(label, '2034-11-30')),
    );
    expect(await chosen({ vwap: 600, direction: 'up', date: '2034-12-01', strikes: [] })).toBeNull();
  });
});

test('a cross up sells the put and a cross down the call, or the other way round', async () => {
  const settings = { sell_on_cross_up: 'call' };
  expect(await chosen({ vwap: 600.5, direction: 'up' })).toMatchObject({ label: 'P600' });
  expect(await chosen({ vwap: 600.5, direction: 'up', settings })).toMatchObject({ label: 'C601' });
  expect(await chosen({ vwap: 600.5, direction: 'down', settings })).toMatchObject({ label: 'P600' });
});

test('calls and puts of other roots are not chosen', async () => {
  await listContracts(
    bench.owner(),
    ['C600', 'P600'].map((label) => contract(label, '2027-03-02', 'SPXW')),
  );
  expect(await chosen({ vwap: 600, direction: 'up', date: '2027-03-02', strikes: [599, 601] })).toMatchObject(
    {
      label: 'P599',
    },
  );
});
