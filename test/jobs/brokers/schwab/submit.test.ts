// What each answer of Schwab's, and each silence, makes of an order.
import type { ServerResponse } from 'node:http';
import { describe, expect, it } from 'vitest';
import { created, desk, ENTRY, EXIT, ORDERS, showing, wireOf } from './bare_desk.ts';
import { CALL, creditVertical, type Received, sendJson, shortCall } from './support.ts';

describe('an order that Schwab takes', () => {
  it('is submitted with the id that its Location names, once the order there is ours', async () => {
    const { broker, server } = await desk({
      [`POST ${ORDERS}`]: created(`https://api.schwabapi.com${ORDERS}/1003494772896`),
      ...showing(shortCall(), 1003494772896),
    });
    expect(await broker.submit(shortCall(), ENTRY)).toEqual({
      kind: 'submitted',
      venueOrderId: '1003494772896',
    });
    const [posted] = server.of('POST', ORDERS);
    expect(posted?.headers).toMatchObject({
      authorization: 'Bearer access-of-the-store',
      'content-type': 'application/json',
    });
    expect(JSON.parse(posted?.body ?? '')).toMatchObject({ orderType: 'LIMIT', price: '1.25' });
    expect(server.of('POST', ORDERS)).toHaveLength(1);
  });

  it('is submitted with a relative Location too, and before Schwab shows it', async () => {
    const { broker } = await desk({
      [`POST ${ORDERS}`]: created(`${ORDERS}/7`),
      [`GET ${ORDERS}/7`]: (_, response, count) =>
        count < 3
          ? sendJson(response, 404, { message: 'not yet' })
          : sendJson(response, 200, wireOf(creditVertical(), 7)),
    });
    expect(await broker.submit(creditVertical(), ENTRY)).toEqual({ kind: 'submitted', venueOrderId: '7' });
  });

  it('is submitted although it is rejected a moment later: its report tells', async () => {
    const { broker } = await desk({
      [`POST ${ORDERS}`]: created(`${ORDERS}/7`),
      ...showing(shortCall(), 7, { status: 'REJECTED', statusDescription: 'too risky' }),
    });
    expect((await broker.submit(shortCall(), ENTRY)).kind).toBe('submitted');
    expect(await broker.order('7')).toMatchObject({ state: 'rejected', detail: 'too risky' });
  });

  it('may be a stop that Schwab carries at five cents', async () => {
    const stop = shortCall({
      legs: [{ symbol: CALL, side: 'buy', effect: 'close', ratio: 1 }],
      isCredit: false,
      type: 'stop',
      limit_px_e4: null,
      stop_px_e4: 35_200,
    });
    const { broker } = await desk({
      [`POST ${ORDERS}`]: created(`${ORDERS}/7`),
      ...showing({ ...stop, stop_px_e4: 35_000 }, 7),
    });
    expect((await broker.submit(stop, EXIT)).kind).toBe('submitted');
  });
});

describe('an id that is not believed', () => {
  it.each([
    ['another contract', wireOf(shortCall({ legs: creditVertical().legs.slice(1) }), 7)],
    [
      'the other side',
      wireOf(shortCall({ legs: [{ symbol: CALL, side: 'buy', effect: 'close', ratio: 1 }] }), 7),
    ],
    ['another quantity', wireOf(shortCall({ qty: 2 }), 7)],
    ['another price', wireOf(shortCall({ limit_px_e4: 12_600 }), 7)],
    ['another kind of price', wireOf(shortCall({ type: 'market', limit_px_e4: null }), 7)],
    ['more legs', wireOf(creditVertical(), 7)],
  ])('names an order with %s', async (_, wire) => {
    const { broker } = await desk({
      [`POST ${ORDERS}`]: created(`${ORDERS}/7`),
      [`GET ${ORDERS}/7`]: (_request, response) => sendJson(response, 200, wire),
    });
    const outcome = await broker.submit(shortCall(), ENTRY);
    expect(outcome).toEqual({
      kind: 'unknown',
      reason: '201 names order 7, whose legs, quantity or price are not those sent',
    });
  });

  it('names an order that was sent before', async () => {
    const { broker } = await desk({
      [`POST ${ORDERS}`]: created(`${ORDERS}/7`),
      ...showing(shortCall(), 7),
    });
    expect((await broker.submit(shortCall(), ENTRY)).kind).toBe('submitted');
    expect(await broker.submit(shortCall(), ENTRY)).toMatchObject({ kind: 'unknown' });
  });

  it('names an order that Schwab does not know', async () => {
    const { broker } = await desk({ [`POST ${ORDERS}`]: created(`${ORDERS}/7`) });
    expect(await broker.submit(shortCall(), ENTRY)).toEqual({
      kind: 'unknown',
      reason: '201 names order 7, which Schwab does not show yet',
    });
  });

  it('cannot be verified while Schwab is away', async () => {
    const { broker } = await desk({
      [`POST ${ORDERS}`]: created(`${ORDERS}/7`),
      [`GET ${ORDERS}/7`]: (_, response) => response.writeHead(503).end('<html>'),
    });
    const outcome = await broker.submit(shortCall(), ENTRY);
    expect(outcome).toMatchObject({
      kind: 'unknown',
      reason: expect.stringContaining('order 7, which cannot'),
    });
  });

  it.each([null, '', '/elsewhere', `${ORDERS}/`, `${ORDERS}/abc`])(
    'is not in the Location %j',
    async (location) => {
      const { broker } = await desk({ [`POST ${ORDERS}`]: created(location) });
      expect(await broker.submit(shortCall(), ENTRY)).toEqual({
        kind: 'unknown',
        reason: '201 without an order id',
      });
    },
  );

  it('of a replacement names the order that was replaced', async () => {
    const { broker } = await desk({
      [`PUT ${ORDERS}/7`]: created(`${ORDERS}/7`),
      ...showing(shortCall(), 7),
    });
    expect(await broker.replace('7', shortCall())).toMatchObject({ kind: 'unknown' });
  });
});

