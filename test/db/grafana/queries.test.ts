// Every query that Grafana would run, run as grafana_reader: on an empty database and on one with runs, with few variables set and with many.
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connect } from '../../../db/pool.ts';
import { ALARMS, alarmSql } from '../../../grafana/alerts.ts';
import { type AnsweredQuery, ask, askDashboard, objects, panelQuery } from '../../../grafana/asker.ts';
import { dashboards } from '../../../grafana/files.ts';
import type { QueryRange } from '../../../grafana/macros.ts';
import type { Dashboard } from '../../../grafana/model.ts';
import { columnProblem } from '../../../grafana/queries.ts';
import { useDatabase } from '../../harness.ts';
import { BACKTEST_DAYS, instant, LIVE_DAY, type Seeded, seed } from './seed.ts';

const LIVE_RANGE: QueryRange = { from: instant(LIVE_DAY.from), to: instant(LIVE_DAY.to), intervalMs: 30_000 };
const BACKTEST_RANGE: QueryRange = {
  from: instant(BACKTEST_DAYS.from),
  to: instant(BACKTEST_DAYS.to),
  intervalMs: 120_000,
};

function useReader(url: () => string): () => pg.Client {
  let client: pg.Client | null = null;
  beforeAll(async () => {
    client = await connect({ url: url(), role: 'grafana_reader', name: 'test' });
  });
  afterAll(async () => client?.end());
  return () => client as pg.Client;
}

/** What Grafana would stumble over in an answer; nothing if all is well. */
function problems({ query, columns, wallClock, rows }: AnsweredQuery): string[] {
  const where = `${query.page}, ${query.kind} ${query.name} ${query.refId}`;
  const found: string[] = [];
  const problem = columnProblem(query, columns);
  if (problem !== null) found.push(`${where}: ${problem}`);
  if (wallClock.length > 0) found.push(`${where}: ${wallClock} would be taken for UTC`);
  const at = columns.findIndex(({ name }) => name === 'time');
  const times = at < 0 ? [] : rows.map((row) => row[at] as Date | null);
  if (query.format === 'time_series' && times.some((time) => time === null))
    found.push(`${where}: a time is null`);
  if (times.some((time, index) => index > 0 && Number(time) < Number(times[index - 1])))
    found.push(`${where}: times do not ascend`);
  return found;
}

describe('on an empty database', () => {
  const database = useDatabase();
  const reader = useReader(() => database.url());

  for (const page of dashboards()) {
    it(`${page.title} is empty and says so`, async () => {
      const { answers } = await askDashboard(reader(), page, { range: LIVE_RANGE, which: 'first' });
      expect(answers.flatMap(problems)).toEqual([]);
    });
  }

  it('alert rules answer with a row: nothing fires', async () => {
    for (const { name } of ALARMS) {
      const { rows } = await reader().query(alarmSql(name, 'is_firing::integer'));
      expect(rows, name).toEqual([{ time: expect.anything(), value: 0 }]);
    }
  });
});

