// Exits: found at their own quote, in the order of quotes; worked until filled; forced before the close.
import { describe, expect, test } from 'vitest';
import { useBench } from '../support/connections.ts';
import { createScenario, type QuoteSpec, type ScenarioOptions } from '../support/scenario.ts';

const bench = useBench();
const ENTERED = [
  '10:05:00 entry cross_up P600 at 1.00',
  '10:05:00 entry#1 sell 25 P600 1.00',
  '10:05:00 sold 25 P600 at 1.00',
];
const ENTRY: QuoteSpec = ['P600', '10:05', 1.0, 1.02];

interface Told extends Partial<ScenarioOptions> {
  readonly settings?: Readonly<Record<string, unknown>>;
  readonly to?: string;
}

/** What follows the entry of a put at 1.00 at 10:05. */
async function following(quotes: readonly QuoteSpec[], options: Told = {}): Promise<string[]> {
  const { settings = {}, to = '10:20', ...rest } = options;
  const sides = { '10:05': 1, ...options.sides } as const;
  const scenario = await createScenario(bench.owner(), {
    until: '10:20',
    ...rest,
    sides,
    quotes: [ENTRY, ...quotes],
  });
  const run = await scenario.open(bench.runner(), { settings });
  await run.to(to);
  const story = await run.story();
  expect(story.slice(0, 3)).toEqual(ENTERED);
  return story.slice(3);
}

const exitAt = (time: string, reason: string, ask: string): string[] => [
  `${time} exit ${reason} P600 at ${ask}`,
  `${time} exit#1 buy 25 P600 ${ask}`,
  `${time} bought 25 P600 at ${ask}`,
];

describe('the target', () => {
  test('is an ask of half the credit, to the cent', async () => {
    const story = await following([
      ['P600', '10:07', 0.48, 0.51],
      ['P600', '10:08', 0.48, 0.5],
    ]);
    expect(story).toEqual(exitAt('10:08:00', 'take_profit', '0.50'));
  });

  test('is found between two minutes, at the first of several quotes that reach it', async () => {
    const story = await following([
      ['P600', '10:07:12.5', 0.6, 0.62],
      ['P600', '10:07:13.000001', 0.45, 0.47],
      ['P600', '10:07:13.000002', 0.2, 0.22],
      ['P600', '10:07:14', 0.1, 0.12],
    ]);
    expect(story).toEqual(exitAt('10:07:13.000001', 'take_profit', '0.47'));
  });

  test('needs an ask, not a bid', async () => {
    const story = await following([['P600', '10:07', null, 0.01]]);
    expect(story).toEqual(exitAt('10:07:00', 'take_profit', '0.01'));
    expect(
      await following([
        ['P600', '10:07', 0.3, null],
        ['P600', '10:08', 0.3, 0],
      ]),
    ).toEqual([]);
  });

  test('is not seen on a crossed quote', async () => {
    expect(await following([['P600', '10:07', 0.6, 0.4]])).toEqual([]);
  });

  test('can be switched off', async () => {
    expect(
      await following([['P600', '10:07', 0.1, 0.12]], { settings: { take_profit_ratio: null } }),
    ).toEqual([]);
  });
});

describe('the stop', () => {
  test('is an ask of twice the credit, to the cent', async () => {
    const story = await following([
      ['P600', '10:07', 1.9, 1.99],
      ['P600', '10:08', 1.9, 2.0],
    ]);
    expect(story).toEqual(exitAt('10:08:00', 'stop_loss', '2.00'));
  });

  test('wins over a target that comes later, and a target over a later stop', async () => {
    const high: QuoteSpec = ['P600', '10:07:01', 2.4, 2.5];
    const low: QuoteSpec = ['P600', '10:07:02', 0.4, 0.45];
    expect((await following([high, low]))[0]).toBe('10:07:01 exit stop_loss P600 at 2.50');
    expect((await following([['P600', '10:07:00', 0.4, 0.45], high]))[0]).toBe(
      '10:07:00 exit take_profit P600 at 0.45',
    );
  });

  test('of 300 % is the other reading', async () => {
    const quotes: QuoteSpec[] = [
      ['P600', '10:07', 1.9, 2.99],
      ['P600', '10:08', 1.9, 3.0],
    ];
    const story = await following(quotes, { settings: { stop_loss_ratio: 3 } });
    expect(story[0]).toBe('10:08:00 exit stop_loss P600 at 3.00');
  });

  test('is filled at the quote that triggers it, not at one of the same instant that it replaced', async () => {
    const story = await following([
      ['P600', '10:07:00.5', 1.0, 1.02, { seq: 1 }],
      ['P600', '10:07:00.5', 2.1, 2.2, { seq: 2 }],
    ]);
    expect(story).toEqual(exitAt('10:07:00.5', 'stop_loss', '2.20'));
  });

  test('does not look at quotes from before the fill', async () => {
    const scenario = await createScenario(bench.owner(), {
      sides: { '10:05': 1 },
      until: '10:20',
      quotes: [
        ['P600', '10:04:59', 1.0, 1.02],
        ['P600', '10:05:01', 0.99, 2.6],
        ['P600', '10:05:02', 1.0, 1.02],
      ],
    });
    const run = await scenario.open(bench.runner());
    await run.to('10:20');
    expect((await run.story()).at(-1)).toBe('10:05:02 sold 25 P600 at 1.00');
  });
});

