// What the last gate before the broker finds wrong with an order.
import type { Clock } from '../../core/clock.ts';
import type { EasternUs } from '../../core/eastern_time.ts';
import { errorText } from '../../core/failure.ts';
import { isConnectionLoss } from '../../db/connection_loss.ts';
import type { LastingConnection } from '../../db/lasting_connection.ts';
import { type Ceilings, entryProblem, quantityProblem } from './ceilings.ts';
import { isFenceLost, type OrderRecords, type WorkItem } from './records.ts';
import type { SendGate } from './send_gate.ts';
import { surroundingsOf } from './surroundings.ts';

export interface Judging {
  readonly account: string;
  readonly connection: LastingConnection;
  readonly records: OrderRecords;
  readonly gate: SendGate;
  readonly ceilings: Ceilings;
  readonly clock: Clock;
  /** When this process took the account. */
  readonly since: EasternUs;
}

/** Why the order may not be sent; null if it may. What cannot be judged is not sent either, unless it is an exit. */
export async function findProblem(item: WorkItem, judging: Judging): Promise<string | null> {
  if (item.purpose !== 'entry') return quantityProblem(item, judging.ceilings);
  try {
    return await findEntryProblem(item, judging);
  } catch (error) {
    if (isFenceLost(error) || isConnectionLoss(error)) throw error;
    return `it cannot be judged: ${errorText(error)}`;
  }
}

async function findEntryProblem(item: WorkItem, judging: Judging): Promise<string | null> {
  const { account, connection, records, gate, ceilings, clock, since } = judging;
  const around = await surroundingsOf(connection, {
    ...{ intentId: item.intent_id, account, since },
    epoch: records.epoch(),
    at: clock.now(),
  });
  gate.audit(around.committed);
  const fault = gate.fault();
  if (fault === null) return entryProblem(item, ceilings, around);
  await records.halt(clock.now(), `orders are out of step: ${fault}`);
  return `orders are out of step: ${fault}`;
}
