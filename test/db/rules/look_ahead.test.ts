// Rules read no clock and do not look ahead: what comes later, by its own time or by when it was received, changes nothing.
import { beforeAll, describe, expect, test } from 'vitest';
import { addMs, type EasternUs, formatEastern } from '../../../core/eastern_time.ts';
import { useBench } from '../support/connections.ts';
import { addQuotes, addTicks, createMarket, eastern, type Market } from '../support/market.ts';
import {
  countKinds,
  differences,
  dumpOf,
  HINDSIGHT,
  NO_DIFFERENCES,
  openRun,
  signalsOf,
} from '../support/runs.ts';
import { drawMarket, type SyntheticMarket } from '../support/synthetic_market.ts';

const bench = useBench();
const MONDAY = eastern('2025-12-01');
const NEXT = eastern('2025-12-02');
const at = (time: string): EasternUs => eastern(`2025-12-01 ${time}`);

function monday(): SyntheticMarket {
  const { ticks, quotes } = drawMarket(41);
  return {
    ticks: ticks.filter((row) => row.ts_event >= MONDAY),
    quotes: quotes.filter((row) => row.ts_event >= MONDAY),
  };
}

const drawn = monday();
let whole: Market;

async function load(rows: SyntheticMarket): Promise<Market> {
  const market = await createMarket(bench.owner());
  await addTicks(market, rows.ticks);
  await addQuotes(market, rows.quotes);
  return market;
}

async function runTo(market: Market, to: EasternUs, asOf: EasternUs = HINDSIGHT): Promise<string[]> {
  const run = await openRun(bench.runner(), market, {
    from: MONDAY,
    to: NEXT,
    settings: { latency_ms: 100 },
  });
  await run.advance(to, asOf);
  return dumpOf(run);
}

async function scan(market: Market, to: EasternUs, asOf: EasternUs = HINDSIGHT): Promise<unknown[]> {
  const { rows } = await bench.runner().query(
    `select s.* from ref.instruments i
     cross join lateral signal.vwap_ma9($1, $2, row(null, i.instrument_id, $3, $4, 60000, 9, null, null)::signal.context) s
     where i.symbol = 'QQQ'`,
    [formatEastern(MONDAY), formatEastern(to), market.tickFeedId, formatEastern(asOf)],
  );
  return rows;
}

beforeAll(async () => {
  whole = await load(drawn);
});

describe.each(['10:20:00', '10:33:33.333', '11:07:00.000001'])('up to %s', (time) => {
  const to = at(time);

  test('later rows change nothing', async () => {
    // A quote of the last instant is seen by the period that closes then.
    const until = {
      ticks: drawn.ticks.filter((row) => row.ts_event < to),
      quotes: drawn.quotes.filter((row) => row.ts_event <= to),
    };
    const past = await load(until);
    const rows = await runTo(past, to);
    expect(countKinds(rows)).toMatchObject({
      period: expect.any(Number),
      signal: expect.any(Number),
      fill: expect.any(Number),
    });
    expect(differences(rows, await runTo(whole, to))).toEqual(NO_DIFFERENCES);
    expect(await scan(past, to)).toEqual(await scan(whole, to));
  });

  test('rows that were received after as_of do not exist', async () => {
    const isSeen = (row: { ts_event: EasternUs }): boolean => row.ts_event % 7 !== 0;
    const late = {
      ...drawn,
      ticks: drawn.ticks.filter((_, n) => n % 5 !== 0),
      quotes: drawn.quotes.filter(isSeen),
    };
    const asOf = at('16:30');
    const unseen = <Row extends { ts_event: EasternUs }>(
      rows: readonly Row[],
      seen: readonly Row[],
    ): Row[] => {
      const known = new Set(seen);
      return rows.filter((row) => !known.has(row)).map((row) => ({ ...row, ts_recv: addMs(asOf, 1) }));
    };
    const seen = await load(late);
    const both = await load(late);
    await addTicks(both, unseen(drawn.ticks, late.ticks));
    await addQuotes(both, unseen(drawn.quotes, late.quotes));
    const rows = await runTo(seen, to, asOf);
    expect(differences(rows, await runTo(both, to, asOf))).toEqual(NO_DIFFERENCES);
    expect(await scan(seen, to, asOf)).toEqual(await scan(both, to, asOf));
    expect(differences(rows, await runTo(both, to))).not.toEqual(NO_DIFFERENCES);
  });
});

test('a scan that stores nothing finds the signals of a stored run', async () => {
  const run = await openRun(bench.runner(), whole, { from: MONDAY, to: NEXT });
  await run.advance(NEXT);
  const stored = await bench
    .runner()
    .query(
      'select ts, session_date, direction, vwap_e6, ma_e6, session_vwap_e6, close_e4 from signal.signals where run_id = $1 order by ts',
      [run.id],
    );
  expect(stored.rows.length).toBeGreaterThan(50);
  expect(await scan(whole, NEXT)).toEqual(stored.rows);
});

test('a scan may begin anywhere: it finds the same signals from there on', async () => {
  const all = (await scan(whole, NEXT)) as { ts: string }[];
  for (const from of ['09:45:00', '10:20:30', '13:00:00.000001']) {
    const { rows } = await bench.runner().query(
      `select s.* from ref.instruments i
       cross join lateral signal.vwap_ma9($1, $2, row(null, i.instrument_id, $3, $4, 60000, 9, null, null)::signal.context) s where i.symbol = 'QQQ'`,
      [formatEastern(at(from)), formatEastern(NEXT), whole.tickFeedId, formatEastern(HINDSIGHT)],
    );
    expect(rows).toEqual(all.filter((row) => row.ts > formatEastern(at(from))));
  }
});

describe('nothing comes of nothing:', () => {
  test('an empty market has no signal', async () => {
    const market = await createMarket(bench.owner());
    expect(await scan(market, NEXT)).toEqual([]);
    const run = await openRun(bench.runner(), market, { from: MONDAY, to: NEXT });
    await run.advance(NEXT);
    expect(await signalsOf(run)).toEqual([]);
    expect(countKinds(await dumpOf(run))).toEqual({ period: 390, decision: 390, slot: 1 });
  });

  test('an empty range has no row', async () => {
    expect(await scan(whole, MONDAY)).toEqual([]);
    const run = await openRun(bench.runner(), whole, { from: MONDAY, to: NEXT });
    expect(await run.advance(MONDAY)).toBeNull();
    expect(await run.advance(addMs(MONDAY, -1))).toBeNull();
    expect(countKinds(await dumpOf(run))).toEqual({ slot: 1 });
  });

  test('and a run goes no further than its end, and never back', async () => {
    const run = await openRun(bench.runner(), whole, { from: MONDAY, to: at('10:00') });
    expect(await run.advance(NEXT)).toMatchObject({ ts_to: '2025-12-01 10:00:00' });
    expect(await run.advance(NEXT)).toBeNull();
    expect(await run.advance(at('09:40'))).toBeNull();
  });
});
