// What keeps a login alive: one refresh at a time, no needless one, and no trade on a login that is about to die.
import { describe, expect, it } from 'vitest';
import { systemClock } from '../../../../core/clock.ts';
import { addMs } from '../../../../core/eastern_time.ts';
import { Failure } from '../../../../core/failure.ts';
import { createLog } from '../../../../core/log.ts';
import { createExchange } from '../../../../jobs/brokers/exchange.ts';
import { createAccess, type SchwabAccess } from '../../../../jobs/brokers/schwab/access.ts';
import { appOf, DEFAULT_TIMING, type SchwabConfig } from '../../../../jobs/brokers/schwab/settings.ts';
import { createTokenStore, type SchwabTokens } from '../../../../jobs/brokers/schwab/tokens.ts';
import { eventually } from '../../../harness.ts';
import {
  atEnd,
  type BareServer,
  bareServer,
  configFor,
  movableClock,
  NOON,
  sendJson,
  storeLogin,
  tokensAt,
} from './support.ts';

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
// As Schwab sends it: quotes within quotes, so that the description is no JSON.
const DEAD =
  '{"error":"unsupported_token_type","error_description":"400 Bad Request: \\"{\\"error_description\\":\\"Exception while ' +
  'authenticating refresh token [tokenDigest=x, Exception=Failed refresh token authentication [tokenDigest=x]]\\",' +
  '\\"error\\":\\"refresh_token_authentication_error\\"}\\""}';

interface World {
  readonly clock: ReturnType<typeof movableClock>;
  readonly config: SchwabConfig;
  readonly server: BareServer;
  readonly log: string[];
  access(): SchwabAccess;
  stored(): Promise<SchwabTokens | null>;
}

type Answer = Parameters<typeof bareServer>[0];

/** Grants `access-1`, `access-2`, ... */
const granting: Answer = (_, response, count) => {
  sendJson(response, 200, {
    access_token: `access-${count}`,
    refresh_token: 'refresh-of-the-store',
    expires_in: 1800,
  });
};

async function world(answer: Answer = granting, tokens: Partial<SchwabTokens> | null = {}): Promise<World> {
  const clock = movableClock();
  const server = await bareServer(answer);
  const config = await configFor(server.url);
  if (tokens !== null) await storeLogin(config, tokensAt(NOON, tokens));
  const log: string[] = [];
  const transport = systemClock();
  const storeOf = () =>
    createTokenStore({ folder: config.strikebaseDir, secretKey: config.secretKey, transport });
  const access = (): SchwabAccess => {
    const exchange = createExchange(transport);
    const made = createAccess({
      app: appOf(config),
      store: storeOf(),
      exchange,
      clock,
      transport,
      timing: { ...DEFAULT_TIMING, readTimeoutMs: 2000, backoffFirstMs: 50, backoffMaxMs: 200 },
      log: createLog(
        { logLevel: 'info', secrets: [] },
        { name: 'test', destination: { write: (line) => log.push(line) } },
      ),
    });
    atEnd(async () => {
      await made.close();
      exchange.close();
    });
    return made;
  };
  return { clock, config, server, log, access, stored: () => storeOf().read() };
}

