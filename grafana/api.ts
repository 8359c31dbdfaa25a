// The few calls of Grafana's HTTP API that a check needs.
import { setTimeout as delay } from 'node:timers/promises';
import { errorText, Failure } from '../core/failure.ts';
import type { VariableValues } from './queries.ts';
import {
  type Column,
  type ColumnType,
  type GrafanaQuery,
  type QueriedDashboard,
  withVariables,
} from './queries.ts';

export interface GrafanaApi {
  /** Its version. Throws Failure when no Grafana answers, or its own database is not well. */
  health(): Promise<string>;
  /** Null where there is none of that uid. */
  dashboard(uid: string): Promise<QueriedDashboard | null>;
  /** SQL of the alert rules by their uid; null where this login may not see them. */
  alertRules(): Promise<ReadonlyMap<string, readonly AlertQuery[]> | null>;
  run(query: AskedQuery): Promise<Answer>;
}

export interface AlertQuery {
  readonly refId: string;
  readonly rawSql: string;
}

export interface AskedQuery {
  readonly query: Pick<GrafanaQuery, 'refId' | 'sql' | 'format'>;
  readonly variables: VariableValues;
  readonly datasourceUid: string;
  readonly fromMs: number;
  readonly toMs: number;
}

export interface Answer {
  readonly columns: readonly Column[];
  readonly rows: readonly (readonly unknown[])[];
  readonly error: string | null;
  /** Milliseconds until it had come. */
  readonly tookMs: number;
}

export interface ApiOptions {
  /** Of the server, e.g. http://127.0.0.1:3000. */
  readonly url: string;
  /** Service account token, or user:password; null where anonymous viewers are let in. */
  readonly credentials: string | null;
  readonly signal: AbortSignal;
}

const TIMEOUT_MS = 60_000;
const HEALTH_TRIES = 3;
const POINTS = 1000;

interface Reply {
  readonly status: number;
  readonly body: unknown;
}

/** The API of a running Grafana. */
export function grafanaApi(options: ApiOptions): GrafanaApi {
  const ask = (path: string, body?: unknown): Promise<Reply> => request(options, path, body);
  return {
    health: () => healthOf(options, ask),
    dashboard: async (uid) => {
      const { status, body } = await ask(`/api/dashboards/uid/${uid}`);
      if (status === 404) return null;
      return (checked(options, status, body) as { dashboard: QueriedDashboard }).dashboard;
    },
    alertRules: async () => {
      const { status, body } = await ask('/api/v1/provisioning/alert-rules');
      if (status === 401 || status === 403) return null;
      return sqlOfRules(checked(options, status, body) as readonly Rule[]);
    },
    run: (asked) => runQuery(options, ask, asked),
  };
}

type Ask = (path: string, body?: unknown) => Promise<Reply>;

async function request(
  { url, credentials, signal }: ApiOptions,
  path: string,
  body?: unknown,
): Promise<Reply> {
  const response = await fetch(`${url.replace(/\/+$/, '')}${path}`, {
    method: body === undefined ? 'GET' : 'POST',
    headers: {
      accept: 'application/json',
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...(credentials === null ? {} : { authorization: authorization(credentials) }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]),
  });
  const text = await response.text();
  try {
    return { status: response.status, body: JSON.parse(text) };
  } catch {
    return { status: response.status, body: text.slice(0, 200) };
  }
}

function authorization(credentials: string): string {
  return credentials.includes(':')
    ? `Basic ${Buffer.from(credentials).toString('base64')}`
    : `Bearer ${credentials}`;
}

async function healthOf(options: ApiOptions, ask: Ask): Promise<string> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      const { status, body } = await ask('/api/health');
      const { database, version } = (body ?? {}) as { database?: unknown; version?: unknown };
      if (status === 200 && database === 'ok') return String(version ?? 'of unknown version');
      throw new Failure(`what answers at ${options.url} is no healthy Grafana (status ${status})`, {
        hint: 'Is it the address of Grafana? Its log says what it lacks.',
      });
    } catch (error) {
      if (error instanceof Failure || options.signal.aborted) throw error;
      if (attempt >= HEALTH_TRIES) {
        throw new Failure(`no Grafana answers at ${options.url}: ${errorText(error)}`, {
          hint: 'Start it, or correct --url.',
        });
      }
      await delay(500);
    }
  }
}

function checked(options: ApiOptions, status: number, body: unknown): unknown {
  if (status >= 200 && status < 300) return body;
  if (status === 401 || status === 403) {
    throw new Failure(`Grafana at ${options.url} refuses this login (status ${status})`, {
      hint: 'Give --credentials a file with a service account token, or with user:password.',
    });
  }
  throw new Failure(`Grafana at ${options.url} answered ${status}: ${messageOf(body)}`);
}

function messageOf(body: unknown): string {
  const { message, error } = (typeof body === 'object' && body !== null ? body : {}) as Record<
    string,
    unknown
  >;
  return String(message ?? error ?? body).slice(0, 300);
}

interface Rule {
  readonly uid: string;
  readonly data: readonly { readonly refId: string; readonly model?: { readonly rawSql?: unknown } }[];
}

function sqlOfRules(rules: readonly Rule[]): Map<string, AlertQuery[]> {
  return new Map(
    rules.map(({ uid, data }) => [
      uid,
      data.flatMap(({ refId, model }) =>
        typeof model?.rawSql === 'string' ? [{ refId, rawSql: model.rawSql }] : [],
      ),
    ]),
  );
}

interface Frame {
  readonly schema: { readonly fields: readonly { readonly name: string; readonly type: string }[] };
  readonly data: { readonly values: readonly (readonly unknown[])[] };
}

interface Result {
  readonly error?: string;
  readonly frames?: readonly Frame[];
}

async function runQuery(options: ApiOptions, ask: Ask, asked: AskedQuery): Promise<Answer> {
  const { query, variables, datasourceUid, fromMs, toMs } = asked;
  const began = performance.now();
  const { status, body } = await ask('/api/ds/query', {
    from: String(fromMs),
    to: String(toMs),
    queries: [
      {
        refId: query.refId,
        datasource: { uid: datasourceUid },
        rawSql: withVariables(query.sql, variables),
        format: query.format,
        rawQuery: true,
        editorMode: 'code',
        intervalMs: Math.max(Math.round((toMs - fromMs) / POINTS), 1000),
        maxDataPoints: POINTS,
      },
    ],
  });
  const tookMs = performance.now() - began;
  const result = (body as { results?: Record<string, Result> } | null)?.results?.[query.refId];
  if (result === undefined) {
    // A refused login is no fault of the query.
    checked(options, status, body);
    return { columns: [], rows: [], error: `no result: ${messageOf(body)}`, tookMs };
  }
  if (result.error !== undefined && result.error !== '')
    return { columns: [], rows: [], error: result.error, tookMs };
  return { ...answerOf(result.frames ?? []), error: null, tookMs };
}

const TYPES: Readonly<Record<string, ColumnType>> = {
  time: 'time',
  number: 'number',
  boolean: 'boolean',
  string: 'string',
};

/** The frames of one answer side by side: a series each in old versions, one wide table in others. */
function answerOf(frames: readonly Frame[]): Pick<Answer, 'columns' | 'rows'> {
  const fields = frames.flatMap(({ schema }) => schema.fields);
  const columns = fields.map(({ name, type }) => ({ name, type: TYPES[type] ?? ('other' as const) }));
  const values = frames.flatMap(({ data }) => data.values);
  const count = Math.max(0, ...values.map((column) => column.length));
  return { columns, rows: Array.from({ length: count }, (_, row) => values.map((column) => column[row])) };
}
