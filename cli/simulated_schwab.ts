// The simulated Schwab on the market of a simulated Massive: one market for quotes and fills, and a login of its own.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Clock, systemClock } from '../core/clock.ts';
import { type OsiSymbol, toOsi } from '../core/osi_symbol.ts';
import type { SchwabConfig } from '../jobs/brokers/schwab/schwab_broker.ts';
import { createTokenStore } from '../jobs/brokers/schwab/tokens.ts';
import { type SchwabSimulator, startSchwabSimulator } from '../sim/schwab/server.ts';
import type { SchwabSimulatorOptions } from '../sim/schwab/settings.ts';
import type { Market, WireEvent } from '../sim/wire.ts';

export interface SimulatedSchwab {
  readonly simulator: SchwabSimulator;
  /** What a client of it is configured with; logged in. */
  readonly config: SchwabConfig;
  /** Shows it the quotes of a step, as the simulated Massive's `onEvents` tells them. */
  readonly onEvents: (market: Market, events: readonly WireEvent[]) => void;
  /** Logs in again, as a person does when a login has died. */
  logIn(): Promise<void>;
  stop(): Promise<void>;
}

// Never leaves this machine, and encrypts tokens that are good for nothing.
const SECRET_KEY = 'the secret key of a simulated login';
// Covers the margin of the strategy's default position.
const CASH_E4 = 50_000_000_000;

/**
 * Starts it in the time of `clock`. The tokens of a real login are not touched: these go to `folder`, by default one of its own
 * that is gone with it.
 */
export async function startSimulatedSchwab(
  options: SchwabSimulatorOptions & { readonly clock: Clock; readonly folder?: string },
): Promise<SimulatedSchwab> {
  const { clock, folder: given, ...rest } = options;
  const simulator = await startSchwabSimulator({
    ...{ clock, hours: 'always', ordersPerMinute: null },
    accounts: [{ accountNumber: '12345678', cash_e4: CASH_E4 }],
    ...rest,
  });
  const folder = given ?? mkdtempSync(join(tmpdir(), 'strikebase-schwab-'));
  const config = configOf(simulator, folder);
  await logIn(simulator, config, clock);
  return {
    simulator,
    config,
    onEvents: (market, events) => {
      if (market === 'options') for (const each of events) showQuote(simulator, each);
    },
    logIn: () => logIn(simulator, config, clock),
    stop: async () => {
      await simulator.stop();
      if (given === undefined) rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
    },
  };
}

function configOf(simulator: SchwabSimulator, strikebaseDir: string): SchwabConfig {
  return {
    schwabBaseUrl: simulator.restUrl,
    schwabApiKey: simulator.appKey,
    schwabApiSecret: simulator.appSecret,
    schwabCallbackUrl: simulator.callbackUrl,
    secretKey: SECRET_KEY,
    schwabAccount: null,
    strikebaseDir,
  };
}

async function logIn(simulator: SchwabSimulator, config: SchwabConfig, clock: Clock): Promise<void> {
  const { access_token, refresh_token, expires_in } = simulator.oauth.login();
  const { strikebaseDir: folder, secretKey } = config;
  const now = clock.now();
  await createTokenStore({ folder, secretKey, transport: systemClock() }).write({
    accessToken: access_token,
    accessIssuedAt: now,
    accessLifeMs: expires_in * 1000,
    refreshToken: refresh_token,
    refreshIssuedAt: now,
  });
}

const symbols = new Map<string, OsiSymbol | null>();

function symbolOf(ticker: string): OsiSymbol | null {
  const known = symbols.get(ticker);
  if (known !== undefined) return known;
  const symbol = toOsi(ticker);
  symbols.set(ticker, symbol);
  return symbol;
}

function showQuote(simulator: SchwabSimulator, { event }: WireEvent): void {
  if (event.ev !== 'Q') return;
  const symbol = symbolOf(String(event.sym));
  if (symbol === null) return;
  const px = (value: unknown): number => Math.round(Number(value) * 10_000);
  simulator.setQuote(symbol, px(event.bp), px(event.ap), Number(event.bs), Number(event.as));
}

/** The settings of a tree of processes that trades at this Schwab on a simulated Massive, as its environment. */
export function treeSettings(
  { config }: SimulatedSchwab,
  of: { readonly wsUrl: string; readonly restUrl: string; readonly apiKey: string; readonly port: number },
): Record<string, string> {
  return {
    STRIKEBASE_DIR: config.strikebaseDir,
    STRIKEBASE_PORT: String(of.port),
    MASSIVE_API_KEY: of.apiKey,
    MASSIVE_WS_URL: of.wsUrl,
    MASSIVE_REST_URL: of.restUrl,
    BROKER: 'schwab',
    LIVE_TRADING: 'yes',
    SCHWAB_BASE_URL: config.schwabBaseUrl,
    SCHWAB_API_KEY: config.schwabApiKey ?? '',
    SCHWAB_API_SECRET: config.schwabApiSecret ?? '',
    SCHWAB_CALLBACK_URL: config.schwabCallbackUrl,
    STRIKEBASE_SECRET_KEY: config.secretKey ?? '',
  };
}
