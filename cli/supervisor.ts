// A tree of processes on one machine: each is started, started again when it dies, and told to end when we are.
import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import type { Clock } from '../core/clock.ts';
import { Failure } from '../core/failure.ts';
import { projectPath } from '../core/root.ts';

export interface ChildSpec {
  /** As the operator knows it, e.g. `ingest-equities`. */
  readonly name: string;
  /** The command line after `strikebase`. Never a secret: everybody on the machine can read it. */
  readonly args: readonly string[];
  /** True for one without which the others do their work all the same. */
  readonly isAside?: true;
}

export interface ChildState {
  readonly name: string;
  readonly isAside: boolean;
  /** Null while it does not run. */
  readonly pid: number | null;
  readonly restarts: number;
  /** How it ended last; null if it never has. */
  readonly ended: string | null;
}

export interface SupervisorOptions {
  readonly children: readonly ChildSpec[];
  /** Secrets travel here. */
  readonly environment: NodeJS.ProcessEnv;
  readonly clock: Clock;
  /** Ends all of them. */
  readonly signal: AbortSignal;
  /** A line that a child wrote. */
  readonly onLine: (name: string, line: string) => void;
  /** A child was started, or has ended. */
  readonly onChange: (states: readonly ChildState[]) => void;
}

const FIRST_PAUSE_MS = 250;
const MAX_PAUSE_MS = 10_000;
// What lived so long did not die of its start.
const STABLE_MS = 20_000;
// The submitter waits four seconds for answers, and has one to record them.
const DRAIN_MS = 4800;
const WRONG_USE = 2;

interface Child {
  readonly spec: ChildSpec;
  process: ChildProcess | null;
  restarts: number;
  ended: string | null;
}

interface Tree extends SupervisorOptions {
  readonly members: readonly Child[];
  /** Aborted when all are to end: as we were told to, or because one cannot run at all. */
  readonly ending: AbortController;
}

/**
 * Keeps the children running until the signal is aborted; resolves when all have ended. Throws a Failure when one was told
 * something wrong (it ends with 2): starting it again would help nobody.
 */
export async function supervise(options: SupervisorOptions): Promise<void> {
  const { signal } = options;
  const ending = new AbortController();
  const end = (): void => ending.abort();
  if (signal.aborted) return;
  signal.addEventListener('abort', end, { once: true });
  const members = options.children.map((spec) => ({ spec, process: null, restarts: 0, ended: null }));
  const tree: Tree = { ...options, members, ending };
  const results = await Promise.allSettled(members.map((child) => keep(child, tree).finally(end)));
  signal.removeEventListener('abort', end);
  for (const result of results) if (result.status === 'rejected') throw result.reason;
}

/** Pause before the next start of a child that has lived for `livedMs`. */
export function pauseAfter(livedMs: number, lastPauseMs: number): number {
  // One that dies by accident is needed at once; one that cannot live must not eat the machine.
  if (livedMs >= STABLE_MS) return 0;
  return Math.min(MAX_PAUSE_MS, Math.max(FIRST_PAUSE_MS, 2 * lastPauseMs));
}

async function keep(child: Child, tree: Tree): Promise<void> {
  const { clock, ending } = tree;
  const { name } = child.spec;
  let pauseMs = 0;
  let lastWords = '';
  while (!ending.signal.aborted) {
    const began = performance.now();
    const end = await runOnce(child, tree, (line) => {
      lastWords = /^error: (.*)/.exec(line)?.[1] ?? lastWords;
    });
    child.ended = end.text;
    change(tree);
    if (ending.signal.aborted) return;
    if (end.code === WRONG_USE && child.spec.isAside !== true)
      throw new Failure(`${name} cannot run: ${lastWords}`, { exitCode: 2 });
    pauseMs = pauseAfter(performance.now() - began, pauseMs);
    const when = pauseMs === 0 ? 'again' : `again in ${pauseMs / 1000} s`;
    tree.onLine('supervisor', `${name} ${end.text}; it is started ${when}`);
    await clock.sleep(pauseMs, ending.signal);
    child.restarts += 1;
  }
}

interface End {
  readonly code: number | null;
  readonly text: string;
}

function runOnce(child: Child, tree: Tree, onLine: (line: string) => void): Promise<End> {
  const { spec } = child;
  const started = spawn(process.execPath, [projectPath('dist', 'cli', 'supervised.js'), ...spec.args], {
    env: tree.environment,
    // Ctrl-C on a terminal goes to us alone: a second signal would make a child drop what it is doing.
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  child.process = started;
  change(tree);
  const tell = (line: string): void => {
    onLine(line);
    tree.onLine(spec.name, line);
  };
  for (const stream of [started.stdout, started.stderr]) readLines(stream as Readable, tell);
  const over = new AbortController();
  const stop = (): void => void drain(started, tree.clock, over.signal);
  if (tree.ending.signal.aborted) stop();
  else tree.ending.signal.addEventListener('abort', stop, { once: true });
  return new Promise((resolve) => {
    const finish = (end: End): void => {
      over.abort();
      tree.ending.signal.removeEventListener('abort', stop);
      child.process = null;
      resolve(end);
    };
    started.on('error', (error) => finish({ code: null, text: `cannot be started: ${error.message}` }));
    started.on('close', (code, signal) => finish({ code, text: endText(code, signal) }));
  });
}

function endText(code: number | null, signal: NodeJS.Signals | null): string {
  return signal === null ? `ended with ${code}` : `was killed by ${signal}`;
}

async function drain(child: ChildProcess, clock: Clock, over: AbortSignal): Promise<void> {
  child.kill('SIGTERM');
  await clock.sleep(DRAIN_MS, over);
  if (!over.aborted) child.kill('SIGKILL');
}

function readLines(stream: Readable, onLine: (line: string) => void): void {
  createInterface({ input: stream, crlfDelay: Number.POSITIVE_INFINITY }).on('line', onLine);
}

function change({ members, onChange }: Tree): void {
  onChange(
    members.map(({ spec, process: running, restarts, ended }) => ({
      name: spec.name,
      isAside: spec.isAside === true,
      pid: running?.pid ?? null,
      restarts,
      ended,
    })),
  );
}
