// Logging: JSON lines on standard error, constant messages with data in fields, and no secret in any of them.
import { type Logger, pino } from 'pino';
import type { Config } from './config.ts';

export type { Logger } from 'pino';

const REDACTED = '[redacted]';

/** A function that replaces every secret in a line, also as JSON and as a URL write it. */
export function redactor(secrets: readonly string[]): (line: string) => string {
  const spellings = secrets.flatMap((secret) => [
    secret,
    JSON.stringify(secret).slice(1, -1),
    encodeURIComponent(secret),
  ]);
  // The longest first: one secret may begin with another.
  const unique = [...new Set(spellings)].filter((text) => text !== '').sort((a, b) => b.length - a.length);
  return (line) => unique.reduce((text, each) => text.replaceAll(each, REDACTED), line);
}

/** The log of one process. `destination` is for tests; standard output belongs to a command's result. */
export function createLog(
  config: Pick<Config, 'logLevel' | 'secrets'>,
  options: { name: string; destination?: { write(line: string): void } },
): Logger {
  const redact = redactor(config.secrets);
  return pino(
    {
      name: options.name,
      level: config.logLevel,
      base: { name: options.name },
      hooks: { streamWrite: redact },
    },
    options.destination ?? pino.destination({ fd: 2, sync: true }),
  );
}
