// Three projects: everything without a database, and the database suite once on every engine that this machine has.
import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';
import { chooseEngines } from './test/engines.ts';
import { SummaryReporter } from './test/reporter.ts';

const { engines, leftOut } = chooseEngines();

const patience = {
  testTimeout: 60_000,
  hookTimeout: 60_000,
  // Hundreds of tests wait for real processes and sockets on machines that stop for seconds. The summary names every test that
  // needed its second try, and counts it as failed where nothing but the rules and the path of orders can be the cause.
  retry: 1,
};

export default defineConfig({
  test: {
    // Much of the time is spent waiting for sockets and servers: one more than there are cores keeps them busy.
    maxWorkers: Math.max(2, availableParallelism()) + 1,
    reporters: ['default', new SummaryReporter(leftOut)],
    projects: [
      {
        test: {
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: ['test/db/**'],
          ...patience,
        },
      },
      ...engines.map((name) => ({
        test: {
          name,
          include: ['test/db/**/*.test.ts'],
          globalSetup: 'test/global_setup.ts',
          ...patience,
        },
      })),
    ],
  },
});
