// The database away, slow, or cut off: frames wait in memory and on disk, and every row is stored once.
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { EasternUs } from '../../../core/eastern_time.ts';
import { eventually, useDatabase } from '../../harness.ts';
import { startTcpProxy, type TcpProxy } from '../../tcp_proxy.ts';
import { expectTicksCounted } from '../support/tick_counts.ts';
import { gapsOf, recordedOptionPrints, recordedQuotes, stored } from './row_words.ts';
import { on, type SteppedMarket, type SteppedOptions, startStepped } from './stepped_market.ts';

const database = useDatabase();
expectTicksCounted(database);
const WHOLE = { from: on('9:30:00'), to: on('9:33:00') };
const cleanups: (() => unknown)[] = [];
let market: SteppedMarket;
let proxy: TcpProxy;
let names = 0;

afterEach(async () => {
  proxy?.hang(false);
  proxy?.refuse(false);
  await market?.stop();
  for (const cleanup of cleanups.splice(0)) await cleanup();
});

/** Streams whose database is behind the proxy. */
async function startBehindProxy(options: Omit<SteppedOptions, 'url' | 'name'>): Promise<void> {
  names += 1;
  proxy = await startTcpProxy(database.url());
  cleanups.push(() => proxy.stop());
  const url = proxy.through(database.url());
  const recovery = { range: { from: on('9:30:00'), to: on('9:34:00') }, answerMs: 500, ...options.recovery };
  market = await startStepped({ url, name: `outage-${names}`, streams: ['options'], ...options, recovery });
}

function spoolIn(maxBytes = 100_000_000): NonNullable<SteppedOptions['spool']> {
  const dir = mkdtempSync(join(tmpdir(), 'strikebase-spool-'));
  cleanups.push(() => rmSync(dir, { recursive: true, force: true }));
  return { dir, maxBytes, memoryBytes: 5000 };
}

async function expectRows(): Promise<void> {
  const { simulator, feeds } = market;
  const { from, to } = WHOLE;
  const of = { feed: feeds.quotes.name, from, to };
  const quotes = recordedQuotes(simulator, from, to);
  expect(quotes.length).toBeGreaterThan(800);
  expect(await stored(database.pool(), 'quotes', of)).toEqual(quotes);
  expect(await stored(database.pool(), 'optionPrints', of)).toEqual(
    recordedOptionPrints(simulator, from, to),
  );
}

function within(now: EasternUs, from: string, to: string): boolean {
  return now >= on(from) && now < on(to);
}

describe('the connection to the database', () => {
  it('that is reset, sliced, slow and silent costs no row and doubles none', {
    timeout: 60_000,
  }, async () => {
    await startBehindProxy({
      spool: spoolIn(),
      onStep: async (now) => {
        if (within(now, '9:30:10', '9:31:00') && (now / 1e6) % 5 === 0) proxy.reset();
        proxy.slice(within(now, '9:31:00', '9:31:05') ? 13 : 0);
        proxy.delay(within(now, '9:31:20', '9:31:22') ? 20 : 0);
        if (now === on('9:31:30')) {
          // Nobody says that the connection is cut: only that there is no answer tells.
          proxy.hang(true);
          setTimeout(() => proxy.hang(false), 1500);
        }
      },
    });
    await market.play();
    await market.settle();
    await expectRows();
    expect(await gapsOf(database.pool(), market.feeds.quotes.name)).toEqual([]);
  });
});

describe('a database that is away', () => {
  const isAway = (now: EasternUs): boolean => within(now, '9:30:30', '9:31:30');
  const goAway = (): void => {
    proxy.refuse(true);
    proxy.reset();
  };

  it('leaves frames on disk, which are stored when it is back; nothing was missed', async () => {
    const spool = spoolIn();
    let spooled = 0;
    await startBehindProxy({
      spool,
      isAwaited: (now) => !isAway(now) && (now / 1e6) % 5 === 0,
      onStep: (now) => {
        if (now === on('9:30:30')) goAway();
        if (now === on('9:31:29')) {
          spooled = bytesIn(spool.dir);
          proxy.refuse(false);
        }
      },
    });
    await market.play();
    await market.settle();
    await expectRows();
    expect(spooled).toBeGreaterThan(20_000);
    expect(bytesIn(spool.dir)).toBe(0);
    expect(await gapsOf(database.pool(), market.feeds.quotes.name)).toEqual([]);
  });

  it('does not keep the process when it is told to end; the next one stores what was left', async () => {
    const spool = spoolIn();
    await startBehindProxy({
      spool,
      isAwaited: (now) => !isAway(now) && (now / 1e6) % 5 === 0,
      onStep: async (now) => {
        if (now === on('9:30:30')) goAway();
        if (now !== on('9:31:20')) return;
        await market.closeStreams();
        expect(bytesIn(spool.dir)).toBeGreaterThan(20_000);
        proxy.refuse(false);
        await market.openStreams();
      },
    });
    await market.play();
    await market.settle();
    await allFilled();
    await expectRows();
    expect(await gapsOf(database.pool(), market.feeds.quotes.name)).toMatchObject([{ cause: 'restart' }]);
  });

  it('for longer than the disk has room is a gap, which REST fills; what waits on disk is not overwritten', async () => {
    const spool = spoolIn(8000);
    await startBehindProxy({
      spool,
      isAwaited: (now) => !isAway(now) && (now / 1e6) % 5 === 0,
      onStep: async (now) => {
        if (now === on('9:30:30')) goAway();
        if (now === on('9:31:29')) {
          expect(bytesIn(spool.dir)).toBeGreaterThan(4000);
          expect(bytesIn(spool.dir)).toBeLessThanOrEqual(8000);
          proxy.refuse(false);
        }
        if (now === on('9:32:30')) await allFilled();
      },
    });
    await market.play();
    await market.settle();
    await expectRows();
    expect(await gapsOf(database.pool(), market.feeds.quotes.name)).toMatchObject([
      { cause: 'spool_overflow', is_filled: true },
    ]);
  });
});

async function allFilled(): Promise<void> {
  await eventually(
    async () => {
      const gaps = await gapsOf(database.pool(), market.feeds.quotes.name);
      expect(gaps.filter((gap) => !gap.is_filled)).toEqual([]);
      expect(gaps.length).toBeGreaterThan(0);
    },
    { timeoutMs: 30_000 },
  );
}

/** Bytes of all spools below a folder. */
function bytesIn(dir: string): number {
  return readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.name.endsWith('.spool'))
    .reduce((sum, entry) => sum + statSync(join(entry.parentPath, entry.name)).size, 0);
}
