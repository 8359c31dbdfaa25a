import { describe, expect, it } from 'vitest';
import { addMs, type EasternUs } from '../../../../core/eastern_time.ts';
import { ACCOUNT, desk, ENTRY, HASH, ORDERS, wireOf } from './bare_desk.ts';
import { CALL, NOON, sendJson, shortCall } from './support.ts';

describe('a read', () => {
  it('is repeated after 429, 5xx and silence', async () => {
    const { broker, server } = await desk({
      [`GET ${ORDERS}/7`]: (_, response, count) => {
        if (count === 1) response.writeHead(429, { 'retry-after': '0' }).end();
        else if (count === 2) response.writeHead(502).end('<html>');
        else sendJson(response, 200, wireOf(shortCall(), 7));
      },
      [`GET ${ACCOUNT}`]: (_, response, count) => {
        if (count > 1) sendJson(response, 200, { securitiesAccount: { accountNumber: '12345678' } });
      },
    });
    expect(await broker.order('7')).toMatchObject({ venueOrderId: '7', state: 'working' });
    expect(server.of('GET', `${ORDERS}/7`)).toHaveLength(3);
    expect(await broker.positions()).toEqual([]);
    expect(server.of('GET', ACCOUNT)).toHaveLength(2);
  });

  it('does not wait for minutes where Schwab asks for them', async () => {
    const { broker, server } = await desk({
      [`GET ${ORDERS}/7`]: (_, response) => response.writeHead(429, { 'retry-after': '60' }).end(),
    });
    await expect(broker.order('7')).rejects.toThrow('Schwab answered 429 to GET order');
    await expect(broker.order('7')).rejects.toThrow('no request to Schwab is free');
    expect(server.of('GET', `${ORDERS}/7`)).toHaveLength(1);
    // An exit that waits for this order may go all the same.
    await expect(broker.order('7', 'exit')).rejects.toThrow('Schwab answered 429 to GET order');
    expect(server.of('GET', `${ORDERS}/7`)).toHaveLength(2);
  });

  it('is given up after three times, and says why', async () => {
    const { broker, server } = await desk({
      [`GET ${ORDERS}/7`]: (_, response) => sendJson(response, 500, { message: 'Internal error' }),
    });
    await expect(broker.order('7')).rejects.toThrow('Schwab answered 500 to GET order: Internal error');
    expect(server.of('GET', `${ORDERS}/7`)).toHaveLength(3);
    // What an exit waits for is asked for by whoever waits, again and again.
    await expect(broker.order('7', 'exit')).rejects.toThrow('Schwab answered 500');
    expect(server.of('GET', `${ORDERS}/7`)).toHaveLength(4);
  });

  it('gets a new token after a 401, once', async () => {
    const { broker, server } = await desk({
      'POST /v1/oauth/token': (_, response) =>
        sendJson(response, 200, { access_token: 'new', expires_in: 1800 }),
      [`GET ${ORDERS}/7`]: (request, response) =>
        request.headers.authorization === 'Bearer new'
          ? sendJson(response, 200, wireOf(shortCall(), 7))
          : sendJson(response, 401, { errors: [{ title: 'Unauthorized' }] }),
      [`GET ${ORDERS}/8`]: (_, response) => sendJson(response, 401, { errors: [{ title: 'Unauthorized' }] }),
    });
    expect(await broker.order('7')).toMatchObject({ venueOrderId: '7' });
    await expect(broker.order('8')).rejects.toThrow('401');
    expect(server.of('POST', '/v1/oauth/token')).toHaveLength(1);
  });

  it('finds no order where Schwab says so, and fails where an outage does', async () => {
    const { broker } = await desk({
      [`GET ${ORDERS}/8`]: (_, response) => response.writeHead(404).end('Requested route does not exist'),
      [`GET ${ORDERS}/9`]: (_, response) => sendJson(response, 200, wireOf(shortCall(), 10)),
    });
    expect(await broker.order('7')).toBeNull();
    expect(await broker.order('../7')).toBeNull();
    await expect(broker.order('8')).rejects.toThrow('404');
    await expect(broker.order('9')).rejects.toThrow('another one');
  });

  it('fails loudly on an answer of another shape, and does not ask again', async () => {
    const { broker, server } = await desk({
      [`GET ${ORDERS}/7`]: (_, response) =>
        sendJson(response, 200, wireOf(shortCall(), 7, { quantity: 'many' })),
    });
    await expect(broker.order('7')).rejects.toThrow('not as documented: quantity');
    expect(server.of('GET', `${ORDERS}/7`)).toHaveLength(1);
  });

  it('waits for a request of our own limit, but not long', async () => {
    const { broker } = await desk({}, { limits: { perMinute: 3, ordersPerMinute: 3, reserved: 1 } });
    expect(await broker.order('7')).toBeNull();
    await expect(broker.order('7')).rejects.toThrow('no request to Schwab is free for GET order');
  });
});

