// The timestamps of bars: naive wall-clock time or time with an offset, and the length of a bar.
import { type EasternUs, easternFromEpochMs, parseEastern } from '../../core/eastern_time.ts';
import { Failure } from '../../core/failure.ts';
import type { Finding } from './import_file.ts';
import { easternFromZone } from './zone.ts';

const TIMESTAMP =
  /^(\d{4}-\d{2}-\d{2}(?:[ T]\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?)?) ?(?:(Z)|([+-])(\d{2}):?(\d{2})?)?$/i;
const EXPECTED = 'expected YYYY-MM-DD HH:MM:SS';

/** Eastern time of a timestamp's text, or the reason why it has none. */
export type BarClock = (text: string) => EasternUs | { readonly fault: string };

/**
 * Reads the timestamps of one file: naive ones in zone `tz` (Eastern if not given), or all with an offset.
 * Throws Failure on an unknown zone, and on a `tz` for timestamps that carry their own offset.
 */
export function barClock(tz: string | undefined): BarClock {
  const toEastern = easternFromZone(tz ?? 'America/New_York');
  const plain = plainClock();
  let withOffset: boolean | null = null;
  return (text) => {
    const plainWall = plain(text);
    const match = plainWall === null ? TIMESTAMP.exec(text) : null;
    const wall = plainWall ?? (match?.[1] === undefined ? null : parseEastern(match[1].replace('t', 'T')));
    if (wall === null) return { fault: badTimestamp(text) };
    const offset = match !== null && statesOffset(match);
    if (offset && tz !== undefined) throw offsetAndZone(text);
    withOffset ??= offset;
    if (offset !== withOffset) return { fault: 'some timestamps carry an offset from UTC and others do not' };
    if (match !== null && offset) return easternFromEpochMs(wall / 1000 - offsetMs(match));
    return toEastern(wall) ?? { fault: `${text} does not exist in ${tz}: the clock was put forward over it` };
  };
}

/** Reads `YYYY-MM-DD HH:MM:SS`, and each day but once; null for any other text, which may be a time still. */
function plainClock(): (text: string) => EasternUs | null {
  let day = '';
  let midnight: EasternUs | null = null;
  return (text) => {
    if (text.length !== 19 || text[10] !== ' ' || text[13] !== ':' || text[16] !== ':') return null;
    if (day === '' || !text.startsWith(day)) {
      day = text.slice(0, 10);
      midnight = parseEastern(day);
    }
    const [hour, minute, second] = [twoDigits(text, 11), twoDigits(text, 14), twoDigits(text, 17)];
    if (midnight === null || !(hour < 24 && minute < 60 && second < 60)) return null;
    return (midnight + ((hour * 60 + minute) * 60 + second) * 1_000_000) as EasternUs;
  };
}

function twoDigits(text: string, at: number): number {
  const [tens, ones] = [text.charCodeAt(at) - 48, text.charCodeAt(at + 1) - 48];
  return tens >= 0 && tens <= 9 && ones >= 0 && ones <= 9 ? tens * 10 + ones : Number.NaN;
}

/** True for a timestamp that states its own offset from UTC. */
export function hasOffset(text: string): boolean {
  const match = TIMESTAMP.exec(text);
  return match !== null && statesOffset(match);
}

function statesOffset(match: RegExpExecArray): boolean {
  return match[2] !== undefined || match[3] !== undefined;
}

function badTimestamp(text: string): string {
  if (text === '') return 'timestamp is empty';
  if (/^\d{10,19}$/.test(text)) return `timestamp is a count since an epoch; ${EXPECTED}`;
  return `not a date and time: ${JSON.stringify(text.slice(0, 40))}; ${EXPECTED}`;
}

function offsetAndZone(text: string): Failure {
  return new Failure(`the timestamps carry their own offset from UTC (${text})`, {
    hint: 'leave out --tz: the offset is used',
    exitCode: 2,
  });
}

function offsetMs(match: RegExpExecArray): number {
  const [, , , sign, hours, minutes = '0'] = match;
  if (hours === undefined) return 0;
  return (sign === '-' ? -1 : 1) * (Number(hours) * 60 + Number(minutes)) * 60_000;
}

const DAY_US = 86_400_000_000;
const DEFAULT_SPAN_US = 60_000_000;
// A step that is rarer than this is a stray row, not the length of a bar.
const MIN_STEP_SHARE = 0.01;

/** The raster that bars lie on: their length, and the place of their starts on it (null where it shifts from day to day). */
export interface BarGrid {
  readonly spanMs: number;
  readonly phaseUs: number | null;
  readonly findings: readonly Finding[];
}

/** The bar length of a file from the times of its first rows: the smallest step that is no exception. */
export function inferGrid(times: readonly EasternUs[]): BarGrid {
  const steps = countBy(times.slice(1).map((us, index) => Math.abs(us - (times[index] ?? us))));
  steps.delete(0);
  const total = [...steps.values()].reduce((sum, count) => sum + count, 0);
  const common = [...steps].filter(([, count]) => count >= total * MIN_STEP_SHARE);
  const spanUs = common.length === 0 ? DEFAULT_SPAN_US : Math.min(...common.map(([us]) => us));
  const phaseUs = DAY_US % spanUs === 0 ? mostFrequent(times.map((us) => us % spanUs)) : null;
  return { spanMs: spanUs / 1000, phaseUs, findings: [spanFinding(spanUs, common.length > 0)] };
}

function spanFinding(spanUs: number, known: boolean): Finding {
  const seconds = spanUs / 1_000_000;
  if (known) return { severity: 'info', text: `bar length ${seconds} s, the smallest step between rows` };
  return { severity: 'warning', text: `too few rows to tell the bar length: ${seconds} s is assumed` };
}

function countBy(values: readonly number[]): Map<number, number> {
  const counts = new Map<number, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return counts;
}

function mostFrequent(values: readonly number[]): number {
  const [best] = [...countBy(values)].sort((a, b) => b[1] - a[1]);
  return best === undefined ? 0 : best[0];
}
