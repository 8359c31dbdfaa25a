// The simulator's controls over HTTP, as a client in another language uses them.
import { afterEach, expect, it } from 'vitest';
import { type ControlServer, startControl } from '../../../sim/schwab/control.ts';
import { bench, CALL, single, stopsSimulators } from './support.ts';

stopsSimulators();
const controls: ControlServer[] = [];
afterEach(async () => {
  await Promise.all(controls.splice(0).map((control) => control.stop()));
});

it('feeds quotes, scripts faults, fills by hand and shows the ledger', async () => {
  const at = await bench();
  const control = await startControl(at.simulator);
  controls.push(control);
  const send = async (command: string, ...args: unknown[]): Promise<unknown> => {
    const response = await fetch(`${control.url}/${command}`, { method: 'POST', body: JSON.stringify(args) });
    const { result, error } = (await response.json()) as Record<string, unknown>;
    return response.ok ? result : error;
  };
  await send('quote', CALL, 12_500, 12_700, 10, 10);
  const id = await send('manualOrder', single('SELL_TO_OPEN', 2, '1.25'));
  expect(await send('orders')).toMatchObject([{ id, status: 'FILLED', source: 'manual' }]);
  expect(await send('positions')).toMatchObject([{ symbol: CALL, qty: -2 }]);
  await send('next', 'POST order', { kind: 'partial', qtys: [] });
  const close = await at.place(single('BUY_TO_CLOSE', 2, '1.50'));
  expect(await send('fill', close, 1, 14_000)).toBe(1);
  expect(await send('positions')).toMatchObject([{ symbol: CALL, qty: -1 }]);
  expect(await send('quote', CALL, 1.25)).toMatch(/expected array/);
  expect(await send('nothing')).toMatch(/no such command/);
});
