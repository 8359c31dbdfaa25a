// How the simulated Schwab misbehaves on request: each fault seen by a client, and what the ledger says beside it.
import { describe, expect, it } from 'vitest';
import type { Fault, Operation } from '../../../sim/schwab/faults.ts';
import { type Bench, bench, CALL, quote, single, stopsSimulators } from './support.ts';

stopsSimulators();

const ENTRY = single('SELL_TO_OPEN', 1, '1.25');

function post(at: Bench, body: unknown = ENTRY): ReturnType<Bench['call']> {
  return at.call('POST', `/accounts/${at.hash}/orders`, body);
}

/** Posts an entry that is not answered: other requests sent after it arrived are. */
async function postUnanswered(at: Bench): Promise<void> {
  let isAnswered = false;
  // The simulator ends the connection when it stops.
  const sent = post(at).then(
    () => {
      isAnswered = true;
    },
    () => {},
  );
  await expect.poll(() => at.simulator.requests().length, { timeout: 20_000 }).toBe(1);
  await at.call('GET', '/accounts/accountNumbers');
  expect(isAnswered).toBe(false);
  void sent;
}

async function withFault(fault: Fault, options = {}): Promise<Bench> {
  const at = await bench(options);
  at.simulator.script.next('POST order', fault);
  return at;
}

describe('an order whose answer is lost', () => {
  it.each([true, false])('in a time-out (accepted: %s)', async (accept) => {
    const at = await withFault({ kind: 'hang', accept });
    await postUnanswered(at);
    expect(at.simulator.ledger.openEntries(CALL)).toHaveLength(accept ? 1 : 0);
    expect(at.simulator.requests()[0]).toMatchObject({
      operation: 'POST order',
      status: null,
      fault: 'hang',
    });
  });

  it('in a time-out after which it is accepted late', async () => {
    const at = await withFault({ kind: 'hang', accept: true, acceptAfterMs: 20_000 });
    await postUnanswered(at);
    expect(at.simulator.ledger.orders()).toEqual([]);
    await at.advance(20_000);
    expect(at.simulator.ledger.openEntries(CALL)).toHaveLength(1);
  });

  it.each([true, false])('in a reset connection (accepted: %s)', async (accept) => {
    const at = await withFault({ kind: 'reset', accept });
    await expect(post(at)).rejects.toThrow('fetch failed');
    expect(at.simulator.ledger.openEntries()).toHaveLength(accept ? 1 : 0);
    expect((await post(at)).status).toBe(201);
  });

  it.each([
    [500, true],
    [502, false],
    [503, true],
    [504, false],
  ] as const)('in an HTML %s (accepted: %s)', async (status, accept) => {
    const at = await withFault({ kind: 'html', status, accept });
    const reply = await post(at);
    expect([reply.status, reply.headers.get('content-type')]).toEqual([status, 'text/html']);
    expect(reply.text).toContain('<html>');
    expect(at.simulator.ledger.orders()).toHaveLength(accept ? 1 : 0);
  });

  it('in a 201 without Location, with a relative one, and with that of another order', async () => {
    const at = await bench();
    const locations: (string | null)[] = [];
    const faults: Fault[] = [
      { kind: 'no_location' },
      { kind: 'relative_location' },
      { kind: 'wrong_location' },
    ];
    for (const fault of faults) {
      at.simulator.script.next('POST order', fault);
      const reply = await post(at);
      expect(reply.status).toBe(201);
      locations.push(reply.headers.get('location'));
    }
    const [first, second, third] = at.simulator.ledger.orders().map((order) => order.id);
    expect(third).toBeGreaterThan(second ?? 0);
    expect(first).toBeGreaterThan(0);
    const path = `/trader/v1/accounts/${at.hash}/orders/${second}`;
    expect(locations).toEqual([null, path, `https://api.schwabapi.com${path}`]);
  });

  it('in answers that say for certain that it was not taken', async () => {
    const refusals: readonly (readonly [Fault, number])[] = [
      [{ kind: 'rate_limit', retryAfterS: 7, hasBody: true }, 429],
      [{ kind: 'rate_limit', retryAfterS: null, hasBody: false }, 429],
      [{ kind: 'unauthorized' }, 401],
      [{ kind: 'token_death', token: 'access' }, 401],
      [{ kind: 'fault_json' }, 503],
      [{ kind: 'no_route' }, 404],
    ];
    for (const [fault, status] of refusals) {
      const at = await withFault(fault);
      const reply = await post(at);
      expect(reply.status, fault.kind).toBe(status);
      expect(at.simulator.ledger.orders()).toEqual([]);
      if (fault.kind !== 'rate_limit') continue;
      expect(reply.headers.get('retry-after')).toBe(fault.retryAfterS === null ? null : '7');
      expect(reply.text === '').toBe(!fault.hasBody);
    }
  });
});

