// A put sold at 1.00 at 10:05, and what its run does after that.
import { expect } from 'vitest';
import type { Bench } from './connections.ts';
import { createScenario, type QuoteSpec, type ScenarioOptions } from './scenario.ts';

const ENTERED = [
  '10:05:00 entry cross_up P600 at 1.00',
  '10:05:00 entry#1 sell 25 P600 1.00',
  '10:05:00 sold 25 P600 at 1.00',
];

/** The quote at which it is sold. */
export const ENTRY: QuoteSpec = ['P600', '10:05', 1.0, 1.02];

export interface Told extends Partial<ScenarioOptions> {
  readonly settings?: Readonly<Record<string, unknown>>;
  /** Where the run goes; default 10:20. */
  readonly to?: string;
}

/** The story that follows its entry. */
export async function storyAfterEntry(
  bench: Bench,
  quotes: readonly QuoteSpec[],
  options: Told = {},
): Promise<string[]> {
  const { settings = {}, to = '10:20', ...rest } = options;
  const sides = { '10:05': 1, ...options.sides } as const;
  const scenario = await createScenario(bench.owner(), {
    until: '10:20',
    ...rest,
    sides,
    quotes: [ENTRY, ...quotes],
  });
  const run = await scenario.open(bench.runner(), { settings });
  await run.to(to);
  const story = await run.story();
  expect(story.slice(0, 3)).toEqual(ENTERED);
  return story.slice(3);
}

/** The lines of an exit that fills at once, at the ask that it saw. */
export function exitAt(time: string, reason: string, ask: string): string[] {
  return [
    `${time} exit ${reason} P600 at ${ask}`,
    `${time} exit#1 buy 25 P600 ${ask}`,
    `${time} bought 25 P600 at ${ask}`,
  ];
}
