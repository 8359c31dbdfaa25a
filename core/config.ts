// Configuration: one schema, the only reader of process.env. `.env` in the working folder adds what the environment lacks.
import { config as loadDotenv } from 'dotenv';
import { z } from 'zod';
import { Failure } from './failure.ts';

const url = (schemes: readonly string[]) =>
  z.string().refine((text) => schemes.some((scheme) => text.startsWith(`${scheme}://`)), {
    message: `must be a URL that begins with ${schemes.map((scheme) => `${scheme}://`).join(' or ')}`,
  });
const secret = (what: string) => z.string().meta({ description: what, secret: true }).optional();

const schema = z.object({
  DATABASE_URL: url(['postgres', 'postgresql'])
    .meta({ secret: true })
    .optional()
    .describe('Database server, postgres://user:password@host:port/name. Empty: the embedded PostgreSQL.'),
  STRIKEBASE_DIR: z
    .string()
    .default('.strikebase')
    .describe('Folder of the embedded database, relative to the working folder.'),
  STRIKEBASE_PORT: z.coerce
    .number('must be a port number')
    .int('must be a whole number')
    .min(1024, 'must be 1024 to 65535')
    .max(65535, 'must be 1024 to 65535')
    .default(54329)
    .describe('First port of 127.0.0.1 that the embedded database tries.'),
  LOG_LEVEL: z
    .enum(['debug', 'info', 'warn', 'error', 'silent'])
    .default('info')
    .describe('debug, info, warn, error or silent.'),
  POLYGON_API_KEY: secret('Key of Massive (formerly Polygon) for market data.'),
  MASSIVE_API_KEY: secret('The same key under the new name; POLYGON_API_KEY wins where both are set.'),
  MASSIVE_WS_URL: url(['wss', 'ws'])
    .default('wss://socket.massive.com')
    .describe('Massive websocket, without the market; ws:// is accepted on loopback only.'),
  MASSIVE_REST_URL: url(['https', 'http']).default('https://api.massive.com').describe('Massive REST.'),
  BROKER: z
    .enum(['paper', 'schwab', 'tradier'])
    .default('paper')
    .describe('Who fills live orders: paper (simulated on the quotes), schwab or tradier.'),
  LIVE_TRADING: z
    .enum(['yes', 'no'])
    .default('no')
    .describe('yes allows a real broker to be sent orders; BROKER alone never does.'),
  TRADING_CAPITAL: z.coerce
    .number('must be dollars, such as 5000000')
    .positive('must be above 0')
    .optional()
    .describe('Dollars that runs opened here may commit; empty: as the strategy says (5,000,000).'),
  CONTRACTS_PER_TRADE: z.coerce
    .number('must be a number of contracts')
    .int('must be a whole number')
    .min(1, 'must be 1 to 500')
    .max(500, 'must be 1 to 500')
    .optional()
    .describe('Contracts per trade of runs opened here; empty: as the strategy says (25).'),
  SCHWAB_API_KEY: secret('Schwab Trader API: app key.'),
  SCHWAB_API_SECRET: secret('Schwab Trader API: app secret.'),
  SCHWAB_ACCOUNT: secret(
    'Schwab account that trades, its number or last digits; empty: the only one of the login.',
  ),
  SCHWAB_CALLBACK_URL: url(['https'])
    .default('https://127.0.0.1:8182')
    .describe('Callback of the Schwab app, exactly as registered there.'),
  SCHWAB_BASE_URL: url(['https', 'http'])
    .default('https://api.schwabapi.com')
    .describe('Schwab Trader API; http:// is accepted on loopback only.'),
  TRADIER_TOKEN: secret('Tradier: access token; the sandbox and the live account have one each.'),
  TRADIER_ACCOUNT: secret('Tradier account that trades, its number; empty: the only one of the token.'),
  TRADIER_BASE_URL: url(['https', 'http'])
    .default('https://sandbox.tradier.com/v1')
    .describe(
      'Tradier: the sandbox is paper money, https://api.tradier.com/v1 is real; http:// on loopback only.',
    ),
  TRADIER_SNAPSHOT_MINUTES: z.coerce
    .number('must be minutes')
    .int('must be a whole number')
    .min(1, 'must be 1 to 60')
    .max(60, 'must be 1 to 60')
    .default(5)
    .describe('Tradier: minutes from one snapshot of the chains to the next.'),
  STRIKEBASE_SECRET_KEY: secret('Any long random text: encrypts the broker tokens on disk.'),
  TELEGRAM_BOT_TOKEN: secret('Token of the Telegram bot that sends messages (@BotFather gives it).'),
  TELEGRAM_CHAT_ID: z.string().optional().describe('Chat that the bot writes to; it must be a member of it.'),
  TELEGRAM_API_URL: url(['https', 'http'])
    .default('https://api.telegram.org')
    .describe('Telegram bot API; http:// is accepted on loopback only.'),
  ALERT_WEBHOOK_URL: secret(
    'Webhook that messages are posted to as JSON: Slack, Discord, Mattermost or your own.',
  ),
  GRAFANA_DB_PASSWORD: secret(
    'Password of the read-only database user grafana, who reads schema panel; `strikebase migrate` sets it.',
  ),
  ANALYST_PASSWORD: secret(
    'Password of the read-only database user analyst, who reads schema panel; `strikebase migrate` sets it.',
  ),
});

