// npm run faults: injects every fault F1 to F20 by the tests that do, plays seeds of the order path, and prints the fault table.
import { parseArgs } from 'node:util';
import { FAULTS, SEEDS } from './catalogue.ts';
import { runTests } from './run_tests.ts';
import { runSabotage } from './sabotage/main.ts';
import { runSession } from './session/run_session.ts';
import { systemOf } from './session/systems.ts';
import { rowOf, tableOf, verdictOf } from './table.ts';

const USAGE = `npm run faults -- [--seeds N] [--quick] [--only F9,F11]
npm run faults -- --session [--strategy NAME] [--speed N] [--seed N] [--minutes N]
npm run faults -- --sabotage [--only NAME]

  --seeds N    seeds of the order path (default 200); the first is STRIKEBASE_ORDER_SEED, or 1
  --quick      leaves out what takes minutes
  --only LIST  these faults, or these planted bugs, alone
  --session    plays a whole session in real processes at their simulators, with every class of faults that a day can
               have: not F8 (calendars), F14 (a full disk), F19 (starts that do not fit)
    --strategy NAME  vwap_ma9 at Massive and Schwab (default), or spx_credit_vertical at Tradier
    --speed N    times real time (default 15: half an hour); --seed N another market and other times (default 1);
    --minutes N  a shorter session, from 09:30
  --sabotage   plants bugs in a copy of the tree, one after another: each must be caught by a named invariant
`;

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '200' },
    quick: { type: 'boolean', default: false },
    session: { type: 'boolean', default: false },
    strategy: { type: 'string', default: 'vwap_ma9' },
    speed: { type: 'string', default: '15' },
    seed: { type: 'string', default: '1' },
    minutes: { type: 'string', default: '390' },
    sabotage: { type: 'boolean', default: false },
    only: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
});
const only = values.only?.split(',').map((each) => each.trim());
const seeds = Number(values.seeds);
const session = {
  strategy: values.strategy,
  speed: Number(values.speed),
  seed: Number(values.seed),
  minutes: Number(values.minutes),
};
const system = systemOf(session.strategy);
const isSound =
  Number.isSafeInteger(seeds) &&
  seeds >= 0 &&
  session.speed > 0 &&
  session.seed >= 0 &&
  system !== null &&
  session.minutes >= system.minMinutes;
if (values.help || !isSound) {
  process.stderr.write(USAGE);
  process.exitCode = values.help ? 0 : 2;
} else {
  process.exitCode = (await chosen()) ? 0 : 1;
}

function chosen(): Promise<boolean> {
  if (values.sabotage) return runSabotage({ only });
  return values.session ? runSession(session) : runFaults();
}

async function runFaults(): Promise<boolean> {
  const classes = [...FAULTS, ...(seeds > 0 ? [SEEDS] : [])]
    .filter(({ id }) => only === undefined || only.includes(id))
    .map((fault) => ({ ...fault, tests: fault.tests.filter(({ isSlow }) => !(values.quick && isSlow)) }));
  const tests = classes.flatMap((fault) => fault.tests);
  const ended = await runTests({
    files: [...new Set(tests.map(({ file }) => file))],
    title: new RegExp(tests.map(({ title }) => `(?:${title.source.replaceAll(' > ', ' ')})`).join('|')),
    env: { STRIKEBASE_ORDER_SEEDS: String(seeds) },
    onText: (text) => process.stderr.write(text),
  });
  const rows = classes.map((fault) => rowOf(fault, ended));
  process.stdout.write(`${tableOf(rows)}\n`);
  for (const title of rows.flatMap(({ failed }) => failed)) process.stdout.write(`not survived: ${title}\n`);
  for (const { id, injected, leftOut } of rows)
    if (injected === 0 && leftOut === null) process.stdout.write(`${id} was not injected\n`);
  const { line, isOk } = verdictOf(rows);
  process.stdout.write(`${line}\n`);
  return isOk;
}