describe('answers', () => {
  it('can be half a JSON, with the connection cut or not, or late', async () => {
    const at = await bench();
    const { script } = at.simulator;
    script.next('GET accountNumbers', { kind: 'half_body', isCut: false });
    await expect(at.call('GET', '/accounts/accountNumbers')).rejects.toThrow(SyntaxError);
    script.next('GET accountNumbers', { kind: 'half_body', isCut: true });
    await expect(at.call('GET', '/accounts/accountNumbers')).rejects.toThrow('terminated');
    script.next('POST order', { kind: 'slow', ms: 30_000 });
    const slow = post(at);
    await expect.poll(() => at.simulator.ledger.orders().length, { timeout: 20_000 }).toBe(1);
    await at.advance(30_000);
    expect((await slow).status).toBe(201);
  });

  it('are compressed for those who take it', async () => {
    const at = await bench();
    const plain = await bench({ gzip: false });
    const encoding = async ({ call }: Bench): Promise<string | null> =>
      (await call('GET', '/accounts/accountNumbers')).headers.get('content-encoding');
    expect([await encoding(at), await encoding(plain)]).toEqual(['gzip', null]);
  });

  it('are refused beyond the order requests of a minute, cancels included, reads not', async () => {
    const at = await bench({ ordersPerMinute: 3 });
    const ids = [await at.place(ENTRY), await at.place(ENTRY)];
    await at.call('DELETE', `/accounts/${at.hash}/orders/${ids[0]}`);
    expect((await post(at)).status).toBe(429);
    expect((await at.order(ids[1] ?? 0)).status).toBe('WORKING');
    await at.advance(60_000);
    expect((await post(at)).status).toBe(201);
  });
});

describe('what is told lags behind what is true', () => {
  it('in lists: an accepted order is there by id, or not even so', async () => {
    const at = await withFault({ kind: 'list_lag', ms: 500 });
    const id = await at.place(ENTRY);
    expect([await at.orders(), (await at.order(id)).status]).toEqual([[], 'WORKING']);
    await at.advance(500);
    expect(await at.orders()).toHaveLength(1);
    at.simulator.script.next('POST order', { kind: 'list_lag', ms: 500, byId: true });
    const hidden = await at.place(ENTRY);
    expect((await at.call('GET', `/accounts/${at.hash}/orders/${hidden}`)).status).toBe(404);
    at.simulator.setLags({ listMs: 10_000 });
    expect(await at.orders()).toEqual([]);
  });

  it('in positions and balances, of one order or of all', async () => {
    const at = await withFault({ kind: 'positions_lag', ms: 800 });
    quote(at.simulator, CALL, 1.25, 1.27);
    await at.place(ENTRY);
    const positions = async (): Promise<unknown> =>
      (await at.call('GET', `/accounts/${at.hash}?fields=positions`)).json.securitiesAccount.positions;
    expect([at.simulator.ledger.positionOf(CALL), await positions()]).toEqual([-1, undefined]);
    await at.advance(800);
    expect(await positions()).toHaveLength(1);
    at.simulator.setLags({ positionsMs: 5000 });
    expect(await positions()).toBeUndefined();
  });

  it('in reports: an order that has filled still reads WORKING', async () => {
    const at = await withFault({ kind: 'report_lag', ms: 800 });
    quote(at.simulator, CALL, 1.25, 1.27);
    const id = await at.place(ENTRY);
    expect(at.simulator.ledger.order(id)?.status).toBe('FILLED');
    expect(await at.order(id)).toMatchObject({ status: 'WORKING', filledQuantity: 0 });
    await at.advance(800);
    expect(await at.order(id)).toMatchObject({ status: 'FILLED', filledQuantity: 1 });
  });

  it('in a single answer', async () => {
    const at = await bench();
    const id = await at.place(ENTRY);
    await at.advance(1000);
    await at.call('DELETE', `/accounts/${at.hash}/orders/${id}`);
    at.simulator.script.next('GET order', { kind: 'stale', ms: 500 });
    expect([(await at.order(id)).status, (await at.order(id)).status]).toEqual(['WORKING', 'CANCELED']);
  });
});

describe('a script', () => {
  it('refuses faults that make no sense, goes on standing until it is taken back, and is logged', async () => {
    const at = await bench();
    const { script } = at.simulator;
    expect(() => script.next('GET order', { kind: 'no_location' })).toThrow('makes no sense');
    expect(() => script.next('GET nothing' as Operation, { kind: 'unauthorized' })).toThrow('no such');
    script.always('GET accountNumbers', { kind: 'unauthorized' });
    script.next('GET accountNumbers', { kind: 'fault_json' });
    const status = async (): Promise<number> => (await at.call('GET', '/accounts/accountNumbers')).status;
    expect([await status(), await status(), await status()]).toEqual([503, 401, 401]);
    script.always('GET accountNumbers', null);
    expect(await status()).toBe(200);
    expect(script.injected().map((each) => each.fault.kind)).toEqual([
      'fault_json',
      'unauthorized',
      'unauthorized',
    ]);
  });

  it('scatters faults by a seed: the same for the same, at the rate that was asked for', async () => {
    const faults: Fault[] = [{ kind: 'unauthorized' }, { kind: 'fault_json' }, { kind: 'no_location' }];
    const run = async (
      seed: number,
      isBusy = false,
      path = '/accounts/accountNumbers',
    ): Promise<readonly number[]> => {
      const at = await bench();
      at.simulator.misbehave({ seed, rate: 0.3, faults });
      const statuses: number[] = [];
      for (let i = 0; i < 60; i += 1) {
        statuses.push((await at.call('GET', path)).status);
        if (isBusy && i % 3 === 0) await at.call('GET', '/userPreference');
      }
      return statuses;
    };
    const first = await run(1);
    expect(await run(1)).toEqual(first);
    expect(await run(1, true), 'requests of another kind do not shift the draws').toEqual(first);
    expect(await run(1, false, '/userPreference'), 'another kind has its own').not.toEqual(first);
    const other = await run(2);
    expect(other).not.toEqual(first);
    const bad = first.filter((status) => status !== 200).length;
    expect(bad).toBeGreaterThan(8);
    expect(bad).toBeLessThan(30);
    expect(new Set(first)).toEqual(new Set([200, 401, 503]));
  });
});
