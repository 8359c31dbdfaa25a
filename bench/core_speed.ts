// How fast this machine is at the moment: a fixed loop on one core, and on two at once. Shared machines drift by a factor of two
// within minutes, and two cores of theirs may be one: without it no two tables can be compared.
import { Worker } from 'node:worker_threads';

/** Million steps of the loop a second. */
export interface CoreSpeed {
  readonly alone: number;
  /** Of each of two that run at once. */
  readonly ofTwo: number;
}

const MEASURE_MS = 150;

// Integer work on a table that fits a core's own cache.
const LOOP = `
  const { parentPort } = require('node:worker_threads');
  const words = new Uint32Array(1 << 14);
  const steps = (count) => {
    let x = words[0] | 1;
    for (let i = 0; i < count; i += 1) {
      x = (Math.imul(x, 1664525) + 1013904223) | 0;
      words[x >>> 18] += x;
    }
  };
  steps(2000000);
  parentPort.on('message', (ms) => {
    const began = performance.now();
    let done = 0;
    for (; performance.now() - began < ms; done += 100000) steps(100000);
    parentPort.postMessage(done / (performance.now() - began) / 1000);
  });
  parentPort.postMessage(0);
`;

/** Takes a third of a second. */
export async function coreSpeed(): Promise<CoreSpeed> {
  const workers = [new Worker(LOOP, { eval: true }), new Worker(LOOP, { eval: true })] as const;
  await Promise.all(workers.map(answer));
  const run = (worker: Worker): Promise<number> => {
    const answered = answer(worker);
    worker.postMessage(MEASURE_MS);
    return answered;
  };
  const alone = await run(workers[0]);
  const [one, other] = await Promise.all([run(workers[0]), run(workers[1])]);
  await Promise.all(workers.map((worker) => worker.terminate()));
  return { alone, ofTwo: (one + other) / 2 };
}

function answer(worker: Worker): Promise<number> {
  return new Promise((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('error', reject);
  });
}
