// The P/L of a day, kept and folded anew, against a fold by hand: whatever trips there are, whenever they were stored.
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { useDatabase } from '../harness.ts';

const DAYS = ['2025-10-06', '2025-10-07', '2025-10-08'] as const;
const OPEN_MINUTE = 570;
const SYMBOL = 'QQQ   251008P00600000';
const BOUND = 600 * 100;

/** A short position: sold for `sold`, bought back for `bought` (cents), in minutes of a day. */
interface Trip {
  readonly day: number;
  readonly entry: number;
  readonly minutes: number;
  readonly qty: number;
  readonly sold: number;
  readonly bought: number;
  readonly fee: number;
}

const TRIP: fc.Arbitrary<Trip> = fc.record({
  day: fc.nat({ max: DAYS.length - 1 }),
  // Few instants: entries and exits meet.
  entry: fc.integer({ min: 0, max: 12 }).map((n) => n * 5),
  minutes: fc.integer({ min: 0, max: 6 }).map((n) => n * 5),
  qty: fc.integer({ min: 1, max: 25 }),
  sold: fc.integer({ min: 1, max: 300 }),
  bought: fc.integer({ min: 1, max: 300 }),
  fee: fc.nat({ max: 900 }),
});

const netOf = (trip: Trip): number => trip.qty * (trip.sold - trip.bought) - (2 * trip.fee) / 100;
const round = (value: number): number => Math.round(value * 10_000) / 10_000;

/** A day's figures, trip by trip in the order of their events; `order` is the position's. */
function foldOf(trips: readonly (Trip & { readonly order: number })[]): Record<string, number> {
  const events = trips
    .flatMap((trip) => [
      { at: trip.entry, isEntry: 0, trip },
      { at: trip.entry + trip.minutes, isEntry: -1, trip },
    ])
    // At one instant exits come first.
    .sort((a, b) => a.at - b.at || a.isEntry - b.isEntry || a.trip.order - b.trip.order);
  let [net, high, drawdown, bound, mostBound, held, minutes] = [0, 0, 0, 0, -Infinity, 0, 0];
  for (const [index, { at, isEntry, trip }] of events.entries()) {
    const isExit = isEntry !== 0;
    held += isExit ? -1 : 1;
    bound += (isExit ? -1 : 1) * trip.qty * BOUND;
    if (isExit) net += netOf(trip);
    high = Math.max(high, net);
    drawdown = Math.max(drawdown, high - net);
    mostBound = Math.max(mostBound, bound);
    if (held > 0) minutes += (events[index + 1]?.at ?? at) - at;
  }
  return {
    trades: trips.length,
    wins: trips.filter((trip) => netOf(trip) > 0).length,
    gross: round(trips.reduce((sum, trip) => sum + trip.qty * (trip.sold - trip.bought), 0)),
    fees: round(trips.reduce((sum, trip) => sum + (2 * trip.fee) / 100, 0)),
    net: round(net),
    max_drawdown: round(drawdown),
    minutes_in_market: minutes,
    max_notional: Math.max(mostBound, trips.length > 0 ? mostBound : 0),
    contracts: trips.reduce((sum, trip) => sum + trip.qty, 0),
  };
}

const EMPTY = {
  ...{ trades: 0, wins: 0, gross: 0, fees: 0, net: 0 },
  ...{ max_drawdown: 0, minutes_in_market: 0, max_notional: 0, contracts: 0 },
};

