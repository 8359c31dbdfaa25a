// What is Tradier's own: spreads with legs or without, previews, tags, totals in place of fills, accounts, limits.
import { describe, expect, it } from 'vitest';
import { systemClock } from '../../../../core/clock.ts';
import { parseConfig } from '../../../../core/config.ts';
import { addMs, type EasternUs } from '../../../../core/eastern_time.ts';
import type { OsiSymbol } from '../../../../core/osi_symbol.ts';
import type { Broker, BrokerFill, BrokerOrder } from '../../../../jobs/brokers/broker.ts';
import { openBroker } from '../../../../jobs/brokers/open_broker.ts';
import { createFillBook } from '../../../../jobs/brokers/tradier/fill_book.ts';
import { createTradierBroker } from '../../../../jobs/brokers/tradier/tradier_broker.ts';
import { eventually } from '../../../harness.ts';
import { movableClock } from '../schwab/support.ts';
import { type SimulatedTradier, simulatedTradier } from './simulated.ts';

const SHORT = 'SPXW  261125P05900000' as OsiSymbol;
const LONG = 'SPXW  261125P05875000' as OsiSymbol;

function spread(more: Partial<BrokerOrder> = {}): BrokerOrder {
  return {
    legs: [
      { symbol: SHORT, side: 'sell', effect: 'open', ratio: 1 },
      { symbol: LONG, side: 'buy', effect: 'open', ratio: 1 },
    ],
    ...{ qty: 2, type: 'limit', isCredit: true, limit_px_e4: 15_000, stop_px_e4: null },
    ...more,
  };
}

function quote({ venue }: SimulatedTradier, sz = 1000): void {
  venue.setQuote(SHORT, { bid_e4: 60_000, ask_e4: 61_000, sz });
  venue.setQuote(LONG, { bid_e4: 43_000, ask_e4: 44_000, sz });
}

async function taken(
  broker: Broker,
  order: BrokerOrder,
  clientId: string,
  onPreview?: (preview: unknown) => Promise<void>,
) {
  const outcome = await broker.submit(order, { clientId, priority: 'entry', onPreview });
  if (outcome.kind !== 'submitted') throw new Error(JSON.stringify(outcome));
  return outcome;
}

/** Another process at the same simulator. */
function second(
  world: SimulatedTradier,
  knownFills?: (id: string) => Promise<readonly BrokerFill[]>,
): Broker {
  const { simulator, clock } = world;
  return createTradierBroker({
    ...{ tradierBaseUrl: simulator.restUrl, tradierToken: simulator.token, tradierAccount: null, clock },
    ...(knownFills === undefined ? {} : { knownFills }),
  });
}

