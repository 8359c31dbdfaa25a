// Folders and servers for the tests of the built-in database, all gone at the end of each test.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, afterEach } from 'vitest';
import { inspect, stopServer } from '../../db/embedded/postmaster.ts';
import { type EmbeddedServer, startEmbedded } from '../../db/embedded.ts';

/** Away from the default port, so that a database which the developer uses keeps its own. */
export const TEST_PORT = 56_329;

const folders: string[] = [];
const servers: EmbeddedServer[] = [];

/** A new folder with mode 0700, as `mktemp -d` makes it. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'strikebase-embedded-'));
  folders.push(folder);
  return folder;
}

let prepared: string | null = null;

/** A folder with a database that was made and shut down: a copy, because making one takes longer. */
export async function folderWithDatabase(): Promise<string> {
  if (prepared === null) {
    prepared = mkdtempSync(join(tmpdir(), 'strikebase-embedded-'));
    await (await startEmbedded({ dir: prepared, port: TEST_PORT })).stop();
  }
  const folder = temporaryFolder();
  execFileSync('cp', ['-a', `${prepared}/.`, folder]);
  return folder;
}

/** Registers a folder that the code under test made elsewhere. */
export function removeAfterwards(folder: string): void {
  folders.push(folder);
}

/** Starts or attaches as the command line does, and keeps what the user would be told. */
export async function start(
  dir: string,
  port: number = TEST_PORT,
): Promise<EmbeddedServer & { notices: string[] }> {
  const notices: string[] = [];
  const server = await startEmbedded({ dir, port, onNotice: (text) => notices.push(text) });
  servers.push(server);
  return { ...server, notices };
}

/** The first columns of the rows. Fails when the connection is lost; what comes in afterwards is of no interest. */
export async function query(url: string, sql: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => {});
  await client.connect();
  try {
    return (await client.query({ text: sql, rowMode: 'array' })).rows.flat();
  } finally {
    await client.end();
  }
}

/** Process id of the live server of a data directory. */
export function serverPid(dataDir: string): number {
  const { live } = inspect(dataDir);
  if (live === null) throw new Error(`no server runs on ${dataDir}`);
  return live.pid;
}

/** Call once at the top of a test file. */
export function cleanUpAfterEach(): void {
  afterEach(async () => {
    for (const server of servers.splice(0)) {
      await server.stop();
      await stopServer(server.dataDir);
    }
    for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
  });
  afterAll(() => {
    if (prepared !== null) rmSync(prepared, { recursive: true, force: true });
    prepared = null;
  });
}
