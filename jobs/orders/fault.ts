// Named places at which a test kills this very process. They do nothing unless asked to, and never where money is real.
import { isLoopback } from '../../core/loopback.ts';
import type { Purpose } from './records.ts';

export const FAULT_NAMES = [
  'before_submit_event',
  'after_submit_event',
  'after_send',
  'after_accept_recorded',
  'before_fill_recorded',
  'after_fill_recorded',
] as const;
export type FaultName = (typeof FAULT_NAMES)[number];

/** Ends the process as kill -9 does if this is the place that was asked for. */
export type Fault = (name: FaultName, purpose: Purpose) => void;

export const NO_FAULT: Fault = () => undefined;

/**
 * The faults of a process: STRIKEBASE_FAULT is a name, or `name:purpose` (`after_send:exit`). It is ignored unless the broker's
 * address is on this machine, where only a simulator can be.
 */
export function faultOf(environment: Readonly<Record<string, string | undefined>>, brokerUrl: string): Fault {
  const asked = environment.STRIKEBASE_FAULT ?? '';
  if (asked === '' || !isLoopback(brokerUrl)) return NO_FAULT;
  const [place, only] = asked.split(':');
  return (name, purpose) => {
    if (name === place && (only === undefined || only === purpose)) process.kill(process.pid, 'SIGKILL');
  };
}
