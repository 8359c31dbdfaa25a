// Backups of a server in pg_dump's custom format, and their return into an empty database, with and without TimescaleDB.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import pg from 'pg';
import { Failure } from '../../core/failure.ts';
import { findProgram, runProgram } from './programs.ts';

/** What is done so far of a total, in steps of very different length. */
export type OnStep = (done: number, total: number, detail: string) => void;

interface Server {
  readonly major: number;
  readonly tables: number;
}

// As migration 0001 and its successors make them; a role belongs to the server, not to a database, so no dump has it.
const ROLES = ['ingest_writer', 'job_runner', 'grafana_reader', 'backup', 'analyst', 'grafana'];
const READERS = ['analyst', 'grafana'];

/** Writes the database to `to`, in one snapshot. Throws a Failure without a pg_dump that fits the server. */
export async function dumpDatabase(
  client: pg.ClientBase,
  options: {
    readonly url: string;
    readonly to: Writable;
    readonly onStep: OnStep;
    readonly signal: AbortSignal;
  },
): Promise<void> {
  const { url, to, onStep, signal } = options;
  const { major, tables } = await serverOf(client);
  let done = 0;
  await runProgram(findProgram('pg_dump', major), ['--format=custom', '--no-password', '--verbose'], {
    ...{ url, to, signal },
    onLine: (line) => {
      const table = /dumping contents of table "?([^"]+)/.exec(line)?.[1];
      if (table === undefined) return;
      done += 1;
      onStep(Math.min(done, tables), tables, table);
    },
  });
}

async function serverOf(client: pg.ClientBase): Promise<Server> {
  const { rows } = await client.query<{ version: number; tables: number }>(
    `select current_setting('server_version_num')::integer as version, count(*)::integer as tables
     from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where c.relkind = 'r' and n.nspname not in ('pg_catalog', 'information_schema') and c.relpersistence = 'p'`,
  );
  const [{ version, tables }] = rows as [{ version: number; tables: number }];
  return { major: Math.floor(version / 10_000), tables };
}

/**
 * Brings a dump into an empty database, in one transaction; roles and settings of the database, which a dump leaves out, are made
 * again. The connection is the owner's. Throws a Failure where TimescaleDB is missing or of another version.
 */
export async function restoreDump(
  client: pg.ClientBase,
  options: {
    readonly url: string;
    readonly file: string;
    readonly onStep: OnStep;
    readonly signal: AbortSignal;
  },
): Promise<void> {
  const { url, file, onStep, signal } = options;
  const program = findProgram('pg_restore', 0);
  const contents = await outputOf(program, ['--list', file]);
  const hasTimescale = / EXTENSION - timescaledb/.test(contents);
  const kept = contents.split('\n').filter((line) => isRestored(line));
  const total = kept.filter((line) => /^\d/.test(line)).length;
  await makeRoles(client);
  if (hasTimescale) await prepareTimescale(client);
  const folder = mkdtempSync(join(tmpdir(), 'strikebase-restore-'));
  try {
    const list = join(folder, 'list');
    writeFileSync(list, kept.join('\n'));
    let done = 0;
    const how = ['--no-owner', '--no-password', '--single-transaction', '--exit-on-error', '--verbose'];
    const database =
      (await client.query<{ name: string }>('select current_database() as name')).rows[0]?.name ?? '';
    await runProgram(program, [...how, `--use-list=${list}`, `--dbname=${database}`, file], {
      ...{ url, signal },
      onLine: (line) => {
        const what = /^pg_restore: (?:creating|processing data for|executing) (.*)/.exec(line)?.[1];
        if (what === undefined) return;
        done += 1;
        onStep(Math.min(done, total), total, what);
      },
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
    if (hasTimescale) await client.query('select timescaledb_post_restore()');
  }
  if (hasTimescale) await checkTimescale(client);
  await restoreSettings(client, await outputOf(program, ['--create', '--schema-only', '--file=-', file]));
  await client.query('analyze');
}

/** The extension is made before; what belongs to another owner's name is done by hand. */
function isRestored(line: string): boolean {
  return !/ EXTENSION - timescaledb| COMMENT - EXTENSION timescaledb| DEFAULT ACL | DATABASE /.test(line);
}

async function outputOf(program: string, args: readonly string[]): Promise<string> {
  const chunks: Buffer[] = [];
  const to = new Writable({
    write: (chunk, _encoding, done) => {
      chunks.push(chunk);
      done();
    },
  });
  await runProgram(program, args, { url: null, to });
  return Buffer.concat(chunks).toString('utf8');
}

async function makeRoles(client: pg.ClientBase): Promise<void> {
  const { rows } = await client.query<{ rolname: string }>(
    'select rolname from pg_catalog.pg_roles where rolname = any ($1)',
    [ROLES],
  );
  const known = new Set(rows.map((row) => row.rolname));
  for (const role of ROLES.filter((each) => !known.has(each))) {
    const member = READERS.includes(role) ? ' in role grafana_reader' : '';
    await client.query(`create role ${role} nologin${member}`);
  }
  const { rows: own } = await client.query<{ rolsuper: boolean }>(
    'select rolsuper from pg_catalog.pg_roles where rolname = current_user',
  );
  if (own[0]?.rolsuper) return;
  await client.query('grant ingest_writer, job_runner, grafana_reader, backup to current_user');
}

async function prepareTimescale(client: pg.ClientBase): Promise<void> {
  const { rows } = await client.query<{ is_there: boolean }>(
    `select exists (select from pg_available_extensions where name = 'timescaledb')
       and current_setting('shared_preload_libraries') like '%timescaledb%' as is_there`,
  );
  if (rows[0]?.is_there !== true) {
    throw new Failure('this backup is of TimescaleDB, and this server has not loaded it', {
      hint: 'Restore into a server with the same TimescaleDB, such as the one of docker-compose.yml.',
    });
  }
  await client.query('create extension if not exists timescaledb');
  await client.query('select timescaledb_pre_restore()');
}

async function checkTimescale(client: pg.ClientBase): Promise<void> {
  const { rows } = await client.query<{ theirs: string; ours: string }>(
    `select m.value as theirs, e.extversion as ours
     from _timescaledb_catalog.metadata m, pg_extension e
     where m.key = 'timescaledb_version' and e.extname = 'timescaledb'`,
  );
  const [row] = rows;
  if (row === undefined || row.theirs === row.ours) return;
  throw new Failure(`the backup is of TimescaleDB ${row.theirs}, this server has ${row.ours}`, {
    hint: `Restore into a server with ${row.theirs}, then update it there.`,
  });
}

/** Time zone, JIT and grants of the database itself, under the name of this one. */
async function restoreSettings(client: pg.ClientBase, script: string): Promise<void> {
  const { rows } = await client.query<{ name: string }>('select current_database() as name');
  const here = pg.escapeIdentifier(rows[0]?.name ?? '');
  for (const line of script.split('\n')) {
    const setting = /^ALTER DATABASE ("[^"]+"|\S+) SET (.+);$/.exec(line);
    if (setting !== null && !line.includes('timescaledb.restoring')) {
      await client.query(`alter database ${here} set ${setting[2]}`);
    }
    const grant = /^(GRANT|REVOKE) (.+) ON DATABASE ("[^"]+"|\S+) (TO|FROM) (\S+);$/.exec(line);
    const [, verb, what, , way, role = ''] = grant ?? [];
    if (grant !== null && (role === 'PUBLIC' || ROLES.includes(role))) {
      await client.query(`${verb} ${what} on database ${here} ${way} ${role}`);
    }
  }
  await client.query('alter default privileges revoke execute on functions from public');
}
