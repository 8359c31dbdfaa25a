// Implied volatilities, greeks and the choice of a vertical on whole recorded chains: beside the vendors', and beside a computation of our own.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type pg from 'pg';
import { Failure } from '../core/failure.ts';
import { projectPath } from '../core/root.ts';
import { withClient } from '../db/pool.ts';
import { type BenchDatabase, onEachEngine } from './databases.ts';
import {
  type Candidate,
  type Compared,
  candidateDifferences,
  candidatesOf,
  compareGreeks,
  comparePairs,
  type LoadedChain,
  leanDays,
  loadChain,
  type Pair,
  SETTINGS,
  schwabDays,
  type Terms,
} from './recorded_chain_checks.ts';
import { CHAIN_FOLDERS, type RecordedChain, readChains } from './recorded_chain_files.ts';
import {
  compareReferences,
  REFERENCE_CARRIES,
  REFERENCE_FOLDER,
  REFERENCE_RATE,
} from './reference_greeks.ts';
import { type Bench, quantile, runBenchmark } from './support.ts';

const SHARED = projectPath('..', 'shared', 'data');

/** By the chain's name: terms under which it is compared, in words. */
function termsOf({ name, contracts }: RecordedChain): (readonly [string, Terms])[] {
  if (contracts.every(({ vendor }) => vendor === null)) return [];
  const usual = ['as shipped, rate 0', { rate: 0, dividend: 0 }] as const;
  if (name.startsWith('Schwab'))
    return [
      usual,
      ["the chain's rate 4.25 %", { rate: 0.0425, dividend: 0 }],
      ['carry 4 %, two hours more', { rate: 0.0425, dividend: 0.0025, days: schwabDays }],
      ['carry 1 %, two hours more', { rate: 0.0425, dividend: 0.0325, days: schwabDays }],
    ];
  // What LEAN takes from its table of rates.
  const rate = name.endsWith('2023-06-23') ? 0.0525 : 0.01;
  const days = name.startsWith('LEAN GOOG') ? { days: leanDays } : {};
  return [usual, [`LEAN's rate ${100 * rate} %`, { rate, dividend: 0, ...days }]];
}

const three = (of: readonly number[], digits: number): string =>
  of.length === 0
    ? 'none'
    : [quantile(of, 0.5), quantile(of, 0.95), Math.max(...of)]
        .map((each) => each.toFixed(digits))
        .join(' / ');

type Add = (figure: string, value: string | number, unit?: string) => void;

/** Out of the money by the spot: there the vendor's volatility is of the contract's own price. */
const isOut = (row: Compared, spot: number): boolean => (row.option_kind === 'call') === row.strike >= spot;

function addErrors(add: Add, spot: number, rows: readonly Compared[]): void {
  const solved = rows.filter((row) => row.iv !== null && row.vendor_iv > 0.001);
  const near = (row: Compared): boolean => Math.abs(row.vendor_delta) >= 0.05;
  const groups = [
    ['out of the money, |delta| from 0.05', solved.filter((row) => isOut(row, spot) && near(row))],
    ['out of the money, below', solved.filter((row) => isOut(row, spot) && !near(row))],
    ['in the money', solved.filter((row) => !isOut(row, spot))],
  ] as const;
  for (const [name, group] of groups) {
    if (group.length === 0) continue;
    const line = (figure: string, digits: number, error: (row: Compared) => number, unit = ''): void =>
      add(
        `${name}, ${group.length}: ${figure}`,
        three(
          group.map((row) => Math.abs(error(row))),
          digits,
        ),
        unit,
      );
    line('volatility', 3, (row) => 100 * (Number(row.iv) - row.vendor_iv), 'points');
    line('delta', 5, (row) => Number(row.delta) - row.vendor_delta);
    line('gamma', 6, (row) => Number(row.gamma) - row.vendor_gamma);
    line("delta of the vendor's volatility", 5, (row) => Number(row.delta_of_vendor) - row.vendor_delta);
  }
}