const ERRORS: readonly [string, number, string, string][] = [
  [
    'the trader’s error',
    400,
    '{"message":"Bad order","errors":["Invalid price"]}',
    '400: Bad order: Invalid price',
  ],
  [
    'the API’s error',
    401,
    '{"errors":[{"id":"x","status":401,"title":"Unauthorized","detail":"Client not authorized"}]}',
    '401: Unauthorized: Client not authorized',
  ],
  ['a forbidden account', 403, '{"message":"Forbidden"}', '403: Forbidden'],
  ['an unknown account', 404, '{"message":"No account","errors":[]}', '404: No account'],
  [
    'the gateway’s fault',
    400,
    '{"fault":{"faultstring":"Bad content","detail":{"errorcode":"steps.json.Bad"}}}',
    '400: Bad content: steps.json.Bad',
  ],
  ['a limit without a body', 429, '', 'rate limit: too many requests'],
  ['a limit in HTML', 429, '<html>slow down</html>', 'rate limit: too many requests'],
  ['a limit with words', 429, '{"message":"Too many"}', 'rate limit: Too many'],
];

const OPEN: readonly [string, number, string][] = [
  ['500 with an error', 500, '{"message":"Internal error"}'],
  ['502 in HTML', 502, '<html>Bad gateway</html>'],
  ['503 without a body', 503, ''],
  [
    '504 of the gateway',
    504,
    '{"fault":{"faultstring":"Gateway Timeout","detail":{"errorcode":"messaging.x"}}}',
  ],
  ['400 in HTML', 400, '<html>'],
  ['400 without a body', 400, ''],
  ['403 of the edge', 403, '<HTML><TITLE>Access Denied</TITLE>'],
  ['404 of an outage', 404, 'Requested route (api.schwabapi.com) does not exist'],
  ['408', 408, '{"message":"Request time-out"}'],
  ['409', 409, '{"message":"Conflict"}'],
  [
    'a fault on the way',
    400,
    '{"fault":{"faultstring":"Unexpected EOF","detail":{"errorcode":"protocol.http.EOF"}}}',
  ],
  ['half an error', 400, '{"message":"Bad or'],
  ['a redirect', 302, ''],
  ['200', 200, ''],
  ['204', 204, ''],
];

describe('an order that Schwab answers with', () => {
  it.each(ERRORS)('%s is rejected', async (_, status, body, reason) => {
    const { broker, server } = await desk({
      [`POST ${ORDERS}`]: (_request, response) => response.writeHead(status).end(body),
    });
    expect(await broker.submit(shortCall(), ENTRY)).toEqual({ kind: 'rejected', reason });
    expect(server.of('POST', ORDERS)).toHaveLength(1);
  });

  it.each(OPEN)('%s is unknown, and sent once', async (_, status, body) => {
    const { broker, server } = await desk({
      [`POST ${ORDERS}`]: (_request, response) => response.writeHead(status).end(body),
      [`PUT ${ORDERS}/7`]: (_request, response) => response.writeHead(status).end(body),
    });
    expect((await broker.submit(shortCall(), EXIT)).kind).toBe('unknown');
    expect((await broker.replace('7', shortCall())).kind).toBe('unknown');
    expect(server.of('POST', ORDERS)).toHaveLength(1);
    expect(server.of('PUT', `${ORDERS}/7`)).toHaveLength(1);
  });

  it.each([
    ['nothing', () => {}],
    ['a reset', (_: Received, response: ServerResponse) => response.socket?.resetAndDestroy()],
    ['a closed connection', (_: Received, response: ServerResponse) => response.socket?.destroy()],
  ])('%s is unknown, and sent once', async (_, answer) => {
    const { broker, server } = await desk({ [`POST ${ORDERS}`]: answer });
    expect((await broker.submit(shortCall(), ENTRY)).kind).toBe('unknown');
    expect(server.of('POST', ORDERS)).toHaveLength(1);
  });

  it('401 makes the next request come with another token', async () => {
    const { broker, server } = await desk({
      [`POST ${ORDERS}`]: (_, response) => sendJson(response, 401, { message: 'Unauthorized' }),
      'POST /v1/oauth/token': (_, response) =>
        sendJson(response, 200, { access_token: 'new', expires_in: 1800 }),
    });
    expect((await broker.submit(shortCall(), ENTRY)).kind).toBe('rejected');
    expect((await broker.submit(shortCall(), ENTRY)).kind).toBe('rejected');
    expect(server.of('POST', ORDERS).map((each) => each.headers.authorization)).toEqual([
      'Bearer access-of-the-store',
      'Bearer new',
    ]);
  });
});
