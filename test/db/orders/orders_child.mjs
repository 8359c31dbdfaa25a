// A submit or reconcile job as a process under test, in front of the simulated Schwab, on the clock of the test.
import { setTimeout as delay } from 'node:timers/promises';
import { projectPath } from '../../../dist/core/root.js';

const load = (...path) => import(projectPath('dist', ...path));
const { submitOrders } = await load('jobs', 'submit_orders.js');
const { reconcileOrders } = await load('jobs', 'reconcile_orders.js');
const { faultOf } = await load('jobs', 'orders', 'fault.js');
const { createSchwabBroker } = await load('jobs', 'brokers', 'schwab', 'schwab_broker.js');
const { errorText } = await load('core', 'failure.js');

const { job, url, account, config, time } = JSON.parse(process.env.ORDERS_JOB);
const clock = {
  kind: 'simulated',
  now: () => time.us + Math.floor((Date.now() - time.epochMs) * time.speed * 1000),
  sleep: (ms, signal) => delay(ms / time.speed, undefined, { signal }).catch(() => undefined),
};
const broker = createSchwabBroker({
  ...{ ...config, clock },
  limits: { perMinute: 100_000, ordersPerMinute: 100_000, reserved: 10 },
  timing: { orderTimeoutMs: 1500, readTimeoutMs: 1500, backoffFirstMs: 20, backoffMaxMs: 100 },
});
const ending = new AbortController();
for (const name of ['SIGINT', 'SIGTERM']) process.once(name, () => ending.abort());
const onEvent = (name, data) => process.stderr.write(`${name} ${JSON.stringify(data)}\n`);
const fault = faultOf(process.env, config.schwabBaseUrl);
const options = { url, account, broker, clock, signal: ending.signal, fault, onEvent };
try {
  process.stderr.write('started\n');
  await (job === 'submit' ? submitOrders(options) : reconcileOrders(options));
} catch (error) {
  process.stderr.write(`failed: ${errorText(error)}\n`);
  process.exitCode = 1;
} finally {
  await Promise.race([broker.close(), delay(1000)]);
}
