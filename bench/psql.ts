// The yardstick of imports: psql, driven over its standard input so that only the COPY itself is timed.
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';

export interface PsqlSession {
  readonly pid: number;
  /** Runs one line, which must not fail, and returns what it printed. */
  run(line: string): Promise<string>;
  end(): void;
}

/** The psql beside the server's programs, else on PATH; null where there is none. */
export function findPsql(binDir: string | null): string | null {
  const folders = [...(binDir === null ? [] : [binDir]), ...(process.env.PATH ?? '').split(delimiter)];
  return folders.map((folder) => join(folder, 'psql')).find((path) => existsSync(path)) ?? null;
}

const DONE = '-- line done --';

/** Connects with the URL's user and password. */
export function openPsql(program: string, url: string): PsqlSession {
  const { hostname, port, username, password, pathname } = new URL(url);
  const env = {
    ...process.env,
    PGHOST: hostname,
    PGPORT: port || '5432',
    PGUSER: decodeURIComponent(username),
    PGPASSWORD: decodeURIComponent(password),
    PGDATABASE: pathname.slice(1),
  };
  const child = spawn(program, ['-XqAt', '-v', 'ON_ERROR_STOP=1'], {
    env,
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  return {
    pid: child.pid ?? 0,
    run: (line) => runLine(child, line),
    end: () => void child.stdin?.end(),
  };
}

function runLine(child: ChildProcess, line: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let printed = '';
    const settle = (work: () => void): void => {
      child.stdout?.off('data', onData);
      child.off('exit', onExit);
      work();
    };
    const onData = (chunk: Buffer): void => {
      printed += chunk.toString();
      if (printed.includes(DONE)) settle(() => resolve(printed.slice(0, printed.indexOf(DONE)).trim()));
    };
    const onExit = (): void => settle(() => reject(new Error(`psql ended at: ${line}`)));
    child.stdout?.on('data', onData);
    child.once('exit', onExit);
    child.stdin?.write(`${line}\n\\echo ${DONE}\n`);
  });
}
