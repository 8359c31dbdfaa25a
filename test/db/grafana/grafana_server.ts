// As much of Grafana as `strikebase grafana check` talks to, on a real socket: it provisions our dashboards and rules, expands macros as Grafana does and
// asks the real database.
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type pg from 'pg';
import { alertRules } from '../../../grafana/alerts.ts';
import { ask } from '../../../grafana/asker.ts';
import { dashboards } from '../../../grafana/files.ts';
import type { Dashboard, Format } from '../../../grafana/model.ts';

export interface GrafanaServer {
  readonly url: string;
  stop(): Promise<void>;
}

export interface ServerOptions {
  /** Of grafana_reader. */
  readonly client: pg.ClientBase;
  /** What it has provisioned; default all of ours. */
  readonly pages?: readonly Dashboard[];
  /** `user:password` that it lets in; anybody without. */
  readonly login?: string;
  /** Viewers may not see alert rules. */
  readonly hidesRules?: boolean;
}

interface Asked {
  readonly from: string;
  readonly to: string;
  readonly queries: readonly {
    readonly refId: string;
    readonly rawSql: string;
    readonly format: Format;
    readonly intervalMs: number;
  }[];
}

type Reply = readonly [status: number, body: unknown];

/** Starts it on loopback. */
export async function startGrafana(options: ServerOptions): Promise<GrafanaServer> {
  const server = createServer((request, response) => {
    reply(options, request).then(
      ([status, body]) => {
        response.writeHead(status, { 'content-type': 'application/json' });
        response.end(JSON.stringify(body));
      },
      (error: unknown) => {
        response.writeHead(500, { 'content-type': 'application/json' });
        response.end(JSON.stringify({ message: String(error) }));
      },
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, stop: () => close(server) };
}

function close(server: Server): Promise<void> {
  server.closeAllConnections();
  return new Promise((resolve) => server.close(() => resolve()));
}

async function reply(options: ServerOptions, request: IncomingMessage): Promise<Reply> {
  const path = request.url ?? '';
  if (path === '/api/health') return [200, { database: 'ok', version: '13.2.3' }];
  if (options.login !== undefined && !isAllowed(request, options.login))
    return [401, { message: 'Unauthorized' }];
  if (path.startsWith('/api/dashboards/uid/')) return dashboardReply(options, path.split('/').at(-1) ?? '');
  if (path === '/api/v1/provisioning/alert-rules') return rulesReply(options);
  if (path === '/api/ds/query' && request.method === 'POST') return queryReply(options, request);
  return [404, { message: 'Not found' }];
}

function isAllowed({ headers }: IncomingMessage, login: string): boolean {
  return headers.authorization === `Basic ${Buffer.from(login).toString('base64')}`;
}

function dashboardReply({ pages = dashboards() }: ServerOptions, uid: string): Reply {
  const dashboard = pages.find((page) => page.uid === uid);
  return dashboard === undefined
    ? [404, { message: 'Dashboard not found' }]
    : [200, { meta: {}, dashboard: { id: 1, ...dashboard } }];
}

function rulesReply({ hidesRules = false }: ServerOptions): Reply {
  if (hidesRules) return [403, { message: 'Access denied' }];
  const { groups } = alertRules() as unknown as { groups: readonly { rules: readonly unknown[] }[] };
  return [200, groups.flatMap(({ rules }) => rules)];
}

async function queryReply({ client }: ServerOptions, request: IncomingMessage): Promise<Reply> {
  const { from, to, queries } = JSON.parse(await textOf(request)) as Asked;
  const [query] = queries;
  if (query === undefined) return [400, { message: 'no queries found' }];
  const { refId, rawSql: sql, format, intervalMs } = query;
  const range = { from: new Date(Number(from)), to: new Date(Number(to)), intervalMs };
  try {
    const { columns, rows } = await ask(
      client,
      { page: '', kind: 'panel', name: '', refId, sql, format },
      {},
      range,
    );
    // An empty answer has no fields at all.
    const fields = rows.length === 0 ? [] : columns;
    const values = fields.map((_, index) => rows.map((row) => row[index]));
    return [
      200,
      { results: { [refId]: { status: 200, frames: [{ schema: { refId, fields }, data: { values } }] } } },
    ];
  } catch (error) {
    return [
      400,
      { results: { [refId]: { status: 400, error: `db query error: ${(error as Error).message}` } } },
    ];
  }
}

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}
