// Preloaded into every process of a fault session (`node --import`): its clock starts elsewhere and runs FAST_CLOCK times as fast,
// and with it every timer and time-out. Nothing of the product knows of it.
import { createRequire, syncBuiltinESMExports } from 'node:module';

/** `SPEED,REAL,SHOWN`: at the real instant REAL (epoch ms) the clock shows SHOWN, and from then on it runs SPEED times as fast. */
const [speed = 1, real = 0, shown = 0] = (process.env.FAST_CLOCK ?? '1,0,0').split(',').map(Number);
if (process.env.FAST_CLOCK !== undefined) install();

function install(): void {
  const require = createRequire(import.meta.url);
  const since = performance.now.bind(performance);
  const epochMs = (): number => shown + (performance.timeOrigin + since() - real) * speed;
  const RealDate = Date;
  class FastDate extends RealDate {
    constructor(...parts: [] | ConstructorParameters<DateConstructor>) {
      if (parts.length === 0) super(Math.floor(epochMs()));
      else super(...parts);
    }
    static override now(): number {
      return Math.floor(epochMs());
    }
  }
  globalThis.Date = FastDate as DateConstructor;
  Object.defineProperty(performance, 'now', { value: () => since() * speed, configurable: true });
  const timers = require('node:timers') as Record<string, Timer>;
  for (const name of ['setTimeout', 'setInterval'] as const) {
    const fast = quickened(globalThis[name] as Timer, 1);
    Object.assign(globalThis, { [name]: fast });
    timers[name] = fast;
  }
  const promises = require('node:timers/promises') as Record<string, Timer>;
  for (const name of ['setTimeout', 'setInterval']) promises[name] = quickened(promises[name] as Timer, 0);
  // Node's own may be built on a timer that is quick already.
  AbortSignal.timeout = (ms) => {
    const over = new AbortController();
    const reason = new DOMException('The operation was aborted due to timeout', 'TimeoutError');
    setTimeout(() => over.abort(reason), ms).unref();
    return over.signal;
  };
  const { Socket } = require('node:net') as { Socket: { prototype: { setTimeout: Timer } } };
  Socket.prototype.setTimeout = quickened(Socket.prototype.setTimeout, 0);
  syncBuiltinESMExports();
}

type Timer = (...args: unknown[]) => unknown;

/** The same function, with the milliseconds at `place` of its arguments divided. */
function quickened(timer: Timer, place: number): Timer {
  function fast(this: unknown, ...args: unknown[]): unknown {
    const ms = args[place];
    if (typeof ms === 'number') args[place] = ms > 0 ? Math.max(1, Math.round(ms / speed)) : ms;
    return timer.apply(this, args);
  }
  // util.promisify finds the promising variant by a symbol.
  return Object.assign(fast, { ...(timer as object) });
}
