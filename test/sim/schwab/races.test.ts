// Executions that a script decides: partial and forced fills, rejects, and fills that race a cancel or a replacement.
import { describe, expect, it } from 'vitest';
import { type Bench, bench, CALL, INSTANT, quote, single, statusesOf, stopsSimulators } from './support.ts';

stopsSimulators();

const ENTRY = single('SELL_TO_OPEN', 1, '1.25');

describe('executions', () => {
  it('come in the parts of a script, and stop when it ends', async () => {
    const at = await bench();
    at.simulator.script.next('POST order', { kind: 'partial', qtys: [3, 0, 1] });
    quote(at.simulator, CALL, 1.25, 1.27);
    const id = await at.place(single('SELL_TO_OPEN', 10, '1.25'));
    const filled: unknown[] = [(await at.order(id)).filledQuantity];
    for (let i = 0; i < 3; i += 1) {
      quote(at.simulator, CALL, 1.25, 1.27);
      filled.push((await at.order(id)).filledQuantity);
    }
    expect(filled).toEqual([3, 3, 4, 4]);
    expect((await at.order(id)).status).toBe('WORKING');
  });

  it('are forced by hand, at the limit without a quote, never beyond the order or the position', async () => {
    const at = await bench();
    const id = await at.place(single('SELL_TO_OPEN', 2, '1.25'));
    expect(at.simulator.fill(id, 5)).toBe(2);
    expect(at.simulator.ledger.order(id)?.executions).toMatchObject([{ qty: 2, legs: [{ px_e4: 12_500 }] }]);
    const close = await at.place(single('BUY_TO_CLOSE', 2, '0.50'));
    at.simulator.assign(CALL, 1);
    expect(at.simulator.fill(close, 2, [4_000])).toBe(1);
    expect(at.simulator.fill(close, 1)).toBe(0);
    expect(at.simulator.ledger.order(close)).toMatchObject({ status: 'CANCELED', filledQty: 1 });
  });

  it('are rejected instead, closing ones too, in words of the script', async () => {
    const at = await bench();
    quote(at.simulator, CALL, 1.25, 1.27);
    await at.place(ENTRY);
    at.simulator.script.next('POST order', { kind: 'reject', reason: 'Trading in this symbol is halted.' });
    const close = await at.place(single('BUY_TO_CLOSE', 1, null));
    expect(await at.order(close)).toMatchObject({
      status: 'REJECTED',
      statusDescription: 'Trading in this symbol is halted.',
    });
    expect(at.simulator.ledger.positionOf(CALL)).toBe(-1);
  });
});

describe('a cancel', () => {
  const slowly = { delays: { ...INSTANT, cancelMs: 300 } };
  const remove = (at: Bench, id: number): ReturnType<Bench['call']> =>
    at.call('DELETE', `/accounts/${at.hash}/orders/${id}`);

  it.each([
    [undefined, 'FILLED', 5],
    [2, 'CANCELED', 2],
  ] as const)('comes after a fill of %s', async (qty, status, filledQuantity) => {
    const at = await bench(slowly);
    const id = await at.place(single('SELL_TO_OPEN', 5, '1.25'));
    at.simulator.script.next('DELETE order', {
      kind: 'fill_during_cancel',
      ...(qty === undefined ? {} : { qty }),
    });
    expect((await remove(at, id)).status).toBe(200);
    await at.advance(300);
    expect(await at.order(id)).toMatchObject({ status, filledQuantity });
    expect(at.simulator.ledger.positionOf(CALL)).toBe(-filledQuantity);
  });

  it.each([
    [undefined, 'FILLED', 5],
    [2, 'CANCELED', 2],
  ] as const)('is confirmed before the fill of %s is reported', async (qty, status, filledQuantity) => {
    const at = await bench(slowly);
    const id = await at.place(single('SELL_TO_OPEN', 5, '1.25'));
    at.simulator.script.next('DELETE order', {
      kind: 'fill_after_cancel',
      lagMs: 2000,
      ...(qty === undefined ? {} : { qty }),
    });
    await remove(at, id);
    expect(at.simulator.ledger.positionOf(CALL)).toBe(-filledQuantity);
    await at.advance(300);
    expect(await at.order(id)).toMatchObject({ status: 'CANCELED', filledQuantity: 0 });
    await at.advance(2000);
    expect(await at.order(id)).toMatchObject({ status, filledQuantity, remainingQuantity: 0 });
    const activities = (await at.order(id)).orderActivityCollection as { executionType: string }[];
    expect(activities.map((each) => each.executionType)).toEqual(
      qty === undefined ? ['FILL'] : ['FILL', 'CANCELED'],
    );
  });

  it('is refused', async () => {
    const at = await bench();
    const id = await at.place(ENTRY);
    at.simulator.script.next('DELETE order', { kind: 'cancel_refused' });
    expect((await remove(at, id)).status).toBe(400);
    expect((await at.order(id)).status).toBe('WORKING');
  });
});

describe('a replacement', () => {
  it('may itself be canceled before the old order is replaced, and then neither works', async () => {
    const at = await bench({ delays: { ...INSTANT, cancelMs: 300 } });
    const id = await at.place(ENTRY);
    await at.call('PUT', `/accounts/${at.hash}/orders/${id}`, single('SELL_TO_OPEN', 1, '1.20'));
    const replacement = at.simulator.ledger.orders()[1]?.id ?? 0;
    await at.call('DELETE', `/accounts/${at.hash}/orders/${replacement}`);
    await at.advance(300);
    quote(at.simulator, CALL, 1.3, 1.31);
    expect(statusesOf(at.simulator, id).at(-1)).toBe('REPLACED');
    expect(statusesOf(at.simulator, replacement)).toEqual([
      'PENDING_ACTIVATION',
      'PENDING_CANCEL',
      'CANCELED',
    ]);
    expect(at.simulator.ledger.positions()).toEqual([]);
  });

  it.each([
    [undefined, ['FILLED', 'REJECTED'], -2],
    [1, ['REPLACED', 'WORKING'], -1],
  ] as const)('comes after a fill of %s', async (qty, statuses, position) => {
    const at = await bench();
    const id = await at.place(single('SELL_TO_OPEN', 2, '1.25'));
    at.simulator.script.next('PUT order', {
      kind: 'fill_during_replace',
      ...(qty === undefined ? {} : { qty }),
    });
    await at.call('PUT', `/accounts/${at.hash}/orders/${id}`, single('SELL_TO_OPEN', 2, '1.20'));
    expect(at.simulator.ledger.orders().map((order) => order.status)).toEqual(statuses);
    expect(at.simulator.ledger.positionOf(CALL)).toBe(position);
    expect(statusesOf(at.simulator, id)).toContain('PENDING_REPLACE');
  });
});
