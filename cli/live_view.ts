// The terminal view of a live run: redrawn in place on a terminal, a line now and then elsewhere. On standard error.
import { formatScaled } from '../core/decimal.ts';
import { type EasternUs, formatEastern } from '../core/eastern_time.ts';
import type { LiveState, ShownDecision, ShownPosition } from './live_state.ts';

/** What does not come from the database. */
export interface ViewFrame {
  readonly now: EasternUs;
  readonly state: LiveState;
  /** Last price of the underlying, 1/10,000 dollar. */
  readonly price_e4: number | null;
  readonly rows: number;
  readonly quotes: number;
  /** States of the connections: `equities live, options live`. */
  readonly feeds: string;
}

export interface ViewOptions {
  /** `demo`, `start`. */
  readonly title: string;
  readonly underlying: string;
  readonly account: string;
  readonly runId: number;
  /** `simulated quotes`, printed with every view. */
  readonly label: string;
  /** Where orders go: `PAPER` (default), or a broker, which is shown in red. */
  readonly venue?: string;
  readonly out?: ViewStream;
  /** Event time between two lines where the output is no terminal; default 30 minutes. */
  readonly lineEveryMs?: number;
}

export type ViewStream = Pick<NodeJS.WriteStream, 'write'> & {
  readonly isTTY?: boolean;
  readonly columns?: number;
};

export interface LiveView {
  /** True when a frame would be shown now: only then need the state be read. */
  isDue(now: EasternUs): boolean;
  show(frame: ViewFrame): void;
  /** A line for the operator, above the view. */
  announce(text: string): void;
  /** Leaves the last view standing and gives the cursor back. */
  end(): void;
}

const FRAME_MS = 200;
const LINE_EVERY_MS = 30 * 60_000;
const MAX_WIDTH = 80;
const HIDE_CURSOR = '\x1b[?25l';
const SHOW_CURSOR = '\x1b[?25h';
const CLEAR_TO_LINE_END = '\x1b[K';
const CLEAR_BELOW = '\x1b[J';
const RED = '\x1b[1;97;41m';
const PLAIN = '\x1b[0m';
const PAPER = 'PAPER';

/** The view for where the output goes. */
export function createLiveView(options: ViewOptions): LiveView {
  const out: ViewStream = options.out ?? process.stderr;
  return out.isTTY === true ? screenView(options, out) : lineView(options, out);
}

function screenView(options: ViewOptions, out: ViewStream): LiveView {
  let height = 0;
  let lastAt = Number.NEGATIVE_INFINITY;
  let last: { readonly at: number; readonly rows: number } | null = null;
  let rate = 0;
  // Also when the process ends by an error: a terminal without a cursor is a broken one.
  const showCursor = (): void => void out.write(SHOW_CURSOR);
  process.once('exit', showCursor);
  return {
    isDue: () => performance.now() - lastAt >= FRAME_MS,
    show: (frame) => {
      const at = performance.now();
      lastAt = at;
      if (last === null || at - last.at >= 1000) {
        if (last !== null) rate = ((frame.rows - last.rows) / (at - last.at)) * 1000;
        last = { at, rows: frame.rows };
      }
      const width = Math.min(MAX_WIDTH, out.columns ?? MAX_WIDTH) - 1;
      const [title = '', ...rest] = screenLines(options, frame, rate).map((line) => line.slice(0, width));
      const lines = [isPaper(options) ? title : red(title), ...rest];
      const up = height === 0 ? HIDE_CURSOR : `\x1b[${height}A\r`;
      out.write(up + lines.map((line) => `${line}${CLEAR_TO_LINE_END}\n`).join('') + CLEAR_BELOW);
      height = lines.length;
    },
    announce: (text) => {
      const above = height === 0 ? '' : `\x1b[${height}A\r${CLEAR_BELOW}`;
      out.write(`${above}${text}\n`);
      height = 0;
      lastAt = Number.NEGATIVE_INFINITY;
    },
    end: () => {
      process.off('exit', showCursor);
      showCursor();
    },
  };
}

function lineView(options: ViewOptions, out: ViewStream): LiveView {
  const everyUs = (options.lineEveryMs ?? LINE_EVERY_MS) * 1000;
  let nextAt = Number.NEGATIVE_INFINITY;
  return {
    isDue: (now) => now >= nextAt,
    show: (frame) => {
      nextAt = (Math.floor(frame.now / everyUs) + 1) * everyUs;
      out.write(`${plainLine(options, frame)}\n`);
    },
    announce: (text) => void out.write(`${text}\n`),
    end: () => undefined,
  };
}

