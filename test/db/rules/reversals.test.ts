// Exits that no quote asks for: a cross in the other direction, and the forced flat before the close.
import { describe, expect, test } from 'vitest';
import { useBench } from '../support/connections.ts';
import { createScenario, type QuoteSpec } from '../support/scenario.ts';
import { exitAt, storyAfterEntry, type Told } from '../support/short_put.ts';

const bench = useBench();
const following = (quotes: readonly QuoteSpec[], options: Told = {}): Promise<string[]> =>
  storyAfterEntry(bench, quotes, options);

describe('a cross in the other direction', () => {
  const DOWN = { '10:05': 1, '10:10': -1 } as const;
  const CALL: QuoteSpec = ['C600', '10:10', 0.9, 0.92];

  test('closes and then opens the other side, as one decision', async () => {
    const story = await following([['P600', '10:10', 1.2, 1.22], CALL], { sides: DOWN });
    expect(story).toEqual([
      '10:10:00 exit reverse P600 at 1.22',
      '10:10:00 entry reversal C600 at 0.90',
      '10:10:00 exit#1 buy 25 P600 1.22',
      '10:10:00 entry#1 sell 25 C600 0.90',
      '10:10:00 bought 25 P600 at 1.22',
      '10:10:00 sold 25 C600 at 0.90',
    ]);
  });

  test('opens only once the close has filled', async () => {
    const story = await following(
      [
        ['P600', '10:09', 1.2, 1.22],
        CALL,
        ['C600', '10:10:01', 1.9, 1.92],
        ['P600', '10:10:03', 1.2, 1.22],
        ['C600', '10:10:03.5', 0.95, 0.97],
      ],
      { sides: DOWN },
    );
    expect(story.slice(4)).toEqual([
      '10:10:02 exit#2 buy 25 P600 1.24',
      '10:10:02 exit#1 canceled: repriced',
      '10:10:03 bought 25 P600 at 1.22',
      '10:10:03.5 sold 25 C600 at 0.95',
    ]);
  });

  test('does not open when the close takes five seconds', async () => {
    const story = await following([['P600', '10:09', 1.2, 1.22], CALL, ['P600', '10:10:05', 1.2, 1.22]], {
      sides: DOWN,
    });
    expect(story.slice(-2)).toEqual([
      '10:10:05 entry#1 canceled: the close did not fill in time',
      '10:10:05 bought 25 P600 at 1.22',
    ]);
    const intime = await following(
      [
        ['P600', '10:09', 1.2, 1.22],
        CALL,
        ['P600', '10:10:04.999999', 1.2, 1.22],
        ['C600', '10:10:09.999', 0.9, 0.92],
      ],
      { sides: DOWN },
    );
    expect(intime.slice(-2)).toEqual([
      '10:10:04.999999 bought 25 P600 at 1.22',
      '10:10:09.999 sold 25 C600 at 0.90',
    ]);
  });

  test('only closes where the entry is denied', async () => {
    const story = await following([['P600', '10:10', 1.2, 1.22]], { sides: DOWN });
    expect(story).toEqual(exitAt('10:10:00', 'reverse', '1.22'));
  });

  test('is left alone with exit_on_reverse off', async () => {
    const settings = { exit_on_reverse: false };
    expect(await following([['P600', '10:10', 1.2, 1.22], CALL], { sides: DOWN, settings })).toEqual([]);
  });

  test('in the next minute, while the exit still works, neither opens nor exits again', async () => {
    const sides = { '10:05': 1, '10:10': -1, '10:11': 1 } as const;
    const story = await following(
      [
        ['P600', '10:09', 1.2, 1.22],
        ['P600', '10:11:30', 1.5, 1.52],
      ],
      { sides },
    );
    expect(story.filter((line) => / (exit (?!#)|entry (?!#))/.test(line))).toEqual([
      '10:10:00 exit reverse P600 at 1.22',
    ]);
    expect(story.at(-1)).toBe('10:11:30 bought 25 P600 at 1.52');
  });

  test('wins over a stop at the quote of the same instant: the close of a period comes first', async () => {
    const story = await following([['P600', '10:10', 2.4, 2.5]], { sides: DOWN });
    expect(story[0]).toBe('10:10:00 exit reverse P600 at 2.50');
  });

  test('without an ask to see exits at market', async () => {
    const story = await following(
      [
        ['P600', '10:09', 1.2, null],
        ['P600', '10:10:30', 1.4, 1.45],
      ],
      { sides: DOWN },
    );
    expect(story).toEqual([
      '10:10:00 exit reverse P600 at none',
      '10:10:00 exit#1 buy 25 P600 market',
      '10:10:30 bought 25 P600 at 1.45',
    ]);
  });
});

describe('the forced flat', () => {
  test('closes half an hour before the close, at the ask of that instant', async () => {
    const story = await following(
      [
        ['P600', '15:29:59', 0.9, 0.92],
        ['P600', '15:30:00', 0.8, 0.82],
      ],
      { to: '16:00', until: '16:00' },
    );
    expect(story).toEqual(exitAt('15:30:00', 'forced_flat', '0.82'));
  });

  test('is filled at the last quote of that instant', async () => {
    const quotes: QuoteSpec[] = [
      ['P600', '15:30:00', 0.6, 0.62, { seq: 1 }],
      ['P600', '15:30:00', 0.8, 0.82, { seq: 2 }],
    ];
    expect(await following(quotes, { to: '16:00', until: '16:00' })).toEqual(
      exitAt('15:30:00', 'forced_flat', '0.82'),
    );
  });

  test.each([[[]], [['15:29', '15:30', '15:30:00.000001', '15:30:30', '15:30:31']]])(
    'withdraws an entry that is still working, cut at %j or not',
    async (cuts) => {
      const scenario = await createScenario(bench.owner(), {
        sides: { '15:29': 1 },
        quotes: [
          ['P600', '15:29:00', 1.0, 1.02, { bidSz: 5 }],
          ['P600', '15:30:30', 1.0, 1.02],
          ['P600', '15:31:00', 1.0, 1.02],
        ],
      });
      const settings = { entry_valid_ms: 120_000, partial_fills: true };
      const run = await scenario.open(bench.runner(), { settings });
      for (const cut of [...cuts, '16:00']) await run.to(cut);
      const story = await run.story();
      expect(story.slice(0, 6)).toEqual([
        '15:29:00 entry cross_up P600 at 1.00',
        '15:29:00 entry#1 sell 25 P600 1.00',
        '15:29:00 sold 5 P600 at 1.00',
        '15:30:00 exit forced_flat P600 at 1.02',
        '15:30:00 exit#1 buy 5 P600 1.02',
        '15:30:00 entry#1 canceled: unfilled',
      ]);
      expect(story.at(-1)).toBe('15:30:30 bought 5 P600 at 1.02');
    },
  );

  test('fires by the clock, without a quote', async () => {
    const story = await following([['P600', '15:40:00', 0.8, 0.82]], { to: '16:00', until: '16:00' });
    expect(story.slice(0, 2)).toEqual([
      '15:30:00 exit forced_flat P600 at 1.02',
      '15:30:00 exit#1 buy 25 P600 1.02',
    ]);
    expect(story.slice(-3)).toEqual([
      '15:30:10 exit#6 buy 25 P600 market',
      '15:30:10 exit#5 canceled: repriced',
      '15:40:00 bought 25 P600 at 0.82',
    ]);
  });

  test('comes at 12:30 on a half day', async () => {
    const quotes: QuoteSpec[] = [
      ['P600', '12:29:59', 0.9, 0.92],
      ['P600', '12:30:00', 0.8, 0.82],
    ];
    const story = await following(quotes, { date: '2026-11-27', to: '13:30', until: '13:00' });
    expect(story).toEqual(exitAt('12:30:00', 'forced_flat', '0.82'));
  });

  test('follows an entry of the minute before', async () => {
    const scenario = await createScenario(bench.owner(), {
      sides: { '15:29': 1, '15:30': -1 },
      quotes: [
        ['P600', '15:29', 1.0, 1.02],
        ['P600', '15:30', 1.0, 1.02],
        ['C600', '15:30', 1.0, 1.02],
      ],
    });
    const run = await scenario.open(bench.runner());
    await run.to('16:00');
    // The signal of 15:30 is the first thing of that instant: it closes, and may not open.
    expect((await run.story()).slice(3)).toEqual(exitAt('15:30:00', 'reverse', '1.02'));
    expect(await run.entry('15:30')).toMatchObject({ verdict: 'SKIP', reason: 'outside_window' });
  });

  test('leaves no position open in any of several slots', async () => {
    const scenario = await createScenario(bench.owner(), {
      sides: { '10:05': 1, '10:10': -1, '10:15': 1 },
      quotes: [
        ['P600', '10:05', 1.0, 1.02],
        ['C600', '10:10', 1.1, 1.12],
        ['P600', '10:15', 1.2, 1.22],
        ['P600', '15:30', 0.9, 0.92],
        ['C600', '15:30:01', 1.3, 1.31],
      ],
    });
    const run = await scenario.open(bench.runner(), { settings: { slots: 3, exit_on_reverse: false } });
    await run.to('16:00');
    expect((await run.story()).slice(9)).toEqual([
      '15:30:00 exit forced_flat P600 at 0.92',
      '15:30:00 exit forced_flat C600 at 1.12',
      '15:30:00 exit forced_flat P600 at 0.92',
      '15:30:00 exit#1 buy 25 P600 0.92',
      '15:30:00 exit#1 buy 25 C600 1.12',
      '15:30:00 exit#1 buy 25 P600 0.92',
      '15:30:00 bought 25 P600 at 0.92',
      '15:30:00 bought 25 P600 at 0.92',
      '15:30:02 exit#2 buy 25 C600 1.14',
      '15:30:02 exit#1 canceled: repriced',
      '15:30:04 exit#3 buy 25 C600 1.16',
      '15:30:04 exit#2 canceled: repriced',
      '15:30:06 exit#4 buy 25 C600 1.18',
      '15:30:06 exit#3 canceled: repriced',
      '15:30:08 exit#5 buy 25 C600 1.20',
      '15:30:08 exit#4 canceled: repriced',
      '15:30:10 exit#6 buy 25 C600 market',
      '15:30:10 exit#5 canceled: repriced',
    ]);
  });
});
