// The database user that Grafana connects as: a member of grafana_reader, with limits on what its queries may take.
import pg from 'pg';
import { scramVerifier } from './analyst.ts';

// Panels of a browser that was closed must not keep the server busy.
const STATEMENT_TIMEOUT = '30s';
const CONNECTIONS = 20;

/** Makes the user where it is missing and sets its password. The connection is the owner's, who may create roles. */
export async function setGrafanaPassword(client: pg.ClientBase, password: string): Promise<void> {
  const { rows } = await client.query("select 1 from pg_catalog.pg_roles where rolname = 'grafana'");
  if (rows.length === 0) await client.query('create role grafana in role grafana_reader');
  const verifier = pg.escapeLiteral(scramVerifier(password));
  await client.query(`alter role grafana login connection limit ${CONNECTIONS} password ${verifier}`);
  await client.query('alter role grafana set default_transaction_read_only = on');
  await client.query(`alter role grafana set statement_timeout = '${STATEMENT_TIMEOUT}'`);
}
