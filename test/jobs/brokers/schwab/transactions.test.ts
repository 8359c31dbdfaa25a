// What Schwab booked: recorded payloads, and a simulated day of trading.
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { addMs, type EasternUs } from '../../../../core/eastern_time.ts';
import { eventually, needsSharedData, sharedData } from '../../../harness.ts';
import { brokerWith } from './answering.ts';
import { simulatedSchwab } from './simulated.ts';
import { CALL, NOON, shortCall } from './support.ts';

const DAY_MS = 86_400_000;
const RANGE = { from: addMs(NOON, -DAY_MS), to: addMs(NOON, DAY_MS) };

describe('recorded transactions', () => {
  const BODIES = [
    'schwab',
    'schwab_rb',
    'spec',
    'factories',
    'body_json',
    'transactions_response_body.json',
  ] as const;
  needsSharedData(...BODIES);

  it('are trades whose items less fees are their net amount', async () => {
    const recorded = JSON.parse(readFileSync(sharedData(...BODIES) ?? '', 'utf8')) as unknown[];
    const { broker, server } = await brokerWith({ '/accounts/H/transactions': recorded });
    const from = addMs(NOON, -350 * DAY_MS * 2) as EasternUs;
    const trades = await broker.transactions({ from, to: addMs(from, 365 * DAY_MS), types: ['TRADE'] });
    expect(trades.length).toBe(recorded.length);
    for (const trade of trades) {
      const items = trade.items.reduce((sum, item) => sum + item.amount_e4, 0);
      const fees = trade.fees.reduce((sum, fee) => sum + fee.amount_e4, 0);
      expect(items - fees).toBe(trade.net_amount_e4);
    }
    expect(trades.map((trade) => trade.ts)).toEqual(trades.map((trade) => trade.ts).sort((a, b) => a - b));
    expect(trades.find((trade) => trade.transactionId === '90933359945')).toMatchObject({
      venueOrderId: '1002581898359',
      net_amount_e4: 2_193_300,
      items: [
        { symbol: 'MRVL  250321P00090000', qty: -1, px_e4: 22_000, amount_e4: 2_200_000, effect: 'open' },
      ],
      fees: [
        { type: 'COMMISSION', amount_e4: 6500 },
        { type: 'SEC_FEE', amount_e4: 100 },
        { type: 'OPT_REG_FEE', amount_e4: 100 },
      ],
    });
    expect(trades.flatMap((trade) => trade.fees.map((fee) => fee.type))).toContain('UNKNOWN');
    expect(server.of('GET', '/trader/v1/accounts/H/transactions')[0]?.query.get('types')).toBe('TRADE');
  });
});

describe('transactions', () => {
  it('are the day’s trades with their fees', async () => {
    const { broker, venue } = await simulatedSchwab({
      simulator: { fees: { commission_e4: 6500, optRegFee_e4: 100 } },
    });
    venue.setQuote(CALL, { bid_e4: 12_500, ask_e4: 13_000 });
    const about = { clientId: 'x', priority: 'entry' } as const;
    const sold = await broker.submit(shortCall({ qty: 2 }), about);
    const bought = await broker.submit(
      shortCall({
        qty: 2,
        legs: [{ symbol: CALL, side: 'buy', effect: 'close', ratio: 1 }],
        limit_px_e4: 13_000,
      }),
      about,
    );
    expect([sold.kind, bought.kind]).toEqual(['submitted', 'submitted']);
    const [sale, purchase, ...more] = await broker.transactions(RANGE);
    expect(more).toEqual([]);
    expect(sale).toMatchObject({
      type: 'TRADE',
      venueOrderId: (sold as { venueOrderId: string }).venueOrderId,
      net_amount_e4: 2_500_000 - 13_000 - 200,
      items: [{ symbol: CALL, qty: -2, px_e4: 12_500, amount_e4: 2_500_000, effect: 'open' }],
      fees: expect.arrayContaining([
        { type: 'COMMISSION', amount_e4: 13_000 },
        { type: 'OPT_REG_FEE', amount_e4: 200 },
      ]) as unknown,
    });
    expect(purchase?.items).toMatchObject([
      { qty: 2, px_e4: 13_000, amount_e4: -2_600_000, effect: 'close' },
    ]);
    expect(await broker.transactions({ ...RANGE, types: ['RECEIVE_AND_DELIVER'] })).toEqual([]);
  });

  it('show an assignment as delivered', async () => {
    const { broker, venue } = await simulatedSchwab();
    venue.setQuote(CALL, { bid_e4: 12_500, ask_e4: 13_000 });
    await broker.submit(shortCall({ qty: 2 }), { clientId: 'x', priority: 'entry' });
    venue.assign(CALL, 2);
    await eventually(async () => {
      const rows = await broker.transactions({ ...RANGE, types: ['RECEIVE_AND_DELIVER'] });
      const items = rows.flatMap((row) => row.items.map((item) => [item.symbol, item.qty]));
      expect(items).toEqual(
        expect.arrayContaining([
          [CALL, 2],
          ['QQQ', -200],
        ]),
      );
      expect(rows.every((row) => row.venueOrderId === null)).toBe(true);
    });
  });

  it('are not asked for backwards or beyond a year, nor taken for whole at Schwab’s limit', async () => {
    const row = { activityId: 1, time: '2026-11-20T17:00:00+0000', type: 'TRADE', netAmount: 0 };
    const { broker } = await brokerWith({
      '/accounts/H/transactions': Array.from({ length: 3000 }, () => row),
    });
    await expect(broker.transactions({ from: NOON, to: NOON })).rejects.toThrow('at most a year');
    await expect(broker.transactions({ from: addMs(NOON, -366 * DAY_MS), to: NOON })).rejects.toThrow(
      'at most a year',
    );
    await expect(broker.transactions(RANGE)).rejects.toThrow('there may be more');
  });
});
