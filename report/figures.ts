// The key figures of a run, each with the number of cases that it rests on.
import type { ReportData } from './read.ts';

export interface KeyFigure {
  readonly name: string;
  readonly value: string;
  /** What it is made of. */
  readonly note: string;
  readonly tone: 'good' | 'bad' | null;
}

const NONE = '–';

/** Dollars with a sign of their own, e.g. `-1,234.50`. */
export function dollars(amount: number): string {
  // Halves away from zero, as SQL and the other commands round them.
  const text = amount.toLocaleString('en-US', { minimumFractionDigits: 2, maximumFractionDigits: 2 });
  // What rounds to nothing has no sign.
  return text === '-0.00' ? '0.00' : text;
}

export function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}

/** The figures on top of the page. A ratio without a denominator is a dash. */
export function keyFigures({ run, trips, days }: ReportData): readonly KeyFigure[] {
  const n = trips.length;
  const won = trips.filter(({ net }) => net > 0);
  const lost = trips.filter(({ net }) => net < 0);
  const sum = (list: readonly { readonly net: number }[]): number =>
    list.reduce((total, { net }) => total + net, 0);
  const profitFactor = lost.length === 0 ? NONE : (sum(won) / -sum(lost)).toFixed(2);
  const traded = days.filter(({ trades }) => trades > 0);
  const greenDays = traded.filter(({ net }) => net > 0).length;
  const held = trips.reduce((total, { minutes }) => total + minutes, 0);
  const tone = (value: number): KeyFigure['tone'] => (value > 0 ? 'good' : value < 0 ? 'bad' : null);
  const mean = (total: number, count: number): string => (count === 0 ? NONE : dollars(total / count));
  return [
    {
      name: 'Net',
      value: dollars(run.net),
      note: `after ${dollars(run.fees)} fees, n = ${n}`,
      tone: tone(run.net),
    },
    { name: 'Gross', value: dollars(run.gross), note: 'sales minus purchases', tone: tone(run.gross) },
    {
      name: 'Win rate',
      value: n === 0 ? NONE : percent(won.length / n),
      note: `${won.length} of ${n} round trips`,
      tone: null,
    },
    {
      name: 'Profit factor',
      value: profitFactor,
      note: `${won.length} wins, ${lost.length} losses`,
      tone: null,
    },
    {
      name: 'Expectancy',
      value: mean(run.net, n),
      note: `net per round trip, n = ${n}`,
      tone: tone(run.net),
    },
    {
      name: 'Mean win / loss',
      value: `${mean(sum(won), won.length)} / ${mean(sum(lost), lost.length)}`,
      note: `n = ${won.length} / ${lost.length}`,
      tone: null,
    },
    {
      name: 'Max drawdown',
      value: dollars(-run.max_drawdown),
      note: 'from the high, at closed trips',
      tone: run.max_drawdown > 0 ? 'bad' : null,
    },
    {
      name: 'Days won',
      value: traded.length === 0 ? NONE : percent(greenDays / traded.length),
      note: `${greenDays} of ${traded.length} with a trade, ${days.length} sessions`,
      tone: null,
    },
    { name: 'Signals', value: String(run.signals), note: `${n} round trips came of them`, tone: null },
    {
      name: 'Mean holding time',
      value: n === 0 ? NONE : `${(held / n).toFixed(1)} min`,
      note: `n = ${n}`,
      tone: null,
    },
  ];
}

/** What must be said of a run's quotes beside its figures; null for recorded ones. */
export function quoteWarning(source: string): string | null {
  if (source === 'modelled')
    return 'Modelled quotes: option prices were computed from the underlying (Black–Scholes). They say how the rule behaves, not what it would have earned.';
  if (source === 'simulated')
    return 'Simulated quotes: the whole market is made up. The figures say nothing about the strategy.';
  return null;
}
