// Beside the faults of a session: what must hold at the broker at every moment, and a person who looks in every minute.
import { addMs, type EasternUs } from '../../core/eastern_time.ts';
import type { LedgerOrder } from '../../sim/venue/ledger.ts';
import type { Stage } from './stage.ts';

export interface Watched {
  /** What did not hold, each once. */
  readonly violations: ReadonlySet<string>;
  /** Longest time for which contracts were held with nothing at work that would close them; milliseconds of the session's clock. */
  uncoveredMs(): number;
  /** How often a person allowed entries again after the broker's positions had differed. */
  resumed(): number;
}

const LOOK_MS = 500;
const OPERATOR_MS = 60_000;

const HALTED_SQL = `
  select latest.account from (
    select distinct on (c.account) c.account, c.halted, c.reason from trade.controls c order by c.account, c.control_id desc
  ) latest
  where latest.halted and latest.account is not null
    and (select r.is_ok from trade.reconciliations r where r.account = latest.account order by r.ts desc, r.reconciliation_id desc limit 1)`;

/** Watches until the signal is aborted. */
export function watch(stage: Stage, signal: AbortSignal): Watched {
  const violations = new Set<string>();
  let uncoveredSince: EasternUs | null = null;
  let uncoveredMs = 0;
  let resumed = 0;

  const { contracts, hasSpreads } = stage.system;
  const look = (): void => {
    const { clock, venue } = stage;
    const now = clock.now();
    const all = venue.ledger.orders();
    const orders = all.filter(({ source }) => source === 'api');
    const entries = orders.filter((each) => each.isEntry && each.isLive);
    if (entries.length > 1) violations.add(`${entries.length} entries at work at once: ${idsOf(entries)}`);
    const positions = venue.ledger.positions();
    const short = positions.filter(({ qty }) => qty < 0);
    const held = short.reduce((sum, { qty }) => sum - qty, 0);
    if (short.length > 1) violations.add(`short in ${short.map(({ symbol }) => symbol).join(' and ')}`);
    if (held > contracts) violations.add(`short ${held} contracts`);
    if (hasSpreads) {
      const byHand = new Set(all.filter(({ source }) => source === 'manual').flatMap(symbolsOf));
      const long = positions.filter(({ qty, symbol }) => qty > 0 && !byHand.has(symbol));
      const bought = long.reduce((sum, { qty }) => sum + qty, 0);
      if (bought !== held) violations.add(`short ${held} contracts and long ${bought} beside them`);
      // No stop rests at the broker for a spread: our processes watch it.
      return;
    }
    const isCovered = held === 0 || orders.some((each) => !each.isEntry && each.isLive);
    if (isCovered) uncoveredSince = null;
    else uncoveredSince ??= now;
    if (uncoveredSince !== null) uncoveredMs = Math.max(uncoveredMs, (now - uncoveredSince) / 1000);
  };
  const allow = async (): Promise<void> => {
    for (const { account } of await stage.rows<{ account: string }>(HALTED_SQL)) {
      await stage.command('resume', '--account', account, '--reason', 'looked at, and in order');
      resumed += 1;
    }
  };
  void every(stage, LOOK_MS, signal, async () => look());
  void every(stage, OPERATOR_MS, signal, allow);
  return { violations, uncoveredMs: () => uncoveredMs, resumed: () => resumed };
}

function symbolsOf({ spec }: LedgerOrder): readonly string[] {
  return spec.legs.map(({ symbol }) => symbol);
}

function idsOf(orders: readonly { readonly id: number }[]): string {
  return orders.map(({ id }) => id).join(', ');
}

async function every(
  { clock }: Stage,
  ms: number,
  signal: AbortSignal,
  work: () => Promise<void>,
): Promise<void> {
  let due = clock.now();
  while (!signal.aborted) {
    await work().catch(() => undefined);
    due = addMs(due, ms);
    const aheadMs = (due - clock.now()) / 1000;
    if (aheadMs < 0) due = clock.now();
    await clock.sleep(Math.max(aheadMs, 1), signal);
  }
}