export interface Config {
  /** Null is the embedded database. */
  readonly databaseUrl: string | null;
  readonly strikebaseDir: string;
  readonly strikebasePort: number;
  readonly logLevel: 'debug' | 'info' | 'warn' | 'error' | 'silent';
  readonly massiveApiKey: string | null;
  readonly massiveWsUrl: string;
  readonly massiveRestUrl: string;
  readonly broker: 'paper' | 'schwab' | 'tradier';
  readonly isLiveTrading: boolean;
  /** Dollars; null leaves it to the strategy. */
  readonly tradingCapital: number | null;
  readonly contractsPerTrade: number | null;
  readonly schwabApiKey: string | null;
  readonly schwabApiSecret: string | null;
  readonly schwabAccount: string | null;
  readonly schwabCallbackUrl: string;
  readonly schwabBaseUrl: string;
  readonly tradierToken: string | null;
  readonly tradierAccount: string | null;
  readonly tradierBaseUrl: string;
  readonly tradierSnapshotMs: number;
  /** Encrypts broker tokens at rest. */
  readonly secretKey: string | null;
  readonly telegramBotToken: string | null;
  readonly telegramChatId: string | null;
  readonly telegramApiUrl: string;
  readonly alertWebhookUrl: string | null;
  /** Null: the user grafana is left as it is. */
  readonly grafanaDbPassword: string | null;
  /** Null: the user analyst cannot log in. */
  readonly analystPassword: string | null;
  /** Every secret value that is set: what a log must never show. */
  readonly secrets: readonly string[];
}

type Environment = Readonly<Record<string, string | undefined>>;

let cached: Config | null = null;

/** The process's configuration, read once. Throws Failure naming the variable that is wrong and what it may be. */
export function loadConfig(): Config {
  if (cached === null) {
    loadDotenv({ quiet: true });
    cached = parseConfig(process.env);
  }
  return cached;
}

/** The configuration of an environment. A variable that is empty counts as not set. Throws Failure on a wrong value. */
export function parseConfig(environment: Environment): Config {
  const given = Object.keys(schema.shape).flatMap((name) => {
    const value = environment[name]?.trim() ?? '';
    return value === '' ? [] : [[name, value] as const];
  });
  const result = schema.safeParse(Object.fromEntries(given));
  if (!result.success) throw explain(result.error, Object.fromEntries(given));
  const env = result.data;
  return {
    databaseUrl: env.DATABASE_URL ?? null,
    strikebaseDir: env.STRIKEBASE_DIR,
    strikebasePort: env.STRIKEBASE_PORT,
    logLevel: env.LOG_LEVEL,
    massiveApiKey: env.POLYGON_API_KEY ?? env.MASSIVE_API_KEY ?? null,
    massiveWsUrl: env.MASSIVE_WS_URL,
    massiveRestUrl: env.MASSIVE_REST_URL,
    broker: env.BROKER,
    isLiveTrading: env.LIVE_TRADING === 'yes',
    tradingCapital: env.TRADING_CAPITAL ?? null,
    contractsPerTrade: env.CONTRACTS_PER_TRADE ?? null,
    schwabApiKey: env.SCHWAB_API_KEY ?? null,
    schwabApiSecret: env.SCHWAB_API_SECRET ?? null,
    schwabAccount: env.SCHWAB_ACCOUNT ?? null,
    schwabCallbackUrl: env.SCHWAB_CALLBACK_URL,
    schwabBaseUrl: env.SCHWAB_BASE_URL,
    tradierToken: env.TRADIER_TOKEN ?? null,
    tradierAccount: env.TRADIER_ACCOUNT ?? null,
    tradierBaseUrl: env.TRADIER_BASE_URL,
    tradierSnapshotMs: env.TRADIER_SNAPSHOT_MINUTES * 60_000,
    secretKey: env.STRIKEBASE_SECRET_KEY ?? null,
    telegramBotToken: env.TELEGRAM_BOT_TOKEN ?? null,
    telegramChatId: env.TELEGRAM_CHAT_ID ?? null,
    telegramApiUrl: env.TELEGRAM_API_URL,
    alertWebhookUrl: env.ALERT_WEBHOOK_URL ?? null,
    grafanaDbPassword: env.GRAFANA_DB_PASSWORD ?? null,
    analystPassword: env.ANALYST_PASSWORD ?? null,
    secrets: secretsOf(env),
  };
}

