// Entry decisions in tests: made by a session that crosses upwards at 10:05 with a put to sell, judged gate by gate.
import { expect } from 'vitest';
import type { Bench } from './connections.ts';
import type { EntryDecision } from './runs.ts';
import { createScenario, type QuoteSpec, type Scenario, type ScenarioOptions } from './scenario.ts';

/** A quote at which every gate passes. */
export const PUT: QuoteSpec = ['P600', '10:05', 1.0, 1.02];

const GATES = [
  'window_ok',
  'halt_ok',
  'cooldown_ok',
  'slots_ok',
  'quote_ok',
  'capital_ok',
  'day_pl_ok',
  'orders_ok',
];

export interface Asked extends Partial<ScenarioOptions> {
  readonly settings?: Readonly<Record<string, unknown>>;
  /** Of the decision; default 10:05. */
  readonly at?: string;
}

export interface Judge {
  scenario(options: Asked): Promise<Scenario>;
  /** The entry decision of a backtest over the scenario. */
  judged(options?: Asked): Promise<EntryDecision>;
}

export function createJudge(bench: Bench): Judge {
  const scenario = (options: Asked): Promise<Scenario> =>
    createScenario(bench.owner(), { sides: { '10:05': 1 }, quotes: [PUT], ...options });
  const judged = async (options: Asked = {}): Promise<EntryDecision> => {
    const { at = '10:05', settings = {} } = options;
    const made = await scenario(options);
    const run = await made.open(bench.runner(), { settings });
    await run.to(at);
    return run.entry(at);
  };
  return { scenario, judged };
}

/** Matches a decision that one gate alone has stopped. */
export function stoppedBy(
  gate: string,
  reason: string,
  values: Readonly<Record<string, unknown>> = {},
): unknown {
  const verdicts = Object.fromEntries(GATES.map((name) => [name, name !== gate]));
  return expect.objectContaining({ kind: 'entry', verdict: 'SKIP', reason, ...verdicts, ...values });
}

/** Matches a decision to trade, which every gate has let pass. */
export const traded: unknown = expect.objectContaining({
  verdict: 'TRADE',
  ...Object.fromEntries(GATES.map((gate) => [gate, true])),
});
