// Positions at the broker against ours: what counts, and when a difference is believed.
import { describe, expect, it } from 'vitest';
import { addMs } from '../../../core/eastern_time.ts';
import type { OsiSymbol } from '../../../core/osi_symbol.ts';
import { differencesOf, isTraded, judgePositions } from '../../../jobs/orders/held_positions.ts';
import { at, PUT } from './terms.ts';

const SCOPE = { underlyings: new Set(['QQQ']), roots: new Set(['QQQ']) } as const;
const NOW = at('10:00:00');

function theirs(symbol: string, qty: number) {
  return { symbol, qty, avg_px_e4: null, market_value: null };
}

describe('differences', () => {
  it('are none where both hold the same', () => {
    expect(differencesOf([theirs(PUT, -25)], [{ symbol: PUT, qty: -25 }], SCOPE)).toEqual([]);
  });

  it.each([
    ['the broker alone has it', [theirs(PUT, -25)], [], { ours: 0, theirs: -25 }],
    ['we alone have it', [], [{ symbol: PUT, qty: -25 }], { ours: -25, theirs: 0 }],
    ['the numbers differ', [theirs(PUT, -24)], [{ symbol: PUT, qty: -25 }], { ours: -25, theirs: -24 }],
  ])('are seen where %s', (_, broker, ours, difference) => {
    expect(differencesOf(broker, ours, SCOPE)).toEqual([{ symbol: PUT, ...difference }]);
  });

  it('are seen in the shares of the underlying, as after an assignment', () => {
    expect(differencesOf([theirs('QQQ', 2500)], [], SCOPE)).toEqual([
      { symbol: 'QQQ', ours: 0, theirs: 2500 },
    ]);
  });

  it('are none of our business in what our runs do not trade', () => {
    const others = [theirs('AAPL', 100), theirs('SPXW  260617P06000000', -1), theirs('QQQM', 5)];
    expect(differencesOf(others, [], SCOPE)).toEqual([]);
  });

  it('count what we hold, even if no run trades it any more', () => {
    const symbol = 'SPXW  260617P06000000' as OsiSymbol;
    expect(isTraded(symbol, SCOPE)).toBe(false);
    expect(differencesOf([theirs(symbol, -1)], [{ symbol, qty: -1 }], SCOPE)).toEqual([]);
    expect(differencesOf([], [{ symbol, qty: -1 }], SCOPE)).toHaveLength(1);
  });
});

describe('a difference', () => {
  const differing = differencesOf([theirs(PUT, -25)], [], SCOPE);
  const first = judgePositions(differing, null, { isQuiet: true, now: NOW });

  it('is doubtful at first, and believed five seconds later', () => {
    expect(first.kind).toBe('doubtful');
    const soon = judgePositions(differing, first.doubt, { isQuiet: true, now: addMs(NOW, 4999) });
    expect(soon.kind).toBe('doubtful');
    const later = judgePositions(differing, soon.doubt, { isQuiet: true, now: addMs(NOW, 5000) });
    expect(later.kind).toBe('differ');
  });

  it('is not believed while something is under way, nor for what was seen before that', () => {
    const moving = judgePositions(differing, first.doubt, { isQuiet: false, now: addMs(NOW, 6000) });
    expect(moving).toEqual({ kind: 'moving', doubt: null });
    const again = judgePositions(differing, moving.doubt, { isQuiet: true, now: addMs(NOW, 7000) });
    expect(again.kind).toBe('doubtful');
  });

  it('that has become another one begins anew', () => {
    const other = differencesOf([theirs(PUT, -24)], [], SCOPE);
    expect(judgePositions(other, first.doubt, { isQuiet: true, now: addMs(NOW, 9000) }).kind).toBe(
      'doubtful',
    );
  });

  it('that is gone leaves no doubt', () => {
    expect(judgePositions([], first.doubt, { isQuiet: false, now: NOW })).toEqual({
      kind: 'same',
      doubt: null,
    });
  });
});
