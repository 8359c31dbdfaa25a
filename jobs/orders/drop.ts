// Orders that end without ever being sent, as trade.order_work has judged them.
import type { Clock } from '../../core/clock.ts';
import { errorText } from '../../core/failure.ts';
import { isConnectionLoss } from '../../db/connection_loss.ts';
import { describeOrder } from './broker_order.ts';
import type { OnOrderEvent } from './events.ts';
import { isFenceLost, type OrderRecords, type Verdict, type WorkItem } from './records.ts';

/** Records the verdict. An order that cannot be dropped is told to people, and holds nobody else up: an exit may come after it. */
export async function dropOrder(
  item: WorkItem,
  parts: { readonly records: OrderRecords; readonly clock: Clock; readonly onEvent: OnOrderEvent },
): Promise<void> {
  const { records, clock, onEvent } = parts;
  const at = clock.now();
  try {
    const verdict = verdictOf(item);
    onEvent('order dropped', { intent_id: item.intent_id, ...verdict });
    await records.drop(item, at, verdict);
  } catch (error) {
    if (isFenceLost(error) || isConnectionLoss(error)) throw error;
    const text = `${describeOrder(item)} cannot be dropped: ${errorText(error)}`;
    onEvent('order overtaken', { intent_id: item.intent_id, reason: errorText(error) });
    await records.alert({ key: `order ${item.intent_id} not dropped`, severity: 'warning', text, at });
  }
}

// The reason begins with the state to record: `denied: too late`.
function verdictOf({ intent_id, reason }: WorkItem): Verdict {
  const [, state, text = ''] = /^(denied|canceled)(?:: )?(.*)$/s.exec(reason ?? '') ?? [];
  if (state !== 'denied' && state !== 'canceled')
    throw new Error(`order ${intent_id} has no verdict: ${reason}`);
  return { state, reason: text === '' ? state : text };
}
