// The database server is killed with SIGKILL under load and started again: rows in the database are the rows that were sent.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { noteFault } from '../../fault_notes.ts';
import { type OwnServer, startOwnServer } from '../own_server.ts';
import { gapsOf, recordedOptionPrints, recordedQuotes, recordedSeconds, stored } from './row_words.ts';
import { on, type SteppedMarket, startStepped } from './stepped_market.ts';

let server: OwnServer;
let market: SteppedMarket;
const folder = mkdtempSync(join(tmpdir(), 'strikebase-killed-'));

beforeAll(async () => {
  server = await startOwnServer();
});

afterAll(async () => {
  await market?.stop();
  await server?.end();
  rmSync(folder, { recursive: true, force: true });
});

it('nothing is lost and nothing doubled when the server is killed twice under load', {
  timeout: 120_000,
}, async () => {
  const restarts: Promise<void>[] = [];
  market = await startStepped({
    url: server.url,
    name: 'killed',
    streams: ['equities', 'options'],
    spool: { dir: folder, maxBytes: 100_000_000, memoryBytes: 5000 },
    // The market does not wait: frames come while a batch is on its way, and while nobody takes it.
    isAwaited: (now) => now < on('9:30:10'),
    onStep: async (now) => {
      if (now === on('9:30:40') || now === on('9:31:40')) {
        await Promise.all(restarts);
        const killed = performance.now();
        server.kill();
        restarts.push(server.start().then(() => noteFault({ recoveryMs: performance.now() - killed })));
      }
    },
  });
  await market.play();
  await Promise.all(restarts);
  await market.settle();
  const { simulator, feeds } = market;
  const [from, to] = [on('9:30:00'), on('9:33:00')];
  const seconds = { feed: feeds.ticks.name, from, to };
  const options = { feed: feeds.quotes.name, from, to };
  const quotes = recordedQuotes(simulator, from, to);
  expect(quotes.length).toBeGreaterThan(800);
  expect(await stored(server.pool(), 'seconds', seconds)).toEqual(recordedSeconds(simulator, from, to));
  expect(await stored(server.pool(), 'quotes', options)).toEqual(quotes);
  expect(await stored(server.pool(), 'optionPrints', options)).toEqual(
    recordedOptionPrints(simulator, from, to),
  );
  // Everything was there already, in memory or on disk: the vendor was not asked.
  expect(await gapsOf(server.pool(), feeds.quotes.name)).toEqual([]);
});
