// The fault session's parts that need no half hour: its plan, and the clock that its processes run by.
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { describe, expect, it } from 'vitest';
import { parseEastern, type SessionDate } from '../../core/eastern_time.ts';
import { projectPath } from '../../core/root.ts';
import { SCHWAB_SYSTEM } from '../../faults/session/schwab_system.ts';
import { timingOf } from '../../faults/session/timing.ts';
import { TRADIER_SYSTEM } from '../../faults/session/tradier_system.ts';

const DATE = '2026-11-20' as SessionDate;
const SETTINGS = { speed: 15, minutes: 390 };
const { session } = timingOf(DATE, SETTINGS, SCHWAB_SYSTEM.hours(390));
const planOf = SCHWAB_SYSTEM.plan;

describe('the plan of a fault session', () => {
  it('is the same for a seed and another for another, each fault at a time of its own within the session', () => {
    const plan = planOf(session, 3);
    expect(planOf(session, 3)).toEqual(plan);
    expect(planOf(session, 4).deeds.map(({ deed }) => deed)).not.toEqual(plan.deeds.map(({ deed }) => deed));
    const times = plan.deeds.map(({ at }) => at);
    expect(times).toEqual([...new Set(times)].sort((a, b) => a - b));
    expect(times[0]).toBeGreaterThan(session.tsOpen);
    expect(times.at(-1)).toBeLessThan(session.tsClose);
    for (const { at } of plan.brokerFaults) expect(at).toBeLessThan(session.tsClose);
  });

  it('kills every process and the database, and has every fault of an order once before any twice', () => {
    const { deeds, brokerFaults } = planOf(session, 1);
    const killed = new Set(deeds.flatMap(({ deed }) => (deed.kind === 'kill' ? [deed.victim] : [])));
    expect([...killed].sort()).toEqual(
      [
        ...['advance', 'database', 'ingest-equities', 'ingest-options', 'orders-reconcile', 'orders-submit'],
        ...['ready', 'supervisor'],
      ].sort(),
    );
    const sent = brokerFaults.filter(({ operation }) => operation === 'POST order');
    const first = sent.slice(0, 18).map(({ fault }) => JSON.stringify(fault));
    expect(new Set(first).size).toBe(18);
  });
});

describe('the plan of a session at Tradier', () => {
  it('kills every process and the database, some of them at an order or a snapshot, each deed once', () => {
    const { deeds, brokerFaults } = TRADIER_SYSTEM.plan(session, 1);
    expect(TRADIER_SYSTEM.plan(session, 1)).toEqual({ deeds, brokerFaults });
    const killed = new Set(deeds.flatMap(({ deed }) => (deed.kind === 'kill' ? [deed.victim] : [])));
    expect([...killed].sort()).toEqual([
      ...[
        'advance',
        'database',
        'ingest-tradier',
        'orders-reconcile',
        'orders-submit',
        'ready',
        'supervisor',
      ],
    ]);
    expect(new Set(deeds.map(({ moment }) => moment))).toEqual(new Set([null, 'order', 'snapshot']));
    expect(brokerFaults.length).toBeGreaterThan(50);
  });

  it('of some minutes kills as well, in an order of its own', () => {
    const { session: short } = timingOf(DATE, { speed: 14, minutes: 6 }, TRADIER_SYSTEM.hours(6));
    const { deeds } = TRADIER_SYSTEM.plan(short, 1);
    expect(deeds.map(({ deed }) => deed.kind)).toEqual(['kill', 'kill_together', 'kill']);
    for (const { at } of deeds) expect(at).toBeLessThan(short.tsClose);
  });
});

describe('the clock of a fault session', () => {
  it('starts where it is told, and runs fast for dates, timers and time-outs alike', ({ skip }) => {
    const preload = projectPath('dist', 'faults', 'session', 'fast_clock.js');
    skip(!existsSync(preload), 'needs the compiled program: npm run build');
    const program = `
      import { setTimeout as sleep } from 'node:timers/promises';
      const began = Date.now(); const since = performance.now(); const real = process.hrtime.bigint();
      // A time-out alone keeps no process alive.
      const alive = setInterval(() => undefined, 1_000_000);
      await sleep(20_000);
      await new Promise((resolve) => setTimeout(resolve, 20_000));
      await new Promise((resolve) => AbortSignal.timeout(20_000).addEventListener('abort', resolve));
      console.log(JSON.stringify({ began, byDate: new Date() - began, byPerformance: performance.now() - since,
        real: Number(process.hrtime.bigint() - real) / 1e6, isDate: new Date(0) instanceof Date }));
      clearInterval(alive);`;
    const shown = Date.UTC(2026, 10, 20, 14);
    const env = { ...process.env, FAST_CLOCK: [100, Date.now(), shown].join(',') };
    const args = [`--import=${pathToFileURL(preload).href}`, '--input-type=module', '-e', program];
    const told = JSON.parse(execFileSync(process.execPath, args, { env, encoding: 'utf8' }));
    expect(told.began).toBeGreaterThanOrEqual(shown);
    expect(told.isDate).toBe(true);
    for (const elapsed of [told.byDate, told.byPerformance]) {
      // Timers count whole milliseconds of a loop that looks at its watch now and then.
      expect(elapsed).toBeGreaterThan(56_000);
      expect(elapsed / told.real).toBeGreaterThan(90);
      expect(elapsed / told.real).toBeLessThan(110);
    }
  });

  it('shows what the session begins with', () => {
    const { shown, fastClock } = timingOf(DATE, SETTINGS, SCHWAB_SYSTEM.hours(390));
    expect(shown).toBe(parseEastern('2026-11-20 08:52:00'));
    expect(fastClock).toMatch(/^15,\d+,\d+$/);
  });
});
