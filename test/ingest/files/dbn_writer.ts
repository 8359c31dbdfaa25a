// Files of Databento's, byte by byte: what its own tools would write.

/** A price or quantity that is not set. */
export const UNDEF = 9_223_372_036_854_775_807n;
/** A time that is not set. */
export const NO_TIME = 18_446_744_073_709_551_615n;
export const NS = 1_000_000_000n;
// 10:00 Eastern of 2025-11-20.
export const TEN = 1_763_650_800n * NS;
const DAY = { from: 20_251_120, to: 20_251_121 } as const;

/** Text, filled up with zeros. */
export function chars(text: string, length: number): Buffer {
  const buffer = Buffer.alloc(length);
  buffer.write(text, 'latin1');
  return buffer;
}

/** A little-endian number. */
export function u(value: number | bigint, bytes: 1 | 2 | 4 | 8): Buffer {
  const buffer = Buffer.alloc(bytes);
  if (bytes === 8) buffer.writeBigUInt64LE(BigInt.asUintN(64, BigInt(value)));
  else buffer.writeUIntLE(Number(value), 0, bytes);
  return buffer;
}

/** A head with mappings of symbols to ids; `days` are YYYYMMDD, the second exclusive. */
export function head(
  version: 1 | 2 | 3,
  schema: number,
  mappings: readonly (readonly [string, string])[],
  days: { readonly from: number; readonly to: number } = DAY,
): Buffer {
  const width = version === 1 ? 22 : 71;
  const interval = [u(days.from, 4), u(days.to, 4)];
  const body = Buffer.concat([
    ...[chars('OPRA.PILLAR', 16), u(schema, 2), u(TEN, 8), u(NO_TIME, 8), u(0, 8)],
    ...(version === 1 ? [u(0, 8)] : []),
    Buffer.from([1, 0, 0]),
    ...(version === 1 ? [] : [u(width, 2)]),
    Buffer.alloc(version === 1 ? 47 : 53),
    ...[u(0, 4), u(1, 4), chars('SPX.OPT', width), u(0, 4), u(0, 4), u(mappings.length, 4)],
    ...mappings.flatMap(([name, id]) => [chars(name, width), u(1, 4), ...interval, chars(id, width)]),
  ]);
  return Buffer.concat([chars('DBN', 3), u(version, 1), u(body.length, 4), body]);
}

/** One record: `body` is what follows its time. */
export function record(rtype: number, id: number, body: readonly Buffer[]): Buffer {
  const whole = Buffer.concat([u(0, 1), u(rtype, 1), u(30, 2), u(id, 4), u(NO_TIME, 8), ...body]);
  whole[0] = whole.length / 4;
  return whole;
}

/** A CBBO-1m record; prices in nanodollars. */
export function quote(
  id: number,
  ns: bigint,
  bid: bigint,
  ask: bigint,
  sizes: readonly [number, number] = [7, 9],
): Buffer {
  const level = [u(bid, 8), u(ask, 8), u(sizes[0], 4), u(sizes[1], 4), u(29, 2), u(0, 2), u(23, 2), u(0, 2)];
  return record(193, id, [u(UNDEF, 8), u(0, 4), Buffer.from([0, 78, 194, 0]), u(ns, 8), u(0, 8), ...level]);
}
