// Frames that no vendor should send and one day does: broken, absurd, hostile, or merely odd.

export interface RubbishFrame {
  readonly name: string;
  readonly data: string | Buffer;
  /** Quotes in it that are facts all the same, however odd. */
  readonly quotes: number;
  /** True if nothing can be told from the frame, so that there may have been something in it. */
  readonly isUnreadable: boolean;
}

export interface RubbishOptions {
  /** A contract that the client subscribes to, `O:QQQ251219C00410000`. */
  readonly ticker: string;
  /** Epoch milliseconds of now. */
  readonly nowMs: number;
  /** Sequence of the first odd quote; each has its own. */
  readonly firstSequence: number;
}

const DAY_MS = 86_400_000;
const DEPTH = 200_000;

/** One frame of each kind for the options market. Those longer than 16 MB are not among them: they end a connection. */
export function rubbishFrames({ ticker, nowMs, firstSequence }: RubbishOptions): readonly RubbishFrame[] {
  let q = firstSequence;
  const quote = (change: Readonly<Record<string, unknown>>): Record<string, unknown> => {
    q += 1;
    return {
      ev: 'Q',
      sym: ticker,
      bx: 302,
      bp: 1.21,
      bs: 5,
      ax: 308,
      ap: 1.23,
      as: 7,
      t: nowMs,
      q,
      ...change,
    };
  };
  const events = (
    name: string,
    quotes: number,
    ...changes: Readonly<Record<string, unknown>>[]
  ): RubbishFrame => ({
    name,
    data: JSON.stringify(changes.map(quote)),
    quotes,
    isUnreadable: false,
  });
  const unreadable = (name: string, data: string | Buffer): RubbishFrame => ({
    name,
    data,
    quotes: 0,
    isUnreadable: true,
  });
  const text = JSON.stringify([quote({})]);
  return [
    unreadable('half a frame', text.slice(0, text.length / 2)),
    unreadable('no array', JSON.stringify(quote({}))),
    unreadable('not even JSON', '<html>502 Bad Gateway</html>'),
    unreadable('NaN, which is no JSON', text.replace('1.21', 'NaN')),
    unreadable('nothing', ''),
    unreadable('bytes', Buffer.from([0, 255, 254, 0, 192, 128])),
    { name: 'an empty frame', data: '[]', quotes: 0, isUnreadable: false },
    {
      name: 'deeper than the stack',
      data: `[{"ev":"Q","x":${'['.repeat(DEPTH)}${']'.repeat(DEPTH)}}]`,
      quotes: 0,
      isUnreadable: false,
    },
    {
      name: 'a prototype',
      data: text.replace('{', '{"__proto__":{"bp":1},"constructor":{"prototype":{"x":1}},'),
      quotes: 1,
      isUnreadable: false,
    },
    events(
      'prices that are none',
      0,
      { bp: -1.21 },
      { ap: 1e308 },
      { ap: '1.23' },
      { bp: [1.21] },
      { ap: true },
    ),
    events('sizes that are none', 0, { bs: -5 }, { as: 1.5 }, { bs: 1e308 }, { as: '7' }),
    events('times that are none', 0, { t: 'now' }, { t: nowMs * 1e6 }, { t: nowMs / 1000 }, { t: undefined }),
    events('sequences that are none', 0, { q: -1 }, { q: 1.5 }, { q: 1e300 }),
    events('another day', 0, { t: nowMs - DAY_MS }, { t: nowMs - 30 * DAY_MS }, { t: nowMs + DAY_MS }),
    events('the future', 0, { t: nowMs + 600_000 }),
    events(
      'symbols that nobody asked for',
      0,
      { sym: 'O:ZZZZ261120C00610000' },
      { sym: '__proto__' },
      { sym: 7 },
    ),
    events('crossed and locked', 2, { bp: 1.3, ap: 1.2 }, { bp: 1.2, ap: 1.2 }),
    events('missing sides', 3, { bp: undefined, bs: undefined }, { ap: 0, as: 0 }, { bp: null, ap: null }),
    {
      name: 'events of nobody',
      data: '[1,null,"x",[],{"ev":5},{"ev":"later"}]',
      quotes: 0,
      isUnreadable: false,
    },
  ];
}

/** A frame of so many bytes: valid, and far too long. */
export function longFrame(bytes: number): string {
  return `[{"ev":"Q","pad":"${'x'.repeat(bytes)}"}]`;
}
