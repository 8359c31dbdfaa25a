// The page of a run made up by hand: what it says, and that it can say nothing else.
import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { dollars, keyFigures } from '../../report/figures.ts';
import { reportPage } from '../../report/page.ts';
import type { ReportData, Trip } from '../../report/read.ts';
import { findChromium, openChromium } from './chromium.ts';

const OPEN = Date.parse('2026-06-17T09:30:00Z') / 1000;
const MINUTES = 120;
const HOSTILE = '</script><img src=x onerror=alert(1)>"\'';

function trip(minute: number, net: number, more: Partial<Trip> = {}): Trip {
  return {
    entry: OPEN + minute * 60,
    exit: OPEN + (minute + 4) * 60,
    date: '2026-06-17',
    contract: 'QQQ   260617P00600000',
    direction: net > 0 ? 'up' : 'down',
    qty: 25,
    entry_px: 1,
    exit_px: 0.5,
    entry_reason: 'cross_up',
    exit_reason: net > 0 ? 'take_profit' : 'stop_loss',
    net,
    fees: 10,
    minutes: 4,
    ...more,
  };
}

function data(trips: readonly Trip[], more: Partial<ReportData['run']> = {}): ReportData {
  const net = trips.reduce((sum, each) => sum + each.net, 0);
  const minutes = Array.from({ length: MINUTES }, (_, n) => n + 1);
  const line = (lift: number): number[] => minutes.map((n) => 60_000 + 50 * Math.sin(n / 9) + lift);
  return {
    run: {
      ...{
        run_id: 7,
        mode: 'backtest',
        strategy: 'vwap_ma9',
        version: 1,
        symbol: 'QQQ',
        quote_source: 'modelled',
      },
      ...{ tick_feed: 'bars-60s', quote_feed: 'modelled-60s', vwap_is_typical: false, outcome: 'completed' },
      ...{ keeps: 'all' as const },
      ...{ ts_from: '2026-06-17 00:00:00', ts_to: '2026-06-18 00:00:00', sessions: 1, signals: trips.length },
      ...{
        trades: trips.length,
        wins: 0,
        win_rate: null,
        gross: net,
        fees: 10 * trips.length,
        net,
        max_drawdown: 50,
      },
      ...{
        minutes_in_market: 8,
        open_positions: 0,
        exits: {},
        skipped: {},
        account: 'a',
        broker: 'paper',
        contracts: 25,
      },
      ...more,
    },
    days: [{ date: '2026-06-17', trades: trips.length, wins: 1, gross: net, fees: 10, net, drawdown: 50 }],
    trips,
    prices: [
      {
        date: '2026-06-17',
        ts: minutes.map((n) => OPEN + n * 60),
        ...{ close: line(0), vwap: line(3), session_vwap: line(-9) },
        ma9: line(2).map((px, n) => (n < 8 ? null : px)),
      },
    ],
    pricesLeftOut: 0,
    decisions: [{ kind: 'entry', verdict: 'SKIP', reason: HOSTILE, count: 3 }],
    gates: [{ gate: 'window', judged: 4, failed: 1 }],
  };
}

const TWO = data([trip(10, 120.255), trip(20, -50.5)]);

describe('key figures', () => {
  const of = (report: ReportData): Record<string, string> =>
    Object.fromEntries(keyFigures(report).map(({ name, value }) => [name, value]));

  it('are those of the round trips', () => {
    expect(of(TWO)).toMatchObject({
      Net: '69.76',
      'Win rate': '50.0 %',
      'Profit factor': '2.38',
      Expectancy: '34.88',
      'Max drawdown': '-50.00',
      'Days won': '100.0 %',
    });
  });

  it('are rounded as everywhere else: halves away from zero, and nothing has no sign', () => {
    expect([-2159.305, 4201.985, -0.001, 0].map(dollars)).toEqual(['-2,159.31', '4,201.99', '0.00', '0.00']);
  });

  it('are dashes where there is nothing to divide by', () => {
    expect(of(data([]))).toMatchObject({
      Net: '0.00',
      'Win rate': '–',
      'Profit factor': '–',
      Expectancy: '–',
    });
    expect(of(data([trip(10, 5)]))).toMatchObject({ 'Win rate': '100.0 %', 'Profit factor': '–' });
  });
});

