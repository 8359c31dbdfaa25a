// Contract discovery against the simulator and against vendors that misbehave; the choice of strikes.
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import type { SessionDate } from '../../../core/eastern_time.ts';
import { errorText, Failure } from '../../../core/failure.ts';
import { chooseContracts } from '../../../ingest/massive/choose_contracts.ts';
import { discoverContracts, type ListedContract } from '../../../ingest/massive/contracts.ts';
import { startMassiveSimulator } from '../../../sim/massive_server.ts';
import { shortSession } from '../../sim/sessions.ts';
import { API_KEY } from './feed_harness.ts';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});

const asked = { apiKey: API_KEY, underlying: 'QQQ', expiration: '2026-11-20' as SessionDate };

async function server(answer: (request: IncomingMessage, response: ServerResponse) => void): Promise<string> {
  const http = createServer(answer).listen(0, '127.0.0.1');
  await once(http, 'listening');
  cleanups.push(() => http.close());
  return `http://127.0.0.1:${(http.address() as AddressInfo).port}`;
}

function item(ticker: string, more: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    ticker,
    underlying_ticker: 'QQQ',
    contract_type: 'call',
    exercise_style: 'american',
    expiration_date: '2026-11-20',
    strike_price: 610,
    shares_per_contract: 100,
    ...more,
  };
}

describe('contract discovery', () => {
  it('finds every contract of the simulator, page by page', async () => {
    const sim = await startMassiveSimulator({ ...shortSession(), seed: 1, speed: 'max', apiKey: API_KEY });
    cleanups.push(() => sim.stop());
    const found = await discoverContracts({ ...asked, restUrl: sim.restUrl, pageSize: 7 });
    expect(found.skipped).toEqual([]);
    expect(found.contracts.map((contract) => contract.symbol)).toEqual(
      sim.contracts.map((contract) => contract.symbol),
    );
    await expect(
      discoverContracts({ ...asked, restUrl: sim.restUrl, apiKey: 'wrong' }),
    ).rejects.toMatchObject({
      message: expect.stringContaining('Unknown API Key') as unknown,
      hint: expect.stringContaining('MASSIVE_API_KEY') as unknown,
    });
  });

  it('skips adjusted, odd and malformed contracts, and says why', async () => {
    const restUrl = await server((_, response) => {
      const results = [
        item('O:QQQ261120C00610000'),
        item('O:QQQ1261120C00610000', { shares_per_contract: 10 }),
        item('O:QQQ261120C00610000', { additional_underlyings: [{ type: 'currency', amount: 1 }] }),
        item('O:QQQ261120P00610000'),
        item('nonsense'),
        item('O:SPY261120C00610000', { underlying_ticker: 'SPY' }),
        7,
      ];
      response.end(JSON.stringify({ status: 'OK', results }));
    });
    const found = await discoverContracts({ ...asked, restUrl });
    expect(found.contracts).toEqual([
      {
        symbol: 'QQQ   261120C00610000',
        underlying: 'QQQ',
        option_kind: 'call',
        expiration: '2026-11-20',
        strike_e4: 6_100_000,
        exercise_style: 'american',
      },
    ]);
    expect(found.skipped.map((row) => row.reason)).toEqual([
      'no standard contract: shares_per_contract',
      'no standard contract: additional_underlyings',
      'ticker and terms disagree',
      'ticker is no option symbol',
      'not the underlying and expiry asked for',
      'no standard contract: not an object',
    ]);
  });

  it('does not follow a next page to another host with the key', async () => {
    let visits = 0;
    const other = await server((_, response) => {
      visits += 1;
      response.end('{}');
    });
    const restUrl = await server((_, response) => {
      response.end(
        JSON.stringify({ results: [], next_url: `${other}/v3/reference/options/contracts?cursor=1` }),
      );
    });
    await expect(discoverContracts({ ...asked, restUrl })).rejects.toThrow('the key was not sent there');
    expect(visits).toBe(0);
  });

  it('does not follow a redirect, nor pages without end', async () => {
    const redirecting = await server((_, response) => {
      response.writeHead(302, { location: 'https://example.com' }).end();
    });
    await expect(discoverContracts({ ...asked, restUrl: redirecting })).rejects.toThrow(Failure);
    const endless = await server((request, response) => {
      response.end(JSON.stringify({ results: [], next_url: `http://${request.headers.host}${request.url}` }));
    });
    await expect(discoverContracts({ ...asked, restUrl: endless })).rejects.toThrow('more than 50 pages');
  });

  it.each([
    ['an empty 429', 429, '', 'too many requests'],
    ['a 502 in HTML', 502, '<html>Bad gateway</html>', null],
    ['a 200 in HTML', 200, '<html>Hello</html>', null],
    ['a 403 that echoes the key', 403, JSON.stringify({ message: `no plan for ${API_KEY}` }), 'plan'],
  ])('explains %s without showing the key', async (_, status, body, hint) => {
    const restUrl = await server((_request, response) => {
      response.writeHead(status).end(body);
    });
    const error = await discoverContracts({ ...asked, restUrl }).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(Failure);
    expect(`${errorText(error)} ${(error as Failure).hint}`).not.toContain(API_KEY);
    if (hint !== null) expect((error as Failure).hint).toContain(hint);
  });

  it('refuses an address without TLS and a key that cannot be one', async () => {
    await expect(discoverContracts({ ...asked, restUrl: 'http://api.massive.com' })).rejects.toThrow(
      'https://',
    );
    const bad = { ...asked, restUrl: 'https://api.massive.com', apiKey: 'line\nbreak' };
    await expect(discoverContracts(bad)).rejects.toThrow('blanks or odd characters');
    const nowhere = discoverContracts({ ...asked, restUrl: 'http://127.0.0.1:1' });
    await expect(nowhere).rejects.toThrow('cannot be reached');
  });
});

