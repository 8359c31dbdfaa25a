// Rows as text: what csv and json promise, and a table that fits.
import { expect, it, vi } from 'vitest';
import { cellText, type Format, type OutputColumn, printRows } from '../../cli/output.ts';
import { formatTable } from '../../cli/table.ts';

const COLUMNS: readonly OutputColumn[] = [
  { name: 'ts', oid: 1114 },
  { name: 'note', oid: 25 },
  { name: 'px', oid: 1700 },
  { name: 'ok', oid: 16 },
];
const ROWS = [
  ['2025-10-06 10:00:00', 'a "quoted", text', '597.740000', 't'],
  ['2025-10-06 10:00:00.5', null, null, 'f'],
];

function printed(format: Format): string {
  let text = '';
  const out = vi.spyOn(process.stdout, 'write').mockImplementation((chunk) => {
    text += String(chunk);
    return true;
  });
  try {
    printRows(COLUMNS, ROWS, { format });
    return text;
  } finally {
    out.mockRestore();
  }
}

it('quotes csv where it must', () => {
  expect(printed('csv')).toBe(
    'ts,note,px,ok\n2025-10-06 10:00:00,"a ""quoted"", text",597.74,true\n2025-10-06 10:00:00.500000,,,false\n',
  );
});

it('writes json with numbers as numbers and absence as null', () => {
  expect(JSON.parse(printed('json'))).toEqual([
    { ts: '2025-10-06 10:00:00', note: 'a "quoted", text', px: 597.74, ok: true },
    { ts: '2025-10-06 10:00:00.500000', note: null, px: null, ok: false },
  ]);
});

it.each([
  ['597.740000', 1700, '597.74'],
  ['597.700000', 1700, '597.70'],
  ['597.123456', 1700, '597.123456'],
  ['0.000000', 1700, '0.00'],
  ['781617', 1700, '781617'],
  ['2025-10-06 09:31:00.000001', 1114, '2025-10-06 09:31:00.000001'],
  ['2025-10-06 09:31:00', 1114, '2025-10-06 09:31:00'],
])('%s of type %i prints as %s', (value, oid, text) => {
  expect(cellText(value, oid)).toBe(text);
});

it('says once what all rows share, and names what does not fit in 80 columns', () => {
  const wide = 'x'.repeat(60);
  const columns = ['a', 'run', 'b', 'c'].map((name) => ({ name, isRight: name === 'c' }));
  const rows = [
    ['1', '7', wide, '30'],
    ['2', '7', wide, '31'],
  ];
  const text = formatTable(columns, rows, { common: ['run'], footer: ['end'] });
  expect(text.split('\n').every((line) => line.length <= 80)).toBe(true);
  expect(text).toMatch(/^run 7$/m);
  const narrow = formatTable(
    columns,
    rows.map((row) => [...row.slice(0, 2), wide.repeat(2), '30']),
    { common: [], footer: [] },
  );
  expect(narrow).toMatch(/…$/m);
  expect(narrow).toMatch(/not shown, see --format csv: c/);
});

it('says that there are no rows', () => {
  expect(formatTable([{ name: 'a', isRight: false }], [], { common: [], footer: [] })).toBe('(no rows)\n');
});
