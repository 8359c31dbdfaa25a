// What goes wrong in the days that are played at the simulated Tradier.
import type { Fault } from '../sim/tradier/faults.ts';

export const TRADIER_FAULTS: readonly Fault[] = [
  { kind: 'gateway', what: 'datastore' },
  { kind: 'html', status: 503, accept: false },
  { kind: 'html', status: 502, accept: true },
  { kind: 'hang', accept: true },
  { kind: 'hang', accept: false },
  { kind: 'reset', accept: true },
  { kind: 'reset', accept: false },
  { kind: 'half_body', isCut: true },
  { kind: 'rate_limit', status: 429 },
  { kind: 'rate_limit', status: 400 },
  { kind: 'unauthorized' },
  { kind: 'errors', texts: ['OmsUnavailable'] },
  { kind: 'no_id' },
  { kind: 'reject' },
  { kind: 'list_lag', ms: 5000 },
  { kind: 'no_legs' },
  { kind: 'partial', qtys: [1, 1] },
  { kind: 'fill_during_cancel' },
  { kind: 'fill_after_cancel', lagMs: 5000 },
];
