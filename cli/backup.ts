// strikebase backup: the whole database in one file, written whole or not at all.
import { createWriteStream, linkSync, openSync, rmSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { PassThrough } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { Command, Option } from 'commander';
import { Failure } from '../core/failure.ts';
import { dumpDatabase } from '../db/backup/dump.ts';
import { dumpRows } from '../db/backup/rows.ts';
import { type Database, withDatabase } from './database.ts';
import { interrupt } from './interrupt.ts';
import { withDb, withExamples } from './options.ts';
import { note, print, showProgress } from './terminal.ts';

type BackupFormat = 'dump' | 'rows';

interface BackupOptions {
  readonly out: string;
  readonly format?: BackupFormat;
  readonly db?: string;
}

/** The subcommand. */
export function backupCommand(): Command {
  const command = new Command('backup')
    .description(
      'Writes the whole database into one file, as of one instant, while everything goes on. A server is dumped by pg_dump, which ' +
        'must not be older than it; the embedded database, which comes without pg_dump, row by row. `strikebase restore` takes both.',
    )
    .requiredOption('--out <file>', 'file to write; it must not be there yet')
    .addOption(
      new Option(
        '--format <format>',
        'dump (of a server: rows, schema, policies) or rows (alone, for any engine; default of the embedded database)',
      ).choices(['dump', 'rows']),
    );
  return withExamples(
    withDb(command),
    'backup --out 2026-11-21.backup',
    'backup --out move.backup --format rows',
  ).action((options: BackupOptions) => withDatabase(options, (database) => backup(database, options)));
}

async function backup(database: Database, { out, format }: BackupOptions): Promise<void> {
  const began = performance.now();
  const path = resolve(out);
  const chosen = format ?? (database.isEmbedded ? 'rows' : 'dump');
  if (await stat(path).catch(() => null)) throw refused(path);
  const part = `${path}.part`;
  const file = openPart(part);
  try {
    await writeBackup(database, chosen, createWriteStream(part, { fd: file, flush: true }));
    publish(part, path);
  } finally {
    rmSync(part, { force: true });
  }
  const { size } = await stat(path);
  const seconds = (performance.now() - began) / 1000;
  print(`${out}: ${(size / 1e6).toFixed(1)} MB of ${database.label} in ${seconds.toFixed(1)} s\n`);
}

function openPart(part: string): number {
  try {
    // Positions, accounts, strategies: nobody else's business.
    return openSync(part, 'wx', 0o600);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new Failure(`${part} cannot be made (${code})`, {
      hint:
        code === 'EEXIST'
          ? 'Another backup is writing it; if none is, delete it.'
          : 'Is there such a folder, and may you write there?',
      cause: error,
    });
  }
}

async function writeBackup(
  database: Database,
  format: BackupFormat,
  file: ReturnType<typeof createWriteStream>,
): Promise<void> {
  const client = await database.connect('owner');
  const signal = interrupt();
  const progress = showProgress('backup', 1);
  const shown = { last: progress };
  const onStep = (done: number, total: number, detail: string): void => {
    if (shown.last === progress) shown.last = showProgress('backup', total);
    shown.last.update(done, detail);
  };
  try {
    if (format === 'dump') {
      await dumpDatabase(client, { url: database.url, to: file, onStep, signal });
      return;
    }
    note('rows alone are written: restoring makes the schema by this version of strikebase');
    const to = new PassThrough();
    const dumped = dumpRows(client, { to, onStep, signal }).then(
      () => void to.end(),
      (error) => void to.destroy(error),
    );
    await Promise.all([pipeline(to, createGzip({ level: 4 }), file), dumped]);
  } finally {
    shown.last.end();
  }
}

/** Gives the finished file its name, unless another took it meanwhile. */
function publish(part: string, path: string): void {
  try {
    linkSync(part, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') throw refused(path);
    throw error;
  }
}

function refused(path: string): Failure {
  return new Failure(`${path} is there already; a backup overwrites nothing`, {
    hint: 'Choose another name, or move that file away.',
  });
}
