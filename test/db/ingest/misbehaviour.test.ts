// A vendor that misbehaves: whatever it sends, the rows are those that it has on record, the rest are dead letters, nothing crashes.
import { afterEach, describe, expect, it } from 'vitest';
import { epochMsFromEastern } from '../../../core/eastern_time.ts';
import { toMassive } from '../../../core/osi_symbol.ts';
import type { RestFault } from '../../../sim/massive_rest_faults.ts';
import { longFrame, type RubbishFrame, rubbishFrames } from '../../../sim/massive_rubbish.ts';
import { eventually, useDatabase } from '../../harness.ts';
import { gapsOf, recordedQuotes, recordedSeconds, stored } from './row_words.ts';
import { API_KEY, on, type SteppedMarket, type SteppedOptions, startStepped } from './stepped_market.ts';

const database = useDatabase();
const WHOLE = { from: on('9:30:00'), to: on('9:33:00') };
let market: SteppedMarket;
let names = 0;

afterEach(async () => {
  await market?.stop();
});

async function start(options: Omit<SteppedOptions, 'url' | 'name'>): Promise<SteppedMarket> {
  names += 1;
  market = await startStepped({ url: database.url(), name: `odd-${names}`, ...options });
  return market;
}

async function allFilled(feed: string): Promise<void> {
  await eventually(
    async () => {
      const gaps = await gapsOf(database.pool(), feed);
      expect(gaps.filter((gap) => !gap.is_filled)).toEqual([]);
      expect(gaps.length).toBeGreaterThan(0);
    },
    { timeoutMs: 30_000 },
  );
}

async function rejected(feed: string): Promise<Map<string, number>> {
  const { rows } = await database
    .pool()
    .query<{ reason: string; count: number }>(
      'select reason, count(*)::integer as count from market.rejected_rows where feed = $1 group by 1',
      [feed],
    );
  return new Map(rows.map(({ reason, count }) => [reason, count]));
}

describe('events in disorder', () => {
  it('that come twice, out of order, half a minute late and with unknown keys are stored once each', async () => {
    await start({
      streams: ['equities', 'options'],
      simulator: {
        disorder: { seed: 3, again: 0.2, swapped: 0.2, late: 0.05, lateMs: 30_000, decorated: 0.3 },
        acks: 'one_each',
        // Until the last of them has come.
        to: on('9:33:40'),
      },
    });
    await market.play();
    const { simulator, feeds, equities, options } = market;
    const { from, to } = WHOLE;
    expect(await stored(database.pool(), 'seconds', { feed: feeds.ticks.name, from, to })).toEqual(
      recordedSeconds(simulator, from, to),
    );
    const quotes = recordedQuotes(simulator, from, to);
    expect(await stored(database.pool(), 'quotes', { feed: feeds.quotes.name, from, to })).toEqual(quotes);
    expect(equities?.counts().duplicate).toBeGreaterThan(20);
    expect(options?.counts().duplicate).toBeGreaterThan(100);
  });
});

