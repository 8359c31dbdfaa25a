// The tables of a report, as HTML that needs no script.
import { dollars, percent } from './figures.ts';
import type { ReportData, Trip } from './read.ts';

/** Text for HTML, in elements and attributes alike. */
export function escapeHtml(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;');
}

interface Cell {
  readonly text: string;
  readonly kind?: 'number' | 'money';
  readonly value?: number;
}

const number = (value: number | string): Cell => ({ text: String(value), kind: 'number' });
const money = (value: number): Cell => ({ text: dollars(value), kind: 'money', value });

function table(caption: string, head: readonly string[], rows: readonly (readonly Cell[])[]): string {
  if (rows.length === 0) return `<p class="empty">${escapeHtml(caption)}: none.</p>`;
  const isRight = head.map((_, i) => rows[0]?.[i]?.kind !== undefined);
  const th = head
    .map((name, i) => `<th scope="col"${isRight[i] ? ' class="n"' : ''}>${escapeHtml(name)}</th>`)
    .join('');
  const body = rows.map((row) => `<tr>${row.map(cellHtml).join('')}</tr>`).join('\n');
  return `<div class="scroll" tabindex="0" role="region" aria-label="${escapeHtml(caption)}"><table><caption>${escapeHtml(caption)}</caption>
<thead><tr>${th}</tr></thead><tbody>
${body}
</tbody></table></div>`;
}

function cellHtml({ text, kind, value = 0 }: Cell): string {
  if (kind === undefined) return `<td>${escapeHtml(text)}</td>`;
  const tone = kind === 'money' && value !== 0 ? (value > 0 ? ' good' : ' bad') : '';
  return `<td class="n${tone}">${escapeHtml(text)}</td>`;
}

/** Sessions, the latest first, with the running net. */
export function dailyTable({ days }: ReportData): string {
  let total = 0;
  const rows = days.map((day) => {
    total += day.net;
    return [
      { text: day.date },
      number(day.trades),
      number(day.wins),
      money(day.gross),
      number(dollars(day.fees)),
      money(day.net),
      number(dollars(day.drawdown)),
      money(total),
    ];
  });
  const head = ['Session', 'Trades', 'Won', 'Gross', 'Fees', 'Net', 'Drawdown', 'Running net'];
  return table('Profit and loss by session, dollars', head, rows.reverse());
}

export function exitsTable({ trips }: ReportData): string {
  const groups = new Map<string, Trip[]>();
  for (const trip of trips) {
    const group = groups.get(trip.exit_reason) ?? [];
    group.push(trip);
    groups.set(trip.exit_reason, group);
  }
  const rows = [...groups].map(([reason, list]) => {
    const net = list.reduce((total, trip) => total + trip.net, 0);
    const won = list.filter((trip) => trip.net > 0).length;
    const minutes = list.reduce((total, trip) => total + trip.minutes, 0);
    return {
      net,
      cells: [
        { text: reason.replaceAll('_', ' ') },
        number(list.length),
        number(percent(list.length / trips.length)),
        number(percent(won / list.length)),
        money(net),
        money(net / list.length),
        number((minutes / list.length).toFixed(1)),
      ],
    };
  });
  rows.sort((a, b) => b.net - a.net);
  const head = ['Exit', 'n', 'Share', 'Won', 'Net', 'Net per trip', 'Minutes held'];
  return table(
    'Exits by reason, dollars',
    head,
    rows.map(({ cells }) => cells),
  );
}

export function decisionsTable({ decisions }: ReportData): string {
  const totals = { entry: 0, exit: 0 } as Record<string, number>;
  for (const { kind, count } of decisions) totals[kind] = (totals[kind] ?? 0) + count;
  const rows = decisions.map(({ kind, verdict, reason, count }) => [
    { text: kind },
    { text: verdict },
    { text: reason.replaceAll('_', ' ') },
    number(count.toLocaleString('en-US')),
    number(percent(count / (totals[kind] ?? 1))),
  ]);
  return table(
    'Decisions by reason (of an entry that was skipped: the first gate that failed)',
    ['Kind', 'Verdict', 'Reason', 'n', 'Share'],
    rows,
  );
}

export function gatesTable({ run, gates }: ReportData): string {
  if (run.keeps === 'trades')
    return '<p>This run has counted what it skipped; its gates are not known one by one.</p>';
  const rows = gates.map(({ gate, judged, failed }) => [
    { text: gate },
    number(judged),
    number(failed),
    number(judged === 0 ? '–' : percent(failed / judged)),
  ]);
  return table(
    'Gates, where there was a signal: one may fail at several',
    ['Gate', 'Judged', 'Failed', 'Share'],
    rows,
  );
}

const MAX_TRIPS = 1000;

export function tripsTable({ trips }: ReportData): string {
  const shown = trips.slice(-MAX_TRIPS).reverse();
  const hidden = trips.length - shown.length;
  const caption = `Round trips, the latest first${hidden > 0 ? ` (${hidden} earlier ones: strikebase trades)` : ''}`;
  return table(
    caption,
    ['Entry', 'Exit', 'Contract', 'Signal', 'n', 'Sold', 'Bought', 'Exit reason', 'Net'],
    shown.map(tripRow),
  );
}

function tripRow(trip: Trip): Cell[] {
  const sameDay = clock(trip.exit).slice(0, 10) === trip.date;
  return [
    { text: clock(trip.entry) },
    { text: sameDay ? clock(trip.exit).slice(11) : clock(trip.exit) },
    { text: trip.contract },
    { text: trip.direction ?? '' },
    number(trip.qty),
    number(trip.entry_px.toFixed(2)),
    number(trip.exit_px.toFixed(2)),
    { text: trip.exit_reason.replaceAll('_', ' ') },
    money(trip.net),
  ];
}

/** `YYYY-MM-DD HH:MM:SS` of Eastern seconds. */
export function clock(seconds: number): string {
  return new Date(seconds * 1000).toISOString().slice(0, 19).replace('T', ' ');
}
