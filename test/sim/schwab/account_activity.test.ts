// ACCT_ACTIVITY of the simulated streamer: the life of an order in Schwab's types and payloads, its numbers, its repeats.
import { describe, expect, it } from 'vitest';
import type { SchwabSimulatorOptions } from '../../../sim/schwab/settings.ts';
import { streamClient } from './stream_client.ts';
import { activityTypes, barrier, streaming, subscribeActivity } from './streaming.ts';
import { CALL, PUT, quote, single, stopsSimulators, vertical } from './support.ts';

stopsSimulators();

describe('account activity', () => {
  it('begins with SUBSCRIBED and tells the life of an order in its types', async () => {
    const { client, simulator, place } = await streaming();
    await subscribeActivity(client);
    const id = await place(single('SELL_TO_OPEN', 2, '1.25'));
    quote(simulator, CALL, 1.25, 1.3);
    await barrier(client);
    const items = client.contents('ACCT_ACTIVITY');
    expect(items[0]).toEqual({ seq: 0, key: 'Account Activity', 1: '', 2: 'SUBSCRIBED', 3: '' });
    expect(activityTypes(client)).toEqual([
      'SUBSCRIBED',
      'OrderCreated',
      'OrderAccepted',
      'ExecutionRequested',
      'ExecutionRequestCreated',
      'ExecutionRequestCompleted',
      'OrderFillCompleted',
    ]);
    expect(items.map((item) => item.seq)).toEqual([0, 1, 2, 3, 4, 5, 6]);
    const filled = JSON.parse(items[6]['3']);
    const { QuantityInfo } = filled.BaseEvent.OrderFillCompletedEventOrderLegQuantityInfo;
    expect(QuantityInfo.LeavesQuantity, 'a zero has no lo').toEqual({ signScale: 12 });
    expect(filled).toMatchObject({
      SchwabOrderID: String(id),
      AccountNumber: '12345678',
      BaseEvent: {
        EventType: 'OrderFillCompleted',
        OrderFillCompletedEventOrderLegQuantityInfo: {
          LegId: String(id),
          QuantityInfo: {
            CumulativeQuantity: { lo: '2000000', signScale: 12 },
            LeavesQuantity: { signScale: 12 },
            AveragePrice: { lo: '1250000', signScale: 12 },
          },
          ExecutionInfo: {
            ExecutionTransType: 'Fill',
            ExecutionTimeStamp: { DateTimeString: '2026-11-20 10:00:00.000' },
          },
        },
      },
    });
  });

  it('tells a cancel with an execution of type UROut that is no fill', async () => {
    const { client, place, call, hash } = await streaming();
    const id = await place(single('SELL_TO_OPEN', 1, '1.25'));
    await subscribeActivity(client);
    await call('DELETE', `/accounts/${hash}/orders/${id}`);
    await barrier(client);
    expect(activityTypes(client).slice(1)).toEqual([
      'CancelAccepted',
      'ExecutionRequested',
      'ExecutionRequestCompleted',
      'ExecutionCreated',
      'OrderUROutCompleted',
    ]);
    const [execution, out] = client
      .contents('ACCT_ACTIVITY')
      .slice(-2)
      .map((item) => JSON.parse(item['3']).BaseEvent);
    expect(execution.ExecutionCreatedEventExecutionInfo.ExecutionInfo.ExecutionTransType).toBe('UROut');
    expect(out.OrderUROutCompletedEvent.OutCancelType).toBe('ClientCancel');
  });

  it('tells a reject with its rule, one fill for each leg, and nothing of a partial fill unless a name is given', async () => {
    const { client, place, simulator } = await streaming();
    await subscribeActivity(client);
    await place(single('BUY_TO_CLOSE', 1, '1.25'));
    quote(simulator, PUT, 0.95, 1);
    quote(simulator, 'QQQ   261120P00600000', 0.4, 0.5);
    await place(vertical('open', 1, '0.45'));
    quote(simulator, CALL, 1.25, 1.3, 1);
    await place(single('SELL_TO_OPEN', 2, '1.25'));
    await barrier(client);
    const items = client.contents('ACCT_ACTIVITY');
    const out = items.find((item) => item['2'] === 'OrderUROutCompleted');
    expect(JSON.parse(out['3']).BaseEvent.OrderUROutCompletedEvent).toMatchObject({
      OutCancelType: 'SystemReject',
      ValidationDetail: [{ NgOMSRuleName: 'Position_Sys_0001' }],
    });
    expect(activityTypes(client).filter((type) => type === 'OrderFillCompleted')).toHaveLength(2);
    const named = await streaming({ partialFillEvent: 'ExecutionCreated' });
    await subscribeActivity(named.client);
    quote(named.simulator, CALL, 1.25, 1.3, 1);
    await named.place(single('SELL_TO_OPEN', 2, '1.25'));
    await barrier(named.client);
    expect(activityTypes(named.client)).toContain('ExecutionCreated');
  });

  it('counts from 0 again after a new subscription, repeats itself, and sends plain text', async () => {
    const { client, simulator, place } = await streaming();
    await subscribeActivity(client);
    await place(single('SELL_TO_OPEN', 1, '1.25'));
    simulator.streamer.repeatActivity(2);
    simulator.streamer.sendNotice('Feature not supported');
    await subscribeActivity(client);
    await barrier(client);
    expect(client.contents('ACCT_ACTIVITY').map((item) => item.seq)).toEqual([0, 1, 2, 3, 4, 5, 4, 5, 6, 0]);
    expect(client.contents('ACCT_ACTIVITY').at(-2)).toMatchObject({ 2: '', 3: 'Feature not supported' });
  });
});

describe('account activity after a reconnect', () => {
  const reconnected = async (options: SchwabSimulatorOptions): Promise<unknown[]> => {
    const at = await streaming(options);
    await subscribeActivity(at.client);
    await at.place(single('SELL_TO_OPEN', 1, '1.25'));
    await barrier(at.client);
    at.simulator.streamer.drop();
    const client = await streamClient(at.simulator, at.token);
    await client.login(at.token);
    await subscribeActivity(client);
    at.simulator.streamer.repeatActivity(3);
    await barrier(client);
    return client.contents('ACCT_ACTIVITY').map((item) => [item.seq, item['2']]);
  };
  const last = ['ExecutionRequestCreated', 'ExecutionRequestCompleted', 'SUBSCRIBED'];

  it('numbers new things as old ones were numbered, and repeats old ones under their numbers', async () => {
    expect(await reconnected({})).toEqual([[0, 'SUBSCRIBED'], ...[4, 5, 0].map((n, i) => [n, last[i]])]);
  });

  it('goes on counting where that is set', async () => {
    expect(await reconnected({ activityNumbers: 'continuous' })).toEqual([
      [6, 'SUBSCRIBED'],
      ...[4, 5, 6].map((n, i) => [n, last[i]]),
    ]);
  });
});