describe('rubbish', () => {
  it('becomes dead letters; what is odd and possible is stored; what cannot be read is a gap that REST fills', async () => {
    let rubbish: readonly RubbishFrame[] = [];
    await start({
      streams: ['options'],
      recovery: { range: { from: on('9:30:00'), to: on('9:34:00') } },
      onStep: async (now, { simulator, feeds }) => {
        if (now === on('9:31:00')) {
          const ticker = toMassive(simulator.contracts[0]?.symbol as Parameters<typeof toMassive>[0]);
          const nowMs = epochMsFromEastern(now);
          rubbish = rubbishFrames({ ticker, nowMs, firstSequence: 5_000_000_000 });
          for (const { data } of rubbish) simulator.inflict('options', { kind: 'say', data });
        }
        if (now === on('9:32:30')) await allFilled(feeds.quotes.name);
      },
    });
    await market.play();
    const { simulator, feeds, options } = market;
    const { from, to } = WHOLE;
    const found = await stored(database.pool(), 'quotes', { feed: feeds.quotes.name, from, to });
    const odd = found.filter((words) => / 50000000\d\d /.test(words));
    expect(odd).toHaveLength(rubbish.reduce((sum, frame) => sum + frame.quotes, 0));
    const sound = found.filter((words) => !odd.includes(words));
    expect(sound).toEqual(recordedQuotes(simulator, from, to));
    const reasons = await rejected(feeds.quotes.name);
    expect([...reasons.keys()].sort()).toEqual([
      'ap or as is no price or size',
      'bp or bs is no price or size',
      'ev is missing',
      'its time is of another day',
      'its time lies in the future',
      'nobody asked for this symbol',
      'not JSON',
      'not an array of events',
      'not an event object',
      'q is no sequence number',
      'sym is missing',
      't is no time in milliseconds',
    ]);
    expect(await gapsOf(database.pool(), feeds.quotes.name)).toMatchObject([
      { cause: 'unreadable', is_filled: true },
    ]);
    expect(options?.feed.state).toBe('live');
  });

  it('of 50 MB ends the connection, and is a gap', async () => {
    await start({
      streams: ['options'],
      recovery: { range: { from: on('9:30:00'), to: on('9:34:00') } },
      onStep: async (now, { simulator, options, feeds }) => {
        if (now === on('9:31:00')) {
          simulator.inflict('options', { kind: 'say', data: longFrame(50 << 20) });
          await eventually(() => expect(options?.feed.state).toBe('subscribed'), { timeoutMs: 20_000 });
        }
        if (now === on('9:32:30')) await allFilled(feeds.quotes.name);
      },
    });
    await market.play();
    const { simulator, feeds } = market;
    const { from, to } = WHOLE;
    expect(await stored(database.pool(), 'quotes', { feed: feeds.quotes.name, from, to })).toEqual(
      recordedQuotes(simulator, from, to),
    );
    expect([...(await rejected(feeds.quotes.name)).keys()]).toEqual(['a frame of more than 16777216 bytes']);
    expect(await gapsOf(database.pool(), feeds.quotes.name)).toMatchObject([{ cause: 'disconnect' }]);
  });
});

describe('a vendor that refuses', () => {
  it('a second connection: a minute of patience, and a message to people', async () => {
    await start({
      simulator: { door: (nth) => (nth === 1 ? 'full' : 'open') },
    });
    await eventually(() => expect(market.equities?.feed.state).toBe('disconnected'));
    await eventually(async () => {
      const { rows } = await database
        .pool()
        .query(
          "select severity, text from ops.alert_outbox where key = 'feed-equities-max-connections-2026-06-17'",
        );
      expect(rows).toMatchObject([
        { severity: 'critical', text: expect.stringContaining('another process') },
      ]);
    });
    const wait = market.notices.join('\n');
    expect(Number(/next attempt in (\d+) ms/.exec(wait)?.[1])).toBeGreaterThanOrEqual(60_000);
  });

  it('the plan: the stream ends and says what to do', async () => {
    await start({ simulator: { door: () => 'no_plan' } });
    const failed = await market.equities?.failed.catch((error: unknown) => error);
    expect(failed).toMatchObject({
      message: expect.stringContaining("Your plan doesn't include websocket access"),
      hint: expect.stringContaining('plan'),
    });
  });

  it('only real time: the stream says so and stays', async () => {
    const errors: string[] = [];
    await start({ simulator: { door: () => 'delayed_only' }, onError: (message) => errors.push(message) });
    await eventually(() => expect(errors.join()).toContain("You don't have access real-time data"));
    expect(market.equities?.feed.state).not.toBe('failed');
  });
});

