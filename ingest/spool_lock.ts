// One process at a time writes to a spool: a file with its process id.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Failure } from '../core/failure.ts';
import { isAlive, startOf } from '../db/embedded/processes.ts';

// Two that start at once may each remove what the other has just written.
const ATTEMPTS = 5;

/** Takes the lock of a spool's folder, also from a holder that has died; returns what lets go of it. Throws a Failure if it is held. */
export function lockSpool(dir: string, stream: string): () => void {
  mkdirSync(dir, { recursive: true });
  const path = join(dir, 'lock');
  const own = `${process.pid} ${startOf(process.pid)?.replaceAll(' ', '_')}`;
  for (let attempt = 1; ; attempt += 1) {
    try {
      writeFileSync(path, own, { flag: 'wx' });
      return () => rmSync(path, { force: true });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST' || attempt > ATTEMPTS) throw error;
    }
    const [pid = '', started] = readFileSync(path, 'utf8').split(' ');
    // Without text: its writer was killed in that moment.
    const isHeld =
      pid !== '' && isAlive(Number(pid)) && startOf(Number(pid))?.replaceAll(' ', '_') === started;
    if (isHeld) {
      throw new Failure(`the stream ${stream} is written by another process (${pid})`, {
        hint: 'Massive allows one connection a market: end that process first, or use its STRIKEBASE_DIR for one only.',
      });
    }
    // Its holder was killed.
    rmSync(path, { force: true });
  }
}
