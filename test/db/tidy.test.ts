// What every object of the schema owes: a comment, and no more rights than its role needs.
import { describe, expect, it } from 'vitest';
import { useDatabase } from '../harness.ts';

const SCHEMAS = "('engine', 'ref', 'market', 'signal', 'trade', 'panel', 'ops')";
const db = useDatabase();

/** The first column of every row. */
async function names(text: string): Promise<string[]> {
  const { rows } = await db.pool().query<Record<string, string>>(text);
  return rows.map((row) => Object.values(row)[0] ?? '');
}

describe('comments', () => {
  it('stand on every schema, table, view and type', async () => {
    expect(
      await names(`
        select n.nspname from pg_namespace n where n.nspname in ${SCHEMAS} and obj_description(n.oid, 'pg_namespace') is null
        union all
        select c.oid::regclass::text
        from pg_class c join pg_namespace n on n.oid = c.relnamespace
        where n.nspname in ${SCHEMAS} and c.relkind in ('r', 'p', 'v') and obj_description(c.oid, 'pg_class') is null
        union all
        select t.oid::regtype::text
        from pg_type t join pg_class c on c.oid = t.typrelid join pg_namespace n on n.oid = c.relnamespace
        where n.nspname in ${SCHEMAS} and c.relkind = 'c' and obj_description(t.oid, 'pg_type') is null`),
    ).toEqual([]);
  });

  it('stand on every column of tables and panel views', async () => {
    // ref.current_strategies shows the columns of ref.strategies; rollups name theirs as the ticks do.
    expect(
      await names(`
        select c.oid::regclass::text || '.' || a.attname
        from pg_attribute a
        join pg_class c on c.oid = a.attrelid
        join pg_namespace n on n.oid = c.relnamespace
        where n.nspname in ${SCHEMAS} and c.relkind in ('r', 'p', 'v') and a.attnum > 0 and not a.attisdropped
          and col_description(c.oid, a.attnum) is null
          and not (c.relkind = 'v' and (n.nspname, c.relname) in (('ref', 'current_strategies'), ('market', 'bars_1m'), ('market', 'bars_5m')))
        order by 1`),
    ).toEqual([]);
  });

  it('stand on every function, procedure and aggregate', async () => {
    expect(
      await names(`
        select p.oid::regprocedure::text
        from pg_proc p join pg_namespace n on n.oid = p.pronamespace
        where n.nspname in ${SCHEMAS} and obj_description(p.oid, 'pg_proc') is null
          and not (n.nspname = 'engine' and p.proname = 'time_bucket')
        order by 1`),
    ).toEqual([]);
  });
});

describe('rights', () => {
  it('give the public nothing: no function, no table, no schema', async () => {
    expect(
      await names(`
        select p.oid::regprocedure::text
        from pg_proc p join pg_namespace n on n.oid = p.pronamespace
        where n.nspname in ${SCHEMAS}
          and exists (select from aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) x where x.grantee = 0)
        union all
        select c.oid::regclass::text
        from pg_class c join pg_namespace n on n.oid = c.relnamespace
        where n.nspname in ${SCHEMAS} and exists (select from aclexplode(c.relacl) x where x.grantee = 0)
        union all
        select n.nspname from pg_namespace n
        where n.nspname in ${SCHEMAS} and exists (select from aclexplode(n.nspacl) x where x.grantee = 0)
        order by 1`),
    ).toEqual([]);
  });

  it('let grafana_reader read schema panel and nothing else', async () => {
    expect(
      await names(`
        select c.oid::regclass::text
        from pg_class c join pg_namespace n on n.oid = c.relnamespace
        where n.nspname in ${SCHEMAS} and n.nspname <> 'panel' and c.relkind in ('r', 'p', 'v')
          and has_table_privilege('grafana_reader', c.oid, 'select, insert, update, delete')
        order by 1`),
    ).toEqual([]);
    expect(
      await names(`
        select c.oid::regclass::text
        from pg_class c join pg_namespace n on n.oid = c.relnamespace
        where n.nspname = 'panel' and c.relkind = 'v' and not has_table_privilege('grafana_reader', c.oid, 'select')
        order by 1`),
    ).toEqual([]);
  });

  it('let grafana_reader execute the two time conversions, panel functions, and what computes bars and greeks inside them', async () => {
    const functions = await names(`
      select distinct n.nspname || '.' || p.proname
      from pg_proc p join pg_namespace n on n.oid = p.pronamespace
      where n.nspname in ${SCHEMAS} and has_function_privilege('grafana_reader', p.oid, 'execute') and p.proname <> 'time_bucket'
      order by 1`);
    expect(functions).toEqual([
      'engine.first_px',
      'engine.last_px',
      'engine.version',
      'panel.alarms_at',
      'panel.ask_extremes',
      'panel.last_price',
      'panel.last_quote',
      'panel.last_quotes',
      'panel.lineage',
      'panel.option_greeks',
      'panel.position_mark',
      'panel.position_quotes',
      'ref.eastern',
      'ref.instant',
      'signal.bs_greeks',
      'signal.implied_volatility',
      'signal.normal_cdf',
    ]);
  });

  it('let grafana_reader read every panel view in fact', async () => {
    const views = await names(`
      select c.oid::regclass::text from pg_class c join pg_namespace n on n.oid = c.relnamespace
      where n.nspname = 'panel' and c.relkind = 'v' order by 1`);
    expect(views.length).toBeGreaterThan(10);
    const client = await db.pool().connect();
    try {
      await client.query('set role grafana_reader');
      for (const view of views) await client.query(`select * from ${view} limit 1`);
      await client.query('select * from panel.lineage(1)');
      await client.query('select ref.instant(ref.eastern(now()))');
      await expect(client.query('select 1 from market.equity_ticks')).rejects.toMatchObject({
        code: '42501',
      });
    } finally {
      await client.query('reset role');
      client.release();
    }
  });

  it('have no security definer routine at all', async () => {
    expect(
      await names(`
        select p.oid::regprocedure::text from pg_proc p join pg_namespace n on n.oid = p.pronamespace
        where n.nspname in ${SCHEMAS} and p.prosecdef`),
    ).toEqual([]);
  });
});