describe('an access token', () => {
  it('is used as it is for four fifths of its life', async () => {
    const { access, clock, server } = await world();
    const own = access();
    expect(await own.token()).toBe('access-of-the-store');
    clock.move(24 * MINUTE_MS - 1);
    expect(await own.token()).toBe('access-of-the-store');
    expect(server.received).toHaveLength(0);
  });

  it('is refreshed after that without making anybody wait', async () => {
    const { access, clock, server, stored } = await world();
    const own = access();
    clock.move(24 * MINUTE_MS);
    expect(await own.token()).toBe('access-of-the-store');
    await eventually(async () => expect(await own.token()).toBe('access-1'));
    expect(server.received).toHaveLength(1);
    expect(server.received[0]?.body).toBe('grant_type=refresh_token&refresh_token=refresh-of-the-store');
    // The login is as old as it was.
    expect(await stored()).toEqual(
      tokensAt(NOON, { accessToken: 'access-1', accessIssuedAt: addMs(NOON, 24 * MINUTE_MS) }),
    );
  });

  it('that has expired is refreshed once, however many wait for it', async () => {
    const { access, clock, server } = await world();
    const own = access();
    clock.move(31 * MINUTE_MS);
    const tokens = await Promise.all(Array.from({ length: 30 }, () => own.token()));
    expect(new Set(tokens)).toEqual(new Set(['access-1']));
    expect(server.received).toHaveLength(1);
  });

  it('is refreshed by one of several processes, and read by the others', async () => {
    const { access, clock, server } = await world();
    clock.move(31 * MINUTE_MS);
    const tokens = await Promise.all(Array.from({ length: 5 }, () => access().token()));
    expect(new Set(tokens)).toEqual(new Set(['access-1']));
    expect(server.received).toHaveLength(1);
  });

  it('that the API refused is replaced, and not again and again', async () => {
    const { access, server } = await world();
    const own = access();
    own.refused(await own.token());
    expect(await own.token()).toBe('access-1');
    own.refused('access-1');
    expect(await own.token()).toBe('access-1');
    expect(server.received).toHaveLength(1);
  });

  it('that the API refused is replaced by what another process has stored', async () => {
    const { access, config, server } = await world();
    const own = access();
    const old = await own.token();
    await storeLogin(config, tokensAt(NOON, { accessToken: 'of-another-process' }));
    own.refused(old);
    expect(await own.token()).toBe('of-another-process');
    expect(server.received).toHaveLength(0);
  });

  it('comes with a refresh token that Schwab may change', async () => {
    const { access, clock, stored } = await world((_, response) =>
      sendJson(response, 200, { access_token: 'a', refresh_token: 'another', expires_in: 1800 }),
    );
    clock.move(31 * MINUTE_MS);
    await access().token();
    expect(await stored()).toMatchObject({ refreshToken: 'another', refreshIssuedAt: NOON });
  });

  it('is not to be had before the first login', async () => {
    const { access, server } = await world(granting, null);
    await expect(access().token()).rejects.toMatchObject({
      message: 'there is no Schwab login yet',
      hint: 'Run `strikebase schwab login`.',
    });
    expect(server.received).toHaveLength(0);
  });

  it('is not to be had after closing', async () => {
    const { access } = await world();
    const own = access();
    await own.close();
    await expect(own.token()).rejects.toThrow('closed by us');
  });
});

describe('a token service that fails', () => {
  it.each([
    [
      'with HTML',
      (_: unknown, response: Parameters<Answer>[1]) => response.writeHead(403).end('<HTML>Access Denied'),
    ],
    ['with 503', (_: unknown, response: Parameters<Answer>[1]) => response.writeHead(503).end('')],
    [
      'with half an answer',
      (_: unknown, response: Parameters<Answer>[1]) => response.writeHead(200).end('{"acc'),
    ],
    [
      'with an error of its own',
      (_: unknown, response: Parameters<Answer>[1]) => sendJson(response, 400, { error: 'x' }),
    ],
  ])('%s does not take a token that lives, and recovers', async (_, failing) => {
    let isFailing = true;
    const { access, clock, server } = await world((request, response, count) =>
      isFailing ? failing(request, response) : granting(request, response, count),
    );
    const own = access();
    clock.move(25 * MINUTE_MS);
    expect(await own.token()).toBe('access-of-the-store');
    await eventually(async () => {
      const look = await own.look();
      expect(look).toMatchObject({ state: 'unavailable', accessLeftMs: 5 * MINUTE_MS });
    });
    isFailing = false;
    await eventually(async () => expect((await own.look()).state).toBe('ok'));
    expect(await own.token()).toBe(`access-${server.received.length}`);
  });

  it('is asked with pauses, not by every request', async () => {
    const { access, clock, server } = await world((_, response) => response.writeHead(503).end());
    const own = access();
    clock.move(31 * MINUTE_MS);
    await expect(own.token()).rejects.toThrow('gave no token');
    for (let i = 0; i < 50; i += 1) await expect(own.token()).rejects.toThrow('gave no token');
    expect(server.received.length).toBeLessThan(5);
  });

  it('that hangs is given up', async () => {
    const { access, clock } = await world(() => {});
    clock.move(31 * MINUTE_MS);
    await expect(access().token()).rejects.toThrow('no answer within 2000 ms');
  });
});

