// Schwab's JSON, as it really comes (reference B1-B2): loose objects, and every value that is not needed optional.
import { z } from 'zod';

// Ids come as numbers in orders and as text in accounts.
const id = z.union([z.number().int(), z.string().min(1)]).transform(String);
const amount = z.number().finite();

export const tokenGrant = z.looseObject({
  access_token: z.string().min(1),
  refresh_token: z.string().min(1).optional(),
  expires_in: z.number().positive(),
});

export const accountNumbers = z.array(
  z.looseObject({ accountNumber: id, hashValue: z.string().regex(/^[\w-]+$/) }),
);
export type AccountNumber = z.infer<typeof accountNumbers>[number];

const balances = z.looseObject({
  optionBuyingPower: amount.optional(),
  availableFunds: amount.optional(),
  cashAvailableForTrading: amount.optional(),
  equity: amount.optional(),
  liquidationValue: amount.optional(),
  maintenanceCall: amount.optional(),
  regTCall: amount.optional(),
  // A boolean in fact, a number in the specification.
  isInCall: z.union([z.boolean(), z.number()]).optional(),
});
export type Balances = z.infer<typeof balances>;

const position = z.looseObject({
  shortQuantity: amount.nonnegative().default(0),
  longQuantity: amount.nonnegative().default(0),
  averagePrice: amount.optional(),
  averageLongPrice: amount.optional(),
  averageShortPrice: amount.optional(),
  marketValue: amount.optional(),
  instrument: z.looseObject({ assetType: z.string(), symbol: z.string().min(1) }),
});
export type WirePosition = z.infer<typeof position>;

export const accountDetails = z.looseObject({
  securitiesAccount: z.looseObject({
    accountNumber: id,
    isClosingOnlyRestricted: z.boolean().optional(),
    // Absent when flat.
    positions: z.array(position).default([]),
    currentBalances: balances.default({}),
    projectedBalances: balances.default({}),
  }),
});
export type SecuritiesAccount = z.infer<typeof accountDetails>['securitiesAccount'];

const executionLeg = z.looseObject({
  legId: z.number().int(),
  quantity: amount,
  price: amount,
  time: z.string(),
});

const orderActivity = z.looseObject({
  activityType: z.string().optional(),
  // Seen on the wire, absent from the specification.
  activityId: id.optional(),
  // CANCELED is seen too, with price 0: only FILL is an execution.
  executionType: z.string().optional(),
  executionLegs: z.array(executionLeg).default([]),
});
export type OrderActivity = z.infer<typeof orderActivity>;

const orderLeg = z.looseObject({
  legId: z.number().int().optional(),
  instruction: z.string(),
  positionEffect: z.string().optional(),
  quantity: amount.positive(),
  instrument: z.looseObject({ symbol: z.string().min(1), assetType: z.string().optional() }),
});
export type WireLeg = z.infer<typeof orderLeg>;

const orderNode = z.looseObject({
  // The parent of an OCO has an id and a state, but neither legs nor a price.
  orderId: id.optional(),
  orderType: z.string().optional(),
  quantity: amount.optional(),
  filledQuantity: amount.default(0),
  price: amount.optional(),
  stopPrice: amount.optional(),
  status: z.string().default('UNKNOWN'),
  statusDescription: z.string().optional(),
  enteredTime: z.string().optional(),
  orderLegCollection: z.array(orderLeg).default([]),
  orderActivityCollection: z.array(orderActivity).default([]),
});

/** One node of an order tree; children of OCO and TRIGGER orders are orders of their own. */
export type WireOrder = z.infer<typeof orderNode> & {
  readonly childOrderStrategies?: WireOrder[] | undefined;
};

export const wireOrder: z.ZodType<WireOrder> = orderNode.extend({
  get childOrderStrategies() {
    return z.array(wireOrder).optional();
  },
});
/** Each is read by itself: an order of another kind, as the account's owner may have, must not hide ours. */
export const wireOrders = z.array(z.unknown());

const transferItem = z.looseObject({
  instrument: z.looseObject({ assetType: z.string(), symbol: z.string().default('') }),
  amount: amount.default(0),
  cost: amount.default(0),
  price: amount.optional(),
  feeType: z.string().optional(),
  positionEffect: z.string().optional(),
});
export type TransferItem = z.infer<typeof transferItem>;

export const wireTransactions = z.array(
  z.looseObject({
    activityId: id,
    time: z.string(),
    type: z.string(),
    orderId: id.optional(),
    netAmount: amount.default(0),
    transferItems: z.array(transferItem).default([]),
  }),
);
export type WireTransaction = z.infer<typeof wireTransactions>[number];

const streamerInfo = z.looseObject({
  streamerSocketUrl: z.string(),
  schwabClientCustomerId: z.string(),
  schwabClientCorrelId: z.string(),
  schwabClientChannel: z.string(),
  schwabClientFunctionId: z.string(),
});
export type StreamerInfo = z.infer<typeof streamerInfo>;

const preference = z.looseObject({ streamerInfo: z.array(streamerInfo).min(1) });
/** An object in fact, an array in the specification. */
export const userPreference = z.union([preference, z.array(preference).min(1)]);