describe('a credit spread', () => {
  it('is previewed, sent as one once the preview is stored, and reported leg by leg', async () => {
    const world = await simulatedTradier();
    quote(world);
    const previews: unknown[] = [];
    const outcome = await taken(world.broker, spread(), 'strikebase-1', async (preview) => {
      expect(world.venue.orders()).toEqual([]);
      previews.push(preview);
    });
    expect(previews).toMatchObject([{ order: { status: 'ok', result: true, class: 'multileg' } }]);
    const report = await world.broker.order(outcome.venueOrderId);
    expect(report).toMatchObject({
      state: 'filled',
      filledQty: 2,
      order: spread(),
      clientId: 'strikebase-1',
    });
    expect(report?.fills).toMatchObject([
      { legNo: 1, qty: 2, px_e4: 60_000 },
      { legNo: 2, qty: 2, px_e4: 44_000 },
    ]);
    const kinds = world.simulator.requests().map((request) => request.operation);
    expect(kinds.slice(0, 2)).toEqual(['POST preview', 'POST order']);
  });

  it('that the preview refuses is rejected, and one whose preview is not answered is not sent', async () => {
    const world = await simulatedTradier();
    quote(world);
    const wrongTick = spread({ limit_px_e4: 15_200 });
    expect(await world.broker.submit(wrongTick, { clientId: 'a-1', priority: 'entry' })).toMatchObject({
      kind: 'rejected',
      reason: expect.stringMatching(/preview: .*increment/),
    });
    for (const fault of [
      { kind: 'html', status: 502, accept: false },
      { kind: 'hang', accept: false },
    ] as const) {
      world.simulator.script.next('POST preview', fault);
      const outcome = await world.broker.submit(spread(), { clientId: 'a-2', priority: 'entry' });
      expect(outcome.kind).toBe('not_sent');
    }
    const about = {
      clientId: 'a-2',
      priority: 'entry',
      onPreview: () => Promise.reject(new Error('disk full')),
    } as const;
    expect(await world.broker.submit(spread(), about)).toMatchObject({ kind: 'not_sent' });
    expect(world.venue.orders()).toEqual([]);
    await taken(world.broker, spread(), 'a-2');
  });

  it('whose legs are left out of reports is known by its tag, also to another process', async () => {
    const world = await simulatedTradier({ simulator: { omitsLegs: true } });
    quote(world);
    const { venueOrderId } = await taken(world.broker, spread(), 'strikebase-7');
    for (const broker of [world.broker, second(world)]) {
      const report = await broker.order(venueOrderId);
      expect(report).toMatchObject({
        state: 'filled',
        order: spread(),
        clientId: 'strikebase-7',
        filledQty: 2,
      });
      // The parent's price is negative for a credit: 60,000 less 44,000 is what came in.
      expect(report?.fills.map((fill) => [fill.legNo, fill.qty, fill.px_e4])).toEqual([
        [1, 2, 16_000],
        [2, 2, 0],
      ]);
      await broker.close();
    }
  });

  it('of an index over two expirations is refused in Tradier’s words', async () => {
    const world = await simulatedTradier();
    const legs = [
      { symbol: SHORT, side: 'sell', effect: 'open', ratio: 1 },
      { symbol: 'SPXW  261127P05875000', side: 'buy', effect: 'open', ratio: 1 },
    ] as const;
    const outcome = await world.broker.submit(spread({ legs }), { clientId: 'b-1', priority: 'entry' });
    expect(outcome).toMatchObject({
      kind: 'rejected',
      reason: expect.stringContaining('IndexOptionsOneExparyDate'),
    });
  });
});

describe('fills out of totals', () => {
  it('are the same contracts to two processes that look at other moments, when what is recorded is known', async () => {
    const world = await simulatedTradier();
    quote(world, 3);
    const { venueOrderId } = await taken(world.broker, spread({ qty: 10 }), 'c-1');
    const before = (await world.broker.order(venueOrderId))?.fills ?? [];
    expect(before.map((fill) => [fill.legNo, fill.qty])).toEqual([
      [1, 3],
      [2, 3],
    ]);
    world.venue.setQuote(SHORT, { bid_e4: 62_000, ask_e4: 63_000, sz: 7 });
    world.venue.setQuote(LONG, { bid_e4: 43_000, ask_e4: 44_000, sz: 7 });
    const other = second(world, async () => before);
    await eventually(async () => {
      const report = await other.order(venueOrderId);
      expect(report?.state).toBe('filled');
      expect(report?.fills.slice().sort((a, b) => a.legNo - b.legNo)).toMatchObject([
        { ...before[0] },
        { legNo: 1, qty: 7, px_e4: 62_000 },
        { ...before[1] },
        { legNo: 2, qty: 7, px_e4: 44_000 },
      ]);
    });
    await other.close();
  });

  it('come to the money of the averages, however they are rounded and cut', async () => {
    const book = createFillBook();
    const ts = 0 as EasternUs;
    const prices = [1.05, 1.1, 1.15, 1.05, 1.2, 1.05, 1.3];
    let worth = 0;
    for (const [i, px] of prices.entries()) {
      worth += px;
      if (i === 2) continue;
      const totals = { legNo: 1, qty: i + 1, avgPx: worth / (i + 1), last: null };
      const fills = await book.fills('1', [totals], ts);
      const money = fills.reduce((sum, fill) => sum + fill.qty * fill.px_e4, 0);
      expect(Math.abs(money - worth * 1e4)).toBeLessThanOrEqual(1);
      expect(new Set(fills.map((fill) => fill.executionId)).size).toBe(fills.length);
    }
    // An older answer that comes late knows of less, and takes nothing back.
    expect(await book.fills('1', [{ legNo: 1, qty: 2, avgPx: 1.075, last: null }], ts)).toHaveLength(2);
    expect(await book.fills('1', [{ legNo: 1, qty: 7, avgPx: worth / 7, last: null }], ts)).toHaveLength(6);
  });
});

