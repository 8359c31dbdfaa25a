// Exits on real bid and ask: SPXW options of 2021-01-04 that expired that day, minute quotes as they were recorded.
import { beforeAll, describe, expect, test } from 'vitest';
import type { OptionQuote } from '../../../core/domain.ts';
import { addMs, type EasternUs, formatEastern } from '../../../core/eastern_time.ts';
import { openImport } from '../../../ingest/files/index.ts';
import { needsSharedData, sharedData } from '../../harness.ts';
import { useBench } from '../support/connections.ts';
import { addQuotes, contract, createMarket, eastern, type Market } from '../support/market.ts';
import { createScenario, type Scenario } from '../support/scenario.ts';

const FILE = [
  'lean_data',
  'Data',
  'indexoption',
  'usa',
  'minute',
  'spxw',
  '20210104_quote_european.zip',
] as const;
const DATE = '2021-01-04';
const CONTRACTS = 10;
const bench = useBench();

needsSharedData(...FILE);
let recorded: OptionQuote[] = [];
let tape: Market;

beforeAll(async () => {
  const path = sharedData(...FILE);
  if (path === null) return;
  const file = await openImport(path, { tsRecv: eastern('2021-01-05'), format: 'lean' });
  const wanted = new Set(['C3700', 'P3700'].map((label) => contract(label, DATE, 'SPXW')));
  for await (const batch of file.batches())
    recorded.push(...batch.quotes.filter((quote) => wanted.has(quote.symbol)));
  tape = await createMarket(bench.owner());
  await addQuotes(tape, recorded);
  recorded = recorded.sort((a, b) => a.ts_event - b.ts_event);
});

interface Trip {
  readonly reason: 'take_profit' | 'stop_loss' | 'forced_flat';
  readonly ts: string;
  readonly credit: number;
  readonly paid: number;
}

const isWhole = (quote: OptionQuote): boolean =>
  (quote.bid_px_e4 ?? 0) > 0 && (quote.ask_px_e4 ?? 0) >= (quote.bid_px_e4 ?? 0);

/** Entry at the bid of a minute, then the quotes one after the other: the first ask at half or twice the credit, or 15:30. */
function tripByHand(symbol: string, entry: EasternUs): Trip {
  const quotes = recorded.filter((quote) => quote.symbol === symbol && isWhole(quote));
  const credit = quotes.find((quote) => quote.ts_event === entry)?.bid_px_e4 as number;
  const flat = eastern(`${DATE} 15:30`);
  for (const { ts_event, ask_px_e4 } of quotes) {
    if (ts_event <= entry) continue;
    const ask = ask_px_e4 as number;
    const trip = { ts: formatEastern(ts_event), credit, paid: ask };
    if (ts_event >= flat) return { reason: 'forced_flat', ...trip };
    if (ask * 2 <= credit) return { reason: 'take_profit', ...trip };
    if (ask >= credit * 2) return { reason: 'stop_loss', ...trip };
  }
  throw new Error('the recording ends before the trip does');
}

/** The same by the rules: a session made by hand crosses at the minute; nothing else of it matters. */
async function tripByRules(scenario: Scenario): Promise<Trip> {
  const run = await scenario.open(bench.runner(), {
    settings: { underlying: 'SPX', option_root: 'SPXW', contracts: CONTRACTS },
  });
  await run.to('23:00');
  const { rows } = await bench.owner().query<Trip>(
    `select exit_reason as reason, ts_exit::text as ts, (opened_notional_e4 / qty)::int as credit, (closed_notional_e4 / qty)::int as paid
     from trade.round_trips where run_id = $1`,
    [run.id],
  );
  if (rows.length !== 1 || rows[0] === undefined) throw new Error(`${rows.length} round trips`);
  return rows[0];
}

async function scenarioAt(kind: 'call' | 'put', time: string): Promise<Scenario> {
  const side = kind === 'put' ? 1 : -1;
  const { quoteFeed, quoteFeedId } = tape;
  return createScenario(bench.owner(), {
    market: { ...(await createMarket(bench.owner())), quoteFeed, quoteFeedId },
    date: DATE,
    symbol: 'SPX',
    root: 'SPXW',
    strikes: [3700],
    px: 3700,
    sides: { '09:40': -side as 1 | -1, [time]: side },
  });
}

describe('a position in a recorded option is left at the quote where a scan by hand leaves it', () => {
  const CASES: readonly (readonly [
    kind: 'call' | 'put',
    time: string,
    reason: Trip['reason'],
    ts: string,
  ])[] = [
    ['put', '10:15', 'stop_loss', '10:47:00'],
    ['put', '12:15', 'take_profit', '13:18:00'],
    ['put', '14:45', 'forced_flat', '15:30:00'],
    ['call', '10:15', 'take_profit', '11:00:00'],
    ['call', '12:45', 'stop_loss', '13:12:00'],
    ['call', '15:29', 'forced_flat', '15:30:00'],
  ];

  test.each(CASES)('a %s sold at %s: %s at %s', async (kind, time, reason, ts) => {
    const symbol = contract(kind === 'put' ? 'P3700' : 'C3700', DATE, 'SPXW');
    const byHand = tripByHand(symbol, eastern(`${DATE} ${time}`));
    const scenario = await scenarioAt(kind, time);
    expect(await tripByRules(scenario)).toEqual(byHand);
    expect(byHand).toMatchObject({ reason, ts: `${DATE} ${ts}` });
  });

  test('and the same for every half hour of the window, calls and puts', async () => {
    const reasons = new Set<string>();
    for (let ts = eastern(`${DATE} 10:00`); ts < eastern(`${DATE} 15:30`); ts = addMs(ts, 30 * 60_000)) {
      const time = formatEastern(ts).slice(11);
      for (const kind of ['call', 'put'] as const) {
        const symbol = contract(kind === 'put' ? 'P3700' : 'C3700', DATE, 'SPXW');
        const scenario = await scenarioAt(kind, time);
        const byRules = await tripByRules(scenario);
        expect(byRules, `${kind} at ${time}`).toEqual(tripByHand(symbol, ts));
        reasons.add(byRules.reason);
      }
    }
    expect([...reasons].sort()).toEqual(['forced_flat', 'stop_loss', 'take_profit']);
  });
});
