// A lane plays plans one after another over connections that stay open: a seed costs what happens in it, and little more.
import type pg from 'pg';
import type { LastingConnection } from '../../../../db/lasting_connection.ts';
import { connect } from '../../../../db/pool.ts';
import type { OpenConnection } from '../../../../jobs/orders/account_connection.ts';
import { CHAOS_SIDES, chaosQuotes } from '../../support/broker_chaos.ts';
import type { Bench } from '../../support/connections.ts';
import { createScenario, type Scenario } from '../../support/scenario.ts';
import { makeReady, type SharedConnections } from '../world.ts';

export interface Lane {
  readonly bench: Bench;
  readonly scenario: Scenario;
  readonly shared: SharedConnections;
  /** Resolves when the submit job asks the database for nothing: it is done, or waits for its broker. */
  submitIdle(): Promise<void>;
  end(): Promise<void>;
}

/** The market of all seeds: sides that turn every minute or two, quotes that reach stops and targets. */
export async function seedMarket(bench: Bench): Promise<Scenario> {
  const quotes = chaosQuotes();
  const scenario = await createScenario(bench.owner(), { sides: CHAOS_SIDES, quotes, until: '10:21' });
  await makeReady(bench, scenario);
  return scenario;
}

/** Opens a lane of its own connections. */
export async function openLane(bench: Bench, scenario: Scenario): Promise<Lane> {
  const open = (name: string): Promise<pg.Client> =>
    connect({ url: bench.database.url(), role: 'job_runner', name });
  const [runner, submit, reconcile] = await Promise.all(['slices', 'orders', 'reconcile'].map(open));
  if (runner === undefined || submit === undefined || reconcile === undefined) throw new Error('no lane');
  const submitting = lend(submit);
  return {
    ...{ bench, scenario, submitIdle: submitting.idle },
    shared: { runner, submit: submitting.open, reconcile: lend(reconcile).open },
    end: async () => {
      await Promise.all([runner, submit, reconcile].map((client) => client.end()));
    },
  };
}

/** Gives a connection to one account after another; what an account holds by it ends with its use. */
function lend(client: pg.Client): { open: OpenConnection; idle: () => Promise<void> } {
  let tail: Promise<unknown> = Promise.resolve();
  const idle = async (): Promise<void> => {
    for (let seen: unknown; seen !== tail; ) {
      seen = tail;
      await tail;
      // What was waited for may ask again.
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  const open: OpenConnection = async ({ prepare }) => {
    await prepare?.(client);
    let isEnded = false;
    const run: LastingConnection['run'] = (work) => {
      const mine = tail.then(() => work(client, 1));
      tail = mine.catch(() => undefined);
      return mine;
    };
    const end = async (): Promise<void> => {
      if (isEnded) return;
      isEnded = true;
      await tail;
      client.removeAllListeners('notification');
      await client.query('unlisten *; select pg_advisory_unlock_all()');
    };
    return { run, end };
  };
  return { open, idle };
}
