// Tradier's lists collapse: no row is null or the text "null", one row is the row itself (reference A3). Undone in this one place.
import { z } from 'zod';

/** A list of rows, whichever of its forms it comes in. */
export function collapsed<T extends z.ZodType>(row: T) {
  return z.preprocess((value) => {
    if (value === undefined || value === null || value === 'null' || value === '') return [];
    return Array.isArray(value) ? value : [value];
  }, z.array(row));
}

/** An object that holds a list under a name: `{"orders": {"order": ...}}`, `{"orders": "null"}` and `{"orders": null}` alike. */
export function collapsedIn<K extends string, T extends z.ZodType>(name: K, row: T) {
  const list = collapsed(row);
  return z
    .preprocess(
      (value) => (value === undefined || value === null || value === 'null' || value === '' ? {} : value),
      z.looseObject({ [name]: list }),
    )
    .transform((value) => value[name] as z.output<typeof list>);
}
