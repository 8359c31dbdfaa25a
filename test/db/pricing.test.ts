// The normal distribution and Black-Scholes-Merton prices, against values computed elsewhere and by their own laws.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { useDatabase } from '../harness.ts';

const db = useDatabase();

async function numbers(sql: string, values: readonly unknown[] = []): Promise<number[]> {
  const { rows } = await db.pool().query<{ value: number }>(sql, [...values]);
  return rows.map((row) => row.value);
}

// mpmath 1.3.
const NORMAL: readonly (readonly [number, number])[] = [
  [-8, 6.220960574271784e-16],
  [-5, 2.866515718791939e-7],
  [-3, 0.0013498980316300946],
  [-1.96, 0.024997895148220435],
  [-1, 0.15865525393145705],
  [-0.5, 0.3085375387259869],
  [0, 0.5],
  [0.25, 0.5987063256829237],
  [1, 0.8413447460685429],
  [2.5, 0.9937903346742238],
  [6, 0.9999999990134123],
];

test('the normal distribution function is exact to 1e-15', async () => {
  const values = await numbers(
    'select signal.normal_cdf(x) as value from unnest($1::double precision[]) as x',
    [NORMAL.map(([x]) => x)],
  );
  for (const [n, [, expected]] of NORMAL.entries())
    expect(Math.abs((values[n] ?? 9) - expected)).toBeLessThan(1e-15);
});

test('the normal distribution function is symmetric, rises, and joins up where its two formulas meet', async () => {
  const { rows } = await db.pool().query(
    `with points as (
       select x, signal.normal_cdf(x) as p, signal.normal_cdf(-x) as q, lag(signal.normal_cdf(x)) over (order by x) as before
       from (
         select n / 500.0::double precision as x from generate_series(-4500, 4500) as n
         union select 7.071067811865475 union select 7.0710678118654
       ) as xs
     )
     select max(abs(p + q - 1)) as asymmetry, bool_and(p >= before) as rises from points`,
  );
  expect(rows[0].asymmetry).toBeLessThan(1e-15);
  expect(rows[0].rises).toBe(true);
});

test('the normal distribution function takes any number without an error', async () => {
  const values = await numbers(
    `select signal.normal_cdf(x) as value
     from unnest('{NaN,Infinity,-Infinity,1e308,-1e308,1e-308,-1e-308,-38,-37}'::double precision[]) as x`,
  );
  expect(values.slice(0, 8)).toEqual([Number.NaN, 1, 0, 1, 0, 0.5, 0.5, 0]);
  expect(values[8]).toBeGreaterThanOrEqual(0);
});

// scipy, 8 decimals: kind, s, k, t_years, r, q, sigma, price.
const PRICES = [
  ['call', 6000, 6000, 30 / 365, 0.04, 0.012, 0.15, 109.74468298],
  ['put', 6000, 5700, 30 / 365, 0.04, 0.012, 0.19, 27.29894376],
  ['call', 6000, 6000, 390 / 525600, 0.04, 0, 0.12, 7.91357322],
  ['put', 6000, 5980, 60 / 525600, 0.04, 0, 0.14, 0.03959107],
  ['call', 6000, 6010, 5 / 525600, 0.04, 0, 0.2, 0.00393995],
  ['call', 42, 40, 0.5, 0.1, 0, 0.2, 4.75942239],
  ['put', 42, 40, 0.5, 0.1, 0, 0.2, 0.80859937],
] as const;

test.each(PRICES)('a %s with spot %d and strike %d costs what scipy says', async (...terms) => {
  const [price] = await numbers(
    'select signal.bs_price($1, $2, $3, $4, $5, $6, $7) as value',
    terms.slice(0, 7),
  );
  expect(Math.abs((price ?? 0) - terms[7])).toBeLessThan(6e-9);
});

