// The bugs that are planted still fit the code that they are planted in: one that does not would prove nothing, and say so only when all are run.
import { existsSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { projectPath } from '../../core/root.ts';
import { BUGS } from '../../faults/sabotage/bugs.ts';

it.each(BUGS)(
  '$name: its place stands in $file once, and its test is there',
  ({ file, find, replace, test }) => {
    const text = readFileSync(projectPath(file), 'utf8');
    expect(text.split(find)).toHaveLength(2);
    expect(replace).not.toBe(find);
    expect(existsSync(projectPath('test', `${test.file}.test.ts`))).toBe(true);
  },
);
