// The streamer of the simulated Schwab, seen by a bare websocket client: codes, quotes, account activity, and its failures.
import { describe, expect, it } from 'vitest';
import { type Frame, streamClient } from './stream_client.ts';
import { barrier, streaming, subscribeActivity, subscribeQuotes } from './streaming.ts';
import { bench, CALL, INSTANT, PUT, quote, stopsSimulators } from './support.ts';

stopsSimulators();

describe('logging in', () => {
  it('answers in the documented shape', async () => {
    const { client } = await streaming();
    expect(client.frames[0]).toEqual({
      response: [
        {
          service: 'ADMIN',
          command: 'LOGIN',
          requestid: '1',
          SchwabClientCorrelId: expect.any(String),
          timestamp: expect.any(Number),
          content: { code: 0, msg: 'server=sim-1;status=NP' },
        },
      ],
    });
  });

  it('is denied with code 3 and a closed socket for a token that is dead', async () => {
    const at = await bench();
    const token = at.simulator.oauth.login().access_token;
    const client = await streamClient(at.simulator, token);
    await at.advance(30 * 60_000);
    expect(await client.login(token)).toBe(3);
    await client.closed;
  });

  it('a second time is refused with code 12; where that is set it is the first that goes', async () => {
    const at = await streaming();
    const second = await streamClient(at.simulator, at.token);
    expect(await second.login(at.token)).toBe(12);
    await second.closed;
    expect(at.simulator.streamer.connections()).toBe(1);
    const other = await streaming({ secondLogin: 'close_old' });
    const newer = await streamClient(other.simulator, other.token);
    expect(await newer.login(other.token)).toBe(0);
    await other.client.closed;
    expect(other.client.frames.at(-1).notify[0].content.code).toBe(12);
  });

  it('is refused as second while the broker still counts a connection that has dropped', async () => {
    const at = await streaming();
    expect(at.simulator.streamer.drop({ ghostMs: 5000 })).toBe(1);
    expect(await at.client.closed).toBe(1006);
    const early = await streamClient(at.simulator, at.token);
    expect(await early.login(at.token)).toBe(12);
    await at.advance(5000);
    const later = await streamClient(at.simulator, at.token);
    expect(await later.login(at.token)).toBe(0);
  });

  it('comes first: code 20 before it, 21 for what cannot be read, 11 for an unknown service', async () => {
    const at = await bench();
    const token = at.simulator.oauth.login().access_token;
    const client = await streamClient(at.simulator, token);
    expect(await subscribeQuotes(client, CALL)).toBe(20);
    await client.login(token);
    client.sendText('{"requests":');
    await barrier(client);
    expect(client.frames.some((frame) => frame.response?.[0].content.code === 21)).toBe(true);
    expect(await client.command('LEVELTWO', 'SUBS', { keys: 'QQQ', fields: '0' })).toBe(11);
    expect(await client.command('ADMIN', 'LOGOUT')).toBe(0);
    await client.closed;
  });
});

describe('subscriptions', () => {
  it('stop the stream with code 30 when there are none for half a minute', async () => {
    const at = await streaming();
    await at.advance(20_000);
    await subscribeQuotes(at.client, CALL);
    await at.client.command('LEVELONE_OPTIONS', 'UNSUBS', { keys: CALL });
    await at.advance(29_000);
    expect(at.client.socket.readyState).toBe(1);
    await at.advance(2_000);
    await at.client.closed;
    expect(at.client.frames.at(-1)).toMatchObject({ notify: [{ service: 'ADMIN', content: { code: 30 } }] });
  });

  it('replace the list with SUBS, add to it with ADD, end with UNSUBS', async () => {
    const { client, simulator } = await streaming();
    await subscribeQuotes(client, PUT);
    await subscribeQuotes(client, CALL);
    quote(simulator, PUT, 1, 1.1);
    quote(simulator, CALL, 2, 2.1);
    await subscribeQuotes(client, PUT, 'ADD');
    await client.command('LEVELONE_OPTIONS', 'UNSUBS', { keys: CALL });
    quote(simulator, CALL, 3, 3.1);
    await barrier(client);
    expect(client.contents('LEVELONE_OPTIONS').map((item) => [item.key, item['2']])).toEqual([
      [CALL, 2],
      [PUT, 1],
    ]);
  });

  it('have their codes: failures, the symbol limit, and the documented successes where those are set', async () => {
    const { client } = await streaming({ maxStreamedSymbols: 2, successCodes: 'documented' });
    expect(await subscribeQuotes(client, '')).toBe(22);
    expect(await client.command('LEVELONE_OPTIONS', 'UNSUBS', { keys: CALL })).toBe(23);
    expect(await client.command('LEVELONE_OPTIONS', 'VIEW', { fields: '0' })).toBe(25);
    expect(await subscribeQuotes(client, 'A,B,C')).toBe(19);
    expect(await subscribeQuotes(client, CALL)).toBe(26);
    expect(await subscribeQuotes(client, PUT, 'ADD')).toBe(28);
    expect(await client.command('LEVELONE_OPTIONS', 'VIEW', { fields: '0,2' })).toBe(29);
    expect(await client.command('LEVELONE_OPTIONS', 'UNSUBS', { keys: PUT })).toBe(27);
    expect(await client.command('LEVELONE_OPTIONS', 'NOSUCH', {})).toBe(21);
  });
});

