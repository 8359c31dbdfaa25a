// Files into the database: whole or not at all, once or twice with the same rows.
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connect } from '../../db/pool.ts';
import {
  type Finding,
  type ImportOptions,
  openImport,
  type SessionLookup,
} from '../../ingest/files/index.ts';
import { type ImportFileOptions, type ImportResult, importFile, loadSessions } from '../../ingest/import.ts';
import { sharedData, useDatabase } from '../harness.ts';
import { at } from './sample_market.ts';
import { expectTicksCounted } from './support/tick_counts.ts';

const HEADER = 'timestamp,open,high,low,close,volume,trade_count,vwap';
const RECEIVED = at('2026-01-01 12:00:00');

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'strikebase-import-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function fileOf(name: string, content: string | Buffer): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

/** Minute bars of one day from a wall-clock time on; volume jumps `openAfter` minutes later. */
function barLines(date: string, from: string, count: number, openAfter = 0): string[] {
  const [hour = 0, minute = 0] = from.split(':').map(Number);
  return Array.from({ length: count }, (_, n) => {
    const total = hour * 60 + minute + n;
    const time = `${String(Math.floor(total / 60)).padStart(2, '0')}:${String(total % 60).padStart(2, '0')}:00`;
    const px = 600 + (n % 10) / 100;
    const volume = n < openAfter ? 10 : 5000 - n;
    return `${date} ${time},${px},${px + 0.05},${px - 0.05},${px},${volume},7,${px + 0.001}`;
  });
}

/** A flat file of quotes: `each` of `contracts` calls, whose bids say which strike they are of. */
function quoteFile(contracts: number, each: number): string {
  const open = Date.parse('2025-10-06T13:30:00Z');
  const lines = Array.from({ length: contracts * each }, (_, n) => {
    const [contract, ms] = [Math.floor(n / each), open + (n % each) * 10];
    const ticker = `O:QQQ251006C${String((500 + contract) * 1000).padStart(8, '0')}`;
    return `${ticker},302,${600 + contract},10,308,${500 + contract},20,${n},${ms}000000`;
  });
  const header =
    'ticker,ask_exchange,ask_price,ask_size,bid_exchange,bid_price,bid_size,sequence_number,sip_timestamp';
  return `${[header, ...lines].join('\n')}\n`;
}

function csv(lines: readonly string[]): string {
  return `${[HEADER, ...lines].join('\n')}\n`;
}

