// Runs every benchmark of dist/bench/ in turn, with the same options; with --json it prints one array of their reports.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const programs = ['startup', 'import_bars', 'copy_quotes', 'backtest', 'advance'];
const options = process.argv.slice(2);
const isJson = options.includes('--json');

// Needs the recorded chains, prints tables of its own and knows only --db: it is no race.
const canCompare = existsSync(join(root, '..', 'shared', 'data', 'chains_yahoo_qqq_2026_02'));

function run(name, args) {
  const path = join(root, 'dist', 'bench', `${name}.js`);
  const child = spawn(process.execPath, [path, ...args], {
    stdio: ['ignore', isJson ? 'pipe' : 'inherit', 'inherit'],
  });
  let printed = '';
  child.stdout?.on('data', (chunk) => {
    printed += chunk;
  });
  return new Promise((resolve) => {
    child.once('close', (code, signal) =>
      resolve({ printed, isOk: code === 0, isStopped: signal !== null || code === 130 }),
    );
  });
}

// A terminal sends Ctrl-C to the benchmark as well, which cleans up; kill may reach us alone.
let isStopped = false;
for (const signal of ['SIGINT', 'SIGTERM']) {
  process.on(signal, () => {
    isStopped = true;
  });
}

const reports = [];
for (const name of programs) {
  if (isStopped) break;
  const outcome = await run(name, options);
  isStopped ||= outcome.isStopped;
  if (!outcome.isOk) process.exitCode = isStopped ? 130 : 1;
  if (isJson && outcome.isOk) reports.push(JSON.parse(outcome.printed));
}
if (canCompare && !isJson && !isStopped) {
  const outcome = await run(
    'quote_model_error',
    options.filter((option) => option !== '--quick'),
  );
  if (!outcome.isOk) process.exitCode = 1;
}
if (isJson) console.log(JSON.stringify(reports, null, 2));
