// One session of Tradier's feed, from its settings to its end: what the command runs, and what a process tree may run.
import type { Clock } from '../../core/clock.ts';
import type { Config } from '../../core/config.ts';
import { createLog } from '../../core/log.ts';
import type { HttpTiming } from '../../jobs/brokers/http.ts';
import { beat } from '../heartbeat.ts';
import type { FeedState } from '../massive/feed_options.ts';
import { createTradierClient } from './client.ts';
import { runTradierFeed, TRADIER_SCHEDULE, type TradierFeedOptions } from './feed.ts';
import { tradierFeeds } from './feeds.ts';
import { createTradierStore } from './store.ts';

export interface TradierSessionOptions
  extends Pick<TradierFeedOptions, 'session' | 'underlying' | 'signal' | 'onNotice' | 'onSnapshot'>,
    Partial<Pick<TradierFeedOptions, keyof typeof TRADIER_SCHEDULE>> {
  readonly databaseUrl: string;
  readonly config: Pick<Config, 'tradierBaseUrl' | 'tradierToken' | 'logLevel' | 'secrets'>;
  readonly clock: Clock;
  /** Requests within any minute; default 50. */
  readonly perMinute?: number;
  readonly timing?: Partial<HttpTiming>;
}

/** Runs until the close or the signal. Throws a Failure where a setting is missing or the database cannot be reached. */
export async function ingestTradier(options: TradierSessionOptions): Promise<void> {
  const { config, databaseUrl, clock, underlying, signal, perMinute, timing = {} } = options;
  const schedule = { ...TRADIER_SCHEDULE, ...options };
  const client = createTradierClient({
    ...config,
    clock,
    log: createLog(config, { name: 'ingest tradier' }),
    // An instant is tried again for as long as its grace lasts. Tries within tries would spend the requests of a minute in an outage,
    // and leave none for the first instant after it.
    timing: { readAttempts: 1, ...timing },
    ...(perMinute === undefined ? {} : { perMinute }),
  });
  try {
    const feeds = tradierFeeds(config.tradierBaseUrl);
    const store = await createTradierStore({
      ...{ url: databaseUrl, feeds, underlying, signal },
      indexes: schedule.indexes,
    });
    const ending = new AbortController();
    let state: FeedState = 'connecting';
    const { writer } = store;
    const beating = beat({ clock, writer, signal: ending.signal, state: () => state });
    beating.catch(() => undefined);
    const onState = (changed: FeedState): void => {
      state = changed;
    };
    try {
      await runTradierFeed({ ...schedule, client, store, onState });
    } finally {
      ending.abort();
      await store.close();
    }
  } finally {
    client.close();
  }
}
