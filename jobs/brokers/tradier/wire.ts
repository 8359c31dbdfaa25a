// Tradier's JSON, as far as it is read (reference A7, A8): what is not named here may change without harm.
import { z } from 'zod';
import { collapsed, collapsedIn } from '../../../core/collapsed_list.ts';

const id = z.union([z.number().int(), z.string().regex(/^\d+$/)]).transform(String);
const number = z.number();

const orderFields = {
  id,
  type: z.string().optional(),
  symbol: z.string().optional(),
  side: z.string().optional(),
  quantity: number,
  status: z.string(),
  duration: z.string().optional(),
  price: number.nullish(),
  stop_price: number.nullish(),
  avg_fill_price: number.nullish(),
  exec_quantity: number.nullish(),
  last_fill_price: number.nullish(),
  last_fill_quantity: number.nullish(),
  create_date: z.string(),
  transaction_date: z.string().nullish(),
  class: z.string().optional(),
  option_symbol: z.string().nullish(),
  reason_description: z.string().nullish(),
  tag: z.string().nullish(),
};
const leaf = z.looseObject(orderFields);
/** An order: legs of a spread and orders of a bracket are orders of their own below it. */
export const wireOrder = z.looseObject({
  ...orderFields,
  leg: collapsed(z.looseObject({ ...orderFields, leg: collapsed(leaf) })),
});
export type WireOrder = z.output<typeof wireOrder>;
export type WireLeg = WireOrder['leg'][number];

export const orderBody = z.looseObject({ order: wireOrder }).transform((body) => body.order);
export const ordersBody = z
  .looseObject({ orders: collapsedIn('order', wireOrder) })
  .transform((body) => body.orders);

export const positionsBody = z
  .looseObject({
    positions: collapsedIn(
      'position',
      z.looseObject({ symbol: z.string(), quantity: number, cost_basis: number.nullish() }),
    ),
  })
  .transform((body) => body.positions);
export type WirePosition = z.output<typeof positionsBody>[number];

const power = z.looseObject({
  option_buying_power: number.nullish(),
  cash_available: number.nullish(),
  fed_call: number.nullish(),
  maintenance_call: number.nullish(),
});
export const balancesBody = z
  .looseObject({
    balances: z.looseObject({
      account_type: z.string().optional(),
      total_equity: number,
      margin: power.nullish(),
      cash: power.nullish(),
      pdt: power.nullish(),
    }),
  })
  .transform((body) => body.balances);
export type WireBalances = z.output<typeof balancesBody>;

export const profileBody = z
  .looseObject({
    profile: z.looseObject({
      account: collapsed(
        z.looseObject({
          account_number: z.union([z.string(), z.number()]).transform(String),
          status: z.union([z.string(), z.number()]).nullish(),
        }),
      ),
    }),
  })
  .transform((body) => body.profile.account);

/** What a POST, PUT or DELETE of an order is answered with when it is taken. */
export const placedBody = z
  .looseObject({ order: z.looseObject({ id: id.optional(), status: z.string().optional() }) })
  .transform((body) => body.order);