describe('the list of orders', () => {
  it('is asked for from the whole second on, far beyond now, and comes by time', async () => {
    const from = addMs(NOON, -90_500);
    const { broker, server } = await desk({
      [`GET ${ORDERS}`]: (_, response) =>
        sendJson(response, 200, [
          wireOf(shortCall(), 2, { enteredTime: '2026-11-20T17:00:02+0000' }),
          wireOf(shortCall(), 1, { enteredTime: '2026-11-20T17:00:01+0000', status: 'SOMETHING_NEW' }),
        ]),
    });
    const reports = await broker.ordersSince(from);
    expect(reports.map((report) => [report.venueOrderId, report.state])).toEqual([
      ['1', 'unknown'],
      ['2', 'working'],
    ]);
    const [asked] = server.of('GET', ORDERS);
    expect(Object.fromEntries(asked?.query ?? [])).toEqual({
      fromEnteredTime: '2026-11-20T16:58:29.000Z',
      toEnteredTime: '2026-11-21T17:00:00.000Z',
      maxResults: '3000',
    });
  });

  it('holds orders for shares, passes over what is neither, and fails on an option that cannot be read', async () => {
    const share = wireOf(shortCall(), 3);
    const legOf = (symbol: string, instruction: string, quantity = 1) => ({
      orderLegCollection: [{ legId: 1, instruction, quantity, instrument: { symbol, assetType: 'X' } }],
    });
    const { broker } = await desk({
      [`GET ${ORDERS}`]: (_, response, count) =>
        sendJson(response, 200, [
          { ...share, ...legOf('QQQ', 'SELL_SHORT') },
          { ...share, orderId: 4, ...legOf('SWVXX', 'EXCHANGE') },
          { ...share, orderId: 6, ...legOf('SWVXX', 'BUY', 0) },
          ...(count === 2 ? [{ ...share, orderId: 5, ...legOf(CALL, 'EXCHANGE') }] : []),
          ...(count === 3 ? [{ ...share, orderId: 5, ...legOf(CALL, 'BUY_TO_CLOSE', 0) }] : []),
          ...(count === 4 ? ['an order of which nothing can be read'] : []),
        ]),
    });
    expect(await broker.ordersSince(NOON)).toMatchObject([
      { venueOrderId: '3', order: { legs: [{ symbol: 'QQQ', side: 'sell', effect: 'open' }] } },
    ]);
    await expect(broker.ordersSince(NOON)).rejects.toThrow('order 5');
    await expect(broker.ordersSince(NOON)).rejects.toThrow(
      'not as documented: orderLegCollection.0.quantity',
    );
    await expect(broker.ordersSince(NOON)).rejects.toThrow('not as documented');
  });

  it('is not taken for whole at Schwab’s limit, nor asked for beyond a year', async () => {
    const { broker } = await desk({
      [`GET ${ORDERS}`]: (_, response) =>
        sendJson(
          response,
          200,
          Array.from({ length: 3000 }, (_each, id) => wireOf(shortCall(), id + 1)),
        ),
    });
    await expect(broker.ordersSince(NOON)).rejects.toThrow('there may be more');
    await expect(broker.ordersSince(addMs(NOON, -361 * 86_400_000) as EasternUs)).rejects.toThrow('one year');
  });
});

describe('the log', () => {
  it('has the correlation id of every answer, and no secret', async () => {
    const { broker, log } = await desk({
      [`POST ${ORDERS}`]: (_, response) =>
        response.writeHead(400, { 'schwab-client-correlid': 'correl-1' }).end('{"message":"no"}'),
    });
    await broker.submit(shortCall(), ENTRY);
    await broker.checks();
    expect(log.join('\n')).toContain('correl-1');
    expect(log.join('\n')).toContain('client-1');
    for (const secret of ['of-the-store', HASH, '12345678']) expect(log.join('\n')).not.toContain(secret);
  });
});
