// The supervisor on small programs of the test's own: what is started again and when, and how all of it ends.
import { describe, expect, it } from 'vitest';
import { pauseAfter, supervise } from '../../cli/supervisor.ts';
import { systemClock } from '../../core/clock.ts';
import { eventually } from '../harness.ts';

interface Told {
  readonly lines: string[];
  pids(): readonly (number | null)[];
  restarts(): number;
}

/** Supervises commands of `strikebase`, until `ending` is aborted. */
function begin(
  commands: readonly (readonly string[])[],
  ending: AbortController,
): Told & { done: Promise<void> } {
  const lines: string[] = [];
  let states: Parameters<Parameters<typeof supervise>[0]['onChange']>[0] = [];
  const done = supervise({
    children: commands.map((args, index) => ({ name: `child-${index}`, args })),
    environment: {
      PATH: process.env.PATH ?? '',
      HOME: process.env.HOME ?? '',
      DATABASE_URL: 'postgres://127.0.0.1:1/none',
    },
    clock: systemClock(),
    signal: ending.signal,
    onLine: (name, line) => lines.push(`${name}: ${line}`),
    onChange: (next) => {
      states = next;
    },
  });
  done.catch(() => undefined);
  return {
    ...{ lines, done },
    pids: () => states.map(({ pid }) => pid),
    restarts: () => states.reduce((sum, { restarts }) => sum + restarts, 0),
  };
}

describe('a child', () => {
  it('that cannot live is started again, each time after a longer pause', { timeout: 30_000 }, async () => {
    const ending = new AbortController();
    // No database answers there.
    const told = begin([['status']], ending);
    await eventually(() => expect(told.restarts()).toBeGreaterThan(1), { timeoutMs: 20_000 });
    ending.abort();
    await told.done;
    const said = told.lines.join('\n');
    expect(said).toContain('child-0: error: no database answers at 127.0.0.1:1/none');
    expect(said).toContain('supervisor: child-0 ended with 1; it is started again in 0.25 s');
    expect(said).toContain('supervisor: child-0 ended with 1; it is started again in 0.5 s');
  });

  it('that was told something wrong ends all of them, with its words', { timeout: 30_000 }, async () => {
    const told = begin(
      [
        ['orders', 'submit'],
        ['bars', '--from', 'x'],
      ],
      new AbortController(),
    );
    await expect(told.done).rejects.toThrow(/child-1 cannot run: .*--from/);
    expect(told.pids()).toEqual([null, null]);
  });
});

describe('the pause before a start', () => {
  it('is none after a long life, and grows to ten seconds after short ones', () => {
    expect(pauseAfter(60_000, 10_000)).toBe(0);
    const pauses = [0, 1, 2, 3, 4, 5, 6, 7].reduce<number[]>(
      (all) => [...all, pauseAfter(100, all.at(-1) ?? 0)],
      [],
    );
    expect(pauses).toEqual([250, 500, 1000, 2000, 4000, 8000, 10_000, 10_000]);
  });
});
