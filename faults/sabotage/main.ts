// Plants one bug after another: a suite that does not notice one of them proves less than it seems to.
import { type Ended, runTests } from '../run_tests.ts';
import { BUGS, type Bug } from './bugs.ts';
import { copyTree, type Tree } from './tree.ts';

interface Caught {
  readonly bug: Bug;
  /** Null where nobody noticed. */
  readonly by: string | null;
}

const SEEDS = '120';

/** True if every bug was caught by the invariant that it breaks. */
export async function runSabotage({
  only,
}: {
  readonly only: readonly string[] | undefined;
}): Promise<boolean> {
  const bugs = BUGS.filter(({ name }) => only === undefined || only.some((word) => name.includes(word)));
  const tree = copyTree();
  const caught: Caught[] = [];
  try {
    await checkSound(tree, bugs);
    for (const bug of bugs) {
      const by = await tryBug(tree, bug);
      caught.push({ bug, by });
      process.stderr.write(`${by === null ? 'MISSED' : 'caught'}  ${bug.name}\n`);
    }
  } finally {
    tree.remove();
  }
  process.stdout.write(`${tableOf(caught)}\n`);
  const missed = caught.filter(({ by }) => by === null).length;
  process.stdout.write(`sabotage ${caught.length} bugs planted, ${caught.length - missed} caught\n`);
  return missed === 0;
}

/** A test that fails by itself would catch anything. */
async function checkSound(tree: Tree, bugs: readonly Bug[]): Promise<void> {
  if (bugs.some(({ needsBuild }) => needsBuild)) tree.compile();
  const ended = await runTests({
    ...{ files: [...new Set(bugs.map(({ test }) => `${test.file}.test.ts`))], root: tree.root },
    title: new RegExp(bugs.map(({ test }) => `(?:${test.title.source})`).join('|')),
    env: { STRIKEBASE_ORDER_SEEDS: SEEDS },
  });
  const failed = ended
    .filter(({ state }) => state === 'failed')
    .map(({ file, title }) => `${file}: ${title}`);
  if (failed.length > 0) throw new Error(`the sound tree fails already: ${failed.join('; ')}`);
}

async function tryBug(tree: Tree, bug: Bug): Promise<string | null> {
  const remove = tree.plant(bug);
  try {
    const ended = await runTests({
      ...{ files: [`${bug.test.file}.test.ts`], title: bug.test.title, root: tree.root },
      env: { STRIKEBASE_ORDER_SEEDS: SEEDS },
    });
    return catcherOf(bug, ended);
  } finally {
    remove();
  }
}

/** What noticed it: an invariant that a failure names, or the test that failed. */
function catcherOf({ test, invariant }: Bug, ended: readonly Ended[]): string | null {
  const failed = ended.find(({ state, title }) => state === 'failed' && title !== `${test.file}.test.ts`);
  if (failed === undefined) return null;
  if (!test.file.endsWith('/seeds')) return `${invariant} (${test.file})`;
  const named = [...(failed.message ?? '').matchAll(/Violation: ([^:]+):/g)].map((match) => match[1] ?? '');
  const expected = named.find((each) => invariant.split('|').includes(each));
  return expected === undefined ? null : `${expected} (${test.file})`;
}

function tableOf(caught: readonly Caught[]): string {
  const width = Math.max(3, ...caught.map(({ bug }) => bug.name.length));
  const lines = caught.map(({ bug, by }) => `${bug.name.padEnd(width)}  ${by ?? 'NOBODY'}`);
  return [`${'bug'.padEnd(width)}  caught by`, ...lines].join('\n');
}
