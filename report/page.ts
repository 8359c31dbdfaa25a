// One self-contained page: no network, no inline handler, and a policy that forbids both.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { projectPath } from '../core/root.ts';
import { type KeyFigure, keyFigures, quoteWarning } from './figures.ts';
import type { PriceDay, ReportData } from './read.ts';
import { dailyTable, decisionsTable, escapeHtml, exitsTable, gatesTable, tripsTable } from './tables.ts';

/** The page of a run. `madeAt` is printed at its end. */
export function reportPage(data: ReportData, madeAt: string): string {
  const { library, style, script } = assets();
  const policy = [
    "default-src 'none'",
    `script-src ${hashOf(library)} ${hashOf(script)}`,
    `style-src ${hashOf(style)}`,
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ');
  const title = `${data.run.strategy} on ${data.run.symbol}: ${data.run.mode} run ${data.run.run_id}`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escapeHtml(title)}</title>
<style>${style}</style>
</head>
<body>
${bodyHtml(data, madeAt)}
<script type="application/json" id="data">${jsonFor(data)}</script>
<script>${library}</script>
<script>${script}</script>
</body>
</html>
`;
}

function bodyHtml(data: ReportData, madeAt: string): string {
  const { run } = data;
  const warning = quoteWarning(run.quote_source);
  return `<header>
<h1>${escapeHtml(run.strategy)} <span class="on">on ${escapeHtml(run.symbol)}</span></h1>
<p class="badges"><span class="badge">${escapeHtml(run.mode === 'live' ? (run.broker === 'paper' ? 'paper' : 'live') : run.mode)}</span> <span class="badge${
    warning === null ? '' : ' warn'
  }">${escapeHtml(run.quote_source)} quotes</span> <span class="badge">run ${run.run_id}, version ${run.version}, ${escapeHtml(run.outcome)}</span></p>
<p class="sub">${escapeHtml(run.ts_from.slice(0, 16))} to ${escapeHtml(run.ts_to.slice(0, 16))} Eastern, ${run.sessions} sessions, ${run.contracts} contracts a trade; ticks ${escapeHtml(run.tick_feed)}, quotes ${escapeHtml(run.quote_feed)}${run.vwap_is_typical ? '; bars without a VWAP: their typical price stands in' : ''}</p>
${warning === null ? '' : `<p class="notice" role="note">${escapeHtml(warning)}</p>`}
</header>
<main>
<section aria-label="Key figures"><dl class="tiles">
${keyFigures(data).map(tileHtml).join('\n')}
</dl>${run.open_positions > 0 ? `<p class="notice">${run.open_positions} position(s) are open still and not in these figures.</p>` : ''}</section>
<section><h2>Equity</h2><p class="hint">Net of closed round trips, dollars, with its high-water mark; below it the fall from that mark.</p>
${chartHtml('equity', 'Equity and high-water mark')}
${chartHtml('drawdown', 'Drawdown')}</section>
<section><h2>Net by session</h2>${chartHtml('daily', 'Net by session, dollars')}</section>
<section><h2>Price and trades</h2>
<p class="hint">${escapeHtml(run.symbol)} by minute, with the VWAP of the minute, the VWAP of the session and the mean of nine closes. A triangle is an entry (up or down: its signal), a dot its exit; green won, red lost.${
    data.pricesLeftOut > 0 ? ` Prices of the ${data.pricesLeftOut} earliest sessions are left out.` : ''
  }</p>
<div class="controls" hidden><button type="button" id="earlier" aria-label="Earlier session">‹</button> <select id="day" aria-label="Session"></select> <button type="button" id="later" aria-label="Later session">›</button> <span id="day-note" aria-live="polite"></span></div>
${chartHtml('price', 'Price of the session with VWAP, MA9 and trades')}</section>
<section><h2>Exits</h2>${exitsTable(data)}</section>
<section><h2>Decisions</h2><div class="pair">${decisionsTable(data)}${gatesTable(data)}</div></section>
<section><h2>Sessions</h2>${dailyTable(data)}</section>
<section><details><summary>Round trips (${data.trips.length})</summary>${tripsTable(data)}</details></section>
</main>
<footer>Made by strikebase at ${escapeHtml(madeAt)} Eastern. All times are Eastern, all money is dollars${warning === null ? '' : `; ${escapeHtml(run.quote_source)} quotes`}. Every figure can be read back: <code>strikebase pl --run ${run.run_id}</code>, <code>strikebase trades --run ${run.run_id}</code>.</footer>`;
}

function tileHtml({ name, value, note, tone }: KeyFigure): string {
  return `<div class="tile"><dt>${escapeHtml(name)}</dt><dd class="value${tone === null ? '' : ` ${tone}`}">${escapeHtml(value)}</dd><dd class="note">${escapeHtml(note)}</dd></div>`;
}

function chartHtml(id: string, label: string): string {
  return `<div class="chart" id="${id}" role="img" aria-label="${escapeHtml(label)}"><noscript>The charts need JavaScript; the tables below do not.</noscript></div>`;
}

/** Only what the charts need; `<` could end the script element. */
function jsonFor({ trips, days, prices }: ReportData): string {
  const value = {
    days: days.map(({ date, net }) => [date, e4(net)]),
    trips: trips.map((trip) => [
      trip.entry,
      trip.exit,
      trip.date,
      e4(trip.net),
      trip.direction,
      trip.exit_reason,
      trip.contract,
    ]),
    prices: prices.map(packed),
  };
  return JSON.stringify(value).replaceAll('<', '\\u003c');
}

// In 1/10,000 dollar, as fees are: sums of rounded cents would not be those of the tables.
const e4 = (amount: number): number => Math.round(amount * 10_000);

/** Minutes as steps from one value to the next, prices in tenths of a cent: a year of them stays below three megabytes. */
function packed({ date, ts, ...lines }: PriceDay): unknown {
  const { close, vwap, session_vwap, ma9 } = lines;
  const tenths = (cents: readonly (number | null)[]): (number | null)[] =>
    steps(cents.map((value) => (value === null ? null : Math.round(value * 10))));
  return [date, steps(ts), [close, vwap, session_vwap, ma9].map(tenths)];
}

/** Whole numbers, so that the page adds them up to exactly what they were. */
function steps(values: readonly (number | null)[]): (number | null)[] {
  let last = 0;
  return values.map((value) => {
    if (value === null) return null;
    const step = value - last;
    last = value;
    return step;
  });
}

interface Assets {
  readonly library: string;
  readonly style: string;
  readonly script: string;
}

function assets(): Assets {
  const file = createRequire(import.meta.url).resolve('uplot/dist/uPlot.iife.min.js');
  const licence = readFileSync(join(dirname(file), '..', 'LICENSE'), 'utf8').trim();
  const own = (name: string): string => readFileSync(projectPath('report', 'assets', name), 'utf8');
  const css = readFileSync(join(dirname(file), 'uPlot.min.css'), 'utf8');
  return {
    library: `/*! uPlot\n${licence}\n*/\n${readFileSync(file, 'utf8').trim()}`,
    style: `${css.trim()}\n${own('page.css')}`,
    script: own('page.js'),
  };
}

function hashOf(text: string): string {
  return `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
}
