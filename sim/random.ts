// Seeded randomness of the simulators: one named stream per purpose, so that one model's draws never shift another's.

/** A stream of pseudo-random draws; the same seed and name give the same draws on every machine. */
export interface RandomStream {
  /** Uniform in [0, 1). */
  next(): number;
  /** Uniform integer in [low, high], both included. */
  int(low: number, high: number): number;
  chance(probability: number): boolean;
  /** Standard normal. */
  normal(): number;
  exponential(mean: number): number;
  /** Poisson count; above a mean of 30 the rounded normal approximation. */
  poisson(mean: number): number;
}

// FNV-1a, then a murmur finaliser: names that differ in one letter must not give neighbouring states.
function hash32(text: string, basis: number): number {
  let hash = basis;
  for (let i = 0; i < text.length; i += 1) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

// sfc32 (Chris Doty-Humphrey, PractRand): 128 bits of state, integer operations only.
function sfc32(name: string): () => number {
  let a = hash32(name, 0x811c9dc5);
  let b = hash32(name, 0x9e3779b9);
  let c = hash32(name, 0x7f4a7c15);
  let counter = 1;
  const next = (): number => {
    const sum = (a + b + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + sum) | 0;
    return (sum >>> 0) / 0x1_0000_0000;
  };
  for (let i = 0; i < 12; i += 1) next();
  return next;
}

// Marsaglia's polar method: logarithm and square root only, which V8 computes alike everywhere.
function normals(next: () => number): () => number {
  let spare: number | null = null;
  return () => {
    if (spare !== null) {
      const value = spare;
      spare = null;
      return value;
    }
    for (;;) {
      const u = 2 * next() - 1;
      const v = 2 * next() - 1;
      const square = u * u + v * v;
      if (square === 0 || square >= 1) continue;
      const factor = Math.sqrt((-2 * Math.log(square)) / square);
      spare = v * factor;
      return u * factor;
    }
  };
}

function poissonBelow30(next: () => number, mean: number): number {
  const limit = Math.exp(-mean);
  let count = 0;
  for (let product = next(); product > limit; product *= next()) count += 1;
  return count;
}

/** The stream called `names` of a seed. */
export function randomStream(seed: number, ...names: readonly string[]): RandomStream {
  const next = sfc32([seed, ...names].join('|'));
  const normal = normals(next);
  return {
    next,
    normal,
    int: (low, high) => low + Math.floor(next() * (high - low + 1)),
    chance: (probability) => next() < probability,
    exponential: (mean) => -mean * Math.log(1 - next()),
    poisson: (mean) =>
      mean < 30 ? poissonBelow30(next, mean) : Math.max(0, Math.round(mean + Math.sqrt(mean) * normal())),
  };
}
