// The systems that a fault session can play.
import { SCHWAB_SYSTEM } from './schwab_system.ts';
import { TRADIER_SYSTEM } from './tradier_system.ts';
import type { System } from './venue.ts';

const SYSTEMS: readonly System[] = [SCHWAB_SYSTEM, TRADIER_SYSTEM];

export const STRATEGIES: readonly string[] = SYSTEMS.map(({ strategy }) => strategy);

/** The system of a strategy; null where there is none. */
export function systemOf(strategy: string): System | null {
  return SYSTEMS.find((system) => system.strategy === strategy) ?? null;
}
