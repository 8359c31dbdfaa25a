// Ends a run with plain lines: engines covered, what was skipped and why, and the counts as the very last line.
import type { Reporter, TestCase, TestModule, TestProject } from 'vitest/node';
import type { TestServer } from './global_setup.ts';

interface Counts {
  passed: number;
  failed: number;
  skipped: number;
}

// These play rules and orders in steps of their own: a test that fails once has found a defect, however seldom it shows.
const IS_DETERMINISTIC =
  /^test\/(core|faults|jobs\/orders|db\/rules|db\/orders\/(seeds|interleavings|regressions))\b/;

function isFlaky(test: TestCase): boolean {
  return test.diagnostic()?.flaky ?? false;
}

function outcomeOf(test: TestCase): keyof Counts {
  const { state } = test.result();
  if (isFlaky(test) && IS_DETERMINISTIC.test(test.module.relativeModuleId)) return 'failed';
  return state === 'passed' || state === 'failed' ? state : 'skipped';
}

// A file that cannot be loaded, or a hook that throws, fails without any failed test.
function failuresOutsideTests(module: TestModule): number {
  const hasFailedTest = [...module.children.allTests('failed')].length > 0;
  return module.state() === 'failed' && !hasFailedTest ? 1 : 0;
}

function groupOf(test: TestCase): string {
  const result = test.result();
  const note = result.state === 'skipped' ? result.note : undefined;
  if (note !== undefined) return note;
  const suite = test.parent.type === 'suite' ? ` > ${test.parent.fullName}` : '';
  return `${test.module.relativeModuleId}${suite}`;
}

function nameOf(test: TestCase): string {
  const first = test.result().errors?.[0]?.message.split('\n', 1)[0] ?? 'no message';
  return `${test.project.name} ${test.module.relativeModuleId} > ${test.fullName} (${first})`;
}

function serverOf(project: TestProject): TestServer | undefined {
  return project.getProvidedContext().testServer;
}

/** `leftOut` says why an engine is not among the projects. */
export class SummaryReporter implements Reporter {
  readonly #leftOut: string | null;

  constructor(leftOut: string | null) {
    this.#leftOut = leftOut;
  }

  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly unknown[]): void {
    const counts: Counts = { passed: 0, failed: unhandledErrors.length, skipped: 0 };
    const groups = new Map<string, number>();
    const flaky: string[] = [];
    for (const module of modules) {
      counts.failed += failuresOutsideTests(module);
      for (const test of module.children.allTests()) {
        const outcome = outcomeOf(test);
        counts[outcome] += 1;
        if (isFlaky(test)) flaky.push(`${outcome} (its second try passed): ${nameOf(test)}`);
        if (outcome === 'skipped') groups.set(groupOf(test), (groups.get(groupOf(test)) ?? 0) + 1);
      }
    }
    const skipped = [...groups].map(([group, count]) => `skipped ${count}: ${group}`);
    if (counts.failed > 0) process.exitCode = 1;
    const total = `${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`;
    process.stdout.write(`${[this.#engineLine(modules), ...skipped, ...flaky, total].join('\n')}\n`);
  }

  #engineLine(modules: readonly TestModule[]): string {
    const servers = [...new Set(modules.map((module) => module.project))].flatMap((p) => serverOf(p) ?? []);
    const covered = servers.map(({ engine, version }) => `${engine} (${version})`);
    if (covered.length === 0) return 'engines: none (no database tests in this run)';
    const only = covered.length === 1 ? ' only' : '';
    const reason = covered.length > 1 ? '' : `; ${this.#leftOut ?? 'the run was limited to it'}`;
    return `engines: ${covered.join(', ')}${only}${reason}`;
  }
}
