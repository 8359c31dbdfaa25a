// Runs the benchmarks of dist/bench/ in turn with the same options, all or those that are named, prints their tables, and writes all
// figures to bench/results/<date>.json, those of a choice to no file; with --json it prints {results: [{name, engine, value, unit, goal, met}]} instead of the tables.
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const { printReport } = await import('../dist/bench/support.js');
const programs = [
  'startup',
  'import_bars',
  'copy_quotes',
  'signal_scan',
  'backtest',
  'advance',
  'queries',
  'dashboards',
  'storage',
  'growth',
  'replay_day',
  'live_load',
];
// They compare with recorded option chains, which a clone does not have; a quick run has no time for them.
const RECORDED = ['quote_model_error', 'spxw_marks', 'recorded_chains'];
const hasRecorded = (...names) => names.every((name) => existsSync(join(root, '..', 'shared', 'data', name)));
if (hasRecorded('chains_yahoo_qqq_2026_02')) programs.push('quote_model_error');
if (hasRecorded('spxw_0dte_mids_2023_2026')) programs.push('spxw_marks');
if (hasRecorded('schwab', 'lean_data')) programs.push('recorded_chains');
const USAGE = 'npm run bench -- [NAME…] [--quick] [--json] [--db URL] [--engine embedded|timescaledb]';
const { options, names } = readArguments();
const isJson = options.includes('--json');
const isQuick = options.includes('--quick');

let isStopped = false;

/** What every program is given, and the programs that were asked for. */
function readArguments() {
  const { values, positionals } = parse();
  if (values.help) {
    console.log(
      `${USAGE}\n\nRuns the programs of bench/ (docs/performance.md), or those named of\n${programs.join(', ')}.`,
    );
    process.exit();
  }
  const unknown = positionals.find((name) => !programs.includes(name));
  if (unknown !== undefined) refuse(`there is no benchmark ${unknown} here: ${programs.join(', ')}`);
  const { db, engine, ...flags } = values;
  const given = Object.keys(flags).map((name) => `--${name}`);
  const texts = Object.entries({ db, engine }).filter(([, text]) => text !== undefined);
  return { names: positionals, options: [...given, ...texts.flatMap(([name, text]) => [`--${name}`, text])] };
}

function parse() {
  const boolean = { type: 'boolean' };
  const options = {
    db: { type: 'string' },
    engine: { type: 'string' },
    quick: boolean,
    json: boolean,
    help: boolean,
  };
  try {
    return parseArgs({ options, allowPositionals: true });
  } catch (error) {
    return refuse(error.message);
  }
}

function refuse(reason) {
  console.error(`bench: ${reason}\n${USAGE}`);
  process.exit(2);
}

function run(name) {
  const path = join(root, 'dist', 'bench', `${name}.js`);
  const passed = options.filter((option) => option !== '--json');
  const child = spawn(process.execPath, [path, ...passed, '--json'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let printed = '';
  child.stdout.on('data', (chunk) => {
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

// The last line: before it there may be the usage.
function reportIn(printed) {
  const line = printed.trimEnd().split('\n').at(-1) ?? '';
  return line.startsWith('{') ? JSON.parse(line) : null;
}

function resultsOf({ name, figures }) {
  return figures.map(({ figure, engine, value, unit, goal }) => ({
    name: `${name}: ${figure}`,
    engine,
    value,
    unit,
    goal: goal?.text ?? null,
    met: goal?.isMet ?? null,
  }));
}

function write(report) {
  const folder = join(root, 'bench', 'results');
  mkdirSync(folder, { recursive: true });
  const path = join(folder, `${report.date}${isQuick ? '-quick' : ''}.json`);
  // One result a line: two files can be compared.
  const { results, ...head } = report;
  const lines = results.map((each) => `    ${JSON.stringify(each)}`).join(',\n');
  const text = JSON.stringify(head, null, 2).replace(/\n\}$/, `,\n  "results": [\n${lines}\n  ]\n}\n`);
  writeFileSync(path, text);
  process.stderr.write(`written to ${path}\n`);
}

const reports = [];
const began = new Date();
const usual = programs.filter((each) => !isQuick || !RECORDED.includes(each));
for (const name of names.length > 0 ? names : usual) {
  const startedMs = performance.now();
  const { printed, isOk } = await run(name);
  if (isStopped) break;
  process.stderr.write(`${name} took ${Math.round((performance.now() - startedMs) / 1000)} s\n`);
  if (!isOk) process.exitCode = 1;
  const report = reportIn(printed);
  if (report === null) continue;
  reports.push(report);
  if (!isJson) printReport(report);
}
if (isStopped) process.exitCode = 130;
else {
  const { loadBefore, loadAfter, speedBefore, speedAfter, ...machine } = reports[0]?.machine ?? {};
  const last = reports.at(-1)?.machine;
  const load = { before: loadBefore, after: last?.loadAfter ?? loadAfter };
  const speed = { before: speedBefore, after: last?.speedAfter ?? speedAfter };
  const minutes = Math.round((Date.now() - began.getTime()) / 6000) / 10;
  const head = { date: began.toISOString().slice(0, 10), quick: isQuick, machine, load, speed, minutes };
  const report = { ...head, results: reports.flatMap(resultsOf) };
  if (names.length === 0) write(report);
  if (isJson) console.log(JSON.stringify(report));
}