/** The lines of the screen, none longer than 79 characters. */
export function screenLines(options: ViewOptions, frame: ViewFrame, rowsPerSecond: number): string[] {
  const { state } = frame;
  const { trades, wins, net } = state.day;
  const date = formatEastern(frame.now).slice(0, 10);
  const title = `strikebase ${options.title}   ${options.venue ?? PAPER}, ${options.label}`;
  const decisions = state.decisions.length === 0 ? ['  none yet'] : state.decisions.map(decisionLine);
  return [
    ...titleLines(title, `${date}  run ${options.runId}`),
    '-'.repeat(79),
    marketLine(options, frame),
    ...positionLines(state.positions),
    `day P/L  ${dollars(net).padEnd(12)} after fees, ${trades} ${trades === 1 ? 'trade' : 'trades'}, ${wins} won`,
    `rows     ${grouped(frame.rows)} ingested (${grouped(frame.quotes)} option quotes and prints), ${grouped(Math.round(rowsPerSecond))}/s`,
    `feeds    ${frame.feeds}`,
    '',
    'last decisions',
    ...decisions,
    ...Array.from({ length: Math.max(0, 5 - decisions.length) }, () => ''),
    '',
    `account ${options.account}; Ctrl-C ends it cleanly`,
  ];
}

/** On one line where both fit; else what was played on a second one. */
function titleLines(title: string, played: string): string[] {
  const room = 79 - title.length;
  return room > played.length ? [`${title}${played.padStart(room)}`] : [title, played.padStart(79)];
}

function isPaper({ venue = PAPER }: ViewOptions): boolean {
  return venue.startsWith(PAPER);
}

/** Text that nobody overlooks, on a terminal. */
export function red(text: string): string {
  return `${RED}${text}${PLAIN}`;
}

function marketLine(options: ViewOptions, { now, state, price_e4 }: ViewFrame): string {
  const vwap = cents(state.period?.vwap_e6 ?? null, 6);
  const ma = cents(state.period?.ma_e6 ?? null, 6);
  const time = formatEastern(now).slice(11, 19);
  return `${time}  ${options.underlying} ${cents(price_e4, 4)}   VWAP ${vwap}   MA9 ${ma}`;
}

function positionLines(positions: readonly ShownPosition[]): string[] {
  if (positions.length === 0) return ['position none', 'open P/L -'];
  return positions.flatMap((position) => {
    const { qty, entry_e4, ask_e4, stop_e4, target_e4, open_pl } = position;
    const what = position.symbol.replace(/ +/, ' ');
    if (qty === 0 || entry_e4 === null) return [`position entry order for ${what}`, 'open P/L -'];
    return [
      `position short ${qty} ${what}   entry ${cents(entry_e4, 4)}   stop ${cents(stop_e4, 4)}   target ${cents(target_e4, 4)}`,
      `open P/L ${open_pl === null ? '-' : dollars(open_pl).padEnd(12)} ask ${cents(ask_e4, 4)}`,
    ];
  });
}

function decisionLine({ time, kind, verdict, reason, symbol, px_e4 }: ShownDecision): string {
  const what = verdict === 'SKIP' ? 'skip' : kind;
  const at =
    px_e4 === null || verdict === 'SKIP' ? '' : ` ${kind === 'entry' ? 'bid' : 'ask'} ${cents(px_e4, 4)}`;
  return `  ${time}  ${what.padEnd(6)}${reason.padEnd(16)}${(symbol ?? '').replace(/ +/, ' ')}${at}`;
}

function plainLine(options: ViewOptions, frame: ViewFrame): string {
  const { state, now } = frame;
  const [position] = state.positions;
  const held =
    position === undefined || position.qty === 0 ? 'flat' : `short ${position.symbol.replace(/ +/, ' ')}`;
  return (
    `${marketLine(options, frame).replace(/^\S+/, formatEastern(now).slice(0, 16))}   ${held}   day P/L ${dollars(state.day.net)}` +
    ` (${isPaper(options) ? '' : `${options.venue}, `}${options.label})   ${grouped(frame.rows)} rows`
  );
}

function cents(value: number | null, scale: number): string {
  if (value === null) return '-';
  const toCents = Math.round(value / 10 ** (scale - 2));
  return formatScaled(toCents, 2, 2);
}

/** `+$1,234.50`. */
export function dollars(value: number): string {
  // Half a cent goes away from zero, as in SQL; a binary fraction a hair below it, too.
  const inCents = Math.sign(value) * Math.round(Math.round(Math.abs(value) * 10_000) / 100);
  const [whole = '0', fraction = '00'] = formatScaled(Math.abs(inCents), 2, 2).split('.');
  return `${inCents < 0 ? '-' : '+'}$${grouped(Number(whole))}.${fraction}`;
}

/** `1,234,567`. */
export function grouped(value: number): string {
  return value.toLocaleString('en-US');
}
