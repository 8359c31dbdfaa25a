// Runs the simulated Tradier on its own, on a day of SPX that is open now: `node dist/sim/tradier/main.js`. Prints one line of JSON
// with what TRADIER_BASE_URL, TRADIER_TOKEN and TRADIER_ACCOUNT are to be.
import { parseArgs } from 'node:util';
import { systemClock } from '../../core/clock.ts';
import { addMs, dateOf, type EasternUs } from '../../core/eastern_time.ts';
import { sessionHours } from '../session.ts';
import type { Fault } from './faults.ts';
import { startTradierSimulator } from './server.ts';
import { spxDay } from './spx_day.ts';

const USAGE = `Usage: node dist/sim/tradier/main.js [--port N] [--seed N] [--price N] [--delay-minutes N] [--faults SHARE]
  --port N            port of the API (default 0: any)
  --seed N            seed of the day, of ids and of faults (default 1)
  --price N           SPX at the beginning (default 6000)
  --delay-minutes N   age of the quotes (default 15, as in the sandbox)
  --faults SHARE      share of requests that meet a fault, 0 to 1 (default 0)
`;
const HOUR_MS = 3_600_000;
const SESSION_MS = 6.5 * HOUR_MS;
const FAULTS: readonly Fault[] = [
  { kind: 'gateway', what: 'datastore' },
  { kind: 'html', status: 502, accept: true },
  { kind: 'html', status: 503, accept: false },
  { kind: 'reset', accept: false },
  { kind: 'half_body', isCut: true },
  { kind: 'rate_limit', status: 429 },
  { kind: 'unauthorized' },
  { kind: 'reject' },
  { kind: 'no_legs' },
];

/** Six and a half hours that began half an hour ago, within one day. */
function sessionNow(now: EasternUs) {
  const minute = (Math.floor(now / 60_000_000) * 60_000_000) as EasternUs;
  const tsOpen = addMs(minute, -HOUR_MS / 2);
  const tsClose = addMs(tsOpen, SESSION_MS);
  const sessionDate = dateOf(now);
  if (dateOf(tsOpen) === sessionDate && dateOf(tsClose) === sessionDate) {
    return sessionHours({ sessionDate, tsOpen, tsClose });
  }
  throw new Error('it is too near to midnight, Eastern, for a day that is open now');
}

function numberOf(text: string, name: string): number {
  const value = Number(text);
  if (text !== '' && Number.isFinite(value) && value >= 0) return value;
  throw new Error(`--${name} takes a number, not ${text}`);
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      port: { type: 'string', default: '0' },
      seed: { type: 'string', default: '1' },
      price: { type: 'string', default: '6000' },
      'delay-minutes': { type: 'string', default: '15' },
      faults: { type: 'string', default: '0' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(USAGE);
    return;
  }
  const clock = systemClock();
  const seed = numberOf(values.seed, 'seed');
  const session = sessionNow(clock.now());
  const simulator = await startTradierSimulator({
    ...{ clock, seed, hours: 'always' },
    port: numberOf(values.port, 'port'),
    market: spxDay({ seed, session, price: numberOf(values.price, 'price') }),
    delayMs: numberOf(values['delay-minutes'], 'delay-minutes') * 60_000,
  });
  const rate = numberOf(values.faults, 'faults');
  if (rate > 0) simulator.misbehave({ seed, rate, faults: FAULTS });
  const { restUrl: TRADIER_BASE_URL, token: TRADIER_TOKEN, account: TRADIER_ACCOUNT } = simulator;
  process.stdout.write(`${JSON.stringify({ TRADIER_BASE_URL, TRADIER_TOKEN, TRADIER_ACCOUNT })}\n`);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void simulator.stop());
}

await main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n${USAGE}`);
  process.exitCode = 2;
});
