// When an order of unknown fate counts as never placed: late enough, after looks far enough apart, and never on a doubt.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addMs, type EasternUs } from '../../../core/eastern_time.ts';
import { beginProbe, lookedInVain, missed, type Probe } from '../../../jobs/orders/probe.ts';
import { openOrder } from './terms.ts';

const ENTRY = openOrder();
const EXIT = openOrder({ purpose: 'exit' });
const SENT = ENTRY.ts_submitted;

/** Looks whenever it is due until the verdict: the times of the looks, in ms after sending. */
function looksOf(order: typeof ENTRY, isClear: (ms: number) => boolean = () => true): number[] {
  const looks: number[] = [];
  let probe: Probe | null = beginProbe(order.ts_state);
  while (probe !== null && looks.length < 100) {
    const now: EasternUs = probe.nextAt;
    const ms = (now - SENT) / 1000;
    looks.push(ms);
    probe = isClear(ms) ? missed(probe, order, now) : lookedInVain(probe, now);
  }
  return looks;
}

describe('an entry', () => {
  it('is given up thirty seconds after it was sent, looked for at once and then less often', () => {
    const looks = looksOf(ENTRY);
    expect(looks.slice(0, 4)).toEqual([500, 1500, 3500, 7500]);
    expect(looks.at(-1)).toBe(30_000);
  });

  it('is not given up on what was missed before a look that did not tell', () => {
    const looks = looksOf(ENTRY, (ms) => ms < 28_000 || ms > 31_000);
    expect(looks.at(-1)).toBeGreaterThanOrEqual(36_000);
  });

  it('is not given up by a first look, however late', () => {
    const probe = beginProbe(SENT);
    expect(missed(probe, ENTRY, addMs(SENT, 600_000))).not.toBeNull();
  });
});

describe('an exit', () => {
  it('is given up after two looks that are two seconds apart', () => {
    expect(looksOf(EXIT)).toEqual([500, 1500, 2500]);
  });
});

it('no order is given up before its two looks are far enough apart', () => {
  const steps = fc.array(fc.record({ ms: fc.integer({ min: 1, max: 20_000 }), isClear: fc.boolean() }), {
    maxLength: 30,
  });
  fc.assert(
    fc.property(fc.constantFrom(ENTRY, EXIT), steps, (order, looks) => {
      let probe: Probe | null = beginProbe(SENT);
      let now = SENT;
      let clearSince: EasternUs | null = null;
      for (const { ms, isClear } of looks) {
        now = addMs(now, ms);
        clearSince = isClear ? (clearSince ?? now) : null;
        probe = isClear ? missed(probe, order, now) : lookedInVain(probe, now);
        if (probe === null) break;
      }
      if (probe !== null) return;
      const apartMs = (now - (clearSince ?? now)) / 1000;
      expect(apartMs).toBeGreaterThanOrEqual(order.purpose === 'entry' ? 5000 : 2000);
      if (order.purpose === 'entry') expect((now - SENT) / 1000).toBeGreaterThanOrEqual(30_000);
    }),
  );
});
