// What Grafana 11 to 13 makes of a PostgreSQL query before it is sent (../shared/reference/grafana.md 2.5): plain replacements first, then macros by a
// regular expression that knows no nested brackets. A macro that Grafana does not know is an error here, too.

export interface QueryRange {
  readonly from: Date;
  readonly to: Date;
  readonly intervalMs: number;
  /** The data source's switch; ours is off. */
  readonly isTimescale?: boolean;
}

const UNITS: readonly (readonly [ms: number, unit: string])[] = [
  [365 * 86_400_000, 'y'],
  [86_400_000, 'd'],
  [3_600_000, 'h'],
  [60_000, 'm'],
  [1000, 's'],
];

/** The short form of an interval: the largest unit, divided without a rest. */
export function shortInterval(ms: number): string {
  for (const [of, unit] of UNITS) if (ms >= of) return `${Math.floor(ms / of)}${unit}`;
  return `${Math.max(Math.floor(ms), 1)}ms`;
}

/** RFC 3339 in UTC, with a fraction only where there is one. */
function instantText(at: Date): string {
  return at.toISOString().replace(/\.?0*Z$/, 'Z');
}

const DURATIONS: Readonly<Record<string, number>> = {
  ms: 0.001,
  s: 1,
  m: 60,
  h: 3600,
  d: 86_400,
  w: 604_800,
};

function secondsOf(interval: string): number {
  const text = interval.replaceAll("'", '');
  const parts = [...text.matchAll(/(\d+)(ms|[smhdw])/g)];
  if (parts.map(([part]) => part).join('') !== text || text === '')
    throw new Error(`error parsing interval ${interval}`);
  return parts.reduce(
    (sum, [, count, unit]) => sum + Number(count) * (DURATIONS[unit ?? ''] ?? Number.NaN),
    0,
  );
}

function timeGroup([column = '', interval = ''], range: QueryRange): string {
  const seconds = secondsOf(interval);
  if (range.isTimescale === true) return `time_bucket('${seconds.toFixed(3)}s',${column})`;
  return `floor(extract(epoch from ${column})/${seconds})*${seconds}`;
}

type Args = readonly [string?, string?, string?];

function expand(name: string, args: Args, range: QueryRange): string {
  const [column = ''] = args;
  const [from, to] = [instantText(range.from), instantText(range.to)];
  const [fromS, toS] = [range.from, range.to].map((at) => Math.floor(at.getTime() / 1000));
  switch (name) {
    case '__time':
      return `${column} AS "time"`;
    case '__timeEpoch':
      return `extract(epoch from ${column}) as "time"`;
    case '__timeFilter':
      return `${column} BETWEEN '${from}' AND '${to}'`;
    case '__timeFrom':
      return `'${from}'`;
    case '__timeTo':
      return `'${to}'`;
    case '__timeGroup':
      return timeGroup(args as [string?, string?], range);
    case '__timeGroupAlias':
      return `${timeGroup(args as [string?, string?], range)} AS "time"`;
    case '__unixEpochFilter':
      return `${column} >= ${fromS} AND ${column} <= ${toS}`;
    default:
      throw new Error(`unknown macro "${name}"`);
  }
}

/** The statement that reaches the server. */
export function expandMacros(sql: string, range: QueryRange): string {
  const plain = sql
    .replaceAll('$__interval_ms', String(Math.floor(range.intervalMs)))
    .replaceAll('$__interval', shortInterval(range.intervalMs))
    .replaceAll('$__unixEpochFrom()', String(Math.floor(range.from.getTime() / 1000)))
    .replaceAll('$__unixEpochTo()', String(Math.floor(range.to.getTime() / 1000)));
  return plain.replace(/\$([_a-zA-Z0-9]+)\(([^)]*)\)/g, (_, name: string, text: string) =>
    expand(name, text.split(',').map((arg) => arg.trim()) as unknown as Args, range),
  );
}
