// Runs tests of the suite and gives back how each ended, with what it noted.
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { projectPath } from '../core/root.ts';

export interface Ended {
  /** Below test/. */
  readonly file: string;
  /** `describe > test`. */
  readonly title: string;
  readonly state: 'passed' | 'failed' | 'skipped';
  readonly message: string | null;
  readonly notes: readonly Note[];
}

export interface Note {
  readonly injected?: number;
  readonly survived?: number;
  readonly duplicateOrders?: number;
  readonly lostExits?: number;
  readonly lostRows?: number;
  readonly recoveryMs?: number;
}

export interface TestRun {
  /** Below test/. */
  readonly files: readonly string[];
  readonly title: RegExp;
  readonly env?: Readonly<Record<string, string>>;
  /** The tree whose tests they are; default this one. */
  readonly root?: string;
  /** Called with what vitest prints. */
  readonly onText?: (text: string) => void;
  readonly signal?: AbortSignal;
}

interface JsonReport {
  readonly testResults: readonly {
    readonly name: string;
    readonly message: string;
    readonly status: string;
    readonly assertionResults: readonly {
      readonly ancestorTitles: readonly string[];
      readonly title: string;
      readonly status: string;
      readonly failureMessages: readonly string[] | null;
    }[];
  }[];
}

/** Runs them on the embedded engine. Throws when vitest itself did not come to an end. */
export async function runTests(run: TestRun): Promise<readonly Ended[]> {
  const folder = mkdtempSync(join(tmpdir(), 'strikebase-faults-'));
  try {
    return await runIn(folder, run);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function runIn(folder: string, run: TestRun): Promise<readonly Ended[]> {
  const root = run.root ?? projectPath();
  const [report, notes] = ['report.json', 'notes.jsonl'].map((name) => join(folder, name)) as [
    string,
    string,
  ];
  const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs');
  const args = [vitest, 'run', '--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
  const files = run.files.map((file) => `test/${file}`);
  const child = spawn(process.execPath, [...args, '--testNamePattern', run.title.source, ...files], {
    cwd: root,
    env: { ...process.env, STRIKEBASE_TEST_ENGINES: 'embedded', STRIKEBASE_FAULT_NOTES: notes, ...run.env },
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(run.signal === undefined ? {} : { signal: run.signal, killSignal: 'SIGTERM' as const }),
  });
  let printed = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk) => {
      printed = (printed + String(chunk)).slice(-20_000);
      run.onText?.(String(chunk));
    });
  await new Promise<void>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', () => resolve());
  });
  const text = textOf(report);
  if (text === null) throw new Error(`vitest has left no report:\n${printed}`);
  return endedOf(JSON.parse(text) as JsonReport, textOf(notes) ?? '', root);
}

function textOf(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null;
  }
}

function endedOf({ testResults }: JsonReport, notes: string, root: string): Ended[] {
  const noted = notes
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Note & { readonly file: string; readonly test: string });
  const below = (path: string): string => path.slice(join(root, 'test').length + 1);
  return testResults.flatMap(({ name, status, message, assertionResults }) => {
    const file = below(name);
    const ended = assertionResults.map((each): Ended => {
      const title = [...each.ancestorTitles, each.title].join(' > ');
      const state = each.status === 'passed' || each.status === 'failed' ? each.status : 'skipped';
      return {
        ...{ file, title, state, message: each.failureMessages?.join('\n') ?? null },
        notes: noted.filter((note) => below(note.file) === file && note.test === title),
      };
    });
    // A file that cannot be loaded has no test at all.
    if (status === 'failed' && !ended.some(({ state }) => state === 'failed'))
      ended.push({ file, title: file, state: 'failed', message, notes: [] });
    return ended;
  });
}
