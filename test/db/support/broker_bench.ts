// What the tests of orders at a broker share: a put sold at 1.00 at 10:05, entered or held, and questions about what became of it.
import { expect } from 'vitest';
import type { Bench } from './connections.ts';
import { type Desk, type DeskOptions, openDesk, ordersOf, slotsOf } from './desk.ts';
import type { Answer } from './desk_jobs.ts';
import { createScenario, type QuoteSpec, type ScenarioOptions } from './scenario.ts';

/** The quote at which it is sold. */
export const PUT: QuoteSpec = ['P600', '10:05', 1.0, 1.02];

export type Cased = Partial<ScenarioOptions & DeskOptions>;

export interface BrokerBench {
  desk(options?: Cased): Promise<Desk>;
  /** A desk whose entry was sent and answered at 10:05:01. */
  entering(options?: Cased, answer?: Answer): Promise<Desk>;
  /** A desk that holds 25 contracts sold at 1.00, protected, at 10:05:03; its run stands at 10:05:02.1. */
  holding(options?: Cased): Promise<Desk>;
  orders(of: Desk): Promise<string[]>;
  /** Since when each slot's position was decided. */
  slots(of: Desk): Promise<(string | null)[]>;
  /** Id of the last order of a purpose. */
  intentOf(of: Desk, purpose: string): Promise<number>;
  /** Reason of the entry decision of a period. */
  reasonAt(of: Desk, time: string): Promise<string | undefined>;
  /** `reason at ask` of the exit decisions. */
  exits(of: Desk): Promise<string[]>;
  one<T>(sql: string, values: readonly unknown[]): Promise<T | undefined>;
}

/** The cases of a bench; every desk has an account and a market of its own. */
export function brokerBench(bench: Bench): BrokerBench {
  const one = async <T>(sql: string, values: readonly unknown[]): Promise<T | undefined> =>
    (await bench.owner().query<{ value: T }>(sql, [...values])).rows[0]?.value;
  const desk = async (options: Cased = {}): Promise<Desk> => {
    const scenario = await createScenario(bench.owner(), {
      ...{ sides: { '10:05': 1 }, until: '10:20', quotes: [PUT] },
      ...options,
    });
    return openDesk(scenario, { client: bench.runner(), ...options });
  };
  const entering = async (options: Cased = {}, answer: Answer = 'accepted'): Promise<Desk> => {
    const made = await desk(options);
    await made.to('10:05:01');
    expect(await made.work('10:05:01', answer)).toEqual(['send entry 25']);
    return made;
  };
  const holding = async (options: Cased = {}): Promise<Desk> => {
    const made = await entering(options);
    made.fill('entry', 25, 1.0, '10:05:01');
    await made.report('10:05:02');
    await made.to('10:05:02.1');
    expect(await made.work('10:05:02.2')).toEqual(['send protect 25']);
    await made.report('10:05:03');
    return made;
  };
  return {
    ...{ desk, entering, holding, one },
    orders: (of) => ordersOf(bench.owner(), of),
    slots: (of) => slotsOf(bench.owner(), of),
    intentOf: async (of, purpose) =>
      (await one<number>(
        `select max(i.intent_id) as value from trade.order_intents i join trade.runs r using (run_id)
         where r.account = $1 and i.purpose = $2`,
        [of.account, purpose],
      )) as number,
    reasonAt: (of, time) =>
      one("select reason as value from trade.decisions where run_id = $1 and ts = $2 and kind = 'entry'", [
        of.run().id,
        of.at(time),
      ]),
    exits: async (of) =>
      (await one<string[]>(
        `select coalesce(array_agg(d.reason || coalesce(to_char(d.trigger_px_e4 / 10000.0, '" at "FM990.00'), '') order by d.decision_id), '{}') as value
         from trade.decisions d join trade.runs r using (run_id) where r.account = $1 and d.kind = 'exit'`,
        [of.account],
      )) as string[],
  };
}