const finite = (min: number, max: number): fc.Arbitrary<number> => fc.double({ min, max, noNaN: true });
const terms = fc.record({
  s: finite(1, 10_000),
  // Strike over spot.
  ratio: finite(0.7, 1.4),
  t: fc.oneof(finite(1 / 31_536_000, 1 / 365), finite(1 / 365, 2), fc.constant(0)),
  // Whole basis points: denormal numbers, which PostgreSQL refuses to multiply, are no rates.
  r: fc.integer({ min: -100, max: 1_000 }).map((points) => points / 10_000),
  q: fc.integer({ min: 0, max: 1_000 }).map((points) => points / 10_000),
  sigma: fc.oneof(finite(0.01, 2), fc.constant(0)),
});

const EVALUATED = `
  with terms as (
    select s, s * ratio as k, t, r, q, sigma, s * exp(-q * t) as spot, s * ratio * exp(-r * t) as strike
    from jsonb_to_recordset($1) as j (
      s double precision, ratio double precision, t double precision, r double precision, q double precision,
      sigma double precision
    )
  ), priced as (
    select *,
      signal.bs_price('call', s, k, t, r, q, sigma) as call,
      signal.bs_price('put', s, k, t, r, q, sigma) as put,
      signal.bs_price('call', s, k * 1.001, t, r, q, sigma) as higher_call,
      signal.bs_price('put', s, k, t, r, q, sigma * 1.01 + 0.001) as dearer_put,
      case
        when sigma > 0 and t > 0 then (ln(spot / strike) + sigma * sigma * t / 2) / (sigma * sqrt(t))
        when spot > strike then 'Infinity'
        else '-Infinity'
      end as d1
    from terms
  )`;

/** Rows of random terms that break a law: none, or themselves the counterexample. */
async function counterexamples(law: string): Promise<unknown[]> {
  const { rows } = await db
    .pool()
    .query(`${EVALUATED} select * from priced where (${law}) is not true limit 3`, [
      JSON.stringify(fc.sample(terms, 5_000)),
    ]);
  return rows;
}

test.each([
  ['keep put-call parity', 'abs(call - put - (spot - strike)) < 1e-13 * (s + k)'],
  [
    'of calls lie within their bounds',
    'call >= spot - strike - 1e-13 * s and call >= 0 and call <= spot * (1 + 1e-13)',
  ],
  [
    'of puts lie within their bounds',
    'put >= strike - spot - 1e-13 * k and put >= 0 and put <= strike * (1 + 1e-13)',
  ],
  ['of calls fall with the strike', 'higher_call <= call + 1e-13 * (s + k)'],
  ['rise with volatility', 'dearer_put >= put - 1e-13 * (s + k)'],
  [
    'contain signal.normal_cdf, written out',
    `abs(call - greatest(spot * signal.normal_cdf(d1) - strike * signal.normal_cdf(d1 - sigma * sqrt(t)), 0))
       < 1e-13 * (s + k)`,
  ],
])('prices %s', async (_, law) => {
  expect(await counterexamples(law)).toEqual([]);
});

test('without time or volatility left the price is the discounted intrinsic value', async () => {
  const values = await numbers(
    `select signal.bs_price(kind, 600, 610, t, 0.04, 0.01, sigma) as value
     from (values
       (1, 'put', 0.0::double precision, 0.2::double precision), (2, 'put', -1, 0.2), (3, 'call', 0, 0.2),
       (4, 'put', 1, 0), (5, 'put', 1, -1)
     ) as v (n, kind, t, sigma)
     order by n`,
  );
  const discounted = 610 * Math.exp(-0.04) - 600 * Math.exp(-0.01);
  expect(values.slice(0, 3)).toEqual([10, 10, 0]);
  expect(values[3]).toBeCloseTo(Math.max(discounted, 0), 9);
  expect(values[4]).toBe(values[3]);
});

test('the price falls smoothly to the intrinsic value in the last minute', async () => {
  const values = await numbers(
    `select signal.bs_price('call', 600, 600, seconds / 31536000, 0.04, 0, 0.3) as value
     from unnest('{60,30,10,1,0.1,0.001,0.000001,0.000000000001,0}'::double precision[])
       with ordinality as s (seconds, n) order by n`,
  );
  expect(values).toEqual([...values].sort((a, b) => b - a));
  expect(values[0]).toBeCloseTo(0.39894 * 600 * 0.3 * Math.sqrt(60 / 31_536_000), 3);
  expect(values.at(-1)).toBe(0);
});

