// Asks the database what a browser would have Grafana ask: variables put in, macros expanded, as grafana_reader.
import pg from 'pg';
import { dashboards } from './files.ts';
import { expandMacros, type QueryRange } from './macros.ts';
import type { Dashboard } from './model.ts';
import {
  type Column,
  type ColumnType,
  chosenValue,
  type GrafanaQuery,
  queriesOf,
  type VariableValues,
  withVariables,
} from './queries.ts';

export interface AnsweredQuery {
  readonly query: GrafanaQuery;
  /** What was sent. */
  readonly sql: string;
  readonly columns: readonly Column[];
  /** Columns of a type that holds wall-clock time, which Grafana would take for UTC. */
  readonly wallClock: readonly string[];
  readonly rows: readonly (readonly unknown[])[];
}

// As Grafana's driver has them; whatever is not here it shows as text.
const TYPES: Readonly<Record<number, ColumnType>> = {
  16: 'boolean',
  19: 'string',
  20: 'number',
  21: 'number',
  23: 'number',
  25: 'string',
  700: 'number',
  701: 'number',
  1042: 'string',
  1043: 'string',
  1082: 'time',
  1114: 'time',
  1184: 'time',
  1700: 'number',
};
const WALL_CLOCK = new Set([1082, 1114]);

/** The answer to one statement. */
export async function ask(
  client: pg.ClientBase,
  query: GrafanaQuery,
  variables: VariableValues,
  range: QueryRange,
): Promise<AnsweredQuery> {
  const sql = expandMacros(withVariables(query.sql, variables), range);
  const types = { getTypeParser: pg.types.getTypeParser } as pg.CustomTypesConfig;
  const result = await client.query<unknown[]>({ text: sql, rowMode: 'array', types });
  const columns = result.fields.map(
    ({ name, dataTypeID }) => ({ name, type: TYPES[dataTypeID] ?? 'other' }) as const,
  );
  const wallClock = result.fields
    .filter(({ dataTypeID }) => WALL_CLOCK.has(dataTypeID))
    .map(({ name }) => name);
  return { query, sql, columns, wallClock, rows: result.rows };
}

/** All queries of a dashboard: variables in their order, each left at what it offers or at what is `fixed`. */
export async function askDashboard(
  client: pg.ClientBase,
  page: Dashboard,
  options: { readonly range: QueryRange; readonly which: 'first' | 'most'; readonly fixed?: VariableValues },
): Promise<{ answers: AnsweredQuery[]; variables: VariableValues }> {
  const answers: AnsweredQuery[] = [];
  let variables: VariableValues = {};
  for (const query of queriesOf(page)) {
    const answer = await ask(client, query, variables, options.range).catch((error: unknown) => {
      throw new Error(`${query.page}, ${query.kind} ${query.name}: ${(error as Error).message}`, {
        cause: error,
      });
    });
    answers.push(answer);
    const variable = page.templating.list.find(
      ({ name }) => query.kind === 'variable' && name === query.name,
    );
    if (variable === undefined) continue;
    const at = answer.columns.findIndex(({ name }) => name === '__value');
    const offered = answer.rows.map((row) => String(row[at]));
    const value = options.fixed?.[query.name] ?? chosenValue(variable, offered, options.which);
    variables = { ...variables, [query.name]: value };
  }
  return { answers, variables };
}

/** The dashboard of a uid. */
export function pageOf(uid: string): Dashboard {
  const page = dashboards().find((each) => each.uid === uid);
  if (page === undefined) throw new Error(`no dashboard ${uid}`);
  return page;
}

/** The query of a panel by its title. */
export function panelQuery(uid: string, title: string): GrafanaQuery {
  const query = queriesOf(pageOf(uid)).find(({ kind, name }) => kind === 'panel' && name === title);
  if (query === undefined) throw new Error(`no panel ${title} on ${uid}`);
  return query;
}

/** Rows as objects. */
export function objects({ columns, rows }: AnsweredQuery): Record<string, unknown>[] {
  return rows.map((row) => Object.fromEntries(columns.map(({ name }, index) => [name, row[index]])));
}