describe('an exit order', () => {
  const STOP: QuoteSpec = ['P600', '10:07', 2.1, 2.2];
  const slow = { latency_ms: 1 };
  // With a latency the entry fills at a quote of its own.
  const ENTRY_FILL: QuoteSpec = ['P600', '10:05:01', 1.0, 1.02];
  const worked = async (quotes: readonly QuoteSpec[], settings = {}): Promise<string[]> => {
    const scenario = await createScenario(bench.owner(), {
      sides: { '10:05': 1 },
      until: '10:20',
      quotes: [ENTRY, ENTRY_FILL, STOP, ...quotes],
    });
    const run = await scenario.open(bench.runner(), { settings: { ...slow, ...settings } });
    await run.to('10:20');
    return (await run.story()).slice(3);
  };
  const steps = [
    '10:07:00 exit stop_loss P600 at 2.20',
    '10:07:00 exit#1 buy 25 P600 2.20',
    '10:07:02 exit#2 buy 25 P600 2.22',
    '10:07:02 exit#1 canceled: repriced',
    '10:07:04 exit#3 buy 25 P600 2.24',
    '10:07:04 exit#2 canceled: repriced',
    '10:07:06 exit#4 buy 25 P600 2.26',
    '10:07:06 exit#3 canceled: repriced',
    '10:07:08 exit#5 buy 25 P600 2.28',
    '10:07:08 exit#4 canceled: repriced',
    '10:07:10 exit#6 buy 25 P600 market',
    '10:07:10 exit#5 canceled: repriced',
  ];

  test('goes up by two increments every two seconds and becomes a market order after ten', async () => {
    expect(await worked([['P600', '10:09', 9.0, 9.9]])).toEqual([
      ...steps,
      '10:09:00 bought 25 P600 at 9.90',
    ]);
  });

  test('fills at the first ask within its limit, at that ask', async () => {
    const story = await worked([
      ['P600', '10:07:01', 2.2, 2.24],
      ['P600', '10:07:03', 2.2, 2.23],
      ['P600', '10:07:05', 2.2, 2.23],
    ]);
    expect(story).toEqual([...steps.slice(0, 6), '10:07:05 bought 25 P600 at 2.23']);
  });

  test('waits for quotes that are not crossed and have an ask, at market too', async () => {
    const story = await worked([
      ['P600', '10:07:01', 2.2, 2.1],
      ['P600', '10:07:11', 2.2, null],
      ['P600', '10:07:12', 2.2, 2.0],
      ['P600', '10:07:13', null, 3.0],
    ]);
    expect(story).toEqual([...steps, '10:07:13 bought 25 P600 at 3.00']);
  });

  test('takes its increments, its pace and its patience from the strategy', async () => {
    const story = await worked([], {
      exit_reprice_ms: 4000,
      exit_reprice_ticks: 5,
      exit_market_after_ms: 9000,
    });
    expect(story).toEqual([
      ...steps.slice(0, 2),
      '10:07:04 exit#2 buy 25 P600 2.25',
      '10:07:04 exit#1 canceled: repriced',
      '10:07:08 exit#3 buy 25 P600 2.30',
      '10:07:08 exit#2 canceled: repriced',
      '10:07:09 exit#4 buy 25 P600 market',
      '10:07:09 exit#3 canceled: repriced',
    ]);
  });

  test('carries on with what is left after a partial fill', async () => {
    const story = await worked(
      [
        ['P600', '10:07:01', 2.1, 2.2, { askSz: 10 }],
        ['P600', '10:07:03', 2.1, 2.22, { askSz: 60 }],
      ],
      { partial_fills: true },
    );
    expect(story).toEqual([
      ...steps.slice(0, 2),
      '10:07:01 bought 10 P600 at 2.20',
      '10:07:02 exit#2 buy 15 P600 2.22',
      '10:07:02 exit#1 canceled: repriced',
      '10:07:03 bought 15 P600 at 2.22',
    ]);
  });
});

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
