// What a pass reads at the broker: counted, and with whatever could not be read noted instead of ending the pass.
import type { EasternUs } from '../../core/eastern_time.ts';
import { errorText } from '../../core/failure.ts';
import type { Broker, BrokerPosition, OrderReport, Priority } from '../brokers/broker.ts';
import type { ReadBudget } from './read_budget.ts';

export interface BrokerReads {
  /** `missing` where the broker knows no such order; null where it could not be asked. */
  order(venueOrderId: string, priority: Priority): Promise<OrderReport | 'missing' | null>;
  /** Null where it could not be asked. */
  ordersSince(from: EasternUs): Promise<readonly OrderReport[] | null>;
  positions(): Promise<readonly BrokerPosition[] | null>;
  /** What could not be read so far. */
  readonly problems: readonly string[];
}

export interface ReadBudgets {
  readonly budget: ReadBudget;
  /** Where that is spent, what an exit waits for is read on this one, which nothing else touches. */
  readonly exitBudget: ReadBudget;
}

/** The reads of one pass. */
export function brokerReads(broker: Broker, { budget, exitBudget }: ReadBudgets): BrokerReads {
  const problems: string[] = [];
  const attempt = async <T>(read: () => Promise<T>, from = budget): Promise<T | null> => {
    from.spend();
    try {
      return await read();
    } catch (error) {
      problems.push(errorText(error));
      return null;
    }
  };
  return {
    order: (id, priority) =>
      attempt(
        async () => {
          const report = await broker.order(id, priority);
          return report === null ? 'missing' : once(report);
        },
        priority === 'exit' && budget.waitMs() > 0 ? exitBudget : budget,
      ),
    ordersSince: (from) =>
      attempt(async () => {
        const reports = await broker.ordersSince(from);
        // Of an order that is listed twice the later line stands.
        return [...new Map(reports.map((report) => [report.venueOrderId, once(report)])).values()];
      }),
    positions: () => attempt(() => broker.positions()),
    problems,
  };
}

/** A message that comes twice is one message: an execution that is told again with the same figures counts once. */
function once(report: OrderReport): OrderReport {
  const fills = new Map(
    report.fills.map((fill) => [
      [fill.executionId, fill.legNo, fill.ts, fill.qty, fill.px_e4].join(' '),
      fill,
    ]),
  );
  return fills.size === report.fills.length ? report : { ...report, fills: [...fills.values()] };
}
