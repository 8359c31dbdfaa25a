// After a test that broke something: how long until all is known and covered again, and what the broker's ledger says then.
import { noteFault } from '../../fault_notes.ts';
import { auditWorld } from './seeds/home.ts';
import type { World } from './world.ts';

/** Notes the ledger of a world whose jobs have ended; worlds on a running clock are audited by their own tests. */
export async function noteWorld(world: World): Promise<void> {
  const intents = world.venue.submitted.map((id) => id.split('-')[1]);
  const duplicateOrders = intents.length - new Set(intents).size;
  noteFault({ duplicateOrders, ...(await auditWorld(world)) });
}