describe('the choice of contracts', () => {
  const listed: ListedContract[] = [600, 601, 602, 603, 604, 605].flatMap((strike) =>
    (['put', 'call'] as const).map((option_kind) => ({
      symbol: `QQQ   261120${option_kind === 'call' ? 'C' : 'P'}00${strike}000` as ListedContract['symbol'],
      underlying: 'QQQ',
      option_kind,
      expiration: '2026-11-20',
      strike_e4: strike * 10_000,
      exercise_style: 'american' as const,
    })),
  );
  const strikes = (price: number, options: { count: number; centre_e4?: number }): number[] => [
    ...new Set(
      chooseContracts(listed, Math.round(price * 1e4), options)?.contracts.map(
        (each) => each.strike_e4 / 1e4,
      ),
    ),
  ];

  it('takes calls and puts of the strikes nearest to the money', () => {
    const choice = chooseContracts(listed, 6_021_000, { count: 3 });
    expect(choice?.centre_e4).toBe(6_020_000);
    expect(choice?.contracts.map((each) => each.symbol)).toEqual([
      'QQQ   261120C00601000',
      'QQQ   261120P00601000',
      'QQQ   261120C00602000',
      'QQQ   261120P00602000',
      'QQQ   261120C00603000',
      'QQQ   261120P00603000',
    ]);
  });

  it('keeps its centre until another strike is nearer by more than a dollar', () => {
    expect(strikes(602.9, { count: 1, centre_e4: 6_020_000 })).toEqual([602]);
    expect(strikes(603.1, { count: 1, centre_e4: 6_020_000 })).toEqual([602]);
    expect(strikes(603.6, { count: 1, centre_e4: 6_020_000 })).toEqual([604]);
    expect(strikes(603.1, { count: 1 })).toEqual([603]);
    expect(strikes(603.1, { count: 1, centre_e4: 1 })).toEqual([603]);
  });

  it('takes what there is beyond the last strike, and nothing from nothing', () => {
    expect(strikes(900, { count: 2 })).toEqual([604, 605]);
    expect(strikes(602.5, { count: 99 })).toEqual([600, 601, 602, 603, 604, 605]);
    expect(chooseContracts([], 6_000_000, { count: 3 })).toBeNull();
  });
});
