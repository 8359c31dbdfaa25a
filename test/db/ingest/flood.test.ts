// A flood of quotes while the database stands still and the process is stopped for two seconds: all of them are stored, in bounded memory.
import { readFileSync } from 'node:fs';
import { afterEach, expect, it } from 'vitest';
import { toMassive } from '../../../core/osi_symbol.ts';
import { massiveFeeds } from '../../../ingest/stream_feed.ts';
import { createStreamWriter } from '../../../ingest/stream_writer.ts';
import type { MassiveSimulator } from '../../../sim/massive_server.ts';
import { eventually, useDatabase } from '../../harness.ts';
import { startTcpProxy, type TcpProxy } from '../../tcp_proxy.ts';
import { useIngesters } from './ingesters.ts';
import { knowSession, wholeSecondNow } from './market_now.ts';
import { UNDERLYING } from './row_words.ts';

const database = useDatabase();
let proxy: TcpProxy;
let market: MassiveSimulator;
const ingesters = useIngesters(() => proxy.through(database.url()));

const PER_SECOND = 150_000;
// Ten seconds by hand: FLOOD_SECONDS=10.
const SECONDS = Number(process.env.FLOOD_SECONDS ?? 3);
const TURN_MS = 10;
const EVENTS_A_FRAME = 100;
// Above every sequence of the tape.
const FIRST_SEQUENCE = 6_000_000_000;
const MAX_RSS_MB = 450;

afterEach(async () => {
  proxy?.hang(false);
  ingesters.killAll();
  await market?.stop();
  await proxy?.stop();
});

/** The price that the option stream reads from the database to know which contracts to take. */
async function storePrice(): Promise<void> {
  const { ticks } = massiveFeeds(market.wsUrl, 'seconds');
  const writer = await createStreamWriter({ url: database.url(), stream: 'test', feed: ticks });
  const at = wholeSecondNow();
  const [open_e4, vwap_e6] = [6_100_000, 610_000_000];
  const prices = {
    open_e4,
    high_e4: open_e4,
    low_e4: open_e4,
    close_e4: open_e4,
    vwap_e6,
    vwap_is_typical: false,
  };
  const tick = { symbol: UNDERLYING, ts_event: at, event_ns: 0, seq: 0, span_ms: 1000, ...prices };
  const batch = { quotes: [], trades: [], rejected: [], completeTo: null, receivedAt: at };
  await writer.write({ ...batch, ticks: [{ ...tick, volume_e6: 1, trade_count: null, ts_recv: at }] });
  await writer.close();
}

async function countOf(where: string): Promise<number> {
  const { rows } = await database.pool().query<{ count: number }>(
    `select count(*)::integer as count from market.option_quotes q join ref.feeds f using (feed_id)
     where f.name = 'sim-massive-quotes' and ${where}`,
  );
  return rows[0]?.count ?? 0;
}

async function rowsMarked(): Promise<number> {
  const { rows } = await database
    .pool()
    .query<{ rows_in: string }>("select rows_in from ops.stream_marks where stream = 'options'");
  return Number(rows[0]?.rows_in ?? 0);
}

/** Sends quotes of every contract at the given rate; returns how many. */
async function flood(onTurn: (ms: number) => void): Promise<number> {
  const tickers = market.contracts.map(({ symbol }) => toMassive(symbol));
  const began = performance.now();
  let sent = 0;
  for (let ms = 0; ms < SECONDS * 1000; ms += TURN_MS) {
    const t = Date.now();
    for (; sent < (PER_SECOND * (ms + TURN_MS)) / 1000; sent += EVENTS_A_FRAME) {
      const events = Array.from({ length: EVENTS_A_FRAME }, (_, i) => {
        const q = FIRST_SEQUENCE + sent + i;
        return {
          ev: 'Q',
          sym: tickers[q % tickers.length],
          bx: 302,
          bp: 1.2,
          bs: 5,
          ax: 308,
          ap: 1.25,
          as: 7,
          t,
          q,
        };
      });
      market.inflict('options', { kind: 'say', data: JSON.stringify(events) });
    }
    onTurn(ms);
    const aheadMs = ms + TURN_MS - (performance.now() - began);
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, aheadMs)));
  }
  return sent;
}

function peakMegabytes(pid: number): number {
  return Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024;
}

it('150,000 quotes a second, with the database standing still', { timeout: 240_000 }, async () => {
  proxy = await startTcpProxy(database.url());
  market = await ingesters.open();
  await knowSession(database.pool(), market.session);
  await storePrice();
  const ingester = ingesters.ingest(['options', '--strikes', '9']);
  await ingester.saying(/live/);
  await eventually(async () => expect(await countOf('true')).toBeGreaterThan(0), { timeoutMs: 20_000 });
  proxy.hang(true);
  const { pid = 0 } = ingester.child;
  const sent = await flood((ms) => {
    if (ms === 500) process.kill(pid, 'SIGSTOP');
    if (ms === 2500) process.kill(pid, 'SIGCONT');
  });
  proxy.hang(false);
  // By the mark first: counting a million rows again and again would take the server's time.
  await eventually(async () => expect(await rowsMarked()).toBeGreaterThanOrEqual(sent), {
    timeoutMs: 180_000,
  });
  expect(await countOf(`q.seq >= ${FIRST_SEQUENCE}`)).toBe(sent);
  if (process.platform === 'linux') expect(peakMegabytes(pid)).toBeLessThan(MAX_RSS_MB);
  const { rows } = await database.pool().query('select cause from ops.feed_gaps');
  expect(rows).toEqual([]);
});
