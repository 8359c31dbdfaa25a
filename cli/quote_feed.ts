// Which option quotes a run is filled on: recorded ones that are there, or modelled ones, made first where they are missing.

import type pg from 'pg';
import type { EasternUs } from '../core/eastern_time.ts';
import { formatEastern } from '../core/eastern_time.ts';
import { Failure } from '../core/failure.ts';
import { MODELLED_FEED, modelledFeedId, modelSession, sessionsToModel } from '../jobs/model_quotes.ts';
import type { Database } from './database.ts';
import type { TickFeed } from './feed_choice.ts';
import { interrupt } from './interrupt.ts';
import { showProgress } from './terminal.ts';

export type QuoteKind = 'recorded' | 'modelled' | 'simulated' | 'marks';

export interface QuoteRequest {
  readonly quotes: QuoteKind;
  /** Of --quote-feed. */
  readonly feed?: string | undefined;
  readonly symbol: string;
  readonly ticks: TickFeed;
  readonly from: EasternUs;
  readonly to: EasternUs;
}

/** Name of the feed of option quotes for a run. Throws Failure where there are none, or several and no name. */
export async function prepareQuotes(
  database: Database,
  client: pg.Client,
  request: QuoteRequest,
): Promise<string> {
  if (request.quotes === 'modelled') return modelQuotes(database, client, request);
  const { rows } = await client.query<{ name: string }>(
    `select f.name
     from ref.feeds f
     where f.kind = 'option' and f.source = $1 and ($2::text is null or f.name = $2)
       and exists (
         select from ref.instruments i
         cross join lateral (
           select q.ts_event from market.option_quotes q
           where q.instrument_id = i.instrument_id and q.feed_id = f.feed_id and q.ts_event >= $4 and q.ts_event < $5
           limit 1
         ) q
         where i.kind = 'option' and i.underlying_id = (select u.instrument_id from ref.instruments u where u.symbol = $3)
           and i.expiration >= $4::timestamp::date
       )
     order by f.name`,
    [
      request.quotes,
      request.feed ?? null,
      request.symbol,
      formatEastern(request.from),
      formatEastern(request.to),
    ],
  );
  const [first, second] = rows;
  if (first !== undefined && second === undefined) return first.name;
  if (first === undefined) throw noQuotes(request);
  throw new Failure(
    `several feeds have ${request.quotes} quotes of ${request.symbol} options: ${rows.map(({ name }) => name).join(', ')}`,
    { hint: 'Name one: --quote-feed NAME.', exitCode: 2 },
  );
}

function noQuotes({ quotes, symbol }: QuoteRequest): Failure {
  return new Failure(`there are no ${quotes} quotes of ${symbol} options in this range`, {
    hint: 'Import some (`strikebase import --help`), or take --quotes modelled: every result will say so.',
  });
}

async function modelQuotes(database: Database, client: pg.Client, request: QuoteRequest): Promise<string> {
  const { ticks } = request;
  if (ticks.span_ms !== 60_000) {
    throw new Failure(`quotes are modelled from minute bars, and feed ${ticks.name} has none`, {
      hint: 'Import minute bars and name their feed with --feed.',
    });
  }
  const quoteFeed = request.feed ?? MODELLED_FEED;
  const writer = await database.connect('ingest_writer');
  const quoteFeedId = await modelledFeedId(writer, quoteFeed);
  const wanted = {
    instrumentId: ticks.instrument_id,
    tickFeedId: ticks.feed_id,
    quoteFeed,
    from: formatEastern(request.from),
    to: formatEastern(request.to),
  };
  const dates = await sessionsToModel(client, wanted);
  const progress = showProgress('modelling quotes', dates.length);
  try {
    for (const [index, sessionDate] of dates.entries()) {
      if (interrupt().aborted)
        throw new Failure(`interrupted while modelling quotes; those before ${sessionDate} are kept`);
      await modelSession(client, { ...wanted, quoteFeedId, sessionDate });
      progress.update(index + 1, sessionDate);
    }
  } finally {
    progress.end();
  }
  return quoteFeed;
}