test('an option kind that is neither call nor put is refused, nulls give null', async () => {
  await expect(
    db.pool().query("select signal.bs_price('C', 600, 600, 0.001, 0, 0, 0.2)"),
  ).rejects.toMatchObject({ code: '22023' });
  await expect(
    db.pool().query("select signal.bs_price('Call', 600, 600, 0, 0, 0, 0.2)"),
  ).rejects.toMatchObject({ code: '22023' });
  expect(await numbers("select signal.bs_price('call', null, 600, 1, 0, 0, 0.2) as value")).toEqual([null]);
});

// scipy: kind, s, k, t_years, r, q, sigma; delta, gamma, theta a day, vega a percentage point.
const GREEKS = [
  ['call', 6000, 6000, 30 / 365, 0.04, 0.012, 0.15, 0.52937722, 0.0015402918, -1.9407226, 6.8363634],
  ['put', 6000, 5700, 30 / 365, 0.04, 0.012, 0.19, -0.15582048, 0.00073139093, -1.2273645, 4.1118197],
  ['call', 6000, 6000, 390 / 525600, 0.04, 0, 0.12, 0.50427432, 0.020339863, -14.774799, 0.65199012],
  ['put', 6000, 5980, 60 / 525600, 0.04, 0, 0.14, -0.012676794, 0.0036495522, -3.5192274, 0.020997424],
  ['call', 6000, 6010, 5 / 525600, 0.04, 0, 0.2, 0.0034807866, 0.0028256555, -5.5761841, 0.0019353805],
  ['call', 42, 40, 0.5, 0.1, 0, 0.2, 0.77913129, 0.04996267, -0.012490664, 0.088134151],
  ['put', 42, 40, 0.5, 0.1, 0, 0.2, -0.22086871, 0.04996267, -0.0020662315, 0.088134151],
] as const;

test.each(GREEKS)('the greeks of a %s with spot %d and strike %d are what scipy says', async (...row) => {
  const { rows } = await db
    .pool()
    .query('select delta, gamma, theta, vega from signal.bs_greeks($1, $2, $3, $4, $5, $6, $7)', [
      ...row.slice(0, 7),
    ]);
  const found: number[] = Object.values(rows[0]);
  for (const [n, expected] of row.slice(7).entries())
    expect(Math.abs((found[n] ?? 9) / (expected as number) - 1)).toBeLessThan(1e-7);
});

test('the greeks are the slopes of the price, and vanna and charm those of delta', async () => {
  const { rows } = await db.pool().query(
    `with terms as (
       select kind, 600.0::double precision as s, strike as k, t, sigma
       from unnest(array['call', 'put']) kind, unnest('{560,590,600,615}'::double precision[]) strike,
         unnest(array[0.25, 1.5 / 365]) t, unnest('{0.12,0.45}'::double precision[]) sigma
     )
     select g.*,
       (signal.bs_price(kind, s, k, t, 0.04, 0.01, sigma + 1e-5) - signal.bs_price(kind, s, k, t, 0.04, 0.01, sigma - 1e-5)) / 2e-5 / 100 as v,
       (signal.bs_price(kind, s, k, t, 0.04 + 1e-5, 0.01, sigma) - signal.bs_price(kind, s, k, t, 0.04 - 1e-5, 0.01, sigma)) / 2e-5 / 100 as rh,
       (signal.bs_price(kind, s, k, t - 1e-7, 0.04, 0.01, sigma) - signal.bs_price(kind, s, k, t + 1e-7, 0.04, 0.01, sigma)) / 2e-7 / 365 as th,
       (up.delta - down.delta) / 2e-5 / 100 as va,
       (sooner.delta - later.delta) / 2e-7 / 365 as ch
     from terms
     cross join lateral signal.bs_greeks(kind, s, k, t, 0.04, 0.01, sigma) g
     cross join lateral signal.bs_greeks(kind, s, k, t, 0.04, 0.01, sigma + 1e-5) up
     cross join lateral signal.bs_greeks(kind, s, k, t, 0.04, 0.01, sigma - 1e-5) down
     cross join lateral signal.bs_greeks(kind, s, k, t - 1e-7, 0.04, 0.01, sigma) sooner
     cross join lateral signal.bs_greeks(kind, s, k, t + 1e-7, 0.04, 0.01, sigma) later`,
  );
  expect(rows).toHaveLength(32);
  for (const row of rows) {
    expect(row.vega).toBeCloseTo(row.v, 5);
    expect(row.rho).toBeCloseTo(row.rh, 5);
    expect(row.theta).toBeCloseTo(row.th, 4);
    expect(row.vanna).toBeCloseTo(row.va, 5);
    expect(row.charm).toBeCloseTo(row.ch, 4);
  }
});

