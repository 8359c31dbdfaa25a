// What the simulated brokers of fault sessions have in common.
import { addMs, type EasternUs } from '../../core/eastern_time.ts';

const FRESH_MS = 200;

/** True of what has happened within the last moment. */
export function isFresh(at: EasternUs | undefined, now: EasternUs): boolean {
  return at !== undefined && at > addMs(now, -FRESH_MS);
}

/** The class of the catalogue that a fault of a request belongs to. */
export function classOf(
  operation: string,
  fault: { readonly kind: string; readonly accept?: boolean },
): string {
  const { kind, accept } = fault;
  if (kind.startsWith('fill_') || kind === 'partial' || kind === 'cancel_refused') return 'F11';
  if (kind === 'reject') return 'F12';
  const isLost = accept === true || kind === 'hang' || /_location|_lag|_id$/.test(kind);
  return isLost && operation === 'POST order' ? 'F9' : 'F10';
}