function addPairs(add: Add, pairs: readonly Pair[]): void {
  if (pairs.length === 0) return;
  const gaps = pairs.map((pair) => 100 * Math.abs(pair.call_iv - pair.put_iv));
  add(`volatility of the call minus that of the put, ${pairs.length} strikes`, three(gaps, 3), 'points');
  const within = pairs.filter(({ overlap }) => overlap).length;
  add('strikes whose two quotes allow one volatility', `${((100 * within) / pairs.length).toFixed(1)} %`);
}

const describe = (c: Candidate): string =>
  `${c.option_kind} ${c.short_strike_e4 / 1e4}/${c.long_strike_e4 / 1e4} of ${c.expiration}, credit ${(c.credit_e4 / 1e4).toFixed(2)}, ` +
  `delta ${c.short_delta.toFixed(4)}, volatility ${(100 * c.short_iv).toFixed(2)} %, forward ${c.forward.toFixed(2)}, score ${c.score.toFixed(4)}`;

async function addCandidates(client: pg.Client, loaded: LoadedChain, add: Add): Promise<void> {
  const settings = SETTINGS[loaded.chain.name];
  if (settings === undefined) return;
  const found = await candidatesOf(client, loaded, settings);
  const [best] = found;
  const forwards = new Map(found.map((each) => [each.expiration, each.forward]));
  const away = [...forwards].map(([date, forward]) => `${date} ${(forward - loaded.chain.spot).toFixed(2)}`);
  add('forward minus spot', away.sort().join(', '));
  const reasons = new Map<string, number>();
  for (const { reject } of found) reasons.set(reject ?? 'good', (reasons.get(reject ?? 'good') ?? 0) + 1);
  add('best vertical', best?.reject === null ? describe(best) : 'none');
  add('verticals', [...reasons].map(([reason, n]) => `${reason} ${n}`).join(', '));
  const differences = candidateDifferences(loaded.chain, settings, found);
  add('differences from the choice by hand', differences.length);
  if (differences.length > 0) throw new Failure(`${loaded.chain.name}: ${differences.join('; ')}`);
}

async function report(
  bench: Bench,
  chains: readonly RecordedChain[],
  database: BenchDatabase,
): Promise<void> {
  await withClient({ url: database.url, role: 'owner', name: 'recorded_chains' }, async (client) => {
    for (const chain of chains) {
      const add: Add = (figure, value, unit = '') =>
        bench.add({ engine: database.version, figure: `${chain.name}: ${figure}`, value, unit });
      const loaded = await loadChain(client, chain);
      const isTwoSided = (bid: number | null, ask: number | null): boolean =>
        (bid ?? 0) > 0 && (ask ?? 0) > 0;
      add('contracts', chain.contracts.length);
      add(
        chain.source === 'marks' ? 'with a price' : 'with bid and ask',
        chain.contracts.filter((each) => isTwoSided(each.bid_e4, each.ask_e4)).length,
      );
      for (const [name, terms] of termsOf(chain))
        addErrors(
          (figure, value, unit) => add(`${name}: ${figure}`, value, unit),
          chain.spot,
          await compareGreeks(client, loaded, terms),
        );
      if (chain.source === 'recorded') addPairs(add, await comparePairs(client, loaded));
      await addCandidates(client, loaded, add);
      bench.note(chain.name);
    }
    for (const terms of REFERENCE_CARRIES) {
      const rows = await compareReferences(client, SHARED, terms);
      const name = `LEAN reference ${terms.series}, rate ${100 * REFERENCE_RATE} %, carry ${100 * terms.carry} %`;
      addErrors(
        (figure, value, unit = '') =>
          bench.add({ engine: database.version, figure: `${name}: ${figure}`, value, unit }),
        rows[0]?.spot ?? 0,
        rows,
      );
    }
  });
}

await runBenchmark('recorded_chains', async (bench) => {
  const missing = [...CHAIN_FOLDERS, REFERENCE_FOLDER]
    .map((name) => join(SHARED, name))
    .find((path) => !existsSync(path));
  if (missing !== undefined) throw new Failure(`the recorded data is not here: ${missing}`);
  const chains = await readChains(SHARED);
  await onEachEngine(bench, (database) => report(bench, chains, database));
});
