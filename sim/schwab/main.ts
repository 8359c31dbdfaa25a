// Runs the simulated Schwab on its own: `node dist/sim/schwab/main.js --port 0`. Prints one line of JSON with its addresses.
import { parseArgs } from 'node:util';
import { startControl } from './control.ts';
import { startSchwabSimulator } from './server.ts';

const USAGE = `Usage: node dist/sim/schwab/main.js [--port N] [--control-port N] [--seed N] [--always-open] [--instant]
  --port N          port of the API and the streamer (default 0: any)
  --control-port N  port of the simulator's own controls (default 0: any)
  --seed N          seed of ids and tokens (default 1)
  --always-open     options trade at any hour
  --instant         no delays between the states of an order
`;

function portOf(text: string): number {
  const port = Number(text);
  if (Number.isInteger(port) && port >= 0 && port < 65_536) return port;
  throw new Error(`not a port: ${text}`);
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      port: { type: 'string', default: '0' },
      'control-port': { type: 'string', default: '0' },
      seed: { type: 'string', default: '1' },
      'always-open': { type: 'boolean', default: false },
      instant: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(USAGE);
    return;
  }
  const noDelays = { activateMs: 0, workMs: 0, fillMs: 0, cancelMs: 0, rejectMs: 0 };
  const simulator = await startSchwabSimulator({
    port: portOf(values.port),
    seed: Number(values.seed),
    ...(values['always-open'] ? { hours: 'always' as const } : {}),
    ...(values.instant ? { delays: noDelays } : {}),
  });
  const control = await startControl(simulator, portOf(values['control-port']));
  const { restUrl, streamerUrl, appKey, appSecret, callbackUrl } = simulator;
  const line = { restUrl, streamerUrl, controlUrl: control.url, appKey, appSecret, callbackUrl };
  process.stdout.write(`${JSON.stringify({ ...line, accountHash: simulator.accountHash() })}\n`);
  const stop = async (): Promise<void> => {
    await control.stop();
    await simulator.stop();
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void stop());
}

await main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n${USAGE}`);
  process.exitCode = 2;
});
