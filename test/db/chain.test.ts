// What is computed from a whole chain snapshot: time to expiry, greeks of every contract, gamma exposure, the zero-gamma level.
import { beforeAll, expect, test } from 'vitest';
import { useDatabase } from '../harness.ts';

const db = useDatabase();
const SPOT = 6000;
const EXPIRATION = '2025-11-21';
const AT = '2025-11-19 10:00';
const VOLATILITY = 0.15;

interface Contract {
  readonly kind: 'call' | 'put';
  readonly strike: number;
  readonly openInterest: number;
  /** The vendor's; a contract with it has no quote. */
  readonly gamma?: number;
}

let underlyingId: number;
let feedId: number;

beforeAll(async () => {
  const { rows } = await db.pool().query(
    `select i.instrument_id, ref.feed_id('test-chains', 'chain', 0, 'recorded', 90000) as feed_id
     from ref.instrument_ids('{SPX}', 'index') i`,
  );
  underlyingId = rows[0].instrument_id;
  feedId = rows[0].feed_id;
});

let minute = 0;

/** A snapshot of contracts of one expiration, quoted at their Black-Scholes price; returns its id. */
async function snapshot(contracts: readonly Contract[]): Promise<string> {
  minute += 1;
  const { rows } = await db.pool().query(
    `insert into market.chain_snapshots (underlying_id, feed_id, ts_event, underlying_px_e4, ts_recv)
     values ($1, $2, $3::timestamp + make_interval(mins => $4), $5, $3) returning snapshot_id`,
    [underlyingId, feedId, AT, -minute, SPOT * 10_000],
  );
  const id = rows[0].snapshot_id;
  await db.pool().query(
    `insert into market.option_snapshots (snapshot_id, instrument_id, bid_px_e4, ask_px_e4, open_interest, gamma, ts_quote)
     select $2, i.instrument_id, p.e4 - 50, p.e4 + 50, c."openInterest", c.gamma, $4
     from jsonb_to_recordset($1) as c (kind text, strike integer, "openInterest" bigint, gamma float8)
     cross join lateral ref.instrument_ids(array[ref.osi_symbol('SPXW', $3::date, c.kind, c.strike * 10000)], 'option') i
     cross join lateral (
       select case when c.gamma is null then round(
         signal.bs_price(c.kind, $5, c.strike, signal.years_to_expiry('SPXW', $3, $4), 0, 0, $6)::numeric * 10000
       )::integer end as e4
     ) p`,
    [JSON.stringify(contracts), id, EXPIRATION, AT, SPOT, VOLATILITY],
  );
  return id;
}

test('expiry is the close of the last session, or its open for what settles in the morning', async () => {
  const { rows } = await db.pool().query(
    `select signal.ts_expiry('SPXW', '2025-11-21')::text as pm, signal.ts_expiry('SPX', '2025-11-21')::text as am,
       signal.ts_expiry('SPXW', '2025-11-28')::text as half, signal.ts_expiry('SPXW', '2025-11-27')::text as holiday,
       signal.ts_expiry('NONE', '2025-11-21')::text as unknown`,
  );
  expect(rows[0]).toEqual({
    pm: '2025-11-21 16:00:00',
    am: '2025-11-21 09:30:00',
    half: '2025-11-28 13:00:00',
    holiday: null,
    unknown: null,
  });
});

test.each([
  ['a session', '2025-11-21 09:30', '2025-11-21', 390],
  ['the last seconds, as one minute', '2025-11-21 15:59:50', '2025-11-21', 1],
  ['none after the end', '2025-11-21 16:00', '2025-11-21', 0],
  ['real hours over the end of summer time', '2025-10-31 16:00', '2025-11-03', 73 * 60],
  ['real hours over its beginning', '2026-03-06 16:00', '2026-03-09', 71 * 60],
])('time to expiry is %s', async (_, at, expiration, minutes) => {
  const { rows } = await db
    .pool()
    .query('select signal.years_to_expiry($1, $2, $3) * 525600 as minutes', ['SPXW', expiration, at]);
  expect(rows[0].minutes).toBeCloseTo(minutes, 8);
});

