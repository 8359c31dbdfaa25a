// OSI symbols in SQL, both ways, against the TypeScript that the edge uses.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatOsi, type OptionContract, parseOsi } from '../../core/osi_symbol.ts';
import { useDatabase } from '../harness.ts';

const db = useDatabase();

const contracts: fc.Arbitrary<OptionContract> = fc.record({
  root: fc.stringMatching(/^[A-Z][A-Z0-9.]{0,5}$/),
  expiration: fc
    .date({ min: new Date('2000-01-01'), max: new Date('2099-12-31'), noInvalidDate: true })
    .map((date) => date.toISOString().slice(0, 10)),
  option_kind: fc.constantFrom('call', 'put'),
  strike_e4: fc.integer({ min: 1, max: 99_999_999 }).map((thousandths) => thousandths * 10),
});

async function parseInSql(symbols: readonly string[]): Promise<unknown[]> {
  const { rows } = await db.pool().query(
    `select case when p is not null then to_jsonb(p) end as contract
     from unnest($1::text[]) with ordinality as s (symbol, n)
     cross join lateral ref.parse_osi(s.symbol) as p
     order by n`,
    [symbols],
  );
  return rows.map((row) => row.contract);
}

test('SQL writes the same symbol as TypeScript for any contract', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(contracts, { minLength: 100, maxLength: 200 }), async (list) => {
      const { rows } = await db.pool().query(
        `select ref.osi_symbol(c.root, c.expiration, c.option_kind, c.strike_e4) as symbol
         from jsonb_array_elements($1) with ordinality as a (item, n)
         cross join lateral jsonb_to_record(item) as c (root text, expiration date, option_kind text, strike_e4 integer)
         order by n`,
        [JSON.stringify(list)],
      );
      expect(rows.map((row) => row.symbol)).toEqual(list.map(formatOsi));
    }),
    { numRuns: 10 },
  );
});

test('SQL reads padded, unpadded and Massive symbols as TypeScript does', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(contracts, { minLength: 100, maxLength: 200 }), async (list) => {
      const symbols = list.map(formatOsi).flatMap((symbol) => {
        const bare = symbol.slice(0, 6).trimEnd() + symbol.slice(6);
        return [symbol, bare, `O:${bare}`];
      });
      const parsed = symbols.map(parseOsi);
      expect(parsed).not.toContain(null);
      expect(await parseInSql(symbols)).toEqual(parsed);
    }),
    { numRuns: 5 },
  );
});

test('SQL refuses what TypeScript refuses', async () => {
  const symbols = [
    '',
    'QQQ',
    'QQQ   251319C00410000',
    'QQQ   250229C00410000',
    'QQQ   251200C00410000',
    'QQQ   251219X00410000',
    'QQQ   251219C00000000',
    'QQQ   251219C0041000',
    'qqq   251219C00410000',
    '1QQ   251219C00410000',
    'QQQQQQQ251219C00410000',
    'QQQ    251219C00410000',
    'QQQ   240229C00410000',
  ];
  const parsed = symbols.map(parseOsi);
  expect(parsed.filter((contract) => contract !== null)).toHaveLength(1);
  expect(await parseInSql(symbols)).toEqual(parsed);
});

test.each([
  ['a root of seven characters', "'QQQQQQQ', '2025-12-19', 'call', 4100000"],
  ['an unknown option kind', "'QQQ', '2025-12-19', 'C', 4100000"],
  ['a strike of zero', "'QQQ', '2025-12-19', 'call', 0"],
  ['a strike below a thousandth', "'QQQ', '2025-12-19', 'call', 4100005"],
  ['a strike too large', "'QQQ', '2025-12-19', 'call', 1000000000"],
])('no symbol is written for %s', async (_, terms) => {
  await expect(db.pool().query(`select ref.osi_symbol(${terms})`)).rejects.toMatchObject({ code: '22023' });
});
