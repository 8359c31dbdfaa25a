// Runs every query of our dashboards and alert rules through a running Grafana, as a browser would, and says which fail.
import {
  dateOf,
  type EasternUs,
  easternFromEpochMs,
  epochMsFromEastern,
  midnightOf,
} from '../core/eastern_time.ts';
import { ALARMS, alarmSql, ruleUid } from './alerts.ts';
import type { GrafanaApi } from './api.ts';
import { dashboards } from './files.ts';
import { DATASOURCE, type Variable } from './model.ts';
import {
  chosenValue,
  columnProblem,
  type GrafanaQuery,
  type QueriedDashboard,
  queriesOf,
  type VariableValues,
} from './queries.ts';

export interface CheckedQuery {
  readonly page: string;
  readonly kind: 'dashboard' | 'variable' | 'annotation' | 'panel' | 'alert';
  readonly name: string;
  readonly rows: number | null;
  readonly ms: number | null;
  /** Null when it is well. */
  readonly problem: string | null;
}

export interface CheckOptions {
  readonly api: GrafanaApi;
  /** Unix epoch milliseconds, for ranges such as now-90d. */
  readonly nowMs: number;
  /** Instead of each dashboard's own range. */
  readonly range: { readonly fromMs: number; readonly toMs: number } | null;
  /** Called before each query, for progress. */
  readonly onQuery?: (done: number, name: string) => void;
}

const DAY_MS = 86_400_000;
const UNIT_MS: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: DAY_MS };

/** Checks all dashboards and alert rules that this version ships, as Grafana has them. Throws Failure when Grafana cannot be asked. */
export async function checkGrafana(options: CheckOptions): Promise<readonly CheckedQuery[]> {
  const checks: CheckedQuery[] = [];
  const tell = (name: string): void => options.onQuery?.(checks.length, name);
  for (const { uid } of dashboards()) {
    tell(uid);
    const found = await options.api.dashboard(uid);
    if (found === null) {
      checks.push({
        ...ABSENT,
        page: uid,
        kind: 'dashboard',
        name: uid,
        problem: 'Grafana has no such dashboard',
      });
    } else {
      for await (const check of checkDashboard(options, found)) {
        checks.push(check);
        tell(check.name);
      }
    }
  }
  for await (const check of checkAlerts(options)) {
    checks.push(check);
    tell(check.name);
  }
  return checks;
}

const ABSENT = { rows: null, ms: null } as const;

/** How many queries there are, for progress. */
export function countOfQueries(): number {
  return dashboards().reduce((sum, page) => sum + queriesOf(page).length, 0) + ALARMS.length * 2;
}

async function* checkDashboard(options: CheckOptions, page: QueriedDashboard): AsyncGenerator<CheckedQuery> {
  const range = options.range ?? rangeOf(page, options.nowMs);
  const byName = new Map<string, Variable>(page.templating.list.map((variable) => [variable.name, variable]));
  let variables: VariableValues = {};
  for (const query of queriesOf(page)) {
    const datasourceUid = DATASOURCE.uid;
    const { columns, rows, error, tookMs } = await options.api.run({
      query,
      variables,
      datasourceUid,
      ...range,
    });
    const problem = error ?? columnProblem(query, columns);
    const variable = query.kind === 'variable' ? byName.get(query.name) : undefined;
    if (variable !== undefined) {
      const at = columns.findIndex(({ name }) => name === '__value');
      const offered = rows.map((row) => String(row[at] ?? ''));
      variables = { ...variables, [query.name]: chosenValue(variable, offered, 'first') };
    }
    yield { ...named(query), rows: rows.length, ms: tookMs, problem };
  }
}

function named({ page, kind, name, refId }: GrafanaQuery): Pick<CheckedQuery, 'page' | 'kind' | 'name'> {
  return { page, kind, name: refId === 'A' ? name : `${name} (${refId})` };
}

async function* checkAlerts({ api, nowMs }: CheckOptions): AsyncGenerator<CheckedQuery> {
  const found = await api.alertRules();
  for (const { name } of ALARMS) {
    const uid = ruleUid(name);
    // A login that may not see rules can still run what they should hold.
    const queries =
      found === null
        ? [
            { refId: 'A', rawSql: alarmSql(name, 'is_firing::integer') },
            { refId: 'V', rawSql: alarmSql(name, 'value') },
          ]
        : (found.get(uid) ?? []);
    if (queries.length === 0) {
      yield {
        ...ABSENT,
        page: 'alerts',
        kind: 'alert',
        name: uid,
        problem: 'Grafana has no such alert rule',
      };
    }
    for (const { refId, rawSql: sql } of queries) {
      const query = { refId, sql, format: 'time_series', kind: 'panel' } as const;
      const range = { fromMs: nowMs - 600_000, toMs: nowMs };
      const answer = await api.run({ query, variables: {}, datasourceUid: DATASOURCE.uid, ...range });
      const shape = answer.rows.length === 0 ? 'it gave no row' : columnProblem(query, answer.columns);
      const { length: rows } = answer.rows;
      yield {
        page: 'alerts',
        kind: 'alert',
        name: `${uid} (${refId})`,
        rows,
        ms: answer.tookMs,
        problem: answer.error ?? shape,
      };
    }
  }
}

/** The range that a dashboard opens with: now-90d, now-6h, or now/d for today, Eastern. */
export function rangeOf(
  page: Pick<QueriedDashboard, 'uid'>,
  nowMs: number,
): { fromMs: number; toMs: number } {
  const from = dashboards().find(({ uid }) => uid === page.uid)?.time.from ?? 'now-6h';
  const ago = /^now-(\d+)([mhd])$/.exec(from);
  if (ago !== null) return { fromMs: nowMs - Number(ago[1]) * (UNIT_MS[ago[2] ?? ''] ?? 0), toMs: nowMs };
  const midnight: EasternUs = midnightOf(dateOf(easternFromEpochMs(nowMs)));
  return { fromMs: epochMsFromEastern(midnight), toMs: nowMs };
}