describe('the days of a run', () => {
  const db = useDatabase();

  async function rows<Row>(text: string, values: readonly unknown[] = []): Promise<Row[]> {
    return (await db.pool().query(text, [...values])).rows as Row[];
  }
  const id = async (text: string, values: readonly unknown[] = []): Promise<number> =>
    (await rows<{ id: number }>(text, values))[0]?.id as number;

  beforeAll(async () => {
    await rows("select ref.instrument_ids($1, 'option')", [[SYMBOL]]);
    await rows(`
      select ref.feed_id('t', 'equity', 60000, 'recorded', 90000), ref.feed_id('q', 'option', 60000, 'modelled', 90000)`);
  });

  /** A backtest that has been through its days, with nothing traded yet. */
  async function openRun(mode = 'backtest'): Promise<number> {
    const runId = await id(
      `select trade.open_run($1, 'vwap_ma9', '2025-10-06', '2025-10-09', 't', 'q', '{}', 'paper', 'h', '2026-01-01') as id`,
      [mode],
    );
    await rows(
      `insert into trade.slices (run_id, ts_from, ts_to, ts_as_of, periods, revisions, signals, fills)
       values ($1, '2025-10-06', '2025-10-09', '2026-01-01', 0, 0, 0, 0)`,
      [runId],
    );
    return runId;
  }

  async function store(runId: number, trip: Trip): Promise<number> {
    const at = (minute: number): string =>
      `${DAYS[trip.day]} ${new Date((OPEN_MINUTE + minute) * 60_000).toISOString().slice(11, 16)}`;
    const ts = at(trip.entry);
    const position = await id(
      `insert into trade.decisions (run_id, ts, kind, verdict, reason, session_date, direction, instrument_id)
       select $1, $2::timestamp + (select count(*) * interval '1 microsecond' from trade.decisions where run_id = $1), 'entry', 'TRADE',
         'cross_up', $2::timestamp::date, 1, i.instrument_id
       from ref.instruments i where i.symbol = $3
       returning decision_id as id`,
      [runId, ts, SYMBOL],
    );
    const intent = await id(
      `insert into trade.order_intents (run_id, decision_id, position_id, attempt, purpose, ts, order_type, qty, slot)
       values ($1, $2, $2, 1, 'entry', $3, 'market', $4, 1) returning intent_id as id`,
      [runId, position, ts, trip.qty],
    );
    await rows(
      `insert into trade.fills (
         run_id, intent_id, position_id, leg_no, account, execution_id, ts, instrument_id, side, effect, qty, px_e4, commission, fees
       )
       select $1, $2, $3, 1, 'test', gen_random_uuid()::text, f.ts, i.instrument_id, f.side, f.effect, $4, f.cents * 100, $5, 0
       from (values ($6::timestamp, 'sell', 'open', $7::integer), ($8::timestamp, 'buy', 'close', $9::integer)) as f (ts, side, effect, cents)
       join ref.instruments i on i.symbol = $10`,
      [
        ...[runId, intent, position, trip.qty, trip.fee / 100],
        ...[ts, trip.sold, at(trip.entry + trip.minutes), trip.bought, SYMBOL],
      ],
    );
    return position;
  }

  const daysOf = (runId: number): Promise<unknown[]> =>
    rows(
      `select trades, wins, gross::float8, fees::float8, net::float8, max_drawdown::float8, minutes_in_market::float8,
         max_notional::float8, contracts
       from panel.daily_pl where run_id = $1 order by session_date`,
      [runId],
    );

  const keptOf = (runId: number): Promise<{ rows: number; standing: number }[]> =>
    rows(
      `select count(*)::integer as rows, count(*) filter (where d.trip_rows = n.trip_rows)::integer as standing
       from trade.closed_days d
       join (select session_date, count(*) as trip_rows from trade.closed_trips where run_id = $1 group by session_date) n using (session_date)
       where d.run_id = $1`,
      [runId],
    );

  it('are those of its trips, kept or not, and after trips that came when they had been kept', async () => {
    const property = fc.asyncProperty(
      fc.array(TRIP, { minLength: 1, maxLength: 12 }),
      fc.nat({ max: 12 }),
      async (trips, keptAfter) => {
        const runId = await openRun();
        const stored: (Trip & { order: number })[] = [];
        const expected = (): unknown[] =>
          DAYS.map((_, day) => {
            const ofDay = stored.filter((trip) => trip.day === day);
            return ofDay.length === 0 ? EMPTY : foldOf(ofDay);
          });
        for (const [index, trip] of trips.entries()) {
          if (index === keptAfter) await rows("select trade.store_days($1, 'infinity')", [runId]);
          stored.push({ ...trip, order: await store(runId, trip) });
        }
        expect(await daysOf(runId)).toEqual(expected());
        await rows("select trade.close_run($1, 'completed', '2026-01-01')", [runId]);
        const days = new Set(trips.map(({ day }) => day)).size;
        expect((await keptOf(runId))[0]?.standing).toBe(days);
        expect(await daysOf(runId)).toEqual(expected());
      },
    );
    await fc.assert(property, { numRuns: 40, seed: 20_261_122 });
  });

  it('are folded anew when a fill of a kept day is corrected', async () => {
    const runId = await openRun();
    const trip = { day: 1, entry: 0, minutes: 30, qty: 2, sold: 150, bought: 50, fee: 0 };
    const position = await store(runId, trip);
    await rows("select trade.close_run($1, 'completed', '2026-01-01')", [runId]);
    expect(await keptOf(runId)).toEqual([{ rows: 1, standing: 1 }]);
    // Bought back twice over, and sold again: what the broker tells later.
    await rows(
      `insert into trade.fills (run_id, intent_id, position_id, leg_no, account, execution_id, ts, instrument_id, side, effect, qty, px_e4, commission, fees)
       select f.run_id, f.intent_id, f.position_id, f.leg_no, f.account, gen_random_uuid()::text, f.ts + interval '1 minute', f.instrument_id, x.side,
         x.effect, 1, x.px_e4, 0, 0
       from trade.fills f, (values ('sell', 'open', 10000), ('buy', 'close', 4000)) as x (side, effect, px_e4)
       where f.position_id = $1 and f.effect = 'close'`,
      [position],
    );
    expect(await keptOf(runId)).toEqual([{ rows: 1, standing: 0 }]);
    expect(await daysOf(runId)).toMatchObject([EMPTY, { trades: 1, gross: 260, contracts: 3 }, EMPTY]);
  });

  it('of a live run are kept when the next one begins', async () => {
    const runId = await id(
      `select trade.open_run('live', 'vwap_ma9', '2025-10-06', '2025-10-09', 't', 'q', '{}', 'paper', 'h', '2025-10-06') as id`,
    );
    await store(runId, { day: 0, entry: 0, minutes: 5, qty: 1, sold: 10, bought: 5, fee: 1 });
    const client = await db.pool().connect();
    const kept: unknown[] = [];
    for (const to of ['2025-10-06 12:00', '2025-10-06 16:30', '2025-10-07 09:00', '2025-10-07 10:00']) {
      await client.query('begin isolation level repeatable read');
      await client.query('select trade.advance($1, $2, $2)', [runId, to]);
      await client.query('commit');
      kept.push((await keptOf(runId))[0]);
    }
    client.release();
    const [none, one] = [
      { rows: 0, standing: 0 },
      { rows: 1, standing: 1 },
    ];
    expect(kept).toEqual([none, none, one, one]);
    await rows("select trade.close_run($1, 'stopped', '2025-10-07 10:00')", [runId]);
  });

  it('go with their run', async () => {
    const runId = await openRun();
    await store(runId, { day: 0, entry: 0, minutes: 5, qty: 1, sold: 10, bought: 5, fee: 1 });
    await rows("select trade.close_run($1, 'completed', '2026-01-01')", [runId]);
    await rows('select trade.drop_run($1)', [runId]);
    expect(await rows('select from trade.closed_days where run_id = $1', [runId])).toEqual([]);
  });
});