test('without time or volatility left delta is that of exercise', async () => {
  const { rows } = await db.pool().query(
    `select g.delta, g.gamma, g.vega from (values ('call', 590.0, 0.0, 0.2), ('put', 590, 0, 0.2), ('put', 610, 0.01, 0), ('call', 1e-3, 1e-9, 0.1)) x (kind, k, t, v)
     cross join lateral signal.bs_greeks(x.kind, 600, x.k::double precision, x.t::double precision, 0, 0, x.v::double precision) g`,
  );
  expect(rows.map((row) => row.delta)).toEqual([1, 0, -1, 1]);
  for (const row of rows) expect(Math.abs(row.gamma) + Math.abs(row.vega)).toBe(0);
});

test('a price leads back to its volatility, from a minute to a month and six deviations out', async () => {
  const cases = fc.sample(
    fc.record({
      kind: fc.constantFrom('call', 'put'),
      t: finite(1 / 525_600, 30 / 365),
      sigma: finite(0.04, 1.5),
      deviations: fc.integer({ min: -600, max: 600 }).map((hundredths) => hundredths / 100),
    }),
    3_000,
  );
  const { rows } = await db.pool().query(
    `with priced as (
       select kind, 6000.0::double precision as s, k, t, sigma, signal.bs_price(kind, 6000, k, t, 0.04, 0.012, sigma) as price
       from jsonb_to_recordset($1) as j (kind text, t double precision, sigma double precision, deviations double precision)
       cross join lateral (select 6000 * exp(deviations * sigma * sqrt(t)) as k) x
     )
     select sigma, signal.implied_volatility(kind, price, s, k, t, 0.04, 0.012) as iv from priced
     where price - greatest(case kind when 'call' then 1 else -1 end * (s * exp(-0.012 * t) - k * exp(-0.04 * t)), 0) >= 1e-4`,
    [JSON.stringify(cases)],
  );
  expect(rows.length).toBeGreaterThan(1_000);
  expect(rows.filter(({ iv, sigma }) => !(Math.abs(iv / sigma - 1) < 1e-8))).toEqual([]);
});

test('no volatility explains a price below intrinsic value, above its bound, or without time', async () => {
  const values = await numbers(
    `select signal.implied_volatility(kind, price, 600, k, t, 0, 0) as value
     from (values (1, 'call', 9.99, 590.0, 0.01), (2, 'put', 10.0, 610.0, 0.01), (3, 'call', 600.0, 600.0, 0.01), (4, 'put', 601, 600, 0.01),
       (5, 'call', 1, 600, 0), (6, 'call', 0, 600, 0.01), (7, 'put', -1, 600, 0.01)
     ) as v (n, kind, price, k, t) order by n`,
  );
  expect(values).toEqual(Array.from({ length: 7 }, () => null));
  await expect(
    db.pool().query("select signal.implied_volatility('C', 5, 600, 600, 0.01, 0, 0)"),
  ).rejects.toMatchObject({ code: '22023' });
});
