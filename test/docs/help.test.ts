// Every subcommand there is: its help ends with an example, and the README names it.
import { readdirSync, readFileSync } from 'node:fs';
import { beforeAll, expect, it } from 'vitest';
import { projectPath } from '../../core/root.ts';
import { runCli } from '../cli/capture.ts';

interface Help {
  readonly words: readonly string[];
  readonly text: string;
  readonly commands: readonly string[];
}

const helps: Help[] = [];

async function walk(words: readonly string[]): Promise<void> {
  const { code, stdout, stderr } = await runCli(...words, '--help');
  expect({ words, code, stderr }).toEqual({ words, code: 0, stderr: '' });
  const list = /^Commands:\n((?: {2}.*\n)+)/m.exec(stdout)?.[1] ?? '';
  const commands = [...list.matchAll(/^ {2}(\S+)/gm)]
    .map(([, name = '']) => name)
    .filter((name) => name !== 'help');
  helps.push({ words, text: stdout, commands });
  for (const name of commands) await walk([...words, name]);
}

beforeAll(() => walk([]), 60_000);

it('is long: the walk has found what there is', () => {
  expect(helps.length).toBeGreaterThan(40);
  expect(helps.map(({ words }) => words.join(' '))).toEqual(
    expect.arrayContaining(['doctor', 'import massive', 'orders submit']),
  );
});

it('ends with an example that names the command', () => {
  const without = helps.filter(({ words, text }) => {
    const examples = /\nExamples?:\n((?: {2}\$ strikebase .*\n)+)\s*$/.exec(text)?.[1] ?? '';
    return !examples.includes(`strikebase ${words.join(' ')}`.trim());
  });
  expect(without.map(({ words }) => words.join(' '))).toEqual([]);
});

it('says in examples only what the command takes', () => {
  const wrong = helps.flatMap(({ words, text }) =>
    [...text.matchAll(/^ {2}\$ strikebase (.*)$/gm)].flatMap(([, line = '']) => {
      if (words.length === 0 || !line.startsWith(words.join(' '))) return [];
      const options = [...line.replaceAll(/"[^"]*"/g, '').matchAll(/(?:^| )(--[a-z-]+)/g)].map(
        ([, name = '']) => name,
      );
      // A group's example names an option of its subcommand.
      const all = helps.filter((each) => line.startsWith(each.words.join(' '))).map((each) => each.text);
      return options
        .filter((name) => !all.some((help) => help.includes(name)))
        .map((name) => `${line}: ${name}`);
    }),
  );
  expect(wrong).toEqual([]);
});

it('fits eighty columns', () => {
  const long = helps.flatMap(({ words, text }) =>
    text
      .split('\n')
      .filter((line) => line.length > 80 && !line.includes('$ strikebase'))
      .map((line) => `${words.join(' ')}: ${line}`),
  );
  expect(long).toEqual([]);
});

it('is in the README, every command of it', () => {
  const readme = readFileSync(projectPath('README.md'), 'utf8');
  const top = helps[0]?.commands ?? [];
  expect(top.filter((name) => !readme.includes(`\`${name}`))).toEqual([]);
});

it('is kept to by every command line in the README and in docs/', () => {
  const files = ['README.md', ...readdirSync(projectPath('docs')).map((name) => `docs/${name}`)].filter(
    (name) => name.endsWith('.md'),
  );
  const wrong = files.flatMap((file) =>
    [...readFileSync(projectPath(file), 'utf8').matchAll(/npx strikebase ([a-z][^`\n]*)/g)].flatMap(
      ([, line = '']) => {
        const words = line.replaceAll(/"[^"]*"|#.*$/g, '').split(/\s+/);
        const depth = [3, 2, 1].find((n) =>
          helps.some((help) => help.words.join(' ') === words.slice(0, n).join(' ')),
        );
        const help = helps.find((each) => each.words.join(' ') === words.slice(0, depth ?? 0).join(' '));
        if (depth === undefined || help === undefined) return [`${file}: ${line}`];
        const options = words.filter((word) => /^--[a-z-]+$/.test(word));
        return options
          .filter((name) => !help.text.includes(`${name} `) && !help.text.includes(`${name}\n`))
          .map((name) => `${file}: ${line}: ${name}`);
      },
    ),
  );
  expect(wrong).toEqual([]);
});
