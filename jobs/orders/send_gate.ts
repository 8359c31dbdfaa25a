// The last step before the wire: as many orders leave as were committed, each of them once, or no entry leaves any more.

export interface Counters {
  /** `submitted` events that this process has committed. */
  readonly committed: number;
  /** Orders that it handed to the broker. */
  readonly sent: number;
  /** Committed, and then kept back for a reason that was recorded. */
  readonly withheld: number;
}

export interface SendGate {
  /** The intent's `submitted` event is committed. */
  commit(intentId: number): void;
  /** It will not be sent after all. */
  withhold(intentId: number): void;
  /** How many `submitted` events the database has of this process: as many as it believes to have committed, or entries end. */
  audit(committed: number): void;
  /** Null if the order may leave; else why not. To be asked once, immediately before it is sent. */
  pass(intentId: number, isEntry: boolean): string | null;
  counters(): Counters;
  /** What was found wrong, once something was. */
  fault(): string | null;
}

/** A gate with all counters at zero. */
export function createSendGate(): SendGate {
  const ready = new Set<number>();
  const begun = new Set<number>();
  const counters = { committed: 0, sent: 0, withheld: 0 };
  let fault: string | null = null;

  const check = (intentId: number): string | null => {
    const { committed, sent, withheld } = counters;
    if (committed !== sent + withheld + ready.size)
      return `${committed} orders were committed, ${sent} sent, ${withheld} withheld and ${ready.size} are under way`;
    return ready.has(intentId) ? null : `order ${intentId} was sent before, or never committed`;
  };

  return {
    commit: (intentId) => {
      counters.committed += 1;
      if (begun.has(intentId)) fault ??= `order ${intentId} was committed twice`;
      else ready.add(intentId);
      begun.add(intentId);
    },
    withhold: (intentId) => {
      if (ready.delete(intentId)) counters.withheld += 1;
    },
    audit: (committed) => {
      if (committed !== counters.committed)
        fault ??= `the database has ${committed} orders of this process, which committed ${counters.committed}`;
    },
    pass: (intentId, isEntry) => {
      fault ??= check(intentId);
      // Exits go on, but never twice: what is not ready was sent, or was never written down.
      if (!ready.has(intentId) || (fault !== null && isEntry)) return fault ?? 'not committed';
      ready.delete(intentId);
      counters.sent += 1;
      return null;
    },
    counters: () => ({ ...counters }),
    fault: () => fault,
  };
}
