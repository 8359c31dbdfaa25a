// What `strikebase import massive` tells about a download before, during and after it.
import type { SessionDate } from '../core/eastern_time.ts';
import type { Estimate } from '../ingest/massive_history/estimate.ts';
import type { HistoryRequest } from '../ingest/massive_history/plan.ts';
import type { RestClient } from '../ingest/massive_history/rest_client.ts';
import type { HistoryCalendar } from '../ingest/massive_history/sessions.ts';
import type { Tally } from '../ingest/massive_history/tally.ts';
import { type OutputColumn, printRows } from './output.ts';
import { note } from './terminal.ts';

/** A download under way. */
export interface Work {
  readonly tally: Tally;
  readonly rest: RestClient;
  /** By performance.now(). */
  readonly began: number;
}

const SHOWN_DATES = 5;
const TEXT = 25;
const BIGINT = 20;

/** Says which days are meant, and which are not. */
export function noteCalendar({ symbol, sessions }: HistoryRequest, { closed, left }: HistoryCalendar): void {
  const half = sessions.filter((session) => session.isEarlyClose).map((session) => session.sessionDate);
  const parts = [
    `${symbol}: ${counted(sessions.length, 'session')} from ${sessions[0]?.sessionDate} to ${sessions.at(-1)?.sessionDate}`,
    ...(half.length > 0 ? [`half days ${dateList(half)}`] : []),
    ...(closed.length > 0 ? [`closed on ${dateList(closed)}`] : []),
    ...(left.length > 0 ? [`not over and left out: ${dateList(left)}`] : []),
  ];
  note(parts.join('; '));
}

/** What a download is expected to take, in words. */
export function describeEstimate({ requests, rows, bytes, seconds, sampleSessions }: Estimate): string {
  const basis =
    sampleSessions > 0
      ? `by ${counted(sampleSessions, 'session')} downloaded before`
      : 'by stated averages: a quiet day or symbol has far less';
  return `about ${counted(requests, 'request')}, ${grouped(rows)} rows, ${megabytes(bytes)} of disk, ${duration(seconds)} (${basis})`;
}

/** What stands beside the progress bar, the most telling first: a narrow terminal cuts the end off. */
export function pace({ began, share, tally, rest }: Work & { readonly share: number }): string {
  const seconds = secondsSince(began);
  const left = share === 0 ? '' : `${duration((seconds / share) * (1 - share))} left, `;
  const rows = tally.rows();
  return `${left}${grouped(rows)} rows, ${grouped(Math.round(rows / seconds))} rows/s, ${counted(rest.requests(), 'request')}`;
}

/** The table at the end, on standard output. */
export function printTally(request: HistoryRequest, { tally, rest, began }: Work): void {
  const columns: readonly OutputColumn[] = [
    { name: 'kind', oid: TEXT },
    ...['pages', 'in', 'duplicate', 'rejected'].map((name) => ({ name, oid: BIGINT })),
    { name: 'feed', oid: TEXT },
  ];
  const rows = [...tally.kinds()].map(([kind, { pages, inserted, duplicate, rejected }]) => {
    const isBars = kind === 'minute' || kind === 'second';
    const feed = isBars ? request.feeds.bars[kind] : request.feeds.options;
    return [isBars ? `${kind} bars` : kind, ...[pages, inserted, duplicate, rejected].map(String), feed.name];
  });
  const footer = `${counted(rest.requests(), 'request')} in ${duration(secondsSince(began))}`;
  printRows(columns, rows, { format: 'table', footer: ['', footer] });
}

function counted(count: number, what: string): string {
  return `${grouped(count)} ${what}${count === 1 ? '' : 's'}`;
}

function grouped(value: number): string {
  return value.toLocaleString('en-US');
}

function megabytes(bytes: number): string {
  return bytes >= 1e9 ? `${(bytes / 1e9).toFixed(1)} GB` : `${Math.ceil(bytes / 1e6)} MB`;
}

function duration(seconds: number): string {
  if (seconds < 60) return `${Math.ceil(seconds)} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** A few of the dates, and how many more. */
export function dateList(dates: readonly SessionDate[]): string {
  const more = dates.length - SHOWN_DATES;
  return dates.slice(0, SHOWN_DATES).join(', ') + (more > 0 ? ` and ${more} more` : '');
}

function secondsSince(began: number): number {
  return Math.max((performance.now() - began) / 1000, 0.001);
}
