// What a demo needs before it begins: its strategy, and feeds and an account that no other run has used.
import type pg from 'pg';
import { inTransaction } from '../db/pool.ts';
import { type LiveFeeds, registerFeeds, simulatedFeeds } from '../ingest/stream_feed.ts';
import { noSuchStrategy } from './suggest.ts';

export interface SimulatedIdentity {
  readonly account: string;
  readonly feeds: LiveFeeds;
}

const LAST_NUMBER_SQL = `
  select coalesce(max(substring(f.name from '^sim-second-(\\d{1,9})$')::integer), 0) as last from ref.feeds f`;

/**
 * Claims the next number for a demo: feeds `sim-second-N` and `sim-quotes-N`, account `demo-N`. Two demos of one day would mix
 * their quotes in one feed, and the limits of one account. The client writes as ingest_writer.
 */
export async function claimDemo(client: pg.ClientBase, underlying: string): Promise<SimulatedIdentity> {
  return inTransaction(client, async () => {
    await client.query("select pg_advisory_xact_lock(hashtextextended('strikebase demo', 0))");
    const { rows } = await client.query<{ last: number }>(LAST_NUMBER_SQL);
    const number = (rows[0]?.last ?? 0) + 1;
    const feeds = simulatedFeeds(String(number));
    await registerFeeds(client, feeds, underlying);
    return { account: `demo-${number}`, feeds };
  });
}

/** The underlying of a strategy. Throws a Failure on an unknown one. */
export async function underlyingOf(client: pg.ClientBase, strategy: string): Promise<string> {
  const { rows } = await client.query<{ underlying: string }>(
    'select underlying from ref.current_strategies where strategy = $1',
    [strategy],
  );
  if (rows[0] !== undefined) return rows[0].underlying;
  throw await noSuchStrategy(client, strategy);
}
