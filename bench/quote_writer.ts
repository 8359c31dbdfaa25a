// A child process of the benchmarks: writes quotes through the stream writer at a given rate until its parent is gone.
import { formatEastern, parseEastern } from '../core/eastern_time.ts';
import { simulatedFeeds } from '../ingest/stream_feed.ts';
import { createStreamWriter } from '../ingest/stream_writer.ts';
import { chainOf, quoteBatches } from './quote_rows.ts';

/** What the parent sends first. */
export interface QuoteOrder {
  readonly url: string;
  /** Suffix of the feed's name. */
  readonly feed: string;
  readonly contracts: number;
  readonly expiration: string;
  /** Event time of the first quote, Eastern. */
  readonly from: string;
  readonly perSecond: number;
}

/** What the parent is told now and then. */
export interface QuoteNews {
  readonly written: number;
  /** Event time of the last quote stored. */
  readonly to: string;
  /** Milliseconds behind the pace. */
  readonly lateMs: number;
}

const BATCHES_A_SECOND = 50;

async function writeAll(order: QuoteOrder): Promise<void> {
  const { url, contracts, expiration, perSecond } = order;
  const from = parseEastern(order.from);
  if (from === null) throw new Error(`not a time: ${order.from}`);
  const symbols = chainOf(contracts, expiration);
  const writer = await createStreamWriter({
    url,
    stream: 'options',
    feed: simulatedFeeds(order.feed).quotes,
  });
  await writer.register(symbols, 'option');
  const rows = Math.max(1, Math.round(perSecond / BATCHES_A_SECOND));
  const began = performance.now();
  let written = 0;
  for (const batch of quoteBatches({ symbols, from, perSecond, rows })) {
    const dueMs = (written * 1000) / perSecond;
    const aheadMs = dueMs - (performance.now() - began);
    if (aheadMs > 0) await new Promise((resolve) => setTimeout(resolve, aheadMs));
    written += (await writer.write(batch)).inserted;
    if (!process.connected) break;
    const news: QuoteNews = {
      written,
      to: formatEastern(batch.completeTo ?? from),
      lateMs: Math.max(0, -aheadMs),
    };
    // A parent that is gone is noticed before the next batch; with nobody told, the error would end this process with a trace.
    process.send?.(news, undefined, undefined, () => undefined);
  }
  await writer.close();
}

process.once('message', (order: QuoteOrder) => {
  writeAll(order).catch((error: unknown) => {
    process.stderr.write(`quote_writer: ${error}\n`);
    process.exit(1);
  });
});