describe('importing a file', () => {
  const db = useDatabase();
  expectTicksCounted(db);
  let client: pg.Client;
  let sessions: SessionLookup;

  beforeAll(async () => {
    client = await connect({ url: db.url(), role: 'owner', name: 'test' });
    sessions = await loadSessions(client);
  });
  afterAll(() => client.end());

  async function take(
    path: string,
    options: Partial<ImportOptions> & Partial<ImportFileOptions> = {},
  ): Promise<ImportResult> {
    const file = await openImport(path, { tsRecv: RECEIVED, symbol: 'QQQ', ...options });
    const signal = new AbortController().signal;
    return importFile(client, file, {
      tsRecv: RECEIVED,
      sessions,
      force: false,
      rejectRows: false,
      signal,
      ...options,
    });
  }

  async function count(table: string): Promise<number> {
    const { rows } = await client.query<{ n: number }>(`select count(*) as n from ${table}`);
    return rows[0]?.n ?? -1;
  }

  /** Everything that a file may leave behind. */
  async function counts(): Promise<number[]> {
    const tables = [
      'market.equity_ticks',
      'market.rejected_rows',
      'ops.imports',
      'ref.feeds',
      'ref.instruments',
    ];
    const found: number[] = [];
    for (const table of tables) found.push(await count(table));
    return found;
  }

  it('keeps prices exactly, with the file and its checksum', async () => {
    const path = fileOf('a.csv', csv(barLines('2025-10-06', '09:30', 390)));
    expect(await take(path, { feed: 'a' })).toMatchObject({ inserted: 390, duplicate: 0, rejected: 0 });
    const { rows } = await client.query(
      `select t.ts_event, t.open_e4, t.vwap_e6, t.volume_e6, t.trade_count, t.vwap_is_typical
       from market.equity_ticks t join ref.feeds f on f.feed_id = t.feed_id where f.name = 'a' order by t.ts_event limit 1 offset 3`,
    );
    expect(rows[0]).toEqual({
      ts_event: '2025-10-06 09:33:00',
      open_e4: 6000300,
      vwap_e6: 600031000,
      volume_e6: 4_997_000_000,
      trade_count: 7,
      vwap_is_typical: false,
    });
    const imports = await client.query('select file, sha256, rows_in, ts_last from ops.imports');
    expect(imports.rows[0]).toMatchObject({ file: 'a.csv', rows_in: 390, ts_last: '2025-10-06 15:59:00' });
    expect(imports.rows[0].sha256).toBe(createHash('sha256').update(readFileSync(path)).digest('hex'));
  });

  it('changes nothing when it is imported again, and says so', async () => {
    const path = fileOf('again.csv', csv(barLines('2025-10-06', '09:30', 390)));
    await take(path, { feed: 'again' });
    const before = await count('market.equity_ticks');
    expect(await take(path, { feed: 'again' })).toMatchObject({ inserted: 0, duplicate: 390 });
    expect(await count('market.equity_ticks')).toBe(before);
  });

  it('adds only the new rows of a file that overlaps, in whatever batches it comes', async () => {
    const lines = barLines('2025-10-07', '09:30', 390);
    await take(fileOf('half.csv', csv(lines.slice(0, 200))), { feed: 'overlap' });
    const whole = await take(fileOf('whole.csv', csv(lines)), { feed: 'overlap', batchRows: 70 });
    expect(whole).toMatchObject({ inserted: 190, duplicate: 200 });
  });

  it('brings the bars up to date over the whole range that it touched', async () => {
    const lines = barLines('2025-10-08', '09:30', 390);
    await take(fileOf('late.csv', csv(lines.slice(100))), { feed: 'bars' });
    await take(fileOf('early.csv', csv(lines)), { feed: 'bars' });
    const { rows } = await client.query(
      `select count(*) as bars, sum(b.volume_e6) as volume, (select sum(t.volume_e6) from market.equity_ticks t
         join ref.feeds f on f.feed_id = t.feed_id where f.name = 'bars') as ticks
       from market.bars_5m b join ref.feeds f on f.feed_id = b.feed_id where f.name = 'bars'`,
    );
    expect(rows[0].bars).toBe(78);
    expect(rows[0].volume).toBe(rows[0].ticks);
  });

  it('refuses a file with one faulty row, names file and line, and keeps nothing of it', async () => {
    const lines = barLines('2025-10-06', '09:30', 390);
    lines[250] = lines[250]?.replace(/600\.\d+/, 'NaN') ?? '';
    const before = await counts();
    const path = fileOf('faulty.csv', csv(lines));
    await expect(take(path, { feed: 'faulty', batchRows: 50 })).rejects.toThrow(/faulty\.csv:252: /);
    expect(await counts()).toEqual(before);
  });

  it('keeps faulty rows apart, once, when the sound ones are asked for', async () => {
    const lines = barLines('2025-10-06', '09:30', 390);
    lines[10] = lines[10]?.replace(/,600/g, ',-600') ?? '';
    const path = fileOf('mixed.csv', csv(lines));
    expect(await take(path, { feed: 'mixed', rejectRows: true })).toMatchObject({
      inserted: 389,
      rejected: 1,
    });
    await take(path, { feed: 'mixed', rejectRows: true });
    const { rows } = await client.query(
      "select source, line, reason from market.rejected_rows where feed = 'mixed'",
    );
    expect(rows).toEqual([{ source: 'mixed.csv', line: 12, reason: expect.stringMatching(/\S/) }]);
  });

  it('refuses a file whose clock does not fit the calendar, unless it is forced', async () => {
    // Chicago time: the session would open at 08:30.
    const lines = barLines('2025-10-06', '08:00', 420, 30);
    const path = fileOf('chicago.csv', csv(lines));
    const before = await counts();
    const findings: Finding[] = [];
    const options = { feed: 'chicago', onFindings: (all: readonly Finding[]) => findings.push(...all) };
    await expect(take(path, options)).rejects.toThrow(/calendar/);
    expect(findings.find(({ severity }) => severity === 'error')?.text).toMatch(/America\/Chicago/);
    expect(await counts()).toEqual(before);
    expect(await take(path, { feed: 'chicago', force: true })).toMatchObject({ inserted: 420 });
    expect(await take(path, { feed: 'right', tz: 'America/Chicago' })).toMatchObject({ inserted: 420 });
  });

  it('refuses bars on a holiday', async () => {
    const path = fileOf('christmas.csv', csv(barLines('2025-12-25', '09:30', 60)));
    await expect(take(path, { feed: 'christmas' })).rejects.toThrow(/calendar/);
  });

  it('keeps nothing of a truncated gzip', async () => {
    const whole = gzipSync(csv(barLines('2025-10-06', '09:30', 390)));
    const path = fileOf('cut.csv.gz', whole.subarray(0, whole.length - 20));
    const before = await counts();
    await expect(take(path, { feed: 'cut', batchRows: 20 })).rejects.toThrow(/cut\.csv\.gz/);
    expect(await counts()).toEqual(before);
  });

  it('keeps nothing when it is interrupted', async () => {
    const controller = new AbortController();
    const before = await counts();
    const path = fileOf('stopped.csv', csv(barLines('2025-10-06', '09:30', 390)));
    const stopping = { signal: controller.signal, onProgress: () => controller.abort() };
    await expect(take(path, { feed: 'stopped', batchRows: 50, ...stopping })).rejects.toThrow(/interrupted/);
    expect(await counts()).toEqual(before);
  });

  it('takes a flat file of quotes once, each under its contract, though contracts begin in every batch', async () => {
    const path = fileOf('quotes.csv', quoteFile(40, 300));
    const options = { feed: 'quotes', batchRows: 450 };
    expect(await take(path, options)).toMatchObject({ inserted: 12_000, duplicate: 0, rejected: 0 });
    const contracts = await count('ref.instruments');
    expect(await take(path, options)).toMatchObject({ inserted: 0, duplicate: 12_000, rejected: 0 });
    expect(await count('ref.instruments')).toBe(contracts);
    const { rows } = await client.query(
      `select i.strike_e4, count(*) as quotes, min(q.bid_px_e4) as bid, max(q.ask_px_e4) as ask
       from market.option_quotes q join ref.instruments i using (instrument_id) join ref.feeds f using (feed_id)
       where f.name = 'quotes' group by i.strike_e4 order by i.strike_e4`,
    );
    const strikes = Array.from({ length: 40 }, (_, n) => 5_000_000 + n * 10_000);
    expect(rows).toEqual(
      strikes.map((strike) => ({ strike_e4: strike, quotes: 300, bid: strike, ask: strike + 1_000_000 })),
    );
  });

  it('keeps nothing of quotes that are interrupted, their contracts neither', async () => {
    const path = fileOf('stopped_quotes.csv', quoteFile(100, 200).replaceAll('QQQ', 'SPY'));
    const controller = new AbortController();
    const before = [...(await counts()), await count('market.option_quotes')];
    const stopping = {
      signal: controller.signal,
      onProgress: ({ rows }: { rows: number }) => rows > 10_000 && controller.abort(),
    };
    const options = { feed: 'stopped-quotes', symbol: 'SPY', batchRows: 500, ...stopping };
    await expect(take(path, options)).rejects.toThrow(/interrupted/);
    expect([...(await counts()), await count('market.option_quotes')]).toEqual(before);
  });

  it('keeps faulty rows apart however many there are', async () => {
    const lines = quoteFile(1, 20_000).split('\n');
    const faulty = lines.map((line, n) => (n > 100 && n % 2 === 0 ? line.replace(',600,', ',1,') : line));
    const path = fileOf('half_faulty.csv', faulty.join('\n'));
    const options = { feed: 'half-faulty', rejectRows: true, batchRows: 1_000 };
    expect(await take(path, options)).toMatchObject({ inserted: 10_050, rejected: 9_950 });
    const rejected = "market.rejected_rows where feed = 'half-faulty'";
    expect(await count(rejected)).toBe(9_950);
  });

  it('will not mix two kinds of rows in one feed', async () => {
    await take(fileOf('m1.csv', csv(barLines('2025-10-06', '09:30', 60))), { feed: 'one' });
    const fiveMinutes = barLines('2025-10-06', '09:30', 300).filter((_, n) => n % 5 === 0);
    await expect(take(fileOf('m5.csv', csv(fiveMinutes)), { feed: 'one' })).rejects.toMatchObject({
      code: 'SB007',
    });
  });

  it('flags the typical price that stands in for a vwap, in the bars too', async () => {
    const lines = barLines('2025-10-06', '09:30', 30).map((line) => line.split(',').slice(0, 6).join(','));
    const text = `timestamp,open,high,low,close,volume\n${lines.join('\n')}\n`;
    await take(fileOf('plain.csv', text), { feed: 'typical' });
    const { rows } = await client.query(
      "select bool_and(vwap_is_typical) as flagged, min(vwap) as vwap from panel.bars_1m where feed = 'typical'",
    );
    expect(rows[0]).toEqual({ flagged: true, vwap: '600.000000' });
  });

  it('puts daily index histories among the daily bars', async () => {
    const path = fileOf('VIX_History.csv', 'DATE,OPEN,HIGH,LOW,CLOSE\n10/03/2025,16.3,17.1,16.0,16.65\n');
    expect(await take(path, { symbol: undefined })).toMatchObject({ inserted: 1 });
    expect(await take(path, { symbol: undefined })).toMatchObject({ inserted: 0, duplicate: 1 });
    const { rows } = await client.query('select bar_date, close_e4 from market.daily_bars');
    expect(rows).toEqual([{ bar_date: '2025-10-03', close_e4: 166_500 }]);
  });

  it('takes the 48,811 recorded bars once', async ({ skip }) => {
    const path = sharedData('qqq_1m_sip_2025_2026', 'QQQ_1Min_2025-09-21_2026-03-21.csv');
    if (path === null) return skip('needs ../shared/data/qqq_1m_sip_2025_2026');
    expect(await take(path)).toMatchObject({ inserted: 48_811, duplicate: 0, rejected: 0 });
    expect(await take(path)).toMatchObject({ inserted: 0, duplicate: 48_811, rejected: 0 });
  });

  it('takes quotes of a minute, listings and open interest of Databento once', async () => {
    const symbol = 'SPXW  251120P05900000';
    const head = 'ts_recv,rtype,instrument_id';
    const files = [
      [
        'q.csv',
        `${head},bid_px_00,ask_px_00,bid_sz_00,ask_sz_00,symbol`,
        `193,11,4150000000,4300000000,7,9,${symbol}`,
      ],
      ['d.csv', `${head},raw_symbol`, `19,11,${symbol}`],
      ['s.csv', `${head},stat_type,quantity,symbol`, `24,11,9,812,${symbol}`],
    ] as const;
    for (const [name, header, rest] of files) {
      const path = fileOf(name, `${header}\n1763650800000000000,${rest}\n`);
      expect(await take(path, { symbol: 'SPX' }), name).toMatchObject({ inserted: 1, rejected: 0 });
      expect(await take(path, { symbol: 'SPX' }), name).toMatchObject({ inserted: 0, duplicate: 1 });
    }
    const { rows } = await client.query(`
      select s.name, s.value, s.session_date, l.session_date as listed, i.symbol, f.name as feed, f.stale_after_ms
      from market.option_statistics s join market.option_listings l using (instrument_id) join ref.instruments i using (instrument_id)
      join ref.feeds f on f.name = 'databento-cbbo-1m'
      where exists (select from market.option_quotes q where q.instrument_id = i.instrument_id and q.ts_event = '2025-11-20 10:00')`);
    expect(rows).toEqual([
      {
        ...{ name: 'open_interest', value: 812, session_date: '2025-11-20', listed: '2025-11-20', symbol },
        ...{ feed: 'databento-cbbo-1m', stale_after_ms: 900_000 },
      },
    ]);
  });

  it('takes a recorded chain once', async ({ skip }) => {
    const path = sharedData('chains_yahoo_qqq_2026_02', 'QQQ_options.csv');
    if (path === null) return skip('needs ../shared/data/chains_yahoo_qqq_2026_02');
    const options = { symbol: undefined, rejectRows: true };
    const first = await take(path, options);
    expect(first.inserted).toBeGreaterThan(6_000);
    expect(await take(path, options)).toMatchObject({ inserted: 0, duplicate: first.inserted });
    expect(await count('market.chain_snapshots')).toBe(1);
    expect(await count('market.option_snapshots')).toBe(first.inserted);
  });
});