describe('a vendor whose REST misbehaves', () => {
  const FAULTS: readonly RestFault[] = [
    { kind: 'too_many', retryAfterS: 0 },
    { kind: 'too_many_empty', retryAfterS: 0 },
    { kind: 'bad_gateway' },
    { kind: 'truncated' },
    { kind: 'reset' },
    { kind: 'foreign_next' },
    { kind: 'forbidden' },
    { kind: 'unauthorized' },
    { kind: 'not_found' },
  ];

  it('is asked again until the gap is filled; entries are barred as long', { timeout: 60_000 }, async () => {
    await start({
      simulator: {
        faults: [
          { at: on('9:30:30'), market: 'stocks', fault: { kind: 'mute' } },
          { at: on('9:30:35'), market: 'stocks', fault: { kind: 'drop' } },
        ],
      },
      onStep: async (now, { simulator, equities, feeds }) => {
        if (now === on('9:30:35')) {
          for (const fault of FAULTS) simulator.failRest({ ...fault, path: '/v2/aggs' });
          await eventually(() => expect(equities?.feed.state).toBe('subscribed'));
        }
        // Waiting for the vendor takes the market's time: it goes on second by second.
        if (now > on('9:30:40') && now < on('9:32:30'))
          await new Promise((resolve) => setTimeout(resolve, 20));
        if (now === on('9:32:30')) await allFilled(feeds.ticks.name);
      },
    });
    await market.play();
    const { from, to } = WHOLE;
    expect(await stored(database.pool(), 'seconds', { feed: market.feeds.ticks.name, from, to })).toEqual(
      recordedSeconds(market.simulator, from, to),
    );
    const { rows } = await database
      .pool()
      .query(
        'select g.attempts, g.detail from ops.feed_gaps g join ref.feeds f using (feed_id) where f.name = $1',
        [market.feeds.ticks.name],
      );
    expect(rows[0].attempts).toBeGreaterThanOrEqual(4);
    const told = [...market.notices, JSON.stringify(rows)].join('\n');
    expect(told).toContain('(403)');
    expect(told).not.toContain(API_KEY);
  });
});

/** An open position in a contract, as far as the streams look at it. */
async function hold(symbol: string): Promise<void> {
  const { ticks, quotes } = market.feeds;
  const run = `select trade.open_run('live', 'vwap_ma9', '2026-06-17 09:00', '2026-06-17 10:00', $1, $2,
    '{"account": "holder"}', 'paper', 'test', '2026-06-17 09:00') as run_id`;
  const { rows } = await database.pool().query<{ run_id: string }>(run, [ticks.name, quotes.name]);
  await database.pool().query(
    `with decided as (
       insert into trade.decisions (run_id, ts, kind, verdict, reason, session_date, instrument_id)
       select $1, '2026-06-17 09:30:10', 'entry', 'TRADE', 'test', '2026-06-17', i.instrument_id
       from ref.instruments i where i.symbol = $2
       returning decision_id
     )
     insert into trade.position_slots (account, strategy, slot, position_id, ts_claimed)
     select 'holder', 'vwap_ma9', 1, decision_id, '2026-06-17 09:30:10' from decided
     on conflict (account, strategy, slot) do update set position_id = excluded.position_id, ts_claimed = excluded.ts_claimed`,
    [rows[0]?.run_id, symbol],
  );
}

describe('a contract that is held', () => {
  it('is mute when it has no newer quote for long, in states and in a message, and live again after', async () => {
    await start({
      streams: ['options'],
      recovery: { range: { from: on('9:30:00'), to: on('9:34:00') }, contractMuteAfterMs: 20_000 },
      onStep: async (now, { options, simulator }) => {
        const symbol = simulator.contracts[0]?.symbol;
        if (symbol === undefined || options === null) return;
        const pairs = [`Q.${toMassive(symbol)}`];
        if (now === on('9:30:20')) await hold(symbol);
        if (now === on('9:31:00')) options.feed.unsubscribe(pairs);
        if (now === on('9:31:40')) await options.feed.subscribe(pairs);
      },
    });
    await market.play();
    const { rows } = await database.pool().query(
      `select s.symbol, s.state, s.ts::text from ops.feed_states s join ref.feeds f using (feed_id)
       where f.name = $1 and s.symbol is not null order by s.feed_state_id`,
      [market.feeds.quotes.name],
    );
    const symbol = market.simulator.contracts[0]?.symbol;
    expect(rows).toMatchObject([
      { symbol, state: 'mute', ts: expect.stringMatching(/09:31:2\d/) },
      { symbol, state: 'live', ts: expect.stringMatching(/09:31:4\d/) },
    ]);
  });
});
