// `strikebase ingest` as a process under test: KILL_AT=point:n strikes it down with SIGKILL when it comes to a point for the nth time.
import { projectPath } from '../../../dist/core/root.js';

const [point, nth] = (process.env.KILL_AT ?? '').split(':');
let seen = 0;
globalThis[Symbol.for('strikebase.fault_point')] = (name) => {
  if (name !== point) return;
  seen += 1;
  if (seen === Number(nth)) process.kill(process.pid, 'SIGKILL');
};

const load = (file) => import(projectPath('dist', 'cli', file));
const { ingestCommand } = await load('ingest.js');
const { listenForInterrupt } = await load('interrupt.js');
const { explainError } = await load('errors.js');
listenForInterrupt();
try {
  await ingestCommand().parseAsync(process.argv.slice(2), { from: 'user' });
} catch (error) {
  const { lines, exitCode } = explainError(error);
  for (const line of lines) process.stderr.write(`${line}\n`);
  process.exitCode = exitCode;
}
