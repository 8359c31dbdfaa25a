// Standard output carries results, standard error everything else; a reader that has gone away (`| head`) is no error.

const DEFAULT_WIDTH = 80;
const BAR_WIDTH = 24;
const BAR_EVERY_MS = 100;
const LINE_EVERY_MS = 10_000;

let isClosed = false;
let isWatched = false;

/** Makes a closed pipe on standard output, and on standard error, end quietly. */
export function watchOutput(): void {
  isClosed = false;
  if (isWatched) return;
  isWatched = true;
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    isClosed = true;
  });
  process.stderr.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });
}

/** True once nobody reads standard output any more: there is no need to go on. */
export function outputClosed(): boolean {
  return isClosed;
}

/** A result, to standard output; no line feed is added. */
export function print(text: string): void {
  if (!isClosed) process.stdout.write(text);
}

/** A line for the user, to standard error; on a terminal it is broken between words. */
export function note(line: string): void {
  clearBar();
  const { isTTY, columns = DEFAULT_WIDTH } = process.stderr;
  const lines = isTTY === true ? wrapWords(line, columns - 1) : [line];
  process.stderr.write(`${lines.join('\n')}\n`);
}

/** A text in lines of at most `width`, broken between words; further lines are indented as the first one, and by `hang` more. */
export function wrapWords(text: string, width: number, hang = '  '): string[] {
  // What is coloured or laid out in columns stays as it is.
  if (text.length <= width || text.includes('\x1b') || text.includes('\n')) return [text];
  const [indent = ''] = /^ */.exec(text) ?? [];
  const lines: string[] = [];
  let line = indent;
  for (const word of text.slice(indent.length).split(' ')) {
    const isFirst = line.trim() === '';
    if (!isFirst && line.length + 1 + word.length > width) {
      lines.push(line);
      line = `${indent}${hang}${word}`;
    } else line += isFirst ? word : ` ${word}`;
  }
  return [...lines, line];
}

/** Columns of the terminal, 80 where there is none. */
export function terminalWidth(): number {
  return process.stdout.isTTY ? (process.stdout.columns ?? DEFAULT_WIDTH) : DEFAULT_WIDTH;
}

let shownBar = '';

function clearBar(): void {
  if (shownBar === '') return;
  process.stderr.write(`\r${' '.repeat(shownBar.length)}\r`);
  shownBar = '';
}

export interface Progress {
  /** `done` of the total, and what to say beside it. */
  update(done: number, detail: string): void;
  /** Takes the bar away. */
  end(): void;
}

/** A bar on a terminal; elsewhere a line now and then. Both on standard error. */
export function showProgress(label: string, total: number): Progress {
  const isTty = process.stderr.isTTY === true;
  const everyMs = isTty ? BAR_EVERY_MS : LINE_EVERY_MS;
  let last = isTty ? Number.NEGATIVE_INFINITY : performance.now();
  return {
    update(done, detail) {
      const now = performance.now();
      if (now - last < everyMs && !(isTty && done >= total)) return;
      last = now;
      const share = total > 0 ? Math.min(done / total, 1) : 1;
      const percent = `${Math.floor(share * 100)} %`;
      if (isTty) drawBar(`${label} ${bar(share)} ${percent}  ${detail}`);
      else note(`${label}: ${percent}, ${detail}`);
    },
    end: clearBar,
  };
}

function bar(share: number): string {
  const filled = Math.round(share * BAR_WIDTH);
  return `[${'#'.repeat(filled)}${'.'.repeat(BAR_WIDTH - filled)}]`;
}

function drawBar(text: string): void {
  const width = (process.stderr.columns ?? DEFAULT_WIDTH) - 1;
  const line = text.slice(0, width);
  process.stderr.write(`\r${line.padEnd(shownBar.length)}`);
  shownBar = line;
}
