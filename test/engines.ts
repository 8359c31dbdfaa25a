// Which database engines the suite can run on: the built-in one always, TimescaleDB where an installed server has it.
import { findTimescale } from '../db/embedded/installed_timescale.ts';

export type EngineName = 'embedded' | 'timescaledb';

/**
 * The engines to run on, and the line about those left out. `STRIKEBASE_TEST_ENGINES` is `embedded`, `timescaledb` or `both`;
 * without it TimescaleDB is used if found. Throws when an engine that was asked for is missing.
 */
export function chooseEngines(): { engines: readonly EngineName[]; leftOut: string | null } {
  const asked = process.env.STRIKEBASE_TEST_ENGINES ?? '';
  if (!['', 'embedded', 'timescaledb', 'both'].includes(asked)) {
    throw new Error(`STRIKEBASE_TEST_ENGINES is ${asked}; it must be embedded, timescaledb or both`);
  }
  if (asked === 'embedded') return { engines: ['embedded'], leftOut: 'STRIKEBASE_TEST_ENGINES=embedded' };
  const isFound = findTimescale() !== null;
  if (!isFound && asked !== '')
    throw new Error(`STRIKEBASE_TEST_ENGINES=${asked}, but no installed TimescaleDB was found`);
  if (!isFound) return { engines: ['embedded'], leftOut: 'no installed TimescaleDB found' };
  if (asked === 'timescaledb')
    return { engines: ['timescaledb'], leftOut: 'STRIKEBASE_TEST_ENGINES=timescaledb' };
  return { engines: ['embedded', 'timescaledb'], leftOut: null };
}
