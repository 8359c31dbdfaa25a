// A download from the simulator's REST: what its tape says, whatever goes wrong on the way.
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { SessionDate } from '../../core/eastern_time.ts';
import { historyFeeds } from '../../ingest/massive_history/history_feeds.ts';
import type { HistoryRequest } from '../../ingest/massive_history/plan.ts';
import { loadCalendar } from '../../ingest/massive_history/sessions.ts';
import { type MassiveSimulator, startMassiveSimulator } from '../../sim/massive_server.ts';
import { createTape } from '../../sim/tape.ts';
import { useDownloads } from '../ingest/massive_history/bench.ts';
import { API_KEY } from '../ingest/massive_history/vendor.ts';
import { at, session } from '../sim/sessions.ts';

const bench = useDownloads();
const DAYS = [session('2026-06-16', '09:30', '09:40'), session('2026-06-17', '09:30', '09:40')] as const;
const OPTIONS = { ...DAYS[1], seed: 3, strikesEachSide: 5 };
let simulator: MassiveSimulator;

beforeAll(async () => {
  simulator = await startMassiveSimulator({
    ...OPTIONS,
    speed: 'max',
    apiKey: API_KEY,
    history: [DAYS[0]],
    onRecord: 'whole',
  });
});
afterAll(() => simulator.stop());

/** Events of the tapes by channel and symbol, and minutes with a second in them. */
function truth(): { events: Map<string, number>; minutes: number } {
  const events = new Map<string, number>();
  const minutes = new Set<number>();
  for (const day of DAYS) {
    for (const { startMs, events: of } of createTape({ ...OPTIONS, ...day }).seconds()) {
      for (const { pair } of [...of.stocks, ...of.options]) {
        events.set(pair, (events.get(pair) ?? 0) + 1);
        if (pair === 'A.QQQ') minutes.add(Math.floor(startMs / 60_000));
      }
    }
  }
  return { events, minutes: minutes.size };
}

it('has every bar and every tick of the chosen contracts, in spite of every fault', async () => {
  const range = { from: '2026-06-16' as SessionDate, to: '2026-06-17' as SessionDate };
  const { sessions } = await loadCalendar(bench.writer(), range, at('2026-06-18 09:00:00'));
  const feeds = historyFeeds(simulator.restUrl, bench.feeds());
  const request: HistoryRequest = {
    ...{ symbol: 'QQQ', isIndex: false, span: 'minute', kinds: ['trades', 'quotes'], strikes: 3 },
    ...{ sessions, feeds },
  };
  const where = { restUrl: simulator.restUrl };
  for (const kind of ['bad_gateway', 'too_many', 'too_many_empty', 'truncated', 'reset'] as const) {
    for (const path of ['/v2/aggs', '/v3/trades', '/v3/quotes', '/v3/reference'])
      simulator.failRest({ kind, path });
  }
  simulator.failRest({ kind: 'foreign_next', path: '/v3/quotes' });
  await expect(bench.take(request, where)).rejects.toThrow('not on http://127.0.0.1');
  const { empty } = await bench.take(request, where);
  expect(empty).toEqual([]);

  const { events, minutes } = truth();
  const tickers = await bench.chosen();
  expect(tickers.length).toBeGreaterThanOrEqual(12);
  const sum = (channel: string): number =>
    tickers.reduce((total, ticker) => total + (events.get(`${channel}.${ticker}`) ?? 0), 0);
  const [quotes, trades] = [sum('Q'), sum('T')];
  expect(await bench.stored()).toMatchObject({
    ...{ bars: minutes, quotes, trades, begun: 0 },
    counted: minutes + quotes + trades,
  });
});
