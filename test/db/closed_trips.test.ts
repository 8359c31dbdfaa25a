// Stored trips against the fold of their fills: whatever fills come, in whatever order, the last revision is what they add up to.
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { migrate } from '../../db/migrate.ts';
import { useDatabase } from '../harness.ts';

const DAY = '2025-10-06';
const STRIKES = [600, 575, 550] as const;
const SYMBOLS = STRIKES.map((strike) => `QQQ   251006P00${strike}000`);
const EXIT_REASON = 'stop_loss';

interface Fill {
  readonly leg: number;
  readonly effect: 'open' | 'close';
  readonly qty: number;
  readonly px_e4: number;
  readonly fee_e4: number;
}

/** What happens to a position: fills that are stored by one statement, or the decision to leave it. */
type Step = readonly Fill[] | 'exit';

interface Trip {
  readonly symbol: string | undefined;
  readonly legs: number;
  readonly qty: number;
  readonly opened: number;
  readonly closed: number;
  readonly bound: number;
  readonly gross: number;
  readonly net: number;
  readonly exit_reason: string;
}

// The first leg is sold, those behind it are bought.
const isSale = ({ leg, effect }: Fill): boolean => (leg === 0) === (effect === 'open');
const sumOf = (fills: readonly Fill[], of: (fill: Fill) => number): number =>
  fills.reduce((sum, fill) => sum + of(fill), 0);

/** A second fold, by hand: null unless every leg is flat. */
function foldOf(fills: readonly Fill[], isLeft: boolean): Trip | null {
  const legs = [...new Set(fills.map(({ leg }) => leg))].sort();
  const held = (leg: number): number =>
    sumOf(fills, (f) => (f.leg === leg ? (f.effect === 'open' ? f.qty : -f.qty) : 0));
  if (fills.length === 0 || legs.some((leg) => held(leg) !== 0)) return null;
  const opening = fills.filter(({ effect }) => effect === 'open');
  const closing = fills.filter(({ effect }) => effect === 'close');
  // A single leg has prices; several have a credit and what closing it costs.
  const px = (f: Fill): number => (legs.length > 1 && f.leg > 0 ? -1 : 1) * f.qty * f.px_e4;
  const qty = Math.max(...legs.map((leg) => sumOf(opening, (f) => (f.leg === leg ? f.qty : 0))));
  const strikes = legs.map((leg) => STRIKES[leg] as number);
  const width = legs.length === 1 ? Math.max(...strikes) : Math.max(...strikes) - Math.min(...strikes);
  const gross = sumOf(fills, (f) => (isSale(f) ? 100 : -100) * f.qty * f.px_e4);
  return {
    ...{ symbol: SYMBOLS[legs[0] as number], legs: legs.length, qty },
    ...{ opened: sumOf(opening, px), closed: sumOf(closing, px), bound: width * 10_000 * 100 * qty },
    ...{ gross, net: gross - sumOf(fills, ({ fee_e4 }) => 2 * fee_e4) },
    exit_reason: isLeft ? EXIT_REASON : 'protective_stop',
  };
}

const fillOf = (legs: number): fc.Arbitrary<Fill> =>
  fc.record({
    leg: fc.nat({ max: legs - 1 }),
    effect: fc.constantFrom('open', 'close'),
    qty: fc.integer({ min: 1, max: 3 }),
    px_e4: fc.integer({ min: 0, max: 90_000 }),
    fee_e4: fc.nat({ max: 20_000 }),
  });

/** What closes all that is open: without it few histories would ever be flat. */
const FLATTEN = 'flatten';

const HISTORIES = fc
  .integer({ min: 1, max: 3 })
  .chain((legs) =>
    fc.array(
      fc.oneof(
        { weight: 4, arbitrary: fc.array(fillOf(legs), { minLength: 1, maxLength: 3 }) },
        { weight: 4, arbitrary: fc.constant(FLATTEN) },
        { weight: 1, arbitrary: fc.constant('exit') },
      ),
      { minLength: 2, maxLength: 10 },
    ),
  );

