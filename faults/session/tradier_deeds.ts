// What happens to Tradier's answers of a session, and when all is well again.
import { addMs, formatEastern } from '../../core/eastern_time.ts';
import { type Fault, OPERATIONS, type Operation } from '../../sim/tradier/faults.ts';
import type { TradierSimulator } from '../../sim/tradier/server.ts';
import { type Done, FINE, recovered } from './deeds.ts';
import type { Stage } from './stage.ts';
import { MARKET_DATA, type PolledDeed } from './tradier_plan.ts';

export interface TradierSimulators {
  readonly simulator: TradierSimulator;
  /** Chains without one sound quote, or as they are. */
  readonly distort: (isOdd: boolean) => void;
}

const NO_TOKEN_MS = 90_000;
// Longer than from one slot to the next, and the snapshot before it.
const ODD_MS = 11 * 60_000;

/** Does it. Returns when the stage has recovered, or has not for twenty minutes. */
export async function performPolled(stage: Stage, at: TradierSimulators, deed: PolledDeed): Promise<Done> {
  const { clock } = stage;
  switch (deed.kind) {
    case 'outage': {
      await during(at, MARKET_DATA, deed.fault, () => clock.sleep(deed.ms));
      return feedRecovered(stage);
    }
    case 'token_refused': {
      await during(at, OPERATIONS, { kind: 'unauthorized' }, () => clock.sleep(NO_TOKEN_MS));
      const since = formatEastern(clock.now());
      return recovered(stage, 'reconciliation', async () => {
        const rows = await stage.rows('select from trade.reconciliations c where c.is_ok and c.ts > $1', [
          since,
        ]);
        return rows.length > 0;
      });
    }
    case 'odd_chains':
      return sendOddChains(stage, at);
  }
}

async function during(
  { simulator }: TradierSimulators,
  operations: readonly Operation[],
  fault: Fault,
  work: () => Promise<void>,
): Promise<void> {
  for (const operation of operations) simulator.script.always(operation, fault);
  await work();
  for (const operation of operations) simulator.script.always(operation, null);
}

/** Well again is the feed once an instant after the outage is stored whole. */
async function feedRecovered(stage: Stage): Promise<Done> {
  const since = formatEastern(stage.clock.now());
  return recovered(stage, 'the feed', async () => {
    const rows = await stage.rows(
      "select from ops.stream_marks where stream = 'tradier' and ts_high_water > $1",
      [since],
    );
    return rows.length > 0;
  });
}

const ENTERED_SQL = `
  select count(*)::integer as entered from trade.decisions
  where kind = 'entry' and verdict = 'TRADE' and ts >= $1::timestamp and ts <= $2::timestamp`;

/** Crossed, one-sided and empty quotes in every chain: nothing may be entered on them. */
async function sendOddChains(stage: Stage, { distort }: TradierSimulators): Promise<Done> {
  const { clock } = stage;
  distort(true);
  // What was asked for just before may still be decided on.
  const from = addMs(clock.now(), 60_000);
  await clock.sleep(ODD_MS);
  const to = clock.now();
  distort(false);
  const [row] = await stage.rows<{ entered: number }>(ENTERED_SQL, [formatEastern(from), formatEastern(to)]);
  if (row?.entered === 0) return FINE;
  return { recoveryMs: null, problem: `${row?.entered} entries on quotes that nobody can trade on` };
}