test('the volatility of every quote is found again, and its greeks are those of the model', async () => {
  const strikes = [5800, 5900, 5950, 6000, 6050, 6100, 6200];
  const contracts = strikes.flatMap((strike) =>
    (['call', 'put'] as const).map((kind) => ({ kind, strike, openInterest: 10 })),
  );
  const { rows } = await db.pool().query(
    `select c.strike, c.option_kind, c.iv, c.delta - g.delta as delta, c.gamma - g.gamma as gamma
     from signal.chain_greeks($1) c
     cross join lateral signal.bs_greeks(c.option_kind, $2, c.strike, c.t_years, 0, 0, $3) g
     where abs(c.strike - $2) <= 100`,
    [await snapshot(contracts), SPOT, VOLATILITY],
  );
  expect(rows).toHaveLength(10);
  // Prices are stored to 1/10,000 dollar.
  for (const row of rows) {
    expect(row.iv).toBeCloseTo(VOLATILITY, 4);
    expect(row.delta).toBeCloseTo(0, 4);
    expect(row.gamma).toBeCloseTo(0, 6);
  }
});

test('gamma exposure is that of the reference vector, calls positive and puts negative', async () => {
  const id = await snapshot([
    { kind: 'call', strike: 6000, openInterest: 5000, gamma: 0.002 },
    { kind: 'put', strike: 6000, openInterest: 8000, gamma: 0.002 },
    { kind: 'call', strike: 6050, openInterest: 9000, gamma: 0.0015 },
    { kind: 'put', strike: 5950, openInterest: 7000, gamma: 0.0014 },
  ]);
  const { rows } = await db.pool().query('select * from signal.gamma_exposure($1)', [id]);
  expect(rows.map(({ strike, net_gex }) => [strike, Math.round(net_gex)])).toEqual([
    [5950, -352_800_000],
    [6000, -216_000_000],
    [6050, 486_000_000],
  ]);
  expect(rows.reduce((sum, { net_gex }) => sum + net_gex, 0)).toBeCloseTo(-82_800_000, 0);
});

test('the zero-gamma level is where the exposure of the whole chain changes sides', async () => {
  const id = await snapshot([
    { kind: 'put', strike: 5900, openInterest: 10_000 },
    { kind: 'call', strike: 6100, openInterest: 10_000 },
  ]);
  const { rows } = await db.pool().query(
    `select z.level, sum(
       case c.option_kind when 'call' then 1 else -1 end * (signal.bs_greeks(c.option_kind, z.level, c.strike, c.t_years, 0, 0, c.iv)).gamma
     ) as gamma, max((signal.bs_greeks('call', 6000, 6000, c.t_years, 0, 0, c.iv)).gamma) as scale
     from (select signal.zero_gamma(array[$1::bigint], 0.05, 400) as level) z cross join signal.chain_greeks($1::bigint) c group by z.level`,
    [id],
  );
  expect(rows[0].level).toBeGreaterThan(5980);
  expect(rows[0].level).toBeLessThan(6020);
  expect(Math.abs(rows[0].gamma / rows[0].scale)).toBeLessThan(1e-3);
});

test('a chain on one side of zero has no such level', async () => {
  const id = await snapshot([{ kind: 'call', strike: 6000, openInterest: 10 }]);
  const { rows } = await db.pool().query('select signal.zero_gamma(array[$1::bigint]) as level', [id]);
  expect(rows[0].level).toBeNull();
});

test('rank is the place in the range, percentile the share of sessions below', async () => {
  const { rows } = await db.pool().query(
    `select r.*, flat.rank as flat_rank, none.percentile as none
     from signal.iv_rank('{0.10,0.12,0.12,0.20}', 0.15) r
     cross join signal.iv_rank('{0.1,0.1}', 0.1) flat cross join signal.iv_rank('{}', 0.1) none`,
  );
  expect(rows[0].rank).toBeCloseTo(50, 10);
  expect(rows[0].percentile).toBeCloseTo(75, 10);
  expect([rows[0].flat_rank, rows[0].none]).toEqual([null, null]);
});
