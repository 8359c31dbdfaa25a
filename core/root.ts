// Where the project's own files (SQL, fixtures, examples) are, from the sources as well as from dist/.
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

function findRoot(from: string): string {
  if (existsSync(join(from, 'package.json'))) return from;
  const parent = dirname(from);
  if (parent === from) throw new Error('package.json of strikebase not found above its own files');
  return findRoot(parent);
}

/** Absolute path of the project's root folder. */
export const projectRoot: string = findRoot(dirname(fileURLToPath(import.meta.url)));

/** Absolute path of a file of the project, given in segments from its root. */
export function projectPath(...segments: readonly string[]): string {
  return join(projectRoot, ...segments);
}