function flatten(fills: readonly Fill[]): Fill[] {
  return [...new Set(fills.map(({ leg }) => leg))].flatMap((leg): Fill[] => {
    const held = sumOf(fills, (f) => (f.leg === leg ? (f.effect === 'open' ? f.qty : -f.qty) : 0));
    const effect = held > 0 ? 'close' : 'open';
    return held === 0 ? [] : [{ leg, effect, qty: Math.abs(held), px_e4: 12_300, fee_e4: 5_000 }];
  });
}

describe('closed trips', () => {
  const db = useDatabase();
  let runId = 0;
  let minute = 0;

  async function rows<Row>(text: string, values: readonly unknown[] = []): Promise<Row[]> {
    return (await db.pool().query(text, [...values])).rows as Row[];
  }

  async function id(text: string, values: readonly unknown[] = []): Promise<number> {
    const [row] = await rows<{ id: string }>(text, values);
    return Number(row?.id);
  }

  /** A position without a fill: its decision and one intent, to which all fills are attributed. */
  async function openPosition(
    instrument: number | null = null,
  ): Promise<{ position: number; intent: number }> {
    minute += 1;
    const position = await id(
      `insert into trade.decisions (run_id, ts, kind, verdict, reason, session_date, direction, instrument_id)
       values ($1, $2::timestamp + $3 * interval '1 second', 'entry', 'TRADE', 'cross_up', $2::timestamp::date, 1, $4) returning decision_id as id`,
      [runId, `${DAY} 10:00`, minute, instrument],
    );
    const intent = await id(
      `insert into trade.order_intents (run_id, decision_id, position_id, attempt, purpose, ts, order_type, qty, slot)
       values ($1, $2, $2, 1, 'entry', $3, 'market', 1, 1) returning intent_id as id`,
      [runId, position, `${DAY} 10:00`],
    );
    return { position, intent };
  }

  async function store(of: { position: number; intent: number }, fills: readonly Fill[]): Promise<void> {
    await rows(
      `insert into trade.fills (
         run_id, intent_id, position_id, leg_no, account, execution_id, ts, instrument_id, side, effect, qty, px_e4, commission, fees
       )
       select
         $1, $2, $3, f.leg + 1, 'test', gen_random_uuid()::text, $4, i.instrument_id, f.side, f.effect, f.qty, f.px_e4,
         f.fee_e4 / 10000.0, f.fee_e4 / 10000.0
       from jsonb_to_recordset($5) as f (leg integer, side text, effect text, qty integer, px_e4 integer, fee_e4 integer)
       join ref.instruments i on i.symbol = ($6::text[])[f.leg + 1]`,
      [
        ...[runId, of.intent, of.position, `${DAY} 10:05`],
        JSON.stringify(fills.map((fill) => ({ ...fill, side: isSale(fill) ? 'sell' : 'buy' }))),
        SYMBOLS,
      ],
    );
  }

  async function leave(of: { position: number }): Promise<void> {
    await rows(
      `insert into trade.decisions (run_id, ts, kind, verdict, reason, session_date, position_id)
       values ($1, $2::timestamp, 'exit', 'TRADE', $3, $2::timestamp::date, $4)`,
      [runId, `${DAY} 10:05`, EXIT_REASON, of.position],
    );
  }

  const storedOf = (position: number): Promise<Trip[]> =>
    rows(
      `select i.symbol, t.legs, t.qty, t.opened_notional_e4::float8 as opened, t.closed_notional_e4::float8 as closed, t.bound_e4::float8 as bound,
         t.gross_e4::float8 as gross, t.net_e4::float8 as net, t.exit_reason
       from trade.round_trips t join ref.instruments i using (instrument_id) where t.position_id = $1`,
      [position],
    );

  /** Plays a history, and looks after every step of it. */
  async function play(history: readonly (Step | typeof FLATTEN)[]): Promise<void> {
    const of = await openPosition();
    const fills: Fill[] = [];
    let isLeft = false;
    for (const step of history) {
      if (step === 'exit') {
        if (!isLeft) await leave(of);
        isLeft = true;
      } else {
        const news = step === FLATTEN ? flatten(fills) : step;
        await store(of, news);
        fills.push(...news);
      }
      const expected = foldOf(fills, isLeft);
      expect(await storedOf(of.position)).toEqual(expected === null ? [] : [expected]);
    }
  }

  beforeAll(async () => {
    await db.pool().query("select ref.instrument_ids($1, 'option')", [SYMBOLS]);
    await db.pool().query(`
      select ref.feed_id('t', 'equity', 60000, 'recorded', 90000), ref.feed_id('q', 'option', 60000, 'modelled', 90000)`);
    runId = await id(
      `select trade.open_run('backtest', 'vwap_ma9', '2025-10-06', '2025-10-09', 't', 'q', '{}', 'paper', 'h', '2026-01-01') as id`,
    );
  });

  it('are what their fills add up to, at every moment of any history', async () => {
    await fc.assert(fc.asyncProperty(HISTORIES, play), { numRuns: 60, seed: 20_261_122 });
    const [counted] = await rows<{ trips: number; revised: number; reopened: number }>(
      `select count(*) filter (where revision = 0)::integer as trips, count(*) filter (where revision > 0)::integer as revised,
         count(*) filter (where not is_flat)::integer as reopened
       from trade.closed_trips where run_id = $1`,
      [runId],
    );
    // The histories have met every case.
    expect(counted?.trips).toBeGreaterThan(20);
    expect(counted?.revised).toBeGreaterThan(10);
    expect(counted?.reopened).toBeGreaterThan(5);
  });

  it('of a vertical are one row, open until both legs are flat, with its credit and its width', async () => {
    const spread = await id(
      'select ref.spread_id(array[-a.instrument_id, b.instrument_id]) as id from ref.instruments a, ref.instruments b where a.symbol = $1 and b.symbol = $2',
      SYMBOLS.slice(0, 2),
    );
    const of = await openPosition(spread);
    const leg = (n: number, effect: Fill['effect'], px: number): Fill => ({
      ...{ leg: n, effect, qty: 2, px_e4: px * 10_000, fee_e4: 5_000 },
    });
    const trips = (): Promise<unknown[]> =>
      rows(
        'select contract, qty, entry_px, exit_px, gross, net, notional from panel.round_trips where position_id = $1',
        [of.position],
      );
    await store(of, [leg(0, 'open', 3.1), leg(1, 'open', 1.9)]);
    expect(await trips()).toEqual([]);
    await store(of, [leg(0, 'close', 0.9)]);
    expect(await trips()).toEqual([]);
    await store(of, [leg(1, 'close', 0.5)]);
    expect(await trips()).toEqual([
      {
        contract: 'QQQ 251006 P600/P575',
        qty: '2',
        // Sold for 3.10 - 1.90, bought back for 0.90 - 0.50.
        entry_px: '1.2000',
        exit_px: '0.4000',
        gross: '160.00',
        net: '156.0000',
        notional: '5000.00',
      },
    ]);
  });

  it('are made of the fills that an older version has stored', async () => {
    const stored = (): Promise<unknown[]> =>
      rows('select t.* from trade.round_trips t where t.run_id = $1 order by t.position_id', [runId]);
    const before = await stored();
    expect(before.length).toBeGreaterThan(20);
    await rows('drop table trade.closed_trips cascade');
    await rows("delete from engine.migrations where name like '0020%'");
    await migrate(db.url());
    expect(await stored()).toEqual(before);
    expect(await rows('select 1 from trade.closed_trips where revision > 0')).toEqual([]);
  });

  it('go with their run', async () => {
    await rows('select trade.drop_run($1)', [runId]);
    expect(await rows('select 1 from trade.closed_trips')).toEqual([]);
  });
});