describe('quotes', () => {
  it('come as an image first and then as changes only, in numbered fields', async () => {
    const { client, simulator, advance } = await streaming();
    simulator.setQuote(CALL, 12_100, 12_300, 57, 120, { 28: 0.51 });
    await subscribeQuotes(client, CALL);
    await advance(1000);
    simulator.setQuote(CALL, 12_200, 12_300, 57, 100, { 28: 0.51 });
    simulator.setQuote(CALL, 12_200, 12_300, 57, 100, { 28: 0.51 });
    await barrier(client);
    expect(client.contents('LEVELONE_OPTIONS')).toEqual([
      {
        key: CALL,
        delayed: false,
        assetMainType: 'OPTION',
        cusip: '',
        2: 1.21,
        3: 1.23,
        16: 57,
        17: 120,
        28: 0.51,
        38: 1795186800000,
      },
      { key: CALL, 2: 1.22, 17: 100, 38: 1795186801000 },
    ]);
    expect(client.frames.find((frame) => frame.data !== undefined)).toMatchObject({
      data: [{ service: 'LEVELONE_OPTIONS', command: 'SUBS', timestamp: 1795186800000 }],
    });
  });

  it('of shares have the fields of their own service', async () => {
    const { client, simulator } = await streaming();
    await client.command('LEVELONE_EQUITIES', 'SUBS', { keys: 'QQQ', fields: '0,1,2,4,5' });
    quote(simulator, 'QQQ', 610.11, 610.13, 300);
    await barrier(client);
    expect(client.contents('LEVELONE_EQUITIES')).toEqual([
      expect.objectContaining({ key: 'QQQ', assetMainType: 'EQUITY', 1: 610.11, 2: 610.13, 4: 300, 5: 300 }),
    ]);
  });
});

describe('heartbeats', () => {
  it('are milliseconds in a text, every ten seconds, until they are lost', async () => {
    const at = await streaming();
    await subscribeActivity(at.client);
    await at.advance(10_000);
    await barrier(at.client);
    const beats = (): Frame[] =>
      at.client.frames.filter((frame) => frame.notify?.[0].heartbeat !== undefined);
    expect(beats()).toEqual([{ notify: [{ heartbeat: '1795186810000' }] }]);
    at.simulator.streamer.setHeartbeats(false);
    await at.advance(20_000);
    await barrier(at.client);
    expect(beats()).toHaveLength(1);
  });
});

describe('failures of the stream', () => {
  it('are scripted for commands and messages', async () => {
    const { client, simulator } = await streaming({ delays: INSTANT });
    simulator.script.next('WS SUBS', { kind: 'code', code: 22 });
    expect([await subscribeQuotes(client, CALL), await subscribeQuotes(client, CALL)]).toEqual([22, 0]);
    simulator.script.next('WS quote', { kind: 'lose' });
    simulator.script.next('WS quote', { kind: 'repeat' });
    quote(simulator, CALL, 1.2, 1.3);
    quote(simulator, CALL, 1.21, 1.3);
    await barrier(client);
    expect(client.contents('LEVELONE_OPTIONS').map((item) => item['2'])).toEqual([1.21, 1.21]);
    simulator.script.next('WS quote', { kind: 'drop' });
    quote(simulator, CALL, 1.22, 1.3);
    expect(await client.closed).toBe(1006);
  });

  it('are a silence with the socket open, and a stop with code 30', async () => {
    const { client, simulator, advance } = await streaming();
    await subscribeQuotes(client, CALL);
    const before = client.frames.length;
    simulator.streamer.setStalled(true);
    quote(simulator, CALL, 1.2, 1.3);
    await advance(30_000);
    expect([client.frames.length, client.socket.readyState]).toEqual([before, 1]);
    simulator.streamer.setStalled(false);
    simulator.streamer.stopStreaming();
    await client.closed;
    expect(client.frames.at(-1).notify[0].content.code).toBe(30);
  });

  it('is no websocket on another path', async () => {
    const { simulator } = await bench();
    const { WebSocket } = await import('ws');
    const socket = new WebSocket(simulator.streamerUrl.replace('/ws', '/other'));
    await expect(
      new Promise((_, reject) => {
        socket.on('error', reject);
      }),
    ).rejects.toThrow('404');
  });
});
