import { describe, expect, it } from 'vitest';
import { eventually } from '../../../harness.ts';
import { created, desk, ENTRY, EXIT, ORDERS, showing } from './bare_desk.ts';
import { creditVertical, NOON, sendJson, shortCall } from './support.ts';

describe('an order that is not sent', () => {
  it.each([
    ['has a limit of half a cent', shortCall({ limit_px_e4: 12_550 })],
    ['has no legs', shortCall({ legs: [] })],
    ['is a stop on a spread', creditVertical({ type: 'stop', limit_px_e4: null, stop_px_e4: 5000 })],
  ])('%s', async (_, order) => {
    const { broker, server } = await desk({});
    expect((await broker.submit(order, ENTRY)).kind).toBe('not_sent');
    expect((await broker.replace('7', order)).kind).toBe('not_sent');
    expect(server.received).toHaveLength(0);
  });

  it('finds no server', async () => {
    const { broker } = await desk({}, { schwabBaseUrl: 'http://127.0.0.1:1' });
    expect((await broker.submit(shortCall(), ENTRY)).kind).toBe('not_sent');
  });

  it('finds no token', async () => {
    const { broker, server, clock } = await desk({
      'POST /v1/oauth/token': (_, response) => response.writeHead(503).end(),
    });
    clock.move(31 * 60_000);
    expect(await broker.submit(shortCall(), EXIT)).toMatchObject({
      kind: 'not_sent',
      reason: expect.stringContaining('token'),
    });
    expect(server.of('POST', ORDERS)).toHaveLength(0);
  });

  it('finds no account', async () => {
    const { broker, server } = await desk({
      'GET /trader/v1/accounts/accountNumbers': (_, response) => sendJson(response, 200, []),
    });
    expect(await broker.submit(shortCall(), ENTRY)).toMatchObject({
      kind: 'not_sent',
      reason: expect.stringContaining('no account'),
    });
    expect(server.of('POST', ORDERS)).toHaveLength(0);
  });

  it('is one too many for entries, while exits and cancels go through', async () => {
    const { broker, server } = await desk(
      {
        [`POST ${ORDERS}`]: (_, response) => sendJson(response, 400, { message: 'no' }),
        [`DELETE ${ORDERS}/7`]: (_, response) => response.writeHead(200).end(),
      },
      { limits: { perMinute: 20, ordersPerMinute: 4, reserved: 2 } },
    );
    const kinds = [];
    for (let i = 0; i < 4; i += 1) kinds.push((await broker.submit(shortCall(), ENTRY)).kind);
    kinds.push((await broker.submit(shortCall(), EXIT)).kind, (await broker.cancel('7')).kind);
    kinds.push((await broker.submit(shortCall(), EXIT)).kind);
    expect(kinds).toEqual([
      'rejected',
      'rejected',
      'not_sent',
      'not_sent',
      'rejected',
      'requested',
      'not_sent',
    ]);
    expect(server.of('POST', ORDERS)).toHaveLength(3);
  });

  it('waits out what Schwab asks for after a 429, unless it is an exit', async () => {
    const { broker, server } = await desk({
      [`POST ${ORDERS}`]: (_, response) => response.writeHead(429, { 'retry-after': '30' }).end(),
    });
    expect((await broker.submit(shortCall(), ENTRY)).kind).toBe('rejected');
    expect(await broker.submit(shortCall(), ENTRY)).toMatchObject({ kind: 'not_sent' });
    expect((await broker.submit(shortCall(), EXIT)).kind).toBe('rejected');
    expect(server.of('POST', ORDERS)).toHaveLength(2);
    const checks = await broker.checks().then((all) => all.find((check) => check.name === 'broker requests'));
    expect(checks).toMatchObject({ isOk: false });
  });

  it('comes after closing', async () => {
    const { broker, server } = await desk({});
    await broker.close();
    expect(await broker.submit(shortCall(), EXIT)).toMatchObject({ kind: 'not_sent' });
    expect(await broker.replace('7', shortCall())).toMatchObject({ kind: 'not_sent' });
    expect(await broker.cancel('7')).toMatchObject({ kind: 'not_sent' });
    await expect(broker.order('7')).rejects.toThrow('closed by us');
    expect((await broker.checks()).every((check) => !check.isOk)).toBe(true);
    expect(server.received).toHaveLength(0);
  });
});

describe('closing', () => {
  it('lets an order under way be answered and verified', async () => {
    let answerNow = (): void => {};
    const answered = new Promise<void>((resolve) => {
      answerNow = resolve;
    });
    const { broker, server } = await desk(
      {
        [`POST ${ORDERS}`]: async (request, response) => {
          await answered;
          created(`${ORDERS}/7`)(request, response, 1);
        },
        ...showing(shortCall(), 7),
      },
      { timing: { orderTimeoutMs: 5000 } },
    );
    const outcome = broker.submit(shortCall(), ENTRY);
    await eventually(() => expect(server.of('POST', ORDERS)).toHaveLength(1));
    const closed = broker.close();
    answerNow();
    expect(await outcome).toEqual({ kind: 'submitted', venueOrderId: '7' });
    await closed;
  });

  it('ends a read that waits for its next attempt', async () => {
    const { broker, server } = await desk(
      { [`GET ${ORDERS}`]: (_, response) => response.writeHead(503).end() },
      { timing: { backoffFirstMs: 60_000, backoffMaxMs: 60_000 } },
    );
    const read = broker.ordersSince(NOON).catch((error: Error) => error.message);
    await eventually(() => expect(server.of('GET', ORDERS)).toHaveLength(1));
    await broker.close();
    expect(await read).toMatch(/503|closed/);
  });
});

describe('a cancel', () => {
  it.each([
    ['200', 200, '', { kind: 'requested' }],
    [
      '400',
      400,
      '{"message":"Order cannot be canceled"}',
      { kind: 'refused', reason: '400: Order cannot be canceled' },
    ],
    ['404', 404, '{"message":"Order not found"}', { kind: 'refused', reason: '404: Order not found' }],
    ['429', 429, '', { kind: 'refused', reason: 'rate limit: too many requests' }],
    ['500', 500, '<html>', { kind: 'unknown', reason: expect.any(String) }],
    [
      '404 of an outage',
      404,
      'Requested route does not exist',
      { kind: 'unknown', reason: expect.any(String) },
    ],
  ])('answered with %s', async (_, status, body, outcome) => {
    const { broker, server } = await desk({
      [`DELETE ${ORDERS}/7`]: (_request, response) => response.writeHead(status).end(body),
    });
    expect(await broker.cancel('7')).toEqual(outcome);
    expect(server.of('DELETE', `${ORDERS}/7`)).toHaveLength(1);
  });

  it('that is never answered is unknown, and one that cannot be sent is not sent', async () => {
    const { broker } = await desk({ [`DELETE ${ORDERS}/7`]: () => {} });
    expect((await broker.cancel('7')).kind).toBe('unknown');
    expect((await broker.cancel('../7')).kind).toBe('refused');
    const away = await desk({}, { schwabBaseUrl: 'http://127.0.0.1:1' });
    expect(await away.broker.cancel('7')).toMatchObject({ kind: 'not_sent' });
  });
});