describe('a dead refresh token', () => {
  it('wants a new login, is not tried again, and leaves the access token its time', async () => {
    const { access, clock, server } = await world((_, response) => response.writeHead(400).end(DEAD));
    const own = access();
    clock.move(25 * MINUTE_MS);
    expect(await own.token()).toBe('access-of-the-store');
    await eventually(async () => {
      expect(await own.look()).toMatchObject({ state: 'needs_login', loginLeftMs: 0 });
    });
    expect(await own.token()).toBe('access-of-the-store');
    clock.move(6 * MINUTE_MS);
    await expect(own.token()).rejects.toMatchObject({
      message: expect.stringContaining('Schwab refuses the refresh token') as unknown,
      hint: expect.stringContaining('strikebase schwab login') as unknown,
    });
    expect((await own.look()).state).toBe('needs_login');
    expect(server.received).toHaveLength(1);
  });

  it.each(['invalid_client', 'invalid_grant', 'unsupported_token_type'])(
    'is also called %s',
    async (error) => {
      const { access, clock } = await world((_, response) =>
        sendJson(response, 401, { error, error_description: 'refresh token invalid' }),
      );
      clock.move(31 * MINUTE_MS);
      expect((await access().look()).state).toBe('needs_login');
    },
  );

  it('is over with a new login by another process', async () => {
    const { access, clock, config, server } = await world((_, response) => response.writeHead(400).end(DEAD));
    const own = access();
    clock.move(31 * MINUTE_MS);
    expect((await own.look()).state).toBe('needs_login');
    const login = own.login();
    await storeLogin(
      config,
      tokensAt(clock.now(), { accessToken: 'of-the-new-login', refreshToken: 'refresh-of-the-new-login' }),
    );
    expect(await own.look()).toMatchObject({ state: 'ok', loginLeftMs: 7 * DAY_MS });
    expect(await own.token()).toBe('of-the-new-login');
    expect(own.login()).not.toBe(login);
    expect(server.received).toHaveLength(1);
  });
});

describe('the countdown', () => {
  it('tells what is left of the login and of the access token', async () => {
    const { access, clock } = await world(granting, {});
    const own = access();
    clock.move(10 * MINUTE_MS);
    expect(await own.look()).toEqual({
      state: 'ok',
      detail: 'logged in',
      loginLeftMs: 7 * DAY_MS - 10 * MINUTE_MS,
      accessLeftMs: 20 * MINUTE_MS,
    });
  });

  it('warns at 24, 6 and 1 hours, once each', async () => {
    const { access, clock, log } = await world((_, response, count) =>
      sendJson(response, 200, { access_token: `a${count}`, expires_in: 30 * 86_400 }),
    );
    const own = access();
    const warnings = (): string[] => log.filter((line) => line.includes('expire'));
    for (const hours of [143, 144.5, 145, 161, 162.5, 163, 166, 167.5, 167.9]) {
      clock.move(hours * 3_600_000 - (clock.now() - NOON) / 1000);
      await own.token();
      await own.look();
    }
    expect(warnings()).toHaveLength(3);
    expect(warnings()[2]).toContain('about to expire');
  });

  it('shows no token in any log line or failure', async () => {
    const { access, clock, log } = await world((request, response) => {
      sendJson(response, 400, {
        error: 'invalid_grant',
        error_description: `${request.body} refresh-of-the-store`,
      });
    });
    clock.move(31 * MINUTE_MS);
    const error = await access()
      .token()
      .catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(Failure);
    expect(`${(error as Failure).message} ${log.join('\n')}`).not.toContain('of-the-store');
  });
});
