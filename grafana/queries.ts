// Every query that Grafana would run for a dashboard, and what its answer must look like.
import type { Dashboard, Format } from './model.ts';

export interface GrafanaQuery {
  readonly page: string;
  readonly kind: 'variable' | 'annotation' | 'panel';
  /** Name of the variable or annotation, title of the panel. */
  readonly name: string;
  readonly refId: string;
  readonly sql: string;
  readonly format: Format;
}

/** What of a dashboard is read here: of a running Grafana's as well as of our own. */
export type QueriedDashboard = Pick<Dashboard, 'uid' | 'title' | 'templating' | 'annotations' | 'panels'>;

/** All queries of a dashboard; variables first, in the order in which they depend on each other. */
export function queriesOf(page: QueriedDashboard): readonly GrafanaQuery[] {
  const of = page.uid;
  return [
    ...page.templating.list.map((each): GrafanaQuery => {
      const { name, query: sql } = each;
      return { page: of, kind: 'variable', name, refId: 'A', sql, format: 'table' };
    }),
    ...page.annotations.list
      // Grafana adds one of its own to dashboards that it gives out.
      .filter(({ target }) => typeof (target as { rawSql?: unknown } | undefined)?.rawSql === 'string')
      .map(({ name, target }): GrafanaQuery => {
        const { refId, rawSql: sql, format } = target;
        return { page: of, kind: 'annotation', name, refId, sql, format };
      }),
    ...page.panels.flatMap(({ title: name, targets }) =>
      targets.map(({ refId, rawSql: sql, format }): GrafanaQuery => {
        return { page: of, kind: 'panel', name, refId, sql, format };
      }),
    ),
  ];
}

/** Values of variables: one text, or several for variables of which several may be chosen. */
export type VariableValues = Readonly<Record<string, string | readonly string[]>>;

function quoted(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

/**
 * A query's text with its variables put in as Grafana's SQL editor does: several values quoted and with commas between them, a single one bare with its
 * quotes doubled. `$__…` is left to the server.
 */
export function withVariables(sql: string, values: VariableValues): string {
  return sql.replace(/\$([a-z]\w*)|\$\{(\w+)\}/gi, (whole, bare?: string, braced?: string) => {
    const value = values[bare ?? braced ?? ''];
    if (value === undefined) return whole;
    return typeof value === 'string' ? value.replaceAll("'", "''") : value.map(quoted).join(',');
  });
}

/** What a variable offers and is left at: the first, or as many as it allows (at most three), or its last. */
export function chosenValue(
  variable: { readonly multi: boolean; readonly includeAll: boolean },
  offered: readonly string[],
  which: 'first' | 'most',
): string | readonly string[] {
  if (!variable.multi) return (which === 'first' ? offered[0] : offered.at(-1)) ?? '';
  if (variable.includeAll) return offered;
  return offered.slice(0, which === 'first' ? 1 : 3);
}

/** Kinds of columns that Grafana tells apart. */
export type ColumnType = 'time' | 'number' | 'boolean' | 'string' | 'other';

export interface Column {
  readonly name: string;
  readonly type: ColumnType;
}

const NEEDED: Readonly<Record<GrafanaQuery['kind'], readonly Column[]>> = {
  variable: [
    { name: '__text', type: 'string' },
    { name: '__value', type: 'string' },
  ],
  annotation: [
    { name: 'time', type: 'time' },
    { name: 'text', type: 'string' },
  ],
  panel: [],
};

/** What is wrong with the columns of an answer for the query's kind and format; null if nothing is. No columns at all is an empty answer. */
export function columnProblem(
  query: Pick<GrafanaQuery, 'kind' | 'format'>,
  columns: readonly Column[],
): string | null {
  if (columns.length === 0) return null;
  const missing = [...NEEDED[query.kind], ...(query.format === 'time_series' ? [TIME_COLUMN] : [])].find(
    ({ name, type }) => !columns.some((column) => column.name === name && column.type === type),
  );
  if (missing !== undefined) return `no column ${missing.name} of type ${missing.type}`;
  const other = columns.find(({ type }) => type === 'other');
  if (other !== undefined) return `column ${other.name} is of a type that Grafana shows as text`;
  if (query.format !== 'time_series') return null;
  const flag = columns.find(({ type }) => type === 'boolean');
  if (flag !== undefined) return `column ${flag.name} is a boolean, which is no series`;
  return columns.some(({ type }) => type === 'number') ? null : 'no column with numbers';
}

const TIME_COLUMN: Column = { name: 'time', type: 'time' };
