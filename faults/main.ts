// npm run faults: injects every fault F1 to F20 by the tests that do, plays seeds of the order path, and prints the fault table.
import { parseArgs } from 'node:util';
import { FAULTS, SEEDS } from './catalogue.ts';
import { runTests } from './run_tests.ts';
import { runSabotage } from './sabotage/main.ts';
import { rowOf, tableOf, verdictOf } from './table.ts';

const USAGE = `npm run faults -- [--seeds N] [--quick] [--only F9,F11]
npm run faults -- --sabotage [--only NAME]

  --seeds N    seeds of the order path (default 200); the first is STRIKEBASE_ORDER_SEED, or 1
  --quick      leaves out what takes minutes
  --only LIST  these faults, or these planted bugs, alone
  --sabotage   plants bugs in a copy of the tree, one after another: each must be caught by a named invariant
`;

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '200' },
    quick: { type: 'boolean', default: false },
    sabotage: { type: 'boolean', default: false },
    only: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
});
const only = values.only?.split(',').map((each) => each.trim());
const seeds = Number(values.seeds);
if (values.help || !Number.isSafeInteger(seeds) || seeds < 0) {
  process.stderr.write(USAGE);
  process.exitCode = values.help ? 0 : 2;
} else {
  process.exitCode = (await (values.sabotage ? runSabotage({ only }) : runFaults())) ? 0 : 1;
}

async function runFaults(): Promise<boolean> {
  const chosen = [...FAULTS, ...(seeds > 0 ? [SEEDS] : [])]
    .filter(({ id }) => only === undefined || only.includes(id))
    .map((fault) => ({ ...fault, tests: fault.tests.filter(({ isSlow }) => !(values.quick && isSlow)) }));
  const tests = chosen.flatMap((fault) => fault.tests);
  const ended = await runTests({
    files: [...new Set(tests.map(({ file }) => file))],
    title: new RegExp(tests.map(({ title }) => `(?:${title.source.replaceAll(' > ', ' ')})`).join('|')),
    env: { STRIKEBASE_ORDER_SEEDS: String(seeds) },
    onText: (text) => process.stderr.write(text),
  });
  const rows = chosen.map((fault) => rowOf(fault, ended));
  process.stdout.write(`${tableOf(rows)}\n`);
  for (const title of rows.flatMap(({ failed }) => failed)) process.stdout.write(`not survived: ${title}\n`);
  for (const { id, injected, leftOut } of rows)
    if (injected === 0 && leftOut === null) process.stdout.write(`${id} was not injected\n`);
  const { line, isOk } = verdictOf(rows);
  process.stdout.write(`${line}\n`);
  return isOk;
}
