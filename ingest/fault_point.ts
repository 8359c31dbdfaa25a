// Named places at which a test may strike the process down. Without a test's hook they do nothing.

type Hook = (name: string) => void;

const HOOK = Symbol.for('strikebase.fault_point');

/** Calls the hook that a test has put on `globalThis`, if there is one. Only tests know the names. */
export function faultPoint(name: string): void {
  (globalThis as { [HOOK]?: Hook })[HOOK]?.(name);
}