describe('the page', () => {
  const page = reportPage(TWO, '2026-06-18 08:00');

  it('asks nothing of any network, and lets nothing run but its own scripts', () => {
    const policy = /Content-Security-Policy" content="([^"]*)"/.exec(page)?.[1] ?? '';
    expect(policy).toMatch(
      /^default-src 'none'; script-src 'sha256-[^']+' 'sha256-[^']+'; style-src 'sha256-[^']+';/,
    );
    const scripts = [...page.matchAll(/<script>([\s\S]*?)<\/script>/g)].map((match) => match[1] ?? '');
    expect(scripts).toHaveLength(2);
    for (const script of scripts) {
      expect(policy).toContain(createHash('sha256').update(script).digest('base64'));
    }
    expect(page).not.toMatch(/<(link|img|iframe|script [^>]*src)/);
    expect(page).not.toMatch(/ style="| on[a-z]+="/);
  });

  it('says what its quotes are, and nothing of recorded ones', () => {
    expect(page).toMatch(/modelled quotes/);
    expect(page).toMatch(/not what it would have earned/);
    expect(reportPage(data([], { quote_source: 'simulated' }), '')).toMatch(/made up/);
    expect(reportPage(data([], { quote_source: 'recorded' }), '')).not.toMatch(/class="notice" role="note"/);
  });

  it('shows texts as texts, whatever is in them', () => {
    expect(page).not.toContain('<img');
    expect(
      reportPage(data([trip(1, 1, { exit_reason: HOSTILE, contract: HOSTILE })]), HOSTILE),
    ).not.toContain('<img');
  });

  it('carries the licence of the chart library', () => {
    expect(page).toMatch(/The MIT License[\s\S]*Leon Sorokin/);
  });
});

const executable = findChromium();

describe.skipIf(executable === null)(
  'in Chromium (skipped where none is found; CHROMIUM_PATH names one)',
  () => {
    let browser: Browser | null = null;
    let folder = '';

    beforeAll(async () => {
      if (executable === null) return;
      folder = await mkdtemp(join(tmpdir(), 'strikebase-report-'));
      browser = await openChromium(executable);
    });
    afterAll(async () => {
      await browser?.close();
      await rm(folder, { recursive: true, force: true });
    });
    beforeEach(({ skip }) => {
      skip(executable === null, 'needs a Chromium on the PATH or in CHROMIUM_PATH');
    });

    async function open(
      report: ReportData,
      options: { readonly width: number; readonly scheme: 'light' | 'dark' },
    ): Promise<{ page: Page; problems: string[] }> {
      const file = join(folder, 'report.html');
      await writeFile(file, reportPage(report, '2026-06-18 08:00'));
      const { width, scheme } = options;
      const page = await (browser as Browser).newPage({
        viewport: { width, height: 900 },
        colorScheme: scheme,
      });
      const problems: string[] = [];
      page.on('console', (message) => {
        if (['error', 'warning'].includes(message.type())) problems.push(message.text());
      });
      page.on('pageerror', (error) => problems.push(error.message));
      page.on('request', (request) => {
        if (request.url() !== pathToFileURL(file).href) problems.push(`asks for ${request.url()}`);
      });
      await page.goto(pathToFileURL(file).href);
      await page.waitForFunction('document.documentElement.dataset.charts !== undefined');
      return { page, problems };
    }

    it.each([
      [1280, 'light'],
      [1280, 'dark'],
      [390, 'light'],
      [390, 'dark'],
    ] as const)(
      '%d px wide, %s: four charts with ink, no error, nothing asked for, no sideways scrolling',
      async (width, scheme) => {
        const { page, problems } = await open(TWO, { width, scheme });
        const seen = (await page.evaluate(`({
      charts: document.documentElement.dataset.charts,
      overflow: document.documentElement.scrollWidth - innerWidth,
      background: getComputedStyle(document.body).backgroundColor,
      ink: [...document.querySelectorAll('canvas')].map((canvas) => {
        const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
        let painted = 0;
        for (let i = 3; i < data.length; i += 4) if (data[i] > 0) painted += 1;
        return painted > 500;
      }),
    })`)) as { charts: string; overflow: number; background: string; ink: boolean[] };
        expect(problems).toEqual([]);
        expect(seen).toMatchObject({ charts: '4', ink: [true, true, true, true] });
        expect(seen.overflow).toBeLessThanOrEqual(0);
        expect(seen.background).toBe(scheme === 'dark' ? 'rgb(19, 21, 23)' : 'rgb(251, 251, 250)');
        await page.close();
      },
    );

    it('goes from session to session, and says so in words', async () => {
      const [first] = TWO.prices;
      if (first === undefined) throw new Error('no prices');
      const second = { ...first, date: '2026-06-18', ts: first.ts.map((at) => at + 86_400) };
      const { page, problems } = await open(
        { ...TWO, prices: [first, second] },
        { width: 800, scheme: 'light' },
      );
      expect(await page.locator('#day-note').textContent()).toBe('2 trades, net 69.76');
      await page.locator('#later').click();
      expect(await page.locator('#day-note').textContent()).toBe('no trade');
      expect(await page.locator('#later').isDisabled()).toBe(true);
      await page.locator('#day').selectOption('0');
      expect(await page.locator('#day-note').textContent()).toBe('2 trades, net 69.76');
      expect(problems).toEqual([]);
      await page.close();
    });

    it('says so in words where a run has made no trade', async () => {
      const { page, problems } = await open(
        { ...data([]), days: [], prices: [] },
        { width: 800, scheme: 'light' },
      );
      expect(await page.locator('#equity').textContent()).toMatch(/No round trips/);
      expect(await page.locator('#price').textContent()).toMatch(/No prices/);
      expect(problems).toEqual([]);
      await page.close();
    });
  },
);
