// The order jobs of a simulated session: after every slice they send and reconcile at the simulated Schwab, in lock-step with it.
import type pg from 'pg';
import type { Clock } from '../core/clock.ts';
import { addMs, type EasternUs } from '../core/eastern_time.ts';
import { connect } from '../db/pool.ts';
import type { Broker } from '../jobs/brokers/broker.ts';
import { createSchwabBroker } from '../jobs/brokers/schwab/schwab_broker.ts';
import { checkReadiness } from '../jobs/readiness.ts';
import { openReconciler, type Reconciler } from '../jobs/reconcile_orders.ts';
import { openSubmitter, type Submitter } from '../jobs/submit_orders.ts';
import { type SimulatedSchwab, startSimulatedSchwab } from './simulated_schwab.ts';

export interface SimulatedDesk {
  readonly schwab: SimulatedSchwab;
  /** Takes the account's orders. Called when its run is open: the first look at the broker comes before the first decision. */
  open(of: { readonly url: string; readonly account: string; readonly strategy: string }): Promise<void>;
  /** Sends what the slice has written, and learns what became of it. */
  afterSlice(now: EasternUs): Promise<void>;
  close(): Promise<void>;
}

interface Jobs {
  readonly client: pg.Client;
  readonly account: string;
  readonly strategy: string;
  readonly submitter: Submitter;
  readonly reconciler: Reconciler;
}

// Everything at the broker happens at once: what it needs in real time would be whole slices here.
const DELAYS = { activateMs: 0, workMs: 0, fillMs: 0, cancelMs: 0, rejectMs: 0 };
// Of real time, in which a simulated day lasts a minute.
const LIMITS = { perMinute: 1_000_000, ordersPerMinute: 1_000_000, reserved: 10 };
const READS = { perMinute: 1_000_000, burst: 1_000_000 };
// Twice before the last verdict is too old.
const READY_EVERY_MS = 90_000;
// An exit is three of them: the stop is canceled, seen to be, and the exit sent.
const MAX_ROUNDS = 6;

const OPEN_SQL = `
  select exists (select from trade.position_slots p where p.account = $1 and p.position_id is not null) as is_open`;

/** Starts the broker in the session's time. */
export async function startSimulatedDesk(options: {
  readonly clock: Clock;
  readonly seed: number;
}): Promise<SimulatedDesk> {
  const { clock, seed } = options;
  const schwab = await startSimulatedSchwab({ clock, seed, delays: DELAYS });
  const schwabBroker = createSchwabBroker({ ...schwab.config, clock, limits: LIMITS });
  // Hints come when they come: without them the same seed gives the same day.
  const broker: Broker = { ...schwabBroker, onHint: () => () => undefined };
  let jobs: Jobs | null = null;
  let readyAt = Number.NEGATIVE_INFINITY;
  return {
    schwab,
    open: async ({ url, account, strategy }) => {
      const client = await connect({ url, role: 'job_runner', name: 'desk' });
      const shared = { url, account, broker, clock };
      const submitter = await openSubmitter(shared);
      const reconciler = await openReconciler({ ...shared, reads: READS });
      jobs = { client, account, strategy, submitter, reconciler };
      await reconciler.pass();
    },
    afterSlice: async (now) => {
      if (jobs === null) return;
      if (now >= readyAt) {
        readyAt = addMs(now, READY_EVERY_MS);
        const { client, strategy } = jobs;
        await checkReadiness({ client, clock, strategy, feedIds: [], broker });
      }
      await workOff(jobs);
    },
    close: async () => {
      await jobs?.submitter.close();
      await jobs?.reconciler.close();
      await jobs?.client.end();
      await schwabBroker.close();
      await schwab.stop();
    },
  };
}

/** Sends and reads until nothing changes any more. */
async function workOff({ client, account, submitter, reconciler }: Jobs): Promise<void> {
  for (let round = 0; round < MAX_ROUNDS; round += 1) {
    await submitter.step();
    await submitter.settled();
    const { rows } = await client.query<{ is_open: boolean }>({
      name: 'desk_open',
      text: OPEN_SQL,
      values: [account],
    });
    // While anything is open all of it is read, whenever a reader of a real account would come to it.
    if (rows[0]?.is_open) reconciler.hurry();
    const { changes, newFills } = await reconciler.pass();
    if (changes + newFills === 0) return;
  }
}
