// ACCT_ACTIVITY of the streamer (reference B4.5): what happens on the desk, in the payloads recorded at Schwab.
import { dateOf, type EasternUs, formatEastern } from '../../core/eastern_time.ts';
import type { DeskEvent } from '../venue/matching.ts';
import type { Execution, SimOrder } from '../venue/order.ts';
import type { Json } from './instruments.ts';
import type { SimulatorParts } from './parts.ts';

export interface Activity {
  readonly accountNumber: string;
  readonly type: string;
  readonly data: string;
}

/** Protobuf's decimal: `lo` over ten to the half of `signScale`, negative if that is odd; zero has no `lo`. From millionths. */
export function decimal(value_e6: number): Json {
  const lo = Math.abs(value_e6);
  return { ...(lo === 0 ? {} : { lo: String(lo) }), signScale: value_e6 < 0 ? 13 : 12 };
}

function quantity(qty: number): Json {
  return decimal(qty * 1_000_000);
}

function price(px_e4: number | null): Json {
  return px_e4 === null ? {} : decimal(Math.round(px_e4 * 100));
}

// Eastern wall clock in milliseconds; the payload does not name the zone.
function time(at: EasternUs): Json {
  const milliseconds = String(Math.floor((at % 1_000_000) / 1000)).padStart(3, '0');
  return { DateTimeString: `${formatEastern(at).slice(0, 19)}.${milliseconds}` };
}

function day(at: EasternUs): Json {
  return { DateTimeString: dateOf(at) };
}

// Of several legs each has an id; how Schwab forms it is unknown, so the order's id is followed by the leg's number.
function legId(order: SimOrder, index: number): string {
  return order.spec.legs.length > 1 ? `${order.id}${index + 1}` : String(order.id);
}

function event(order: SimOrder, type: string, name: string, fields: Json): Activity {
  const body = { EventType: type, [name]: { EventType: type, ...fields } };
  const { accountNumber } = order.book;
  const data = { SchwabOrderID: String(order.id), AccountNumber: accountNumber, BaseEvent: body };
  return { accountNumber, type, data: JSON.stringify(data) };
}

function orderLeg(order: SimOrder, index: number): Json {
  const leg = order.spec.legs[index];
  const qty = quantity(order.spec.qty * (leg?.ratio ?? 1));
  const assetType = leg?.isOption === true ? 'MajorAssetType_Option' : 'MajorAssetType_Equity';
  return {
    LegID: legId(order, index),
    LegParentSchwabOrderID: String(order.id),
    Quantity: qty,
    QuantityUnitCodeType: 'SharesOrUnits',
    LeavesQuantity: qty,
    BuySellCode: leg?.side === 'buy' ? 'Buy' : 'Sell',
    Security: { Symbol: leg?.symbol, MajorAssetType: assetType },
  };
}

function orderBody(order: SimOrder): Json {
  const { spec, enteredAt } = order;
  const orderLeg0 = {
    OrderInstruction: {
      ExecutionStrategy: { LimitExecutionStrategy: { LimitPrice: price(spec.price_e4) } },
    },
    TimeInForce: spec.duration === 'DAY' ? 'Day' : spec.duration,
    OrderTypeCode: spec.type,
    OrderLegs: spec.legs.map((_, i) => orderLeg(order, i)),
  };
  return {
    SchwabOrderID: String(order.id),
    AccountNumber: order.book.accountNumber,
    Order: {
      AccountInfo: { AccountNumber: order.book.accountNumber },
      LifecycleCreatedTimestamp: time(enteredAt),
      LifecycleSchwabOrderID: String(order.id),
      EntryTimestamp: time(enteredAt),
      ExpiryTimeStamp: day(enteredAt),
      SourceOMS: 'ngOMS',
      AssetOrderEquityOrderLeg: orderLeg0,
    },
  };
}

function routed(order: SimOrder, at: EasternUs, kind: 'New' | 'Cancel'): Activity {
  const routeInfo = {
    RouteName: 'SIM',
    RoutedExecutionTimestamp: time(at),
    RouteRequestedType: kind,
    RoutedQuantity: quantity(order.spec.qty - order.filledQty),
    RoutedPrice: price(order.spec.price_e4),
    RouteStatus: 'RouteCreated',
    ClientOrderID: `${order.id}.1`,
    RoutedTime: time(at),
  };
  const fields = { RouteInfo: routeInfo, RouteRequestedBy: 'RR_Broker', LegId: legId(order, 0) };
  return event(order, 'ExecutionRequested', 'ExecutionRequestedEventRoutedInfo', fields);
}

function routeCompleted(order: SimOrder, at: EasternUs, kind: 'New' | 'Cancel'): Activity {
  const fields = {
    LegId: legId(order, 0),
    // A number for cancels (recorded).
    ResponseType: kind === 'New' ? 'Accepted' : 7,
    ExecutionTime: time(at),
    RouteStatus: kind === 'New' ? 'RouteVenueAccepted' : 8,
  };
  return event(order, 'ExecutionRequestCompleted', 'ExecutionRequestCompletedEvent', fields);
}

