// Which port of 127.0.0.1 the built-in server listens on: the same every time where possible.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { z } from 'zod';
import { Failure } from '../../core/failure.ts';

const LAST_PORT = 65_535;
const PORTS_TRIED = 100;

export interface Ports {
  readonly wanted: number;
  /** The port of last time, so that the address other tools were given stays the same. */
  readonly last: number | null;
}

const portRecord = z.object({ port: z.number(), wanted_port: z.number() });

/** What `freePort` shall try for the server of `dir`. */
export function portsToTry(dir: string, wanted: number): Ports {
  const file = join(dir, 'server.json');
  if (!existsSync(file)) return { wanted, last: null };
  try {
    const record = portRecord.parse(JSON.parse(readFileSync(file, 'utf8')));
    return { wanted, last: record.wanted_port === wanted ? record.port : null };
  } catch {
    return { wanted, last: null };
  }
}

/** Writes `server.json`, for the next start and for people who point other tools at the server. */
export function recordPort(
  dir: string,
  ports: Ports,
  server: { port: number; user: string; database: string },
): void {
  const record = { host: '127.0.0.1', ...server, wanted_port: ports.wanted };
  writeFileSync(join(dir, 'server.json'), `${JSON.stringify(record)}\n`);
}

/** The port of last time, else the first free one from the wanted port on. Throws a Failure if 100 are taken. */
export async function freePort(ports: Ports, notice: (text: string) => void): Promise<number> {
  if (ports.last !== null && (await isPortFree(ports.last))) return ports.last;
  const end = Math.min(ports.wanted + PORTS_TRIED, LAST_PORT + 1);
  for (let port = ports.wanted; port < end; port += 1) {
    if (!(await isPortFree(port))) continue;
    if (port !== ports.wanted) notice(`port ${ports.wanted} is in use; the database listens on ${port}`);
    return port;
  }
  throw new Failure(`no port of 127.0.0.1 from ${ports.wanted} to ${end - 1} is free`, {
    hint: 'Set STRIKEBASE_PORT to another one.',
  });
}

/** Whether nothing listens on the port of 127.0.0.1. */
export function isPortFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ host: '127.0.0.1', port, exclusive: true }, () => server.close(() => resolve(true)));
  });
}
