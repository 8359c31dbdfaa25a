// The executions of an order: counted once, by ids that stay the same however often the order is read.
import { scaleNumber } from '../../../core/decimal.ts';
import { Failure } from '../../../core/failure.ts';
import type { BrokerFill } from '../broker.ts';
import type { OrderActivity, WireOrder } from './wire.ts';
import { schwabTime } from './wire_time.ts';

/** Fills by leg of the order. Throws a Failure on one that cannot be read: a fill that is passed over is a position unknown. */
export function fillsOf(wire: WireOrder, venueOrderId: string): readonly BrokerFill[] {
  return wire.orderActivityCollection.flatMap((activity, index) =>
    // A cancel is an activity too, with quantities and the price 0.
    activity.executionType === 'FILL' ? activityFills(activity, { index, wire, venueOrderId }) : [],
  );
}

function activityFills(
  activity: OrderActivity,
  of: { readonly index: number; readonly wire: WireOrder; readonly venueOrderId: string },
): BrokerFill[] {
  const { index, wire, venueOrderId } = of;
  const seen = new Map<number, number>();
  return activity.executionLegs.map((leg) => {
    const ordinal = (seen.get(leg.legId) ?? 0) + 1;
    seen.set(leg.legId, ordinal);
    const ts = schwabTime(leg.time);
    const px_e4 = scaleNumber(leg.price, 4);
    const legNo = legNoOf(leg.legId, wire);
    if (ts === null || px_e4 === null || legNo === null || leg.quantity <= 0) {
      throw new Failure(`an execution of Schwab's order ${venueOrderId} cannot be read`, {
        hint: 'Look at the order on Schwab’s own page: strikebase cannot say what was filled.',
      });
    }
    const more = ordinal === 1 ? '' : `:${ordinal}`;
    // The id of an activity is not in the specification; without it all that tells two fills apart.
    const executionId =
      activity.activityId === undefined
        ? `${venueOrderId}:${index}:${leg.legId}:${leg.time}:${leg.quantity}:${leg.price}${more}`
        : `${activity.activityId}:${leg.legId}${more}`;
    return { executionId, ts, legNo, qty: leg.quantity, px_e4 };
  });
}

function legNoOf(legId: number, wire: WireOrder): number | null {
  const legs = wire.orderLegCollection;
  const index = legs.findIndex((leg, position) => (leg.legId ?? position + 1) === legId);
  return index < 0 ? null : index + 1;
}
