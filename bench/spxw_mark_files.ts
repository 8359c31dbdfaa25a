// The recorded SPXW 0DTE marks as the two files that `strikebase import` takes: marks of the contracts and minute bars of the index.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { addMs, formatEastern, parseEastern, type SessionDate } from '../core/eastern_time.ts';
import { formatOsi } from '../core/osi_symbol.ts';

interface Instant {
  readonly spx: number;
  readonly strikes: Readonly<Record<string, { readonly C?: number; readonly P?: number }>>;
}

type Recorded = Readonly<Record<SessionDate, Readonly<Record<string, Instant>>>>;

export interface MarkFiles {
  readonly marks: string;
  readonly bars: string;
  readonly days: number;
  readonly rows: number;
}

/** Writes both files into `folder`. A value of the index at 10:00 is the bar of the minute before, which is over by then. */
export function writeMarkFiles(source: string, folder: string): MarkFiles {
  const recorded = JSON.parse(readFileSync(source, 'utf8')) as Recorded;
  const marks = ['timestamp,symbol,mark'];
  const bars = ['timestamp,open,high,low,close,volume'];
  for (const [date, instants] of Object.entries(recorded)) {
    for (const [time, { spx, strikes }] of Object.entries(instants)) {
      const at = parseEastern(`${date} ${time}:00`);
      if (at === null) throw new Error(`${date} ${time} is no time`);
      // Two of them, so that the file says that its bars are minutes.
      for (const ms of [-120_000, -60_000])
        bars.push(`${formatEastern(addMs(at, ms))},${spx},${spx},${spx},${spx},0`);
      for (const [strike, { C, P }] of Object.entries(strikes)) {
        for (const [option_kind, mark] of [['call', C] as const, ['put', P] as const]) {
          if (mark === undefined || mark <= 0) continue;
          const symbol = formatOsi({
            root: 'SPXW',
            expiration: date,
            option_kind,
            strike_e4: Number(strike) * 10_000,
          });
          marks.push(`${formatEastern(at)},${symbol},${mark}`);
        }
      }
    }
  }
  mkdirSync(folder, { recursive: true });
  const files = { marks: join(folder, 'spxw_marks.csv'), bars: join(folder, 'spx_bars.csv') };
  writeFileSync(files.marks, `${marks.join('\n')}\n`);
  writeFileSync(files.bars, `${bars.join('\n')}\n`);
  return { ...files, days: Object.keys(recorded).length, rows: marks.length - 1 };
}