describe('facts', () => {
  const FACTS = [
    'market.chain_gamma',
    'market.chain_snapshots',
    'market.context_snapshots',
    'market.daily_bars',
    'market.equity_ticks',
    'market.option_listings',
    'market.option_quotes',
    'market.option_snapshots',
    'market.option_statistics',
    'market.option_trades',
    'market.rejected_rows',
    'ops.alert_outbox',
    'ref.strategies',
    'signal.periods',
    'signal.signals',
    'trade.broker_positions',
    'trade.cancel_requests',
    'trade.closed_days',
    'trade.closed_trips',
    'trade.controls',
    'trade.decisions',
    'trade.fills',
    'trade.order_events',
    'trade.order_intent_legs',
    'trade.order_intents',
    'trade.order_previews',
    'trade.reconciliations',
    'trade.skip_counts',
    'trade.slices',
    'trade.statements',
  ];

  it('are guarded in exactly these tables', async () => {
    const guarded = await names(`
      select distinct t.tgrelid::regclass::text
      from pg_trigger t join pg_proc p on p.oid = t.tgfoid join pg_class c on c.oid = t.tgrelid
      join pg_namespace n on n.oid = c.relnamespace
      where p.proname = 'forbid_change' and n.nspname in ${SCHEMAS} order by 1`);
    expect(guarded).toEqual(FACTS);
  });

  it('can be truncated by nobody, the owner included', async () => {
    for (const table of FACTS) {
      await expect(db.pool().query(`truncate ${table} cascade`), table).rejects.toMatchObject({
        code: 'SB001',
      });
    }
  });

  it('can be updated and deleted by nobody, the owner included', async () => {
    await db.pool().query(`
      insert into trade.controls (halted, reason) values (true, 'test');
      insert into market.rejected_rows (ts_recv, feed, source, raw, reason) values ('2026-01-01', 'f', 's', 'r', 'x');
      select ref.instrument_ids(array['QQQ'], 'equity'), ref.feed_id('f', 'equity', 0, 'recorded', 2000);
      insert into market.equity_ticks (
        instrument_id, feed_id, ts_event, seq, event_ns, span_ms, open_e4, high_e4, low_e4, close_e4, vwap_e6, vwap_is_typical,
        volume_e6, ts_recv
      ) values (1, 1, '2026-01-02 10:00', 0, 0, 0, 1, 1, 1, 1, 1, false, 1, '2026-01-02 10:00');
    `);
    const changes = [
      "update trade.controls set reason = 'other'",
      'delete from trade.controls',
      "update market.rejected_rows set raw = ''",
      'update market.equity_ticks set close_e4 = 2',
      'delete from market.equity_ticks',
      'update ref.strategies set contracts = 1',
    ];
    for (const change of changes) {
      await expect(db.pool().query(change), change).rejects.toMatchObject({ code: 'SB001' });
    }
  });
});
