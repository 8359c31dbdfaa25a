// What all processes of one live run agree on without asking each other: account, underlying, feeds, broker.
import type pg from 'pg';
import type { Config } from '../core/config.ts';
import { type LiveFeeds, massiveFeeds } from '../ingest/stream_feed.ts';
import { noSuchStrategy } from './suggest.ts';

export interface Trading {
  readonly strategy: string;
  readonly account: string;
  readonly underlying: string;
  readonly feeds: LiveFeeds;
  /** As in trade.runs.broker. */
  readonly broker: Config['broker'];
}

const PAPER = 'paper';

/** What a strategy trades under this configuration. Throws a Failure on an unknown strategy. */
export async function tradingOf(
  client: pg.ClientBase,
  config: Config,
  strategy: string,
  ticks: 'seconds' | 'prints' = 'seconds',
): Promise<Trading> {
  const { rows } = await client.query<{ account: string; underlying: string }>(
    'select account, underlying from ref.current_strategies where strategy = $1',
    [strategy],
  );
  const [row] = rows;
  if (row === undefined) {
    throw await noSuchStrategy(client, strategy);
  }
  const { broker, massiveWsUrl } = config;
  // What was sold on paper must never count as sold for money: the two have accounts of their own.
  const account = broker !== PAPER && row.account === PAPER ? broker : row.account;
  return { strategy, account, underlying: row.underlying, feeds: massiveFeeds(massiveWsUrl, ticks), broker };
}
