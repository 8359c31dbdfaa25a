// strikebase grafana check: every query of the dashboards and alert rules through a running Grafana.
import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import { systemClock } from '../core/clock.ts';
import { type EasternUs, epochMsFromEastern } from '../core/eastern_time.ts';
import { errorText, Failure } from '../core/failure.ts';
import { grafanaApi } from '../grafana/api.ts';
import { type CheckedQuery, checkGrafana, countOfQueries } from '../grafana/check.ts';
import { interrupt } from './interrupt.ts';
import { withExamples, withFormat, withRange } from './options.ts';
import { type Format, printRows } from './output.ts';
import { note, showProgress } from './terminal.ts';

interface GrafanaCheckOptions {
  readonly url: string;
  readonly credentials?: string;
  readonly all: boolean;
  readonly format: Format;
  readonly from?: EasternUs;
  readonly to?: EasternUs;
}

const TEXT = 25;
const NUMBER = 1700;
const COLUMNS = [
  { name: 'page', oid: TEXT },
  { name: 'kind', oid: TEXT },
  { name: 'name', oid: TEXT },
  { name: 'rows', oid: NUMBER },
  { name: 'ms', oid: NUMBER },
  { name: 'problem', oid: TEXT },
];

/** The `grafana` subcommand. */
export function grafanaCommand(): Command {
  const check = new Command('check')
    .description(
      'Runs every panel, annotation, variable and alert query of the dashboards through a running Grafana, as a browser ' +
        'would, and lists those that fail. Exits with 1 if any does.',
    )
    .option('--url <url>', 'address of Grafana', 'http://127.0.0.1:3000')
    .option('--credentials <file>', 'file with a service account token, or with user:password')
    .option('--all', 'list the queries that are well, too', false)
    .action(runCheck);
  withFormat(withRange(check));
  const command = new Command('grafana')
    .description('The dashboards of a running Grafana.')
    .addCommand(
      withExamples(
        check,
        'grafana check',
        'grafana check --url http://127.0.0.1:3000 --credentials grafana.token --from 2026-03-05 --to 2026-03-05 --all',
      ),
    );
  return withExamples(command, 'grafana check');
}

async function runCheck(options: GrafanaCheckOptions): Promise<void> {
  const api = grafanaApi({
    url: checkedUrl(options.url),
    credentials: options.credentials === undefined ? null : readCredentials(options.credentials),
    signal: interrupt(),
  });
  note(`Grafana ${await api.health()} at ${options.url}`);
  const progress = showProgress('grafana check', countOfQueries());
  const nowMs = epochMsFromEastern(systemClock().now());
  const onQuery = (done: number, name: string): void => progress.update(done, name);
  const checks = await checkGrafana({ api, nowMs, range: rangeOf(options, nowMs), onQuery });
  progress.end();
  printChecks(checks, options);
}

function checkedUrl(url: string): string {
  const isHttp = URL.canParse(url) && ['http:', 'https:'].includes(new URL(url).protocol);
  if (isHttp && new URL(url).password === '') return url;
  // It may hold a password, so it is not repeated.
  throw new Failure('--url is not the address of a Grafana', {
    hint: 'Write --url http://host:3000; a login goes into the file of --credentials.',
    exitCode: 2,
  });
}

function readCredentials(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch (error) {
    throw new Failure(`the file of --credentials cannot be read: ${errorText(error)}`, { exitCode: 2 });
  }
}

function rangeOf(
  { from, to }: GrafanaCheckOptions,
  nowMs: number,
): { readonly fromMs: number; readonly toMs: number } | null {
  if (from === undefined && to === undefined) return null;
  const toMs = to === undefined ? nowMs : epochMsFromEastern(to);
  return { fromMs: from === undefined ? toMs - 86_400_000 : epochMsFromEastern(from), toMs };
}

function printChecks(checks: readonly CheckedQuery[], options: GrafanaCheckOptions): void {
  const failed = checks.filter(({ problem }) => problem !== null);
  const shown = options.all ? checks : failed;
  const rows = shown.map(({ page, kind, name, rows: count, ms, problem }) => [
    page,
    kind,
    name,
    count === null ? null : String(count),
    ms === null ? null : ms.toFixed(0),
    problem ?? (options.format === 'table' ? 'ok' : null),
  ]);
  if (shown.length > 0 || options.format !== 'table') printRows(COLUMNS, rows, { format: options.format });
  note(`${checks.length} queries, ${failed.length} failed`);
  if (failed.length > 0) process.exitCode = 1;
}
