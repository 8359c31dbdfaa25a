// Which feed a symbol's rows are read from: the one that has any in the range, or the one that the user names.
import type pg from 'pg';
import { Failure } from '../core/failure.ts';
import type { RangeText } from './options.ts';

export interface TickFeed {
  readonly feed_id: number;
  readonly name: string;
  readonly span_ms: number;
  readonly source: string;
  readonly instrument_id: number;
}

/**
 * The tick feed with rows of `symbol` in the range; of several the only recorded one (or the only simulated one, where that is
 * wanted): whoever has played the demo has both. Throws Failure where there is none, or several and no name.
 */
export async function chooseTickFeed(
  client: pg.ClientBase,
  wanted: {
    readonly symbol: string;
    readonly feed?: string | undefined;
    readonly range: RangeText;
    readonly prefers?: 'recorded' | 'simulated';
  },
): Promise<TickFeed> {
  const { symbol, feed, range, prefers = 'recorded' } = wanted;
  const { rows } = await client.query<TickFeed>(
    `select f.feed_id, f.name, f.span_ms, f.source, i.instrument_id
     from ref.instruments i
     cross join ref.feeds f
     where i.symbol = $1 and f.kind = 'equity' and ($2::text is null or f.name = $2)
       and exists (
         select from market.equity_ticks t
         where t.instrument_id = i.instrument_id and t.feed_id = f.feed_id and t.ts_event >= $3 and t.ts_event < $4
       )
     order by f.name`,
    [symbol, feed ?? null, range.from, range.to],
  );
  const [first, second] = rows;
  if (first !== undefined && second === undefined) return first;
  if (first === undefined) throw noTicks(wanted);
  const [preferred, another] = rows.filter(({ source }) => source === prefers);
  if (preferred !== undefined && another === undefined) return preferred;
  throw new Failure(
    `several feeds have ticks of ${symbol} in this range: ${rows.map(({ name }) => name).join(', ')}`,
    {
      hint: 'Name one: --feed NAME.',
      exitCode: 2,
    },
  );
}

function noTicks(wanted: { readonly symbol: string; readonly feed?: string | undefined }): Failure {
  const of = wanted.feed === undefined ? '' : ` in feed ${wanted.feed}`;
  return new Failure(`there are no ticks of ${wanted.symbol}${of} in this range`, {
    hint: '`strikebase status` shows what there is; `strikebase import FILE --symbol SYMBOL` brings more.',
  });
}