function fillActivities(order: SimOrder, execution: Execution, type: string): Activity[] {
  return execution.legs.map((leg, i) => {
    const ratio = order.spec.legs[i]?.ratio ?? 1;
    const id = `${dateOf(execution.at).replaceAll('-', '')}-EST-ngOMS-${leg.activityId}`;
    const fields = {
      LegId: legId(order, i),
      LegStatus: 'LegClosed',
      LegSubStatus: 'LegSubStatusFilled',
      QuantityInfo: {
        ExecutionID: id,
        CumulativeQuantity: quantity(order.filledQty * ratio),
        LeavesQuantity: quantity((order.spec.qty - order.filledQty) * ratio),
        AveragePrice: price(leg.px_e4),
      },
      ExecutionInfo: {
        ExecutionSequenceNumber: 1,
        ExecutionId: id,
        ExecutionQuantity: quantity(leg.qty),
        ExecutionPrice: price(leg.px_e4),
        ExecutionTimeStamp: time(execution.at),
        ExecutionTransType: 'Fill',
        RouteName: 'SIM',
        ActualChargedCommissionAmount: decimal(0),
      },
      OrderInfoForTransactionPosting: { Symbol: leg.symbol, LimitPrice: price(order.spec.price_e4) },
    };
    return event(order, type, 'OrderFillCompletedEventOrderLegQuantityInfo', fields);
  });
}

// An execution of type UROut comes with every cancel: it is no fill.
function outActivities(order: SimOrder, at: EasternUs, reason: string | null): Activity[] {
  const left = quantity(order.spec.qty - order.filledQty);
  const LegId = legId(order, 0);
  const OutCancelType = reason === null ? 'ClientCancel' : 'SystemReject';
  const info = { ExecutionQuantity: left, ExecutionTimeStamp: time(at), ExecutionTransType: 'UROut' };
  const validation =
    reason === null
      ? {}
      : { ValidationDetail: [{ NgOMSRuleName: ruleOf(reason), NgOMSRuleDescription: reason }] };
  const fields = {
    LegId,
    LeavesQuantity: decimal(0),
    CancelQuantity: left,
    LegStatus: 'LegClosed',
    LegSubStatus: 'LegSubStatusCancelled',
    OutCancelType,
    ExecutionTimeStamp: time(at),
    ...validation,
  };
  return [
    ...(reason === null
      ? [
          routed(order, at, 'Cancel'),
          routeCompleted(order, at, 'Cancel'),
          event(order, 'ExecutionCreated', 'ExecutionCreatedEventExecutionInfo', {
            LegId,
            ExecutionInfo: info,
          }),
        ]
      : []),
    event(order, 'OrderUROutCompleted', 'OrderUROutCompletedEvent', fields),
  ];
}

function ruleOf(reason: string): string {
  if (reason.includes('oversold')) return 'Position_Sys_0001';
  return reason.startsWith('Order_Sys_0002') ? 'Order_Sys_0002' : 'Account_Sys_0005';
}

function workingActivities(order: SimOrder, at: EasternUs): Activity[] {
  const request = { LegId: legId(order, 0), RouteRequestType: 'New', RoutedTime: time(at) };
  return [
    routed(order, at, 'New'),
    event(order, 'ExecutionRequestCreated', 'ExecutionRequestCreatedEvent', request),
    routeCompleted(order, at, 'New'),
  ];
}

function changeActivities(order: SimOrder): Activity[] {
  const fields = { Order: orderBody(order) };
  return [
    event(order, 'ChangeCreated', 'ChangeCreatedEventEquityOrder', fields),
    event(order, 'ChangeAccepted', 'ChangeAcceptedEvent', fields),
  ];
}

/** The activities that Schwab would stream for an event of the desk. Nodes without legs have none. */
export function activitiesOf(happened: DeskEvent, parts: SimulatorParts): readonly Activity[] {
  const { order } = happened;
  const at = parts.settings.clock.now();
  const one = (type: string, fields: Json): Activity[] => [event(order, type, `${type}Event`, fields)];
  if (order.spec.legs.length === 0) return [];
  switch (happened.kind) {
    case 'created':
      return [event(order, 'OrderCreated', 'OrderCreatedEventEquityOrder', { Order: orderBody(order) })];
    case 'accepted':
      return one('OrderAccepted', { CreatedTimeStamp: time(at), Status: 'Open' });
    case 'changed':
      return changeActivities(order);
    case 'routed':
      return workingActivities(order, at);
    case 'stop_armed':
      return one('OrderMonitorCreated', { StopPrice: price(order.spec.stop_e4) });
    case 'stop_triggered':
      return one('OrderMonitorCompleted', {});
    case 'cancel_accepted':
      return one('CancelAccepted', { CancelTimeStamp: time(at), CancelRequestType: 'ClientCancel' });
    case 'expired':
      return one('OrderExpired', { LegId: legId(order, 0) });
    case 'out':
      return outActivities(order, at, happened.reason);
    case 'filled': {
      const isComplete = order.filledQty === order.spec.qty;
      const type = isComplete ? 'OrderFillCompleted' : parts.settings.partialFillEvent;
      return type === null ? [] : fillActivities(order, happened.execution, type);
    }
  }
}
