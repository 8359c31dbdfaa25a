// Runs every benchmark of dist/bench/ in turn, with the same options; with --json it prints one array of their reports.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const programs = ['startup', 'import_bars', 'copy_quotes', 'backtest', 'advance'];
// Compares with recorded option chains, which a clone does not have.
if (existsSync(join(root, '..', 'shared', 'data', 'chains_yahoo_qqq_2026_02')))
  programs.push('quote_model_error');
const options = process.argv.slice(2);
const isJson = options.includes('--json');

let isStopped = false;

function run(name) {
  const path = join(root, 'dist', 'bench', `${name}.js`);
  const child = spawn(process.execPath, [path, ...options], {
    stdio: ['ignore', isJson ? 'pipe' : 'inherit', 'inherit'],
  });
  let printed = '';
  child.stdout?.on('data', (chunk) => {
    printed += chunk;
  });
  // The benchmark cleans up behind itself; a terminal's Ctrl-C reaches it anyway, kill only through us.
  const stop = (signal) => {
    isStopped = true;
    child.kill(signal);
  };
  process.on('SIGINT', stop).on('SIGTERM', stop);
  return new Promise((resolve) => {
    child.once('close', (code) => {
      process.off('SIGINT', stop).off('SIGTERM', stop);
      resolve({ printed, isOk: code === 0 });
    });
  });
}

const reports = [];
for (const name of programs) {
  const { printed, isOk } = await run(name);
  if (isStopped) break;
  if (!isOk) process.exitCode = 1;
  else if (isJson) reports.push(JSON.parse(printed));
}
if (isStopped) process.exitCode = 130;
else if (isJson) console.log(JSON.stringify(reports, null, 2));