describe('orders of other kinds', () => {
  it('are told as they are: each of a pair that cancels the other is an order', async () => {
    const world = await simulatedTradier();
    quote(world);
    const opened = spread({
      legs: [spread().legs[1] as BrokerOrder['legs'][number]],
      isCredit: false,
      limit_px_e4: 44_000,
    });
    await taken(world.broker, opened, 'd-1');
    const form = new URLSearchParams({ class: 'oco', duration: 'day' });
    for (const [i, fields] of [
      { type: 'limit', price: '9.00' },
      { type: 'stop', stop: '2.00' },
    ].entries()) {
      const leg = {
        symbol: 'SPX',
        option_symbol: 'SPXW261125P05875000',
        side: 'sell_to_close',
        quantity: '2',
      };
      for (const [name, value] of Object.entries({ ...leg, ...fields })) form.set(`${name}[${i}]`, value);
    }
    world.simulator.manualOrder(form.toString());
    const reports = await world.broker.ordersSince(addMs(world.clock.now(), -60_000));
    expect(reports.map((report) => [report.order.type, report.state])).toEqual([
      ['limit', 'filled'],
      ['limit', 'working'],
      ['stop', 'working'],
    ]);
    world.venue.setQuote(LONG, { bid_e4: 90_000, ask_e4: 91_000 });
    await eventually(async () => {
      const after = await world.broker.ordersSince(addMs(world.clock.now(), -60_000));
      expect(after.map((report) => report.state)).toEqual(['filled', 'filled', 'canceled']);
    });
  });

  it('of an earlier day are found by the list with a filter', async () => {
    const clock = movableClock();
    const world = await simulatedTradier({ simulator: { clock, hours: 'always' }, broker: { clock } });
    quote(world);
    const { venueOrderId } = await taken(world.broker, spread({ limit_px_e4: 90_000 }), 'e-1');
    const entered = clock.now();
    clock.move(86_400_000);
    expect(await world.broker.ordersSince(clock.now())).toEqual([]);
    const found = await world.broker.ordersSince(addMs(entered, -1000));
    expect(found.map((report) => report.venueOrderId)).toEqual([venueOrderId]);
  });
});

describe('the account', () => {
  it('is the only one of the token, and another’s number is not "no such order"', async () => {
    const world = await simulatedTradier({ broker: { tradierAccount: null } });
    expect((await world.broker.account()).buyingPower).toBeGreaterThan(0);
    const wrong = await simulatedTradier({ broker: { tradierAccount: 'VA00000000' } });
    await expect(wrong.broker.order('257460')).rejects.toThrow(/no such account/);
    await expect(wrong.broker.positions()).rejects.toThrow(/no such account/);
    expect((await wrong.broker.checks())[0]).toMatchObject({ isOk: false });
  });

  it('of the sandbox needs no leave to trade, the live one does', async () => {
    const environment = { BROKER: 'tradier', TRADIER_TOKEN: 'token' };
    const broker = await openBroker(parseConfig(environment), systemClock());
    expect(broker.name).toBe('tradier');
    await broker.close();
    const live = parseConfig({ ...environment, TRADIER_BASE_URL: 'https://api.tradier.com/v1' });
    await expect(openBroker(live, systemClock())).rejects.toThrow(/LIVE_TRADING/);
  });
});

describe('Tradier’s limit', () => {
  it.each([429, 400] as const)('told by a %s stops entries until its minute is over', async (quotaStatus) => {
    const limits = { standard: 100, market: 100, trading: 2 };
    const world = await simulatedTradier({ simulator: { limits, quotaStatus } });
    quote(world);
    await taken(world.broker, spread(), 'f-1');
    const exit = spread({
      legs: [{ symbol: LONG, side: 'sell', effect: 'close', ratio: 1 }],
      qty: 1,
      limit_px_e4: 43_000,
    });
    const refused = await world.broker.submit(exit, { clientId: 'f-2', priority: 'exit' });
    expect(refused).toMatchObject({ kind: 'rejected', reason: expect.stringMatching(/^rate limit/) });
    const entry = await world.broker.submit(spread(), { clientId: 'f-3', priority: 'entry' });
    expect(entry.kind).toBe('not_sent');
    expect((await world.broker.checks()).find((check) => check.name === 'broker requests')?.isOk).toBe(false);
    expect(world.venue.requests('submit')).toBe(2);
  });
});
