// A copy of the tree in which bugs are planted: the sources are copied, what is installed is lent.
import { spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { projectPath } from '../../core/root.ts';
import type { Bug } from './bugs.ts';

export interface Tree {
  readonly root: string;
  /** Plants the bug; throws where it does not apply, or not once. Returns how to take it out. */
  plant(bug: Bug): () => void;
  /** For tests that start processes. */
  compile(): void;
  remove(): void;
}

/** Copies what git knows, or would. */
export function copyTree(): Tree {
  const root = mkdtempSync(join(tmpdir(), 'strikebase-sabotage-'));
  const { stdout, status } = spawnSync('git', ['ls-files', '-co', '--exclude-standard', '-z'], {
    ...{ cwd: projectPath(), encoding: 'utf8', maxBuffer: 64 << 20 },
  });
  if (status !== 0) throw new Error('the tree to copy is no git work tree');
  for (const file of stdout.split('\0')) {
    if (file === '' || !existsSync(projectPath(file))) continue;
    mkdirSync(dirname(join(root, file)), { recursive: true });
    cpSync(projectPath(file), join(root, file));
  }
  for (const name of ['node_modules']) symlinkSync(projectPath(name), join(root, name));
  return {
    root,
    plant: (bug) => plant(root, bug),
    compile: () => compile(root),
    remove: () => rmSync(root, { recursive: true, force: true }),
  };
}

function plant(root: string, { name, file, find, replace, needsBuild = false }: Bug): () => void {
  const path = join(root, file);
  const sound = readFileSync(path, 'utf8');
  const times = sound.split(find).length - 1;
  if (times !== 1) throw new Error(`"${name}" does not apply: ${file} has what it replaces ${times} times`);
  writeFileSync(
    path,
    sound.replace(find, () => replace),
  );
  if (needsBuild) compileWith(root, file);
  return () => writeFileSync(path, sound);
}

/** What the compiler lets pass and no process can load would be noticed by every test, and prove nothing. */
function compileWith(root: string, file: string): void {
  compile(root);
  const compiled = join(root, 'dist', file.replace(/\.ts$/, '.js'));
  const { status, stderr } = spawnSync(process.execPath, ['--check', compiled], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`the sabotaged ${file} does not load: ${stderr}`);
}

function compile(root: string): void {
  const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  const args = ['-p', join(root, 'tsconfig.build.json'), '--noCheck'];
  const { status, stdout } = spawnSync(process.execPath, [tsc, ...args], { cwd: root, encoding: 'utf8' });
  if (status !== 0) throw new Error(`the sabotaged tree does not compile: ${stdout}`);
}
