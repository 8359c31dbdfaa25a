// Tradier's market data as JSON (reference A4): what is not read here may change without harm.
import { z } from 'zod';
import { collapsed, collapsedIn } from '../../core/collapsed_list.ts';
import type { SessionDate } from '../../core/eastern_time.ts';

// "null" and "NaN" have come as texts where a number is expected.
const number = z.preprocess(
  (value) => (typeof value === 'string' ? (value.trim() === '' ? null : Number(value)) : value),
  z.number().nullish().catch(null),
);
const text = z.preprocess((value) => (value === 'null' ? null : value), z.string().nullish());

/** A quote, of an index or an option. Dates are epoch milliseconds, 0 for none. */
export const wireQuote = z.looseObject({
  symbol: z.string(),
  type: text,
  bid: number,
  ask: number,
  last: number,
  bidsize: number,
  asksize: number,
  volume: number,
  trade_date: number,
  bid_date: number,
  ask_date: number,
  open_interest: number,
  root_symbol: text,
  greeks: z
    .preprocess(
      (value) => (typeof value === 'object' ? value : null),
      z
        .looseObject({
          delta: number,
          gamma: number,
          theta: number,
          vega: number,
          rho: number,
          bid_iv: number,
          mid_iv: number,
          ask_iv: number,
          smv_vol: number,
          updated_at: text,
        })
        .nullish(),
    )
    .optional(),
});
export type WireQuote = z.output<typeof wireQuote>;

const date = z.string().regex(/^\d{4}-\d{2}-\d{2}$/) as unknown as z.ZodType<SessionDate>;

/** Rows stay as they came: each is read alone, so that one that cannot be read does not cost the chain. */
export const chainBody = z
  .looseObject({ options: collapsedIn('option', z.unknown()) })
  .transform((body) => body.options);

/** With the extra fields or without. */
export const expirationsBody = z
  .looseObject({
    expirations: z.preprocess(
      (value) => (value === null || value === 'null' ? {} : value),
      z.looseObject({ date: collapsed(date), expiration: collapsed(z.looseObject({ date })) }),
    ),
  })
  .transform(({ expirations }) => [...expirations.date, ...expirations.expiration.map((row) => row.date)]);

export const quotesBody = z
  .looseObject({
    quotes: z.preprocess(
      (value) => (value === null || value === 'null' ? {} : value),
      z.looseObject({
        quote: collapsed(z.unknown()),
        unmatched_symbols: z
          .preprocess(
            (value) => (value === null || value === 'null' ? undefined : value),
            z.looseObject({ symbol: collapsed(z.string()) }).optional(),
          )
          .transform((value) => value?.symbol ?? []),
      }),
    ),
  })
  .transform(({ quotes }) => ({ rows: quotes.quote, unmatched: quotes.unmatched_symbols }));

export const clockBody = z
  .looseObject({
    clock: z.looseObject({ date: z.string(), state: z.string(), timestamp: z.number() }),
  })
  .transform((body) => body.clock);

const hours = z.looseObject({ start: z.string(), end: z.string() });
export const calendarBody = z
  .looseObject({
    calendar: z.looseObject({
      days: z.preprocess(
        (value) => value ?? {},
        z.looseObject({
          day: collapsed(z.looseObject({ date: z.string(), status: z.string(), open: hours.optional() })),
        }),
      ),
    }),
  })
  .transform((body) => body.calendar.days.day);
export type CalendarDay = z.output<typeof calendarBody>[number];
