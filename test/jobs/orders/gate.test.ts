// The counters of the last step: as many orders leave as were committed, and one that is out of step stops entries.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createSendGate } from '../../../jobs/orders/send_gate.ts';

describe('the gate', () => {
  it('lets a committed order pass once', () => {
    const gate = createSendGate();
    gate.commit(1);
    expect(gate.pass(1, true)).toBeNull();
    expect(gate.counters()).toEqual({ committed: 1, sent: 1, withheld: 0 });
    expect(gate.pass(1, false)).toMatch(/sent before/);
    expect(gate.counters().sent).toBe(1);
  });

  it('lets nothing pass that was not committed, and then no entry at all', () => {
    const gate = createSendGate();
    expect(gate.pass(1, false)).toMatch(/never committed/);
    gate.commit(2);
    gate.commit(3);
    expect(gate.pass(2, true)).toMatch(/never committed/);
    expect(gate.pass(3, false)).toBeNull();
  });

  it('stops entries when an order is committed twice', () => {
    const gate = createSendGate();
    gate.commit(1);
    gate.commit(1);
    expect(gate.pass(1, true)).toMatch(/committed twice/);
  });

  it('stops entries when the database counts otherwise', () => {
    const gate = createSendGate();
    gate.commit(1);
    gate.audit(1);
    expect(gate.fault()).toBeNull();
    gate.audit(2);
    expect(gate.pass(1, true)).toMatch(/the database has 2 orders of this process, which committed 1/);
  });

  it('keeps its counters in step whatever is sent and withheld', () => {
    const acts = fc.array(fc.record({ id: fc.integer({ min: 1, max: 8 }), isSent: fc.boolean() }), {
      maxLength: 30,
    });
    fc.assert(
      fc.property(acts, (orders) => {
        const gate = createSendGate();
        const seen = new Set<number>();
        for (const { id, isSent } of orders) {
          if (seen.has(id)) continue;
          seen.add(id);
          gate.commit(id);
          if (isSent) expect(gate.pass(id, true)).toBeNull();
          else gate.withhold(id);
        }
        const { committed, sent, withheld } = gate.counters();
        expect(sent + withheld).toBe(committed);
        expect(gate.fault()).toBeNull();
      }),
    );
  });
});
