// The paper broker behind the port of all brokers: an account in this process, filled from quotes as the rules' own paper orders are.
import { systemClock } from '../../../core/clock.ts';
import { Failure } from '../../../core/failure.ts';
import type { Broker, BrokerOrder } from '../broker.ts';
import { createPaperLedger, type PaperLedger, type PaperLedgerOptions } from './ledger.ts';

/** The broker, and the ledger that is the truth about it. */
export interface PaperBroker extends Broker {
  readonly ledger: PaperLedger;
}

/** What it does not have, and why: as data, for whoever chooses a broker by what it can do. */
export const PAPER_CANNOT = {
  wire: 'it is in this process: nothing is between it and us that could fail',
  'logins that die': 'it has no login',
  'answers without an id': 'it answers in this process',
  'limits of requests': 'it takes any number of them',
} as const;

const HINT_DEBOUNCE_MS = 50;
const wallClock = systemClock();

/** Opens a paper account. */
export function createPaperBroker(options: PaperLedgerOptions): PaperBroker {
  const ledger = createPaperLedger(options);
  const closing = new AbortController();
  const listeners = new Set<() => void>();
  const hint = debounced(closing.signal, () => {
    for (const listener of [...listeners]) listener();
  });
  ledger.onChange(hint);
  const isClosed = (): boolean => closing.signal.aborted;
  const read = async <T>(answer: () => T): Promise<T> => {
    if (isClosed()) throw new Failure('the paper broker was closed by us');
    return answer();
  };
  const problemOf = (order: BrokerOrder): string | null =>
    isClosed() ? 'the paper broker was closed by us' : problemIn(order);

  return {
    ...{ name: 'paper', keepsClientIds: true, ledger },
    submit: async (order, { clientId, obstacle }) => {
      const problem = problemOf(order) ?? obstacle?.() ?? null;
      if (problem !== null) return { kind: 'not_sent', reason: problem };
      if (ledger.hasClientId(clientId))
        return { kind: 'rejected', reason: `the client id ${clientId} was used` };
      const placed = ledger.place(order, clientId);
      return 'id' in placed
        ? { kind: 'submitted', venueOrderId: placed.id }
        : { kind: 'rejected', reason: placed.refusal };
    },
    cancel: async (id) => {
      if (isClosed()) return { kind: 'not_sent', reason: 'the paper broker was closed by us' };
      return ledger.cancel(id)
        ? { kind: 'requested' }
        : { kind: 'refused', reason: `order ${id} does not work` };
    },
    replace: async (id, order) => {
      const problem = /^\d+$/.test(id) ? problemOf(order) : `${id} is no order id`;
      if (problem !== null) return { kind: 'not_sent', reason: problem };
      const placed = ledger.replace(id, order);
      return 'id' in placed
        ? { kind: 'submitted', venueOrderId: placed.id }
        : { kind: 'rejected', reason: placed.refusal };
    },
    order: (id) => read(() => ledger.report(id)),
    ordersSince: (from) => read(() => ledger.reports().filter(({ enteredAt }) => enteredAt >= from)),
    positions: () => read(ledger.positions),
    account: () => read(ledger.account),
    checks: async () => {
      const isRestricted = ledger.account().isClosingOnly;
      const open = isRestricted ? 'restricted to closing orders' : 'in this process';
      const detail = isClosed() ? 'the paper broker was closed by us' : open;
      return [{ name: 'paper broker', isOk: !isClosed() && !isRestricted, detail }];
    },
    onHint: (listener) => {
      listeners.add(listener);
      // What happened before is not told.
      hint();
      return () => listeners.delete(listener);
    },
    close: async () => {
      closing.abort();
      listeners.clear();
      ledger.close();
    },
  };
}

function problemIn({ legs, qty, type, limit_px_e4, stop_px_e4 }: BrokerOrder): string | null {
  if (legs.length === 0) return 'an order needs a leg';
  if (!Number.isSafeInteger(qty) || qty <= 0) return `${qty} is no quantity`;
  const price = type === 'limit' ? limit_px_e4 : type === 'stop' ? stop_px_e4 : 1;
  return price !== null && price > 0 ? null : `a ${type} order needs a price above zero`;
}

/** One call for a burst. */
function debounced(signal: AbortSignal, call: () => void): () => void {
  let isPending = false;
  return () => {
    if (isPending || signal.aborted) return;
    isPending = true;
    void wallClock.sleep(HINT_DEBOUNCE_MS, signal).then(() => {
      isPending = false;
      if (!signal.aborted) call();
    });
  };
}
