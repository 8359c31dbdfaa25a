// The terminal view: what it says, that it fits, and that it leaves the terminal as it was.
import { describe, expect, it } from 'vitest';
import type { LiveState } from '../../cli/live_state.ts';
import {
  createLiveView,
  dollars,
  screenLines,
  type ViewFrame,
  type ViewOptions,
} from '../../cli/live_view.ts';
import { at } from '../sim/sessions.ts';

const OPTIONS: ViewOptions = {
  title: 'demo',
  underlying: 'QQQ',
  account: 'demo-3',
  runId: 12,
  label: 'simulated quotes',
};

const STATE: LiveState = {
  period: { close_e4: 6_123_400, vwap_e6: 612_344_900, ma_e6: 612_100_000 },
  positions: [
    {
      symbol: 'QQQ   260617P00612000',
      qty: 500,
      entry_e4: 12_300,
      ask_e4: 15_400,
      stop_e4: 24_600,
      target_e4: 6_150,
      open_pl: -15_534.5,
    },
  ],
  decisions: [
    {
      time: '10:42:00',
      kind: 'exit',
      verdict: 'TRADE',
      reason: 'take_profit',
      symbol: 'QQQ   260617P00612000',
      px_e4: 100,
    },
    { time: '10:41:00', kind: 'entry', verdict: 'SKIP', reason: 'position_open', symbol: null, px_e4: null },
  ],
  day: { net: 1_234_567.891, trades: 1, wins: 1 },
};

const FRAME: ViewFrame = {
  now: at('2026-06-17 10:42:16'),
  state: STATE,
  price_e4: 6_123_450,
  rows: 123_456_789,
  quotes: 120_000_000,
  feeds: 'equities live, options live (22 contracts)',
};

function capture(isTTY: boolean): { readonly out: NonNullable<ViewOptions['out']>; text(): string } {
  let text = '';
  const write = (chunk: unknown): boolean => {
    text += String(chunk);
    return true;
  };
  return { out: { isTTY, columns: 80, write } as NonNullable<ViewOptions['out']>, text: () => text };
}

describe('the lines of the view', () => {
  const lines = screenLines(OPTIONS, FRAME, 9_912.4);

  it('fit into 80 columns and 24 rows', () => {
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThan(80);
    expect(lines.length).toBeLessThan(24);
  });

  it('say what the quotes are, the market, the position with stop and target, and the money', () => {
    const text = lines.join('\n');
    expect(text).toContain('PAPER, simulated quotes');
    expect(text).toContain('10:42:16  QQQ 612.35   VWAP 612.34   MA9 612.10');
    expect(text).toContain('short 500 QQQ 260617P00612000   entry 1.23   stop 2.46   target 0.62');
    expect(text).toContain('open P/L -$15,534.50');
    expect(text).toContain('day P/L  +$1,234,567.89 after fees, 1 trade, 1 won');
    expect(text).toContain('123,456,789 ingested');
    expect(text).toMatch(/10:42:00 {2}exit {2}take_profit {5}QQQ 260617P00612000 ask 0\.01/);
  });

  it('have the same number whatever there is to say', () => {
    const empty = { ...STATE, positions: [], decisions: [], period: null };
    expect(screenLines(OPTIONS, { ...FRAME, state: empty, price_e4: null }, 0)).toHaveLength(lines.length);
  });

  it('write money with its sign', () => {
    expect([dollars(0), dollars(-0.004), dollars(-1234.5)]).toEqual(['+$0.00', '+$0.00', '-$1,234.50']);
  });
});

describe('on a terminal', () => {
  it('is drawn in place and gives the cursor back', () => {
    const { out, text } = capture(true);
    const view = createLiveView({ ...OPTIONS, out });
    view.show(FRAME);
    expect(text().startsWith('\x1b[?25l')).toBe(true);
    expect(view.isDue(FRAME.now)).toBe(false);
    view.show(FRAME);
    const height = screenLines(OPTIONS, FRAME, 0).length;
    expect(text()).toContain(`\x1b[${height}A`);
    view.announce('a line for the operator');
    view.end();
    expect(text().endsWith('a line for the operator\n\x1b[?25h')).toBe(true);
  });
});

describe('elsewhere', () => {
  it('is a plain line now and then', () => {
    const { out, text } = capture(false);
    const view = createLiveView({ ...OPTIONS, out, lineEveryMs: 60_000 });
    view.show(FRAME);
    expect(view.isDue(at('2026-06-17 10:42:59'))).toBe(false);
    expect(view.isDue(at('2026-06-17 10:43:00'))).toBe(true);
    view.end();
    expect(text()).toMatch(
      /^2026-06-17 10:42 {2}QQQ 612\.35 .*short QQQ 260617P00612000 .*simulated quotes.*\n$/,
    );
    expect(text()).not.toContain('\x1b');
  });
});
