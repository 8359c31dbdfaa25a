// The simulator's REST data: what its websocket sends, in the vendor's other form; pages, ranges, and faults on request.
import { afterEach, describe, expect, it } from 'vitest';
import { addMs, type EasternUs, epochMsFromEastern } from '../../core/eastern_time.ts';
import {
  type MassiveSimulator,
  type MassiveSimulatorOptions,
  startMassiveSimulator,
} from '../../sim/massive_server.ts';
import { authenticated } from './raw_client.ts';
import { session, shortSession } from './sessions.ts';

const API_KEY = 'simulated-key';
const running: MassiveSimulator[] = [];

afterEach(async () => {
  await Promise.all(running.splice(0).map((simulator) => simulator.stop()));
});

async function start(options: Partial<MassiveSimulatorOptions> = {}): Promise<MassiveSimulator> {
  const simulator = await startMassiveSimulator({
    ...shortSession(),
    seed: 7,
    speed: 'max',
    apiKey: API_KEY,
    strikesEachSide: 2,
    onRecord: 'whole',
    ...options,
  });
  running.push(simulator);
  return simulator;
}

interface Body {
  readonly results?: readonly Record<string, unknown>[];
  readonly next_url?: string;
  readonly [key: string]: unknown;
}

async function get(url: string): Promise<{ status: number; text: string; body: Body }> {
  const response = await fetch(url, { headers: { authorization: `Bearer ${API_KEY}` } });
  const text = await response.text();
  const isJson = response.headers.get('content-type') === 'application/json';
  return { status: response.status, text, body: isJson ? (JSON.parse(text) as Body) : {} };
}

async function allPages(first: string): Promise<Record<string, unknown>[]> {
  const results: Record<string, unknown>[] = [];
  for (let next: string | undefined = first; next !== undefined; ) {
    const { body } = await get(next);
    results.push(...(body.results ?? []));
    next = body.next_url;
    expect(String(next)).not.toContain(API_KEY);
  }
  return results;
}

/** Events of a pair as its websocket sends them over the whole session. */
async function sent(
  simulator: MassiveSimulator,
  market: string,
  pair: string,
): Promise<Record<string, unknown>[]> {
  const client = await authenticated(`${simulator.wsUrl}/${market}`, API_KEY);
  client.send('subscribe', pair);
  await client.next({ message: `subscribed to: ${pair}` });
  simulator.begin();
  await simulator.done;
  return client.frames.flat().filter((event) => event.ev !== 'status');
}

describe('bars', () => {
  const path = (simulator: MassiveSimulator, span: string, ticker = 'QQQ'): string => {
    const { tsStart, tsEnd } = simulator.session;
    return `${simulator.restUrl}/v2/aggs/ticker/${ticker}/range/1/${span}/${epochMsFromEastern(tsStart)}/${epochMsFromEastern(tsEnd) - 1}`;
  };

  it('of a second are the aggregates of the websocket, page by page', async () => {
    const simulator = await start();
    const bars = await allPages(`${path(simulator, 'second')}?limit=500`);
    const events = await sent(simulator, 'stocks', 'A.QQQ');
    expect(events.length).toBeGreaterThan(500);
    expect(bars.map(({ t, o, h, l, c, v, vw }) => ({ t, o, h, l, c, v, vw }))).toEqual(
      events.map(({ s, o, h, l, c, dv, vw }) => ({ t: s, o, h, l, c, v: Number(dv), vw })),
    );
  });

  it('of a minute hold the same volume, and the same whether asked up or down', async () => {
    const simulator = await start();
    const seconds = await allPages(`${path(simulator, 'second')}?limit=50000`);
    const minutes = await allPages(path(simulator, 'minute'));
    const volume = (bars: readonly Record<string, unknown>[]): number =>
      bars.reduce((sum, bar) => sum + Math.round(Number(bar.v) * 1e6), 0);
    expect(volume(minutes)).toBe(volume(seconds));
    const down = await allPages(`${path(simulator, 'minute')}?sort=desc&limit=7`);
    expect(down.reverse()).toEqual(minutes);
    const { body } = await get(path(simulator, 'minute', 'NOSUCH'));
    expect(body).toEqual({
      ticker: 'NOSUCH',
      adjusted: true,
      queryCount: 0,
      resultsCount: 0,
      count: 0,
      status: 'OK',
      request_id: 'simulated',
    });
  });

  it('of a contract are made of its prints', async () => {
    const simulator = await start();
    const ticker = simulator.contracts[4]?.ticker ?? '';
    const [bars, prints] = [
      await allPages(path(simulator, 'minute', ticker)),
      await allPages(`${simulator.restUrl}/v3/trades/${ticker}?limit=50000`),
    ];
    expect(prints.length).toBeGreaterThan(5);
    expect(bars.reduce((sum, bar) => sum + Number(bar.n), 0)).toBe(prints.length);
  });
});

