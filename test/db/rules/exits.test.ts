// Targets, stops and the orders of an exit: found at their own quote, in the order of quotes; worked until filled.
import { describe, expect, test } from 'vitest';
import { useBench } from '../support/connections.ts';
import { createScenario, type QuoteSpec } from '../support/scenario.ts';
import { ENTRY, exitAt, storyAfterEntry, type Told } from '../support/short_put.ts';

const bench = useBench();
const following = (quotes: readonly QuoteSpec[], options: Told = {}): Promise<string[]> =>
  storyAfterEntry(bench, quotes, options);

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