describe('on a database with runs', () => {
  const database = useDatabase();
  const reader = useReader(() => database.url());
  let seeded: Seeded;
  const shown = new Map<string, number>();

  beforeAll(async () => {
    seeded = await seed(database);
  });

  /** The newest run as a page opens; or two runs side by side on recorded days, in the middle of a session. */
  async function answersOf(page: Dashboard, setting: 'newest' | 'side by side'): Promise<AnsweredQuery[]> {
    if (setting === 'newest')
      return (await askDashboard(reader(), page, { range: LIVE_RANGE, which: 'first' })).answers;
    const isChains = page.uid === 'strikebase-chains';
    const run = isChains ? [seeded.spreads] : [seeded.backtest, seeded.replay];
    const fixed = { run, symbol: 'QQQ', feed: 'sample-60s', quotes: 'modelled-60s' };
    // The last expiration is that of the second day; the first position is the open one.
    const which = page.uid === 'strikebase-position' ? 'first' : 'most';
    const range = { ...BACKTEST_RANGE, to: new Date('2025-10-07T17:00:00Z') };
    return (await askDashboard(reader(), page, { range, which, fixed })).answers;
  }

  for (const page of dashboards()) {
    for (const setting of ['newest', 'side by side'] as const) {
      it(`${page.title} gives columns as each format needs them (${setting})`, async () => {
        const answers = await answersOf(page, setting);
        expect(answers.flatMap(problems)).toEqual([]);
        for (const { query, rows } of answers) {
          const key = `${query.page}, ${query.name} ${query.refId}`;
          shown.set(key, (shown.get(key) ?? 0) + rows.length);
        }
      });
    }
  }

  it('shows something in every panel, variable and annotation', () => {
    expect(shown.size).toBeGreaterThan(70);
    expect([...shown].filter(([, rows]) => rows === 0).map(([key]) => key)).toEqual([]);
  });

  it('opens with the newest live run, and offers the others', async () => {
    const { answers, variables } = await askDashboard(reader(), dashboards()[0] as never, {
      range: LIVE_RANGE,
      which: 'first',
    });
    expect(seeded.live).toBe('live account-grafana vwap_ma9');
    expect(variables.run).toEqual([seeded.live]);
    const offered = answers.find(({ query }) => query.kind === 'variable' && query.name === 'run');
    expect(offered?.rows.map(([text]) => text)).toEqual([
      seeded.live,
      seeded.replay,
      seeded.backtest,
      seeded.spreads,
    ]);
  });

  it('shows the P/L of `strikebase pl`, day by day', async () => {
    const run = { run: [seeded.backtest] };
    const daily = objects(await ask(reader(), panelQuery('strikebase-pl', 'Daily net'), run, BACKTEST_RANGE));
    const { rows } = await reader().query<{
      session_date: string;
      net: string;
      gross: string;
      trades: number;
    }>('select session_date::text, net, gross, trades from panel.daily_pl where run_id = $1 order by 1', [
      seeded.backtestId,
    ]);
    expect(rows).toHaveLength(2);
    expect(daily.map(({ net }) => net)).toEqual(rows.map(({ net }) => expect.closeTo(Number(net), 6)));
    expect(daily.map(({ time }) => (time as Date).toISOString())).toEqual(
      rows.map(({ session_date }) => `${session_date}T16:00:00.000Z`),
    );
    const tiles = panelQuery('strikebase-pl', 'Profit and loss of closed positions');
    // Noon of the second day: today is that day, and the week holds both.
    const noon = { ...BACKTEST_RANGE, to: new Date('2025-10-07T16:00:00Z') };
    const [made] = objects(await ask(reader(), tiles, run, noon));
    expect(made).toEqual({
      run: '',
      'Net today': expect.closeTo(Number(rows[1]?.net), 6),
      'Gross today': expect.closeTo(Number(rows[1]?.gross), 6),
      'Net this week': expect.closeTo(Number(rows[0]?.net) + Number(rows[1]?.net), 6),
      'Net this month': expect.closeTo(Number(rows[0]?.net) + Number(rows[1]?.net), 6),
    });
  });

  it('ends the equity curve at the sum of all days, never above its high-water', async () => {
    const query = panelQuery('strikebase-pl', 'Equity and high-water');
    const points = objects(await ask(reader(), query, { run: [seeded.backtest] }, BACKTEST_RANGE));
    const { rows } = await reader().query(
      'select sum(net)::float8 as net from panel.daily_pl where run_id = $1',
      [seeded.backtestId],
    );
    expect(points.at(-1)?.equity).toBeCloseTo(rows[0].net, 6);
    for (const point of points)
      expect(point.equity as number).toBeLessThanOrEqual(point['high-water'] as number);
  });

  it('names tiles by run only where there are several', async () => {
    const tiles = panelQuery('strikebase-pl', 'Profit and loss of closed positions');
    const of = async (...run: string[]): Promise<unknown[]> =>
      objects(await ask(reader(), tiles, { run }, BACKTEST_RANGE)).map((row) => row.run);
    expect(await of(seeded.backtest)).toEqual(['']);
    expect(await of(seeded.backtest, seeded.live)).toEqual([seeded.backtest, seeded.live]);
  });

  it('shows the bars of the range, at their own hour', async () => {
    const market = { symbol: 'QQQ', feed: 'sample-60s', quotes: 'modelled-60s', expiration: '2025-10-06' };
    const hour = {
      from: new Date('2025-10-06T14:00:00Z'),
      to: new Date('2025-10-06T15:00:00Z'),
      intervalMs: 1000,
    };
    const bars = objects(
      await ask(reader(), panelQuery('strikebase-market', 'Minutes with VWAP and MA9'), market, hour),
    );
    // 10:00 to 11:00 Eastern: bars that end in (10:00, 11:00].
    expect(bars).toHaveLength(60);
    expect(bars[0]?.time).toEqual(new Date('2025-10-06T14:01:00Z'));
    expect(bars[59]?.time).toEqual(new Date('2025-10-06T15:00:00Z'));
    const { rows } = await reader().query(
      `select ref.instant(ts) as "time", close::text, vwap::text as "VWAP", ma9::text as "MA9", session_vwap::float8 as "session VWAP"
       from panel.equity_indicators
       where symbol = 'QQQ' and feed = 'sample-60s' and session_date = '2025-10-06' and ts > '2025-10-06 10:00' and ts <= '2025-10-06 11:00'
       order by ts`,
    );
    expect(bars.map((bar) => [bar.close, bar.VWAP, bar.MA9])).toEqual(
      rows.map((row) => [row.close, row.VWAP, row.MA9]),
    );
    for (const [index, bar] of bars.entries())
      expect(Number(bar['session VWAP'])).toBeCloseTo(rows[index]['session VWAP'], 5);
  });

  it('draws the crossings that the rule has found', async () => {
    const page = dashboards().find(({ uid }) => uid === 'strikebase-market');
    const { answers } = await askDashboard(reader(), page as never, {
      range: BACKTEST_RANGE,
      which: 'first',
      fixed: { symbol: 'QQQ', feed: 'sample-60s' },
    });
    const crossings = answers.find(({ query }) => query.name === 'Crossings');
    const { rows } = await reader().query(
      'select ref.instant(ts)::text as ts, direction from panel.signals where run_id = $1 order by ts',
      [seeded.backtestId],
    );
    const drawn = crossings === undefined ? [] : objects(crossings);
    expect(drawn.length).toBeGreaterThan(20);
    expect(drawn.map(({ time, tags }) => [Number(time), tags])).toEqual(
      rows.map(({ ts, direction }) => [Number(new Date(ts)), direction]),
    );
  });

  it('takes a quote in a name for a quote, not for SQL', async () => {
    const run = { run: ["x'] || pg_sleep(9) || array['", seeded.backtest] };
    const [row] = objects(await ask(reader(), panelQuery('strikebase-pl', 'Mode'), run, BACKTEST_RANGE));
    expect(row).toEqual({ mode: 'BACKTEST', quotes: 'modelled quotes' });
  });
});