describe('ticks', () => {
  it('are the websocket’s, in nanoseconds whose milliseconds are its', async () => {
    const simulator = await start();
    const ticker = simulator.contracts[4]?.ticker ?? '';
    const url = `${simulator.restUrl}/v3/quotes/${ticker}?order=asc&limit=40`;
    const { text } = await get(url);
    // Nineteen digits: more than a double holds.
    const times = [...text.matchAll(/"sip_timestamp":(\d{19})\b/g)].map(([, ns]) =>
      Number(String(ns).slice(0, -6)),
    );
    const quotes = await allPages(url);
    const events = await sent(simulator, 'options', `Q.${ticker}`);
    expect(quotes.map((quote) => quote.sequence_number)).toEqual(events.map((event) => event.q));
    expect(quotes.map((quote) => [quote.bid_price, quote.ask_size])).toEqual(
      events.map(({ bp, as }) => [bp, as]),
    );
    expect(times).toEqual(events.slice(0, 40).map((event) => event.t));
  });

  it('come newest first unless asked, and of the range asked for', async () => {
    const simulator = await start();
    const { tsOpen } = simulator.session;
    const ns = (us: EasternUs): string => `${epochMsFromEastern(us)}000000`;
    const query = `timestamp.gte=${ns(tsOpen)}&timestamp.lt=${ns(addMs(tsOpen, 60_000))}`;
    const url = `${simulator.restUrl}/v3/trades/QQQ?${query}`;
    const [down, up] = [await allPages(`${url}&limit=100`), await allPages(`${url}&order=asc`)];
    expect(down.length).toBeGreaterThan(100);
    expect(down.reverse()).toEqual(up);
    const expected = simulator.recorded('T.QQQ', tsOpen, addMs(tsOpen, 60_000));
    expect(up.map((print) => print.sequence_number)).toEqual(expected.map((print) => print.q));
    expect(up[0]).toMatchObject({ tape: 3, decimal_size: expect.stringMatching(/^\d+\.\d+$/) });
    const day = await allPages(`${simulator.restUrl}/v3/trades/QQQ?timestamp=2026-11-20&limit=50000`);
    expect(day.length).toBeGreaterThan(up.length);
    expect(await allPages(`${simulator.restUrl}/v3/trades/QQQ?timestamp.gte=2026-11-21`)).toEqual([]);
  });

  it('are on record once they have happened', async () => {
    const simulator = await start({ onRecord: 'past' });
    const url = `${simulator.restUrl}/v3/trades/QQQ?limit=50000`;
    expect(await allPages(url)).toEqual([]);
    simulator.begin();
    await simulator.done;
    expect((await allPages(url)).length).toBeGreaterThan(100);
  });

  it('of earlier sessions are on record too, with the contracts that have expired', async () => {
    const simulator = await start({ history: [session('2026-11-19', '09:30', '09:31')] });
    const trades = await allPages(`${simulator.restUrl}/v3/trades/QQQ?timestamp=2026-11-19&limit=50000`);
    expect(trades.length).toBeGreaterThan(100);
    const contracts = `${simulator.restUrl}/v3/reference/options/contracts?underlying_ticker=QQQ&limit=1000`;
    const expirations = async (query: string): Promise<unknown[]> => [
      ...new Set((await allPages(contracts + query)).map((contract) => contract.expiration_date)),
    ];
    expect(await expirations('')).toEqual(['2026-11-20']);
    expect(await expirations('&expired=true')).toEqual(['2026-11-19']);
    expect(await expirations('&as_of=2026-11-19&sort=expiration_date')).toEqual(['2026-11-19', '2026-11-20']);
  });
});

describe('faults', () => {
  it('are the vendor’s answers, each for the requests that it was meant for', async () => {
    const simulator = await start();
    const url = `${simulator.restUrl}/v3/quotes/${simulator.contracts[4]?.ticker}?limit=10`;
    const kinds = [
      'unauthorized',
      'forbidden',
      'not_found',
      'too_many',
      'too_many_empty',
      'bad_gateway',
    ] as const;
    for (const kind of kinds) simulator.failRest({ kind, path: '/v3/quotes' });
    const answers = [];
    for (const _ of kinds) answers.push(await get(url));
    expect(answers.map(({ status }) => status)).toEqual([401, 403, 404, 429, 429, 502]);
    expect(answers.map(({ body }) => body.error ?? body.message ?? null)).toEqual([
      'Unknown API Key',
      expect.stringContaining('not entitled'),
      'Data not found.',
      expect.stringContaining('maximum requests per minute'),
      null,
      null,
    ]);
    expect(answers[4]?.text).toBe('');
    expect(answers[5]?.text).toContain('<html>');
    expect((await get(url)).status).toBe(200);
  });

  it('cut off, lead astray, reset, or never answer', async () => {
    const simulator = await start();
    const url = `${simulator.restUrl}/v3/trades/QQQ?limit=10`;
    simulator.failRest({ kind: 'truncated' });
    const response = await fetch(url, { headers: { authorization: `Bearer ${API_KEY}` } });
    await expect(response.json()).rejects.toThrow(SyntaxError);
    simulator.failRest({ kind: 'foreign_next' });
    expect((await get(url)).body.next_url).toBe('https://elsewhere.example/v3?cursor=1');
    simulator.failRest({ kind: 'reset' });
    await expect(get(url)).rejects.toThrow('fetch failed');
    simulator.failRest({ kind: 'hang' });
    await expect(fetch(url, { signal: AbortSignal.timeout(200) })).rejects.toThrow();
  });
});