/** Settings that runs opened by this process apply over those of the strategy, as trade.open_run takes them. */
export function runSettings(config: Config): Record<string, number> {
  return {
    ...(config.tradingCapital === null ? {} : { trading_capital: config.tradingCapital }),
    ...(config.contractsPerTrade === null ? {} : { contracts: config.contractsPerTrade }),
  };
}

// No process reads them: docker compose puts them into docker-compose.yml. Name, meaning, default.
const COMPOSE_VARIABLES = [
  [
    'COMPOSE_PROJECT_NAME',
    'Name before those of containers and volumes; default: the name of the folder.',
    'strikebase',
  ],
  [
    'COMPOSE_PROFILES',
    'What `docker compose up` starts: sim, or live, with messages and broker besides.',
    '',
  ],
  ['POSTGRES_PASSWORD', 'Password of the owner of the database; there is no default.', ''],
  ['GRAFANA_ADMIN_PASSWORD', 'Password of the user admin in Grafana; there is no default.', ''],
  ['GRAFANA_PORT', 'Port of 127.0.0.1 for Grafana.', '3000'],
  ['POSTGRES_PORT', 'Port of 127.0.0.1 for the database.', '5432'],
  ['STRATEGY', 'Strategy that is traded.', 'vwap_ma9'],
  ['UNDERLYING', 'What it trades on.', 'QQQ'],
  ['BROKER_ACCOUNT', 'Name under which orders of profile broker are kept.', 'schwab'],
] as const;

/** The text of `.env.example`: every variable with its description and its default. */
export function envExample(): string {
  const lines = Object.entries(schema.shape).map(([name, field]) => {
    const preset = schema.shape[name as keyof typeof schema.shape].safeParse(undefined).data;
    return `# ${metaOf(field).description}\n${preset === undefined ? `# ${name}=` : `${name}=${preset}`}\n`;
  });
  const compose = COMPOSE_VARIABLES.map(
    ([name, description, preset]) => `# ${description}\n# ${name}=${preset}\n`,
  );
  return [
    '# Copy to .env and fill in what you need. The environment wins over the file; an empty value counts as not set.\n',
    ...lines,
    '# --- Of docker-compose.yml alone; docker/make-env.sh writes the passwords ---\n',
    ...compose,
  ].join('\n');
}

function metaOf(field: z.ZodType): { description?: string | undefined; secret?: unknown } {
  // describe() and meta() stand on the outer type, or inside the optional.
  const inner = field instanceof z.ZodOptional ? ((field.unwrap() as z.ZodType).meta() ?? {}) : {};
  return { ...inner, ...field.meta() };
}

function isSecret(name: string): boolean {
  return metaOf(schema.shape[name as keyof typeof schema.shape]).secret === true;
}

function explain(error: z.ZodError, given: Readonly<Record<string, string>>): Failure {
  const texts = error.issues.map((issue) => {
    const name = String(issue.path[0]);
    const value = isSecret(name) ? 'the value of' : `${JSON.stringify(given[name])} for`;
    const allowed = issue.code === 'invalid_value' ? `must be ${issue.values.join(' or ')}` : issue.message;
    return `${value} ${name} cannot be used: it ${allowed}`;
  });
  return new Failure(texts.join('; '), {
    hint: 'Correct it in the environment or in .env; .env.example explains every variable.',
    exitCode: 2,
  });
}

function secretsOf(env: Readonly<Record<string, unknown>>): string[] {
  return Object.entries(env).flatMap(([name, value]) => {
    if (typeof value !== 'string' || !isSecret(name)) return [];
    return name === 'DATABASE_URL' ? passwordOf(value) : [value];
  });
}

function passwordOf(databaseUrl: string): string[] {
  if (!URL.canParse(databaseUrl)) return [databaseUrl];
  const { password } = new URL(databaseUrl);
  return password === '' ? [] : [...new Set([password, decodeURIComponent(password)])];
}
