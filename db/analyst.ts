// The read-only user for people: what Grafana reads, with a password of its own.
import { createHash, createHmac, pbkdf2Sync, randomBytes } from 'node:crypto';
import pg from 'pg';

const ITERATIONS = 4096;
// A query that nobody waits for any more ends by itself.
const STATEMENT_TIMEOUT = '10min';

/** Lets the role analyst log in with this password. The connection is the owner's, who may create roles. */
export async function setAnalystPassword(client: pg.ClientBase, password: string): Promise<void> {
  // Only its verifier travels: a server may log statements.
  await client.query(`alter role analyst login password ${pg.escapeLiteral(scramVerifier(password))}`);
  await client.query('alter role analyst set default_transaction_read_only = on');
  await client.query(`alter role analyst set statement_timeout = '${STATEMENT_TIMEOUT}'`);
}

/** What PostgreSQL stores of a password for SCRAM-SHA-256 (RFC 5803). */
export function scramVerifier(password: string, salt: Buffer = randomBytes(16)): string {
  const salted = pbkdf2Sync(password.normalize('NFKC'), salt, ITERATIONS, 32, 'sha256');
  const key = (name: string): Buffer => createHmac('sha256', salted).update(name).digest();
  const stored = createHash('sha256').update(key('Client Key')).digest('base64');
  return `SCRAM-SHA-256$${ITERATIONS}:${salt.toString('base64')}$${stored}:${key('Server Key').toString('base64')}`;
}
