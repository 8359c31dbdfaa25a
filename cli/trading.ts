// What all processes of one live run agree on without asking each other: account, underlying, feeds, broker.
import type pg from 'pg';
import type { Config } from '../core/config.ts';
import { Failure } from '../core/failure.ts';
import { type LiveFeeds, massiveFeeds } from '../ingest/stream_feed.ts';
import { TRADIER_SCHEDULE } from '../ingest/tradier/feed.ts';
import { tradierFeeds } from '../ingest/tradier/feeds.ts';
import type { LiveOptions } from '../jobs/live.ts';
import { noSuchStrategy } from './suggest.ts';

/** Whose market data a strategy trades on. */
export type Vendor = 'massive' | 'tradier';

export interface Trading {
  readonly strategy: string;
  readonly account: string;
  readonly underlying: string;
  readonly vendor: Vendor;
  readonly feeds: LiveFeeds;
  /** What a live run follows of them. */
  readonly streams: Pick<LiveOptions, 'tickStream' | 'quoteStream' | 'muteAfterMs'>;
  /** Of the underlying in ref.instruments. */
  readonly kind: 'equity' | 'index';
  /** Days to expiration that it looks for; empty: the nearest. */
  readonly days: readonly number[];
  /** As in trade.runs.broker. */
  readonly broker: Config['broker'];
}

interface Row {
  readonly account: string;
  readonly underlying: string;
  readonly option_root: string;
  /** False where it sells verticals of a root that ref.option_roots does not name. */
  readonly is_known: boolean;
  readonly kind: Trading['kind'];
  readonly days: readonly number[];
}

const PAPER = 'paper';
const MINUTE_MS = 60_000;

const SQL = `
  select s.account, s.underlying, s.option_root, s.structure <> 'credit_vertical' or r.root is not null as is_known,
    coalesce(r.underlying_kind, 'equity') as kind, coalesce(s.dte_targets, '{}') as days
  from ref.current_strategies s
  left join ref.option_roots r on r.root = s.option_root
  where s.strategy = $1`;

/** What a strategy trades under this configuration. Throws a Failure on an unknown strategy. */
export async function tradingOf(
  client: pg.ClientBase,
  config: Config,
  strategy: string,
  ticks: 'seconds' | 'prints' = 'seconds',
): Promise<Trading> {
  const { rows } = await client.query<Row>(SQL, [strategy]);
  const [row] = rows;
  if (row === undefined) {
    throw await noSuchStrategy(client, strategy);
  }
  if (!row.is_known) {
    throw new Failure(
      `${strategy} trades options of ${row.option_root}, which ref.option_roots does not name`,
      {
        hint: `Insert its row there first: underlying ${row.underlying}, ticks, style, settlement.`,
        exitCode: 2,
      },
    );
  }
  const { broker } = config;
  const { underlying, kind, days } = row;
  // What was sold on paper must never count as sold for money: the two have accounts of their own.
  const account = broker !== PAPER && row.account === PAPER ? broker : row.account;
  return { strategy, account, underlying, kind, days, broker, ...dataOf(config, kind, ticks) };
}

/** Equities are streamed by Massive; indexes and their options come from Tradier, every minute what is held. */
function dataOf(
  { massiveWsUrl, tradierBaseUrl }: Config,
  kind: Trading['kind'],
  ticks: 'seconds' | 'prints',
): Pick<Trading, 'vendor' | 'feeds' | 'streams'> {
  if (kind === 'equity') return { vendor: 'massive', feeds: massiveFeeds(massiveWsUrl, ticks), streams: {} };
  const { indexes, quotes } = tradierFeeds(tradierBaseUrl);
  // What is due on a minute may still come while its grace lasts: before that silence says nothing.
  const muteAfterMs = MINUTE_MS + 2 * TRADIER_SCHEDULE.graceMs;
  const streams = { tickStream: 'tradier-indexes', quoteStream: 'tradier', muteAfterMs };
  return { vendor: 'tradier', feeds: { ticks: indexes, quotes }, streams };
}
